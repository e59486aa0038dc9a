package sipua

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/exchange"
	"tipring/internal/memnet"
)

// town is two of our endpoints and an exchange of independent make between them.
type town struct {
	x        *exchange.Exchange
	one, two *exchange.SBC
	net      *memnet.Network
	eps      [2]*Endpoint
	agents   [2]*Agent
	ev       [2]*recorder
}

func inTown(t *testing.T, link memnet.Link, users map[string]string, run func(t *testing.T, w *town)) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{net: memnet.New(memnet.Options{Seed: 5, Link: link})}
		defer w.net.Close()
		w.x = exchange.New(exchange.Config{Users: users, NonceLife: time.Minute})
		defer w.x.Close()
		listen := func(at string) net.PacketConn {
			c, err := w.net.Listen(netip.MustParseAddrPort(at))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		w.one, w.two = w.x.Serve(listen("10.0.0.1:5060")), w.x.Serve(listen("10.0.0.2:5060"))
		for i, user := range []string{"1001", "1002"} {
			cfg := Config{Domain: "example.net", Servers: []Server{{Host: "10.0.0.1"}, {Host: "10.0.0.2"}}, OptionsInterval: 30 * time.Second, Seed: uint64(i + 1)}
			ep, err := NewEndpoint(listen([]string{"10.0.1.1:5060", "10.0.1.2:5060"}[i]), cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			w.eps[i], w.ev[i] = ep, newRecorder(t)
			w.agents[i] = ep.Agent(Account{User: user, Password: "pw" + user}, w.ev[i].notify)
			w.agents[i].Register(true)
		}
		defer w.close(t)
		run(t, w)
	})
}

// close lets everybody go, and looks whether something was left behind.
func (w *town) close(t *testing.T) {
	for _, ep := range w.eps {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := ep.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if s := ep.Stats(); s.Recovered > 0 || s.Malformed > 0 {
			t.Errorf("%+v", s)
		}
	}
	if b := w.x.Bindings(); len(b) != 0 {
		t.Errorf("R8: bindings after the end: %+v", b)
	}
}

var bothUsers = map[string]string{"1001": "pw1001", "1002": "pw1002"}

// Two telephones of ours, an exchange of other make: register, call, answer, release by either side, cancel, busy.
func TestA7_A8_CallsThroughAnExchange(t *testing.T) {
	for name, link := range map[string]memnet.Link{
		"perfect": {}, "bad": {Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 2, Duplicate: 2, Reorder: 2},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, link, bothUsers, func(t *testing.T, w *town) {
				for i := range w.agents {
					w.ev[i].until(Registered, time.Minute)
				}
				for i := range 20 {
					from, to := i%2, 1-i%2
					c := w.agents[from].Invite([]string{"1001", "1002"}[to], []byte(offerSDP))
					in := next[Incoming](w.ev[to], time.Minute)
					if in.Number != []string{"1001", "1002"}[from] || string(in.Offer) != offerSDP {
						t.Fatalf("%+v", in)
					}
					in.Call.Ring(nil)
					if link == (memnet.Link{}) { // nobody repeats a 180 that was lost
						next[Progress](w.ev[from], time.Minute)
					}
					switch i % 5 {
					case 0, 1:
						in.Call.Answer([]byte(answerSDP))
						if e := next[Established](w.ev[from], time.Minute); e.Call != c || string(e.SDP) != answerSDP {
							t.Fatalf("%+v", e)
						}
						next[Established](w.ev[to], time.Minute)
						time.Sleep(10 * time.Second)
						if i%5 == 0 {
							c.Hangup()
						} else {
							in.Call.Hangup()
						}
						if a, b := next[Ended](w.ev[0], time.Minute), next[Ended](w.ev[1], time.Minute); a.ByPeer == b.ByPeer || a.Local == b.Local {
							t.Errorf("%+v %+v", a, b)
						}
					case 2:
						c.Hangup()
						if e := next[Ended](w.ev[to], time.Minute); !e.ByPeer || e.Code != 487 {
							t.Errorf("%+v", e)
						}
						next[Ended](w.ev[from], time.Minute)
					case 3:
						in.Call.Reject(486, "Busy Here")
						if e := next[Ended](w.ev[from], time.Minute); e.Code != 486 {
							t.Errorf("%+v", e)
						}
						next[Ended](w.ev[to], time.Minute)
					case 4: // hold by the callee
						in.Call.Answer([]byte(answerSDP))
						next[Established](w.ev[from], time.Minute)
						next[Established](w.ev[to], time.Minute)
						in.Call.Reoffer([]byte(holdSDP))
						next[Reoffered](w.ev[from], time.Minute).Call.Answer([]byte(answerSDP))
						next[Established](w.ev[to], time.Minute)
						c.Hangup()
						next[Ended](w.ev[from], time.Minute)
						next[Ended](w.ev[to], time.Minute)
					}
					time.Sleep(3 * time.Second)
				}
				time.Sleep(2 * time.Minute)
				for _, ep := range w.eps {
					if s := ep.Stats(); s.Calls != 0 || s.Transactions > 4 {
						t.Errorf("%+v", s)
					}
				}
			})
		})
	}
}

// H2: SBC 1 is killed; both telephones move, and call each other through SBC 2; then it comes back, and they go home.
func TestH2_PairOfSBCs(t *testing.T) {
	inTown(t, memnet.Link{}, bothUsers, func(t *testing.T, w *town) {
		for i := range w.agents {
			w.ev[i].until(Registered, time.Minute)
		}
		time.Sleep(time.Minute)
		w.one.Mute(true)
		time.Sleep(time.Minute)
		for i := range w.agents {
			w.ev[i].drain()
			if h := w.eps[i].Servers(); h[0].State != "dead" || !h[1].Current {
				t.Errorf("%+v", h)
			}
		}
		w.agents[0].Invite("1002", []byte(offerSDP))
		in := next[Incoming](w.ev[1], time.Second)
		in.Call.Answer([]byte(answerSDP))
		next[Established](w.ev[0], time.Second)
		in.Call.Hangup()
		next[Ended](w.ev[0], time.Second)
		w.one.Mute(false)
		time.Sleep(3 * time.Minute)
		for i := range w.agents {
			if h := w.eps[i].Servers(); h[0].State != "alive" || !h[0].Current {
				t.Errorf("%+v", h)
			}
		}
	})
}

func TestR9_WrongPasswordAtAnExchange(t *testing.T) {
	inTown(t, memnet.Link{}, map[string]string{"1001": "pw1001", "1002": "other"}, func(t *testing.T, w *town) {
		w.ev[0].until(Registered, time.Second)
		if e := w.ev[1].until(Refused, time.Second); e.Code != 403 && e.Code != 401 {
			t.Errorf("%+v", e)
		}
		w.agents[0].Invite("1002", []byte(offerSDP))
		if e := next[Ended](w.ev[0], time.Second); e.Code != 480 {
			t.Errorf("%+v", e)
		}
		w.agents[0].Invite("1999", []byte(offerSDP))
		if e := next[Ended](w.ev[0], time.Second); e.Code != 404 {
			t.Errorf("%+v", e)
		}
		start := time.Now()
		w.agents[1].SetAccount(Account{User: "1002", Password: "other"})
		if w.ev[1].until(Registered, time.Second); time.Since(start) > 50*time.Millisecond {
			t.Errorf("after %v", time.Since(start))
		}
	})
}
