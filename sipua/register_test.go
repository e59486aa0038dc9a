package sipua

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/internal/memnet"
)

// A1, R10: no challenge; lifetime from our Contact, refresh at 85 % +-5 %.
func TestR7_RefreshAt85PercentOfGrantedLifetime(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		if m.uri() != "sip:example.net" || !strings.Contains(m.h("From"), `"Wang Wei" <sip:1001@example.net>`) {
			t.Errorf("request is\n%s", m)
		}
		if u := m.contactURI(); !strings.HasSuffix(u, "@10.0.0.9:5060") {
			t.Errorf("R10: Contact %q is not our address", u)
		}
		r.sbc.reply(m, "200 OK", "x", "Contact: <sip:other@10.9.9.9>;expires=60, "+m.contactURI2()+";expires=200", "Expires: 7000")
		e := r.ev.until(Registered, time.Second)
		if e.Expires != 200*time.Second || e.Code != 200 || e.Server != "10.0.0.1:5060" {
			t.Errorf("event %+v", e)
		}
		start := time.Now()
		m2 := r.sbc.expectIn("REGISTER", 200*time.Second)
		if d := time.Since(start); d < 160*time.Second || d > 180*time.Second {
			t.Errorf("refreshed after %v of 200 s", d)
		}
		if m2.h("Call-ID") != m.h("Call-ID") || m2.cseq() != m.cseq()+1 || m2.branch() == m.branch() {
			t.Errorf("R6: Call-ID %v CSeq %d branch %s after %d", m2.h("Call-ID"), m2.cseq(), m2.branch(), m.cseq())
		}
	})
}

func (m *msg) contactURI2() string { return "<" + m.contactURI() + ">" }

// A2: 401, second REGISTER with the same Call-ID and CSeq + 1.
func TestR5_ChallengeAnsweredWithSameCallIDAndNextCSeq(t *testing.T) {
	for _, c := range []struct{ status, ask, header string }{
		{"401 Unauthorized", challenge401, "Authorization"},
		{"407 Proxy Authentication Required", strings.Replace(challenge401, "WWW", "Proxy", 1), "Proxy-Authorization"},
	} {
		bubble(t, func(r *rig) {
			r.a.Register(true)
			m := r.sbc.expect("REGISTER")
			r.sbc.reply(m, c.status, "x", c.ask)
			m2 := r.sbc.expectIn("REGISTER", time.Second)
			if m2.h("Call-ID") != m.h("Call-ID") || m2.cseq() != m.cseq()+1 || tagOf(m2.h("From")) != tagOf(m.h("From")) || m2.branch() == m.branch() {
				t.Errorf("second request:\n%s", m2)
			}
			if err := digestOK(m2.h(c.header), "REGISTER", "auth1001", "secret1"); err != nil {
				t.Error(err)
			}
			r.sbc.reply(m2, "200 OK", "x")
			r.ev.until(Registered, time.Second)
			// A3: the nonce is used again with nc=2.
			m3 := r.sbc.expectIn("REGISTER", time.Hour)
			if !strings.Contains(m3.h(c.header), "nc=00000002") {
				t.Errorf("refresh carries %q", m3.h(c.header))
			}
			// The nonce is gone; the server forgets to say stale (complaint 7).
			r.sbc.reply(m3, c.status, "x", strings.Replace(c.ask, "n1", "n2", 1))
			m4 := r.sbc.expectIn("REGISTER", time.Second)
			if m4.cseq() != m3.cseq()+1 || !strings.Contains(m4.h(c.header), `nonce="n2"`) {
				t.Errorf("R6 after a re-challenge:\n%s", m4)
			}
			r.sbc.reply(m4, "200 OK", "x")
			quiet[Ended](r.ev, time.Second)
		})
	}
}

