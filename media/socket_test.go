package media

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

func openUDP(t testing.TB, at string) PacketConn {
	t.Helper()
	c, err := UDP().ListenMedia(netip.MustParseAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// await reads until something is there: loopback delivers within the write, but the test does not count on it.
func await(t testing.TB, c PacketConn, b []byte) (int, netip.AddrPort) {
	t.Helper()
	for range 1000 {
		n, from, err := c.TryRead(b)
		if err == nil {
			return n, from
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nothing came")
	return 0, netip.AddrPort{}
}

func TestUDPSocket(t *testing.T) {
	for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(host, func(t *testing.T) {
			a, b := openUDP(t, host), openUDP(t, host)
			buf := make([]byte, 64)
			if _, _, err := b.TryRead(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("empty socket: %v", err)
			}
			if n, err := a.WriteToAddrPort([]byte("voice"), b.LocalAddrPort()); n != 5 || err != nil {
				t.Fatalf("write: %d, %v", n, err)
			}
			if n, from := await(t, b, buf); string(buf[:n]) != "voice" || from != a.LocalAddrPort() {
				t.Errorf("got %q from %v, want voice from %v", buf[:n], from, a.LocalAddrPort())
			}
			long := bytes.Repeat([]byte{7}, 200)
			if _, err := a.WriteToAddrPort(long, b.LocalAddrPort()); err != nil {
				t.Fatal(err)
			}
			if n, _ := await(t, b, buf); n != len(buf) {
				t.Errorf("long datagram: %d bytes, want it cut to %d", n, len(buf))
			}
			if _, err := a.WriteToAddrPort(nil, b.LocalAddrPort()); err != nil {
				t.Fatal(err)
			}
			if n, _ := await(t, b, buf); n != 0 {
				t.Errorf("empty datagram: %d bytes", n)
			}
			b.Close()
			if _, _, err := b.TryRead(buf); !errors.Is(err, net.ErrClosed) {
				t.Errorf("read after close: %v", err)
			}
			if _, err := b.WriteToAddrPort(long, a.LocalAddrPort()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("write after close: %v", err)
			}
		})
	}
}

func TestUDPSocketIsMarkedExpedited(t *testing.T) {
	tests := []struct {
		at            string
		level, option int
	}{
		{"127.0.0.1:0", syscall.IPPROTO_IP, syscall.IP_TOS},
		{"[::1]:0", syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS},
	}
	for _, tt := range tests {
		s, ok := openUDP(t, tt.at).(*udpSocket)
		if !ok {
			t.Fatal("not a udpSocket")
		}
		var got int
		var err error
		if cerr := s.raw.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), tt.level, tt.option) }); cerr != nil || err != nil {
			t.Fatal(cerr, err)
		}
		if got != 46<<2 {
			t.Errorf("%s: traffic class %#x, want %#x", tt.at, got, 46<<2)
		}
	}
}

func TestUDPSocketDoesNotAllocate(t *testing.T) {
	for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
		a, b := openUDP(t, host), openUDP(t, host)
		to, buf, packet := b.LocalAddrPort(), make([]byte, 1500), make([]byte, 172)
		read := 0
		if got := testing.AllocsPerRun(200, func() {
			if _, err := a.WriteToAddrPort(packet, to); err != nil {
				t.Fatal(err)
			}
			for {
				if _, _, err := b.TryRead(buf); err != nil {
					break
				}
				read++
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations", host, got)
		}
		if read < 200 {
			t.Errorf("%s: read %d datagrams of 201", host, read)
		}
	}
}
