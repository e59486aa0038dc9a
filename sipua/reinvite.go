package sipua

import (
	"fmt"
	"time"
)

// reoffered takes a re-INVITE or an UPDATE of the peer (RFC 3261 14.2, RFC 3311 5.2).
func (c *Call) reoffered(now time.Time, tx *serverTx, m *message) {
	refuse := func(code int, reason string, extra ...string) {
		tx.respond(now, code, c.e.reply(m, code, reason, "", extra, nil))
	}
	switch {
	case c.state == callReleasing || c.state == callOver:
		refuse(481, "Call/Transaction Does Not Exist")
		return
	case c.request != nil: // the one before is not answered yet
		refuse(500, "Server Internal Error", fmt.Sprint("Retry-After: ", c.e.dice.IntN(11)))
		return
	case c.state != callConfirmed, c.reoffer != nil, c.accept.open():
		refuse(491, "Request Pending") // glare
		return
	}
	if r := unsupportedBody(m); r != nil {
		refuse(r.code, r.reason, r.extra...)
		return
	}
	if m.method == "UPDATE" && len(m.body) == 0 { // a new Contact, or a sign of life
		c.dialog.refresh(m)
		c.e.publishKnown()
		refuse(200, "OK", "Contact: "+c.dialog.contact, "Allow: "+allowed)
		return
	}
	if m.method == "INVITE" {
		tx.respond(now, 100, c.e.reply(m, 100, "Trying", "", nil, nil))
	}
	tx.call = c
	c.request, c.reply, c.replyBy = m, tx, now.Add(reofferLimit)
	c.tell(Reoffered{Call: c, Offer: m.body})
}

// reofferNow sends the offer that the owner wants, when nothing else is being negotiated.
func (c *Call) reofferNow(now time.Time) {
	if c.wanted == nil || c.state != callConfirmed || c.reoffer != nil || c.request != nil || c.accept.open() || !c.reofferAt.IsZero() {
		return
	}
	c.auth.begin()
	c.sendReoffer(now)
}

func (c *Call) sendReoffer(now time.Time) {
	o := c.dialog.request("INVITE", c.wanted)
	if c.dialog.trusted() && c.auth.tries > 0 {
		o.extra = c.auth.lines(o.method, o.uri, o.body)
	}
	c.reofferO = o
	c.reoffer = c.e.ask(now, c, o, c.dialog.next, timeout64)
}

// reofferAnswered takes the answers to our re-INVITE (14.1).
func (c *Call) reofferAnswered(now time.Time, tx *clientTx, m *message) {
	if m.code < 200 {
		return
	}
	if m.code < 300 {
		c.dialog.refresh(m) // a new target is where the ACK goes already
		c.e.publishKnown()
		ack := c.dialog.request("ACK", nil)
		ack.cseq, ack.extra = c.reofferO.cseq, c.reofferO.extra
		tx.acknowledge(m.to.tag, c.e.write(ack), c.dialog.next)
	}
	if c.state != callConfirmed {
		return // a BYE is on its way
	}
	c.reoffer = nil
	switch {
	case m.code < 300:
		c.wanted = nil
		c.tell(Established{Call: c, SDP: sdpOf(m)})
	case m.code == 491:
		// 14.1: who made the Call-ID waits longer, so that the two do not collide again.
		wait := spread(c.e.dice, 0, 2*time.Second)
		if c.inviteTx != nil {
			wait = spread(c.e.dice, 2100*time.Millisecond, 4*time.Second)
		}
		c.reofferAt = now.Add(wait.Round(10 * time.Millisecond))
	case (m.code == 401 || m.code == 407) && m.trusted && c.dialog.trusted() && c.auth.challenged(m) == nil:
		c.sendReoffer(now)
	case m.code == 408 || m.code == 481: // 12.2.1.2: the dialog is dead
		c.tell(Ended{Code: m.code, Reason: m.reason})
		c.sayBye(now)
	default:
		c.wanted = nil
		c.tell(ReofferFailed{Call: c, Code: m.code, Reason: m.reason})
	}
}

// reofferLost: nobody answered in the dialog.
func (c *Call) reofferLost(now time.Time) {
	if c.state != callConfirmed {
		return
	}
	c.reoffer = nil
	c.tell(Ended{Code: 408, Reason: "no answer in the dialog"})
	c.sayBye(now)
}
