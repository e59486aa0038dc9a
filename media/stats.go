package media

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Stats is what a stream has seen since it was opened. Numbers wrap at 32 bits; each is exact, together they may be one
// packet apart.
type Stats struct {
	Remote netip.AddrPort // where the far end was heard; invalid: not yet

	Sent         uint32 // packets, those of events included
	Unsent       uint32 // packets that the network refused
	EventsOut    uint32 // digits sent as telephone-events
	EventPackets uint32 // and the packets for them

	Received   uint32 // valid packets, duplicates not counted
	Lost       int32  // RFC 3550: expected less received, sinks when a packet comes late
	Late       uint32 // packets that came when their sound was over
	Duplicates uint32
	Reordered  uint32
	EventsIn   uint32        // digits received as telephone-events
	Jitter     time.Duration // RFC 3550 A.8, in the grain of the tick
	LastPacket time.Duration // age of the newest valid packet; negative: none yet

	Target    time.Duration // delay that the jitter buffer wants; a packet that plays at once counts its own length
	Buffered  time.Duration // sound waiting now
	Concealed uint32        // frames of 10 ms that were missing when they were due
	Doubled   uint32        // frames doubled and
	Dropped   uint32        // frames dropped to follow the network's jitter and the far end's clock
	Discarded uint32        // frames given up because too much was waiting

	Strangers uint32 // packets from who may not speak
	WrongType uint32 // RTP of a payload type that was not negotiated
	Garbage   uint32 // what is no RTP, is too long, or holds nonsense
	RTCP      uint32 // RTCP packets, on either port; they are not read
	Unread    uint32 // errors of the socket
}

// counters are written by the pump and read by anybody.
type counters struct {
	sent, unsent, eventsOut, eventPackets                       atomic.Uint32
	received, duplicates, reordered, eventsIn, last             atomic.Uint32
	concealed, strangers, wrongType, garbage, rtcp, unread      atomic.Uint32
	late, doubled, dropped, discarded, jitter, target, buffered atomic.Uint32
	lost                                                        atomic.Int32
}

// publish copies what the jitter buffer and the sequence count for themselves.
func (s *Stream) publish() {
	b, c := &s.in.buffer, &s.count
	c.late.Store(b.late)
	c.doubled.Store(b.doubled)
	c.dropped.Store(b.dropped)
	c.discarded.Store(b.discarded)
	c.target.Store(uint32(b.target()))
	c.buffered.Store(uint32(max(b.depth(), 0)))
	c.lost.Store(s.in.order.lost())
	c.jitter.Store(s.in.order.jitter >> 4)
}

// Stats is a snapshot. It never waits for the pump.
func (s *Stream) Stats() Stats {
	c := &s.count
	st := Stats{
		Sent: c.sent.Load(), Unsent: c.unsent.Load(), EventsOut: c.eventsOut.Load(), EventPackets: c.eventPackets.Load(),
		Received: c.received.Load(), Lost: c.lost.Load(), Late: c.late.Load(), Duplicates: c.duplicates.Load(),
		Reordered: c.reordered.Load(), EventsIn: c.eventsIn.Load(), Jitter: samples(c.jitter.Load()), LastPacket: -1,
		Target: time.Duration(c.target.Load()) * frameTime, Buffered: samples(c.buffered.Load()),
		Concealed: c.concealed.Load(), Doubled: c.doubled.Load(), Dropped: c.dropped.Load(), Discarded: c.discarded.Load(),
		Strangers: c.strangers.Load(), WrongType: c.wrongType.Load(), Garbage: c.garbage.Load(), RTCP: c.rtcp.Load(),
		Unread: c.unread.Load(),
	}
	if p := s.peer.Load(); p != nil {
		st.Remote = *p
	}
	if last := c.last.Load(); last != 0 {
		st.LastPacket = max(0, time.Since(s.opened)-time.Duration(last)*time.Millisecond)
	}
	return st
}

func samples(n uint32) time.Duration { return time.Duration(n) * time.Millisecond / samplesPerMs }
