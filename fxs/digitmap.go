package fxs

import (
	"fmt"
	"math/bits"
	"strings"
)

// Bounds of a digit map: a router's memory, and what gateways of the trade take (New Rock: 250 rules).
const (
	maxMapBytes  = 2048
	maxRules     = 250
	maxPositions = 63 // of one rule; a bit each, and one for its end
)

// DigitMap tells from the digits dialled so far whether the number is complete (RFC 3435 2.1.5). The dialect:
//
//	map      = rule *( "|" rule )        optionally in ( )
//	rule     = 1*( position [ "." ] ) [ "T" ]
//	position = 0-9 | * | # | A-D | x | "[" 1*( key | digit "-" digit ) "]"
//
// x is any digit 0-9; a dot repeats the position before it any number of times, also none; T at the end of a rule waits
// for the short inter-digit timer. Letters in either case; spaces are skipped. The shortest complete match is taken: a
// rule without T sends at once, even if a longer rule could go on (Lint tells where that makes a rule useless). A rule
// that ends in a dot waits as if it had a T, because its shortest match is never meant.
//
// A DigitMap never changes and may be shared. A nil *DigitMap takes any digits, as if it were [0-9*#A-D].T
type DigitMap struct {
	rules []rule
}

// position is one place of a rule: a set of keys, bit i standing for keys[i].
type position struct {
	keys uint16
	many bool // followed by a dot
}

type rule struct {
	at    int // offset in the source
	pos   []position
	timer bool
}

// keyNames orders the keys of a telephone; a key's place is its bit.
const keyNames = "0123456789*#ABCD"

const anyDigit = 1<<10 - 1

func keyBit(c byte) uint16 {
	if d := digitOf(c); d != 0 {
		return 1 << strings.IndexByte(keyNames, d)
	}
	return 0
}

// DigitMapError tells where a digit map is wrong and what would be right there.
type DigitMapError struct {
	Offset int    // bytes before the fault
	Found  string // what stands there; empty at the end
	Want   string
}

func (e *DigitMapError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("digit map ends at offset %d: %s", e.Offset, e.Want)
	}
	return fmt.Sprintf("digit map, %q at offset %d: %s", e.Found, e.Offset, e.Want)
}

// ParseDigitMap reads a digit map. Errors are of type *DigitMapError.
func ParseDigitMap(s string) (*DigitMap, error) {
	if len(s) > maxMapBytes {
		return nil, &DigitMapError{maxMapBytes, found(s, maxMapBytes), fmt.Sprintf("at most %d bytes", maxMapBytes)}
	}
	p := &mapParser{s: s}
	p.space()
	bracketed := p.take('(')
	m := &DigitMap{}
	for {
		r, err := p.rule()
		if err != nil {
			return nil, err
		}
		if len(m.rules) == maxRules {
			return nil, &DigitMapError{r.at, found(s, r.at), fmt.Sprintf("at most %d rules", maxRules)}
		}
		m.rules = append(m.rules, r)
		if !p.take('|') {
			break
		}
	}
	if bracketed && !p.take(')') {
		return nil, p.wrong("want | or ) after a rule")
	}
	if !p.end() {
		return nil, p.wrong("nothing may follow the map; ( ) enclose all of it, rules are separated by |")
	}
	return m, nil
}

// mapParser reads from s at i.
type mapParser struct {
	s string
	i int
}

func (p *mapParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *mapParser) end() bool { return p.i == len(p.s) }

// peek is the next character, 0 at the end.
func (p *mapParser) peek() byte {
	if p.end() {
		return 0
	}
	return p.s[p.i]
}

func (p *mapParser) take(c byte) bool {
	if p.end() || p.s[p.i] != c {
		return false
	}
	p.i++
	p.space()
	return true
}

func (p *mapParser) wrong(want string) error {
	return &DigitMapError{p.i, found(p.s, p.i), want}
}

// found is a few characters of s at i, for an error.
func found(s string, i int) string {
	const most = 8
	if len(s)-i > most {
		s = s[:i+most]
	}
	return s[i:]
}

func (p *mapParser) rule() (rule, error) {
	r := rule{at: p.i}
	least := 0
	for {
		at := p.i
		keys, err := p.position()
		if err != nil {
			return r, err
		}
		if keys == 0 {
			break
		}
		many := p.take('.')
		if many && p.peek() == '.' {
			return r, p.wrong("one dot is any number of times already")
		}
		if !many {
			least++
		}
		if least > MaxDigits || len(r.pos) == maxPositions {
			p.i = at
			return r, p.wrong(fmt.Sprintf("no number is longer than %d digits, and no rule than %d positions", MaxDigits, maxPositions))
		}
		r.pos = append(r.pos, position{keys, many})
	}
	if len(r.pos) == 0 {
		return r, p.wrong(hint(p.peek(), "want a rule: digits, x, [ ], * or #"))
	}
	if p.take('T') || p.take('t') {
		r.timer = true
		if p.peek() == '.' {
			return r, p.wrong("T is one expiry of the timer and cannot be repeated")
		}
	}
	switch c := p.peek(); {
	case p.end(), c == '|', c == ')':
		return r, nil
	case r.timer:
		return r, p.wrong("T ends a rule: want | or the end")
	default:
		return r, p.wrong(hint(c, "want a digit, x, [ ], * # A-D, a dot, T, | or the end"))
	}
}

