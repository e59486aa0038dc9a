package gateway

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tipring/fxs"
)

// Numbers: an unambiguous one leaves at once, an ambiguous one after the short time or by #, a hopeless one is refused.
func TestDigitMap(t *testing.T) {
	s := setup{ports: []string{`{port: 1, enabled: true, user: "1001", password: secret1, digit_map: "1xxx|12T|0x.T|*xx"}`}}
	for _, c := range []struct {
		dial, number string
		after        time.Duration // from the end of the last digit; the detector has it before that
		tone         string
	}{
		{dial: "1999", number: "1999"},
		{dial: "12", number: "12", after: 4 * time.Second},
		{dial: "12#", number: "12"},
		{dial: "0123", number: "0123", after: 4 * time.Second},
		{dial: "0123#", number: "0123"},
		{dial: "*21", number: "*21"},
		{dial: "2", tone: "unobtainable"},
		{dial: "19#", number: "19"}, // # sends what there is
	} {
		atFar(t, s, func(f *far) {
			f.phone(1).Lift()
			f.wantHears(1, "dial")
			f.phone(1).Dial(c.dial)
			keyed := time.Now().Add(-100 * time.Millisecond) // the onset of the last digit
			if c.tone != "" {
				f.wantHears(1, c.tone)
				if st := f.status(1).Call; st.State != Busy || st.Cause == "" || len(f.in) > 0 {
					t.Errorf("%s: %+v", c.dial, st)
				}
				f.rest(1)
				return
			}
			k := f.called()
			waited := f.sent(ours, evening, "INVITE").At.Sub(keyed)
			if to := between(head(k.in, "To"), "sip:", "@"); to != c.number && to != strings.ReplaceAll(c.number, "*", "%2A") {
				t.Errorf("%s: calls %s", c.dial, to)
			}
			if waited < c.after || waited > c.after+50*time.Millisecond {
				t.Errorf("%s: INVITE %v after the onset of the last digit", c.dial, waited)
			}
			k.answers(404, "Not Found", "")
			k.takes("ACK", time.Second)
			f.wantHears(1, "unobtainable")
			f.rest(1)
		})
	}
}

// A rotary telephone: the dial tone ends with the first pulse, the number is what was dialled.
func TestPulseDialling(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		if err := d.phone(3).Pulse("1002"); err != nil {
			t.Fatal(err)
		}
		d.wantHears(2, "ring")
		d.wantRow(3, "reg-ok:Activ Ringback OFF-HOOK 1002 out")
		d.phone(2).Lift()
		d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1002 out", time.Second)
		d.talks(2, 3, 1004)
		d.rest(3, 2)
	})
}

// A receiver that was left off: dial tone, busy, howler, silence; and on-hook cures it.
func TestReceiverLeftOff(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.phone(2).Lift()
		d.wantHears(2, "dial")
		seized := d.became(2, Dialing, evening)
		time.Sleep(time.Until(seized.Add(15*time.Second - 10*time.Millisecond)))
		d.wantRow(2, "reg-ok:Activ Dialing OFF-HOOK")
		time.Sleep(20 * time.Millisecond)
		d.wantRow(2, "reg-ok:Activ Busy OFF-HOOK")
		d.wantHears(2, "busy")
		if c := d.status(2).Call.Cause; c != "no digits dialled" {
			t.Errorf("cause %q", c)
		}
		time.Sleep(time.Until(seized.Add(46 * time.Second)))
		if st := d.status(2).Line.State; st != fxs.StateHowler {
			t.Errorf("after busy tone: %s", st)
		}
		early := d.phone(2).Hears()
		time.Sleep(15 * time.Second)
		if h := d.phone(2).Hears(); h.Name != "howler" || h.Level < early.Level+10 {
			t.Errorf("howler: %s, 15 s before: %s", h, early)
		}
		// D2: whoever calls now hears busy.
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1002")
		d.wantHears(3, "busy")
		d.rest(3)
		time.Sleep(time.Until(seized.Add(106 * time.Second)))
		if st := d.status(2).Line.State; st != fxs.StateLockout {
			t.Errorf("after the howler: %s", st)
		}
		if h := d.phone(2).Hears(); h.Name != "silence" {
			t.Errorf("lockout: %s", h)
		}
		before := d.phone(2).Codec().Read
		time.Sleep(time.Hour)
		if n := d.phone(2).Codec().Read - before; n > 0 {
			t.Errorf("a locked-out line used the codec for %d frames", n)
		}
		d.wantRow(2, "reg-ok:Activ Busy OFF-HOOK")
		d.rest(2)
		d.call(2, 3)
		d.rest(2, 3)
	})
}

