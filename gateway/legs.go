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
	start     time.Time
	answered  time.Time
}

const eventPT = 101 // RFC 4733 telephone-event, the payload type that everybody uses

// newLeg opens the RTP sockets of a call: a call that cannot have sound must not ring.
func (p *port) newLeg(now time.Time, d Direction, peer, name string) (*leg, error) {
	stream, err := media.Open(p.gw.opt.Media, p.local.local, media.PortRange{Low: p.set.media.RTPPorts.Low, High: p.set.media.RTPPorts.High})
	if err != nil {
		return nil, err
	}
	return &leg{stream: stream, direction: d, peer: peer, name: name, session: rand.Uint64() >> 2, start: now}, nil
}

// description is our side of the leg for an offer or an answer.
func (p *port) description(l *leg) sipua.LocalMedia {
	return sipua.LocalMedia{
		Addr: l.stream.LocalAddrPort(), Codecs: p.set.media.Codecs, EventPT: eventPT,
		Ptime: int(p.set.media.Ptime / time.Millisecond), Direction: "sendrecv", SessionID: l.session, Last: l.local,
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

// dial starts the call of a complete number.
func (p *port) dial(now time.Time, number string) {
	p.active = &leg{direction: Out, peer: number, start: now}
	p.take(now, evDialed, "")
}

func (p *port) invite(now time.Time) {
	number := p.active.peer
	switch {
	case p.agent == nil || !p.reg.OK():
		p.fail(now, 0, "this port is not registered: "+registrationWords(p.reg))
		return
	}
	l, err := p.newLeg(now, Out, number, "")
	if err != nil {
		p.fail(now, 500, "no RTP port: "+err.Error())
		return
	}
	l.local = sipua.MakeOffer(p.description(l))
	l.offered = true
	l.call = p.agent.Invite(number, l.local)
	p.active = l
}

// fail ends a call that never reached the network.
func (p *port) fail(now time.Time, code int, why string) {
	p.take(now, evEnded, why)
	p.cause, p.code = why, code
	p.line.Play(now, fxs.ToneCongestion)
}

// incoming answers an INVITE: first everything that could go wrong, then the bell.
func (p *port) incoming(now time.Time, in sipua.Incoming) {
	switch {
	case !p.set.port.Enabled:
		in.Call.Reject(480, "Port Disabled")
		return
	case p.fault != "":
		in.Call.Reject(480, "Line Fault")
		return
	case p.state != Idle:
		p.record(now, &leg{direction: In, peer: in.Number, name: in.Name, start: now}, 486, "the line was in use", false)
		in.Call.Reject(486, "Busy Here")
		return
	}
	l, err := p.newLeg(now, In, in.Number, in.Name)
	if err != nil {
		p.log.Error("no RTP port for an incoming call", "err", err)
		in.Call.Reject(500, "No RTP Port")
		return
	}
	l.call, l.offer = in.Call, in.Offer
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

// act carries out what the call machine decided.
func (p *port) act(now time.Time, do callAction, why string) {
	l := p.active
	switch do {
	case doInvite:
		p.invite(now)
	case doAlert:
		l.call.Ring(nil)
	case doRingback:
		p.line.Play(now, fxs.ToneRingback)
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
	case doRelease:
		p.release(now, cmp.Or(why, "released at this telephone"))
	case doTone:
		p.dropLeg()
	case doQuiet:
		p.line.Quiet(now)
		p.dropLeg()
	case doTimeOut:
		p.line.Quiet(now)
		l.call.Reject(480, "Temporarily Unavailable")
		p.record(now, l, 480, why, false)
		p.dropLeg()
	}
}

// release ends the active call from our side.
func (p *port) release(now time.Time, why string) {
	l := p.active
	if l == nil {
		return
	}
	if l.call != nil {
		l.call.Hangup()
		p.record(now, l, 0, why, false)
	}
	p.line.Quiet(now)
	p.dropLeg()
}

// dropLeg closes the RTP side; the row keeps the peer until the telephone is at rest.
func (p *port) dropLeg() {
	l := p.active
	if l == nil {
		return
	}
	l.open, l.call = false, nil
	if s := l.stream; s != nil {
		l.stream = nil
		if v := &p.voice; v.pump != nil { // out of the voice path before its sockets close
			v.program.Streams = [2]*media.Stream{}
			v.pump.Set(v.program)
		}
		s.Close()
	}
	if p.state == Idle {
		p.active = nil
	}
}

func (p *port) dropCalls(why string) {
	if p.active != nil {
		p.release(time.Now(), why)
		p.active = nil
	}
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

// canSend tells whether the agreed direction lets us speak; if not, the far end holds us (RFC 3264 8.4).
func canSend(n sipua.Negotiated) bool {
	return (n.Direction == "sendrecv" || n.Direction == "sendonly") && !n.Remote.Addr().IsUnspecified()
}
