package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The pair on real sockets: it says where it listens, answers, and goes away when it is told to.
func TestExchangeOnRealUDP(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- exchangeCommand(ctx, []string{"--listen", "127.0.0.1:0,127.0.0.1:0", "--user", "1001:pw", "--trace"}, w, t.Output())
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	next := func() string {
		if !lines.Scan() {
			t.Fatal("no more lines")
		}
		return lines.Text()
	}
	if got := next(); got != "domain example.net, users 1001" {
		t.Errorf("first line %q", got)
	}
	var clients []net.Conn
	for _, sbc := range []string{"sbc 1 at ", "sbc 2 at "} {
		at, ok := strings.CutPrefix(next(), sbc)
		if !ok {
			t.Fatalf("no %q", sbc)
		}
		c, err := net.Dial("udp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write([]byte("OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP " + c.LocalAddr().String() +
			";branch=z9hG4bK" + at + "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:example.net>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"))
	}
	seen := strings.Join([]string{next(), next(), next(), next()}, "\n") // two in, two out
	if strings.Count(seen, `"OPTIONS sip:example.net SIP/2.0"`) != 2 || strings.Count(seen, `"SIP/2.0 200 OK"`) != 2 {
		t.Errorf("trace:\n%s", seen)
	}
	for _, c := range clients {
		buf := make([]byte, 2048)
		if n, err := c.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200 OK\r\n") {
			t.Errorf("%s answered %q, %v", c.RemoteAddr(), buf[:n], err)
		}
	}
	stop()
	if c := <-code; c != exitOK {
		t.Errorf("exit %d", c)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name string
		args string
		code int
		says string
	}{
		{"nothing", "", exitUsage, "tipring-lab exchange"},
		{"help", "help", exitOK, "tipring-lab exchange"},
		{"version", "version", exitOK, "tipring-lab dev"},
		{"unknown", "exchnage", exitUsage, `there is no "exchnage"`},
		{"help of one", "exchange -h", exitOK, "NAME:PASSWORD"},
		{"unknown option", "exchange --lisen x", exitUsage, "lisen"},
		{"a word too many", "exchange now", exitUsage, `what is "now"`},
		{"bad user", "exchange --user 1001", exitUsage, "NAME:PASSWORD"},
		{"bad address", "exchange --listen 127.0.0.1:0,localhost", exitFailed, `"localhost" is not an address`},
		{"bad algorithm", "exchange --algorithms MD4", exitUsage, "MD4"},
	} {
		var said strings.Builder
		if got := run(t.Context(), strings.Fields(c.args), &said, &said); got != c.code || !strings.Contains(said.String(), c.says) {
			t.Errorf("%s: exit %d, said %q", c.name, got, said.String())
		}
	}
}
