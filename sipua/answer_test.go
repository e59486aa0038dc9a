package sipua

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// offered registers and brings an INVITE to the agent; the peer has had its 100.
func (r *rig) offered() (*Call, *call) {
	r.t.Helper()
	r.register()
	p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
	p.send("INVITE", "SDP"+offerSDP)
	r.sbc.expect("100")
	return next[Incoming](r.ev, time.Second).Call, p
}

// talking is an answered incoming call.
func (r *rig) talking() (*Call, *call) {
	r.t.Helper()
	c, p := r.offered()
	c.Ring(nil)
	r.sbc.expect("180")
	c.Answer([]byte(answerSDP))
	p.heard(r.sbc.expect("200"))
	p.send("ACK")
	next[Established](r.ev, time.Second)
	return c, p
}

// A9 and A11 of the called side: final answers of the owner.
func TestD2_C7_RejectIsSentAndRepeatedUntilAck(t *testing.T) {
	for _, c := range []struct {
		code   int
		reason string
	}{{486, "Busy Here"}, {480, "Temporarily Unavailable"}, {408, "Request Timeout"}, {488, "Not Acceptable Here"}} {
		bubble(t, func(r *rig) {
			call, p := r.offered()
			call.Ring(nil)
			p.heard(r.sbc.expect("180"))
			call.Reject(c.code, c.reason)
			m := r.sbc.expect(fmt.Sprint(c.code))
			if m.start != fmt.Sprintf("SIP/2.0 %d %s", c.code, c.reason) || m.h("To") != p.remote {
				t.Errorf("%s", m)
			}
			var at []float64
			start := time.Now()
			for {
				m := r.sbc.recv(40 * time.Second)
				if m == nil {
					break
				}
				at = append(at, time.Since(start).Seconds())
			}
			if want := []float64{0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5}; !slices.Equal(at, want) {
				t.Errorf("repeated at %v, want %v", at, want)
			}
			if e := next[Ended](r.ev, time.Second); e.Code != c.code || e.Reason != c.reason || !e.Local || e.ByPeer {
				t.Errorf("%+v", e)
			}
			quiet[Ended](r.ev, time.Minute)
		})
	}
}

func TestD1_HangupOfAnOfferedCallDeclines(t *testing.T) {
	bubble(t, func(r *rig) {
		c, _ := r.offered()
		c.Hangup()
		r.sbc.expect("603")
		if e := next[Ended](r.ev, time.Second); e.Code != 603 || !e.Local {
			t.Errorf("%+v", e)
		}
	})
}

// sipgo trap 10: the 200 is repeated T1 doubling to T2; without ACK the call is released with BYE after 64*T1.
func TestD1_TwoHundredIsRepeatedAndReleasedWithoutAck(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.offered()
		c.Answer([]byte(answerSDP))
		start := time.Now()
		var at []float64
		var bye *msg
		for bye == nil {
			m := r.sbc.recv(time.Minute)
			if m == nil {
				t.Fatal("no BYE")
			}
			switch {
			case m.code() == "200":
				at = append(at, time.Since(start).Seconds())
			case m.method() == "BYE":
				bye = m
			}
		}
		if want := []float64{0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5}; !slices.Equal(at, want) {
			t.Errorf("200 at %v, want %v", at, want)
		}
		if d := time.Since(start); d != 32*time.Second {
			t.Errorf("BYE after %v", d)
		}
		if bye.h("To") != p.local {
			t.Errorf("%s", bye)
		}
		if e := next[Ended](r.ev, time.Second); e.Code != 408 || !e.Local || e.Reason != "no ACK" {
			t.Errorf("%+v", e)
		}
		r.sbc.reply(bye, "200 OK", "")
		quiet[Ended](r.ev, time.Minute)
	})
}

