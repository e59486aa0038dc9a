package fxs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	// The dial plan of RFC 3435 2.1.5.
	const rfc = "(0T|00T|[1-7]xxx|8xxxxxxx|#xxxxxxx|*xx|91xxxxxxxxxx|9011x.T)"
	const n, p, a, u = NoMatch, Partial, FullAmbiguous, FullUnambiguous
	tests := []struct {
		rules, digits string
		want          Match
	}{
		{rfc, "", p}, {rfc, "0", a}, {rfc, "00", a}, {rfc, "000", n}, {rfc, "1", p}, {rfc, "1234", u}, {rfc, "12345", n},
		{rfc, "8123456", p}, {rfc, "81234567", u}, {rfc, "#1234567", u}, {rfc, "*1", p}, {rfc, "*12", u}, {rfc, "9", p},
		{rfc, "9011", a}, {rfc, "901149301234567", a}, {rfc, "90114930#", n}, {rfc, "912125551212", u}, {rfc, "92", n},
		{"x.T", "", p}, {"x.T", "1", a}, {"x.T", "11111111", a}, {"x.T", "*", n},
		{"xx.T", "1", a}, {"xx", "1", p}, {"xx", "11", u}, {"xx|xxx", "11", u}, {"xxT|xxx", "11", a}, {"xxT|xxx", "111", u},
		{"1xxx|x.T", "1234", u}, {"1xxx|x.T", "2345", a}, {"x.", "1", a}, {"xx.#", "12", p}, {"xx.#", "12#", u},
		{"[2-46*A]", "3", u}, {"[2-46*A]", "5", n}, {"[2-46*A]", "*", u}, {"[2-46*A]", "a", u}, {"[2-46*a]", "B", n},
		{"1.2.3", "3", u}, {"1.2.3", "1123", u}, {"1.2.3", "112", p}, {"1.2.3", "21", n}, {"x.x.x.x.x.x.x.9", "1111911", p},
		{"x.x.x.x.x.x.x.9", "11119119", a}, {"x.9", "19", a}, {" 1 2 |\n 3T ", "12", u}, {"(1|2)", "2", u}, {"12", "1x", n},
		{"1xxxxx|4[0-2]xxxxxxxx|00xxxxxxxxxxx.T|*xx*x.#|*#xx#", "*21*12345#", u}, // seen in the field
		{"1xxxxx|4[0-2]xxxxxxxx|00xxxxxxxxxxx.T|*xx*x.#|*#xx#", "*#21#", u},
		{"", "", p}, {"", "1", a}, {"", "*#A", a}, {"", "x", n},
	}
	for _, tt := range tests {
		if got := digitmap(t, tt.rules).Match(tt.digits); got != tt.want {
			t.Errorf("%s: %q is %v, want %v", tt.rules, tt.digits, got, tt.want)
		}
	}
}

func TestDigitMapErrors(t *testing.T) {
	tests := []struct {
		in     string
		offset int
		want   string
	}{
		{"", 0, "a rule is empty"},
		{"   ", 3, "a rule is empty"},
		{"()", 1, "a rule is empty"},
		{"1||2", 2, "a rule is empty"},
		{"1|", 2, "a rule is empty"},
		{"T", 0, "needs a digit before T"},
		{"xTx", 2, "T ends a rule"},
		{"xT.", 2, "cannot be repeated"},
		{".1", 0, "there is none"},
		{"x..", 2, "one dot"},
		{"(1|2", 4, "want | or )"},
		{"1|2)", 3, "nothing may follow"},
		{"(1)2", 3, "nothing may follow"},
		{"(1)|2", 3, "nothing may follow"},
		{"1(2)", 1, "enclose the whole map"},
		{"[123", 0, "has no ]"},
		{"1[]", 2, "empty [ ]"},
		{"[7-1]", 3, "1-7"},
		{"[1-*]", 3, "between two digits"},
		{"[*-5]", 3, "between two digits"},
		{"[1-", 3, "between two digits"},
		{"[x]", 1, "write 0-9"},
		{"[^9]x", 1, "no exclusion"},
		{"[1T]", 2, "no key"},
		{"[1|2]", 2, "want keys"},
		{"<123:4>xx", 0, "substitution"},
		{"12<=3>", 2, "substitution"},
		{"!1900xxx", 0, "barring"},
		{"{ x+ }", 0, "{ }"},
		{"1x+", 2, "xx."},
		{"^1900x.", 0, "exclusion"},
		{"1xxxS0", 4, "timers of Sipura"},
		{"_NXX", 0, "Asterisk"},
		{"1NXX", 1, "Asterisk"},
		{"9,xxx", 1, "separated by |"},
		{"1;2", 1, "separated by |"},
		{"1-3", 1, "[2-9]"},
		{"12q", 2, "want a digit"},
		{"12é", 2, "want a digit"},
		{strings.Repeat("x", MaxDigits+1), MaxDigits, "longer than 32 digits"},
		{strings.Repeat("1.", maxPositions+1), 2 * maxPositions, "no rule than 63 positions"},
		{strings.Repeat("1|", maxRules) + "1", 2 * maxRules, "at most 250 rules"},
		{strings.Repeat(" ", maxMapBytes) + "1", maxMapBytes, "at most 2048 bytes"},
	}
	for _, tt := range tests {
		_, err := ParseDigitMap(tt.in)
		var e *DigitMapError
		if !errors.As(err, &e) {
			t.Errorf("%.40q: %v, want a *DigitMapError", tt.in, err)
			continue
		}
		if e.Offset != tt.offset || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40q: %v, want offset %d and %q", tt.in, err, tt.offset, tt.want)
		}
	}
}

