package sim

import (
	"math"
	"slices"
)

const (
	pure      = 0.95 // of the energy must lie in a tone's lines
	evenLines = 0.2  // a named tone's weakest line to its strongest
	nearHz    = 4    // a known line is looked for this near
	weakest   = 0.1  // of the strongest: a line that counts
)

// analyst finds out which sines a window consists of.
type analyst struct {
	spec   spectrum
	sets   [][]float64 // sets of frequencies that are likely, small ones first
	recent [][]float64 // sets heard lately, last one first
}

// identify measures x as a tone; ok is false where it is none. A window can
// only tell lines apart that are more than its length's worth apart.
func (a *analyst) identify(x []int16) (f fit, ok bool) {
	a.spec.take(x)
	if !a.spec.tonal(len(x)) {
		return fit{}, false
	}
	for _, sets := range [...][][]float64{a.recent, a.sets} {
		for _, hz := range sets {
			if f, ok := a.try(x, hz); ok {
				a.remember(f.hz)
				return f, true
			}
		}
	}
	if f, ok = a.search(x); ok {
		a.remember(f.hz)
	}
	return f, ok
}

func (a *analyst) remember(hz []float64) {
	a.recent = slices.DeleteFunc(a.recent, func(old []float64) bool { return sameTone(hz, old) })
	a.recent = slices.Insert(a.recent, 0, slices.Clone(hz))
	a.recent = a.recent[:min(len(a.recent), 4)]
}

// try measures x as a tone of about the frequencies hz.
func (a *analyst) try(x []int16, hz []float64) (fit, bool) {
	n := len(x)
	var top float32
	for k := lowBin; k <= highBin; k++ {
		top = max(top, a.spec.power[k])
	}
	for i, f := range hz {
		if i > 0 && (f-hz[i-1])*float64(n) < 1.2*8000 {
			return fit{}, false
		}
		if a.spec.near(f, n) < top*(evenLines*evenLines) {
			return fit{}, false
		}
	}
	moved := slices.Clone(hz)
	for i, d := range offsets(x, hz) {
		if math.Abs(d) > nearHz {
			return fit{}, false
		}
		moved[i] += d
	}
	f := project(x, moved)
	return f, f.explained >= pure && f.evenness() >= evenLines
}

// search measures x as a tone of frequencies that nobody foretold: one line
// after the other is found in what the lines before it leave over, and all are
// measured together.
func (a *analyst) search(x []int16) (fit, bool) {
	var best fit
	apart := 0.8 * 8000 / float64(len(x))
	rest := slices.Clone(x)
	for len(best.hz) < 4 && best.explained < 0.995 {
		if len(best.hz) > 0 {
			for n := range rest {
				rest[n] = int16(min(max(float64(x[n])-best.at(int64(n)), -32768), 32767))
			}
			a.spec.take(rest)
		}
		hz := append(slices.Clone(best.hz), a.spec.peak())
		for range 4 {
			for i, d := range offsets(x, hz) {
				hz[i] += min(max(d, -6), 6)
			}
		}
		slices.Sort(hz)
		for i, f := range hz {
			if f < 50 || f > 3950 || i > 0 && f-hz[i-1] < apart {
				return best, best.explained >= pure
			}
		}
		f := project(x, hz)
		if len(best.hz) > 0 && 1-f.explained > 0.5*(1-best.explained) {
			break
		}
		best = f
	}
	return dropWeak(x, best), best.explained >= pure
}

// dropWeak leaves out lines that do not count.
func dropWeak(x []int16, f fit) fit {
	strongest := 0.0
	for _, a := range f.amp {
		strongest = max(strongest, a)
	}
	var hz []float64
	for i, a := range f.amp {
		if a >= weakest*strongest {
			hz = append(hz, f.hz[i])
		}
	}
	if len(hz) == len(f.hz) {
		return f
	}
	return project(x, hz)
}
