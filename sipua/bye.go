package sipua

import (
	"strings"
	"time"
)

// farewell is a BYE under way (RFC 3261 15.1.1). Whatever comes back, or nothing, the dialog is over then; only a
// challenge from one of our servers is answered.
type farewell struct {
	e    *Endpoint
	d    *dialog
	auth auth
	call *Call // told of the end; nil for a fork that nobody knows
	tx   *clientTx
}

// sayBye releases a confirmed dialog.
func (c *Call) sayBye(now time.Time) {
	c.setState(callReleasing, "BYE")
	c.answerBy, c.replyBy, c.reofferAt, c.accept = time.Time{}, time.Time{}, time.Time{}, acceptance{}
	c.refuseOpen(now)
	c.bye = &farewell{e: c.e, d: c.dialog, auth: c.auth, call: c}
	c.bye.auth.begin()
	c.bye.send(now)
}

// byeOnly releases the dialog of a fork that lost, or of an answer that came too late.
func byeOnly(now time.Time, c *Call, d *dialog) {
	f := &farewell{e: c.e, d: d, auth: c.auth}
	f.auth.begin()
	f.send(now)
}

func (f *farewell) send(now time.Time) {
	f.e.farewells[f] = true
	f.e.publishKnown()
	o := f.d.request("BYE", nil)
	if f.d.trusted() && f.auth.tries > 0 {
		o.extra = f.auth.lines(o.method, o.uri, nil)
	}
	f.tx = f.e.ask(now, f, o, f.d.next, timeout64)
}

func (f *farewell) answered(now time.Time, tx *clientTx, m *message) {
	if tx != f.tx || m.code < 200 {
		return
	}
	if (m.code == 401 || m.code == 407) && f.d.trusted() && m.trusted && f.auth.challenged(m) == nil {
		f.send(now)
		return
	}
	f.over(now)
}

func (f *farewell) unanswered(now time.Time, tx *clientTx, _ error) {
	if tx == f.tx {
		f.over(now)
	}
}

func (f *farewell) over(now time.Time) {
	delete(f.e.farewells, f)
	if f.call != nil {
		f.call.end(now, Ended{Local: true})
		return
	}
	f.e.publishKnown()
}

// released: the peer's BYE, which has been answered.
func (c *Call) released(now time.Time, m *message) {
	switch c.state {
	case callOffered, callAccepted, callConfirmed:
		c.end(now, Ended{Reason: reasonText(m), ByPeer: true})
	case callReleasing:
		if c.bye == nil { // we waited for ACK
			c.end(now, Ended{Local: true})
		} // else both BYEs crossed: ours is answered soon
	}
}

// reasonText is what a Reason header says in words (RFC 3326).
func reasonText(m *message) string {
	for _, v := range m.list("reason") {
		if _, params, ok := strings.Cut(v, ";"); ok {
			if text, ok := param(params, "text"); ok {
				return text
			}
		}
	}
	return ""
}