func TestDigitMapString(t *testing.T) {
	for in, want := range map[string]string{
		"(1|2T)": "1|2T", "[0-9].t": "x.T", "[123]": "[1-3]", "[12]": "[12]", "[3-3]": "3", "[a*#0-9D]": "[0-9*#AD]",
		" X x .| * b": "xx.|*B", "[97-84]": "[47-9]",
	} {
		if got := digitmap(t, in).String(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := (*DigitMap)(nil).String(); got != "" {
		t.Errorf("nil: %q", got)
	}
}

func TestLint(t *testing.T) {
	tests := []struct{ in, want string }{
		{"0T|00T|[1-7]xxx|8xxxxxxx|#xxxxxxx|*xx|91xxxxxxxxxx|9011x.T", ""},
		{"110|119|[2-9]xxxxxxx|0x.T", ""},
		{"1xxx|x.T", ""},
		{"0|00", `rule 2: 00 is never reached: rule 1 (0) sends "0" first; end that one with T if it shall wait for more`},
		{"00|0", `rule 1: 00 is never reached: rule 2 (0) sends "0" first; end that one with T if it shall wait for more`},
		{"x|[1-5]xx.T", `rule 2: [1-5]xx.T is never reached: rule 1 (x) sends "1" first; end that one with T if it shall wait for more`},
		{"[0-4]|[5-9]|xx", `rule 3: xx is never reached: rule 1 ([0-4]) sends "0" first; end that one with T if it shall wait for more`},
		{"1xx|1xx", "rule 2: it makes no difference: other rules take every number of 1xx"},
		{"xxxx|1xxx", "rule 2: it makes no difference: other rules take every number of 1xxx"},
		{"110|1xx", "rule 1: it makes no difference: other rules take every number of 110"},
		{"x.T|xx.T|1", "rule 2: it makes no difference: other rules take every number of xx.T"},
	}
	for _, tt := range tests {
		var got []string
		for _, w := range digitmap(t, tt.in).Lint() {
			got = append(got, w.String())
		}
		if s := strings.Join(got, "\n"); s != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.in, s, tt.want)
		}
	}
	if w := digitmap(t, "1| 00 | 0").Lint(); len(w) != 1 || w[0].Rule != 2 || w[0].Offset != 3 {
		t.Errorf("place of a warning: %+v", w)
	}
}

// A map made to explode a backtracking matcher costs a step like any other, and the linter gives up in time.
func TestIntricateMaps(t *testing.T) {
	m := digitmap(t, strings.Repeat("x.", 62)+"#")
	if got := m.Match(strings.Repeat("5", 4000)); got != Partial {
		t.Error(got)
	}
	m = digitmap(t, strings.TrimSuffix(strings.Repeat("x.1x.2x|", maxRules), "|"))
	m.Match(strings.Repeat("12", 16))
	m.Lint()
}

// naive is what a digit map says, by regular expressions.
type naive []naiveRule

type naiveRule struct {
	full, more *regexp.Regexp // complete; something can still follow
	timer      bool
}

var place = regexp.MustCompile(`\[[^]]*\]\.?|.\.?`)

// newNaive compiles m; cache holds rules that were compiled before.
func newNaive(m *DigitMap, cache map[string]naiveRule) naive {
	var n naive
	for _, r := range strings.Split(m.String(), "|") {
		c, ok := cache[r]
		if !ok {
			c = newNaiveRule(r)
			cache[r] = c
		}
		n = append(n, c)
	}
	return n
}

func newNaiveRule(r string) naiveRule {
	body := strings.TrimSuffix(r, "T")
	var places, begin []string
	for _, p := range place.FindAllString(body, -1) {
		key, many := strings.CutSuffix(p, ".")
		switch key {
		case "x":
			key = "[0-9]"
		case "*":
			key = `\*`
		}
		// A proper beginning is the places so far, then nothing yet of one that has to come, or any of one that may go on.
		so := strings.Join(places, "")
		if many {
			key += "*"
			so += key
		}
		places, begin = append(places, key), append(begin, so)
	}
	return naiveRule{
		full:  regexp.MustCompile("^(?:" + strings.Join(places, "") + ")$"),
		more:  regexp.MustCompile("^(?:" + strings.Join(begin, "|") + ")$"),
		timer: body != r,
	}
}