// RFC 3261 15: a callee that hangs up right after answering waits for the ACK before it says BYE.
func TestD3_HangupBeforeAckWaits(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.offered()
		c.Answer([]byte(answerSDP))
		p.heard(r.sbc.expect("200"))
		c.Hangup()
		next[Ended](r.ev, time.Second)
		r.sbc.expect("200") // still repeated
		p.send("ACK")
		bye := r.sbc.expect("BYE")
		if bye.cseq() != firstSeq+1 {
			t.Errorf("%s", bye)
		}
		r.sbc.reply(bye, "200 OK", "")
		quiet[Event](r.ev, time.Minute)
	})
}

func TestD1_RepeatedInviteIsAbsorbed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
		inv := p.request("INVITE", "SDP"+offerSDP)
		r.sbc.raw(inv)
		r.sbc.expect("100")
		c := next[Incoming](r.ev, time.Second).Call
		r.sbc.raw(inv)
		r.sbc.expect("100")
		c.Ring(nil)
		r.sbc.expect("180")
		r.sbc.raw(inv)
		r.sbc.expect("180")
		c.Answer([]byte(answerSDP))
		p.heard(r.sbc.expect("200"))
		r.sbc.raw(inv) // RFC 6026: the 200 has its own repeats
		p.send("ACK")
		quiet[Incoming](r.ev, time.Minute)
	})
}

func TestD1_RefusedInvites(t *testing.T) {
	for _, c := range []struct {
		name, user string
		lines      []string
		status     string
		header     string
	}{
		{"unknown user", "1999", []string{"SDP" + offerSDP}, "404", ""},
		{"C10: 100rel required", "1001", []string{"Require: 100rel", "SDP" + offerSDP}, "420", "Unsupported: 100rel"},
		{"unknown extensions", "1001", []string{"Require: timer, foo", "SDP" + offerSDP}, "420", "Unsupported: timer, foo"},
		{"not SDP", "1001", []string{"Content-Type: text/plain"}, "415", "Accept: application/sdp"},
		{"compressed", "1001", []string{"Content-Encoding: gzip", "SDP" + offerSDP}, "415", "Accept-Encoding: identity"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.register()
				p := r.sbc.callFrom(c.user, "<sip:1002@example.net>")
				text := p.request("INVITE", c.lines...)
				if strings.Contains(text, "text/plain") {
					text = strings.Replace(text, "Content-Length: 0", "Content-Length: 5", 1) + "hello"
				}
				r.sbc.raw(text)
				m := r.sbc.expect(c.status)
				if k, v, _ := strings.Cut(c.header, ": "); c.header != "" && m.h(k) != v {
					t.Errorf("%s", m)
				}
				if tagOf(m.h("To")) == "" {
					t.Error("no To tag")
				}
				quiet[Incoming](r.ev, time.Second)
			})
		})
	}
}

func TestC10_100relInSupportedIsNoReasonToRefuse(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		r.sbc.callFrom("1001", "<sip:1002@example.net>").send("INVITE", "k: 100rel, timer", "SDP"+offerSDP)
		r.sbc.expect("100")
		c := next[Incoming](r.ev, time.Second).Call
		c.Ring(nil)
		if m := r.sbc.expect("180"); m.h("Require") != "" || m.h("RSeq") != "" {
			t.Errorf("%s", m)
		}
	})
}

// A14: an agent without a listener is a port out of service.
func TestA14_NoListenerIs480(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		r.ep.Agent(Account{User: "1003"}, nil)
		r.sbc.callFrom("1003", "<sip:1002@example.net>").send("INVITE", "SDP"+offerSDP)
		r.sbc.expect("480")
	})
}

// D8: the Request-URI may name our Contact's token or the number, also as tel: and with parameters.
func TestD8_MatchedByTokenOrNumber(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		r.sbc.reply(m, "200 OK", "x")
		for _, uri := range []string{m.contactURI(), "sip:1001@example.net", "sip:1001;phone-context=x@10.0.0.9:5060;user=phone", "tel:1001;npdi"} {
			p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
			p.uri = uri
			p.send("INVITE", "SDP"+offerSDP)
			r.sbc.expect("100")
			next[Incoming](r.ev, time.Second).Call.Reject(486, "Busy Here")
			p.remote = r.sbc.expect("486").h("To")
			r.sbc.raw(p.ackSame())
		}
	})
}

