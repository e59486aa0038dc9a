package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

// waiter serves HTTP/1.1 behind one door. It reads and writes with net/http's own codec, but is not its Server: that
// one cannot be linked without a TLS stack, which makes 1.4 MB of a MIPS firmware and is of no use on a Unix socket.
//
// Goroutines: one accepts, one serves each connection, and one more for a request under way notices that the client
// left. shutdown waits for all of them.
type waiter struct {
	door    net.Listener
	handler http.Handler
	log     *slog.Logger

	mu      sync.Mutex
	guests  map[*guest]bool // true: between two requests
	closing bool
	done    sync.WaitGroup
}

const (
	guestsMax  = 256 // connections at once; more are turned away
	acceptWait = 50 * time.Millisecond
)

func newWaiter(door net.Listener, h http.Handler, log *slog.Logger) *waiter {
	return &waiter{door: door, handler: h, log: log, guests: map[*guest]bool{}}
}

// serve accepts until the door closes; nil after shutdown.
func (s *waiter) serve() error {
	for {
		c, err := s.door.Accept()
		if err != nil {
			if s.isClosing() {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			<-time.After(acceptWait) // no file descriptors left: they come back
			continue
		}
		g := &guest{s: s, c: c, limit: io.LimitedReader{R: c}}
		g.in = bufio.NewReader(&g.limit)
		if !s.admit(g) {
			c.Close()
			continue
		}
		go g.stay()
	}
}

func (s *waiter) admit(g *guest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || len(s.guests) >= guestsMax {
		return false
	}
	s.guests[g] = true
	s.done.Add(1)
	return true
}

func (s *waiter) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// idle notes whether g is between two requests. It is false when g should leave.
func (s *waiter) idle(g *guest, yes bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guests[g] = yes
	return !s.closing
}

func (s *waiter) leave(g *guest) {
	s.mu.Lock()
	delete(s.guests, g)
	s.mu.Unlock()
	s.done.Done()
}

// shutdown lets requests under way finish until ctx ends, then cuts them off, and waits for every goroutine.
func (s *waiter) shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for g, idle := range s.guests {
		if idle {
			g.c.Close()
		}
	}
	s.mu.Unlock()
	err := s.door.Close()
	gone := make(chan struct{})
	go func() {
		s.done.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
		s.mu.Lock()
		for g := range s.guests {
			g.c.Close()
		}
		s.mu.Unlock()
		<-gone
	}
	return err
}

// guest is one connection.
type guest struct {
	s     *waiter
	c     net.Conn
	limit io.LimitedReader // under in: bounds what one request may take
	in    *bufio.Reader
}

func (g *guest) stay() {
	defer g.s.leave(g)
	defer g.c.Close()
	ctx := withPeer(context.Background(), g.c)
	for wait := headerTime; g.s.idle(g, true); wait = idleTime {
		g.c.SetReadDeadline(time.Now().Add(wait))
		g.limit.N = headerMax
		if _, err := g.in.Peek(1); err != nil {
			return
		}
		g.s.idle(g, false)
		if !g.request(ctx) {
			return
		}
	}
}

// request serves one request; false: the connection is over.
func (g *guest) request(ctx context.Context) (more bool) {
	g.c.SetReadDeadline(time.Now().Add(headerTime))
	r, err := http.ReadRequest(g.in)
	if err != nil {
		g.refuse(err)
		return false
	}
	g.c.SetWriteDeadline(time.Now().Add(writeTime))
	g.limit.N = math.MaxInt64 // the body has a bound of its own
	if r.ProtoAtLeast(1, 1) && r.Host == "" {
		g.refuse(errors.New("no Host")) // RFC 9112 3.2
		return false
	}
	whole, err := g.takeBody(r)
	if err != nil {
		return false
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := g.watch(cancel)
	w := &reply{out: bufio.NewWriter(g.c), c: g.c, r: r, header: http.Header{}, last: !whole || r.Close || g.s.isClosing()}
	served := g.handle(w, r.WithContext(ctx))
	err = w.finish()
	stop()
	return served && err == nil && !w.last
}

// takeBody reads the body before the handler runs: it is small, and then the connection can be watched. Beyond the
// bound one byte more is kept, by which the handler sees that it is too large; whole is false then.
func (g *guest) takeBody(r *http.Request) (whole bool, err error) {
	if r.Body == http.NoBody {
		return true, nil
	}
	if r.Header.Get("Expect") != "" && r.ProtoAtLeast(1, 1) { // RFC 9110 10.1.1
		if _, err := io.WriteString(g.c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false, err
		}
	}
	g.c.SetReadDeadline(time.Now().Add(readTime))
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax+1))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return len(body) <= bodyMax, err
}

// watch calls gone when the client leaves while its request is under way. stop ends the watching.
func (g *guest) watch(gone func()) (stop func()) {
	g.c.SetReadDeadline(time.Time{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		if _, err := g.in.Peek(1); err != nil {
			gone()
		}
	}()
	return func() {
		g.c.SetReadDeadline(time.Unix(1, 0)) // wakes Peek
		<-over
	}
}

// handle runs the handler. A fault in it costs this connection only.
func (g *guest) handle(w *reply, r *http.Request) (ok bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			g.s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "fault", p)
		}
	}()
	g.s.handler.ServeHTTP(w, r)
	return true
}

// refuse answers what is no request.
func (g *guest) refuse(err error) {
	var timeout net.Error
	if errors.Is(err, io.EOF) || errors.As(err, &timeout) && timeout.Timeout() {
		return
	}
	status := "400 Bad Request"
	if g.limit.N <= 0 {
		status = "431 Request Header Fields Too Large"
	}
	g.c.SetWriteDeadline(time.Now().Add(time.Second))
	io.WriteString(g.c, "HTTP/1.1 "+status+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}
