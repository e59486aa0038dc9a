package sim

import (
	"math"
	"math/cmplx"

	"tipring/board"
)

const (
	defaultLossDB = 12
	echoMemory    = 1024 // samples; holds the longest delay, the taps and the frames in the codec's buffer
	maxEchoDelay  = 512
)

// hybrid is the two-to-four-wire junction: part of what goes to the telephone
// comes straight back. The path is a pure delay and five taps, a few hundred
// microseconds of smear as a real line has it.
type hybrid struct {
	taps  [5]int32 // Q15
	delay int64
	past  [echoMemory]int16
	end   int64 // one after the newest sample
	loud  int64 // one after the newest frame that was not all zero
}

func newHybrid(o Options) hybrid {
	loss := o.HybridLossDB
	if loss == 0 {
		loss = defaultLossDB
	}
	loss = min(max(loss, 0), 60)
	shape := [5]float64{0.10, 0.80, 0.28, -0.08, -0.03}
	// The loss is defined at 1004 Hz, where line tests measure it.
	var at1004 complex128
	for k, t := range shape {
		at1004 += complex(t, 0) * cmplx.Exp(complex(0, -2*math.Pi*1004/8000*float64(k)))
	}
	gain := math.Pow(10, -loss/20) / cmplx.Abs(at1004)
	if o.HybridInvert {
		gain = -gain
	}
	h := hybrid{delay: min(max(samples(o.HybridDelay), 0), maxEchoDelay)}
	for k, t := range shape {
		h.taps[k] = int32(math.Round(t * gain * 32768))
	}
	return h
}

// put remembers a frame that went to the line at sample number at.
func (h *hybrid) put(at int64, frame []int16) {
	for i := max(h.end, at-echoMemory); i < at; i++ {
		h.past[i&(echoMemory-1)] = 0
	}
	var any int16
	for k, s := range frame {
		h.past[(at+int64(k))&(echoMemory-1)] = s
		any |= s
	}
	h.end = at + int64(len(frame))
	if any != 0 {
		h.loud = h.end
	}
}

// mix adds the echo at the samples from number i on to acc.
func (h *hybrid) mix(acc *[board.FrameSamples]int32, i int64) {
	first := i - h.delay
	if first-int64(len(h.taps)) >= h.loud || first < h.end-echoMemory+int64(len(h.taps)) {
		return
	}
	// x[n..n+4] slides along; samples that are not there yet are silence.
	var x [board.FrameSamples + len(h.taps) - 1]int32
	from := first - int64(len(h.taps)) + 1
	for k := range x {
		if at := from + int64(k); at < h.end && at >= 0 {
			x[k] = int32(h.past[at&(echoMemory-1)])
		}
	}
	t := &h.taps
	for k := range acc {
		w := x[k : k+5 : k+5]
		acc[k] += (w[4]*t[0] + w[3]*t[1] + w[2]*t[2] + w[1]*t[3] + w[0]*t[4]) >> 15
	}
}