func (n naive) match(s string) Match {
	best := NoMatch
	for _, r := range n {
		full, more := r.full.MatchString(s), r.more.MatchString(s)
		switch {
		case full && !more && !r.timer:
			best = max(best, FullUnambiguous)
		case full:
			best = max(best, FullAmbiguous)
		case more:
			best = max(best, Partial)
		}
	}
	return best
}

func randomRules(r *rand.Rand, n int) []string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	var rules []string
	for range n {
		var b strings.Builder
		for range 1 + r.IntN(5) {
			switch r.IntN(4) {
			case 0:
				b.WriteString("x")
			case 1:
				b.WriteString(pick("[1-3]", "[0-24]", "[*2]", "[13#]", "[AB]"))
			default:
				b.WriteString(pick("0", "1", "2", "3", "*", "#", "A"))
			}
			if r.IntN(4) == 0 {
				b.WriteString(".")
			}
		}
		if r.IntN(3) == 0 {
			b.WriteString("T")
		}
		rules = append(rules, b.String())
	}
	return rules
}

func TestRandomMapsAgainstNaiveMatcher(t *testing.T) {
	r := rand.New(rand.NewPCG(3435, 215))
	count := map[Match]int{}
	rules := randomRules(r, 2000)
	cache := map[string]naiveRule{}
	maps := 10000
	if testing.Short() {
		maps = 1000
	}
	for range maps {
		src := rules[r.IntN(len(rules))]
		for range r.IntN(4) {
			src += "|" + rules[r.IntN(len(rules))]
		}
		m, err := ParseDigitMap(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		n := newNaive(m, cache)
		for range 4 {
			var s []byte
			follow := m.Matcher()
			for range 1 + r.IntN(6) {
				s = append(s, "0123*#A"[r.IntN(7)])
				want := n.match(string(s))
				takes := follow.Takes(s[len(s)-1])
				if got := follow.Step(s[len(s)-1]); got != want || takes != (got != NoMatch) {
					t.Fatalf("%s: %q is %v (taken: %v), want %v", src, s, got, takes, want)
				}
				count[want]++
			}
		}
	}
	for m := NoMatch; m <= FullUnambiguous; m++ {
		if count[m] < maps/10 {
			t.Errorf("only %d times %v: the maps are too dull", count[m], m)
		}
	}
}

func FuzzDigitMap(f *testing.F) {
	for _, s := range []string{"(0T|00T|[1-7]xxx|9011x.T)", "x.T", "1xxxxx|4[0-2]xxxxxxxx|*xx*x.#|*#xx#", "[0-9*#A-D].T", "x..", "[7-1]", "(1|2", "{x+}"} {
		f.Add(s, "0123")
		f.Add(s, "*21*5#")
	}
	f.Fuzz(func(t *testing.T, src, digits string) {
		m, err := ParseDigitMap(src)
		if err != nil {
			var e *DigitMapError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(src) || e.Want == "" {
				t.Fatalf("%q: %#v", src, err)
			}
			return
		}
		canonical := m.String()
		again, err := ParseDigitMap(canonical)
		if err != nil || again.String() != canonical {
			t.Fatalf("%q became %q, which gives %v, %v", src, canonical, again, err)
		}
		if len(digits) > MaxDigits {
			digits = digits[:MaxDigits]
		}
		for _, c := range digits {
			if strings.ContainsRune("abcd", c) || c > 'D' {
				return // the naive matcher knows canonical keys only
			}
		}
		n := newNaive(m, map[string]naiveRule{})
		for i := range len(digits) {
			if got, want := m.Match(digits[:i+1]), n.match(digits[:i+1]); got != want {
				t.Fatalf("%q: %q is %v, want %v", src, digits[:i+1], got, want)
			}
		}
		if len(m.rules) > 6 {
			return // slow, and no different
		}
		for _, w := range m.Lint() {
			if w.Rule < 1 || w.Rule > len(m.rules) || w.Text == "" {
				t.Fatalf("%q: warning %+v", src, w)
			}
		}
	})
}

func ExampleDigitMap_Match() {
	m, _ := ParseDigitMap("110|1xxx|[2-9]xxxxxxx|0x.T")
	for _, s := range []string{"110", "11", "1001", "023", "12345"} {
		fmt.Println(s, m.Match(s))
	}
	// Output:
	// 110 full
	// 11 partial
	// 1001 full
	// 023 full, ambiguous
	// 12345 no match
}
