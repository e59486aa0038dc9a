package sipua

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"tipring/internal/memnet"
)

// dialling registers, dials and takes the INVITE.
func (r *rig) dialling() (*Call, *msg) {
	r.t.Helper()
	r.register()
	c := r.a.Invite("1002", []byte(offerSDP))
	return c, r.sbc.expect("INVITE")
}

// calling is a call that was made, answered and acknowledged; the answer is what our dialog was made from.
func (r *rig) calling() (c *Call, invite, ack *msg) {
	r.t.Helper()
	c, invite = r.dialling()
	r.sbc.reply(invite, "200 OK", "b", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
	ack = r.sbc.expect("ACK")
	next[Established](r.ev, time.Second)
	return c, invite, ack
}

// asPeer is the scripted side of a call that we made.
func (p *peer) asPeer(invite, ack *msg) *call {
	return &call{p: p, id: invite.h("Call-ID"), uri: invite.contactURI(), seq: 5000, local: ack.h("To"), remote: invite.h("From")}
}

// A9: 486 -> ACK, and the other refusals (C5, C6).
func TestC5_C6_RefusalsEndTheCallWithCodeAndPhrase(t *testing.T) {
	for _, status := range []string{"486 Busy Here", "408 Request Timeout", "480 Gone to lunch", "404 Not Found", "302 Moved Temporarily", "603 Decline", "500 Server Error", "487 Request Terminated"} {
		bubble(t, func(r *rig) {
			c, inv := r.dialling()
			r.sbc.reply(inv, "100 Trying", "")
			r.sbc.reply(inv, status, "b")
			ack := r.sbc.expectIn("ACK", time.Second)
			if ack.branch() != inv.branch() || ack.uri() != inv.uri() || ack.h("CSeq") != fmt.Sprint(inv.cseq())+" ACK" || ack.h("To") != inv.h("To")+";tag=b" {
				t.Errorf("ACK:\n%s", ack)
			}
			e := next[Ended](r.ev, time.Second)
			if e.Call != c || fmt.Sprint(e.Code, " ", e.Reason) != status || e.ByPeer || e.Local {
				t.Errorf("%+v", e)
			}
			r.sbc.reply(inv, status, "b") // ACK lost
			r.sbc.expectIn("ACK", time.Second)
			quiet[Ended](r.ev, time.Minute)
		})
	}
}

// A11 as caller: own timer -> CANCEL -> 200, 487 -> ACK.
func TestC7_CallerNoAnswerTimerCancels(t *testing.T) {
	bubble(t, func(r *rig) {
		_, inv := r.dialling()
		start := time.Now()
		r.sbc.reply(inv, "180 Ringing", "b")
		can := r.sbc.expectIn("CANCEL", time.Hour)
		if d := time.Since(start); d != 180*time.Second {
			t.Errorf("after %v", d)
		}
		e := next[Ended](r.ev, time.Second)
		if e.Code != 408 || !e.Local || e.Reason != "no answer" {
			t.Errorf("%+v", e)
		}
		r.sbc.reply(can, "200 OK", "b")
		r.sbc.reply(inv, "487 Request Terminated", "b")
		r.sbc.expect("ACK")
		quiet[Ended](r.ev, time.Minute)
	})
}

// A12, C8: after 180 CANCEL goes at once: same branch, Request-URI, CSeq number; no Contact, no body.
func TestC8_HangupAfterRingingCancels(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		r.sbc.reply(inv, "180 Ringing", "b", "Contact: <sip:bob@10.0.0.1:5060>", "Record-Route: <sip:10.0.0.1;lr>")
		next[Progress](r.ev, time.Second)
		c.Hangup()
		can := r.sbc.expectIn("CANCEL", 10*time.Millisecond)
		if can.branch() != inv.branch() || can.uri() != inv.uri() || can.h("CSeq") != fmt.Sprint(inv.cseq())+" CANCEL" || can.h("To") != inv.h("To") ||
			can.h("From") != inv.h("From") || can.h("Call-ID") != inv.h("Call-ID") || can.h("Route") != "" || can.h("Contact") != "" || can.body != "" || len(can.all("Via")) != 1 {
			t.Errorf("CANCEL:\n%s", can)
		}
		if !strings.HasPrefix(can.lines[0], "Via:") {
			t.Error("Via is not the first header")
		}
		r.sbc.reply(can, "200 OK", "b")
		r.sbc.reply(inv, "487 Request Terminated", "b")
		r.sbc.expect("ACK")
		if e := next[Ended](r.ev, time.Second); !e.Local || e.Code != 0 {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Second)
		if n := r.ep.Stats().Calls; n != 0 {
			t.Errorf("%d calls left", n)
		}
	})
}

