package sipua

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tipring/internal/memnet"
)

func twoServers(c *Config, _ *memnet.Options) {
	c.Servers = []Server{{Host: "10.0.0.1"}, {Host: "10.0.0.2", Port: 5060}}
	c.OptionsInterval = 30 * time.Second
}

// serveAlways answers everything like a registrar would, in the background; what it is sent it passes on.
func (p *peer) serveAlways(ctx context.Context, seen chan<- *msg) {
	for ctx.Err() == nil {
		m := p.recv(time.Second)
		if m == nil {
			continue
		}
		if m.method() == "REGISTER" {
			p.reply(m, "200 OK", "x", "Contact: "+m.h("Contact"))
		} else if m.method() == "OPTIONS" {
			p.reply(m, "405 Method Not Allowed", "x")
		}
		select {
		case seen <- m:
		default:
		}
	}
}

// A6, H1, H2: heartbeats to both; SBC 1 dies, three lost, REGISTER at SBC 2 with the same Call-ID and CSeq + 1; SBC 1
// returns, and after the hold-down we go home.
func TestA6_H2_FailoverAndHomecoming(t *testing.T) {
	bubble(t, func(r *rig) {
		sbc2 := r.peer(sbc2At)
		ctx, cancel := context.WithCancel(context.Background())
		one, two := make(chan *msg, 10000), make(chan *msg, 10000)
		go r.sbc.serveAlways(ctx, one)
		go sbc2.serveAlways(ctx, two)
		defer time.Sleep(2 * time.Second)
		defer cancel()
		register := func(c chan *msg) (last *msg) {
			for {
				select {
				case m := <-c:
					if m.method() == "REGISTER" {
						last = m
					}
				default:
					return last
				}
			}
		}
		r.a.Register(true)
		r.ev.until(Registered, time.Second)
		time.Sleep(2 * time.Minute)
		first := register(one)
		if first == nil || register(two) != nil {
			t.Fatal("the binding is not at SBC 1")
		}
		if h := r.ep.Servers(); len(h) != 2 || h[0].State != "alive" || h[1].State != "alive" || !h[0].Current || h[1].Current {
			t.Errorf("H1: 405 is a sign of life: %+v", h)
		}

		r.net.Blackhole(sbc1At, true)
		dead := time.Now()
		var moved *msg
		for moved == nil {
			time.Sleep(100 * time.Millisecond)
			moved = register(two)
		}
		took := time.Since(dead)
		if took > 30*time.Second+probeTimeout+2*doubtTimeout+moveSpread+100*time.Millisecond {
			t.Errorf("failover took %v", took)
		}
		t.Logf("failover after %v", took)
		if moved.h("Call-ID") != first.h("Call-ID") || moved.cseq() <= first.cseq() || moved.contactURI() != first.contactURI() {
			t.Errorf("at SBC 2:\n%s", moved)
		}
		r.ev.drain()
		if h := r.ep.Servers(); h[0].State != "dead" || h[0].Reason != "silent" || !h[1].Current {
			t.Errorf("%+v", h)
		}

		time.Sleep(5 * time.Minute)
		r.net.Blackhole(sbc1At, false)
		back := time.Now()
		var home *msg
		for home == nil {
			time.Sleep(100 * time.Millisecond)
			home = register(one)
		}
		if d := time.Since(back); d < holdDown || d > holdDown+31*time.Second {
			t.Errorf("home after %v", d)
		}
		quiet[Ended](r.ev, time.Second)
		for len(r.ev.ch) > 0 {
			if e, ok := (<-r.ev.ch).(Registration); ok && !e.OK() {
				t.Errorf("reg-fail in between: %+v", e)
			}
		}
	}, twoServers)
}

