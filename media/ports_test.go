package media

import (
	"net/netip"
	"strings"
	"testing"

	"tipring/internal/memnet"
)

var loopback = netip.MustParseAddr("127.0.0.1")

func TestOpenTakesAnEvenPortAndTheOddOneBesideIt(t *testing.T) {
	n := memnet.New(memnet.Options{})
	seen := map[uint16]bool{}
	var streams []*Stream
	for range 5 { // 20001 to 20011 hold exactly five pairs
		s, err := Open(n, loopback, PortRange{20001, 20011})
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
		port := s.LocalAddrPort().Port()
		if port%2 != 0 || port < 20002 || port > 20010 || seen[port] {
			t.Errorf("RTP port %d", port)
		}
		seen[port] = true
		if _, err := n.Listen(netip.AddrPortFrom(loopback, port+1)); err == nil {
			t.Errorf("RTCP port %d is free for anybody", port+1)
		}
	}
	if _, err := Open(n, loopback, PortRange{20001, 20011}); err == nil || !strings.Contains(err.Error(), "20001-20011") {
		t.Errorf("a full range: %v", err)
	}
	streams[2].Close()
	s, err := Open(n, loopback, PortRange{20001, 20011})
	if err != nil {
		t.Fatalf("after one call ended: %v", err)
	}
	if s.LocalAddrPort() != streams[2].LocalAddrPort() {
		t.Errorf("got %v, only %v was free", s.LocalAddrPort(), streams[2].LocalAddrPort())
	}
}

func TestOpenStepsOverAHalfTakenPair(t *testing.T) {
	n := memnet.New(memnet.Options{})
	if _, err := n.Listen(netip.MustParseAddrPort("127.0.0.1:20001")); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		s, err := Open(n, loopback, PortRange{20000, 20003})
		if err != nil {
			t.Fatal(err)
		}
		if p := s.LocalAddrPort().Port(); p != 20002 {
			t.Errorf("port %d, although 20001 is taken", p)
		}
		s.Close()
	}
	if _, err := n.Listen(netip.MustParseAddrPort("127.0.0.1:20000")); err != nil {
		t.Errorf("the even half of the pair that failed was not given back: %v", err)
	}
}

func TestOpenRefusesARangeWithoutAPair(t *testing.T) {
	n := memnet.New(memnet.Options{})
	for _, r := range []PortRange{{}, {20000, 20000}, {20001, 20002}, {20010, 20000}, {65535, 65535}} {
		if s, err := Open(n, loopback, r); err == nil {
			t.Errorf("%v: opened %v", r, s.LocalAddrPort())
		}
	}
	if s, err := Open(n, loopback, PortRange{65534, 65535}); err != nil {
		t.Errorf("the last pair: %v", err)
	} else {
		s.Close()
	}
	if _, err := Open(UDP(), netip.MustParseAddr("203.0.113.7"), PortRange{20000, 40000}); err == nil {
		t.Error("opened a port on an address that is not ours")
	}
}
