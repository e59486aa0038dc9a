package fxs

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestLift(t *testing.T) {
	tests := []struct {
		name string
		play func(d *desk)
		want string
	}{
		{"39 ms", func(d *desk) { d.hook(true); d.wait(ms(39)); d.hook(false) }, ""},
		{"40 ms", func(d *desk) { d.hook(true); d.wait(ms(40)) }, "Seized"},
		{"told late", func(d *desk) { at := d.now; d.wait(ms(30)); d.l.Hook(at, true); d.wait(ms(10)) }, "Seized"},
		{"a gap of bounce", func(d *desk) {
			d.hook(true)
			d.wait(ms(20))
			d.hook(false)
			d.wait(ms(14))
			d.hook(true)
			d.wait(ms(6))
		}, "Seized"},
		{"a gap at the end of 40 ms", func(d *desk) {
			d.hook(true)
			d.wait(ms(38))
			d.hook(false)
			d.wait(ms(5))
			d.hook(true)
			d.wait(0)
		}, "Seized"},
		{"a gap that is no bounce", func(d *desk) {
			d.hook(true)
			d.wait(ms(30))
			d.hook(false)
			d.wait(ms(15))
			d.hook(true)
			d.wait(ms(39))
		}, ""},
		{"bouncing contact", func(d *desk) { d.bounce(true); d.wait(ms(40)) }, "Seized"},
		{"the same edge twice", func(d *desk) { d.hook(true); d.wait(ms(20)); d.hook(true); d.wait(ms(20)) }, "Seized"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{})
			tt.play(d)
			d.want("events", d.events(), tt.want)
			d.hook(false)
			d.wait(2 * time.Second)
			d.wantState(StateIdle)
		})
	}
}

func TestHangUpTime(t *testing.T) {
	tests := []struct {
		iso    string
		timers Timers
		want   time.Duration
	}{
		{"CN", Timers{}, ms(400)},                   // 350 ms flash and 50
		{"US", Timers{}, ms(950)},                   // 900 ms flash and 50
		{"JP", Timers{}, ms(818)},                   // 768 and 50
		{"CN", Timers{HangUp: ms(700)}, ms(700)},    // an operator may wait longer
		{"US", Timers{HangUp: ms(300)}, ms(950)},    // but a flash stays a flash
		{"CN", Timers{HangUp: -time.Hour}, ms(400)}, // nonsense is the default
	}
	for _, tt := range tests {
		d := newDesk(t, Config{Country: country(t, tt.iso), Timers: tt.timers})
		d.lift()
		d.do(d.l.Talk)
		d.events()
		d.hook(false)
		d.wait(tt.want - ms(1))
		d.want(tt.iso+" early", d.events(), "")
		d.wait(ms(1))
		d.want(tt.iso+" in time", d.events(), "Released")
	}
}

// Every country's flash window: too short, shortest, as telephones make it, longest, too long, hang-up.
func TestFlashOfEveryCountry(t *testing.T) {
	for _, iso := range Countries() {
		c := country(t, iso)
		hang := max(ms(400), c.FlashMax+ms(50))
		for _, tt := range []struct {
			open time.Duration
			want string
		}{
			{c.FlashMin - ms(1), ""}, {c.FlashMin, "Flashed"}, {c.FlashNominal, "Flashed"}, {c.FlashMax, "Flashed"},
			{c.FlashMax + ms(1), ""}, {hang - ms(1), ""}, {hang, "Released"},
		} {
			for _, worn := range []bool{false, true} {
				d := newDesk(t, Config{Country: c})
				d.lift()
				d.do(d.l.Talk)
				d.events()
				if worn && tt.open > ms(20) {
					d.bounce(false)
					d.wait(tt.open)
					d.bounce(true)
					d.wait(ms(30))
					if tt.want == "Flashed" && tt.open > c.FlashMin && tt.open < c.FlashMax-ms(5) {
						d.want(iso+" worn contact "+tt.open.String(), d.events(), tt.want)
					}
					continue
				}
				d.hook(false)
				d.wait(tt.open)
				d.hook(true)
				d.wait(ms(30))
				d.want(iso+" "+tt.open.String(), d.events(), tt.want)
			}
		}
	}
}

// A flash in each state that a lifted telephone can be in.
func TestFlashByState(t *testing.T) {
	want := map[State]string{
		StateDialTone: "", StateCollect: "", StateCalling: "Flashed", StateRingback: "Flashed", StateTalk: "Flashed",
		StateReorder: "Flashed", StateHowler: "", StateLockout: "",
	}
	for s, events := range want {
		d := in(t, s)
		d.open(ms(200))
		d.want(s.String(), d.events(), events)
		if s == StateCollect || s == StateDialTone {
			d.want(s.String()+": dial tone again", d.l.Output().Tone, ToneDial)
			continue
		}
		d.wantState(s)
	}
}

