package cli

import "strings"

// clean makes foreign text harmless for a terminal: numbers and names come from
// the network, and an escape sequence in a caller's name must not be obeyed.
// Every character that is not printable ASCII becomes a question mark.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// cleanText does the same for text of several lines.
func cleanText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}

// cell is a value in a column: no blanks either, so that columns stay columns.
func cell(s string) string { return strings.ReplaceAll(clean(s), " ", "_") }
