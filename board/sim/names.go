package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// element is one step of a tone's cadence.
type element struct {
	hz  []float64 // rising; none is silence
	len int64     // samples; 0 is for ever
}

// named is a tone that the ear knows: once is played once, then cycle repeats.
type named struct {
	name        string
	spec        string
	once, cycle []element
}

// names are the tones that the ear knows, most likely first.
type names struct {
	tones []named
	sets  [][]float64 // every set of frequencies in them, small sets first
}

// likely is the order in which equal tones are named: where a country's
// congestion tone is its busy tone, it is called busy.
var likely = []string{"dial", "busy", "congestion", "ringback", "stutter", "unobtainable", "callwaiting", "howler"}

func parseNames(tones map[string]string) *names {
	n := &names{}
	for name, spec := range tones {
		t, err := parseTone(name, spec)
		if err != nil {
			continue // never heard; Options says so
		}
		n.tones = append(n.tones, t)
	}
	rank := func(t named) int {
		if i := slices.Index(likely, t.name); i >= 0 {
			return i
		}
		return len(likely)
	}
	slices.SortFunc(n.tones, func(a, b named) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	for _, t := range n.tones {
		for _, e := range slices.Concat(t.once, t.cycle) {
			if len(e.hz) > 0 && !slices.ContainsFunc(n.sets, func(s []float64) bool { return slices.Equal(s, e.hz) }) {
				n.sets = append(n.sets, e.hz)
			}
		}
	}
	slices.SortStableFunc(n.sets, func(a, b []float64) int { return len(a) - len(b) })
	return n
}

// find gives the tone of a name.
func (n *names) find(name string) (named, bool) {
	for _, t := range n.tones {
		if t.name == name {
			return t, true
		}
	}
	return named{}, false
}

// known lists the names, for an error text.
func (n *names) known() string {
	var all []string
	for _, t := range n.tones {
		all = append(all, t.name)
	}
	return strings.Join(all, ", ")
}

const (
	maxElements   = 64
	maxComponents = 5
	maxElementMs  = 600_000
)

// parseTone reads the notation of asterisk's indications.conf: a comma list of
// [!]f1[+f2...|*fm][/ms].
func parseTone(name, spec string) (named, error) {
	t := named{name: name, spec: spec}
	parts := strings.Split(spec, ",")
	if len(parts) > maxElements {
		return t, fmt.Errorf("tone %s has %d elements, at most %d are heard", name, len(parts), maxElements)
	}
	for _, part := range parts {
		part = strings.TrimSpace(part)
		text, once := strings.CutPrefix(part, "!")
		e, err := parseElement(text)
		if err != nil {
			return t, fmt.Errorf("tone %s: element %q: %w", name, part, err)
		}
		switch {
		case once && len(t.cycle) > 0:
			return t, fmt.Errorf("tone %s: element %q: '!' after a repeated element", name, part)
		case once:
			t.once = append(t.once, e)
		default:
			t.cycle = append(t.cycle, e)
		}
	}
	if len(t.cycle) == 0 {
		t.cycle = []element{{}} // then silence
	}
	return t, nil
}

func parseElement(s string) (e element, err error) {
	s, length, timed := strings.Cut(s, "/")
	if timed {
		ms, err := strconv.Atoi(length)
		if err != nil || ms < 1 || ms > maxElementMs {
			return e, fmt.Errorf("%q is no length in ms", length)
		}
		e.len = int64(ms) * 8
	}
	if s == "0" {
		return e, nil
	}
	for term := range strings.SplitSeq(s, "+") {
		carrier, by, modulated := strings.Cut(term, "*")
		f, err := frequency(carrier)
		if err != nil {
			return e, err
		}
		e.hz = append(e.hz, f)
		if modulated {
			// Amplitude modulation is heard as a carrier with two companions.
			fm, err := frequency(by)
			if err != nil || fm >= f {
				return e, fmt.Errorf("%q cannot modulate %q", by, carrier)
			}
			e.hz = append(e.hz, f-fm, f+fm)
		}
	}
	if len(e.hz) > maxComponents {
		return e, fmt.Errorf("%d frequencies at once, at most %d are heard", len(e.hz), maxComponents)
	}
	slices.Sort(e.hz)
	return e, nil
}

func frequency(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 1 || f >= 4000 {
		return 0, fmt.Errorf("%q is no frequency from 1 to 3999 Hz", s)
	}
	return f, nil
}

// sameTone tells whether measured frequencies are those of an element.
func sameTone(got, want []float64) bool {
	if len(got) != len(want) || len(got) == 0 {
		return false
	}
	for i, f := range want {
		if math.Abs(got[i]-f) > 2.5+0.006*f {
			return false
		}
	}
	return true
}
