package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a file, or strange if it is a warning.
type Problem struct {
	File string
	Line int    // 0: the file as a whole
	Key  string // ports[1].user; "" none
	What string // what is wrong
	Want string // what would be right
}

// Error reads `file:line: key: what; want`.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.What)
	if p.Want != "" {
		b.WriteString("; " + p.Want)
	}
	return b.String()
}

// Errors is everything that is wrong in a file, in order of the lines.
type Errors []Problem

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// nearest finds the word that was probably meant: the same in another case, else with the fewest typing errors, of
// which a third of the letters is too many. "" if none is near.
func nearest(word string, among []string) string {
	best, fewest := "", max(1, len(word)/3)+1
	for _, w := range among {
		if strings.EqualFold(w, word) {
			return w
		}
		if n := typos(strings.ToLower(word), strings.ToLower(w)); n < fewest {
			best, fewest = w, n
		}
	}
	return best
}

// typos counts insertions, deletions, replacements and swaps of neighbours that make b of a.
func typos(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			swap := 1
			if a[i-1] == b[j-1] {
				swap = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+swap)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// meant is the hint for a word that is not among the known ones: the near one, or all of them.
func meant(word string, among []string) string {
	if w := nearest(word, among); w != "" {
		return fmt.Sprintf("did you mean %s?", w)
	}
	return "write " + oneOf(among)
}

func oneOf(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return "one of " + strings.Join(words, " ")
}