// What the telephone does must not depend on when its line's owner finds the time to look.
func TestLateOwner(t *testing.T) {
	play := func(d *desk) {
		d.hook(true)
		d.wait(ms(900))
		for _, n := range []int{1, 10, 10, 3} { // 1003
			d.pulses(n, ms(60), ms(40))
		}
		d.wait(5 * time.Second)
		d.do(d.l.Talk)
		d.wait(ms(300))
		d.open(ms(100))
		d.wait(ms(300))
		d.open(ms(345))
		d.wait(ms(300))
		d.open(ms(20))
		d.wait(ms(300))
		d.open(ms(380))
		d.wait(ms(300))
		d.bounce(false)
		d.wait(ms(700))
		d.bounce(true)
		d.wait(ms(500))
		d.hook(false)
		d.wait(2 * time.Second)
	}
	const want = "Seized Dialed{1003} Flashed Flashed Released Seized Released"
	d := newDesk(t, Config{Pulse: true})
	play(d)
	d.want("prompt owner", d.events(), want)
	for seed := range uint64(300) {
		d := newDesk(t, Config{Pulse: true})
		d.lazy = rand.New(rand.NewPCG(seed, 1))
		play(d)
		if got := d.events(); got != want {
			t.Fatalf("owner %d: got %s, want %s", seed, got, want)
		}
		if d.l.Counts().Pulses != 24 {
			t.Fatalf("owner %d: %d pulses, want 24", seed, d.l.Counts().Pulses)
		}
	}
}

// One Advance after a long sleep does all that was due, in order.
func TestAdvanceVeryLate(t *testing.T) {
	d := newDesk(t, Config{})
	d.l.Hook(d.now, true)
	d.now = d.now.Add(time.Hour)
	d.l.Advance(d.now)
	d.look()
	d.want("events", d.events(), "Seized Misdialed{no digits dialled} Parked")
	d.want("deadline", d.l.Deadline(), time.Time{})

	d = newDesk(t, Config{})
	d.l.Hook(d.now, true) // no Advance between these two: the lift lies in the past of the hang-up
	d.l.Hook(d.now.Add(10*time.Second), false)
	d.l.Hook(d.now.Add(20*time.Second), true)
	d.look()
	d.want("events", d.events(), "Seized Released")
	d.now = d.now.Add(20*time.Second + ms(40))
	d.l.Advance(d.now)
	d.look()
	d.want("events", d.events(), "Seized")
}

func TestPowerUp(t *testing.T) {
	t.Run("telephone off-hook at start", func(t *testing.T) {
		d := &desk{t: t, now: t0, l: NewLine(Config{})}
		d.want("feed", d.l.Output().Feed, FeedOff)
		d.l.Hook(d.now, true)
		d.l.SetEnabled(d.now, true)
		d.want("feed", d.l.Output().Feed, FeedActive)
		d.wait(ms(139))
		d.want("events", d.events(), "")
		d.wait(ms(1))
		d.want("events", d.events(), "Seized")
	})
	t.Run("nonsense from the loop detector", func(t *testing.T) {
		d := &desk{t: t, now: t0, l: NewLine(Config{})}
		d.l.SetEnabled(d.now, true)
		d.hook(true)
		d.wait(ms(60))
		d.hook(false)
		d.wait(time.Second)
		d.want("events", d.events(), "")
	})
	t.Run("disabled during a call", func(t *testing.T) {
		d := in(t, StateTalk)
		d.do(func(now time.Time) { d.l.SetEnabled(now, false) })
		d.want("events", d.events(), "Released")
		d.want("output", d.l.Output(), Output{})
		d.want("physical", d.l.Physical(), OnHook)
		d.want("deadline", d.l.Deadline(), time.Time{})
		d.wait(time.Minute)
		d.do(func(now time.Time) { d.l.SetEnabled(now, true) })
		d.wait(time.Second)
		d.want("events of a telephone still lifted", d.events(), "Seized")
	})
	t.Run("fault during ringing", func(t *testing.T) {
		d := in(t, StateRinging)
		d.do(func(now time.Time) { d.l.Fault(now, true) })
		d.want("output", d.l.Output(), Output{})
		d.do(func(now time.Time) { d.l.SetEnabled(now, false) })
		d.want("physical", d.l.Physical(), Fault)
		d.do(func(now time.Time) { d.l.Fault(now, false) })
		d.wantState(StateDisabled)
		d.do(func(now time.Time) { d.l.SetEnabled(now, true) })
		d.wantState(StateIdle)
		d.want("events", d.events(), "")
	})
	t.Run("fault under a lifted telephone", func(t *testing.T) {
		d := in(t, StateTalk)
		d.do(func(now time.Time) { d.l.Fault(now, true) })
		d.want("events", d.events(), "Released")
		d.do(func(now time.Time) { d.l.Fault(now, false) })
		d.wait(time.Second)
		d.want("events until the hook is told again", d.events(), "")
		d.lift()
		d.want("events", d.events(), "Seized")
	})
}

