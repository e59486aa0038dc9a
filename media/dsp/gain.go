package dsp

import "math"

// Gain is a factor with 12 binary places: 4096 leaves the level as it is. The zero value is silence.
type Gain int32

// Unity leaves samples as they are.
const Unity Gain = 1 << gainBits

const gainBits = 12

// NewGain is the factor for a number of decibels, between -60 and +18. It uses floats: call it when a call is set up.
func NewGain(dB float64) Gain {
	dB = min(max(dB, -60), 18)
	return Gain(math.Round(math.Pow(10, dB/20) * float64(Unity)))
}

// Apply scales the frame in place, saturating.
func (g Gain) Apply(frame []int16) {
	if g == Unity {
		return
	}
	for i, v := range frame {
		frame[i] = saturate((int32(v)*int32(g) + 1<<(gainBits-1)) >> gainBits)
	}
}
