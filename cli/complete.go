package cli

import (
	"slices"
	"strings"
)

// known are values that completion can offer for arguments, by argument.
type known map[string][]string

// complete is what TAB does with the text before the cursor: it becomes longer
// as far as that is clear, and when it is not, the choices are listed.
func complete(before string, k known) (after string, choices []string) {
	l := split(before)
	words, half := l.cut()
	n, _, m := walk(l, words)
	if m != nil || l.open {
		return before, nil
	}
	var found []string
	for _, kid := range n.kids {
		offer := []string{kid.word}
		if kid.arg {
			offer = slices.Concat(arguments[kid.word].values, k[kid.word])
		}
		for _, w := range offer {
			if begins(w, half) {
				found = append(found, w)
			}
		}
	}
	if len(found) == 0 || !strings.HasSuffix(before, half) { // half ends in quotes
		return before, nil
	}
	stem := strings.TrimSuffix(before, half)
	if len(found) == 1 {
		return stem + found[0] + " ", nil
	}
	common := found[0]
	for _, w := range found[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) > len(half) {
		return stem + common, nil
	}
	return before, found
}
