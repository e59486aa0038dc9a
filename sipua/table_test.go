package sipua

import (
	"testing"
	"testing/synctest"
	"time"
)

// stage is a call brought into a state, with what the peer needs to go on.
type stage struct {
	r      *rig
	c      *Call
	invite *msg  // ours, when we call
	p      *call // the peer's side
}

// stages reach every state of a call.
var stages = map[callState]func(r *rig) *stage{
	callInviting: func(r *rig) *stage {
		c, inv := r.dialling()
		return &stage{r: r, c: c, invite: inv}
	},
	callProceeding: func(r *rig) *stage {
		c, inv := r.dialling()
		r.sbc.reply(inv, "180 Ringing", "b", "Contact: <sip:bob@10.0.0.1:5060>")
		next[Progress](r.ev, time.Second)
		return &stage{r: r, c: c, invite: inv}
	},
	callCancelling: func(r *rig) *stage {
		c, inv := r.dialling()
		r.sbc.reply(inv, "180 Ringing", "b", "Contact: <sip:bob@10.0.0.1:5060>")
		next[Progress](r.ev, time.Second)
		c.Hangup()
		r.sbc.reply(r.sbc.expect("CANCEL"), "200 OK", "b")
		return &stage{r: r, c: c, invite: inv}
	},
	callOffered: func(r *rig) *stage {
		c, p := r.offered()
		c.Ring(nil)
		p.heard(r.sbc.expect("180"))
		return &stage{r: r, c: c, p: p}
	},
	callAccepted: func(r *rig) *stage {
		c, p := r.offered()
		c.Answer([]byte(answerSDP))
		p.heard(r.sbc.expect("200"))
		return &stage{r: r, c: c, p: p}
	},
	callConfirmed: func(r *rig) *stage {
		c, p := r.talking()
		return &stage{r: r, c: c, p: p}
	},
	callReleasing: func(r *rig) *stage {
		c, p := r.talking()
		c.Hangup()
		return &stage{r: r, c: c, p: p}
	},
	callOver: func(r *rig) *stage {
		c, p := r.talking()
		p.send("BYE")
		r.sbc.expect("200")
		return &stage{r: r, c: c, p: p}
	},
}

