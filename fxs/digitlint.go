package fxs

import (
	"encoding/binary"
	"fmt"
)

// Warning is a rule of a digit map that its author probably did not mean.
type Warning struct {
	Rule   int // counted from 1
	Offset int // of the rule in the source
	Text   string
}

func (w Warning) String() string { return fmt.Sprintf("rule %d: %s", w.Rule, w.Text) }

// lintBudget bounds the search in sets of places; a map that needs more is not linted.
const lintBudget = 200_000

// Lint looks for rules that can never be reached, because a shorter rule sends first, and for rules that make no
// difference. It walks through all that can be dialled; a map that is too intricate for that gets no warnings.
func (m *DigitMap) Lint() []Warning {
	if m == nil {
		return nil
	}
	var out []Warning
	left := make([]int, len(m.rules)) // rules still in force; a useless one is taken out, so that its twin is not blamed too
	for i := range left {
		left[i] = i
	}
	budget := lintBudget
	for {
		w := m.walk(left, &budget)
		if w == nil {
			return out
		}
		k := len(left) - 1
		for k >= 0 && w.matters[k] {
			k--
		}
		if k < 0 {
			return out
		}
		i := left[k]
		text := "it makes no difference: other rules take every number of " + m.rules[i].String()
		if !w.reached[k] {
			text = m.blame(i)
		}
		out = append([]Warning{{i + 1, m.rules[i].at, text}}, out...)
		left = append(left[:k:k], left[k+1:]...)
	}
}

// walked is what a walk saw of each rule: that a number can complete it, and that the map would answer differently
// without it.
type walked struct{ reached, matters []bool }

// walk follows every string of keys until the map decides. nil: the budget is spent.
func (m *DigitMap) walk(rules []int, budget *int) *walked {
	w := &walked{make([]bool, len(rules)), make([]bool, len(rules))}
	begin := make([]uint64, len(rules))
	for k, i := range rules {
		begin[k] = m.rules[i].start()
	}
	seen := map[string]bool{}
	todo := [][]uint64{begin}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for key := range len(keyNames) {
			if *budget -= len(rules); *budget < 0 {
				return nil
			}
			next := make([]uint64, len(rules))
			var count [FullUnambiguous + 1]int
			best := NoMatch
			for k, i := range rules {
				next[k] = m.rules[i].step(at[k], 1<<key)
				r := m.rules[i].match(next[k])
				count[r]++
				best = max(best, r)
			}
			if best == NoMatch {
				continue
			}
			for k, i := range rules {
				r := m.rules[i].match(next[k])
				w.reached[k] = w.reached[k] || r >= FullAmbiguous
				w.matters[k] = w.matters[k] || r == best && count[r] == 1
			}
			if id := placeID(next); best != FullUnambiguous && !seen[id] {
				seen[id] = true
				todo = append(todo, next)
			}
		}
	}
	return w
}

func placeID(at []uint64) string {
	b := make([]byte, 0, 8*len(at))
	for _, a := range at {
		b = binary.LittleEndian.AppendUint64(b, a)
	}
	return string(b)
}

// blame names the rule that sends before rule i is complete.
func (m *DigitMap) blame(i int) string {
	word := m.rules[i].example()
	t := m.Matcher()
	for n := range len(word) {
		if t.Step(word[n]) != FullUnambiguous {
			continue
		}
		for j := range m.rules {
			if m.rules[j].match(t.at[j]) == FullUnambiguous {
				return fmt.Sprintf("%s is never reached: rule %d (%s) sends %q first; end that one with T if it shall wait for more",
					&m.rules[i], j+1, &m.rules[j], word[:n+1])
			}
		}
	}
	return fmt.Sprintf("%s is never reached: shorter rules send first", &m.rules[i])
}

// example is a short number of the rule.
func (r *rule) example() string {
	var b []byte
	for _, p := range r.pos {
		if p.many && len(r.pos) > 1 {
			continue
		}
		for k := range len(keyNames) {
			if p.keys&(1<<k) != 0 {
				b = append(b, keyNames[k])
				break
			}
		}
	}
	return string(b)
}