func TestR1_MisconfiguredWithoutUserOrServer(t *testing.T) {
	for name, c := range map[string]struct {
		servers []Server
		acc     Account
		why     string
	}{
		"no user":   {[]Server{{Host: "10.0.0.1"}}, Account{Password: "x"}, "user missing"},
		"no server": {nil, Account{User: "1001", Password: "x"}, "server missing"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				ev := newRecorder(t)
				a := r.ep.Agent(c.acc, ev.notify)
				a.Register(true)
				e := next[Registration](ev, time.Second)
				if e.State != Misconfigured || e.Reason != c.why {
					t.Errorf("%+v", e)
				}
				r.sbc.silent(time.Hour)
				// Put right, it registers at once.
				if c.acc.User == "" {
					a.SetAccount(Account{User: "1009"})
					r.sbc.expectIn("REGISTER", 50*time.Millisecond)
				}
			}, func(cfg *Config, _ *memnet.Options) { cfg.Servers = c.servers })
		})
	}
}

// R2: all that are wanted, none that are not; each somewhere in the start jitter.
func TestR2_AllEnabledPortsRegisterWithinStartJitter(t *testing.T) {
	bubble(t, func(r *rig) {
		for i := range 8 {
			a := r.ep.Agent(Account{User: fmt.Sprint(2000 + i)}, nil)
			if i != 3 {
				a.Register(false)
			}
		}
		start := time.Now()
		seen := map[string]time.Duration{}
		for {
			m := r.sbc.recv(20 * time.Second)
			if m == nil {
				break
			}
			r.sbc.reply(m, "200 OK", "x")
			seen[m.h("To")] = time.Since(start)
		}
		times := map[time.Duration]bool{}
		for who, d := range seen {
			if d > 3*time.Second {
				t.Errorf("%s came after %v", who, d)
			}
			times[d] = true
		}
		if len(seen) != 7 || len(times) < 6 || seen["<sip:2003@example.net>"] != 0 {
			t.Errorf("registered: %v", seen)
		}
	}, func(cfg *Config, _ *memnet.Options) { cfg.StartJitter = 3 * time.Second })
}

func TestR3_EnableRegistersAtOnceAndTouchesNobodyElse(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		b := r.ep.Agent(Account{User: "1002"}, nil)
		time.Sleep(time.Minute)
		start := time.Now()
		b.Register(true)
		if m := r.sbc.expect("REGISTER"); !strings.Contains(m.h("To"), "1002") || time.Since(start) > 50*time.Millisecond {
			t.Errorf("after %v:\n%s", time.Since(start), m)
		}
		quiet[Registration](r.ev, time.Minute)
	}, func(cfg *Config, _ *memnet.Options) { cfg.StartJitter = 3 * time.Second })
}

// A4, R8: only our own Contact, never "*"; CSeq + 1; a challenge is answered.
func TestR8_DeregistrationOfOwnContactAnswersChallenge(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		r.sbc.reply(m, "200 OK", "x")
		r.ev.until(Registered, time.Second)
		r.a.Unregister()
		d := r.sbc.expectIn("REGISTER", 50*time.Millisecond)
		if d.h("Contact") != m.contactURI2()+";expires=0" || d.h("Expires") != "0" || d.cseq() != m.cseq()+1 || d.h("Call-ID") != m.h("Call-ID") {
			t.Errorf("de-registration:\n%s", d)
		}
		if e := r.ev.until(Deregistering, time.Second); !e.OK() {
			t.Error("the binding is still there")
		}
		r.sbc.reply(d, "401 Unauthorized", "x", challenge401)
		d2 := r.sbc.expect("REGISTER")
		if d2.cseq() != d.cseq()+1 || d2.h("Expires") != "0" || digestOK(d2.h("Authorization"), "REGISTER", "auth1001", "secret1") != nil {
			t.Errorf("authorised:\n%s", d2)
		}
		r.sbc.reply(d2, "200 OK", "x")
		r.ev.until(Disabled, time.Second)
		r.sbc.silent(24 * time.Hour)
	})
}