// RFC 3261 9.1: no CANCEL before a provisional response; then with the first one.
func TestC8_HangupBeforeAnyResponseWaitsFor1xx(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		c.Hangup()
		if e := next[Ended](r.ev, time.Second); !e.Local {
			t.Errorf("%+v", e)
		}
		for range 3 {
			r.sbc.expect("INVITE") // repeats
		}
		r.sbc.reply(inv, "100 Trying", "")
		r.sbc.expectIn("CANCEL", 10*time.Millisecond)
		r.sbc.reply(inv, "180 Ringing", "b")
		r.sbc.silent(499 * time.Millisecond) // no second one
		m := r.sbc.expect("CANCEL")          // but its own transaction repeats it
		r.sbc.reply(m, "200 OK", "b")
		r.sbc.reply(inv, "487 Request Terminated", "b")
		r.sbc.expect("ACK")
		r.sbc.silent(time.Minute)
	})
}

// 9.1: no final response in 64*T1 after CANCEL: the INVITE counts as dead.
func TestC8_CancelWithoutFinalResponse(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		r.sbc.reply(inv, "180 Ringing", "b")
		time.Sleep(time.Second)
		c.Hangup()
		r.sbc.reply(r.sbc.expect("CANCEL"), "200 OK", "b")
		time.Sleep(33 * time.Second)
		if s := r.ep.Stats(); s.Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// C8, sipgo trap 4: a 200 that crosses the CANCEL is acknowledged and released.
func TestC8_TwoHundredCrossingCancelGetsAckAndBye(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		r.sbc.reply(inv, "180 Ringing", "b")
		next[Progress](r.ev, time.Second)
		c.Hangup()
		can := r.sbc.expect("CANCEL")
		ok := []string{"Contact: <sip:bob@10.0.0.1:5060>", "SDP" + answerSDP}
		r.sbc.reply(inv, "200 OK", "b", ok...)
		r.sbc.reply(can, "200 OK", "b")
		ack := r.sbc.expect("ACK")
		bye := r.sbc.expect("BYE")
		if ack.cseq() != inv.cseq() || bye.cseq() != inv.cseq()+1 || bye.h("To") != inv.h("To")+";tag=b" || bye.uri() != "sip:bob@10.0.0.1:5060" {
			t.Errorf("%s\n%s", ack, bye)
		}
		r.sbc.reply(inv, "200 OK", "b", ok...) // the ACK was lost
		r.sbc.seek("ACK")
		r.sbc.reply(bye, "200 OK", "b")
		next[Ended](r.ev, time.Second)
		quiet[Event](r.ev, time.Minute)
		if s := r.ep.Stats(); s.Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Forks, sipgo trap 6: the first 2xx is the call, the others are acknowledged and released.
func TestC8_ForkedTwoHundredsLosersGetAckAndBye(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		for _, tag := range []string{"x", "y", "z"} {
			r.sbc.reply(inv, "180 Ringing", tag, "Contact: <sip:"+tag+"@10.0.0.1:5060>")
			next[Progress](r.ev, time.Second)
		}
		ok := func(tag string) {
			r.sbc.reply(inv, "200 OK", tag, "Contact: <sip:"+tag+"@10.0.0.1:5060>", "SDP"+answerSDP)
		}
		ok("y")
		if ack := r.sbc.expect("ACK"); ack.uri() != "sip:y@10.0.0.1:5060" {
			t.Errorf("%s", ack)
		}
		next[Established](r.ev, time.Second)
		for _, tag := range []string{"x", "z"} {
			ok(tag)
			ack, bye := r.sbc.expect("ACK"), r.sbc.expect("BYE")
			if ack.uri() != "sip:"+tag+"@10.0.0.1:5060" || !strings.HasSuffix(ack.h("To"), ";tag="+tag) || !strings.HasSuffix(bye.h("To"), ";tag="+tag) {
				t.Errorf("loser %s:\n%s\n%s", tag, ack, bye)
			}
			r.sbc.reply(bye, "200 OK", tag)
		}
		ok("x") // again: ACK again, no second BYE
		r.sbc.expect("ACK")
		r.sbc.silent(time.Second)
		c.Hangup()
		if bye := r.sbc.expect("BYE"); bye.uri() != "sip:y@10.0.0.1:5060" || bye.cseq() != inv.cseq()+1 {
			t.Errorf("%s", bye)
		}
	})
}

