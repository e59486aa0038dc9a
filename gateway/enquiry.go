package gateway

import (
	"time"

	"tipring/sipua"
)

// flash is the recall button. In a conversation it puts the far end on hold and gives dial tone for an enquiry; once
// there are two calls it changes between them; while the enquiry is not (or no longer) a conversation it is given up
// and the held call comes back. Hanging up ends both calls.
func (p *port) flash(now time.Time) {
	held := p.held
	switch {
	case held == nil && p.state == Talking:
		p.held = p.active
		p.hold(now, p.held, true)
		p.active = nil
		p.take(now, evEnquiry, "flash")
		return
	case held == nil:
		p.log.Debug("flash without meaning here", "state", p.state.String())
		return
	case p.state == Talking || p.state == Holding:
		p.hold(now, p.active, true)
		p.held = p.active
	default:
		p.drop(now, "given up for the held call")
		p.held = nil
	}
	p.active = held
	p.hold(now, held, false)
	p.take(now, evRetrieved, "flash")
	p.followHold(now)
}

// hold offers the far end of a leg to be held, or to be taken back (RFC 3264 8.4).
func (p *port) hold(now time.Time, l *leg, on bool) {
	l.held, l.heldAt = on, now
	l.local, l.offered = sipua.MakeOffer(p.description(l)), true
	l.call.Reoffer(l.local)
}

// legOf is the leg that a call belongs to; nil when it was let go already.
func (p *port) legOf(c *sipua.Call) *leg {
	for _, l := range []*leg{p.active, p.held} {
		if l != nil && l.call == c {
			return l
		}
	}
	return nil
}

// dropHeld lets the held call go.
func (p *port) dropHeld(now time.Time, why string) {
	if l := p.held; l != nil {
		p.held = nil
		p.letGo(now, l, why)
	}
}