func TestR8_CloseRemovesAllBindings(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		r.leftOpen = true
		var err error
		done := make(chan bool)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			err = r.ep.Close(ctx)
			close(done)
		}()
		m := r.sbc.expect("REGISTER")
		if m.h("Expires") != "0" {
			t.Error(m)
		}
		r.sbc.reply(m, "200 OK", "x")
		<-done
		if err != nil {
			t.Error(err)
		}
		r.a.Register(true) // nothing happens any more
		r.a.Invite("1", []byte("x")).Hangup()
		r.sbc.silent(time.Hour)
	})
}

func TestR8_CloseGivesUpWithItsContext(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		r.leftOpen = true
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if err := r.ep.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A5: each class of failure has its own back-off. The list is the pauses between attempts, in seconds, low and high.
func TestA5_R9_BackOffByClassOfFailure(t *testing.T) {
	refused := [][2]float64{{60, 60}, {180, 180}, {540, 540}, {1620, 1620}, {1800, 1800}, {1800, 1800}}
	unable := [][2]float64{{1, 2}, {2, 4}, {4, 8}, {8, 16}, {16, 32}, {30, 60}, {30, 60}, {30, 60}, {150, 300}, {150, 300}}
	for _, c := range []struct {
		name, status string
		extra        []string
		state        RegState
		pauses       [][2]float64
	}{
		{"403", "403 Forbidden", nil, Refused, refused},
		{"404", "404 Not Found", nil, Refused, refused},
		{"603", "603 Decline", nil, Refused, refused},
		{"challenge without digest", "401 Unauthorized", []string{`WWW-Authenticate: Basic realm="x"`}, Refused, refused},
		{"423 without Min-Expires", "423 Interval Too Brief", nil, Refused, refused},
		{"500", "500 Server Internal Error", nil, Silent, unable},
		{"480", "480 Temporarily Unavailable", nil, Silent, unable},
		{"408", "408 Request Timeout", nil, Silent, unable},
		{"Retry-After", "503 Service Unavailable", []string{"Retry-After: 77 (maintenance)"}, Silent, [][2]float64{{77, 77}, {77, 77}}},
		{"Retry-After of a refusal", "403 Forbidden", []string{"Retry-After: 5;duration=3"}, Refused, [][2]float64{{5, 5}, {5, 5}}},
		{"registered for 0 s", "200 OK", []string{"Expires: 0"}, Silent, unable},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.a.Register(true)
				m := r.sbc.expect("REGISTER")
				early := false // some pause is clearly shorter than it may be: boxes do not come back in step
				for i, p := range c.pauses {
					r.sbc.reply(m, c.status, "x", c.extra...)
					at := time.Now()
					e := r.ev.until(c.state, time.Second)
					if fmt.Sprint(e.Code) != strings.Fields(c.status)[0] || e.Attempts != i+1 || e.OK() {
						t.Errorf("event %+v", e)
					}
					cseq := m.cseq()
					m = r.sbc.expectIn("REGISTER", time.Hour)
					d := time.Since(at).Seconds()
					if d < p[0]-0.001 || d > p[1]+0.001 {
						t.Errorf("attempt %d came after %.3f s, want %v", i+2, d, p)
					}
					early = early || d < p[1]*0.9
					if next := e.NextTry.Sub(at).Seconds(); next != d {
						t.Errorf("announced for %.3f s, came after %.3f", next, d)
					}
					if m.cseq() != cseq+1 {
						t.Errorf("CSeq %d after %d", m.cseq(), cseq)
					}
				}
				if early != (c.pauses[0][0] < c.pauses[0][1]) {
					t.Errorf("jitter: %v", early)
				}
				r.sbc.reply(m, "200 OK", "x", "Expires: 600")
				if e := r.ev.until(Registered, time.Second); e.Attempts != 0 {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// A dead registrar: timer F, then the back-off; it is never given up, and comes back.
func TestA5_SilentRegistrarIsTriedForever(t *testing.T) {
	bubble(t, func(r *rig) {
		r.net.Blackhole(sbc1At, true)
		r.a.Register(true)
		time.Sleep(31 * time.Second)
		r.ev.drain()
		if e := r.ev.until(Silent, 2*time.Second); e.Reason != "no answer" || e.Code != 0 {
			t.Errorf("%+v", e)
		}
		time.Sleep(72 * time.Hour)
		r.net.Blackhole(sbc1At, false)
		m := r.sbc.expectIn("REGISTER", 6*time.Minute)
		r.sbc.reply(m, "200 OK", "x")
		r.ev.drain()
		if s := r.ep.Stats(); s.Transactions > 2 {
			t.Errorf("%d transactions are left", s.Transactions)
		}
	})
}

func TestA5_UnreachableIsToldAtOnce(t *testing.T) {
	bubble(t, func(r *rig) {
		r.sbc.conn.Close()
		r.a.Register(true)
		if e := r.ev.until(Silent, 100*time.Millisecond); e.Reason != "unreachable" {
			t.Errorf("%+v", e)
		}
		time.Sleep(30 * time.Second)
		r.sbc = r.peer(sbc1At)
		m := r.sbc.expectIn("REGISTER", time.Minute)
		r.sbc.reply(m, "200 OK", "x")
		r.ev.until(Registered, time.Second)
	}, func(_ *Config, n *memnet.Options) { n.Refuse = true })
}

func TestR5_SecondRefusalMeansWrongCredentials(t *testing.T) {
	for _, c := range []struct {
		name   string
		nonces []string // of the challenges, one after another
		sends  int      // REGISTERs until it gives up
	}{
		{"same nonce again", []string{"n1", "n1"}, 2},
		{"a fresh nonce each time", []string{"n1", "n2", "n3"}, 2},
		{"stale for ever", []string{"n1", "n2\", stale=true, x=\"", "n3\", stale=true, x=\"", "n4"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.a.Register(true)
				for i := range c.sends {
					m := r.sbc.expectIn("REGISTER", time.Second)
					r.sbc.reply(m, "401 Unauthorized", "x", strings.Replace(challenge401, "n1", c.nonces[i], 1))
				}
				e := r.ev.until(Refused, time.Second)
				if e.Code != 401 || !strings.Contains(e.Reason, "credentials refused") || time.Until(e.NextTry) != time.Minute {
					t.Errorf("%+v", e)
				}
				r.sbc.silent(59 * time.Second)
				// Another password ends the back-off (complaint 6).
				r.a.SetAccount(Account{User: "1001", AuthUser: "auth1001", Password: "better"})
				m := r.sbc.expectIn("REGISTER", 50*time.Millisecond)
				r.sbc.reply(m, "401 Unauthorized", "x", challenge401)
				m = r.sbc.expect("REGISTER")
				if err := digestOK(m.h("Authorization"), "REGISTER", "auth1001", "better"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A nonce kept from before is worth one more try, and only one.
func TestR5_RefreshWithPasswordChangedAtTheServer(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		r.sbc.reply(r.sbc.expect("REGISTER"), "401 Unauthorized", "x", challenge401)
		r.sbc.reply(r.sbc.expect("REGISTER"), "200 OK", "x")
		r.ev.until(Registered, time.Second)
		for _, nonce := range []string{"n2", "n3"} {
			r.sbc.reply(r.sbc.expectIn("REGISTER", time.Hour), "401 Unauthorized", "x", strings.Replace(challenge401, "n1", nonce, 1))
		}
		if e := r.ev.until(Refused, time.Second); !strings.Contains(e.Reason, "credentials refused") {
			t.Errorf("%+v", e)
		}
		r.sbc.silent(59 * time.Second)
	})
}

func TestR12_MissingPasswordIsNamed(t *testing.T) {
	bubble(t, func(r *rig) {
		ev := newRecorder(t)
		r.ep.Agent(Account{User: "1005"}, ev.notify).Register(true)
		r.sbc.reply(r.sbc.expect("REGISTER"), "401 Unauthorized", "x", challenge401)
		if e := ev.until(Refused, time.Second); !strings.Contains(e.Reason, "password missing") {
			t.Errorf("%+v", e)
		}
	})
}

// Complaint 8: 423 is obeyed at once, once.
func TestR7_IntervalTooBriefAdoptsMinExpires(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		r.sbc.reply(m, "423 Interval Too Brief", "x", "Min-Expires: 1800")
		m2 := r.sbc.expectIn("REGISTER", 50*time.Millisecond)
		if m2.h("Expires") != "1800" || !strings.HasSuffix(m2.h("Contact"), ";expires=1800") || m2.cseq() != m.cseq()+1 {
			t.Errorf("%s", m2)
		}
		r.sbc.reply(m2, "423 Interval Too Brief", "x", "Min-Expires: 7200")
		r.ev.until(Refused, time.Second)
	}, func(cfg *Config, _ *memnet.Options) { cfg.Expires = time.Minute })
}

// Appendix D: a refresh of a live binding never shows; the end of its lifetime does.
func TestR7_StaysRegisteredWhileTheBindingLives(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		r.sbc.reply(m, "200 OK", "x", "Expires: 1000")
		r.ev.until(Registered, time.Second)
		end := time.Now().Add(1000 * time.Second)
		r.net.Blackhole(sbc1At, true)
		for {
			e := next[Registration](r.ev, time.Hour)
			if e.State == Registered && e.OK() {
				continue
			}
			if e.State != Silent || !time.Now().Equal(end) {
				t.Errorf("%v at %v before the end: %+v", e.State, time.Until(end), e)
			}
			break
		}
	})
}

func TestR7_RefusedRefreshEndsTheBinding(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		m := r.sbc.expectIn("REGISTER", time.Hour)
		r.sbc.reply(m, "403 Forbidden", "x")
		r.ev.until(Refused, time.Second)
	})
}

// Another identity: the old binding is removed before the new one is made.
func TestR8_RenameRemovesTheOldBindingFirst(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		r.a.SetAccount(Account{User: "1007", Password: "p"})
		m := r.sbc.expect("REGISTER")
		if m.h("Expires") != "0" || !strings.Contains(m.h("To"), "1001") {
			t.Errorf("%s", m)
		}
		r.sbc.reply(m, "200 OK", "x")
		if m = r.sbc.expect("REGISTER"); m.h("Expires") != "3600" || !strings.Contains(m.h("To"), "1007") {
			t.Errorf("%s", m)
		}
	})
}