// strokes are what may happen to a call. Those of the peer need a dialog or an open INVITE; where there is none, the
// table says nothing.
var strokes = map[string]func(s *stage){
	"Ring":    func(s *stage) { s.c.Ring(nil) },
	"Answer":  func(s *stage) { s.c.Answer([]byte(answerSDP)) },
	"Reject":  func(s *stage) { s.c.Reject(486, "Busy Here") },
	"Hangup":  func(s *stage) { s.c.Hangup() },
	"Reoffer": func(s *stage) { s.c.Reoffer([]byte(holdSDP)) },
	"180":     func(s *stage) { s.r.sbc.reply(s.invite, "180 Ringing", "b") },
	"200": func(s *stage) {
		s.r.sbc.reply(s.invite, "200 OK", "b", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
	},
	"486":      func(s *stage) { s.r.sbc.reply(s.invite, "486 Busy Here", "b") },
	"ACK":      func(s *stage) { s.p.send("ACK") },
	"BYE":      func(s *stage) { s.p.send("BYE") },
	"CANCEL":   func(s *stage) { s.p.send("CANCEL") },
	"reINVITE": func(s *stage) { s.p.send("INVITE", "SDP"+holdSDP) },
	"200 BYE": func(s *stage) {
		s.r.sbc.reply(s.r.sbc.expect("BYE"), "200 OK", "")
	},
	"32 s":  func(s *stage) { time.Sleep(timeout64) },
	"180 s": func(s *stage) { time.Sleep(180 * time.Second) },
	"300 s": func(s *stage) { time.Sleep(300 * time.Second) },
}

// The whole table of the call: next state, and whether Ended has been told by then.
func TestCall_EveryStateMeetsEveryEvent(t *testing.T) {
	const none = callNew // the event cannot happen there
	type row map[string]callState
	table := map[callState]row{
		callInviting: {"Ring": callInviting, "Answer": callInviting, "Reject": callInviting, "Hangup": callCancelling, "Reoffer": callInviting,
			"180": callProceeding, "200": callConfirmed, "486": callOver, "ACK": none, "BYE": none, "CANCEL": none, "reINVITE": none, "200 BYE": none,
			"32 s": callOver, "180 s": callOver, "300 s": callOver},
		callProceeding: {"Ring": callProceeding, "Answer": callProceeding, "Reject": callProceeding, "Hangup": callCancelling, "Reoffer": callProceeding,
			"180": callProceeding, "200": callConfirmed, "486": callOver, "ACK": none, "BYE": none, "CANCEL": none, "reINVITE": none, "200 BYE": none,
			"32 s": callProceeding, "180 s": callCancelling, "300 s": callOver},
		callCancelling: {"Ring": callCancelling, "Answer": callCancelling, "Reject": callCancelling, "Hangup": callCancelling, "Reoffer": callCancelling,
			"180": callCancelling, "200": callOver, "486": callOver, "ACK": none, "BYE": none, "CANCEL": none, "reINVITE": none, "200 BYE": none,
			"32 s": callOver, "180 s": callOver, "300 s": callOver},
		callOffered: {"Ring": callOffered, "Answer": callAccepted, "Reject": callOver, "Hangup": callOver, "Reoffer": callOffered,
			"180": none, "200": none, "486": none, "ACK": callOffered, "BYE": callOver, "CANCEL": callOver, "reINVITE": callOffered, "200 BYE": none,
			"32 s": callOffered, "180 s": callOffered, "300 s": callOver},
		callAccepted: {"Ring": callAccepted, "Answer": callAccepted, "Reject": callAccepted, "Hangup": callReleasing, "Reoffer": callAccepted,
			"180": none, "200": none, "486": none, "ACK": callConfirmed, "BYE": callOver, "CANCEL": callAccepted, "reINVITE": callAccepted, "200 BYE": none,
			"32 s": callReleasing, "180 s": callOver, "300 s": callOver},
		callConfirmed: {"Ring": callConfirmed, "Answer": callConfirmed, "Reject": callConfirmed, "Hangup": callReleasing, "Reoffer": callConfirmed,
			"180": none, "200": none, "486": none, "ACK": callConfirmed, "BYE": callOver, "CANCEL": callConfirmed, "reINVITE": callConfirmed, "200 BYE": none,
			"32 s": callConfirmed, "180 s": callConfirmed, "300 s": callConfirmed},
		callReleasing: {"Ring": callReleasing, "Answer": callReleasing, "Reject": callReleasing, "Hangup": callReleasing, "Reoffer": callReleasing,
			"180": none, "200": none, "486": none, "ACK": callReleasing, "BYE": callReleasing, "CANCEL": callReleasing, "reINVITE": callReleasing, "200 BYE": callOver,
			"32 s": callOver, "180 s": callOver, "300 s": callOver},
		callOver: {"Ring": callOver, "Answer": callOver, "Reject": callOver, "Hangup": callOver, "Reoffer": callOver,
			"180": none, "200": none, "486": none, "ACK": callOver, "BYE": callOver, "CANCEL": callOver, "reINVITE": callOver, "200 BYE": none,
			"32 s": callOver, "180 s": callOver, "300 s": callOver},
	}
	ended := map[callState]bool{callCancelling: true, callReleasing: true, callOver: true}
	for state, reach := range stages {
		for name, stroke := range strokes {
			want, decided := table[state][name]
			if !decided {
				t.Errorf("%v meets %s: not decided", state, name)
				continue
			}
			if want == none {
				continue
			}
			t.Run(state.String()+" "+name, func(t *testing.T) {
				bubble(t, func(r *rig) {
					s := reach(r)
					synctest.Wait()
					stroke(s)
					synctest.Wait()
					got := make(chan callState, 1)
					r.ep.post(func(time.Time) { got <- s.c.state })
					if is := <-got; is != want {
						t.Errorf("%v, want %v", is, want)
					}
					n := 0
					for len(r.ev.ch) > 0 {
						if _, ok := (<-r.ev.ch).(Ended); ok {
							n++
						}
					}
					if (n == 1) != ended[want] || n > 1 {
						t.Errorf("Ended was told %d times", n)
					}
				})
			})
		}
	}
}
