package fxs

import (
	"testing"
	"time"
)

// The actor calls these for each edge, digit and tick: they must not make garbage.
func TestNoGarbage(t *testing.T) {
	for name, f := range map[string]func(){
		"hook and advance": hookLoop(t), "digits": digitLoop(t), "ringing": ringLoop(t),
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func drain(l *Line) {
	for _, ok := l.Next(); ok; _, ok = l.Next() {
	}
}

// hookLoop: lift, pulse, flash in talk, hang up.
func hookLoop(t testing.TB) func() {
	l := NewLine(Config{Country: country(t, "CN"), Pulse: true})
	now := t0
	l.SetEnabled(now, true)
	now = now.Add(time.Second)
	step := func(off bool, hold time.Duration) {
		l.Hook(now, off)
		now = now.Add(hold)
		l.Advance(now)
		drain(l)
		_, _ = l.Output(), l.Deadline()
	}
	return func() {
		step(true, ms(500))
		step(false, ms(60))
		step(true, ms(500))
		l.Talk(now)
		step(false, ms(100))
		step(true, ms(500))
		step(false, time.Second)
	}
}

// digitLoop: one digit and the start of a new number.
func digitLoop(t testing.TB) func() {
	l := NewLine(Config{Country: country(t, "CN"), DigitMap: digitmap(t, "110|119|1xxx|[2-9]xxxxxxx|0[1-9]x.T|*xx|#xx#|00T")})
	now := t0
	l.SetEnabled(now, true)
	l.Hook(now, true)
	now = now.Add(time.Second)
	l.Advance(now)
	return func() {
		l.Digit(now, '2')
		now = now.Add(ms(100))
		l.Advance(now)
		l.Collect(now, ToneDial)
		drain(l)
		_, _ = l.Output(), l.Deadline()
	}
}

// ringLoop: one second of ringing.
func ringLoop(t testing.TB) func() {
	l := NewLine(Config{Country: country(t, "CN"), Timers: Timers{RingMax: 1 << 62}})
	now := t0
	l.SetEnabled(now, true)
	now = now.Add(time.Second)
	l.Ring(now, CallerID{Number: "1003"})
	return func() {
		now = now.Add(time.Second)
		l.Advance(now)
		_, _ = l.Output(), l.Deadline()
	}
}

func benchmark(b *testing.B, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

func BenchmarkHook(b *testing.B)    { benchmark(b, hookLoop(b)) }
func BenchmarkDigit(b *testing.B)   { benchmark(b, digitLoop(b)) }
func BenchmarkAdvance(b *testing.B) { benchmark(b, ringLoop(b)) }
