package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	liftHeld = 40 * time.Millisecond // off-hook counts when it has held so long
	frame    = 10 * time.Millisecond
	ear      = 500 * time.Microsecond // how well the ear finds the beginning of a tone, which is never a click
)

// The figures that people notice, exact in virtual time on a network without delay.
func TestFigures(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		figure := func(what string, got, limit time.Duration) {
			t.Helper()
			t.Logf("%-55s %7.3f ms (at most %v)", what, float64(got)/float64(time.Millisecond), limit)
			if got > limit || got < 0 {
				t.Errorf("%s: %v, at most %v", what, got, limit)
			}
		}
		// Off the frame raster of the codec, as a hand is.
		time.Sleep(3456789 * time.Nanosecond)
		lifted := time.Now()
		d.phone(3).Lift()
		dial := d.wantHears(3, "dial").Since
		figure("off-hook validated -> dial tone on the line", dial.Sub(lifted)-liftHeld, frame+ear)

		keyed := time.Now().Add(600 * time.Millisecond)
		d.phone(3).Dial("1001")
		invite := d.sent(ours, lifted, "INVITE").At
		figure("last digit detected -> INVITE on the wire", invite.Sub(d.became(3, Calling, lifted)), 20*time.Millisecond)
		figure("last digit's onset -> INVITE on the wire", invite.Sub(keyed), 60*time.Millisecond)

		// Whatever needs the exchange happens in the same instant: its wire has no delay.
		rings := d.phone(1).Rings()
		if len(rings) == 0 {
			t.Fatal("no ring")
		}
		in := d.sent(sbc1, lifted, "INVITE").At
		figure("INVITE in -> ringing voltage", rings[0].Start.Sub(in), 20*time.Millisecond)
		figure("INVITE in -> 180 out", d.sent(ours, in, "SIP/2.0 180").At.Sub(in), 20*time.Millisecond)

		// Both talk already when the call is answered: the first sound that comes through counts.
		d.wantHears(3, "ringback")
		time.Sleep(200*time.Millisecond + 1234567)
		lifted = time.Now()
		d.phone(1).Lift()
		d.phone(1).Tone(1004, -10, 3*time.Second)
		d.phone(3).Tone(1500, -10, 3*time.Second)
		atCallee := d.wantHears(1, "tone 1500").Since
		atCaller := d.wantHears(3, "tone 1004").Since
		ok := d.sent(ours, lifted, "SIP/2.0 200").At
		figure("off-hook validated -> 200 out", ok.Sub(lifted)-liftHeld, frame)
		figure("answer -> called telephone hears the caller", atCallee.Sub(ok), 40*time.Millisecond)
		figure("answer -> caller hears the called telephone", atCaller.Sub(ok), 40*time.Millisecond)

		time.Sleep(4 * time.Second)
		for _, w := range []struct{ from, to, hz int }{{1, 3, 1004}, {3, 1, 804}} {
			said, err := d.phone(w.from).Tone(w.hz, -10, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			delay := d.wantHears(w.to, fmt.Sprintf("tone %d", w.hz)).Since.Sub(said)
			target := d.status(w.to).Media.Target
			// The jitter buffer's target holds the packet itself: what is ours comes on top of it.
			own := delay - target
			figure(fmt.Sprintf("mouth %d -> ear %d", w.from, w.to), delay, 20*time.Millisecond+frame+target)
			figure(fmt.Sprintf("   of it beside the jitter buffer's target of %v", target), own, 30*time.Millisecond)
			time.Sleep(3 * time.Second)
		}
		hung := time.Now()
		d.phone(3).Hangup()
		d.wantHears(1, "busy")
		bye := d.sent(ours, hung, "BYE").At
		figure("on-hook -> BYE on the wire (400 ms tell it from a flash)", bye.Sub(hung), 410*time.Millisecond)
		busy := d.phone(1).Hears().Since
		figure("BYE in -> busy tone on the line", busy.Sub(bye), 2*frame)
		d.rest(3, 1)
		for _, m := range d.messages(ours, evening, "") {
			if strings.Contains(string(m.Payload), "secret") {
				t.Errorf("a password on the wire:\n%s", m.Payload)
			}
		}
	})
}
