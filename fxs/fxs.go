// Package fxs is the analogue side of a port: what a telephone does on its two wires becomes events (seized, dialed,
// answered, flashed, released), and what the call wants becomes a level (feed, ringing, tone, caller ID).
//
// The package is pure. It has no goroutine, no timer and no I/O: every input carries its time, deadlines are data, and
// the owner of the Line (the port's actor) calls Advance when Deadline has come. The order after any input is
//
//	for e, ok := l.Next(); ok; e, ok = l.Next() { ... }   // what happened
//	drive(l.Output())                                     // what the hardware must look like now
//	timer.Reset(until(l.Deadline()))                      // when to call Advance
//
// Hook edges carry the time at which the kernel or the chip saw them, so that a slow owner does not falsify the length
// of a pulse or a flash. Edges that wait in a queue must be handed over before Advance is called with a later time;
// otherwise a make that is still in the queue comes after the hang-up that its absence caused.
//
// It does not make tones or caller ID signals (they are named here and rendered by the voice path), it does not toggle
// ringing voltage (Feed says that the bell rings, the board makes the 16 to 50 Hz), and it knows nothing of SIP.
//
// # The line
//
//	              SetEnabled           lift 40 ms
//	DISABLED <-------------> IDLE ---------------------> DIALTONE --- 15 s, no digit ------------+
//	   ^                     |  ^                         |    ^                                 |
//	   | Fault         Ring  |  | Quiet            digit  |    | flash, Collect                  |
//	 FAULT                   v  |                         v    |     no rule, incomplete         v
//	                       RINGING                      COLLECT ----------------------------> REORDER
//	                          |                           |                                    |  ^
//	                          | lift 40 ms         number |                               30 s |  | Play busy,
//	                          v                           v          Play ringback             |  | congestion,
//	                        TALK <---- Talk ---------- CALLING ----------------> RINGBACK      |  | unobtainable
//	                          |                                                                |  | (from any
//	                          +------- Play busy ----------------------------------------------|--+  off-hook state)
//	                                                                                           v
//	        IDLE <--- hang-up (400 ms or flash + 50) from every off-hook state        HOWLER -- 60 s --> LOCKOUT
//
// Talk, Play and Collect are the call's orders and are obeyed in every off-hook state but LOCKOUT, where only hanging up
// helps. The machine itself is step in line.go.
package fxs

import "time"

// Feed is what the line circuit puts on the two wires.
type Feed uint8

// The feeds. FeedReversed is battery of reversed polarity; FeedRinging is ringing voltage, in bursts only.
const (
	FeedOff Feed = iota
	FeedActive
	FeedReversed
	FeedRinging
)

var feedNames = [...]string{"off", "active", "reversed", "ringing"}

func (f Feed) String() string { return name(feedNames[:], int(f)) }

// Tone is a tone that the telephone hears; the country says what it sounds like (Country.Tone).
type Tone uint8

// The tones. ToneRecall is the dial tone after a flash; ToneUnobtainable is the special information tone or what the
// country has in its place; ToneHowler tells the house that the handset lies beside the telephone.
const (
	ToneNone Tone = iota
	ToneDial
	ToneStutter
	ToneRecall
	ToneBusy
	ToneCongestion
	ToneRingback
	ToneUnobtainable
	ToneCallWaiting
	ToneHowler
	toneCount
)

var toneNames = [...]string{"", "dial", "stutter", "recall", "busy", "congestion", "ringback", "unobtainable", "callwaiting", "howler"}

func (t Tone) String() string { return name(toneNames[:], int(t)) }

// Tones lists every tone but ToneNone.
func Tones() []Tone {
	all := make([]Tone, 0, toneCount-1)
	for t := ToneDial; t < toneCount; t++ {
		all = append(all, t)
	}
	return all
}

// Output is a level: what the hardware must look like now. Applying it twice changes nothing.
type Output struct {
	Feed     Feed
	Tone     Tone           // in the telephone's ear; ToneNone is silence or speech
	CallerID *CallerIDBurst // a new pointer: send it once, now; nil: stop sending
	Audio    bool           // the codec is needed
	Collect  bool           // tone digits heard on the line are wanted (Line.Digit)
}

// Config is what a line is built from.
type Config struct {
	Country  *Country  // nil: China
	DigitMap *DigitMap // nil: any number, sent by `#` or by the short inter-digit timer
	Pulse    bool      // count loop-disconnect pulses as digits
	CallerID bool      // send the caller's number before or between the first rings
	Timers   Timers    // zero fields take their defaults
	// Trace, if set, is told of each change of state. It must return at once and not call the line.
	Trace func(from, to State, cause string)
}

// Event is what the telephone did. The set is closed: Seized, Digited, Dialed, Misdialed, Answered, Flashed, Released, Parked.
type Event interface{ event() }

type (
	// Seized: the handset was lifted on an idle line; dial tone is on.
	Seized struct{}
	// Digited: one more digit of the number, by tone or by pulses: 0-9 * # A-D.
	Digited struct{ Digit byte }
	// Dialed: the number is complete. The line is silent until Play or Talk.
	Dialed struct{ Number string }
	// Misdialed: no digits, or digits that no rule takes. The line plays the tone itself.
	Misdialed struct{ Why string }
	// Answered: the handset was lifted while the line was alerting; ringing has stopped.
	Answered struct{}
	// Flashed: the loop was opened for a flash (recall) during a call.
	Flashed struct{}
	// Released: hung up, or the port was disabled or failed under an off-hook telephone.
	Released struct{}
	// Parked: the handset lies beside the telephone and the howler did not help. The line is silent until it is hung up.
	Parked struct{}
)

func (Seized) event()    {}
func (Digited) event()   {}
func (Dialed) event()    {}
func (Misdialed) event() {}
func (Answered) event()  {}
func (Flashed) event()   {}
func (Released) event()  {}
func (Parked) event()    {}

// first is the earlier of two deadlines; zero means none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}
