package sim

import "strings"

// The DTMF receiver of the display: the number comes as digits before the first
// ring, between letters that frame it (ETSI EN 300 659-1 annex B and national
// variants).
const (
	dtmfBlock  = 104       // samples: 13 ms
	dtmfHop    = 52        //
	dtmfBlocks = 3         // hops in a row that make a digit, or end it
	dtmfGap    = 300 * 8   // samples between digits of one transmission
	dtmfFloor  = 100 * 100 // mean square: about -46 dBm0
)

// digit is a DTMF digit and the sample at which it ended.
type digit struct {
	key  byte
	from int
	to   int
}

// hearDTMF finds caller numbers that were sent as digits.
func hearDTMF(x []int16) []told {
	var all []told
	var seq []digit
	for _, d := range digits(x) {
		if len(seq) > 0 && d.from-seq[len(seq)-1].to > dtmfGap {
			seq = seq[:0]
		}
		seq = append(seq, d)
		if d.key != 'C' && d.key != '#' {
			continue
		}
		var keys strings.Builder
		for _, s := range seq {
			keys.WriteByte(s.key)
		}
		if c, ok := parseKeys(keys.String()); ok {
			all = append(all, told{c, d.to})
		}
		seq = seq[:0]
	}
	return all
}

// parseKeys reads one transmission: A<number>C with B<reason> and D<diverted
// from> in it, D<number>C, A<number>#, D1# (private), D2# and D3# (no number),
// <number>#.
func parseKeys(s string) (c Caller, ok bool) {
	end := s[len(s)-1:]
	body := s[:len(s)-1]
	first := strings.IndexAny(body, "ABD")
	if first < 0 {
		if end == "C" || body == "" || strings.ContainsAny(body, "*") {
			return c, false
		}
		return Caller{Number: body, Standard: "DTMF #"}, true
	}
	if first > 0 {
		return c, false
	}
	c.Standard = "DTMF " + body[:1] + ".." + end
	parts := map[byte]string{}
	for body != "" {
		letter := body[0]
		next := strings.IndexAny(body[1:], "ABD")
		if next < 0 {
			next = len(body) - 1
		}
		parts[letter] = body[1 : 1+next]
		body = body[1+next:]
	}
	if d, has := parts['D']; has && end == "#" {
		c.Absence = saysNoNumber
		if d == "1" {
			c.Absence = saysPrivate
		}
		return c, d != ""
	}
	switch {
	case parts['A'] != "":
		c.Number = parts['A']
	case parts['B'] == "10":
		c.Absence = saysPrivate
	case parts['B'] != "":
		c.Absence = saysNoNumber
	default:
		c.Number = parts['D']
	}
	return c, c.Number != "" || c.Absence != ""
}

// digits finds the DTMF digits in x.
func digits(x []int16) []digit {
	var found []digit
	var now, last byte
	same, other, begun := 0, 0, 0
	for at := 0; at+dtmfBlock <= len(x); at += dtmfHop {
		key := dtmfKey(x[at : at+dtmfBlock])
		if key == last {
			same++
		} else {
			same = 1
			begun = at
		}
		last = key
		switch {
		case now != 0 && key == now:
			other = 0
		case now != 0:
			if other++; other == dtmfBlocks {
				found[len(found)-1].to = at - (dtmfBlocks-2)*dtmfHop
				now, other = 0, 0
			}
		}
		if now == 0 && key != 0 && same >= dtmfBlocks {
			now, other = key, 0
			found = append(found, digit{key, begun, at + dtmfBlock})
		}
	}
	return found
}

// dtmfKey names the digit that a block is, 0 where it is none.
func dtmfKey(x []int16) byte {
	energy := sumSquares(x)
	if energy < int64(len(x)*dtmfFloor) {
		return 0
	}
	row, rowPower := strongest(x, dtmfLow)
	col, colPower := strongest(x, dtmfHigh)
	switch {
	case rowPower+colPower < 0.8*float64(energy):
		return 0
	case rowPower < 0.1*colPower || colPower < 0.1*rowPower:
		return 0
	}
	return dtmfRows[row][col]
}

// strongest is the frequency with the most energy.
func strongest(x []int16, hz [4]float64) (best int, power float64) {
	for i, f := range hz {
		var c, s int64
		phase, step := uint32(0), phaseStep(f)
		for _, v := range x {
			c += int64(int32(v)*sine(phase+1<<30)) >> 15
			s += int64(int32(v)*sine(phase)) >> 15
			phase += step
		}
		if p := float64(c*c+s*s) * 2 / float64(len(x)); p > power {
			best, power = i, p
		}
	}
	return best, power
}
