package gateway

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"time"

	"tipring/fxs"
	"tipring/media"
	"tipring/sipua"
)

// leg is one call of a port: its SIP side and its RTP side. A port may own two: one active, one waiting or held.
type leg struct {
	call      *sipua.Call
	stream    *media.Stream
	direction Direction
	peer      string
	name      string
	offer     []byte // what our answer answers, or what we offered
	local     []byte // our own last description
	session   uint64
	agreed    sipua.Negotiated
	open      bool // the stream is part of the voice path
	offered   bool // the other side's answer is still to come (we made the offer)
	held      bool // by us: we neither speak nor listen
	heldAt    time.Time
	heard     bool // a packet came
	start     time.Time
	answered  time.Time
}

const eventPT = 101 // RFC 4733 telephone-event, the payload type that everybody uses

// openStream opens the RTP sockets of a leg: a call that cannot have sound must not ring.
func (p *port) openStream(l *leg) (err error) {
	ports := media.PortRange{Low: p.set.media.RTPPorts.Low, High: p.set.media.RTPPorts.High}
	l.stream, err = media.Open(p.gw.opt.Media, p.service.local, ports)
	l.session = rand.Uint64() >> 2
	return err
}

// description is our side of the leg for an offer or an answer.
func (p *port) description(l *leg) sipua.LocalMedia {
	direction := "sendrecv"
	if l.held {
		direction = "sendonly"
	}
	return sipua.LocalMedia{
		Addr: l.stream.LocalAddrPort(), Codecs: p.set.media.Codecs, EventPT: eventPT,
		Ptime: int(p.set.media.Ptime / time.Millisecond), Direction: direction, SessionID: l.session, Last: l.local,
	}
}

// agree puts the negotiated description into force on the stream.
func (p *port) agree(l *leg, n sipua.Negotiated) {
	l.agreed = n
	send := media.Format{PayloadType: n.PayloadType, Ptime: time.Duration(n.Ptime) * time.Millisecond, EventPT: n.EventPT}
	if n.Codec == "PCMU" {
		send.Law = media.ULaw
	}
	recv := send
	recv.PayloadType, recv.EventPT = n.RecvPT, n.RecvEventPT
	l.stream.Set(media.Session{Remote: n.Remote, Send: send, Recv: recv, Direction: directionOf(n.Direction), Symmetric: true})
}

func directionOf(s string) media.Direction {
	switch s {
	case "sendonly":
		return media.SendOnly
	case "recvonly":
		return media.RecvOnly
	case "inactive":
		return media.Inactive
	}
	return media.SendRecv
}

// invite starts the call of a complete number.
func (p *port) invite(now time.Time) {
	l := p.active
	if p.agent == nil || !p.reg.OK() {
		p.over(now, 0, fxs.ToneCongestion, "this port is not registered: "+registrationWords(p.reg), false)
		return
	}
	if err := p.openStream(l); err != nil {
		p.over(now, 0, fxs.ToneCongestion, "no RTP port: "+err.Error(), false)
		return
	}
	l.local, l.offered = sipua.MakeOffer(p.description(l)), true
	l.call = p.agent.Invite(l.peer, l.local)
}

// incoming answers an INVITE: first everything that could go wrong, then the bell.
func (p *port) incoming(now time.Time, in sipua.Incoming) {
	l := &leg{call: in.Call, direction: In, peer: in.Number, name: in.Name, start: now}
	switch {
	case !p.set.port.Enabled:
		in.Call.Reject(480, "Port Disabled")
		return
	case p.fault != "":
		in.Call.Reject(480, "Line Fault")
		return
	case p.state != Idle:
		p.record(now, l, 486, "the line was in use", false)
		in.Call.Reject(486, "Busy Here")
		return
	}
	if err := p.openStream(l); err != nil {
		p.log.Error("no RTP port for an incoming call", "err", err)
		in.Call.Reject(500, "No RTP Port")
		return
	}
	var err error
	if len(in.Offer) == 0 { // RFC 3261 13.2.1: the offer comes with our 200
		l.local, l.offered = sipua.MakeOffer(p.description(l)), true
	} else if l.local, l.agreed, err = sipua.MakeAnswer(in.Offer, p.description(l)); err != nil {
		l.stream.Close()
		code, reason := 400, "Bad Session Description"
		if errors.Is(err, sipua.ErrNoCommonCodec) {
			code, reason = 488, "Not Acceptable Here"
		}
		p.log.Warn("offer refused", "peer", in.Number, "err", err)
		in.Call.Reject(code, reason)
		return
	}
	if !p.line.Ring(now, fxs.CallerID{Number: in.Number, Name: in.Name, Withheld: in.Withheld}) {
		l.stream.Close()
		in.Call.Reject(486, "Busy Here")
		return
	}
	p.active = l
	p.ringBy = now.Add(p.set.timers.NoAnswer)
	p.take(now, evIncoming, "")
}

