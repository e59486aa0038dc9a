package sipua

import (
	"log/slog"
	"slices"
	"time"
)

// callState is where a call stands.
type callState uint8

const (
	callNew        callState = iota
	callInviting             // caller: INVITE sent, nothing heard
	callProceeding           // caller: 1xx heard
	callCancelling           // caller gave up; CANCEL goes out with the first 1xx
	callOffered              // called: the telephone may ring
	callAccepted             // called: 200 sent, ACK awaited
	callConfirmed            // the dialog stands
	callReleasing            // BYE sent, or to be sent when ACK comes
	callOver
)

func (s callState) String() string {
	return [...]string{"new", "inviting", "proceeding", "cancelling", "offered", "accepted", "confirmed", "releasing", "over"}[s]
}

// Call is one call of an agent. Its methods post to the endpoint's loop and never block; what does not fit the state of
// the call does nothing.
//
//	caller:  inviting --1xx--> proceeding --2xx--> confirmed --BYE in--> over
//	            |  \--2xx--------------------------/    |
//	            |                  |                    Hangup
//	          Hangup, no answer: cancelling             v
//	            |   3xx-6xx, timeout: over            releasing --answer--> over
//	            +-- late 2xx: ACK, BYE ----------------^ ^
//	called:  offered --Answer--> accepted --ACK--> confirmed
//	            |                   +-- no ACK, Hangup -/
//	            +-- Reject, Hangup, CANCEL, BYE: over
//
// Ended is told when the owner's part is over; what the protocol still wants (487, the answer to BYE, repeated ACKs) goes
// on without him.
type Call struct {
	e     *Endpoint
	agent *Agent
	id    string
	// Owned by the loop:
	state    callState
	told     bool // Ended
	localTag string
	dialog   *dialog // early or confirmed

	// Caller, invite.go.
	invite   *outgoing
	inviteTx *clientTx
	hop      *hop
	tried    []*hop // servers that did not answer
	auth     auth
	answerBy time.Time

	// Called, answer.go.
	request *message  // INVITE or UPDATE that awaits our answer
	reply   *serverTx // its transaction
	replyBy time.Time
	ringing []byte    // last provisional response, repeated so that proxies do not give up
	ringAt  time.Time // next repeat
	accept  acceptance

	// Another session, reinvite.go.
	reoffer   *clientTx
	reofferO  *outgoing
	wanted    []byte    // offer to send when the present exchange is over
	reofferAt time.Time // try again after 491
	bye       *farewell
}

// ID is the Call-ID.
func (c *Call) ID() string { return c.id }

// Ring tells the caller that the telephone rings: 180, or 183 with an early answer. May be repeated.
func (c *Call) Ring(sdp []byte) {
	sdp = slices.Clone(sdp)
	c.e.post(func(now time.Time) { c.ring(now, sdp) })
}

// Answer accepts an incoming call or a Reoffered session with our description.
func (c *Call) Answer(sdp []byte) {
	sdp = slices.Clone(sdp)
	c.e.post(func(now time.Time) { c.answer(now, sdp) })
}

// Reject refuses an incoming call or a Reoffered session with a final code, 300 to 699.
func (c *Call) Reject(code int, reason string) {
	c.e.post(func(now time.Time) { c.reject(now, code, reason) })
}

// Hangup ends the call as its state needs: CANCEL, BYE or 603. Ended follows.
func (c *Call) Hangup() { c.e.post(c.release) }

// Reoffer asks the peer for another session: a re-INVITE, sent when the dialog is free for it. Established or
// ReofferFailed follows.
func (c *Call) Reoffer(sdp []byte) {
	sdp = slices.Clone(sdp)
	c.e.post(func(now time.Time) {
		c.wanted = sdp
		c.reofferNow(now)
	})
}

// release is the owner's wish to end.
func (c *Call) release(now time.Time) {
	c.wanted = nil
	switch c.state {
	case callInviting, callProceeding:
		c.giveUp(now, 0, "")
	case callOffered:
		c.refuse(now, 603, "Decline", nil)
		c.end(now, Ended{Code: 603, Reason: "Decline", Local: true})
	case callAccepted:
		c.setState(callReleasing, "hangup") // RFC 3261 15: no BYE before ACK has come, or will not come
		c.tell(Ended{Local: true})
	case callConfirmed:
		c.tell(Ended{Local: true})
		c.sayBye(now)
	}
}

func (c *Call) deadline() time.Time {
	next := earliest(c.answerBy, c.replyBy)
	next = earliest(next, earliest(c.ringAt, c.reofferAt))
	return earliest(next, c.accept.deadline())
}

// advance runs the timers that are due.
func (c *Call) advance(now time.Time) {
	if due(now, c.answerBy) {
		c.answerBy = time.Time{}
		c.giveUp(now, 408, "no answer")
	}
	if due(now, c.replyBy) {
		c.replyBy = time.Time{}
		c.overdue(now)
	}
	if due(now, c.ringAt) {
		c.ringAt = now.Add(keepRinging)
		if c.reply != nil && !c.reply.final() {
			c.e.send(c.reply.to, c.ringing, true)
		}
	}
	if due(now, c.reofferAt) {
		c.reofferAt = time.Time{}
		c.reofferNow(now)
	}
	c.repeatAccept(now)
}

// adopt enters the call into the endpoint's book under its dialog, or moves it there.
func (c *Call) adopt(d *dialog) {
	c.dialog = d
	c.e.calls[callKey(c.id, c.localTag)] = c
	c.e.publishKnown()
}

// tell gives an event of the call to its owner; nothing follows Ended.
func (c *Call) tell(ev Event) {
	if c.told {
		return
	}
	if e, ok := ev.(Ended); ok {
		c.told = true
		e.Call = c
		ev = e
	}
	c.agent.tell(ev)
}

// end closes the call's book.
func (c *Call) end(now time.Time, ev Ended) {
	c.setState(callOver, "ended")
	c.answerBy, c.replyBy, c.ringAt, c.reofferAt, c.accept = time.Time{}, time.Time{}, time.Time{}, time.Time{}, acceptance{}
	c.refuseOpen(now)
	delete(c.e.calls, callKey(c.id, c.localTag))
	c.e.publishKnown()
	c.tell(ev)
}

// abandon drops a call whose machine failed.
func (c *Call) abandon() {
	defer func() {
		if p := recover(); p != nil {
			c.e.caught(p, "abandon")
		}
	}()
	delete(c.e.calls, callKey(c.id, c.localTag))
	c.state = callOver
	c.tell(Ended{Code: 500, Reason: "internal error", Local: true})
}

func (c *Call) setState(s callState, cause string) {
	if c.state != s {
		logState(c.e.log, "call", c.state, s, cause, "call", slog.StringValue(c.id))
		c.state = s
	}
}
