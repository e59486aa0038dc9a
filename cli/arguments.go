package cli

import (
	"slices"
	"strconv"
	"strings"
)

// argument describes an <argument> of the grammar.
type argument struct {
	help   string              // what it is and what it may be
	ok     func(s string) bool // nil: one of values
	values []string            // words that may be shortened like literals
}

var arguments = map[string]argument{
	"port":    {help: "a port number", ok: isPort},
	"ports":   {help: "a port number or a range like 1-4", ok: func(s string) bool { _, _, ok := portRange(s); return ok }},
	"card":    {help: "a card number", ok: number(0, 65535)},
	"count":   {help: "a number from 1 to 100", ok: number(1, 100)},
	"ms":      {help: "a number of milliseconds, 1 to 60000", ok: number(1, 60000)},
	"hz":      {help: "a frequency, 1 to 3999 Hz", ok: number(1, 3999)},
	"seconds": {help: "a number of seconds, 1 to 120", ok: number(1, 120)},
	"digits":  {help: "a number to dial: up to 64 of 0-9 * # A-D, a comma waits a second", ok: digits},
	"file":    {help: "the path of a WAV file", ok: func(s string) bool { return s != "" && !strings.ContainsRune(s, 0) }},
	"what": {help: "what the ear shall hear", values: []string{
		"ring", "dial", "stutter", "recall", "busy", "congestion", "ringback", "unobtainable", "callwaiting", "howler",
		"silence", "speech", "call", "display",
	}},
}

// number accepts a plain decimal number in a range.
func number(low, high uint64) func(string) bool {
	return func(s string) bool {
		n, err := strconv.ParseUint(s, 10, 32)
		return err == nil && low <= n && n <= high && strconv.FormatUint(n, 10) == s
	}
}

// portRange reads "3" or "1-4".
func portRange(s string) (low, high int, ok bool) {
	a, b, isRange := strings.Cut(s, "-")
	if !isRange {
		b = a
	}
	if !isPort(a) || !isPort(b) {
		return 0, 0, false
	}
	low, _ = strconv.Atoi(a)
	high, _ = strconv.Atoi(b)
	return low, high, low <= high
}

var isPort = number(1, 65535)

func digits(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789*#ABCDabcd,") == ""
}

// choose finds a value by a unique prefix. many: those that begin with s.
func (a argument) choose(s string) (value string, many []string) {
	if slices.Contains(a.values, s) {
		return s, nil
	}
	for _, v := range a.values {
		if s != "" && strings.HasPrefix(v, s) {
			many = append(many, v)
		}
	}
	if len(many) == 1 {
		return many[0], nil
	}
	return "", many
}
