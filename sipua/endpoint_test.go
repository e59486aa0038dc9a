package sipua

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

func TestEndpoint_RefusesWhatCannotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		defer n.Close()
		for at, c := range map[string]struct {
			cfg  Config
			want string
		}{
			"0.0.0.0:5060":  {Config{}, "no address that others can answer to"},
			"10.0.0.9:5070": {Config{Servers: []Server{{Host: "x", Transport: "tls"}}}, `transport "tls" is not there yet`},
		} {
			pc, err := n.Listen(netip.MustParseAddrPort(at))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := NewEndpoint(pc, c.cfg, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", at, err)
			}
		}
	})
}

// Via, Contact and what comes back, over IPv6.
func TestR10_IPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		defer n.Close()
		us, _ := n.Listen(netip.MustParseAddrPort("[2001:db8::9]:5060"))
		them, _ := n.Listen(netip.MustParseAddrPort("[2001:db8::1]:5060"))
		ep, err := NewEndpoint(us, Config{Servers: []Server{{Host: "2001:db8::1"}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ev := newRecorder(t)
		ep.Agent(Account{User: "1001"}, ev.notify).Register(true)
		p := &peer{t: t, conn: them, at: netip.MustParseAddrPort("[2001:db8::1]:5060")}
		m := p.expect("REGISTER")
		if m.uri() != "sip:[2001:db8::1]" || !strings.HasPrefix(m.h("Via"), "SIP/2.0/UDP [2001:db8::9]:5060;") || !strings.HasSuffix(m.contactURI(), "@[2001:db8::9]:5060") {
			t.Errorf("%s", m)
		}
		answer := compose("SIP/2.0 200 OK", []string{"Via: " + m.h("Via"), "From: " + m.h("From"), "To: " + m.h("To"), "Call-ID: " + m.h("Call-ID"), "CSeq: " + m.h("CSeq"), "Contact: " + m.h("Contact")}, "")
		them.WriteToAddrPort([]byte(answer), netip.MustParseAddrPort("[2001:db8::9]:5060"))
		ev.until(Registered, time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
		defer cancel()
		ep.Close(ctx)
	})
}

// The reader survives errors of the socket, with a pause that grows, and ends when the socket is closed.
func TestA5_ReaderSurvivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		defer n.Close()
		conn, _ := n.Listen(ourAt)
		sick := &sickSocket{Conn: conn}
		ep, err := NewEndpoint(plain{sick}, Config{Domain: "d", Servers: []Server{{Host: "10.0.0.1"}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if e := ep.Stats().SocketErrors; e < 5 || e > 400 {
			t.Errorf("%d reads in ten sick minutes", e)
		}
		sick.well.Store(true)
		time.Sleep(5 * time.Second)
		sbc, _ := n.Listen(sbc1At)
		p := &peer{t: t, conn: sbc, at: sbc1At}
		p.callFrom("", "<sip:sbc@d>")
		p.raw(strings.Replace(p.callFrom("x", "<sip:sbc@d>").request("OPTIONS"), "sip:x@", "sip:", 1))
		p.expect("200")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := ep.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// plain hides the fast calls of a connection: net.PacketConn and no more.
type plain struct{ net.PacketConn }

type sickSocket struct {
	*memnet.Conn
	well atomic.Bool
}

func (s *sickSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	if !s.well.Load() {
		return 0, nil, errors.New("input/output error")
	}
	return s.Conn.ReadFrom(b)
}

// Over the kernel's UDP, which the bubbles do not see: two endpoints that are each other's server.
func TestD7_CallOverRealUDP(t *testing.T) {
	var pcs [2]net.PacketConn
	for i := range pcs {
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		pcs[i] = pc
	}
	var eps [2]*Endpoint
	var agents [2]*Agent
	var evs [2]*recorder
	for i := range pcs {
		at := pcs[1-i].LocalAddr().(*net.UDPAddr).AddrPort()
		ep, err := NewEndpoint(pcs[i], Config{Domain: "d", Servers: []Server{{Host: at.Addr().String(), Port: at.Port()}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		eps[i], evs[i] = ep, newRecorder(t)
		agents[i] = ep.Agent(Account{User: []string{"1", "2"}[i]}, evs[i].notify)
	}
	c := agents[0].Invite("2", []byte(offerSDP))
	in := next[Incoming](evs[1], time.Minute)
	in.Call.Answer([]byte(answerSDP))
	next[Established](evs[0], time.Minute)
	next[Established](evs[1], time.Minute)
	c.Hangup()
	if e := next[Ended](evs[1], time.Minute); !e.ByPeer {
		t.Errorf("%+v", e)
	}
	for _, ep := range eps {
		if err := ep.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// One OPTIONS from the wire to its 200, in the endpoint alone.
func BenchmarkOptionsAnswered(b *testing.B) {
	n := memnet.New(memnet.Options{})
	defer n.Close()
	conn, _ := n.Listen(ourAt)
	sbc, _ := n.Listen(sbc1At)
	ep, err := NewEndpoint(conn, Config{Domain: "d", Servers: []Server{{Host: "10.0.0.1"}}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	p := &peer{conn: sbc, at: sbc1At}
	text := []byte(strings.Replace(p.callFrom("", "<sip:sbc@d>").request("OPTIONS"), "sip:@", "sip:", 1))
	buf := make([]byte, 2000)
	b.ReportAllocs()
	for b.Loop() {
		n.Inject(text, sbc1At, ourAt)
		sbc.ReadFromUDPAddrPort(buf)
	}
	ep.Close(context.Background())
}
