package fxs

import (
	"fmt"
	"time"
)

// Line is the machine of one port. It belongs to one goroutine.
type Line struct {
	country    *Country
	timers     Timers
	pulseDial  bool
	callerID   bool
	trace      func(from, to State, cause string)
	state      State
	tone       Tone
	by         time.Time // the state's own deadline
	recall     bool      // collecting after a flash: the next flash is the call's business
	off, fault bool      // by SetEnabled and Fault

	hook   hook
	hush   time.Time // no ringing before: the contact moved
	pulses int       // of the digit that is being dialled
	num    collector
	ring   ringer

	clock  time.Time // latest time that was told
	events []Event
	head   int
	counts Counts
}

// Counts are what the loop did since the line was made; they tell a noisy line or a worn dial.
type Counts struct {
	Edges, Lifts, Flashes, Pulses int
	Bounces                       int // edges that did not hold
	BadPulses                     int // trains of no digit
	BadDigits                     int // DTMF characters that no telephone has
}

// NewLine makes a line that is disabled and on-hook.
func NewLine(c Config) *Line {
	if c.Country == nil {
		c.Country, _ = LookupCountry(DefaultCountry) // embedded; a test reads it
	}
	l := &Line{
		country: c.Country, timers: c.Timers.filled(c.Country), pulseDial: c.Pulse, callerID: c.CallerID && c.Country.CallerID.Standard.sent(),
		trace: c.Trace, off: true, num: collector{match: c.DigitMap.Matcher()},
	}
	l.hook.hang = l.timers.HangUp
	return l
}

// signal is one input of the machine.
type signal struct {
	kind   signalKind
	tone   Tone
	digit  byte
	caller CallerID
}

type signalKind uint8

const (
	sigEnable signalKind = iota
	sigDisable
	sigFault
	sigRepair
	sigLift     // off-hook held
	sigHang     // on-hook held
	sigFlash    // a break of flash length ended
	sigPulse    // a break of pulse length ended
	sigDigit    // a digit; 0: pulses that are none
	sigTimer    // the state's deadline
	sigRing     // order: alert
	sigQuiet    // order: stop alerting
	sigTalk     // order: speech path open
	sigSilence  // order: nothing to hear yet
	sigRingback // order: the far end rings
	sigReorder  // order: the call is over, tell it by a tone
	sigBeep     // order: another call is waiting
	sigHowl     // order: howler
	sigCollect  // order: dial tone, a number
	signalCount
)

// step is the machine: what each signal means in each state.
func (l *Line) step(at time.Time, s signal) {
	switch s.kind { // in every state
	case sigFault:
		l.fault, l.hook.raw = true, false
		l.unpower(at, StateFault, "fault")
		return
	case sigRepair:
		l.fault = false
		if l.state == StateFault {
			l.power(at, "repaired")
		}
		return
	case sigEnable:
		l.off = false
		if l.state == StateDisabled {
			l.power(at, "enabled")
		}
		return
	case sigDisable:
		l.off = true
		if l.state != StateFault {
			l.unpower(at, StateDisabled, "disabled")
		}
		return
	case sigHang:
		if l.state.offHook() {
			l.setState(StateIdle, "hung up")
			l.emit(Released{})
		}
		return
	}

	switch l.state {
	case StateIdle:
		switch s.kind {
		case sigLift:
			l.collect(at, ToneDial, "lifted")
			l.emit(Seized{})
		case sigRing:
			l.setState(StateRinging, "ring order")
			l.ring.start(at, l.country, l.burst(at, s.caller), l.timers.RingMax)
		}
		return
	case StateRinging:
		switch s.kind {
		case sigLift:
			l.setState(StateTalk, "answered")
			l.emit(Answered{})
		case sigQuiet:
			l.setState(StateIdle, "caller gave up")
		}
		return
	case StateDisabled, StateFault, StateLockout:
		return
	case StateDialTone, StateCollect:
		switch s.kind {
		case sigDigit:
			l.digit(at, s.digit)
			return
		case sigPulse: // the digit is known when the train ends; the dial tone goes now
			l.setState(StateCollect, "pulse")
			l.by = time.Time{}
			return
		case sigTimer:
			l.waited(at)
			return
		case sigFlash:
			if l.recall {
				l.emit(Flashed{})
			} else {
				l.collect(at, ToneDial, "flash: dial again")
			}
			return
		}
	case StateCalling, StateRingback, StateTalk:
		if s.kind == sigFlash {
			l.emit(Flashed{})
			return
		}
	case StateReorder:
		switch s.kind {
		case sigFlash:
			l.emit(Flashed{})
			return
		case sigTimer:
			l.howl(at, "tone was not heeded")
			return
		}
	case StateHowler:
		if s.kind == sigTimer {
			l.setState(StateLockout, "howler was not heeded")
			l.emit(Parked{})
			return
		}
	}

	switch s.kind { // orders of the call to a telephone that is lifted
	case sigTalk:
		l.setState(StateTalk, "talk order")
		l.tone = ToneNone
	case sigSilence:
		l.setState(StateCalling, "silence order")
		l.tone = ToneNone
	case sigRingback:
		l.setState(StateRingback, "ringback order")
		l.tone = ToneRingback
	case sigReorder:
		l.reorder(at, s.tone, "tone order")
	case sigHowl:
		l.howl(at, "howler order")
	case sigCollect:
		l.collect(at, s.tone, "collect order")
		l.recall = s.tone == ToneRecall
	case sigBeep:
		if l.state == StateTalk {
			l.tone = ToneCallWaiting
		}
	}
}

