package fxs

import (
	"fmt"
	"testing"
	"time"
)

// All speeds and break ratios that dials have, to the last of the ten pulses.
func TestPulseSpeeds(t *testing.T) {
	for _, pps := range []int{8, 9, 10, 11, 12, 15, 18, 20} {
		for _, percent := range []int{33, 40, 50, 60, 67, 70} {
			period := time.Second / time.Duration(pps)
			open := period * time.Duration(percent) / 100
			t.Run(fmt.Sprintf("%d pps %d %%", pps, percent), func(t *testing.T) {
				d := newDesk(t, Config{Pulse: true})
				d.lift()
				for n := 1; n <= 10; n++ {
					d.pulses(n, open, period-open)
				}
				d.wait(5 * time.Second)
				d.want("events", d.events(), "Seized Dialed{1234567890}")
			})
		}
	}
}

func TestPulseCodes(t *testing.T) {
	for iso, want := range map[string]string{"CN": "1234567890", "SE": "0123456789", "NZ": "9876543210"} {
		d := newDesk(t, Config{Country: country(t, iso), Pulse: true})
		d.lift()
		for n := 1; n <= 10; n++ {
			d.pulses(n, ms(60), ms(40))
		}
		d.wait(5 * time.Second)
		d.want(iso, d.events(), "Seized Dialed{"+want+"}")
	}
}

func TestPulseDetails(t *testing.T) {
	tests := []struct {
		name string
		play func(d *desk)
		want string
	}{
		{"dial tone stops at the first pulse", func(d *desk) {
			d.hook(false)
			d.wait(ms(60))
			d.hook(true)
			d.wait(ms(15))
			d.want("tone", d.l.Output().Tone, ToneNone)
		}, ""},
		{"eleven pulses are no digit", func(d *desk) { d.pulses(11, ms(60), ms(40)); d.pulses(5, ms(60), ms(40)); d.wait(5 * time.Second) }, "Dialed{5}"},
		{"breaks of bounce are no pulses", func(d *desk) {
			for range 3 {
				d.hook(false)
				d.wait(ms(14))
				d.hook(true)
				d.wait(ms(60))
			}
			d.wait(time.Second)
			d.want("tone", d.l.Output().Tone, ToneDial)
		}, ""},
		{"too long for a pulse, too short for a flash", func(d *desk) { d.open(ms(120)); d.want("tone", d.l.Output().Tone, ToneDial) }, ""},
		{"no flash in a number either", func(d *desk) {
			d.pulses(3, ms(60), ms(40))
			d.open(ms(129))
			d.pulses(4, ms(60), ms(40))
			d.wait(5 * time.Second)
		}, "Dialed{34}"},
		{"the inter-digit timer does not run through a digit", func(d *desk) {
			d.pulses(1, ms(60), ms(40)) // ends 310 ms after its beginning; this returns at 700
			d.wait(4310*time.Millisecond - ms(700) - ms(250))
			d.pulses(10, ms(60), ms(40))
			d.wait(5 * time.Second)
		}, "Dialed{10}"},
		{"the inter-digit timer runs out in the first break", func(d *desk) {
			d.pulses(1, ms(60), ms(40))
			d.wait(4310*time.Millisecond - ms(700) - ms(30))
			d.pulses(10, ms(60), ms(40))
			d.wait(5 * time.Second)
		}, "Dialed{10}"},
		{"the inter-digit timer runs out just after it", func(d *desk) {
			d.pulses(1, ms(60), ms(40))
			d.wait(4310*time.Millisecond - ms(700) - ms(65))
			d.pulses(10, ms(60), ms(40))
			d.wait(5 * time.Second)
		}, "Dialed{10}"},
		{"a flash starts anew", func(d *desk) {
			d.pulses(3, ms(60), ms(40))
			d.open(ms(200))
			d.want("tone", d.l.Output().Tone, ToneDial)
			d.pulses(4, ms(60), ms(40))
			d.wait(5 * time.Second)
		}, "Dialed{4}"},
		{"worn dial", func(d *desk) {
			for range 7 {
				d.bounce(false)
				d.wait(ms(55))
				d.bounce(true)
				d.wait(ms(35))
			}
			d.wait(5 * time.Second)
		}, "Dialed{7}"},
		{"hung up in the middle of a digit", func(d *desk) {
			d.pulses(0, 0, 0)
			d.hook(false)
			d.wait(ms(60))
			d.hook(true)
			d.wait(ms(40))
			d.hangup()
		}, "Released"},
		{"tones and pulses mixed", func(d *desk) { d.pulses(1, ms(60), ms(40)); d.dial("00"); d.pulses(1, ms(60), ms(40)); d.dial("#") }, "Dialed{1001}"},
		{"the first-digit timer does not run through a digit", func(d *desk) {
			d.wait(15*time.Second - ms(60) - ms(100) + ms(20)) // 20 ms before it would run out in the third pulse
			d.pulses(10, ms(60), ms(40))
			d.wait(5 * time.Second)
		}, "Dialed{0}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{Pulse: true})
			d.lift()
			d.events()
			tt.play(d)
			d.want("events", d.events(), tt.want)
		})
	}
}

func TestPulsesNeedToBeEnabled(t *testing.T) {
	d := newDesk(t, Config{})
	d.lift()
	d.pulses(5, ms(50), ms(50))
	d.wait(time.Second)
	d.want("tone", d.l.Output().Tone, ToneDial)
	d.want("events", d.events(), "Seized")
	d = in(t, StateTalk) // this one counts pulses, but not in a call
	d.pulses(5, ms(50), ms(50))
	d.want("events", d.events(), "")
}
