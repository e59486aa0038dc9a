package sim

import "math"

// The spectrum is only for finding candidates, so it is an integer transform
// of fixed size; what is found is then measured by project.

const (
	fftBits = 10
	fftSize = 1 << fftBits
	binHz   = 8000.0 / fftSize
)

// spectrum holds the work space of the transform.
type spectrum struct {
	re, im [fftSize]int32
	power  [fftSize / 2]float32
	total  float32
}

// take transforms at most fftSize samples.
func (s *spectrum) take(x []int16) {
	clear(s.re[:])
	clear(s.im[:])
	n := min(len(x), fftSize)
	for i, v := range x[:n] {
		// Bit-reversed order; 12 bits of room below, one above for the first sum.
		s.re[reverse(uint32(i))] = int32(v) << 12
	}
	for size := 2; size <= fftSize; size <<= 1 {
		half, step := size/2, uint32(1<<32/uint64(size))
		for k := range half {
			phase := -uint32(k) * step
			c, d := int64(sine(phase+1<<30)), int64(sine(phase))
			for a := k; a < fftSize; a += size {
				b := a + half
				tr := int32((int64(s.re[b])*c - int64(s.im[b])*d) >> 16)
				ti := int32((int64(s.re[b])*d + int64(s.im[b])*c) >> 16)
				ar, ai := s.re[a]>>1, s.im[a]>>1
				s.re[a], s.im[a] = ar+tr, ai+ti
				s.re[b], s.im[b] = ar-tr, ai-ti
			}
		}
	}
	s.total = 0
	for k := range s.power {
		re, im := float32(s.re[k]>>4), float32(s.im[k]>>4)
		s.power[k] = re*re + im*im
		s.total += s.power[k]
	}
}

func reverse(i uint32) uint32 {
	var r uint32
	for range fftBits {
		r = r<<1 | i&1
		i >>= 1
	}
	return r
}

// The band in which tones are looked for.
const (
	lowBin  = 100 * fftSize / 8000
	highBin = 3800 * fftSize / 8000
)

// peak is the strongest frequency in Hz.
func (s *spectrum) peak() float64 {
	best := lowBin
	for k := lowBin; k <= highBin; k++ {
		if s.power[k] > s.power[best] {
			best = k
		}
	}
	a, b, c := math.Sqrt(float64(s.power[best-1])), math.Sqrt(float64(s.power[best])), math.Sqrt(float64(s.power[best+1]))
	shift := 0.0
	if d := a - 2*b + c; d < 0 {
		shift = (a - c) / (2 * d)
	}
	return (float64(best) + shift) * binHz
}

// near is the strongest power within one main lobe of a window of n samples
// around hz.
func (s *spectrum) near(hz float64, n int) float32 {
	k := int(hz/binHz + 0.5)
	w := fftSize/(2*max(n, 1)) + 1
	var best float32
	for i := max(k-w, 0); i <= min(k+w, len(s.power)-1); i++ {
		best = max(best, s.power[i])
	}
	return best
}

// tonal tells whether a window of n samples has nearly all its power in a few
// lines: what has not need not be measured.
func (s *spectrum) tonal(n int) bool {
	w := fftSize*3/(2*max(n, 1)) + 1
	var used [fftSize / 2]bool
	var sum float32
	for range maxComponents {
		best := -1
		for k := range s.power {
			if !used[k] && (best < 0 || s.power[k] > s.power[best]) {
				best = k
			}
		}
		for k := max(best-w, 0); k <= min(best+w, len(s.power)-1); k++ {
			if !used[k] {
				used[k] = true
				sum += s.power[k]
			}
		}
	}
	return sum > 0.85*s.total
}