// Complaint 3: what comes later supersedes the transaction under way, whose answer does no harm any more.
func TestR3_ChangeSupersedesRunningTransaction(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		r.a.Unregister()
		d := r.sbc.expect("REGISTER")
		if d.h("Expires") != "0" || d.cseq() != m.cseq()+1 {
			t.Errorf("%s", d)
		}
		r.a.Register(true)
		n := r.sbc.expect("REGISTER")
		if n.h("Expires") != "3600" || n.cseq() != d.cseq()+1 {
			t.Errorf("%s", n)
		}
		r.sbc.reply(m, "403 Forbidden", "x")
		r.sbc.reply(d, "200 OK", "x")
		r.sbc.reply(n, "200 OK", "x")
		r.ev.until(Registered, time.Second)
		quiet[Registration](r.ev, time.Minute)
	})
}

// Complaint 10: a new boot is a new Call-ID and a new Contact token.
func TestR6_CallIDAndTokenAreNewInEachBoot(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		bubble(t, func(r *rig) {
			r.a.Register(true)
			m := r.sbc.expect("REGISTER")
			seen[m.h("Call-ID")], seen[m.contactURI()] = true, true
		})
	}
	if len(seen) != 4 {
		t.Errorf("%v", seen)
	}
}

// The whole (state, order or answer) table of the registration.
func TestR4_EveryStateMeetsEveryEvent(t *testing.T) {
	reach := map[RegState]func(r *rig) *msg{ // brings the agent there; the REGISTER that awaits an answer
		Disabled:    func(r *rig) *msg { return nil },
		Registering: func(r *rig) *msg { r.a.Register(true); return r.sbc.expect("REGISTER") },
		Registered: func(r *rig) *msg {
			r.register()
			r.a.Register(true) // a refresh is under way
			return r.sbc.expect("REGISTER")
		},
		Refused: func(r *rig) *msg {
			r.a.Register(true)
			r.sbc.reply(r.sbc.expect("REGISTER"), "403 Forbidden", "x")
			return nil
		},
		Misconfigured: func(r *rig) *msg { r.a.SetAccount(Account{}); r.a.Register(true); return nil },
		Resolving:     func(r *rig) *msg { r.a.Register(true); return nil },
		Silent: func(r *rig) *msg {
			r.a.Register(true)
			r.sbc.reply(r.sbc.expect("REGISTER"), "500 Error", "x")
			return nil
		},
		Deregistering: func(r *rig) *msg { r.register(); r.a.Unregister(); return r.sbc.expect("REGISTER") },
	}
	events := map[string]func(r *rig, m *msg){
		"Register":   func(r *rig, m *msg) { r.a.Register(true) },
		"Unregister": func(r *rig, m *msg) { r.a.Unregister() },
		"200":        func(r *rig, m *msg) { r.sbc.reply(m, "200 OK", "x") },
		"403":        func(r *rig, m *msg) { r.sbc.reply(m, "403 Forbidden", "x") },
		"500":        func(r *rig, m *msg) { r.sbc.reply(m, "500 Error", "x") },
		"silence":    func(r *rig, m *msg) { time.Sleep(33 * time.Second) },
		"Close":      func(r *rig, m *msg) { r.a.Close() },
	}
	want := map[RegState]map[string]RegState{
		Disabled:      {"Register": Registering, "Unregister": Disabled, "silence": Disabled, "Close": Disabled},
		Registering:   {"Register": Registering, "Unregister": Deregistering, "200": Registered, "403": Refused, "500": Silent, "silence": Silent, "Close": Deregistering},
		Registered:    {"Register": Registered, "Unregister": Deregistering, "200": Registered, "403": Refused, "500": Registered, "silence": Registered, "Close": Deregistering},
		Refused:       {"Register": Registering, "Unregister": Disabled, "silence": Refused, "Close": Disabled},
		Misconfigured: {"Register": Misconfigured, "Unregister": Disabled, "silence": Misconfigured, "Close": Disabled},
		Resolving:     {"Register": Resolving, "Unregister": Disabled, "silence": Resolving, "Close": Disabled},
		Silent:        {"Register": Registering, "Unregister": Disabled, "silence": Registering, "Close": Disabled},
		Deregistering: {"Register": Registering, "Unregister": Deregistering, "200": Disabled, "403": Disabled, "500": Disabled, "silence": Disabled, "Close": Deregistering},
	}
	for state, setUp := range reach {
		for name, fire := range events {
			after, decided := want[state][name]
			if !decided {
				if name == "200" || name == "403" || name == "500" {
					continue // no request is open that could be answered
				}
				t.Errorf("%v meets %s: not decided", state, name)
				continue
			}
			t.Run(state.String()+" "+name, func(t *testing.T) {
				bubble(t, func(r *rig) {
					m := setUp(r)
					time.Sleep(time.Millisecond)
					fire(r, m)
					time.Sleep(time.Millisecond)
					got := make(chan RegState, 1)
					r.ep.post(func(time.Time) { got <- r.a.reg.state })
					if s := <-got; s != after {
						t.Errorf("%v, want %v", s, after)
					}
				}, func(cfg *Config, _ *memnet.Options) {
					if state == Resolving {
						cfg.Servers = []Server{{Host: "sbc.example.net"}}
						cfg.Resolve = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no such host") }
					}
				})
			})
		}
	}
}
