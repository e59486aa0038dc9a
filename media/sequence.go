package media

// order is what became of a packet in the sequence.
type order uint8

const (
	inOrder   order = iota // newer than all before it
	reordered              // older, and not seen yet
	duplicate
	strange // a new source's first packet, on probation; or a jump of the sequence: nothing to play yet
)

const (
	seenWindow  = 64   // packets behind the newest in which a duplicate is recognised
	maxDropout  = 3000 // RFC 3550 A.1
	maxMisorder = 100  // RFC 3550 A.1
)

// sequence follows one RTP source: its SSRC, its sequence numbers with their wraps, and its interarrival jitter
// (RFC 3550 A.1, A.3 and A.8). A new SSRC, or a leap of the sequence, must show two packets in a row before it is
// believed; the very first source is believed at once, because the figure that users feel is answer to first sound.
type sequence struct {
	valid   bool
	ssrc    uint32
	highest uint16
	cycles  uint32 // wraps, times 65536
	base    uint32 // extended number of the first packet
	seen    uint64 // bit n: packet highest-n came
	unique  uint32 // packets without the duplicates, of this source

	suspectSSRC uint32
	suspectSeq  uint16
	suspect     bool

	transit uint32
	jitter  uint32 // samples, times 16 (RFC 3550 A.8)
	timed   bool

	lostBefore int32 // of the sources before this one
}

// accept takes the numbers of one packet. restarted is true when the packet opens a new source or a new sequence, so
// that timestamps have to be anchored anew.
func (s *sequence) accept(ssrc uint32, seq uint16) (o order, restarted bool) {
	if !s.valid {
		s.restart(ssrc, seq)
		return inOrder, true
	}
	if ssrc != s.ssrc {
		return s.probation(ssrc, seq)
	}
	switch ahead := seq - s.highest; {
	case ahead == 0:
		return duplicate, false
	case ahead < maxDropout:
		if seq < s.highest {
			s.cycles += 1 << 16
		}
		s.highest = seq
		s.seen = s.seen<<ahead | 1 // a shift by 64 or more leaves only the new one
		s.unique++
		s.suspect = false
		return inOrder, false
	default:
		behind := s.highest - seq
		if behind > maxMisorder {
			return s.probation(ssrc, seq)
		}
		if behind >= seenWindow {
			return duplicate, false // too old to tell, too old to play
		}
		if s.seen&(1<<behind) != 0 {
			return duplicate, false
		}
		s.seen |= 1 << behind
		s.unique++
		return reordered, false
	}
}

func (s *sequence) probation(ssrc uint32, seq uint16) (order, bool) {
	if s.suspect && s.suspectSSRC == ssrc && s.suspectSeq == seq {
		s.restart(ssrc, seq)
		return inOrder, true
	}
	s.suspect, s.suspectSSRC, s.suspectSeq = true, ssrc, seq+1
	return strange, false
}

func (s *sequence) restart(ssrc uint32, seq uint16) {
	lost := s.lost()
	*s = sequence{valid: true, ssrc: ssrc, highest: seq, base: uint32(seq), seen: 1, unique: 1,
		jitter: s.jitter, lostBefore: lost}
}

// forget makes the next packet, of whatever source, open a new sequence: the peer has moved.
func (s *sequence) forget() { s.lostBefore, s.valid = s.lost(), false }

// lost is expected minus received, over all sources. It sinks again when a packet thought lost comes late.
func (s *sequence) lost() int32 {
	if !s.valid {
		return s.lostBefore
	}
	expected := s.cycles + uint32(s.highest) - s.base + 1
	return s.lostBefore + int32(expected-s.unique)
}

// clock feeds the jitter estimate with a packet of sound: its timestamp and the local sample clock at its arrival.
// Arrivals are seen once a tick, so one frame (10 ms) is the grain.
func (s *sequence) clock(timestamp, arrival uint32) {
	transit := arrival - timestamp
	if s.timed {
		d := int32(transit - s.transit)
		if d < 0 {
			d = -d
		}
		if d < 8000 { // a leap of the timestamps is not jitter
			s.jitter += uint32(d) - (s.jitter+8)>>4
		}
	}
	s.transit, s.timed = transit, true
}
