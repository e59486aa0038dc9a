package gateway

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

// raced: the race detector watches, and everything takes ten times as long.
var raced bool

// TestADay is 24 hours of a port: refreshes, heartbeats, keepalives, a hundred calls to a second port, one datagram in a
// hundred lost. The time it really takes is printed, not judged.
func TestADay(t *testing.T) {
	day, calls := 24*time.Hour, 100
	if testing.Short() || raced {
		day, calls = 3*time.Hour, 12
	}
	began := time.Now() // outside of the bubble: real time
	s := setup{ports: []string{portYAML(1, ""), portYAML(2, "")}, wire: memnet.Options{Seed: 1, Link: memnet.Link{Loss: 1}}}
	at(t, s, func(d *desk) {
		start := time.Now()
		var flickers, goroutines int
		for i := range calls {
			time.Sleep(time.Until(start.Add(day / time.Duration(calls) * time.Duration(i))))
			if i == 1 {
				synctest.Wait()
				goroutines = runtime.NumGoroutine()
			}
			if !d.status(1).Registration.OK() || !d.status(2).Registration.OK() {
				flickers++
			}
			from, to := 1+i%2, 2-i%2
			d.phone(from).Lift()
			d.wantHears(from, "dial")
			d.phone(from).Dial([]string{"1001", "1002"}[to-1])
			d.wait(40*time.Second, "ring", func() bool { return d.status(to).Call.State == Ringing })
			time.Sleep(2 * time.Second)
			d.phone(to).Lift()
			d.wait(40*time.Second, "conversation", func() bool { return d.status(from).Call.State == Talking && d.status(to).Call.State == Talking })
			d.phone(from).Tone(1004, -10, time.Second)
			d.wantHears(to, "tone 1004")
			time.Sleep(5 * time.Second)
			d.phone(from).Hangup()
			d.wait(40*time.Second, "release", func() bool { return d.status(to).Call.State == Busy })
			d.rest(1, 2)
		}
		time.Sleep(time.Until(start.Add(day)))
		d.wantRow(1, "reg-ok:Activ Idle ON-HOOK")
		d.wantRow(2, "reg-ok:Activ Idle ON-HOOK")
		for _, r := range d.gw.History() {
			if r.Result() != "answered" {
				t.Errorf("%s: %+v", r.Result(), r)
			}
		}
		synctest.Wait() // a goroutine that is just ending is no leak
		if g := runtime.NumGoroutine(); goroutines > 0 && g > goroutines {
			t.Errorf("goroutines: %d in the morning, %d in the evening", goroutines, g)
		}
		if flickers > 0 {
			t.Errorf("the registration was lost %d times", flickers)
		}
		st := d.gw.SIPStats()["main"]
		t.Logf("SIP: %d out (%d of them repeats), %d in; voice: %d frames", st.Sent, st.Retransmitted, st.Received, d.phone(1).Codec().Read+d.phone(2).Codec().Read)
	})
	t.Logf("%v with %d calls took %.2f s of real time", day, calls, time.Since(began).Seconds())
}
