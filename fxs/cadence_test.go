package fxs

import (
	"testing"
	"time"
)

// Every country rings in its rhythm, and the caller's number keeps its distance from the ringing.
func TestCadenceOfEveryCountry(t *testing.T) {
	for _, iso := range Countries() {
		c := country(t, iso)
		for _, withID := range []bool{false, true} {
			d := newDesk(t, Config{Country: c, CallerID: withID})
			d.l.Ring(d.now, CallerID{Number: "13800138000", Name: "Wang Xiaoming XV"})
			d.look()
			sent := withID && c.CallerID.Standard.sent()
			if before := sent && c.CallerID.BeforeRing; !before {
				d.want(iso+" feed in the same call", d.l.Output().Feed, FeedRinging)
			} else if want := map[bool]Feed{true: FeedReversed, false: FeedActive}[c.CallerID.Reversal]; d.l.Output().Feed != want {
				t.Errorf("%s: feed before ringing is %v, want %v", iso, d.l.Output().Feed, want)
			}
			var burst *CallerIDBurst
			for range 300 {
				d.wait(ms(100))
				if b := d.l.Output().CallerID; b != nil {
					burst = b
				}
			}
			d.want(iso+" physical", d.l.Physical(), Ringing)
			if len(d.rings) < 4 {
				t.Fatalf("%s: %d bursts in 30 s", iso, len(d.rings))
			}
			at := d.rings[0].from
			for i, r := range d.rings {
				on, off := c.cadence[2*i%len(c.cadence)], c.cadence[(2*i+1)%len(c.cadence)]
				if r.from != at || r.to >= 0 && r.to != at+int(on.Milliseconds()) {
					t.Fatalf("%s: burst %d is %v, want %d for %v", iso, i, r, at, on)
				}
				at += int((on + off).Milliseconds())
			}
			if !sent {
				if len(d.datas) > 0 {
					t.Errorf("%s: caller ID %v, want none", iso, d.datas)
				}
				continue
			}
			if len(d.datas) != 1 {
				t.Fatalf("%s: caller ID sent %d times, want once", iso, len(d.datas))
			}
			from, to := d.datas[0].from, d.datas[0].from+int(burst.Duration().Milliseconds())
			if c.CallerID.BeforeRing {
				if gap := d.rings[0].from - to; from < 200 || gap < 200 || gap > 500 {
					t.Errorf("%s: data at %d to %d, first ring at %d", iso, from, to, d.rings[0].from)
				}
				continue
			}
			k := 0
			for d.rings[k+1].from < from {
				k++
			}
			if d.rings[k].to+500 > from || to+200 > d.rings[k+1].from {
				t.Errorf("%s: data at %d to %d between rings %v and %v", iso, from, to, d.rings[k], d.rings[k+1])
			}
			if k > 1 {
				t.Errorf("%s: data after ring %d", iso, k)
			}
		}
	}
}

func TestChinaRingsExactly(t *testing.T) {
	d := newDesk(t, Config{CallerID: true})
	d.l.Ring(d.now, CallerID{Number: "1003", Name: "Wang Wei"})
	d.look()
	d.wait(12 * time.Second)
	d.do(d.l.Quiet)
	d.want("rings", d.rings, []span{{0, 1000}, {5000, 6000}, {10000, 11000}})
	d.want("data", d.datas, []span{{1600, 5000}})
	d.want("events", d.events(), "")
	d.wantState(StateIdle)
	d.wait(time.Minute)
	d.want("rings after Quiet", len(d.rings), 3)
}

// The codec runs before the data does, and no longer than needed.
func TestAudioForCallerID(t *testing.T) {
	d := newDesk(t, Config{CallerID: true})
	d.l.Ring(d.now, CallerID{Number: "1003"})
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {ms(1599), true}, {ms(4999), true}, {ms(5000), false}, {ms(6500), false}} {
		d.wait(t0.Add(tt.at).Sub(d.now))
		d.want("audio at "+tt.at.String(), d.l.Output().Audio, tt.want)
	}
}

// A new call is a new burst, though it be the same caller: the pointer says so.
func TestBurstIdentity(t *testing.T) {
	d := newDesk(t, Config{CallerID: true})
	burst := func() *CallerIDBurst {
		d.l.Ring(d.now, CallerID{Number: "1003"})
		d.wait(ms(1700))
		b := d.l.Output().CallerID
		if again := d.l.Output().CallerID; again != b {
			t.Error("the pointer changes while the same data is on the wires")
		}
		d.do(d.l.Quiet)
		return b
	}
	if a, b := burst(), burst(); a == nil || b == nil || a == b {
		t.Errorf("bursts %p and %p", a, b)
	}
}

// An owner that slept through the pause must not send data into the ringing; the next pause will do.
func TestCallerIDTooLate(t *testing.T) {
	d := newDesk(t, Config{CallerID: true})
	d.l.Ring(d.now, CallerID{Number: "1003"})
	d.look()
	d.now = t0.Add(ms(4500))
	d.l.Advance(d.now)
	d.look()
	d.want("data", len(d.datas), 0)
	d.wait(10 * time.Second)
	d.want("data", d.datas, []span{{6600, 10000}})
	// A little late is early enough.
	d = newDesk(t, Config{CallerID: true})
	d.l.Ring(d.now, CallerID{Number: "1003"})
	d.now = t0.Add(ms(2500))
	d.l.Advance(d.now)
	d.look()
	d.want("data", d.datas, []span{{2500, -1}})
	// Before ringing, all that follows is late too.
	d = newDesk(t, Config{CallerID: true, Country: country(t, "GB")})
	d.l.Ring(d.now, CallerID{Number: "1003"})
	d.now = t0.Add(ms(2500))
	d.l.Advance(d.now)
	d.look()
	d.want("data", d.datas, []span{{2500, -1}})
	d.wait(10 * time.Second)
	if gap := d.rings[0].from - d.datas[0].from; gap < 800 || gap != d.datas[0].to-d.datas[0].from {
		t.Errorf("first ring %d ms after the data began", gap)
	}
}

// The bell falls silent in the end, the call can still be answered.
func TestRingMax(t *testing.T) {
	d := newDesk(t, Config{Timers: Timers{RingMax: 12 * time.Second}})
	d.l.Ring(d.now, CallerID{})
	d.look()
	d.wait(time.Hour)
	d.want("rings", d.rings, []span{{0, 1000}, {5000, 6000}, {10000, 11000}})
	d.want("physical", d.l.Physical(), Ringing)
	d.want("deadline", d.l.Deadline(), time.Time{})
	d.lift()
	d.want("events", d.events(), "Answered")
	d = newDesk(t, Config{Timers: Timers{RingMax: ms(10500)}}) // in the middle of a burst
	d.l.Ring(d.now, CallerID{})
	d.look()
	d.wait(time.Hour)
	d.want("rings", d.rings, []span{{0, 1000}, {5000, 6000}, {10000, 10500}})
}