// ackSame is the ACK of a refusal: the branch of the INVITE.
func (c *call) ackSame() string {
	branch := c.branch
	s := c.request("ACK")
	s = strings.Replace(s, c.branch, branch, 1)
	c.branch = branch
	return s
}

func TestD1_CallerIdentity(t *testing.T) {
	for _, c := range []struct {
		name, from   string
		lines        []string
		number, disp string
		withheld     bool
	}{
		{"From", `"Li \"Na\"" <sip:1002@example.net>`, nil, "1002", `Li "Na"`, false},
		{"escaped", `<sip:%2B8610@example.net;user=phone>`, nil, "+8610", "", false},
		{"asserted", `"x" <sip:internal@example.net>`, []string{`P-Asserted-Identity: "Li Na" <sip:+861012345@example.net>, <tel:+861012345>`}, "+861012345", "Li Na", false},
		{"asserted without a name", `"Li Na" <sip:internal@example.net>`, []string{`P-Asserted-Identity: <tel:+861012345>`}, "+861012345", "Li Na", false},
		{"anonymous", `"Anonymous" <sip:anonymous@anonymous.invalid>`, nil, "", "", true},
		{"privacy id", `<sip:1002@example.net>`, []string{"P-Asserted-Identity: <sip:1002@example.net>", "Privacy: id;critical"}, "", "", true},
		{"privacy none", `<sip:1002@example.net>`, []string{"Privacy: none"}, "1002", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.register()
				r.sbc.callFrom("1001", c.from).send("INVITE", append(c.lines, "SDP"+offerSDP)...)
				r.sbc.expect("100")
				in := next[Incoming](r.ev, time.Second)
				if in.Number != c.number || in.Name != c.disp || in.Withheld != c.withheld {
					t.Errorf("%+v", in)
				}
			})
		})
	}
}

// 8.2.2.2: the same request by another way.
func TestD1_MergedInviteIsLoop(t *testing.T) {
	bubble(t, func(r *rig) {
		_, p := r.offered()
		p.seq--
		p.send("INVITE", "SDP"+offerSDP) // same Call-ID, tag and CSeq, another branch
		r.sbc.expect("482")
		quiet[Incoming](r.ev, time.Second)
	})
}

func TestC6_CancelThatMatchesNothingOrComesTooLate(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.offered()
		c.Answer([]byte(answerSDP))
		branch := p.branch
		p.heard(r.sbc.expect("200"))
		p.send("ACK")
		next[Established](r.ev, time.Second)
		// Late: 200 to the CANCEL, and the call stands.
		p.branch = branch
		remote := p.remote
		p.remote = "<sip:1001@example.net>"
		p.send("CANCEL")
		r.sbc.expect("200")
		quiet[Ended](r.ev, time.Minute)
		p.branch = "z9hG4bKnever"
		p.send("CANCEL")
		r.sbc.expect("481")
		p.remote = remote
		p.send("BYE")
		r.sbc.expect("200")
	})
}

// A network that reorders: the CANCEL overtakes its INVITE, which then must not ring.
func TestC6_CancelOvertakesInvite(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
		inv := p.request("INVITE", "SDP"+offerSDP)
		p.send("CANCEL")
		r.sbc.expect("481")
		r.sbc.raw(inv)
		r.sbc.expect("487")
		quiet[Incoming](r.ev, time.Second)
	})
}

// sipgo trap 1: INVITE and CANCEL back to back, 300 times, also on one core: never out of order.
func TestC6_InviteAndCancelBackToBack(t *testing.T) {
	for _, procs := range []int{1, 2} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			bubble(t, func(r *rig) {
				r.register()
				for i := range 300 {
					p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
					r.sbc.raw(p.request("INVITE", "SDP"+offerSDP))
					r.sbc.raw(p.request("CANCEL"))
					for _, want := range []string{"100", "200", "487"} {
						if m := r.sbc.expect(want); want == "487" {
							p.remote = m.h("To")
						}
					}
					r.sbc.raw(p.ackSame())
					in, out := next[Incoming](r.ev, time.Second), next[Ended](r.ev, time.Second)
					if in.Call != out.Call || !out.ByPeer {
						t.Fatalf("round %d: %+v %+v", i, in, out)
					}
				}
				time.Sleep(time.Minute)
				if s := r.ep.Stats(); s.Calls != 0 || s.Transactions != 0 {
					t.Errorf("%+v", s)
				}
			})
		}()
	}
}

