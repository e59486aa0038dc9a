package dsp

import "math"

// The Goertzel algorithm is a Fourier transform for one frequency: a recursion with one multiplication a sample. A block
// is so short (5 ms) that it tells little about frequency, but it keeps its phase: two neighbours, the older one turned
// by what a tone turns in 5 ms, add up to a transform of 10 ms; and how much a tone turns more than that, from block to
// block, is its distance from the frequency looked for.

const (
	blockSamples = 20 // at 4 kHz: 5 ms
	blockRate    = 4000
)

// phasor is a complex number. The argument of a block's phasor refers to the block's end.
type phasor struct{ re, im int32 }

func (p phasor) add(q phasor) phasor     { return phasor{p.re + q.re, p.im + q.im} }
func (p phasor) shiftRight(n int) phasor { return phasor{p.re >> n, p.im >> n} }
func (p phasor) power() uint32           { return uint32(p.re*p.re) + uint32(p.im*p.im) }
func (p phasor) turn(by phasor) phasor { // by has 13 binary places and length 1
	return phasor{(p.re*by.re - p.im*by.im) >> 13, (p.re*by.im + p.im*by.re) >> 13}
}

// bin is a frequency that is looked for.
type bin struct {
	coef int32  // 2 cos w, 13 binary places
	unit phasor // cos w, sin w, 13 binary places
	turn phasor // what a block turns
	near int32  // tangent of the angle that the accepted deviation turns in a block, 8 binary places
}

// makeBin makes the bin for a frequency of which a deviation of the given share is accepted.
func makeBin(hz, deviation float64) bin {
	q13 := func(x float64) int32 { return int32(math.Round(x * 8192)) }
	w := 2 * math.Pi * hz / blockRate
	block := w * blockSamples
	return bin{
		coef: q13(2 * math.Cos(w)),
		unit: phasor{q13(math.Cos(w)), q13(math.Sin(w))},
		turn: phasor{q13(math.Cos(block)), q13(math.Sin(block))},
		near: int32(math.Round(256 * math.Tan(block*deviation))),
	}
}

// transform is the phasor of the block at two frequencies. Samples must have 11 bits, so that all products fit.
func transform(x *[blockSamples]int32, a, b *bin) (phasor, phasor) {
	var a1, a2, b1, b2 int32
	ca, cb := a.coef, b.coef
	for _, v := range x {
		a1, a2 = v+ca*a1>>13-a2, a1
		b1, b2 = v+cb*b1>>13-b2, b1
	}
	return a.end(a1, a2), b.end(b1, b2)
}

func (b *bin) end(s1, s2 int32) phasor {
	return phasor{s1 - s2*b.unit.re>>13, s2 * b.unit.im >> 13}
}
