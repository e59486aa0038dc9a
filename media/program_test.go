package media

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
	"tipring/media/dsp"
)

func plan(t testing.TB, spec string) *dsp.Plan {
	t.Helper()
	p, err := dsp.ParseTone(spec, dsp.LevelTone)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// alone is a pump with a line and no network.
func alone(t *testing.T, do func(e *end)) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnd(t, memnet.New(memnet.Options{}), "10.0.0.1")
		e.run()
		time.Sleep(time.Millisecond)
		do(e)
		e.hangUp(t)
	})
}

// A tone is on the line one frame after it was ordered, and ordering it again changes not a sample.
func TestToneIsALevel(t *testing.T) {
	dial, busy := plan(t, "450"), plan(t, "450/350,0/350")
	render := func(again bool) (ear []int16) {
		alone(t, func(e *end) {
			time.Sleep(50 * time.Millisecond)
			for _, tone := range []*dsp.Plan{dial, busy, nil} {
				e.pump.Set(Program{Tone: tone})
				for range 100 {
					time.Sleep(10 * time.Millisecond)
					if again {
						e.pump.Set(Program{Tone: tone})
					}
				}
			}
			ear = e.line.heard()
		})
		return ear
	}
	once := render(false)
	if !slices.Equal(once, render(true)) {
		t.Error("setting the same program again is heard")
	}
	// Ordered at 51 ms, so it goes out with the frame that was read at 60 ms.
	if at := firstLoud(once); at < 5*frameSamples || at >= 6*frameSamples {
		t.Errorf("dial tone from sample %d on, want it in frame 5", at)
	}
	if l := dsp.LevelDBm0(once[10*frameSamples : 90*frameSamples]); l < -105 || l > -95 {
		t.Errorf("dial tone at %v", l)
	}
	if l := dsp.LevelDBm0(once[len(once)-50*frameSamples:]); l > -900 {
		t.Errorf("%v after the tone ended", l)
	}
}

// A burst is played once for each pointer, alone on the line, also when the pump runs again.
func TestBurstIsPlayedOnce(t *testing.T) {
	id := dsp.CallID{Number: "1003"}
	burst := dsp.CallerIDBurst(dsp.Bell202, id)
	alone(t, func(e *end) {
		play := func(b *dsp.Burst, seconds int) int {
			mark := len(e.line.heard())
			for range seconds * 10 {
				e.pump.Set(Program{Burst: b})
				time.Sleep(100 * time.Millisecond)
			}
			loud := 0
			for ear := e.line.heard()[mark:]; len(ear) >= frameSamples; ear = ear[frameSamples:] {
				if magnitude(ear[:frameSamples]) > quiet {
					loud++
				}
			}
			return loud
		}
		want := int(burst.Duration() / frameTime)
		if got := play(burst, 3); got < want-2 || got > want+2 {
			t.Errorf("burst heard for %d frames, it lasts %d", got, want)
		}
		if got := play(burst, 1); got != 0 {
			t.Errorf("the same burst again: %d frames", got)
		}
		e.stop()
		<-e.done
		e.run()
		if got := play(burst, 1); got != 0 {
			t.Errorf("the same burst in the next run: %d frames", got)
		}
		if got := play(dsp.CallerIDBurst(dsp.Bell202, id), 3); got < want-2 {
			t.Errorf("a new burst: %d frames", got)
		}
		play(dsp.CallerIDBurst(dsp.Bell202, id), 0)
		if got := has[BurstDone](e.told()); got != 2 {
			t.Errorf("%d bursts done, want 2", got)
		}
	})
}

// A burst that is taken away stops, and nothing says that it was done.
func TestBurstStops(t *testing.T) {
	burst := dsp.CallerIDBurst(dsp.Bell202, dsp.CallID{Number: "1003", Name: "Wang Wei"})
	alone(t, func(e *end) {
		e.pump.Set(Program{Burst: burst})
		time.Sleep(100 * time.Millisecond)
		e.pump.Set(Program{})
		time.Sleep(20 * time.Millisecond)
		mark := len(e.line.heard())
		time.Sleep(time.Second)
		if m := firstLoud(e.line.heard()[mark:]); m >= 0 {
			t.Errorf("the burst goes on")
		}
		if got := has[BurstDone](e.told()); got != 0 {
			t.Errorf("%d bursts done", got)
		}
	})
}

// Digits for the dial plan, over the dial tone that the line's hybrid gives back.
func TestDialOverDialTone(t *testing.T) {
	const number = "18006427676"
	alone(t, func(e *end) {
		keys := dialling(number, 70, 70, 4000)
		e.line.says(func(n int) int16 {
			echo := int16(0)
			if i := n - frameSamples; i >= 0 && i < len(e.line.ear) {
				echo = e.line.ear[i] / 3
			}
			return keys(n) + echo
		})
		e.pump.Set(Program{Tone: plan(t, "450"), Detect: true})
		time.Sleep(3 * time.Second)
		if keyed, _ := keyedAndRemote(e.told()); keyed != number {
			t.Errorf("dialled %q, want %q", keyed, number)
		}
		downs, ups := 0, 0
		for _, ev := range e.told() {
			if d, ok := ev.(Digit); ok && d.On {
				downs++
			} else if ok {
				ups++
			}
		}
		if downs != ups {
			t.Errorf("%d keys down, %d up", downs, ups)
		}
	})
}

// Whatever is set, in whatever order, the pump goes on and the streams survive.
func TestProgramsAtRandom(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(n *memnet.Network, a, b *end) {
		rng := rand.New(rand.NewPCG(5, 5))
		third := newEnd(t, n, "10.0.0.1")
		third.stream.Set(sessionTo(b, g711))
		streams := []*Stream{nil, a.stream, third.stream}
		tones := []*dsp.Plan{nil, plan(t, "450"), plan(t, "!425/100,!0/100")}
		bursts := []*dsp.Burst{nil, dsp.CallerIDBurst(dsp.Bell202, dsp.CallID{Number: "7"})}
		a.line.says(dialling("123456789", 60, 60, 0))
		for range 2000 {
			a.pump.Set(Program{Tone: tones[rng.IntN(3)], Streams: [2]*Stream{streams[rng.IntN(3)], streams[rng.IntN(3)]},
				Talk: rng.IntN(2) == 0, Detect: rng.IntN(2) == 0, Burst: bursts[rng.IntN(2)]})
			s := sessionTo(b, g711)
			s.Direction = Direction(rng.IntN(4))
			s.Send.Ptime = time.Duration(rng.IntN(70)) * time.Millisecond
			s.Send.EventPT = uint8(rng.IntN(2)) * 101
			s.Symmetric = rng.IntN(2) == 0
			a.stream.Set(s)
			time.Sleep(time.Duration(rng.IntN(15)) * time.Millisecond)
		}
		a.pump.Set(Program{Streams: [2]*Stream{a.stream}, Talk: true})
		a.stream.Set(sessionTo(b, g711))
		b.stream.Set(sessionTo(a, g711))
		time.Sleep(5 * time.Second)
		a.line.says(func(int) int16 { return 5000 })
		time.Sleep(time.Second)
		if ear := b.line.heard(); firstLoud(ear[len(ear)-frameSamples:]) < 0 {
			t.Error("the call is dead")
		}
		third.stream.Close()
	})
}
