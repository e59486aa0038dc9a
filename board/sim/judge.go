package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// kind is what a run is.
type kind uint8

const (
	silent kind = iota
	tonal
	spoken
	unknown // too young to tell
)

// run is a stretch of one kind between two changes.
type run struct {
	kind     kind
	from, to int64
	hz       []float64
	level    float64
	energy   int64
	cut      bool // the beginning was not heard
}

func (r run) len() int64 { return r.to - r.from }

const (
	pauseLen   = 2400 // 300 ms: a shorter pause belongs to the speech around it
	vowelLen   = 1200 // 150 ms: a shorter tone beside speech is a vowel
	besideLen  = 480
	trailing   = 4000 // 500 ms: how long the silence after a tone's last pulse is still the tone
	pulseEnd   = 480  // 60 ms of silence end a pulse for sure
	toneLen    = 800  // 100 ms: a continuous tone for sure
	quietLen   = 800  // 100 ms: silence for sure
	speechLen  = 1600 // 200 ms: speech for sure
	sameLineHz = 2.5
)

// runs joins the sounds into runs, silence between them, up to the present.
func (s *scan) runs() []run {
	sounds, known := s.present()
	var runs []run
	at := s.start
	gap := func(to int64) {
		if to > at {
			runs = append(runs, run{kind: silent, from: at, to: to, cut: at == s.start})
		}
	}
	for _, n := range sounds {
		r := run{kind: spoken, from: n.from, to: n.to, energy: n.energy, cut: n.cut}
		if n.tone {
			r.kind, r.hz, r.level = tonal, n.fit.hz, n.level
		}
		if k := len(runs) - 1; k >= 0 && n.from == at && r.goesOn(runs[k]) {
			runs[k].to = r.to
			runs[k].energy += r.energy
		} else {
			gap(n.from)
			runs = append(runs, r)
		}
		at = n.to
	}
	gap(known)
	if known < s.pos {
		runs = append(runs, run{kind: unknown, from: known, to: s.pos})
	}
	return joinSpeech(runs)
}

// goesOn tells whether r is more of the run before.
func (r run) goesOn(before run) bool {
	if r.kind != before.kind || len(r.hz) != len(before.hz) {
		return false
	}
	for i, f := range r.hz {
		if math.Abs(f-before.hz[i]) > sameLineHz {
			return false
		}
	}
	return r.kind != tonal || math.Abs(r.level-before.level) < 3
}

// joinSpeech makes one run of speech with its vowels and pauses.
func joinSpeech(runs []run) []run {
	if !slices.ContainsFunc(runs, func(r run) bool { return r.kind == spoken }) {
		return runs
	}
	beside := func(i, d int) bool {
		for j, n := i+d, 0; j >= 0 && j < len(runs) && n < 2; j, n = j+d, n+1 {
			switch {
			case runs[j].kind == spoken:
				return true
			case runs[j].kind != silent || runs[j].len() > besideLen:
				return false
			}
		}
		return false
	}
	joined := make([]run, 0, len(runs))
	for i, r := range runs {
		if r.kind == tonal && r.len() < vowelLen && (beside(i, -1) || beside(i, 1)) {
			r.kind, r.hz = spoken, nil
			r.energy = int64(meanSquare(r.level) * float64(r.len()))
		}
		if r.kind == spoken {
			// A short pause before it belongs to it, too.
			if k := len(joined) - 1; k > 0 && joined[k].kind == silent && joined[k].len() < pauseLen && joined[k-1].kind == spoken {
				joined = joined[:k]
			}
			if k := len(joined) - 1; k >= 0 && joined[k].kind == spoken {
				joined[k].to = r.to
				joined[k].energy += r.energy
				continue
			}
		}
		joined = append(joined, r)
	}
	return joined
}

// meanSquare is the reverse of dBm0.
func meanSquare(level float64) float64 {
	return math.Pow(10, (level-fullScale)/10) * 32767 * 32767 / 2
}

// opinion is Heard with its beginning as a sample number.
type opinion struct {
	Heard
	since int64
}

// judge names the last run, with those before it that belong to its cadence.
func (n *names) judge(runs []run) opinion {
	for len(runs) > 0 && runs[len(runs)-1].kind == unknown {
		runs = runs[:len(runs)-1]
	}
	if len(runs) == 0 {
		return opinion{Heard: Heard{Name: "silence"}}
	}
	last := runs[len(runs)-1]
	if o, ok := n.cadenced(runs); ok {
		return o
	}
	switch last.kind {
	case tonal:
		return opinion{Heard{Name: "tone", Hz: last.hz, Level: last.level, Sure: last.len() >= toneLen}, last.from}
	case spoken:
		return speech(last)
	}
	if k := len(runs) - 2; k >= 0 && runs[k].kind == spoken && last.len() < pauseLen {
		return speech(runs[k])
	}
	return opinion{Heard{Name: "silence", Sure: last.len() >= quietLen}, last.from}
}

