package fxs

import "math/bits"

// Match is what the digits dialled so far are to a digit map.
type Match uint8

// The results, from hopeless to certain.
const (
	NoMatch         Match = iota // no rule begins like this
	Partial                      // more digits are needed
	FullAmbiguous                // complete if no more digits come: the short timer decides
	FullUnambiguous              // complete
)

var matchNames = [...]string{"no match", "partial", "full, ambiguous", "full"}

func (m Match) String() string { return name(matchNames[:], int(m)) }

// Matcher follows one number through a map, digit by digit. A step costs one look at each position of each rule: the
// rules are followed side by side as sets of places (a nondeterministic automaton), so no map makes it explode.
// The zero Matcher takes any digits.
type Matcher struct {
	m  *DigitMap
	at []uint64 // of each rule: bit i set = the next digit may take position i; bit len(pos) = the rule is complete
}

// Matcher starts at the beginning of a number. m may be nil.
func (m *DigitMap) Matcher() Matcher {
	t := Matcher{m: m}
	if m != nil {
		t.at = make([]uint64, len(m.rules))
	}
	t.Reset()
	return t
}

// Match is the result for a whole string; a character that is no key matches nothing.
func (m *DigitMap) Match(digits string) Match {
	t := m.Matcher()
	r := Partial
	for i := range len(digits) {
		r = t.Step(digits[i])
	}
	return r
}

// Reset goes back to the beginning of a number.
func (t *Matcher) Reset() {
	for i := range t.at {
		t.at[i] = t.m.rules[i].start()
	}
}

// Step takes one more digit.
func (t *Matcher) Step(d byte) Match {
	key := keyBit(d)
	if t.m == nil {
		if key == 0 {
			return NoMatch
		}
		return FullAmbiguous
	}
	best := NoMatch
	for i := range t.at {
		r := &t.m.rules[i]
		t.at[i] = r.step(t.at[i], key)
		best = max(best, r.match(t.at[i]))
	}
	return best
}

// Takes tells whether a rule has a use for d here. A nil map has no rules.
func (t *Matcher) Takes(d byte) bool {
	key := keyBit(d)
	for i := range t.at {
		if t.m.rules[i].step(t.at[i], key) != 0 {
			return true
		}
	}
	return false
}

func (r *rule) start() uint64 { return r.skip(1) }

// skip adds the places that a repeated position lets one reach without a digit.
func (r *rule) skip(at uint64) uint64 {
	for i, p := range r.pos {
		if p.many && at&(1<<i) != 0 {
			at |= 1 << (i + 1)
		}
	}
	return at
}

func (r *rule) step(at uint64, key uint16) uint64 {
	next := uint64(0)
	for rest := at &^ (1 << len(r.pos)); rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		switch p := r.pos[i]; {
		case p.keys&key == 0:
		case p.many:
			next |= 1 << i
		default:
			next |= 1 << (i + 1)
		}
	}
	return r.skip(next)
}

// match is what one rule says of its places.
func (r *rule) match(at uint64) Match {
	end := uint64(1) << len(r.pos)
	switch {
	case at == 0:
		return NoMatch
	case at&end == 0:
		return Partial
	case r.timer || at != end: // waits for its T, or for one more of its own dots
		return FullAmbiguous
	}
	return FullUnambiguous
}
