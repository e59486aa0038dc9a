package cli

import (
	"fmt"
	"strings"
	"unicode"
)

// help is what `?` shows behind the text before the cursor: what the half word
// can become, or else what can follow.
func help(before string) string {
	l := split(before)
	words, half := l.cut()
	n, _, m := walk(l, words)
	if m != nil {
		return "% " + m.Text + "\n"
	}
	var rows [][2]string
	if half == "" && n.command() {
		rows = append(rows, [2]string{"<cr>", n.row.help})
	}
	for _, k := range n.kids {
		a := arguments[k.word]
		switch {
		case k.arg && a.values != nil:
			for _, v := range a.values {
				if strings.HasPrefix(v, half) {
					rows = append(rows, [2]string{v, ""})
				}
			}
		case k.arg:
			if half == "" || a.ok(half) {
				rows = append(rows, [2]string{k.String(), a.help})
			}
		case begins(k.word, half):
			rows = append(rows, [2]string{k.word, k.help()})
		}
	}
	if len(rows) == 0 {
		if half == "" {
			return "% Nothing can follow\n"
		}
		return fmt.Sprintf("%% No word begins with %q\n", clean(half))
	}
	return columns(rows)
}

// cut takes the half word at the cursor off the words before it.
func (l line) cut() (words []token, half string) {
	if len(l.tokens) == 0 {
		return nil, ""
	}
	last := len(l.tokens) - 1
	r := []rune(l.text)
	if !l.open && unicode.IsSpace(r[len(r)-1]) {
		return l.tokens, ""
	}
	return l.tokens[:last], l.tokens[last].text
}

func begins(word, half string) bool {
	return len(half) <= len(word) && strings.EqualFold(word[:len(half)], half)
}

// overview lists every command of the grammar.
func overview() string {
	var rows [][2]string
	for i := range grammar {
		if grammar[i].do != "" {
			rows = append(rows, [2]string{grammar[i].words, grammar[i].help})
		}
	}
	return columns(rows) +
		"Words may be shortened as long as they are clear; ? helps at any place, TAB completes.\n" +
		"--json prints JSON, --watch prints again at each change, --socket PATH and --timeout 5s choose.\n"
}

// columns prints words and their help beside each other.
func columns(rows [][2]string) string {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, r[0], r[1]), " ") + "\n")
	}
	return b.String()
}
