// Package sim is a board of telephones in memory. The agent gets a board.Board
// and cannot tell it from hardware; the tester gets the telephones: Phone
// lifts, dials, speaks, and names what it hears.
//
// The ear, the caller ID display and the bell never look at the agent: they
// measure the samples that were written to the line and the feed that was set,
// with mathematics of their own, so that they can be the judges of package
// media/dsp.
//
// Time is plain package time, in real time and in testing/synctest bubbles
// alike: frame n of the codec is due at start + n*10 ms by a clock that is
// ClockPPM wrong. The package starts no goroutine; ReadPCM waits on its
// caller's. An idle telephone costs nothing, for what it hears is analysed only
// when somebody asks.
package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tipring/board"
)

// Options describe the board. The zero value is one telephone on port 1 with a
// hybrid of 12 dB loss and an exact clock.
type Options struct {
	// Ports are the port numbers; none means port 1.
	Ports []int
	// Tones are what the ear can name: "dial" -> "450", "busy" ->
	// "450/350,0/350" in the notation of asterisk's indications.conf. A tone
	// that cannot be parsed is never named.
	Tones map[string]string
	// HybridLossDB is the echo return loss at 1004 Hz, 6 to 20 dB; 0 means 12.
	HybridLossDB float64
	// HybridDelay is the extra delay of the echo, at most 64 ms.
	HybridDelay time.Duration
	// HybridInvert makes the echo come back upside down, as Ag1171 SLICs do.
	HybridInvert bool
	// ClockPPM is the codec clock's error in parts per million: positive is fast.
	ClockPPM float64
	// HookBounce is how long the hook contacts bounce at each Lift and Hangup.
	HookBounce time.Duration
	// Seed makes the bounces repeatable.
	Seed int64
}

// Board is the simulated board. It implements board.Board.
type Board struct {
	ports []int
	lines map[int]*line
}

// New makes a board. Inside a synctest bubble everything that it makes belongs
// to the bubble.
func New(o Options) *Board {
	b := &Board{ports: slices.Clone(o.Ports), lines: map[int]*line{}}
	if len(b.ports) == 0 {
		b.ports = []int{1}
	}
	slices.Sort(b.ports)
	b.ports = slices.Compact(b.ports)
	names := parseNames(o.Tones)
	clk := newClock(time.Now(), o.ClockPPM)
	for _, port := range b.ports {
		b.lines[port] = newLine(port, clk, names, o)
	}
	return b
}

// Name is "sim".
func (b *Board) Name() string { return "sim" }

// Ports are the port numbers in rising order.
func (b *Board) Ports() []int { return slices.Clone(b.ports) }

// Line is the agent's side of a port.
func (b *Board) Line(port int) (board.Line, error) {
	l := b.lines[port]
	if l == nil {
		return nil, fmt.Errorf("sim: no port %d; the board has %v", port, b.ports)
	}
	if l.isClosed() {
		return nil, board.ErrClosed
	}
	return l, nil
}

// Phone is the telephone at a port, nil where the board has no such port.
func (b *Board) Phone(port int) *Phone {
	l := b.lines[port]
	if l == nil {
		return nil
	}
	return &l.phone
}

// Close closes every line.
func (b *Board) Close() error {
	for _, port := range b.ports {
		if err := b.lines[port].Close(); err != nil && !errors.Is(err, board.ErrClosed) {
			return err
		}
	}
	return nil
}
