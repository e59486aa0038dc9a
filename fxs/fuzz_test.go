package fxs

import (
	"math/rand/v2"
	"testing"
	"time"
)

// anything plays bytes as inputs and checks, after each of them, what must always be true.
func anything(t *testing.T, script []byte) {
	countries := Countries()
	next := func() byte {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return b
	}
	var rules *DigitMap
	if b := next(); b&1 != 0 {
		rules, _ = ParseDigitMap("110|1xxx|[2-9]xxx|0x.T|*xx#|#x.")
	}
	c, _ := LookupCountry(countries[int(next())%len(countries)])
	l := NewLine(Config{Country: c, DigitMap: rules, Pulse: next()&1 != 0, CallerID: next()&1 != 0})
	now, lifted, off := t0, false, false // lifted: what the events said so far
	var burst *CallerIDBurst
	check := func() {
		for e, ok := l.Next(); ok; e, ok = l.Next() {
			was := lifted
			switch e := e.(type) {
			case Seized, Answered:
				lifted = true
			case Released:
				lifted = false
			case Dialed:
				if e.Number == "" || len(e.Number) > MaxDigits {
					t.Fatalf("dialed %q", e.Number)
				}
			}
			if _, first := e.(Seized); first == was && (first || !lifted && was == lifted) {
				t.Fatalf("%T on a line that is lifted: %v", e, was)
			}
		}
		o := l.Output()
		if lifted != l.State().offHook() {
			t.Fatalf("the events say lifted: %v, the state is %v", lifted, l.State())
		}
		if (l.Physical() == OffHook) != lifted {
			t.Fatalf("physical %v, lifted %v", l.Physical(), lifted)
		}
		if o.Feed == FeedRinging && (l.State() != StateRinging || off || o.Tone != ToneNone || o.CallerID != nil) {
			t.Fatalf("ringing in %v, loop closed: %v: %+v", l.State(), off, o)
		}
		if (o.Tone != ToneNone || o.Collect || o.CallerID != nil) && !o.Audio {
			t.Fatalf("no codec for %+v", o)
		}
		if o.CallerID != nil && l.State() != StateRinging {
			t.Fatalf("caller ID in %v", l.State())
		}
		if o.CallerID != nil && burst == nil && o.CallerID.Standard == NTT {
			t.Fatal("sends what it cannot")
		}
		burst = o.CallerID
	}
	for len(script) > 0 {
		op, arg := next(), next()
		switch op % 16 {
		case 0, 1, 2, 3:
			off = !off
			l.Hook(now, off)
		case 4:
			l.Digit(now, arg)
		case 5:
			l.Digit(now, keyNames[arg%16])
		case 6:
			l.Ring(now, CallerID{Number: string(script[:min(len(script), int(arg))]), Name: "x", Withheld: arg&1 != 0})
		case 7:
			l.Quiet(now)
		case 8:
			l.Play(now, Tone(arg%12))
		case 9:
			l.Talk(now)
		case 10:
			l.Collect(now, Tone(arg%12))
		case 11:
			l.SetEnabled(now, arg%4 != 0)
		case 12:
			l.Fault(now, arg%4 == 0)
			off = off && l.State() != StateFault
			if !off {
				l.Hook(now, false)
			}
		case 13: // an edge from the queue, older than what was told already
			off = !off
			l.Hook(now.Add(-time.Duration(arg)*time.Millisecond), off)
		}
		check()
		now = now.Add([]time.Duration{0, ms(1), ms(7), ms(15), ms(40), ms(60), ms(100), ms(250), ms(450), time.Second, 5 * time.Second, time.Minute}[arg%12])
		l.Advance(now)
		check()
		if d := l.Deadline(); !d.IsZero() && !d.After(now) {
			t.Fatalf("after Advance(%v) the deadline is %v, in %v", now, d, l.State())
		}
	}
	// Two seconds on the hook heal everything.
	off = false
	l.Hook(now, false)
	l.Fault(now, false)
	l.SetEnabled(now, true)
	l.Quiet(now)
	l.Advance(now.Add(2 * time.Second))
	check()
	if l.State() != StateIdle || lifted || !l.Deadline().IsZero() || l.Output() != (Output{Feed: FeedActive}) {
		t.Fatalf("after 2 s on-hook: %v, %+v, deadline %v", l.State(), l.Output(), l.Deadline())
	}
}

func TestAnything(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 400
	}
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 2))
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(r.IntN(256))
		}
		anything(t, script)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte{1, 9, 1, 1, 0, 4, 5, 1, 5, 0, 5, 0, 5, 1, 8, 6, 9, 0, 0, 9})
	f.Add([]byte{0, 0, 0, 1, 6, 9, 0, 4, 9, 0, 0, 9})
	f.Add([]byte{0, 30, 1, 0, 0, 4, 0, 5, 0, 5, 0, 7, 8, 4, 9, 11, 9, 11})
	f.Fuzz(anything)
}