// take feeds the call machine and carries its action out.
func (p *port) take(now time.Time, e callEvent, why string) {
	to, do := next(p.state, e)
	if do == doIgnore {
		p.log.Debug("call event without meaning here", "state", p.state.String(), "event", e.String())
		return
	}
	if to != p.state {
		p.setState(now, to, cmp.Or(why, e.String()))
	}
	p.act(now, do, why)
	if p.state == Idle {
		p.active = nil
		p.dropHeld(now, cmp.Or(why, "released at this telephone"))
	}
}

// setState is the only door by which the call-status column changes.
func (p *port) setState(now time.Time, to CallState, cause string) {
	peer := ""
	if p.active != nil {
		peer = p.active.peer
	}
	p.log.Info("call", "machine", "call", "from", p.state.String(), "to", to.String(), "cause", cause, "peer", peer)
	p.state, p.since = to, now
	if to != Ringing {
		p.ringBy = time.Time{}
	}
	if to != Busy {
		p.cause, p.code = "", 0
	}
}

// act carries out what the call machine decided.
func (p *port) act(now time.Time, do callAction, why string) {
	l := p.active
	switch do {
	case doInvite:
		p.invite(now)
	case doAlert:
		l.call.Ring(nil)
	case doRingback:
		if !l.heard {
			p.line.Play(now, fxs.ToneRingback)
		}
	case doEarly:
		p.line.Talk(now)
	case doAnswer:
		l.answered = now
		l.call.Answer(l.local)
		if !l.offered {
			p.agree(l, l.agreed)
			l.open = true
		}
		p.line.Talk(now)
	case doTalk:
		l.answered = now
		p.line.Talk(now)
	case doRecall:
		p.line.Collect(now, fxs.ToneRecall)
	case doRejoin:
		p.line.Talk(now)
	case doRelease:
		p.drop(now, cmp.Or(why, "released at this telephone"))
		p.line.Quiet(now)
	case doTone:
		p.shut(l)
		p.line.Play(now, p.tone)
	case doQuiet, doTimeOut:
		p.line.Quiet(now)
		p.drop(now, why)
	}
}

// over ends the active call when its SIP side is over: recorded, told by a tone unless the telephone only rang. The row
// keeps the peer until the telephone is at rest.
func (p *port) over(now time.Time, code int, tone fxs.Tone, why string, byPeer bool) {
	l := p.active
	p.record(now, l, code, why, byPeer)
	l.call = nil
	p.cause, p.code, p.tone = why, code, tone
	p.take(now, evEnded, why)
}

// drop lets the active call go, whatever it is doing.
func (p *port) drop(now time.Time, why string) {
	if l := p.active; l != nil {
		p.active = nil
		p.letGo(now, l, why)
	}
}

// letGo ends a leg from our side: 480 while it rings, else CANCEL or BYE.
func (p *port) letGo(now time.Time, l *leg, why string) {
	if l.call != nil {
		code := 0
		if l.direction == In && l.answered.IsZero() {
			code = 480
			l.call.Reject(code, "Temporarily Unavailable")
		} else {
			l.call.Hangup()
		}
		p.record(now, l, code, why, false)
		l.call = nil
	}
	p.shut(l)
}

// shut closes the RTP side of a leg, out of the voice path first.
func (p *port) shut(l *leg) {
	l.open = false
	s := l.stream
	if s == nil {
		return
	}
	l.stream = nil
	if v := &p.voice; v.pump != nil && v.program.Streams[0] == s {
		v.program.Streams[0] = nil
		v.pump.Set(v.program)
	}
	s.Close()
}

func (p *port) record(now time.Time, l *leg, code int, reason string, byPeer bool) {
	id := ""
	if l.call != nil {
		id = l.call.ID()
	}
	p.gw.history.add(CallRecord{
		ID: id, Port: p.number, Direction: l.direction, Peer: l.peer, PeerName: l.name, Codec: l.agreed.Codec,
		Start: l.start, Answered: l.answered, End: now, Code: code, Reason: reason, ByPeer: byPeer,
	})
}