// Not registered yet: silence costs 4 s, an ICMP error and a 503 nothing.
func TestH2_RegisterTriesTheNextServerInSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		break1 func(r *rig)
		within time.Duration
	}{
		"silence":     {func(r *rig) { r.net.Blackhole(sbc1At, true) }, quickTimeout + time.Second},
		"unreachable": {func(r *rig) { r.sbc.conn.Close() }, time.Second},
		"no route":    {nil, time.Second},
		"503": {func(r *rig) {
			go func() {
				if m := r.sbc.recv(time.Second); m != nil {
					r.sbc.reply(m, "503 Service Unavailable", "x", "Retry-After: 1800")
				}
			}()
		}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				sbc2 := r.peer(sbc2At)
				if c.break1 != nil {
					c.break1(r)
				} else {
					r.sbc.conn.Close()
				}
				r.a.Register(true)
				m := sbc2.expectIn("REGISTER", c.within)
				sbc2.reply(m, "200 OK", "x")
				if e := r.ev.until(Registered, time.Second); e.Server != "10.0.0.2:5060" {
					t.Errorf("%+v", e)
				}
			}, twoServers, func(c *Config, n *memnet.Options) { c.OptionsInterval = 0; n.Refuse = true })
		})
	}
}

// A call is tried at the next server, as the next request of the same call (RFC 3263 4.3).
func TestH2_InviteFailsOver(t *testing.T) {
	bubble(t, func(r *rig) {
		sbc2 := r.peer(sbc2At)
		r.register()
		c := r.a.Invite("1002", []byte(offerSDP))
		inv := r.sbc.expect("INVITE")
		r.sbc.reply(inv, "503 Service Unavailable", "x")
		r.sbc.expect("ACK")
		inv2 := sbc2.expectIn("INVITE", time.Second)
		if inv2.h("Call-ID") != inv.h("Call-ID") || inv2.cseq() != inv.cseq()+1 || inv2.h("From") != inv.h("From") || inv2.branch() == inv.branch() {
			t.Errorf("%s", inv2)
		}
		sbc2.reply(inv2, "180 Ringing", "b")
		c.Hangup()
		sbc2.seek("CANCEL") // sipgo trap 3: the CANCEL follows the INVITE to its server
	}, twoServers, func(c *Config, _ *memnet.Options) { c.OptionsInterval = 0 })
}

// A heartbeat that is lost now and then is no reason to leave; any answer but 503 counts.
func TestH1_HeartbeatVerdicts(t *testing.T) {
	bubble(t, func(r *rig) {
		var at []time.Time
		for i := range 6 {
			m := r.sbc.seek("OPTIONS")
			at = append(at, m.at)
			switch i {
			case 1: // lost with all its repeats: the next one comes at once
				time.Sleep(probeTimeout - time.Millisecond)
				for r.sbc.recv(0) != nil {
				}
			default:
				r.sbc.reply(m, []string{"200 OK", "", "481 No", "404 No", "200 OK", "503 Busy"}[i], "x")
			}
		}
		time.Sleep(time.Second)
		want := []time.Duration{30 * time.Second, probeTimeout, 30 * time.Second, 30 * time.Second, 30 * time.Second}
		for i, d := range want {
			if got := at[i+1].Sub(at[i]); got != d {
				t.Errorf("heartbeat %d came %v after the one before, want %v", i+1, got, d)
			}
		}
		if h := r.ep.Servers(); h[0].State != "dead" || !strings.Contains(h[0].Reason, "503") {
			t.Errorf("%+v", h)
		}
	}, func(c *Config, _ *memnet.Options) { c.OptionsInterval = 30 * time.Second })
}

// R8 of reliability: the server is back, nobody waits for a back-off of minutes; and bindings that it may have forgotten
// are renewed.
func TestH1_RevivedServerIsRegisteredAtSoon(t *testing.T) {
	bubble(t, func(r *rig) {
		ctx, cancel := context.WithCancel(context.Background())
		seen := make(chan *msg, 100000)
		go r.sbc.serveAlways(ctx, seen)
		defer time.Sleep(2 * time.Second)
		defer cancel()
		r.a.Register(true)
		r.ev.until(Registered, time.Second)
		r.net.Blackhole(sbc1At, true)
		time.Sleep(20 * time.Minute)
		for len(seen) > 0 {
			<-seen
		}
		r.net.Blackhole(sbc1At, false)
		back := time.Now()
		for {
			if m := <-seen; m.method() == "REGISTER" {
				break
			}
		}
		if d := time.Since(back); d > 31*time.Second {
			t.Errorf("after %v", d)
		}
	}, func(c *Config, _ *memnet.Options) { c.OptionsInterval = 30 * time.Second })
}

