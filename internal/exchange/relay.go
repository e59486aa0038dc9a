package exchange

import (
	"net/netip"
	"strconv"
	"time"
)

// relayState of an INVITE that was passed on.
//
//	INVITE -> calling --1xx--> proceeding
//	             |                 |
//	             +--------+--------+----- 2xx ---------------> accepted --64 T1--> gone
//	                      |
//	                      +- 3xx-6xx, 408 nobody answered,
//	                         487 cancelled and silent -------> completed --ACK--> confirmed --T4--> gone
//	                                                               +----64 T1-----------------------^
type relayState uint8

const (
	calling relayState = iota
	proceeding
	accepted
	completed
	confirmed
	gone
)

func (s relayState) String() string {
	return [...]string{"calling", "proceeding", "accepted", "completed", "confirmed", "gone"}[s]
}

// relay is an INVITE on its way. The caller stops repeating it as soon as it hears our 100, so this hop must repeat it
// instead, and everything that depends on it: CANCEL towards the callee, the final answer towards the caller, the ACK for
// it: RFC 3261 section 16 with the transactions of 17. It belongs to its SBC; deadlines are data.
type relay struct {
	sbc    *SBC
	number int // age among the SBC's relays
	state  relayState
	req    *request       // as it came
	invite *message       // as it went
	to     netip.AddrPort // the callee's side
	last   []byte         // the last answer to the caller

	cancelled bool      // the caller gave up
	cancelOut bool      // CANCEL was sent to the callee: not before its first 1xx, section 9.1
	repeat    time.Time // when the datagram that this state repeats is due; zero: nothing
	every     time.Duration
	over      time.Time // when the state ends by itself
}

const maxRelays = 10000

// relay begins: 100 to the caller, the INVITE to the callee.
func (s *SBC) relay(r *request, m *message, to netip.AddrPort) {
	if len(s.relays) >= maxRelays {
		s.refuse(r, 503, "")
		return
	}
	s.serial++
	leg := &relay{sbc: s, number: s.serial, req: r, invite: m, to: to,
		repeat: r.now.Add(t1), every: t1, over: r.now.Add(lifetime)}
	s.relays[r.key], s.legs[r.branch] = leg, leg
	leg.own(r.now, 100)
	s.send(r.now, to, m.bytes())
	leg.settle()
}

// setState is the one door between states.
func (l *relay) setState(now time.Time, to relayState, stay time.Duration, cause string) {
	l.sbc.x.log.Debug("state", "machine", "relay", "sbc", l.sbc.number, "call", l.req.get("call-id"), "from", l.state, "to", to, "cause", cause)
	l.state, l.over, l.repeat = to, now.Add(stay), time.Time{}
	if to == gone {
		delete(l.sbc.relays, l.req.key)
		delete(l.sbc.legs, l.req.branch)
	}
}

// deadline is when tick must be called; zero: never.
func (l *relay) deadline() time.Time {
	if l.state == gone {
		return time.Time{}
	}
	return earliest(l.repeat, l.over)
}

// settle tells the SBC of a new deadline.
func (l *relay) settle() { l.sbc.due = earliest(l.sbc.due, l.deadline()) }

// tell sends an answer to the caller and keeps it for repetition.
func (l *relay) tell(now time.Time, m *message) {
	l.last = m.bytes()
	l.sbc.send(now, l.req.back, l.last)
}

// own tells an answer that is ours.
func (l *relay) own(now time.Time, code int) {
	l.sbc.x.counts.Answers[code]++
	l.tell(now, l.req.response(code))
}

// pass tells an answer that is the callee's: our own Via comes off.
func (l *relay) pass(now time.Time, m *message) {
	l.sbc.x.counts.Relayed++
	m = m.clone()
	m.pop("via")
	l.tell(now, m)
}

