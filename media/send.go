package media

import (
	"net/netip"

	"github.com/pion/rtp"
)

const (
	headerSize = 12
	maxPayload = int(maxPtime/frameTime) * frameSamples
)

// sending is the outward half of a stream. Its timestamp is the line's sample clock and never stops, so that a pause is
// a gap in the timestamps and not a lie about time.
type sending struct {
	ssrc     uint32
	sequence uint16
	stamp    uint32 // of the first sample of the packet that is being filled
	newest   uint32 // timestamp of the last packet of sound
	filled   int    // frames in the packet
	marker   bool   // the next packet of sound opens a talkspurt (RFC 3551 4.1)
	muted    int    // ticks for which sound is replaced by silence, because a digit goes out as an event
	events   eventSender
	packet   [headerSize + maxPayload]byte
}

// restart drops a packet that is only half full; the format changed.
func (o *sending) restart() {
	o.stamp += uint32(o.filled * frameSamples)
	o.filled = 0
	o.marker = true
	o.events = eventSender{}
}

// send takes the line's frame of this tick. A packet leaves when it is full.
func (s *Stream) send(frame []int16) {
	o := &s.out
	if s.taken == nil {
		o.stamp += frameSamples
		return
	}
	f := s.taken.Send
	to := s.destination()
	if !s.taken.Direction.sends() || !reachable(to) {
		o.restart()
		o.stamp += frameSamples
		return
	}
	sound := o.packet[headerSize+o.filled*frameSamples:][:frameSamples]
	if o.muted > 0 {
		o.muted--
		fill(sound, silence(f.Law))
	} else {
		encode(f.Law, sound, frame)
	}
	if o.filled++; o.filled < f.frames() {
		return
	}
	size := o.filled * frameSamples
	end := o.stamp + uint32(size)
	if o.events.busy() {
		s.sendEvents(end)
	} else {
		s.write(rtp.Header{Version: 2, Marker: o.marker, PayloadType: f.PayloadType, Timestamp: o.stamp}, size)
		o.newest, o.marker = o.stamp, false
	}
	o.stamp, o.filled = end, 0
}

// reachable is false for what is no destination: nothing negotiated, port 0, and the 0.0.0.0 of an old-style hold
// (RFC 3264 8.4), which the kernel would take for ourselves.
func reachable(to netip.AddrPort) bool {
	return to.IsValid() && to.Port() != 0 && !to.Addr().IsUnspecified()
}

// sendEvents sends the telephone-event of this packet time in the place of the sound.
func (s *Stream) sendEvents(end uint32) {
	o := &s.out
	for again := true; again; {
		h := rtp.Header{Version: 2, PayloadType: s.taken.Send.EventPT}
		h.Timestamp, h.Marker, again = o.events.next(end, o.packet[headerSize:])
		s.write(h, eventSize)
		s.count.eventPackets.Add(1)
	}
	o.marker = true
}

// write gives the packet its number and sends it; the payload stands behind the header's place already.
func (s *Stream) write(h rtp.Header, payload int) {
	o := &s.out
	h.SSRC, h.SequenceNumber = o.ssrc, o.sequence
	o.sequence++
	n, err := h.MarshalTo(o.packet[:headerSize])
	if err == nil {
		_, err = s.rtp.WriteToAddrPort(o.packet[:n+payload], s.destination())
	}
	if err != nil {
		s.count.unsent.Add(1) // the network is down, or the stream is closed; the next packet may do better
		return
	}
	s.count.sent.Add(1)
}

// sendsEvents reports whether digits leave this stream as telephone-events.
func (s *Stream) sendsEvents() bool {
	return s.taken != nil && s.taken.Send.EventPT != 0 && s.taken.Direction.sends()
}

// mute keeps a tone that may become a digit out of the sound: the frames of the packet that is being filled, and those
// of the next ticks.
func (s *Stream) mute(ticks int) {
	o := &s.out
	fill(o.packet[headerSize:headerSize+o.filled*frameSamples], silence(s.taken.Send.Law))
	o.muted = max(o.muted, ticks)
}

// press sends a digit whose tone began age samples before the end of the present frame. The event's timestamp does not
// go behind the last sound that was sent, which spares receivers an odd case and costs at most a packet of duration.
func (s *Stream) press(digit byte, volume uint8, age int) {
	code, ok := eventCode(digit)
	if !ok {
		return
	}
	o := &s.out
	stamp := o.frameEnd() - uint32(age)
	if !o.marker && int32(stamp-o.newest) < 0 {
		stamp = o.newest
	}
	if o.events.press(code, volume, stamp) {
		s.count.eventsOut.Add(1)
	}
}

// release ends the digit, age samples before the end of the present frame.
func (s *Stream) release(age int) { s.out.events.release(s.out.frameEnd() - uint32(age)) }

// frameEnd is the timestamp behind the frame that the pump is working on, which send has not taken yet.
func (o *sending) frameEnd() uint32 { return o.stamp + uint32((o.filled+1)*frameSamples) }

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