// Names are looked up off the loop, again after failures, and the registration says what it waits for.
func TestR4_ResolvingUntilTheNameHasAnAddress(t *testing.T) {
	var tries atomic.Int64
	bubble(t, func(r *rig) {
		r.a.Register(true)
		time.Sleep(time.Millisecond)
		e := r.ev.until(Resolving, time.Second)
		for e.Reason != "sbc.example.net: server misbehaving" {
			e = next[Registration](r.ev, time.Minute)
		}
		m := r.sbc.expectIn("REGISTER", time.Minute)
		r.sbc.reply(m, "200 OK", "x")
		if e := r.ev.until(Registered, time.Second); e.Server != "sbc.example.net:5060" {
			t.Errorf("%+v", e)
		}
		if n := tries.Load(); n != 3 {
			t.Errorf("%d look-ups", n)
		}
	}, func(c *Config, _ *memnet.Options) {
		c.Servers = []Server{{Host: "sbc.example.net"}}
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			time.Sleep(5 * time.Second) // a slow resolver holds nobody up
			if tries.Add(1) < 3 {
				return nil, errors.New("server misbehaving")
			}
			return []netip.Addr{netip.MustParseAddr("2001:db8::1"), sbc1At.Addr()}, nil
		}
	})
}

// The name moves: the new address may speak, the old one not, and the binding follows.
func TestR4_NameChangesItsAddress(t *testing.T) {
	var addr atomic.Value
	addr.Store(sbc1At.Addr())
	bubble(t, func(r *rig) {
		sbc2 := r.peer(sbc2At)
		r.register()
		addr.Store(sbc2At.Addr())
		m := sbc2.expectIn("REGISTER", resolveEvery+time.Minute)
		sbc2.reply(m, "200 OK", "x")
		r.sbc.callFrom("1001", "<sip:1002@example.net>").send("OPTIONS")
		r.sbc.silent(time.Second)
	}, func(c *Config, _ *memnet.Options) {
		c.Servers = []Server{{Host: "sbc.example.net"}}
		c.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{addr.Load().(netip.Addr)}, nil
		}
	})
}

// RFC 5626 3.5.1: CRLF to the server that holds a binding, and only then.
func TestR7_KeepAliveWhileRegistered(t *testing.T) {
	bubble(t, func(r *rig) {
		var pings atomic.Int64
		r.net.OnDatagram(func(d memnet.Datagram) {
			if string(d.Payload) == "\r\n\r\n" && d.To == sbc1At {
				pings.Add(1)
			}
		})
		time.Sleep(time.Hour)
		if n := pings.Load(); n != 0 {
			t.Errorf("%d without a binding", n)
		}
		r.a.Register(true)
		r.sbc.reply(r.sbc.expect("REGISTER"), "200 OK", "x", "Expires: 10000")
		time.Sleep(10*time.Minute + time.Second)
		if n := pings.Load(); n != 24 {
			t.Errorf("%d in 10 minutes, want 24", n)
		}
		r.a.Unregister()
		r.sbc.reply(r.sbc.expect("REGISTER"), "200 OK", "x")
		pings.Store(0)
		time.Sleep(time.Hour)
		if n := pings.Load(); n > 0 {
			t.Errorf("%d after the end", n)
		}
	}, func(c *Config, _ *memnet.Options) { c.KeepAlive = 25 * time.Second })
}

// Complaint 2: the link goes away under us; the schedule survives, and so does the socket.
func TestA5_SocketErrorsAreSurvived(t *testing.T) {
	bubble(t, func(r *rig) {
		r.net.FailWrites(ourAt.Addr(), syscall.ENETUNREACH)
		r.a.Register(true)
		if e := r.ev.until(Silent, time.Second); e.Reason != "unreachable" {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Hour)
		r.net.FailWrites(ourAt.Addr(), nil)
		r.sbc.reply(r.sbc.expectIn("REGISTER", 5*time.Minute), "200 OK", "x")
		r.ev.until(Registered, time.Second)
		if n := strings.Count(r.logged.String(), "level=WARN"); n > 61 {
			t.Errorf("%d warnings in an hour", n)
		}
	})
}