// response takes an answer of the callee.
func (l *relay) response(now time.Time, m *message) {
	defer l.settle()
	open := l.state == calling || l.state == proceeding
	switch {
	case m.code >= 300:
		l.hop(now, "ACK", m.get("to"))
		if open {
			l.finish(now, "answer "+strconv.Itoa(m.code))
			l.pass(now, m)
		}
	case m.code >= 200:
		// Section 16.7 item 5: every 2xx goes back at once, each repetition too, even after another final answer.
		l.sbc.passBack(now, m)
		if open {
			l.setState(now, accepted, lifetime, "answer "+strconv.Itoa(m.code))
		}
	case open:
		if l.state == calling {
			l.setState(now, proceeding, timerC, "answer "+strconv.Itoa(m.code))
		}
		if l.cancelled {
			l.sendCancel(now)
			return
		}
		l.over = now.Add(timerC)
		if m.code > 100 { // the 100 of a hop ends there
			l.pass(now, m)
		}
	}
}

// finish begins to repeat a final answer that is not 2xx until the caller's ACK; which one, comes next.
func (l *relay) finish(now time.Time, cause string) {
	l.setState(now, completed, lifetime, cause)
	l.repeat, l.every = now.Add(t1), t1
}

// again takes a repetition of the caller's INVITE.
func (l *relay) again(now time.Time) {
	if l.state == calling || l.state == proceeding || l.state == completed {
		l.sbc.send(now, l.req.back, l.last)
	}
}

// ack takes the caller's ACK for a final answer that was not 2xx.
func (l *relay) ack(now time.Time) {
	l.sbc.x.counts.Absorbed++
	if l.state == completed {
		l.setState(now, confirmed, t4, "ACK")
		l.settle()
	}
}

// cancel takes the caller's CANCEL, which the SBC has answered.
func (l *relay) cancel(now time.Time) {
	l.cancelled = true
	if l.state == proceeding {
		l.sendCancel(now)
		l.settle()
	}
}

// sendCancel tells the callee, once and then by repetition until it answers that.
func (l *relay) sendCancel(now time.Time) {
	if !l.cancelOut {
		l.cancelOut = true
		l.hop(now, "CANCEL", l.invite.get("to"))
		l.repeat, l.every, l.over = now.Add(t1), t1, now.Add(lifetime)
	}
}

// cancelHeard takes the callee's answer to our CANCEL.
func (l *relay) cancelHeard(time.Time) {
	l.sbc.x.counts.Absorbed++
	if l.state == proceeding {
		l.repeat = time.Time{}
	}
}

// hop sends ACK or CANCEL for the INVITE to the callee: RFC 3261 sections 9.1 and 17.1.1.3.
func (l *relay) hop(now time.Time, method, to string) {
	m := &message{method: method, uri: l.invite.uri, version: sip2}
	m.add("Via", l.invite.get("via"))
	for _, h := range l.invite.headers {
		switch h.key {
		case "from", "call-id", "route":
			m.headers = append(m.headers, h)
		}
	}
	number, _, _ := l.invite.cseq()
	m.add("To", to)
	m.add("CSeq", strconv.Itoa(int(number))+" "+method)
	m.add("Max-Forwards", strconv.Itoa(maxForwards))
	l.sbc.send(now, l.to, m.bytes())
}

// tick does what is due.
func (l *relay) tick(now time.Time) {
	if !l.over.After(now) {
		l.expire(now)
		return
	}
	if l.repeat.IsZero() || l.repeat.After(now) {
		return
	}
	switch l.state {
	case calling: // timer A
		l.sbc.send(now, l.to, l.invite.bytes())
		l.every *= 2
	case proceeding: // timer E
		l.hop(now, "CANCEL", l.invite.get("to"))
		l.every = min(2*l.every, t2)
	case completed: // timer G
		l.sbc.send(now, l.req.back, l.last)
		l.every = min(2*l.every, t2)
	}
	l.repeat = now.Add(l.every)
}

// expire ends a state that has lasted long enough.
func (l *relay) expire(now time.Time) {
	switch {
	case l.state >= accepted:
		l.setState(now, gone, 0, "time")
	case l.cancelled:
		l.finish(now, "cancelled, and no answer")
		l.own(now, 487)
	default:
		if l.state == proceeding { // timer C
			l.hop(now, "CANCEL", l.invite.get("to"))
		}
		l.finish(now, "no answer")
		l.own(now, 408)
	}
}
