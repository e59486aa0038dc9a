package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// door serves h on a socket of its own and returns a function that connects to it.
func door(t *testing.T, h http.HandlerFunc) (dial func() net.Conn, w *waiter) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w = newWaiter(l, h, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- w.serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		w.shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return func() net.Conn {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { c.Close() })
		return c
	}, w
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case r.URL.Path == "/fault":
		panic("on purpose")
	case r.URL.Path == "/long":
		for range 100 {
			io.WriteString(w, strings.Repeat("x", 100))
		}
	case r.URL.Path == "/none":
		w.WriteHeader(http.StatusNoContent)
	default:
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(b))
	}
}

// Raw requests in, raw answers out: what net/http's client would hide.
func TestWaiterAnswers(t *testing.T) {
	dial, _ := door(t, echo)
	for _, tt := range []struct{ name, in, want string }{
		{"one", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 GET /a 0;"},
		{"two, pipelined", "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 GET /a 0;200 GET /b 0;"},
		{"body, then another", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 POST /a 3;200 GET /b 0;"},
		{"chunked body", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n0\r\n\r\n", "200 POST /a 2;"},
		{"1.0 closes", "GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n", "200 GET /a 0;"},
		{"1.0 kept alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n", "200 GET /a 0;200 GET /b 0;"},
		{"long is chunked", "GET /long HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 " + strings.Repeat("x", 10000) + ";200 GET /b 0;"},
		{"long to 1.0", "GET /long HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 " + strings.Repeat("x", 10000) + ";"},
		{"no content", "GET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "204 ;200 GET /b 0;"},
		{"no host", "GET /a HTTP/1.1\r\n\r\n", "400 ;"},
		{"no request", "\x00\x01 rubbish\r\n\r\n", "400 ;"},
		{"header too large", "GET /a HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", headerMax) + "\r\n\r\n", "431 ;"},
		{"body too large is cut and ends the connection", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), fmt.Sprintf("200 POST /a %d;", bodyMax+1)},
		{"fault ends the connection", "GET /fault HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "200 ;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial()
			go io.WriteString(c, tt.in)
			in := bufio.NewReader(c)
			got := ""
			for {
				r, err := http.ReadResponse(in, nil)
				if err != nil {
					break // the connection ended
				}
				b, err := io.ReadAll(r.Body)
				if err != nil {
					t.Fatalf("body: %v", err)
				}
				got += fmt.Sprintf("%d %s;", r.StatusCode, b)
			}
			if got != tt.want {
				t.Errorf("got %.200q, want %.200q", got, tt.want)
			}
		})
	}
}

func TestWaiterHEADHasNoBody(t *testing.T) {
	dial, _ := door(t, echo)
	c := dial()
	io.WriteString(c, "HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, body, _ := strings.Cut(string(b), "\r\n\r\n"); body != "" {
		t.Errorf("body %q", body)
	}
}

// A client that waits for 100 before it sends its body gets it.
func TestWaiterExpectContinue(t *testing.T) {
	dial, _ := door(t, echo)
	c := dial()
	io.WriteString(c, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	io.WriteString(c, "ab")
	if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), "POST /a 2") {
		t.Errorf("%q, %v", b, err)
	}
}

// When the client leaves, the handler's context ends.
func TestWaiterNoticesThatTheClientLeft(t *testing.T) {
	told := make(chan struct{})
	dial, _ := door(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(told)
	})
	c := dial()
	io.WriteString(c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	c.Close()
	<-told
}

// Too many connections are turned away; those that are there go on, and places become free again.
func TestWaiterTurnsAway(t *testing.T) {
	dial, w := door(t, echo)
	var all []net.Conn
	for range guestsMax {
		all = append(all, dial())
	}
	for n := 0; n < guestsMax; { // until all are seated
		w.mu.Lock()
		n = len(w.guests)
		w.mu.Unlock()
	}
	if b, err := io.ReadAll(dial()); err != nil || len(b) > 0 {
		t.Errorf("one too many: %q, %v", b, err)
	}
	io.WriteString(all[0], "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(all[0]); err != nil || !strings.Contains(string(b), "GET /a 0") {
		t.Errorf("first: %q, %v", b, err)
	}
}

// shutdown lets a request finish, closes idle connections at once, and cuts off what takes too long.
func TestWaiterShutdown(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	dial, w := door(t, func(rw http.ResponseWriter, r *http.Request) {
		close(began)
		select {
		case <-end:
		case <-r.Context().Done():
		}
		io.WriteString(rw, "done")
	})
	idle, busy := dial(), dial()
	io.WriteString(busy, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	down := make(chan error, 1)
	go func() { down <- w.shutdown(context.Background()) }()
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("idle connection: %v", err)
	}
	close(end)
	if b, err := io.ReadAll(busy); err != nil || !strings.HasSuffix(string(b), "done") {
		t.Errorf("request under way: %q, %v", b, err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}
