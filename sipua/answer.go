package sipua

import (
	"cmp"
	"net/netip"
	"strings"
	"time"
)

// acceptance is our 2xx to an INVITE, repeated until its ACK comes: T1, doubling to T2, for 64*T1 (RFC 3261 13.3.1.4).
type acceptance struct {
	raw      []byte
	to       netip.AddrPort
	cseq     uint32
	offer    bool // the 2xx carried our offer: the ACK brings the answer
	interval time.Duration
	repeat   time.Time
	expire   time.Time
}

func (a *acceptance) deadline() time.Time { return earliest(a.repeat, a.expire) }

func (a *acceptance) open() bool { return !a.expire.IsZero() }

// invited takes an INVITE that begins a call (RFC 3261 13.3).
func (e *Endpoint) invited(now time.Time, m *message) {
	tx := e.serve(m)
	if tx == nil {
		return
	}
	tag := newTag()
	refuse := func(code int, reason string, extra ...string) {
		tx.respond(now, code, e.reply(m, code, reason, tag, extra, nil))
	}
	a := e.agentFor(userOf(m.uri))
	switch {
	case e.merged(m):
		refuse(482, "Loop Detected") // 8.2.2.2: the same request by another way
		return
	case a == nil:
		refuse(404, "Not Found")
		return
	case a.retired || e.closing != nil || a.notify == nil:
		refuse(480, "Temporarily Unavailable")
		return
	case e.orphans.take(tx.key):
		refuse(487, "Request Terminated")
		return
	}
	if _, ok := m.contact(); !ok {
		refuse(400, "Missing Contact")
		return
	}
	if r := unsupportedBody(m); r != nil {
		refuse(r.code, r.reason, r.extra...)
		return
	}
	tx.respond(now, 100, e.reply(m, 100, "Trying", "", nil, nil))
	c := &Call{e: e, agent: a, id: m.callID, localTag: tag, request: m, reply: tx, replyBy: now.Add(offerLimit), auth: a.auth()}
	c.auth.realm = cmp.Or(a.realm, e.cfg.Domain)
	tx.call = c
	c.setState(callOffered, "INVITE")
	c.adopt(e.calledDialog(m, tag, a.contact()))
	in := Incoming{Call: c, Offer: m.body}
	in.Number, in.Name, in.Withheld = callerOf(m)
	c.tell(in)
}

// merged finds a request that came already, with another branch.
func (e *Endpoint) merged(m *message) bool {
	for _, c := range e.calls {
		if d := c.dialog; c.id == m.callID && d != nil && d.remoteTag == m.from.tag && d.remoteSeq == m.cseq && c.inviteTx == nil {
			return true
		}
	}
	return false
}

// unsupportedBody refuses what is no session description (RFC 3261 8.2.3); multipart is not offered in Accept.
func unsupportedBody(m *message) *refusal {
	if len(m.body) == 0 {
		return nil
	}
	if code := m.value("content-encoding"); code != "" && !strings.EqualFold(code, "identity") {
		return &refusal{415, "Unsupported Media Type", []string{"Accept: " + sdpType, "Accept-Encoding: identity"}}
	}
	if sdpOf(m) == nil {
		return &refusal{415, "Unsupported Media Type", []string{"Accept: " + sdpType}}
	}
	return nil
}

// respond answers the request that is open.
func (c *Call) respond(now time.Time, code int, reason string, extra []string, body []byte) []byte {
	raw := c.e.reply(c.request, code, reason, c.localTag, extra, body)
	c.reply.respond(now, code, raw)
	return raw
}

// ring is the owner's Ring.
func (c *Call) ring(now time.Time, sdp []byte) {
	if c.state != callOffered {
		return
	}
	code, reason := 180, "Ringing"
	if len(sdp) > 0 {
		code, reason = 183, "Session Progress"
	}
	c.ringing = c.respond(now, code, reason, []string{"Contact: " + c.dialog.contact, "Allow: " + allowed}, sdp)
	c.ringAt = now.Add(keepRinging)
}

