package media

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"github.com/pion/rtp"

	"tipring/media/dsp"
)

const (
	maxDatagram  = 1500
	drainLimit   = 64  // datagrams a tick and socket: a flood must not stop the clock
	rtcpEvery    = 16  // ticks between two looks at the RTCP socket
	rebindAfter  = 200 // ticks of silence after which the same SSRC may speak from elsewhere: a NAT has forgotten it
	comfortNoise = 13  // RFC 3389: says that the peer is there and has nothing to say
	maxConcealed = 12  // frames of concealment in a row; after that, silence
)

// reception is the inward half of a stream.
type reception struct {
	locked bool
	source netip.AddrPort // the only address that is heard

	order  sequence
	buffer jitterBuffer
	events eventReceiver
	digit  byte // sounding on the line; 0: none
	gen    dsp.ToneGen
	plc    dsp.PLC
	gap    int  // frames concealed in a row
	voiced bool // there is sound to conceal with

	clock  uint32 // samples of the line since the stream was opened
	quiet  int    // ticks without a valid packet
	heard  bool   // FirstPacket was told
	behind bool   // the last drain did not reach the bottom of the socket

	packet   rtp.Packet
	datagram [maxDatagram]byte
	sound    [maxPacket]int16
}

// receive empties the sockets and writes the far end's frame of this tick. It reports whether there is anything to hear.
func (s *Stream) receive(frame []int16, notify func(Event)) bool {
	r := &s.in
	r.clock += frameSamples
	s.drain(notify)
	if s.taken == nil || !s.taken.Direction.receives() {
		s.dropKeys(notify)
		return false
	}
	r.quiet++
	if limit := s.patience(); limit > 0 && r.quiet == limit {
		notify(MediaTimeout{s})
	}
	audible := s.playout(frame)
	if s.keys(frame, notify) {
		audible = true
	}
	s.publish()
	return audible
}

// patience is how many silent ticks make a MediaTimeout; 0: none.
func (s *Stream) patience() int {
	switch d := s.taken.Silent; {
	case d < 0:
		return 0
	case d == 0:
		return int(defaultSilent / frameTime)
	default:
		return int((d + frameTime - 1) / frameTime)
	}
}

func (s *Stream) drain(notify func(Event)) {
	r := &s.in
	if r.behind {
		r.buffer.catchUp() // more than a second of sound came at once: what is left of it is stale, too
	}
	r.behind = true
	for range drainLimit {
		n, from, err := s.rtp.TryRead(r.datagram[:])
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				s.count.unread.Add(1)
			}
			r.behind = false
			break
		}
		s.arrived(r.datagram[:n], from, notify)
	}
	if r.clock/frameSamples%rtcpEvery != 0 {
		return
	}
	for range drainLimit {
		if _, _, err := s.rtcp.TryRead(r.datagram[:]); err != nil {
			break
		}
		s.count.rtcp.Add(1)
	}
}

// arrived judges one datagram. Cheap questions come first, and nothing is remembered of a datagram before its source is
// known to be the peer.
func (s *Stream) arrived(b []byte, from netip.AddrPort, notify func(Event)) {
	r := &s.in
	if s.taken == nil || !s.taken.Direction.receives() {
		return // held, or not negotiated yet: taken out of the socket and forgotten
	}
	// pion/rtp takes any version, and RTCP for RTP with payload types 64 to 95 (RFC 5761 4).
	if len(b) < headerSize || len(b) == maxDatagram || b[0]>>6 != 2 {
		s.count.garbage.Add(1)
		return
	}
	pt := b[1] & 0x7F
	if pt >= 64 && pt < 96 {
		s.count.rtcp.Add(1)
		return
	}
	f := s.taken.Recv
	event := f.EventPT != 0 && pt == f.EventPT
	if !event && pt != f.PayloadType && pt != comfortNoise {
		s.count.wrongType.Add(1)
		return
	}
	p := &r.packet
	if err := p.Unmarshal(b); err != nil || len(p.Payload) == 0 || len(p.Payload) > maxPacket {
		s.count.garbage.Add(1)
		return
	}
	if !s.hears(from, p.SSRC) {
		s.count.strangers.Add(1)
		return
	}
	order, restarted := r.order.accept(p.SSRC, p.SequenceNumber)
	switch order {
	case duplicate:
		s.count.duplicates.Add(1)
		return
	case strange:
		return
	case reordered:
		s.count.reordered.Add(1)
	}
	if restarted {
		r.buffer.restart()
		r.events.forget()
	}
	s.count.received.Add(1)
	s.count.last.Store(uint32(time.Since(s.opened)/time.Millisecond) | 1)
	r.quiet = 0
	if !r.heard {
		r.heard = true
		notify(FirstPacket{s})
	}
	switch {
	case event:
		if began, ok := r.events.packet(p.Timestamp, p.Payload); began {
			s.count.eventsIn.Add(1)
		} else if !ok {
			s.count.garbage.Add(1)
		}
	case pt == f.PayloadType:
		sound := r.sound[:len(p.Payload)]
		decode(f.Law, sound, p.Payload)
		r.order.clock(p.Timestamp, r.clock)
		r.buffer.put(p.Timestamp, sound, order == inOrder)
	}
}

// hears decides whether a source may speak, and locks on to it. The first valid packet wins (with Symmetric from
// anywhere, else from the negotiated host); the negotiated address itself may take its place at any time; and after a
// silence the same SSRC may come from a new port, because NATs forget.
func (s *Stream) hears(from netip.AddrPort, ssrc uint32) bool {
	r := &s.in
	session := s.taken
	switch {
	case r.locked && from == r.source:
		return true
	case from == session.Remote:
	case !session.Symmetric && from.Addr() != session.Remote.Addr():
		return false
	case r.locked && (r.quiet < rebindAfter || ssrc != r.order.ssrc):
		return false
	}
	r.locked, r.source = true, from
	peer := from // a copy of its own: from itself must not escape at every packet
	s.peer.Store(&peer)
	return true
}

// playout takes the tick's frame out of the jitter buffer and conceals what is missing.
func (s *Stream) playout(frame []int16) bool {
	r := &s.in
	switch v := r.buffer.take(frame); v {
	case silent:
		return false
	case played:
		r.gap, r.voiced = 0, true
		r.plc.Good(frame)
		return true
	case lost, starved:
		s.count.concealed.Add(1)
	}
	if r.gap++; !r.voiced || r.gap > maxConcealed {
		return false
	}
	return r.plc.Conceal(frame)
}

// keys plays digits that came as events. Sound that came beside them is their in-band twin and is not heard.
func (s *Stream) keys(frame []int16, notify func(Event)) bool {
	r := &s.in
	digit, sounding, active := r.events.tick()
	if !sounding {
		digit = 0
	}
	if digit != r.digit {
		if r.digit != 0 {
			notify(RemoteDigit{Stream: s, Digit: r.digit})
		}
		r.digit = digit
		r.gen.Start(digitPlan(digit))
		if digit != 0 {
			notify(RemoteDigit{Stream: s, Digit: digit, On: true})
		}
		active = true // a tone that ends fades within this frame
	}
	if !active {
		return false
	}
	r.gen.Fill(frame)
	return true
}

// dropKeys ends the digits that are still to be played: nobody listens any more.
func (s *Stream) dropKeys(notify func(Event)) {
	r := &s.in
	r.events.drop()
	if r.digit != 0 {
		notify(RemoteDigit{Stream: s, Digit: r.digit})
		r.digit = 0
		r.gen.Start(nil)
	}
}
