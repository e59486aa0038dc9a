package media

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

// The figures: answer to two-way audio under 40 ms, and an own share of mouth to ear of 20 ms packetisation and
// at most 10 ms. Virtual time, so the numbers are exact.
func TestMouthToEar(t *testing.T) {
	for _, phase := range []time.Duration{500 * time.Microsecond, 3 * time.Millisecond, 6 * time.Millisecond, 9500 * time.Microsecond} {
		for _, ptime := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond} {
			f := g711
			f.Ptime, f.EventPT = ptime, 0 // an impulse may look like the beginning of a digit
			call(t, memnet.Options{}, f, phase, func(_ *memnet.Network, a, b *end) {
				a.line.says(impulseAt(0)) // from the first sample on: answer to audio
				b.line.says(impulseAt(0))
				time.Sleep(200 * time.Millisecond)
				ear := func(from, to *end) time.Duration {
					at := firstLoud(to.line.heard())
					if at < 0 {
						t.Fatalf("phase %v ptime %v: nothing heard", phase, ptime)
					}
					return to.line.at(at + frameSamples).Sub(from.line.at(0))
				}
				ab, ba := ear(a, b), ear(b, a)
				t.Logf("phase %-6v ptime %v: a to b %v, b to a %v", phase, ptime, ab, ba)
				packet := max(ptime, 20*time.Millisecond) // the least target
				if ab > packet+10*time.Millisecond || ba > packet+10*time.Millisecond {
					t.Errorf("phase %v ptime %v: a to b %v, b to a %v; want at most %v", phase, ptime, ab, ba, packet+10*time.Millisecond)
				}
				if ptime == 20*time.Millisecond && (ab >= 40*time.Millisecond || ba >= 40*time.Millisecond) {
					t.Errorf("answer to audio %v and %v", ab, ba)
				}
				if st := b.stream.Stats(); st.Target != packet || st.Concealed != 0 {
					t.Errorf("target %v, concealed %d", st.Target, st.Concealed)
				}
			})
		}
	}
}

func TestPumpEndsCleanly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		e := newEnd(t, n, "10.0.0.1")
		e.line.end = 50 * time.Millisecond
		e.run()
		if err := <-e.done; !errors.Is(err, errHungUp) {
			t.Errorf("line gone: Run returned %v", err)
		}
		e.line.end = 0
		e.run() // again, and ended by its context
		time.Sleep(25 * time.Millisecond)
		if err := e.pump.Run(context.Background(), &e.line); !errors.Is(err, ErrRunning) {
			t.Errorf("second Run: %v", err)
		}
		e.stop()
		if err := <-e.done; err != nil {
			t.Errorf("context ended: Run returned %v", err)
		}
	}) // the bubble fails if a goroutine is left
}

func TestMediaTimeoutOnce(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(n *memnet.Network, a, b *end) {
		s := sessionTo(b, g711)
		s.Silent = 2 * time.Second
		a.stream.Set(s)
		time.Sleep(5 * time.Second)
		if got := has[MediaTimeout](a.told()); got != 0 {
			t.Errorf("%d time-outs although the far end speaks", got)
		}
		n.Blackhole(b.stream.LocalAddrPort(), true)
		time.Sleep(5 * time.Second)
		if got := has[MediaTimeout](a.told()); got != 1 {
			t.Errorf("%d time-outs in 5 s of silence, want 1", got)
		}
		n.Blackhole(b.stream.LocalAddrPort(), false)
		time.Sleep(time.Second)
		held := s
		held.Direction = SendOnly
		a.stream.Set(held)
		time.Sleep(5 * time.Second)
		if got := has[MediaTimeout](a.told()); got != 1 {
			t.Errorf("%d time-outs, the one on hold is not one", got)
		}
		if got := has[FirstPacket](a.told()); got != 1 {
			t.Errorf("%d first packets", got)
		}
	})
}

// Two calls and the line hear one another, each without itself.
func TestThreeWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		me, x, y := newEnd(t, n, "10.0.0.1"), newEnd(t, n, "10.0.0.2"), newEnd(t, n, "10.0.0.3")
		second := newEnd(t, n, "10.0.0.1")
		level := func(v int16) func(int) int16 { return func(int) int16 { return v } }
		me.line.says(level(1024))
		x.line.says(level(4096))
		y.line.says(level(16384))
		me.stream.Set(sessionTo(x, g711))
		second.stream.Set(sessionTo(y, g711))
		x.stream.Set(sessionTo(me, g711))
		y.stream.Set(sessionTo(second, g711))
		me.pump.Set(Program{Streams: [2]*Stream{me.stream, second.stream}, Talk: true})
		x.pump.Set(Program{Streams: [2]*Stream{x.stream}, Talk: true})
		y.pump.Set(Program{Streams: [2]*Stream{y.stream}, Talk: true})
		for _, e := range []*end{me, x, y} {
			e.run()
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(time.Second)
		for _, tt := range []struct {
			who  string
			ear  []int16
			want int16
		}{{"the line", me.line.heard(), 4096 + 16384}, {"the first call", x.line.heard(), 1024 + 16384}, {"the second call", y.line.heard(), 1024 + 4096}} {
			got := tt.ear[len(tt.ear)-1]
			if got < tt.want-tt.want/16 || got > tt.want+tt.want/16 {
				t.Errorf("%s hears %d, want about %d", tt.who, got, tt.want)
			}
		}
		for _, e := range []*end{me, x, y} {
			e.hangUp(t)
		}
		second.stream.Close()
	})
}