// 13.3.1.1: 180 is repeated every minute, so that no proxy gives up; and the owner who never answers is answered for.
func TestC7_RingingIsRepeatedAndEndsSomeday(t *testing.T) {
	bubble(t, func(r *rig) {
		c, _ := r.offered()
		c.Ring(nil)
		for range 5 {
			r.sbc.expectIn("180", 61*time.Second)
		}
		r.sbc.seek("480")
		if e := next[Ended](r.ev, time.Second); e.Code != 480 || !e.Local {
			t.Errorf("%+v", e)
		}
	})
}

func TestC9_EarlyMediaOfTheCallee(t *testing.T) {
	bubble(t, func(r *rig) {
		c, _ := r.offered()
		c.Ring([]byte(answerSDP))
		if m := r.sbc.expect("183"); m.body != answerSDP || m.h("Content-Type") != "application/sdp" {
			t.Errorf("%s", m)
		}
	})
}

// 13.2.1: no offer in the INVITE: ours goes with the 200, the answer comes with the ACK.
func TestD5_DelayedOffer(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
		p.send("INVITE")
		r.sbc.expect("100")
		in := next[Incoming](r.ev, time.Second)
		if len(in.Offer) != 0 {
			t.Errorf("%+v", in)
		}
		in.Call.Answer([]byte(offerSDP))
		p.heard(r.sbc.expect("200"))
		p.send("ACK", "SDP"+answerSDP)
		if e := next[Established](r.ev, time.Second); string(e.SDP) != answerSDP {
			t.Errorf("%+v", e)
		}
	})
}

// RFC 3261 18.2.2 and RFC 3581: where responses go.
func TestR10_ResponsesGoWhereTheyShould(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		other := r.peer(netipPort("10.0.0.1:5099")) // the SBC sends from one port and listens on another
		p := other.callFrom("1001", "<sip:1002@example.net>")
		p.send("OPTIONS")
		if m := other.expect("200"); !strings.Contains(m.h("Via"), "rport=5099") || !strings.Contains(m.h("Via"), "received=10.0.0.1") {
			t.Errorf("%s", m)
		}
		text := strings.Replace(p.request("OPTIONS"), ";rport", "", 1)
		other.raw(strings.Replace(text, "10.0.0.1:5099;branch", "10.0.0.1;branch", 1))
		if m := r.sbc.expect("200"); strings.Contains(m.h("Via"), "received") {
			t.Errorf("%s", m)
		}
		other.raw(strings.Replace(text, "10.0.0.1:5099;branch", "sbc.example.net:5060;branch", 1))
		if m := r.sbc.expect("200"); !strings.Contains(m.h("Via"), "received=10.0.0.1") {
			t.Errorf("%s", m)
		}
	})
}

func TestD1_ByeInEarlyDialogAndBeforeAck(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.offered()
		c.Ring(nil)
		p.heard(r.sbc.expect("180"))
		p.send("BYE")
		r.sbc.expect("200")
		r.sbc.expect("487")
		if e := next[Ended](r.ev, time.Second); !e.ByPeer {
			t.Errorf("%+v", e)
		}
	})
	bubble(t, func(r *rig) {
		c, p := r.offered()
		c.Answer([]byte(answerSDP))
		p.heard(r.sbc.expect("200"))
		p.send("BYE") // the ACK was lost, or never sent
		r.sbc.expect("200")
		if e := next[Ended](r.ev, time.Second); !e.ByPeer {
			t.Errorf("%+v", e)
		}
		r.sbc.silent(time.Minute)
	})
}
