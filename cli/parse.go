package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word and the column where it begins.
type token struct {
	text string
	at   int
}

// line is a command as it was typed, or as it is put together from arguments.
type line struct {
	text   string
	tokens []token
	open   bool // ends inside quotes
}

// split cuts a typed line into words. Quotes hold spaces: wait "tone 1004".
func split(s string) line {
	l := line{text: s}
	var word strings.Builder
	in, quoted := false, false
	col, at := 0, 0
	for _, r := range s {
		switch {
		case r == '"':
			if !in {
				in, at = true, col
			}
			quoted = !quoted
		case unicode.IsSpace(r) && !quoted:
			if in {
				l.tokens = append(l.tokens, token{word.String(), at})
				word.Reset()
				in = false
			}
		default:
			if !in {
				in, at = true, col
			}
			word.WriteRune(r)
		}
		col++
	}
	if in {
		l.tokens = append(l.tokens, token{word.String(), at})
	}
	l.open = quoted
	return l
}

// join makes a line of arguments that are words already.
func join(args []string) line {
	var l line
	var b strings.Builder
	col := 0
	for i, a := range args {
		shown := a
		if a == "" || strings.ContainsFunc(a, unicode.IsSpace) {
			shown = `"` + a + `"`
		}
		if i > 0 {
			b.WriteByte(' ')
			col++
		}
		l.tokens = append(l.tokens, token{a, col})
		b.WriteString(shown)
		col += utf8.RuneCountInString(shown)
	}
	l.text = b.String()
	return l
}

// parsed is a command with its arguments by name.
type parsed struct {
	*command
	args map[string]string
}

// Mistake is a line that is no command, with the place where it stops being one.
type Mistake struct {
	Line string
	At   int // column, counted in characters from 0
	Text string
}

func (m *Mistake) Error() string { return m.Text }

// Caret draws the marker under the line and says what is wrong. Without the
// line itself, indent is where the line begins on the screen.
func (m *Mistake) Caret(withLine bool, indent int) string {
	var b strings.Builder
	if withLine {
		b.WriteString(clean(m.Line) + "\n")
	}
	b.WriteString(strings.Repeat(" ", indent+m.At) + "^\n% " + m.Text + "\n")
	return b.String()
}

// parse finds the command that a line means.
func parse(l line) (parsed, *Mistake) {
	n, args, m := walk(l, l.tokens)
	if m != nil {
		return parsed{}, m
	}
	if l.open {
		t := l.tokens[len(l.tokens)-1]
		return parsed{}, &Mistake{l.text, t.at, "The quotes are not closed"}
	}
	if !n.command() {
		end := utf8.RuneCountInString(l.text)
		if t := strings.TrimRightFunc(l.text, unicode.IsSpace); t != "" {
			end = utf8.RuneCountInString(t) + 1
		}
		return parsed{}, &Mistake{l.text, end, "Incomplete command: " + oneOf(spell(n.kids)) + " must follow"}
	}
	return parsed{n.row, args}, nil
}

// walk follows words through the tree.
func walk(l line, words []token) (*node, map[string]string, *Mistake) {
	n := root
	args := map[string]string{}
	for _, t := range words {
		next, value, text := n.step(t.text)
		if text != "" {
			return nil, nil, &Mistake{l.text, t.at, text}
		}
		n = next
		if n.arg {
			args[n.word] = value
		}
	}
	return n, args, nil
}

// step finds the follower that a word means, or says why there is none.
func (n *node) step(word string) (next *node, value, mistake string) {
	shown := clean(word)
	lit := n.named(word)
	if len(lit) == 1 {
		return lit[0], lit[0].word, ""
	}
	if k := n.argKid(); k != nil {
		a := arguments[k.word]
		value, many := a.choose(word)
		switch {
		case a.ok != nil && a.ok(word):
			return k, word, ""
		case value != "" && len(lit) == 0:
			return k, value, ""
		case len(many) > 0 || value != "" || len(lit) > 0:
			for _, l := range lit {
				many = append(many, l.word)
			}
			if value != "" {
				many = append(many, value)
			}
			return nil, "", fmt.Sprintf("Ambiguous word %q: %s", shown, oneOf(many))
		case len(n.kids) == 1 && a.ok != nil:
			return nil, "", fmt.Sprintf("%q is not %s", shown, a.help)
		}
	}
	switch {
	case len(lit) > 1:
		return nil, "", fmt.Sprintf("Ambiguous word %q: %s", shown, oneOf(spell(lit)))
	case len(n.kids) == 0:
		return nil, "", fmt.Sprintf("Nothing can follow %q", n.word)
	}
	return nil, "", fmt.Sprintf("Unknown word %q: %s can stand here", shown, oneOf(spell(n.kids)))
}

// spell lists what may follow, arguments with their values.
func spell(kids []*node) (l []string) {
	for _, k := range kids {
		if k.arg && arguments[k.word].values != nil {
			l = append(l, arguments[k.word].values...)
		} else {
			l = append(l, k.String())
		}
	}
	return l
}

func oneOf(l []string) string {
	if len(l) < 2 {
		return strings.Join(l, "")
	}
	return strings.Join(l[:len(l)-1], ", ") + " or " + l[len(l)-1]
}
