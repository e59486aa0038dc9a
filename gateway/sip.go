package gateway

import (
	"fmt"
	"time"

	"tipring/fxs"
	"tipring/sipua"
)

// follow compares the levels that others set, the settings and the state of the service, with what the port is.
func (p *port) follow(now time.Time) {
	if p.ctx.Err() != nil {
		return
	}
	if set := p.want.Load(); set != p.set {
		p.reconfigure(now, set)
	}
	s := p.set.service
	if s == nil {
		return
	}
	if st := s.state.Load(); st != p.service {
		p.loseAgent(now, "the service was closed")
		p.service = st
		p.unregistered(now)
		if st.endpoint != nil {
			p.newAgent()
		}
	}
}

// unregistered says why a port without an agent has no registration.
func (p *port) unregistered(now time.Time) {
	r := sipua.Registration{State: sipua.Resolving, Reason: "the service is being opened", Since: now}
	switch st := p.service; {
	case !p.set.port.Enabled:
		r.State, r.Reason = sipua.Disabled, ""
	case p.set.service == nil:
		r.State, r.Reason = sipua.Misconfigured, "no service"
	case st != nil:
		r.Reason, r.NextTry = st.why, st.retry
	}
	p.reg = r
}

func (p *port) account() sipua.Account {
	c := p.set.port
	return sipua.Account{User: c.User, AuthUser: c.AuthUser, Password: string(c.Password), DisplayName: c.DisplayName}
}

// newAgent makes the port's agent on the open endpoint and registers it if the port is enabled.
func (p *port) newAgent() {
	p.agentNo++
	no := p.agentNo
	p.agent = p.service.endpoint.Agent(p.account(), func(e sipua.Event) {
		if !p.post(fromSIP{no, e}) {
			if in, ok := e.(sipua.Incoming); ok {
				in.Call.Reject(503, "Overloaded")
			}
		}
	})
	if p.set.port.Enabled {
		p.agent.Register(p.immediate)
	}
	p.immediate = true
}

// loseAgent lets the agent go: its call ends, its binding is removed.
func (p *port) loseAgent(now time.Time, why string) {
	if p.agent == nil {
		return
	}
	p.dropHeld(now, why)
	if l := p.active; l != nil && l.call != nil {
		l.call.Hangup()
		p.over(now, 0, fxs.ToneCongestion, why, false)
	}
	p.agent.Close()
	p.agent, p.service = nil, nil
	p.agentNo++
}

// reconfigure makes the port follow new settings, touching only what they change.
func (p *port) reconfigure(now time.Time, set *settings) {
	old := p.set
	p.set = set
	o, n := old.port, set.port
	if o.DigitMap != n.DigitMap || o.Pulse != n.Pulse || o.CallerID != n.CallerID || old.plan != set.plan || old.timers != set.timers {
		p.stale = true
	}
	if o.Enabled && !n.Enabled {
		p.take(now, evDisabled, "the port was disabled")
	}
	p.line.SetEnabled(now, n.Enabled)

	if old.service != set.service {
		p.loseAgent(now, "the port was given another service")
		p.service = nil
	}
	if p.agent == nil {
		p.immediate = true
		p.unregistered(now)
		return
	}
	p.agent.SetAccount(p.account()) // a wanted registration starts over if this changes anything
	switch {
	case !o.Enabled && n.Enabled:
		p.agent.Register(true)
	case o.Enabled && !n.Enabled:
		p.agent.Unregister()
	}
}

// sipEvent takes what the agent reports.
func (p *port) sipEvent(now time.Time, from int, e sipua.Event) {
	switch e := e.(type) {
	case sipua.Registration:
		if from == p.agentNo {
			p.reg = e
		}
	case sipua.Incoming:
		if from != p.agentNo {
			e.Call.Reject(480, "Temporarily Unavailable")
			return
		}
		p.incoming(now, e)
	case sipua.Progress:
		p.progress(now, e)
	case sipua.Established:
		p.established(now, e)
	case sipua.Reoffered:
		p.reoffered(now, e)
	case sipua.ReofferFailed:
		p.log.Warn("new offer refused by the far end, it goes on as it was", "code", e.Code, "reason", e.Reason)
	case sipua.Ended:
		p.ended(now, e)
	}
}

// mine tells whether c is the active call; events of calls already let go are of no interest.
func (p *port) mine(c *sipua.Call) bool { return p.active != nil && p.active.call == c }

