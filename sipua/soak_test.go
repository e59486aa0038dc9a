package sipua

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

// network answers as a registrar with short nonces and as a called party would; it calls us, too.
type network struct {
	*peer
}

func (n *network) serve(ctx context.Context, calls bool) {
	ringing := map[string]bool{}
	unacked := map[string]func(){} // by Call-ID
	for ctx.Err() == nil {
		m := n.recv(time.Second)
		if m == nil {
			for _, again := range unacked {
				again()
			}
			continue
		}
		if m.code() != "" {
			continue
		}
		switch m.method() {
		case "REGISTER":
			nonce := fmt.Sprintf(`nonce="h%d"`, time.Now().Unix()/3600)
			if !strings.Contains(m.h("Authorization"), nonce) {
				n.reply(m, "401 Unauthorized", "x", strings.Replace(challenge401, `nonce="n1"`, nonce, 1))
				continue
			}
			if err := digestOK(m.h("Authorization"), "REGISTER", "auth1001", "secret1"); err != nil {
				n.t.Error(err)
			}
			n.reply(m, "200 OK", "x", "Contact: "+m.h("Contact"))
		case "INVITE":
			tag := "t" + m.branch()
			if !ringing[m.h("Call-ID")] {
				ringing[m.h("Call-ID")] = true
				n.reply(m, "180 Ringing", tag)
			}
			again := func() { n.reply(m, "200 OK", tag, "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP) }
			again()
			unacked[m.h("Call-ID")] = again
		case "ACK":
			delete(unacked, m.h("Call-ID"))
		case "BYE", "CANCEL", "OPTIONS":
			delete(ringing, m.h("Call-ID"))
			n.reply(m, "200 OK", "x")
		}
	}
}

// One day of a port's life: heartbeats, refreshes with nonces that run out, keep-alives, 100 calls; 1 and 5 % of all
// datagrams are lost, some come twice or late. It never loses its registration, every call ends, nothing grows.
func TestR7_ADayWithLoss(t *testing.T) {
	for _, loss := range []float64{1, 5} {
		t.Run(fmt.Sprintf("%v%%", loss), func(t *testing.T) {
			bubble(t, func(r *rig) {
				ctx, cancel := context.WithCancel(context.Background())
				n := &network{peer: r.sbc}
				go n.serve(ctx, true)
				defer time.Sleep(2 * time.Second)
				defer cancel()
				r.a.Register(true)
				r.ev.until(Registered, time.Minute)
				established := 0
				var g int
				for i := range 100 {
					time.Sleep(14 * time.Minute)
					if i == 2 {
						g = runtime.NumGoroutine()
					}
					c := r.a.Invite("1002", []byte(offerSDP))
					hung := false
					for over := false; !over; {
						select {
						case e := <-r.ev.ch:
							switch e := e.(type) {
							case Established:
								established++
								time.Sleep(20 * time.Second)
								c.Hangup()
								hung = true
							case Ended:
								over = true
								if !hung {
									t.Errorf("call %d: %+v", i, e)
								}
							case Registration:
								if !e.OK() {
									t.Errorf("lost the registration: %+v", e)
								}
							}
						case <-time.After(10 * time.Minute):
							t.Fatalf("call %d does not end", i)
						}
					}
				}
				time.Sleep(2 * time.Minute)
				s := r.ep.Stats()
				t.Logf("%+v, %d established", s, established)
				if established != 100 || s.Calls != 0 || s.Transactions > 3 || s.Bindings != 1 {
					t.Errorf("%+v", s)
				}
				synctest.Wait() // a goroutine that is just ending is no leak
				if now := runtime.NumGoroutine(); now > g {
					t.Errorf("%d goroutines, %d before", now, g)
				}
			}, func(c *Config, o *memnet.Options) {
				c.OptionsInterval, c.KeepAlive = 30*time.Second, 25*time.Second
				o.Link = memnet.Link{Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: loss, Duplicate: 1, Reorder: 1}
			})
		})
	}
}

// Incoming calls over a bad network: all of them come to the same end on both sides.
func TestD1_IncomingCallsWithLoss(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		for registered := false; !registered; {
			m := r.sbc.recv(time.Minute)
			if m == nil {
				continue
			}
			r.sbc.reply(m, "200 OK", "x", "Contact: "+m.h("Contact"))
			select {
			case e := <-r.ev.ch:
				registered = e.(Registration).OK()
			case <-time.After(100 * time.Millisecond):
			}
		}
		for i := range 100 {
			p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
			inv := p.request("INVITE", "SDP"+offerSDP)
			ack, bye := "", ""
			r.sbc.raw(inv)
			for done := false; !done; {
				m := r.sbc.recv(500 * time.Millisecond)
				switch {
				case m == nil && bye != "":
					r.sbc.raw(bye)
				case m == nil && ack == "":
					r.sbc.raw(inv)
				case m == nil, m.method() == "REGISTER", m.h("Call-ID") != p.id:
				case m.code() == "200" && strings.HasSuffix(m.h("CSeq"), "INVITE"):
					if ack == "" {
						p.heard(m)
						ack = p.request("ACK")
					}
					r.sbc.raw(ack)
					if bye == "" {
						bye = p.request("BYE")
						time.Sleep(time.Second)
						r.sbc.raw(bye)
					}
				case strings.HasSuffix(m.h("CSeq"), "BYE"):
					done = true
				}
				for len(r.ev.ch) > 0 {
					if in, ok := (<-r.ev.ch).(Incoming); ok {
						in.Call.Ring(nil)
						in.Call.Answer([]byte(answerSDP))
					}
				}
			}
			if i%10 == 0 {
				time.Sleep(time.Minute)
			}
		}
		time.Sleep(2 * time.Minute)
		if s := r.ep.Stats(); s.Calls != 0 || s.Transactions > 1 {
			t.Errorf("%+v", s)
		}
	}, func(c *Config, o *memnet.Options) {
		o.Link = memnet.Link{Latency: 5 * time.Millisecond, Loss: 5, Duplicate: 3, Reorder: 3}
	})
}

