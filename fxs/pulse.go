package fxs

import "time"

// PulseCode is what a train of pulses means.
type PulseCode uint8

// The codes.
const (
	PulsePlain     PulseCode = iota // 1 to 9, ten pulses are 0
	PulseOneIsZero                  // Sweden: one pulse is 0, ten are 9
	PulseTenMinus                   // New Zealand: n pulses are 10-n, ten are 0
)

// digit is the digit of n pulses; 0 if there is none.
func (c PulseCode) digit(n int) byte {
	if n < 1 || n > 10 {
		return 0
	}
	switch c {
	case PulseOneIsZero:
		n--
	case PulseTenMinus:
		n = 10 - n
	}
	return '0' + byte(n%10)
}

// isPulse tells whether a break of the loop is a dial pulse.
func isPulse(open time.Duration) bool { return open >= glitch && open <= pulseBreakMax }
