package fxs

import "time"

// Times and counts of the analogue line. Each has its source; what a country decides stands in countries.json.
const (
	// Hook. OpenWrt's lantiq channel and common ATA practice: off-hook 40 ms, on-hook 400 ms.
	liftMin  = 40 * time.Millisecond  // off-hook must hold so long to be a lift
	hangMin  = 400 * time.Millisecond // on-hook must hold so long to be a hang-up ...
	hangOver = 50 * time.Millisecond  // ... and so much longer than the longest flash
	// Shorter makes and breaks are contact bounce (SLIC users debounce 15 to 30 ms); it is also the shortest pulse.
	glitch = 15 * time.Millisecond
	// A line circuit that was just powered reports nonsense (Ag1170: 50 ms; its drivers wait 100).
	powerUp = 100 * time.Millisecond
	// The loop detector settles so long after ringing was taken off or the contact bounced; ringing waits for it.
	ringSettle = 50 * time.Millisecond

	// Pulse dialling. 8 to 20 pulses a second, 33 to 70 % break: breaks 16 to 88 ms, makes 15 to 84 ms.
	pulseBreakMax = 100 * time.Millisecond
	pulseDigitEnd = 250 * time.Millisecond // so long a make ends the digit; dials pause 500 ms and more
	pulseFlashMin = 130 * time.Millisecond // while pulses are counted, shorter breaks are never a flash

	// Caller ID. GR-30: data starts 500 to 1500 ms after the first ring and ends 200 ms before the second.
	cidAfterRing  = 600 * time.Millisecond // 500 and a margin for late relays and codec buffers
	cidBeforeNext = 200 * time.Millisecond
	// EN 300 659-1, before ringing: reversal at least 100 ms (200 for tone digits), ring 200 to 500 ms after the data.
	cidPrelude   = 250 * time.Millisecond
	cidToRing    = 300 * time.Millisecond
	cidMaxName   = 15 // characters that displays have, GR-30 and EN 300 659-3
	cidMaxDigits = 20 // EN 300 659-3 5.4.3

	// Length of caller ID data: 300 bits of seizure, 180 of mark, 10 bits an octet, 10 at the end, 1200 bit/s.
	fskBaud     = 1200
	fskPreamble = 300 + 180 + 10
	fskOctet    = 10
	fskOverhead = 3 // type, length, checksum
	fskField    = 2 // type and length of a parameter
	fskAlert    = 200 * time.Millisecond
	dtmfPeriod  = 140 * time.Millisecond // 70 ms on, 70 ms off
	dtmfPause   = 70 * time.Millisecond
)

// MaxDigits bounds the dialled string. E.164 has 15 digits; prefixes, service codes and PINs come on top.
const MaxDigits = 32

// clockSet: an earlier wall clock was never set, so it gives no date to a caller ID display.
var clockSet = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Timers are the times an operator may set. A zero field takes the default of DefaultTimers.
type Timers struct {
	FirstDigit time.Duration // dial tone without a digit, then busy tone
	InterLong  time.Duration // between digits while the number cannot be complete
	InterShort time.Duration // between digits when the number may be complete
	Reorder    time.Duration // busy, congestion or unobtainable tone, then the howler
	Howler     time.Duration // howler, then lockout
	RingMax    time.Duration // then the bell falls silent; the call may still be answered
	HangUp     time.Duration // on-hook to hang-up; never less than the country's longest flash and 50 ms
}

// DefaultTimers are the defaults: no digit 15 s (New Rock, OKI 10-20), inter-digit 10 s and 4 s (Zyxel, Dinstar), tone
// 30 s, howler 60 s (weeBell; OKI 30 s). The ring limit only guards against a call that was forgotten.
func DefaultTimers() Timers {
	return Timers{
		FirstDigit: 15 * time.Second, InterLong: 10 * time.Second, InterShort: 4 * time.Second,
		Reorder: 30 * time.Second, Howler: 60 * time.Second, RingMax: 5 * time.Minute, HangUp: hangMin,
	}
}

func (t Timers) filled(c *Country) Timers {
	d := DefaultTimers()
	for _, p := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&t.FirstDigit, d.FirstDigit}, {&t.InterLong, d.InterLong}, {&t.InterShort, d.InterShort},
		{&t.Reorder, d.Reorder}, {&t.Howler, d.Howler}, {&t.RingMax, d.RingMax}, {&t.HangUp, d.HangUp},
	} {
		if *p.v <= 0 {
			*p.v = p.d
		}
	}
	t.HangUp = max(t.HangUp, c.FlashMax+hangOver)
	return t
}
