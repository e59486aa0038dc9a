package dsp

import (
	"math"
	"math/rand/v2"
)

// The far side of every test: signals made, and measured, in floating point with the textbook's formulas. Nothing here
// calls the package.

func amplitudeOf(dBm0 float64) float64 { return 32767 * math.Pow(10, (dBm0-3.14)/20) }

// sound is a float signal at 8 kHz that tests add things to.
type sound []float64

func silence(ms float64) sound { return make(sound, int(ms*8+0.5)) }

// sine adds a sine from sample `from` for n samples.
func (s sound) sine(from, n int, hz, dBm0, phase float64) sound {
	a := amplitudeOf(dBm0)
	for i := max(from, 0); i < min(from+n, len(s)); i++ {
		s[i] += a * math.Sin(2*math.Pi*hz*float64(i)/8000+phase)
	}
	return s
}

// noise adds white noise (of the whole 4 kHz) with that power.
func (s sound) noise(rng *rand.Rand, dBm0 float64) sound {
	a := amplitudeOf(dBm0) / math.Sqrt2
	for i := range s {
		s[i] += a * rng.NormFloat64()
	}
	return s
}

func (s sound) pcm() []int16 {
	out := make([]int16, len(s))
	for i, v := range s {
		out[i] = int16(math.Round(min(max(v, -32768), 32767)))
	}
	return out
}

func toFloat(pcm []int16) sound {
	s := make(sound, len(pcm))
	for i, v := range pcm {
		s[i] = float64(v)
	}
	return s
}

// level is the mean power in dBm0.
func (s sound) level() float64 {
	sum := 0.0
	for _, v := range s {
		sum += v * v
	}
	return 10*math.Log10(max(sum/float64(len(s)), 1e-9)/(32767*32767/2.0)) + 3.14
}

// dft is the amplitude at one frequency under a Hann window.
func (s sound) dft(hz float64) float64 {
	var re, im, sum float64
	for i, v := range s {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(s)))
		a := 2 * math.Pi * hz * float64(i) / 8000
		re += w * v * math.Cos(a)
		im -= w * v * math.Sin(a)
		sum += w
	}
	return 2 * math.Hypot(re, im) / sum
}

// at is the level of the component at hz.
func (s sound) at(hz float64) float64 {
	return 20*math.Log10(max(s.dft(hz), 1e-9)/32767) + 3.14
}

// peak is the frequency near hz where the spectrum has its maximum.
func (s sound) peak(hz, span float64) float64 {
	lo, hi := hz-span, hz+span
	for hi-lo > 1e-3 {
		a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
		if s.dft(a) < s.dft(b) {
			lo = a
		} else {
			hi = b
		}
	}
	return (lo + hi) / 2
}

// without is what remains when the sines of these frequencies are fitted and taken away.
func (s sound) without(hz ...float64) sound {
	r := append(sound(nil), s...)
	for range 8 { // Gauss-Seidel: the frequencies are not orthogonal over the window
		for _, f := range hz {
			var c, d float64
			for i, v := range r {
				a := 2 * math.Pi * f * float64(i) / 8000
				c += v * math.Cos(a)
				d += v * math.Sin(a)
			}
			c, d = 2*c/float64(len(r)), 2*d/float64(len(r))
			for i := range r {
				a := 2 * math.Pi * f * float64(i) / 8000
				r[i] -= c*math.Cos(a) + d*math.Sin(a)
			}
		}
	}
	return r
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