// position reads one place of a rule; 0: there is none here.
func (p *mapParser) position() (uint16, error) {
	c := p.peek()
	if c == '[' {
		return p.span()
	}
	keys := keyBit(c)
	if c == 'x' || c == 'X' {
		keys = anyDigit
	}
	if keys != 0 {
		p.i++
		p.space()
	}
	return keys, nil
}

// span reads [ ].
func (p *mapParser) span() (uint16, error) {
	open := p.i
	p.take('[')
	keys := uint16(0)
	for {
		c := p.peek()
		switch {
		case p.end():
			p.i = open
			return 0, p.wrong("this [ has no ]")
		case c == ']':
			if keys == 0 {
				return 0, p.wrong("an empty [ ] matches nothing: want keys such as [1-9*]")
			}
			p.take(']')
			return keys, nil
		case c == 'x' || c == 'X':
			return 0, p.wrong("x inside [ ] is not in RFC 3435: write 0-9")
		case c == 't' || c == 'T':
			return 0, p.wrong("T is no key: it stands at the end of a rule")
		case c == '^' || c == '!':
			return 0, p.wrong("RFC 3435 has no exclusion: list the keys that are meant")
		case keyBit(c) == 0:
			return 0, p.wrong("want keys 0-9 * # A-D and ranges such as 2-9 inside [ ]")
		}
		p.take(c)
		if p.peek() != '-' {
			keys |= keyBit(c)
			continue
		}
		p.take('-')
		d := p.peek()
		switch {
		case c < '0' || c > '9' || d < '0' || d > '9':
			return 0, p.wrong("a range runs between two digits, such as 2-9")
		case d < c:
			return 0, p.wrong(fmt.Sprintf("a range runs upwards: %c-%c", d, c))
		}
		p.take(d)
		for k := c; k <= d; k++ {
			keys |= keyBit(k)
		}
	}
}

// hint knows the dialects that people bring along.
func hint(c byte, otherwise string) string {
	switch c {
	case '<', '>', '=':
		return "substitution (Sipura <a:b>, Grandstream <=a>) is not in RFC 3435: write the digits as they are dialled"
	case '!':
		return "barring (Sipura) is not in RFC 3435: leave the numbers out that must not be dialled"
	case '^':
		return "exclusion (Grandstream) is not in RFC 3435: leave the numbers out that must not be dialled"
	case '{', '}':
		return "Grandstream encloses its map in { }: write ( ) or nothing"
	case '+':
		return "one or more (Grandstream x+) is a position and a repeated one here: xx."
	case 's', 'S', 'l', 'L', 'p', 'P':
		return "timers of Sipura (S L P) are not in RFC 3435: end the rule with T to wait, with nothing to send at once"
	case 'n', 'N', 'z', 'Z', '_':
		return "Asterisk's N is [2-9] here, Z is [1-9], and there is no leading _"
	case ',', ';':
		return "rules are separated by |; a second dial tone (Sipura comma) is not in RFC 3435"
	case '.':
		return "a dot repeats the position before it, and there is none: xx. is one digit or more"
	case '|', ')', 0:
		return "a rule is empty here: want digits, x, [ ], * or #"
	case 'T', 't':
		return "a rule needs a digit before T: xx.T is any number"
	case '-':
		return "a range stands in [ ]: [2-9]"
	case '(':
		return "( ) enclose the whole map, not a part of it"
	}
	return otherwise
}

// String is the map in its canonical form; parsing it gives the same map.
func (m *DigitMap) String() string {
	if m == nil {
		return ""
	}
	var b strings.Builder
	for i := range m.rules {
		if i > 0 {
			b.WriteByte('|')
		}
		m.rules[i].write(&b)
	}
	return b.String()
}

func (r *rule) String() string {
	var b strings.Builder
	r.write(&b)
	return b.String()
}

func (r *rule) write(b *strings.Builder) {
	for _, p := range r.pos {
		switch {
		case p.keys == anyDigit:
			b.WriteByte('x')
		case bits.OnesCount16(p.keys) == 1:
			b.WriteByte(keyNames[bits.TrailingZeros16(p.keys)])
		default:
			writeSpan(b, p.keys)
		}
		if p.many {
			b.WriteByte('.')
		}
	}
	if r.timer {
		b.WriteByte('T')
	}
}

func writeSpan(b *strings.Builder, keys uint16) {
	b.WriteByte('[')
	for i := 0; i < len(keyNames); i++ {
		if keys&(1<<i) == 0 {
			continue
		}
		last := i
		for last+1 < 10 && keys&(1<<(last+1)) != 0 {
			last++
		}
		b.WriteByte(keyNames[i])
		if last > i+1 {
			b.WriteByte('-')
			b.WriteByte(keyNames[last])
			i = last
		}
	}
	b.WriteByte(']')
}
