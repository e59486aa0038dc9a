package memnet

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	alice = netip.MustParseAddrPort("10.0.0.1:5060")
	bob   = netip.MustParseAddrPort("10.0.0.2:5060")
)

// media is the contract of the media room, written again: ListenMedia must fit it without an import.
type media interface {
	ListenMedia(netip.AddrPort) (interface {
		TryRead(b []byte) (n int, from netip.AddrPort, err error)
		WriteToAddrPort(b []byte, to netip.AddrPort) (int, error)
		LocalAddrPort() netip.AddrPort
		Close() error
	}, error)
}

var _ media = (*Network)(nil)

func pair(t *testing.T, o Options) (*Network, *Conn, *Conn) {
	t.Helper()
	n := New(o)
	t.Cleanup(func() { n.Close() })
	return n, listen(t, n, alice), listen(t, n, bob)
}

func listen(t *testing.T, n *Network, at netip.AddrPort) *Conn {
	t.Helper()
	c, err := n.Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c *Conn, to netip.AddrPort, text string) {
	t.Helper()
	if n, err := c.WriteToAddrPort([]byte(text), to); err != nil || n != len(text) {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

// drain takes what waits in the queue now.
func drain(c *Conn) (got []string) {
	b := make([]byte, 2048)
	for {
		n, _, err := c.TryRead(b)
		if err != nil {
			return got
		}
		got = append(got, string(b[:n]))
	}
}

func TestDeliveryIsImmediateOrderedAndAddressed(t *testing.T) {
	_, a, b := pair(t, Options{})
	send(t, a, bob, "one")
	send(t, a, bob, "two")
	buf := make([]byte, 16)
	n, from, err := b.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "one" || from.String() != alice.String() {
		t.Fatalf("read %q from %v, %v", buf[:n], from, err)
	}
	if n, at, err := b.ReadFromUDPAddrPort(buf[:2]); err != nil || string(buf[:n]) != "tw" || at != alice {
		t.Fatalf("short read %q from %v, %v: want the first 2 bytes", buf[:n], at, err)
	}
	if _, _, err := b.TryRead(buf); err != os.ErrDeadlineExceeded {
		t.Fatalf("TryRead of an empty queue: %v", err)
	}
	if _, err := b.WriteTo([]byte("back"), from); err != nil {
		t.Fatal(err)
	}
	if got := drain(a); len(got) != 1 || got[0] != "back" {
		t.Fatalf("answer: %q", got)
	}
}

func TestPorts(t *testing.T) {
	n := New(Options{})
	defer n.Close()
	a := listen(t, n, netip.AddrPortFrom(alice.Addr(), 0))
	if p := a.LocalAddrPort(); p.Port() != firstFreePort || p.Addr() != alice.Addr() {
		t.Errorf("port 0 gave %v", p)
	}
	if _, err := n.Listen(a.LocalAddrPort()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("taken port: %v", err)
	}
	if b := listen(t, n, netip.AddrPortFrom(alice.Addr(), 0)); b.LocalAddrPort().Port() != firstFreePort+1 {
		t.Errorf("second port 0 gave %v", b.LocalAddrPort())
	}
	a.Close()
	listen(t, n, a.LocalAddrPort()) // freed
	if c := listen(t, n, netip.AddrPort{}); c.LocalAddrPort().Addr() != loopback4 {
		t.Errorf("no address gave %v", c.LocalAddrPort())
	}
	n.Close()
	if _, err := n.Listen(netip.AddrPort{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listen after close: %v", err)
	}
}

func TestUnspecifiedAddressHearsAll(t *testing.T) {
	n, a, _ := pair(t, Options{})
	w := listen(t, n, netip.MustParseAddrPort("0.0.0.0:7000"))
	send(t, a, netip.MustParseAddrPort("10.9.9.9:7000"), "hello")
	if got := drain(w); len(got) != 1 {
		t.Fatalf("got %q", got)
	}
	send(t, w, alice, "from")
	buf := make([]byte, 8)
	if _, from, _ := a.TryRead(buf); from != netip.MustParseAddrPort("127.0.0.1:7000") {
		t.Errorf("source %v, want loopback", from)
	}
	six := listen(t, n, netip.MustParseAddrPort("[::]:7000"))
	send(t, a, netip.MustParseAddrPort("[2001:db8::1]:7000"), "six")
	send(t, a, netip.MustParseAddrPort("[::ffff:10.0.0.2]:7000"), "mapped") // is IPv4
	if got := drain(six); len(got) != 1 || got[0] != "six" {
		t.Errorf("[::] got %q", got)
	}
}

func TestWriteErrors(t *testing.T) {
	n, a, _ := pair(t, Options{})
	for _, c := range []struct {
		name string
		do   func() error
		want error
	}{
		{"too long", func() error { _, err := a.WriteToAddrPort(make([]byte, MaxPayload+1), bob); return err }, syscall.EMSGSIZE},
		{"no address", func() error { _, err := a.WriteToAddrPort(nil, netip.AddrPort{}); return err }, syscall.EINVAL},
		{"port 0", func() error { _, err := a.WriteToAddrPort(nil, Host("10.0.0.2")); return err }, syscall.EINVAL},
		{"not UDP", func() error { _, err := a.WriteTo(nil, &net.TCPAddr{}); return err }, syscall.EINVAL},
		{"nil UDP", func() error { _, err := a.WriteTo(nil, (*net.UDPAddr)(nil)); return err }, syscall.EINVAL},
		{"deadline", func() error {
			a.SetWriteDeadline(time.Unix(1, 0))
			defer a.SetWriteDeadline(time.Time{})
			_, err := a.WriteToAddrPort(nil, bob)
			return err
		}, os.ErrDeadlineExceeded},
		{"address gone", func() error {
			n.FailWrites(alice.Addr(), syscall.ENETUNREACH)
			defer n.FailWrites(alice.Addr(), nil)
			_, err := a.WriteToAddrPort(nil, bob)
			return err
		}, syscall.ENETUNREACH},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if s := n.Stats(); s != (Stats{}) {
		t.Errorf("failed writes were counted: %+v", s)
	}
}

func TestReadDeadlineAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, _ := pair(t, Options{})
		start := time.Now()
		a.SetReadDeadline(start.Add(3 * time.Second))
		var ne net.Error
		if _, _, err := a.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
			t.Fatalf("deadline: %v", err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("woke after %v", d)
		}
		// A reader that is blocked already hears of a deadline that is set meanwhile, and of its removal.
		a.SetReadDeadline(time.Time{})
		done := make(chan error)
		read := func() { _, _, err := a.ReadFrom(nil); done <- err }
		go read()
		synctest.Wait()
		a.SetDeadline(time.Now().Add(time.Second))
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("deadline set meanwhile: %v", err)
		}
		a.SetDeadline(time.Time{})
		go read()
		go read()
		synctest.Wait()
		a.Close()
		for range 2 {
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("close: %v", err)
			}
		}
		if _, err := a.WriteToAddrPort(nil, bob); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
		if _, _, err := a.TryRead(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("TryRead after close: %v", err)
		}
		if err := errors.Join(a.SetReadDeadline(start), a.SetWriteDeadline(start)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("deadline after close: %v", err)
		}
		if err := a.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
	})
}

func TestEveryReaderIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, Options{})
		got := make(chan int, 3)
		for range 3 {
			go func() { n, _, _ := b.ReadFrom(make([]byte, 9)); got <- n }()
		}
		synctest.Wait()
		for i := range 3 {
			send(t, a, bob, "xxx"[:i+1])
		}
		if sum := <-got + <-got + <-got; sum != 6 {
			t.Errorf("bytes read: %d", sum)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	n, a, b := pair(t, Options{Queue: 3})
	for i := range 5 {
		send(t, a, bob, fmt.Sprint(i))
	}
	if b.Dropped() != 2 || b.Queued() != 3 || n.Stats().Overflowed != 2 {
		t.Errorf("dropped %d queued %d stats %+v", b.Dropped(), b.Queued(), n.Stats())
	}
	if got := fmt.Sprint(drain(b)); got != "[0 1 2]" {
		t.Errorf("kept %s: the newest must go", got)
	}
}

func TestRefusal(t *testing.T) {
	nobody := netip.MustParseAddrPort("10.0.0.9:9")
	t.Run("off", func(t *testing.T) {
		n, a, _ := pair(t, Options{})
		send(t, a, nobody, "x")
		send(t, a, nobody, "x")
		if n.Stats().Unheard != 2 {
			t.Errorf("%+v", n.Stats())
		}
	})
	t.Run("on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, a, b := pair(t, Options{Refuse: true, Link: Link{Latency: time.Second}})
			send(t, a, nobody, "x")
			start := time.Now()
			_, _, err := a.ReadFrom(nil)
			var op *net.OpError
			if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) || op.Addr.String() != nobody.String() {
				t.Fatalf("read: %v", err)
			}
			if d := time.Since(start); d != time.Second {
				t.Errorf("after %v", d)
			}
			send(t, a, nobody, "x") // reported once
			time.Sleep(2 * time.Second)
			if _, err := a.WriteToAddrPort(nil, bob); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("write: %v", err)
			}
			n.Inject(nil, bob, nobody) // a forged source has no socket that hears of it
			time.Sleep(2 * time.Second)
			if _, _, err := b.TryRead(nil); err != os.ErrDeadlineExceeded {
				t.Errorf("innocent socket: %v", err)
			}
		})
	})
}

func TestTap(t *testing.T) {
	n, a, _ := pair(t, Options{})
	var seen []Datagram
	n.OnDatagram(func(d Datagram) { seen = append(seen, d) })
	n.OnDatagram(func(d Datagram) { d.Payload[0] = '!' }) // shared, but never with the sender
	msg := []byte("hello")
	a.WriteToAddrPort(msg, bob)
	n.Blackhole(bob, true)
	a.WriteToAddrPort(msg, bob)
	n.Blackhole(bob, false)
	n.SetLink(Any, bob, Link{Loss: 100})
	a.WriteToAddrPort(msg, bob)
	n.SetLink(Any, bob, Link{Duplicate: 100})
	a.WriteToAddrPort(msg, bob)
	n.Inject(msg, netip.MustParseAddrPort("192.0.2.1:1"), bob)
	want := []Fate{Passed, Cut, Lost, Duplicated, Duplicated}
	if len(seen) != len(want) || !bytes.Equal(msg, []byte("hello")) {
		t.Fatalf("%d datagrams, message %q", len(seen), msg)
	}
	for i, d := range seen {
		if d.Fate != want[i] || d.To != bob || i > 0 && d.Seq <= seen[i-1].Seq {
			t.Errorf("%d: %v", i, d)
		}
	}
	if seen[4].From.String() != "192.0.2.1:1" {
		t.Errorf("injected from %v", seen[4].From)
	}
}
