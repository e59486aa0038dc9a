package cli

import (
	"strings"

	"tipring/api"
)

// header is the vendor's, byte for byte. It never changes: scripts look for it.
const header = "[card:port] register-status call-status physical-status peer-number call-direction"

var headerWords = strings.Fields(header)

// StatusTable prints ports as the vendor's command does: each value padded to
// the width of its header's word, one blank between, none at the end. A longer
// value moves only the rest of its own row.
func StatusTable(ports []api.Port) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for _, p := range ports {
		b.WriteString(statusRow(p) + "\n")
	}
	return b.String()
}

func statusRow(p api.Port) string {
	registered, service := "reg-fail", "Deact"
	if p.Registration.OK {
		registered = "reg-ok"
	}
	if p.Enabled {
		service = "Activ"
	}
	peer, direction := p.Call.Peer, p.Call.Direction
	if p.Call.State == "Idle" {
		peer, direction = "", ""
	}
	return row(headerWords, []string{
		place(p), registered + ":" + service, p.Call.State, p.Line.Physical, peer, direction,
	})
}

// row pads each value to the word above it.
func row(above, values []string) string {
	var b strings.Builder
	for i, v := range values {
		v = cell(v)
		b.WriteString(v + strings.Repeat(" ", max(0, len(above[i])-len(v))) + " ")
	}
	return strings.TrimRight(b.String(), " ")
}

// table prints our own tables: each column as wide as its widest value. The
// last column is free text and may have blanks.
func table(head []string, rows [][]string) string {
	width := make([]int, len(head))
	for _, r := range append([][]string{head}, rows...) {
		for i, v := range r {
			width[i] = max(width[i], len(clean(v)))
		}
	}
	var b strings.Builder
	for _, r := range append([][]string{head}, rows...) {
		var line strings.Builder
		for i, v := range r {
			v = clean(v)
			if i < len(r)-1 {
				v = dash(cell(v))
				v += strings.Repeat(" ", width[i]-len(v)+1)
			}
			line.WriteString(v)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// dash stands for an empty value inside a row, so that columns can be counted.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// sheet prints pairs of a name and a value below each other.
func sheet(pairs ...string) string {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		width = max(width, len(pairs[i]))
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if v := clean(pairs[i+1]); v != "" {
			b.WriteString("  " + pairs[i] + strings.Repeat(" ", width-len(pairs[i])+2) + strings.TrimRight(v, " ") + "\n")
		}
	}
	return b.String()
}