// P1: an idle endpoint sleeps until its next deadline.
func TestIdle_WakesOnlyForDeadlines(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		ctx, cancel := context.WithCancel(context.Background())
		go (&network{peer: r.sbc}).serve(ctx, false)
		defer time.Sleep(2 * time.Second)
		defer cancel()
		time.Sleep(40 * time.Second)
		before := r.ep.count.turns.Load()
		time.Sleep(10 * time.Minute)
		turns := r.ep.count.turns.Load() - before
		// 20 heartbeats: the send, the answer, the end of the transaction; 24 keep-alives.
		if turns > 20*3+24+2 {
			t.Errorf("%d turns of the loop in 10 idle minutes", turns)
		}
	}, func(c *Config, _ *memnet.Options) { c.OptionsInterval, c.KeepAlive = 30*time.Second, 25*time.Second })
}

func TestIdle_NothingToDoIsNoTurnAtAll(t *testing.T) {
	bubble(t, func(r *rig) {
		synctest.Wait()
		before := r.ep.count.turns.Load()
		time.Sleep(1000 * time.Hour)
		if n := r.ep.count.turns.Load() - before; n > 1 {
			t.Errorf("%d turns", n)
		}
	})
}

// 1000 calls set up and released in a row: goroutines and heap are back where they were.
func TestC4_ThousandCallsLeaveNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		ctx, cancel := context.WithCancel(context.Background())
		go (&network{peer: r.sbc}).serve(ctx, true)
		defer time.Sleep(2 * time.Second)
		defer cancel()
		heap := func() int64 {
			time.Sleep(time.Minute)
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		run := func(n int) {
			for range n {
				c := r.a.Invite("1002", []byte(offerSDP))
				next[Established](r.ev, time.Second)
				c.Hangup()
				next[Ended](r.ev, time.Second)
				r.logged.reset()
				time.Sleep(time.Second) // maps keep the room of what they once held at the same time
			}
		}
		run(50)
		before, goroutines := heap(), runtime.NumGoroutine()
		run(1000)
		if grown := heap() - before; grown > 256<<10 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		synctest.Wait()
		if n := runtime.NumGoroutine(); n > goroutines {
			t.Errorf("%d goroutines, %d before", n, goroutines)
		}
	})
}

func (l *logBook) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}