// sipgo trap 5: a call may ring as long as it likes.
func TestC9_ManyProvisionalResponses(t *testing.T) {
	bubble(t, func(r *rig) {
		_, inv := r.dialling()
		for range 50 {
			r.sbc.reply(inv, "180 Ringing", "b")
			next[Progress](r.ev, time.Second)
			time.Sleep(3 * time.Second)
		}
		r.sbc.reply(inv, "200 OK", "b", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
		r.sbc.expect("ACK")
		next[Established](r.ev, time.Second)
	})
}

func TestR11_WrongPasswordEndsTheCall(t *testing.T) {
	bubble(t, func(r *rig) {
		_, inv := r.dialling()
		for i := range 2 {
			r.sbc.reply(inv, "407 Proxy Authentication Required", "b", strings.Replace(challenge401, "WWW", "Proxy", 1))
			r.sbc.expect("ACK")
			if i == 0 {
				inv = r.sbc.expect("INVITE")
			}
		}
		if e := next[Ended](r.ev, time.Second); e.Code != 407 || !strings.Contains(e.Reason, "credentials refused") {
			t.Errorf("%+v", e)
		}
	})
}

// The caller hangs up between the challenge and the second INVITE's answer; and before the challenge.
func TestR11_HangupDuringChallenge(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		c.Hangup()
		r.sbc.reply(inv, "407 Proxy Authentication Required", "b", strings.Replace(challenge401, "WWW", "Proxy", 1))
		r.sbc.expect("ACK")
		r.sbc.silent(time.Minute)
	})
}

// A BYE is challenged: answered for our server and the realm we know, CSeq + 1. A foreign realm learns nothing (digest leak).
func TestR11_ChallengedByeIsAnsweredOnlyForOurRealm(t *testing.T) {
	for realm, answered := range map[string]bool{"example.net": true, "evil.example": false} {
		bubble(t, func(r *rig) {
			r.a.Register(true)
			r.sbc.reply(r.sbc.expect("REGISTER"), "401 Unauthorized", "x", challenge401)
			r.sbc.reply(r.sbc.expect("REGISTER"), "200 OK", "x")
			c := r.a.Invite("1002", []byte(offerSDP))
			inv := r.sbc.expect("INVITE")
			r.sbc.reply(inv, "200 OK", "b", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
			r.sbc.expect("ACK")
			c.Hangup()
			bye := r.sbc.expect("BYE")
			r.sbc.reply(bye, "407 Proxy Authentication Required", "b", strings.ReplaceAll(strings.Replace(challenge401, "WWW", "Proxy", 1), "example.net", realm))
			bye2 := r.sbc.recv(time.Minute)
			if (bye2 != nil) != answered {
				t.Fatalf("realm %s: %v", realm, bye2)
			}
			if answered && (bye2.cseq() != bye.cseq()+1 || digestOK(bye2.h("Proxy-Authorization"), "BYE", "auth1001", "secret1") != nil) {
				t.Errorf("%s", bye2)
			}
		})
	}
}

// A peer that is none of our servers asks for credentials in the dialog: it gets none.
func TestR11_NoDigestForTheFarEnd(t *testing.T) {
	bubble(t, func(r *rig) {
		evil := r.peer(sbc2At)
		c, inv := r.dialling()
		r.sbc.reply(inv, "200 OK", "b", "Contact: <sip:bob@10.0.0.2:5060>", "SDP"+answerSDP)
		evil.expect("ACK") // the dialog goes past our server
		c.Hangup()
		bye := evil.expect("BYE")
		evil.reply(bye, "401 Unauthorized", "b", challenge401)
		evil.silent(time.Minute)
	})
}

// The far end of a dialog may speak in that dialog, and nowhere else.
func TestD7_FarEndIsHeardInItsDialogOnly(t *testing.T) {
	bubble(t, func(r *rig) {
		far := r.peer(sbc2At)
		_, inv := r.dialling()
		r.sbc.reply(inv, "200 OK", "b", "Contact: <sip:bob@10.0.0.2:5060>", "SDP"+answerSDP)
		ack := far.expect("ACK")
		far.callFrom("1001", "<sip:ghost@example.net>").send("INVITE", "SDP"+offerSDP)
		far.silent(time.Second)
		far.asPeer(inv, ack).send("BYE")
		far.expect("200")
		if e := next[Ended](r.ev, time.Second); !e.ByPeer {
			t.Errorf("%+v", e)
		}
		far.asPeer(inv, ack).send("BYE") // forgotten again
		far.silent(time.Second)
	})
}

func TestC3_CallWithoutServerOrUser(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Invite("1002", []byte(offerSDP))
		if e := next[Ended](r.ev, time.Second); e.Code != 503 || e.Reason == "" {
			t.Errorf("%+v", e)
		}
	}, func(c *Config, _ *memnet.Options) { c.Servers = []Server{{Host: "nowhere.example"}} })
}

