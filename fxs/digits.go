package fxs

import (
	"time"
)

// collector gathers one number.
type collector struct {
	match  Matcher
	digits [MaxDigits]byte
	n      int
	state  Match
}

// verdict is what a digit or the end of waiting makes of the number.
type verdict uint8

const (
	more      verdict = iota // go on
	moreShort                // go on, but the number may be complete
	complete
	noRule
	incomplete
	tooLong
)

func (c *collector) reset() {
	c.n, c.state = 0, Partial
	c.match.Reset()
}

func (c *collector) number() string { return string(c.digits[:c.n]) }

// add takes one digit. `#` ends the number unless the digit map has a use for it there, or the number begins with * or #,
// which is a service code and may hold more of them.
func (c *collector) add(d byte) verdict {
	if d == '#' && c.n > 0 && c.digits[0] != '*' && c.digits[0] != '#' && !c.match.Takes(d) {
		return complete // the caller says so; the network knows best whether it can be reached
	}
	if c.n == len(c.digits) {
		return tooLong
	}
	c.digits[c.n] = d
	c.n++
	c.state = c.match.Step(d)
	switch c.state {
	case FullUnambiguous:
		return complete
	case NoMatch:
		return noRule
	}
	if c.n == len(c.digits) { // no room for the digit that would decide
		return c.timeout()
	}
	if c.state == FullAmbiguous {
		return moreShort
	}
	return more
}

// timeout: no more digits come.
func (c *collector) timeout() verdict {
	switch {
	case c.state == FullAmbiguous:
		return complete
	case c.n == len(c.digits):
		return tooLong
	}
	return incomplete
}

// wait is how long the next digit may take.
func (t *Timers) wait(v verdict) time.Duration {
	if v == moreShort {
		return t.InterShort
	}
	return t.InterLong
}

// digitOf is a key of a telephone in its canonical form; 0: there is no such key.
func digitOf(d byte) byte {
	switch {
	case '0' <= d && d <= '9', d == '*', d == '#', 'A' <= d && d <= 'D':
		return d
	case 'a' <= d && d <= 'd':
		return d - 'a' + 'A'
	}
	return 0
}
