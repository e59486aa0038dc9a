package fxs

import "time"

// Hook takes a raw, undebounced edge and the time at which it happened, which may lie before the time of the last call.
func (l *Line) Hook(at time.Time, offHook bool) {
	l.run(at)
	bounce := l.hook.raw != l.hook.clean
	if !l.hook.put(at, offHook) {
		return
	}
	l.counts.Edges++
	if bounce {
		l.counts.Bounces++
	}
	// Ringing leaves the wires as soon as the loop closes, before anybody knows whether that was a lift; it comes back
	// when the contact has been quiet for a while.
	if l.state == StateRinging && !offHook {
		l.hush = at.Add(ringSettle)
	}
}

// Digit takes a DTMF digit at the time of its detection: 0-9 * # A-D. Other characters are counted and ignored, and so
// is every digit while no number is collected.
func (l *Line) Digit(now time.Time, d byte) {
	l.run(now)
	if d = digitOf(d); d == 0 {
		l.counts.BadDigits++
		return
	}
	l.step(now, signal{kind: sigDigit, digit: d})
}

// Ring starts alerting. It is false, and nothing happens, when the line is not idle. On a line whose handset is just
// being lifted the bell waits for the contact: if it was a lift, the call is answered, as on any loop-start line.
func (l *Line) Ring(now time.Time, id CallerID) bool {
	l.run(now)
	idle := l.state == StateIdle
	l.step(now, signal{kind: sigRing, caller: id})
	return idle
}

// Quiet stops alerting: the caller gave up. A lift that is still being validated then seizes the line.
func (l *Line) Quiet(now time.Time) { l.order(now, signal{kind: sigQuiet}) }

// Talk opens the speech path: no tone.
func (l *Line) Talk(now time.Time) { l.order(now, signal{kind: sigTalk}) }

// Collect gives dial tone t (dial, stutter or recall) and collects another number. After ToneRecall a flash is reported
// as Flashed; after the others it starts the number anew.
func (l *Line) Collect(now time.Time, t Tone) {
	if t != ToneDial && t != ToneStutter {
		t = ToneRecall
	}
	l.order(now, signal{kind: sigCollect, tone: t})
}

// Play gives a progress tone to a lifted telephone. Ringback lasts until the next order. Busy, congestion and
// unobtainable end the call: they are followed by howler and lockout if nobody hangs up. Call waiting sounds over the
// speech, and only there, until Talk. ToneNone is silence while the call is set up. Dial tones are Collect.
func (l *Line) Play(now time.Time, t Tone) {
	s := signal{tone: t}
	switch t {
	case ToneNone:
		s.kind = sigSilence
	case ToneRingback:
		s.kind = sigRingback
	case ToneBusy, ToneCongestion, ToneUnobtainable:
		s.kind = sigReorder
	case ToneCallWaiting:
		s.kind = sigBeep
	case ToneHowler:
		s.kind = sigHowl
	case ToneDial, ToneStutter, ToneRecall:
		s.kind = sigCollect
	default:
		return
	}
	l.order(now, s)
}

// SetEnabled gives or takes the feed of the line. Taking it from a lifted telephone releases the call.
func (l *Line) SetEnabled(now time.Time, on bool) {
	if on {
		l.order(now, signal{kind: sigEnable})
	} else {
		l.order(now, signal{kind: sigDisable})
	}
}

// Fault takes the line out of service while its hardware does not work. Afterwards the telephone counts as on-hook;
// if it is not, tell it by Hook.
func (l *Line) Fault(now time.Time, on bool) {
	if on {
		l.order(now, signal{kind: sigFault})
	} else {
		l.order(now, signal{kind: sigRepair})
	}
}

func (l *Line) order(now time.Time, s signal) {
	l.run(now)
	l.step(now, s)
}

// Advance lets time pass. Everything that was due happens in its order and by its own time, however late the call is.
func (l *Line) Advance(now time.Time) { l.run(now) }

// Deadline is when Advance wants to be called; zero: nothing is pending. After Advance it lies in the future.
func (l *Line) Deadline() time.Time {
	if l.state == StateDisabled || l.state == StateFault {
		return time.Time{}
	}
	d := first(l.hook.deadline(), l.pulseEnd())
	if l.state == StateRinging {
		d = first(d, first(l.ring.deadline(), l.hush))
	}
	if l.state.dialing() && l.hook.open() {
		return d // no number leaves for a telephone that may be hanging up: first see why the loop is open
	}
	return first(d, l.by)
}

// pulseEnd: a train of pulses is over when the loop has stayed closed for long enough.
func (l *Line) pulseEnd() time.Time {
	if l.pulses == 0 || l.hook.open() {
		return time.Time{}
	}
	return l.hook.since.Add(pulseDigitEnd)
}

// run lets happen what was due until now.
func (l *Line) run(now time.Time) {
	if now.After(l.clock) {
		l.clock = now
	}
	for {
		d := l.Deadline()
		if d.IsZero() || d.After(now) {
			return
		}
		l.fire(d)
	}
}

// fire lets happen the one thing that is due at d. What the telephone did comes before what the line wants.
func (l *Line) fire(d time.Time) {
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(d) }
	switch {
	case due(l.hook.deadline()):
		switch c, open := l.hook.fire(); c {
		case hookMake:
			l.closed(d, open)
		case hookLift:
			l.counts.Lifts++
			l.step(d, signal{kind: sigLift})
		case hookHang:
			l.step(d, signal{kind: sigHang})
		}
	case due(l.pulseEnd()):
		digit := l.country.Pulse.digit(l.pulses)
		if l.pulses = 0; digit == 0 {
			l.counts.BadPulses++
		}
		l.step(d, signal{kind: sigDigit, digit: digit})
	case l.state == StateRinging && due(l.hush):
		l.hush = time.Time{}
	case l.state == StateRinging && due(l.ring.deadline()):
		l.ring.fire(d, l.clock)
	default:
		l.by = time.Time{}
		l.step(d, signal{kind: sigTimer})
	}
}

// closed: the loop of a lifted telephone was open for a while and is closed again.
func (l *Line) closed(at time.Time, open time.Duration) {
	flash := open >= l.country.FlashMin && open <= l.country.FlashMax
	if l.pulseDial && l.state.dialing() {
		if isPulse(open) {
			l.counts.Pulses++
			l.pulses++
			l.step(at, signal{kind: sigPulse})
			return
		}
		flash = flash && open >= pulseFlashMin
	}
	if flash {
		l.counts.Flashes++
		l.step(at, signal{kind: sigFlash})
	}
}

// Next is the oldest event that was not taken yet.
func (l *Line) Next() (Event, bool) {
	if l.head == len(l.events) {
		l.events, l.head = l.events[:0], 0
		return nil, false
	}
	e := l.events[l.head]
	l.events[l.head] = nil
	l.head++
	return e, true
}

// State is the state of the machine.
func (l *Line) State() State { return l.state }

// Counts are what the loop did so far.
func (l *Line) Counts() Counts { return l.counts }

// Output is what the hardware must look like now.
func (l *Line) Output() Output {
	switch l.state {
	case StateDisabled, StateFault:
		return Output{Feed: FeedOff}
	case StateIdle, StateLockout:
		return Output{Feed: FeedActive}
	case StateRinging:
		o := Output{Feed: l.ring.feed(), CallerID: l.ring.data(), Audio: l.ring.id != nil}
		if o.Feed == FeedRinging && (l.hook.raw || !l.hush.IsZero()) {
			o.Feed = FeedActive
		}
		return o
	}
	return Output{Feed: FeedActive, Tone: l.tone, Audio: true, Collect: l.state.dialing()}
}