func TestC6_ServerSilentEndsWithTimerB(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		r.net.Blackhole(sbc1At, true)
		start := time.Now()
		r.a.Invite("1002", []byte(offerSDP))
		if e := next[Ended](r.ev, time.Minute); e.Code != 408 || time.Since(start) != 32*time.Second {
			t.Errorf("after %v: %+v", time.Since(start), e)
		}
	})
}

func TestC1_NumberIsEscaped(t *testing.T) {
	for number, uri := range map[string]string{
		"*98#": "sip:*98%23@example.net", "+4930": "sip:+4930@example.net", "sip:bob@elsewhere.example": "sip:bob@elsewhere.example",
		"1 2\r\nX: y": "sip:1%202%0D%0AX:%20y@example.net",
	} {
		bubble(t, func(r *rig) {
			r.a.Invite(number, []byte(offerSDP))
			if m := r.sbc.expect("INVITE"); m.uri() != strings.ReplaceAll(uri, "X:", "X%3A") {
				t.Errorf("%q became %q", number, m.uri())
			}
		})
	}
}

// 300 calls that are cancelled at once, and 300 that are answered while the caller hangs up, also on one core: whatever
// the order on the wire, every 200 gets its ACK and BYE, nothing is left.
func TestC8_RaceOfHangupAndAnswer(t *testing.T) {
	for _, procs := range []int{1, 2} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			bubble(t, func(r *rig) {
				r.register()
				acks, byes, oks := 0, 0, 0
				for i := range 300 {
					c := r.a.Invite("1002", []byte(offerSDP))
					inv := r.sbc.seek("INVITE")
					r.sbc.reply(inv, "180 Ringing", "b")
					if i%3 == 0 {
						c.Hangup()
					}
					r.sbc.reply(inv, "200 OK", "b", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
					if i%3 == 1 {
						c.Hangup()
					}
					oks++
					for {
						m := r.sbc.recv(10 * time.Millisecond)
						if m == nil {
							break
						}
						switch m.method() {
						case "ACK":
							acks++
						case "BYE":
							byes++
							r.sbc.reply(m, "200 OK", "")
						case "CANCEL":
							r.sbc.reply(m, "200 OK", "b")
						}
					}
					c.Hangup()
					if m := r.sbc.recv(10 * time.Millisecond); m != nil && m.method() == "BYE" {
						byes++
						r.sbc.reply(m, "200 OK", "")
					}
					if e := next[Ended](r.ev, time.Second); e.Call != c {
						t.Fatal("another call ended")
					}
				}
				if acks != oks || byes != oks {
					t.Errorf("GOMAXPROCS=%d: %d answers, %d ACKs, %d BYEs", procs, oks, acks, byes)
				}
				quiet[Ended](r.ev, 2*time.Minute)
				if s := r.ep.Stats(); s.Calls != 0 || s.Transactions > 0 {
					t.Errorf("left: %+v", s)
				}
			})
		}()
	}
}