// Ringing, hanging up and giving up meet each other.
func TestRaces(t *testing.T) {
	ring := func(d *desk) bool {
		ok := d.l.Ring(d.now, CallerID{Number: "1003"})
		d.look()
		return ok
	}
	t.Run("ring while the contact bounces, lifted", func(t *testing.T) {
		d := newDesk(t, Config{})
		d.hook(true)
		d.wait(ms(20))
		if !ring(d) {
			t.Fatal("refused: the lift was not yet known to be one")
		}
		d.want("no ringing voltage on a closed loop", d.l.Output().Feed, FeedActive)
		d.wait(ms(20))
		d.want("events", d.events(), "Answered")
		d.want("rings", len(d.rings), 0)
	})
	t.Run("ring while the contact bounces, a glitch", func(t *testing.T) {
		d := newDesk(t, Config{})
		d.hook(true)
		d.wait(ms(10))
		ring(d)
		d.wait(ms(10))
		d.hook(false)
		d.wait(ms(49))
		d.want("not yet", d.l.Output().Feed, FeedActive)
		d.wait(ms(1))
		d.want("now", d.l.Output().Feed, FeedRinging)
		d.wait(3 * time.Second)
		d.want("rings keep their cadence", d.rings, []span{{70, 1010}})
	})
	t.Run("lifted in the ring pause", func(t *testing.T) {
		d := newDesk(t, Config{})
		ring(d)
		d.wait(2 * time.Second)
		d.lift()
		d.wait(10 * time.Second)
		d.want("events", d.events(), "Answered")
		d.want("rings", d.rings, []span{{0, 1000}})
	})
	t.Run("lifted during caller ID", func(t *testing.T) {
		d := newDesk(t, Config{CallerID: true})
		ring(d)
		d.wait(ms(1800))
		d.want("data", d.l.Output().CallerID != nil, true)
		d.lift()
		d.want("data after the answer", d.l.Output().CallerID != nil, false)
		d.want("events", d.events(), "Answered")
		d.want("data", d.datas, []span{{1600, 1840}})
	})
	t.Run("a glitch during caller ID does not cut it", func(t *testing.T) {
		d := newDesk(t, Config{CallerID: true})
		ring(d)
		d.wait(ms(1800))
		d.hook(true)
		d.wait(ms(15)) // the wetting pulse of a British telephone
		d.hook(false)
		d.wait(ms(3000))
		d.want("data", d.datas, []span{{1600, -1}})
		d.want("events", d.events(), "")
	})
	t.Run("caller gives up while the lift is validated", func(t *testing.T) {
		d := newDesk(t, Config{})
		ring(d)
		d.wait(ms(500))
		d.hook(true)
		d.wait(ms(30))
		d.do(d.l.Quiet)
		d.want("feed", d.l.Output().Feed, FeedActive)
		d.wait(ms(10))
		d.want("events", d.events(), "Seized")
		d.want("tone", d.l.Output().Tone, ToneDial)
	})
	t.Run("hung up while dialled", func(t *testing.T) {
		d := in(t, StateCalling)
		d.hangup()
		d.want("events", d.events(), "Released")
		d.do(func(now time.Time) { d.l.Play(now, ToneRingback) })
		d.want("a late tone order to an on-hook line", d.l.Output(), Output{Feed: FeedActive})
	})
	t.Run("ring at once after hang-up", func(t *testing.T) {
		d := in(t, StateTalk)
		d.hook(false)
		d.wait(ms(400))
		if !ring(d) || d.l.Output().Feed != FeedRinging {
			t.Error("the line is idle and does not ring")
		}
		d.want("events", d.events(), "Released")
	})
	t.Run("ring between hanging up and its validation", func(t *testing.T) {
		d := in(t, StateTalk)
		d.hook(false)
		d.wait(ms(399))
		d.want("busy", ring(d), false)
	})
	t.Run("timer runs out while the handset goes down", func(t *testing.T) {
		d := newDesk(t, Config{})
		d.lift()
		d.dial("1001") // the short timer sends 3.8 s later
		d.events()
		d.wait(ms(3700))
		d.hook(false)
		d.wait(2 * time.Second)
		d.want("events", d.events(), "Released")
	})
	t.Run("timer runs out while nobody knows yet that the handset goes down", func(t *testing.T) {
		d := newDesk(t, Config{})
		d.lift()
		d.dial("1001")
		d.events()
		d.wait(ms(3795))
		d.hook(false)
		d.wait(2 * time.Second)
		d.want("events", d.events(), "Released")
	})
	t.Run("timer runs out while the contact crackles", func(t *testing.T) {
		d := newDesk(t, Config{})
		d.lift()
		d.dial("1001")
		d.events()
		d.wait(ms(3795))
		d.hook(false)
		d.wait(ms(8))
		d.want("events", d.events(), "")
		d.hook(true)
		d.wait(0)
		d.want("events", d.events(), "Dialed{1001}")
	})
	t.Run("quiet, talk and digits on an idle line", func(t *testing.T) {
		d := newDesk(t, Config{})
		d.do(d.l.Quiet)
		d.do(d.l.Talk)
		d.dial("123")
		d.do(func(now time.Time) { d.l.Collect(now, ToneRecall) })
		d.want("output", d.l.Output(), Output{Feed: FeedActive})
		d.want("events", d.events(), "")
	})
}