// The country rings the bell and tells the display in its own way.
func TestCountriesRingAndShow(t *testing.T) {
	for _, c := range []struct{ country, standard string }{
		{"CN", ""}, {"US", "Bell 202"}, {"GB", "V.23"}, {"DE", ""}, {"FR", ""}, {"SE", "DTMF"}, {"NL", ""}, {"IN", ""}, {"JP", "none"}, {"BR", ""}, {"DK", "DTMF"},
	} {
		t.Run(c.country, func(t *testing.T) {
			at(t, setup{country: c.country}, func(d *desk) {
				country, _ := fxs.LookupCountry(c.country)
				d.phone(3).Lift()
				d.wantHears(3, "dial")
				d.phone(3).Dial("1001")
				d.wantHears(1, "ring")
				time.Sleep(25 * time.Second)
				rings := d.phone(1).Rings()
				cadence := country.RingCadence()
				for i := 1; i < len(rings)-1; i++ { // the first pause may be stretched for the display
					want := cadence[2*i%len(cadence)]
					if i == 0 {
						continue
					}
					if got := rings[i].Length; (got - want).Abs() > 2*time.Millisecond {
						t.Errorf("burst %d rings %v, want %v", i, got, want)
					}
					if i > 1 || len(cadence) > 2 && i == 1 {
						pause := rings[i].Start.Sub(rings[i-1].Start.Add(rings[i-1].Length))
						if want := cadence[(2*i-1)%len(cadence)]; (pause - want).Abs() > 2*time.Millisecond {
							t.Errorf("pause %d lasts %v, want %v", i, pause, want)
						}
					}
				}
				shown := d.phone(1).Displays()
				if len(shown) != 1 {
					if country.CallerID.Standard == 0 && len(shown) == 0 || c.standard == "none" && len(shown) == 0 {
						t.Logf("%d bursts %v, no caller ID in this country", len(rings), cadence)
						d.rest(3)
						return
					}
					t.Fatalf("the display was told %v", shown)
				}
				id := shown[0]
				if id.Number != "1003" || !strings.Contains(id.Standard, c.standard) {
					t.Errorf("display: %+v", id)
				}
				if !strings.HasPrefix(id.Standard, "DTMF") && (!strings.EqualFold(id.Name, "Zhang Min") || !strings.HasPrefix(id.Time, "11-24 21:0")) {
					t.Errorf("display: %+v", id)
				}
				when := "before the first ring"
				if id.At.After(rings[0].Start) {
					when = "after the first ring"
				}
				t.Logf("%d bursts, cadence %v, display %q by %s, %s", len(rings), cadence, id, id.Standard, when)
				d.rest(3)
			})
		})
	}
}

// A caller who does not want to be known is shown as private, and no number reaches the line.
func TestWithheldNumber(t *testing.T) {
	atFar(t, one, func(f *far) {
		k := &talk{f: f, callID: "anon", local: `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=far`, remote: "<sip:1001@example.net>", target: f.contactOf("1001")}
		k.request("INVITE", sdpAudio("8", "sendrecv"), "Privacy: id", `P-Asserted-Identity: <sip:2001@example.net>`)
		k.hears(180)
		f.wantHears(1, "ring")
		time.Sleep(4 * time.Second)
		shown := f.phone(1).Displays()
		if len(shown) != 1 || shown[0].Absence != "private" || shown[0].Number != "" || strings.Contains(fmt.Sprint(shown), "2001") {
			t.Errorf("display: %+v", shown)
		}
		f.wantRow(1, "reg-ok:Activ Ringing RINGING  in")
		k.request("CANCEL", "")
		k.hears(200)
		k.hears(487)
		k.request("ACK", "")
		f.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
	})
}

// Levels: what one telephone says the other hears as loud, both ways at once.
func TestLevelsBothWays(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.call(3, 1)
		for _, w := range []struct{ from, to, hz int }{{3, 1, 1004}, {1, 3, 1500}} {
			d.phone(w.from).Tone(w.hz, -12, 2*time.Second)
			time.Sleep(1500 * time.Millisecond)
			h := d.wantHears(w.to, fmt.Sprintf("tone %d", w.hz))
			if math.Abs(h.Level+12) > 0.7 { // what both hybrids give back adds to it, 24 dB below: 0.55 dB at most
				t.Errorf("%d -> %d: %s", w.from, w.to, h)
			}
			t.Logf("%d -> %d: %s", w.from, w.to, h)
			time.Sleep(3 * time.Second)
		}
		d.rest(1, 3)
	})
}
