package media

// ringSamples is 512 ms; a power of two, so that timestamps index the ring across their wrap.
const ringSamples = 4096

// ring holds samples by their RTP timestamp, and knows which of them are there. Order, length and alignment of packets
// do not matter to it.
type ring struct {
	sample [ringSamples]int16
	have   [ringSamples / 32]uint32 // one bit a sample
}

func (r *ring) empty() { clear(r.have[:]) }

func (r *ring) copyOut(frame []int16, timestamp uint32) {
	at := int(timestamp % ringSamples)
	n := copy(frame, r.sample[at:])
	copy(frame[n:], r.sample[:])
}

func (r *ring) store(timestamp uint32, sound []int16) {
	at := int(timestamp % ringSamples)
	n := copy(r.sample[at:], sound)
	copy(r.sample[:], sound[n:])
	for i, left := at, len(sound); left > 0; {
		run := min(32-i%32, left)
		r.have[i/32] |= bits(i%32, run)
		i, left = (i+run)%ringSamples, left-run
	}
}

func (r *ring) forget(timestamp uint32, n int) {
	n = min(n, ringSamples)
	for i := int(timestamp % ringSamples); n > 0; {
		run := min(32-i%32, n)
		r.have[i/32] &^= bits(i%32, run)
		i, n = (i+run)%ringSamples, n-run
	}
}

// holds reports whether a whole frame is there.
func (r *ring) holds(timestamp uint32) bool {
	n := frameSamples
	for i := int(timestamp % ringSamples); n > 0; {
		run := min(32-i%32, n)
		if m := bits(i%32, run); r.have[i/32]&m != m {
			return false
		}
		i, n = (i+run)%ringSamples, n-run
	}
	return true
}

// bits is a mask of n ones from bit on.
func bits(from, n int) uint32 { return uint32(1<<uint(n)-1) << uint(from) }

// magnitude is the mean of the absolute samples.
func magnitude(frame []int16) int32 {
	var sum int32
	for _, v := range frame {
		sign := int32(v) >> 31
		sum += (int32(v) ^ sign) - sign
	}
	return sum / int32(len(frame))
}