func TestHold(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(n *memnet.Network, a, b *end) {
		a.line.says(func(int) int16 { return 8000 })
		b.line.says(func(int) int16 { return 8000 })
		time.Sleep(time.Second)
		s := sessionTo(b, g711)
		s.Direction = Inactive
		a.stream.Set(s)
		sent := sniff(t, n, a.stream)
		time.Sleep(2 * time.Second)
		if len(sent()) > 0 {
			t.Errorf("%d packets while inactive", len(sent()))
		}
		if v := firstLoud(a.line.heard()[len(a.line.heard())-800:]); v >= 0 {
			t.Error("the far end is heard while inactive")
		}
		before := a.stream.Stats().Received
		s.Direction = SendRecv
		a.stream.Set(s)
		resumed := len(a.line.heard())
		time.Sleep(time.Second)
		if v := firstLoud(a.line.heard()[resumed:]); v < 0 || v > 4*frameSamples {
			t.Errorf("after the hold the far end is heard from sample %d on", v)
		}
		if got := a.stream.Stats().Received - before; got < 45 {
			t.Errorf("%d packets in the second after the hold", got)
		}
		p := sent()
		if len(p) < 45 || !p[0].Marker || p[1].Marker {
			t.Errorf("%d packets after the hold, marker on the first: %t", len(p), len(p) > 0 && p[0].Marker)
		}
	})
}

// A stream that was out of the program while packets came is played from now on, not from then.
func TestRejoinIsLive(t *testing.T) {
	for _, away := range []time.Duration{200 * time.Millisecond, 1500 * time.Millisecond} { // 75 packets: more than a tick drains
		call(t, memnet.Options{}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
			time.Sleep(time.Second)
			b.pump.Set(Program{})
			time.Sleep(away)
			b.pump.Set(Program{Streams: [2]*Stream{b.stream}, Talk: true})
			time.Sleep(500 * time.Millisecond)
			at := a.line.now() + 400
			a.line.says(impulseAt(at))
			mark := len(b.line.heard())
			time.Sleep(400 * time.Millisecond)
			got := firstLoud(b.line.heard()[mark:])
			if got < 0 {
				t.Error("nothing heard")
				return
			}
			if d := b.line.at(mark + got + frameSamples).Sub(a.line.at(at)); d > 60*time.Millisecond {
				t.Errorf("mouth to ear %v after the stream came back", d)
			}
		})
	}
}

// Codecs that disagree by 400 ppm between them, three minutes: each direction's delay stays, and stays measured.
func TestSkewedCodecs(t *testing.T) {
	skewedCall(t, 200, memnet.Options{}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
		everySecond := func(n int) int16 {
			if n%8000 == 0 {
				return 16000
			}
			return 0
		}
		a.line.says(everySecond)
		b.line.says(everySecond)
		const minutes = 3
		time.Sleep(minutes * time.Minute)
		for _, d := range []struct {
			way      string
			from, to *end
		}{{"fast to slow", a, b}, {"slow to fast", b, a}} {
			heard, worst := 0, time.Duration(0)
			for i, v := range d.to.line.heard() {
				if v < 12000 {
					continue
				}
				heard++
				now := d.to.line.at(i + frameSamples)
				since := now.Sub(d.from.line.at(0)).Seconds() * 8000 * (1 + d.from.line.ppm/1e6)
				worst = max(worst, now.Sub(d.from.line.at(int(since)/8000*8000))) // from the impulse before
			}
			st := d.to.stream.Stats()
			t.Logf("%s: worst delay %v, doubled %d, dropped %d, concealed %d (the skew: %d frames)", d.way, worst, st.Doubled, st.Dropped, st.Concealed, minutes*60*4/100)
			if heard < minutes*60-3 {
				t.Errorf("%s: %d impulses heard", d.way, heard)
			}
			if worst > 60*time.Millisecond {
				t.Errorf("%s: delay %v", d.way, worst)
			}
			if slips := st.Doubled + st.Dropped + st.Concealed; slips > minutes*60*4/100+6 || slips == 0 {
				t.Errorf("%s: %d slips", d.way, slips)
			}
			if st.Lost != 0 || st.Late != 0 || st.Discarded != 0 {
				t.Errorf("%s: %+v", d.way, st)
			}
		}
	})
}
