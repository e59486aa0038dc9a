package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

// reply writes the answer to one request. A short body is held back so that its length can be told; what is long or
// flushed goes out in chunks (RFC 9112 7.1), or until the end of the connection for HTTP/1.0.
type reply struct {
	out    *bufio.Writer
	c      net.Conn
	r      *http.Request
	header http.Header
	status int
	held   []byte
	body   io.Writer // where the body goes once the header is out
	last   bool      // no further request on this connection
	sent   bool      // the header is out
}

const heldMax = 4 << 10

// Header implements http.ResponseWriter.
func (w *reply) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *reply) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *reply) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !w.hasBody() {
		return len(b), nil
	}
	if !w.sent {
		if len(w.held)+len(b) <= heldMax {
			w.held = append(w.held, b...)
			return len(b), nil
		}
		if err := w.begin(-1); err != nil {
			return 0, err
		}
	}
	return w.body.Write(b)
}

// FlushError is for http.ResponseController.
func (w *reply) FlushError() error {
	w.WriteHeader(http.StatusOK)
	if !w.sent {
		if err := w.begin(-1); err != nil {
			return err
		}
	}
	return w.out.Flush()
}

// SetReadDeadline is for http.ResponseController.
func (w *reply) SetReadDeadline(t time.Time) error { return w.c.SetReadDeadline(t) }

// SetWriteDeadline is for http.ResponseController.
func (w *reply) SetWriteDeadline(t time.Time) error { return w.c.SetWriteDeadline(t) }

func (w *reply) hasBody() bool {
	return w.r.Method != http.MethodHead && w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// begin sends the header and what is held. length is that of the body, -1 if nobody knows yet.
func (w *reply) begin(length int) error {
	w.sent, w.body = true, w.out
	h := w.header
	chunked := false
	switch {
	case length >= 0 && w.hasBody():
		h.Set("Content-Length", strconv.Itoa(length))
	case length < 0 && w.hasBody() && w.r.ProtoAtLeast(1, 1):
		chunked = true
		h.Set("Transfer-Encoding", "chunked")
	case length < 0 && w.hasBody():
		w.last = true
	}
	if h.Get("Content-Type") == "" && len(w.held) > 0 {
		h.Set("Content-Type", http.DetectContentType(w.held))
	}
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	switch {
	case w.last:
		h.Set("Connection", "close")
	case !w.r.ProtoAtLeast(1, 1):
		h.Set("Connection", "keep-alive")
	}
	io.WriteString(w.out, "HTTP/1.1 "+strconv.Itoa(w.status)+" "+http.StatusText(w.status)+"\r\n")
	h.Write(w.out)
	io.WriteString(w.out, "\r\n")
	if chunked {
		w.body = httputil.NewChunkedWriter(w.out)
	}
	if len(w.held) == 0 {
		return nil // an empty chunk would be the last one
	}
	_, err := w.body.Write(w.held)
	return err
}

// finish completes the answer, and says whether it went out.
func (w *reply) finish() error {
	w.WriteHeader(http.StatusOK)
	if !w.sent {
		if err := w.begin(len(w.held)); err != nil {
			return err
		}
	} else if end, ok := w.body.(io.Closer); ok {
		end.Close()
		io.WriteString(w.out, "\r\n") // no trailers
	}
	return w.out.Flush()
}
