package gateway

import (
	"fmt"
	"time"

	"tipring/sipua"
)

// serviceEvent follows the port's SIP service: an open endpoint gets an agent, a closed one takes it away.
func (p *port) serviceEvent(now time.Time, e event, immediate bool) {
	switch e := e.(type) {
	case serviceUp:
		if e.service != p.set.service || e.endpoint == p.endpoint {
			return
		}
		p.endpoint, p.local = e.endpoint, e
		p.newAgent(immediate)
	case serviceDown:
		if e.service != p.set.service {
			return
		}
		p.loseAgent(now, e.why)
		if p.set.port.Enabled {
			p.reg = sipua.Registration{State: sipua.Resolving, Reason: e.why, Since: now, NextTry: e.retry}
		}
	}
}

func (p *port) account() sipua.Account {
	c := p.set.port
	return sipua.Account{User: c.User, AuthUser: c.AuthUser, Password: string(c.Password), DisplayName: c.DisplayName}
}

// newAgent makes the port's agent on the open endpoint and registers it if the port is enabled.
func (p *port) newAgent(immediate bool) {
	var a *sipua.Agent
	a = p.endpoint.Agent(p.account(), func(e sipua.Event) { p.post(fromSIP{a, e}) })
	p.agent = a
	if p.set.port.Enabled {
		a.Register(immediate)
	}
}

func (p *port) loseAgent(now time.Time, why string) {
	if p.state != Idle && p.active != nil && p.active.call != nil {
		p.take(now, evEnded, why)
		p.cause = why
		p.line.Play(now, toneFor(503))
	}
	p.agent, p.endpoint = nil, nil
}

// reconfigure makes the port follow new settings, touching only what they change.
func (p *port) reconfigure(now time.Time, set settings) {
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
		if p.agent != nil {
			p.agent.Unregister()
			p.agent.Close()
		}
		p.loseAgent(now, "the port was given another service")
		p.reg = sipua.Registration{State: sipua.Disabled, Since: now}
		if set.service != nil {
			if e := set.service.last.Load(); e != nil {
				p.serviceEvent(now, *e, true)
			}
		}
		return
	}
	if p.agent == nil {
		if !n.Enabled {
			p.reg = sipua.Registration{State: sipua.Disabled, Since: now}
		}
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
func (p *port) sipEvent(now time.Time, from *sipua.Agent, e sipua.Event) {
	switch e := e.(type) {
	case sipua.Registration:
		if from == p.agent {
			p.reg = e
		}
	case sipua.Incoming:
		if from != p.agent {
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
	case sipua.ReofferFailed: // we make no offers inside a call yet
		p.log.Warn("new offer refused by the far end", "code", e.Code, "reason", e.Reason)
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
	if l := p.active; len(e.SDP) > 0 {
		n, err := sipua.ReadAnswer(l.local, e.SDP)
		if err == nil {
			p.agree(l, n)
			l.open = true
			p.take(now, evEarly, fmt.Sprintf("%d with media", e.Code))
			return
		}
		p.log.Warn("early answer not understood, local ringback instead", "err", err)
	}
	if e.Code == 180 {
		p.take(now, evRings, "")
	}
}

func (p *port) established(now time.Time, e sipua.Established) {
	if !p.mine(e.Call) {
		return
	}
	l := p.active
	if l.offered && len(e.SDP) > 0 {
		n, err := sipua.ReadAnswer(l.local, e.SDP)
		if err != nil {
			p.log.Warn("answer not usable, the call is released", "err", err)
			l.call.Hangup()
			return // Ended brings the tone
		}
		p.agree(l, n)
		l.open, l.offered = true, false
	}
	p.take(now, evEstablished, "")
}

// reoffered: the far end wants another description: hold, resume, another address or codec.
func (p *port) reoffered(now time.Time, e sipua.Reoffered) {
	if !p.mine(e.Call) {
		e.Call.Reject(481, "Call Does Not Exist")
		return
	}
	l := p.active
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
	if canSend(n) {
		p.take(now, evResumed, "")
	} else {
		p.take(now, evHeld, "")
	}
}

func (p *port) ended(now time.Time, e sipua.Ended) {
	if !p.mine(e.Call) {
		return
	}
	l := p.active
	why := endWords(e)
	p.record(now, l, e.Code, why, e.ByPeer)
	offHook := p.state != Ringing
	p.take(now, evEnded, why)
	if offHook {
		p.cause, p.code = why, e.Code
		p.line.Play(now, toneFor(e.Code))
	}
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
