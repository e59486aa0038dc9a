package sim

import "time"

// BellHz is the ringing frequency that the bell assumes: the board says only
// that ringing voltage is on the line, not how fast it swings.
const BellHz = 25

// A bell does not stir before one whole swing.
const minBurst = time.Second / BellHz

// maxBursts is how many bursts a telephone remembers.
const maxBursts = 256

// Burst is one time that the bell sounded.
type Burst struct {
	Start  time.Time
	Length time.Duration // so far, while it sounds
}

// Cycles is the number of swings of the bell at BellHz.
func (b Burst) Cycles() int { return int(b.Length * BellHz / time.Second) }

// bell records when ringing voltage was on the line with the handset down.
type bell struct {
	since  time.Time // zero: does not sound
	bursts []Burst
}

// set tells the bell whether it sounds; it reports a change.
func (b *bell) set(now time.Time, sounds bool) bool {
	switch {
	case sounds && b.since.IsZero():
		b.since = now
		return true
	case !sounds && !b.since.IsZero():
		if length := now.Sub(b.since); length >= minBurst {
			if len(b.bursts) == maxBursts {
				b.bursts = append(b.bursts[:0], b.bursts[1:]...)
			}
			b.bursts = append(b.bursts, Burst{b.since, length})
		}
		b.since = time.Time{}
		return true
	}
	return false
}

func (b *bell) all(now time.Time) []Burst {
	bursts := append([]Burst(nil), b.bursts...)
	if !b.since.IsZero() {
		bursts = append(bursts, Burst{b.since, now.Sub(b.since)})
	}
	return bursts
}