// setState is the only door by which the state changes. What belongs to a state ends with it.
func (l *Line) setState(to State, cause string) {
	from := l.state
	if from == to {
		return
	}
	l.state = to
	l.tone, l.by, l.hush = ToneNone, time.Time{}, time.Time{}
	if to != StateCollect {
		l.pulses, l.recall = 0, false
	}
	if l.trace != nil {
		l.trace(from, to, cause)
	}
}

// unpower takes the feed away.
func (l *Line) unpower(at time.Time, to State, cause string) {
	lifted := l.state.offHook()
	l.setState(to, cause)
	l.hook.blind(at)
	if lifted {
		l.emit(Released{})
	}
}

// power gives the feed back, unless something else still holds it off. What the loop detector says counts a little later.
func (l *Line) power(at time.Time, cause string) {
	switch {
	case l.fault:
		l.setState(StateFault, cause)
	case l.off:
		l.setState(StateDisabled, cause)
	default:
		l.setState(StateIdle, cause)
		l.hook.blind(at.Add(powerUp))
	}
}

func (l *Line) collect(at time.Time, t Tone, cause string) {
	l.setState(StateDialTone, cause)
	l.tone, l.by, l.pulses = t, at.Add(l.timers.FirstDigit), 0
	l.num.reset()
}

func (l *Line) digit(at time.Time, d byte) {
	if d == 0 { // pulses that are no digit: go on as if there had been none
		l.wait(at)
		return
	}
	l.setState(StateCollect, "digit")
	n := l.num.n
	v := l.num.add(d)
	if l.num.n > n {
		l.emit(Digited{d})
	}
	l.conclude(at, v)
}

// wait gives the next digit its time.
func (l *Line) wait(at time.Time) {
	v := more
	if l.num.state == FullAmbiguous {
		v = moreShort
	}
	l.by = at.Add(l.timers.wait(v))
}

// waited: no digit came in time.
func (l *Line) waited(at time.Time) {
	if l.num.n == 0 {
		l.misdialed(at, ToneBusy, "no digits dialled")
		return
	}
	l.conclude(at, l.num.timeout())
}

func (l *Line) conclude(at time.Time, v verdict) {
	switch v {
	case more, moreShort:
		l.wait(at)
	case complete:
		number := l.num.number()
		l.setState(StateCalling, "number complete")
		l.emit(Dialed{number})
	case noRule:
		l.misdialed(at, ToneUnobtainable, fmt.Sprintf("no digit map rule takes %s", l.num.number()))
	case incomplete:
		l.misdialed(at, ToneUnobtainable, fmt.Sprintf("%s is not a complete number of the digit map", l.num.number()))
	case tooLong:
		l.misdialed(at, ToneUnobtainable, fmt.Sprintf("more than %d digits", MaxDigits))
	}
}

func (l *Line) misdialed(at time.Time, t Tone, why string) {
	l.reorder(at, t, why)
	l.emit(Misdialed{why})
}

func (l *Line) reorder(at time.Time, t Tone, cause string) {
	l.setState(StateReorder, cause)
	l.tone, l.by = t, at.Add(l.timers.Reorder)
}

func (l *Line) howl(at time.Time, cause string) {
	l.setState(StateHowler, cause)
	l.tone, l.by = ToneHowler, at.Add(l.timers.Howler)
}

func (l *Line) burst(at time.Time, id CallerID) *CallerIDBurst {
	if !l.callerID {
		return nil
	}
	return newCallerIDBurst(at, l.country.CallerID, id)
}

func (l *Line) emit(e Event) { l.events = append(l.events, e) }