func (p *port) progress(now time.Time, e sipua.Progress) {
	if !p.mine(e.Call) {
		return
	}
	early := false
	if l := p.active; len(e.SDP) > 0 {
		n, err := sipua.ReadAnswer(l.local, e.SDP)
		if err == nil {
			p.agree(l, n)
			l.open, early = true, true
		} else {
			p.log.Warn("early answer not understood", "err", err)
		}
	}
	switch {
	case e.Code == 180: // a description alone is no sound: the tone is ours until the far end is heard
		p.take(now, evRings, "")
	case early:
		p.take(now, evEarly, fmt.Sprintf("%d with media", e.Code))
	}
}

// established: the 2xx to our INVITE, or the ACK to our 2xx; again after each new offer of ours.
func (p *port) established(now time.Time, e sipua.Established) {
	l := p.legOf(e.Call)
	if l == nil {
		return
	}
	var err error
	if l.offered && len(e.SDP) > 0 {
		var n sipua.Negotiated
		if n, err = sipua.ReadAnswer(l.local, e.SDP); err == nil {
			p.agree(l, n)
			l.open, l.offered = true, false
		}
	}
	if l != p.active {
		return
	}
	if !l.open { // RFC 3261 13.2.1: the answer must be in the 2xx, or in the ACK when the offer was in the 2xx
		p.log.Warn("no usable answer, the call is released", "err", err)
		l.call.Hangup()
		p.over(now, 488, fxs.ToneCongestion, "the far end's answer has no audio for us", false)
		return
	}
	p.take(now, evEstablished, "")
	p.followHold(now)
}

// followHold: a far end to which we may not speak holds us (RFC 3264 8.4).
func (p *port) followHold(now time.Time) {
	held := p.active.agreed.Direction != "sendrecv" && p.active.agreed.Direction != "sendonly"
	switch {
	case held && p.state == Talking:
		p.take(now, evHeld, "")
	case !held && p.state == Holding:
		p.take(now, evResumed, "")
	}
}

// reoffered: the far end wants another description: hold, resume, another address or codec.
func (p *port) reoffered(now time.Time, e sipua.Reoffered) {
	l := p.legOf(e.Call)
	if l == nil {
		e.Call.Reject(481, "Call Does Not Exist")
		return
	}
	if len(e.Offer) == 0 {
		l.local, l.offered = sipua.MakeOffer(p.description(l)), true
		e.Call.Answer(l.local)
		return
	}
	answer, n, err := sipua.MakeAnswer(e.Offer, p.description(l))
	if err != nil {
		p.log.Warn("new offer refused, the call goes on as it was", "err", err)
		e.Call.Reject(488, "Not Acceptable Here")
		return
	}
	l.offer, l.local = e.Offer, answer
	e.Call.Answer(answer)
	p.agree(l, n)
	if l == p.active {
		p.followHold(now)
	}
}

func (p *port) ended(now time.Time, e sipua.Ended) {
	if l := p.held; l != nil && l.call == e.Call {
		p.record(now, l, e.Code, endWords(e), e.ByPeer)
		l.call = nil
		p.dropHeld(now, "")
		return
	}
	if !p.mine(e.Call) {
		return
	}
	tone := toneFor(e.Code)
	if e.ByPeer { // BYE, or CANCEL
		tone = fxs.ToneBusy
	}
	if l := p.active; l.direction == In && e.Code == 487 { // a CANCEL that came in the moment of the answer
		l.answered = time.Time{}
	}
	p.over(now, e.Code, tone, endWords(e), e.ByPeer)
}

// endWords says why a call is over.
func endWords(e sipua.Ended) string {
	switch {
	case e.Code >= 300 && e.Reason != "":
		return fmt.Sprintf("%d %s", e.Code, e.Reason)
	case e.Code >= 300:
		return fmt.Sprintf("%d", e.Code)
	case e.Reason != "":
		return e.Reason
	case e.ByPeer:
		return "released by the far end"
	}
	return "released"
}

// registrationWords says why a port is not registered.
func registrationWords(r sipua.Registration) string {
	switch {
	case r.Code != 0:
		return fmt.Sprintf("%d %s", r.Code, r.Reason)
	case r.Reason != "":
		return r.Reason
	}
	return r.State.String()
}
