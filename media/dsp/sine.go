package dsp

import "math"

// A phase is a fraction of a turn with 32 binary places; it wraps by itself. A frequency is the phase that one sample
// adds: steps of 2 microhertz. The sine is a table of 512 points with straight lines between them, which keeps
// everything but the tone 90 dB down.
const (
	sineBits  = 9
	sineShift = 32 - sineBits
)

var sineTable = makeSine()

func makeSine() (t [1<<sineBits + 1]int16) {
	for i := range t {
		t[i] = int16(math.Round(32767 * math.Sin(2*math.Pi*float64(i)/(1<<sineBits))))
	}
	return t
}

// sine is 32767 times the sine of the phase.
func sine(phase uint32) int32 {
	i := phase >> sineShift
	a, b := int32(sineTable[i]), int32(sineTable[i+1])
	return a + ((b-a)*int32(phase>>(sineShift-16)&0xffff)+1<<15)>>16
}

// step is the phase that one sample of a tone adds.
func step(hz uint32) uint32 {
	return uint32((uint64(hz)<<32 + SampleRate/2) / SampleRate)
}

// setSine writes a sine over dst and returns the phase after it.
func setSine(dst []int16, phase, step uint32, amp int32) uint32 {
	for i := range dst {
		dst[i] = int16((sine(phase)*amp + 1<<14) >> 15)
		phase += step
	}
	return phase
}

// addSine adds a sine to dst and returns the phase after it. The sum must fit: plans are made so that it does.
func addSine(dst []int16, phase, step uint32, amp int32) uint32 {
	for i := range dst {
		dst[i] += int16((sine(phase)*amp + 1<<14) >> 15)
		phase += step
	}
	return phase
}

// A tone that starts or stops at once clicks. The ramp is half a period of a raised cosine, 4 ms, inside the tone.
const rampSamples = 32

var rampTable = makeRamp()

func makeRamp() (t [rampSamples + 1]int32) {
	for i := range t {
		t[i] = int32(math.Round(32768 * (1 - math.Cos(math.Pi*float64(i)/rampSamples)) / 2))
	}
	return t
}

// shape scales the samples by the ramp, from step `at` on, `by` +1 or -1 a sample.
func shape(dst []int16, at, by int) {
	for i, v := range dst {
		dst[i] = int16(int32(v) * rampTable[min(max(at, 0), rampSamples)] >> 15)
		at += by
	}
}
