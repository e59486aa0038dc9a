package sim

import (
	"math/bits"
	"time"
)

// clock converts between plain time and the codec's sample numbers. Sample i
// begins at at(i). It is exact for any length of run: the codec's rate is a
// whole number of microhertz and the products have 128 bits.
type clock struct {
	epoch time.Time
	uhz   uint64 // samples per 1e6 s
}

const nsPerMicrohertz = 1e15 // ns in a second times 1e6

func newClock(epoch time.Time, ppm float64) clock {
	ppm = min(max(ppm, -1e5), 1e5)
	return clock{epoch: epoch, uhz: uint64(8e9 + 8e3*ppm + 0.5)}
}

// at is the first instant at which sample i exists.
func (c clock) at(i int64) time.Time {
	if i <= 0 {
		return c.epoch
	}
	hi, lo := bits.Mul64(uint64(i), nsPerMicrohertz)
	ns, rest := bits.Div64(hi, lo, c.uhz)
	if rest > 0 {
		ns++
	}
	return c.epoch.Add(time.Duration(ns))
}

// index is the number of the sample that is going on at t.
func (c clock) index(t time.Time) int64 {
	d := t.Sub(c.epoch)
	if d <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(d), c.uhz)
	i, _ := bits.Div64(hi, lo, nsPerMicrohertz)
	return int64(i)
}

// span is the length of n samples by the nominal rate.
func span(n int64) time.Duration { return time.Duration(n) * (time.Second / 8000) }

// samples is the nominal number of samples in d.
func samples(d time.Duration) int64 { return int64(d) / int64(time.Second/8000) }