// answer is the owner's Answer, to an INVITE, a re-INVITE or an UPDATE.
func (c *Call) answer(now time.Time, sdp []byte) {
	if c.request == nil || c.state != callOffered && c.state != callConfirmed {
		return
	}
	m, tx := c.request, c.reply
	if c.state == callConfirmed {
		c.dialog.refresh(m)
		c.e.publishKnown()
	}
	raw := c.respond(now, 200, "OK", []string{"Contact: " + c.dialog.contact, "Allow: " + allowed, "Supported:"}, sdp)
	c.request, c.reply, c.replyBy, c.ringAt = nil, nil, time.Time{}, time.Time{}
	if m.method == "INVITE" {
		c.accept = acceptance{
			raw: raw, to: tx.to, cseq: m.cseq, offer: len(m.body) == 0, interval: t1, repeat: now.Add(t1), expire: now.Add(timeout64),
		}
	}
	if c.state == callOffered {
		c.setState(callAccepted, "answer")
	} else {
		c.reofferNow(now)
	}
}

// repeatAccept runs the timers of the 2xx.
func (c *Call) repeatAccept(now time.Time) {
	a := &c.accept
	if due(now, a.expire) {
		// 13.3.1.4: without ACK the session is released, the dialog standing nevertheless.
		c.tell(Ended{Code: 408, Reason: "no ACK", Local: true})
		c.sayBye(now)
		return
	}
	if due(now, a.repeat) {
		c.e.send(a.to, a.raw, true)
		a.interval = min(2*a.interval, t2)
		a.repeat = now.Add(a.interval)
	}
}

// acked: the ACK of our 2xx.
func (c *Call) acked(now time.Time, m *message) {
	if !c.accept.open() || m.cseq != c.accept.cseq {
		return
	}
	var sdp []byte
	offered := c.accept.offer
	if offered {
		sdp = sdpOf(m)
	}
	c.accept = acceptance{}
	switch c.state {
	case callAccepted:
		c.setState(callConfirmed, "ACK")
		c.tell(Established{Call: c, SDP: sdp})
	case callConfirmed:
		if offered {
			c.tell(Established{Call: c, SDP: sdp})
		}
	case callReleasing:
		if c.bye == nil {
			c.sayBye(now)
		}
		return
	}
	c.reofferNow(now)
}

// reject is the owner's Reject.
func (c *Call) reject(now time.Time, code int, reason string) {
	if c.request == nil || code < 300 || code > 699 {
		return
	}
	switch c.state {
	case callOffered:
		c.refuse(now, code, reason, nil)
		c.end(now, Ended{Code: code, Reason: reason, Local: true})
	case callConfirmed:
		c.refuse(now, code, reason, nil)
		c.reofferNow(now)
	}
}

// refuse sends a final answer to the request that is open.
func (c *Call) refuse(now time.Time, code int, reason string, extra []string) {
	c.respond(now, code, oneLine(reason), extra, nil)
	c.request, c.reply, c.replyBy, c.ringAt = nil, nil, time.Time{}, time.Time{}
}

// refuseOpen answers a re-INVITE that the end of the call left open (RFC 3261 15.1.2).
func (c *Call) refuseOpen(now time.Time) {
	if c.request != nil {
		c.refuse(now, 487, "Request Terminated", nil)
	}
}

// overdue: the owner has not answered what he was asked.
func (c *Call) overdue(now time.Time) {
	switch {
	case c.request == nil:
	case c.state == callOffered:
		c.refuse(now, 480, "Temporarily Unavailable", nil)
		c.end(now, Ended{Code: 480, Reason: "not answered", Local: true})
	default:
		c.refuse(now, 488, "Not Acceptable Here", nil)
	}
}

// cancel takes a CANCEL (RFC 3261 9.2): 200 for itself, 487 for the INVITE if that is still open.
func (e *Endpoint) cancel(now time.Time, m *message) {
	key := serverKey(m, "INVITE")
	invite := e.inbound[key]
	if invite == nil {
		e.orphans.add(key)
		e.stateless(m, 481, "Call/Transaction Does Not Exist")
		return
	}
	c, tag := invite.call, e.identity
	if c != nil {
		tag = c.localTag
	}
	if tx := e.serve(m); tx != nil {
		tx.respond(now, 200, e.reply(m, 200, "OK", tag, nil, nil))
	}
	if c == nil || c.reply != invite || c.request == nil {
		return // answered already: CANCEL has no effect
	}
	c.refuse(now, 487, "Request Terminated", nil)
	if c.state == callOffered {
		c.end(now, Ended{Code: 487, Reason: cmp.Or(reasonText(m), "cancelled"), ByPeer: true})
	}
}

// oneLine keeps a phrase from becoming a header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