func speech(r run) opinion {
	level := dBm0(float64(r.energy) / float64(max(r.len(), 1)))
	return opinion{Heard{Name: "speech", Level: level, Sure: r.len() >= speechLen}, r.from}
}

// match is how a named tone explains the last runs.
type match struct {
	tone  *named
	from  int  // first run that it explains
	whole int  // pulses that it explains from their beginning to their end
	ends  bool // the last run is a step that will end, not a continuous one
}

// cadenced names the last runs by the tones that the ear knows. The tone that
// explains most of them wins; it is sure when it explains a whole pulse, or a
// continuous tone, and no other tone explains as much.
func (n *names) cadenced(runs []run) (opinion, bool) {
	last := runs[len(runs)-1]
	if last.kind == spoken || len(runs) == 1 && last.kind == silent {
		return opinion{}, false
	}
	var found []match
	for i := range n.tones {
		if m, ok := n.tones[i].match(runs); ok {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		return opinion{}, false
	}
	first := slices.MinFunc(found, func(a, b match) int { return a.from - b.from }).from
	found = slices.DeleteFunc(found, func(m match) bool { return m.from > first })
	best := found[0]
	pulse := runs[first]
	for _, r := range runs[first:] {
		if r.kind == tonal {
			pulse = r
		}
	}
	o := opinion{Heard{Name: best.tone.name, Hz: pulse.hz, Level: pulse.level, Sure: true}, runs[first].from}
	for _, m := range found[1:] {
		if m.tone.sameAs(best.tone) {
			o.also = append(o.also, m.tone.name)
		} else {
			o.Sure = false
		}
	}
	switch {
	case best.whole == 0 && (best.ends || last.len() < toneLen):
		o.Sure = false
	case last.kind == silent && last.len() < pulseEnd:
		o.Sure = false
	}
	// A tone that could be anything gets a name only if it is the first sound
	// since the handset was lifted: then it should be the dial tone.
	if !o.Sure && best.whole == 0 && slices.ContainsFunc(runs[:first], func(r run) bool { return r.kind != silent }) {
		return opinion{}, false
	}
	o.Cadence = cadence(runs[first:], max(len(best.tone.cycle), len(best.tone.once)))
	return o, true
}

func (t *named) sameAs(u *named) bool { return t.spec == u.spec }

// match finds the longest row of runs up to the last one that the tone explains.
func (t *named) match(runs []run) (match, bool) {
	steps := len(t.once) + len(t.cycle)
	for i := range runs {
		if runs[i].kind != tonal {
			continue
		}
		for step := range steps {
			// What a tone ends in for ever is not yet the tone.
			if step > 0 && step == len(t.once) && t.element(step).len == 0 {
				continue
			}
			if whole, ends, ok := t.follow(runs[i:], step); ok {
				return match{t, i, whole, ends}, true
			}
		}
	}
	return match{}, false
}

func (t *named) element(step int) element {
	if step < len(t.once) {
		return t.once[step]
	}
	return t.cycle[step-len(t.once)]
}

// follow walks along the runs and the tone's elements from step on, and counts
// the whole pulses.
func (t *named) follow(runs []run, step int) (whole int, ends, ok bool) {
	for i, r := range runs {
		e := t.element(step)
		if len(e.hz) == 0 && r.kind != silent || len(e.hz) > 0 && (r.kind != tonal || !sameTone(r.hz, e.hz)) {
			return 0, false, false
		}
		slack := e.len/40 + 80 // 2.5 % and 10 ms
		switch present := i == len(runs)-1; {
		case e.len == 0 && !present:
			return 0, false, false
		case e.len == 0:
			if r.kind == silent && r.len() > trailing {
				return 0, false, false
			}
		case present || r.cut:
			if r.len() > e.len+slack {
				return 0, false, false
			}
		case r.len() > e.len+slack || r.len() < e.len-slack:
			return 0, false, false
		default:
			if r.kind == tonal {
				whole++
			}
		}
		ends = e.len > 0
		if step++; step == len(t.once)+len(t.cycle) {
			step = len(t.once)
		}
	}
	return whole, ends, true
}

// cadence writes the last n whole runs in ms, beginning with a pulse.
func cadence(runs []run, n int) string {
	runs = runs[:len(runs)-1]
	if n < 2 || len(runs) == 0 {
		return ""
	}
	runs = runs[max(0, len(runs)-n):]
	if len(runs) > 1 && runs[0].kind == silent {
		runs = append(slices.Clone(runs[1:]), runs[0])
	}
	var ms []string
	for _, r := range runs {
		ms = append(ms, fmt.Sprintf("%d", (r.len()+4)/8))
	}
	return strings.Join(ms, "/")
}
