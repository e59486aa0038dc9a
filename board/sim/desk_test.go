package sim

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tipring/board"
)

// agent is the agent's side of a port in these tests: it answers each frame
// read with the next frame of what it plays.
type agent struct {
	t     testing.TB
	line  board.Line
	play  chan []int16
	heard chan []int16 // all that was read, when it ends
}

func newAgent(t testing.TB, b *Board, port int) *agent {
	t.Helper()
	line, err := b.Line(port)
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, line: line, play: make(chan []int16, 8), heard: make(chan []int16, 1)}
	a.feed(board.FeedActive)
	return a
}

func (a *agent) feed(f board.Feed) {
	if err := a.line.SetFeed(f); err != nil {
		a.t.Error(err)
	}
}

// start turns the codec on and works it until the codec is off.
func (a *agent) start() {
	if err := a.line.SetAudio(true); err != nil {
		a.t.Error(err)
	}
	go func() {
		var pcm, heard []int16
		defer func() { a.heard <- heard }()
		var frame [board.FrameSamples]int16
		for {
			if err := a.line.ReadPCM(frame[:]); err != nil {
				return
			}
			heard = append(heard, frame[:]...)
			select {
			case pcm = <-a.play:
			default:
			}
			clear(frame[:])
			pcm = pcm[copy(frame[:], pcm):]
			if err := a.line.WritePCM(frame[:]); err != nil {
				return
			}
		}
	}()
}

// stop turns the codec off and gives what was read.
func (a *agent) stop() []int16 {
	if err := a.line.SetAudio(false); err != nil {
		a.t.Error(err)
	}
	return <-a.heard
}

// edges takes the edges that have come.
func (a *agent) edges() (all []board.HookEvent) {
	for {
		select {
		case e := <-a.line.Hook():
			all = append(all, e)
		default:
			return all
		}
	}
}

// desk runs a test in a bubble with one telephone on port 1.
func desk(t *testing.T, o Options, test func(t *testing.T, p *Phone, a *agent)) {
	synctest.Test(t, func(t *testing.T) {
		b := New(o)
		defer b.Close()
		test(t, b.Phone(1), newAgent(t, b, 1))
	})
}

func TestHearsDialToneAndWaits(t *testing.T) {
	tones := countries(t)["CN"]
	desk(t, Options{Tones: tones}, func(t *testing.T, p *Phone, a *agent) {
		if h := p.Hears(); h.Name != "silence" {
			t.Errorf("on the hook: %v", h)
		}
		p.Lift()
		a.start()
		time.Sleep(100 * time.Millisecond)
		begun := time.Now()
		a.play <- render(t, "450", -10, 40000)
		h, ok := p.Wait(context.Background(), "dial", 3*time.Second)
		if !ok || !h.Sure || h.String() != "dial 450 Hz -10.0 dBm0" {
			t.Fatalf("heard %v %v after %v", h, ok, time.Since(begun))
		}
		// The frame that is written at begun or a frame later plays at once.
		if d := h.Since.Sub(begun); d < 0 || d > 20*time.Millisecond {
			t.Errorf("dial tone since %v after it was played", d)
		}
		if took := time.Since(begun); took > 1200*time.Millisecond {
			t.Errorf("sure only after %v", took)
		}
		quiet := time.Now()
		a.play <- nil
		h, ok = p.Wait(context.Background(), "silence", time.Second)
		if d := h.Since.Sub(quiet); !ok || d < 0 || d > 20*time.Millisecond {
			t.Errorf("silence %v since %v", ok, d)
		}
		a.play <- render(t, "450/350,0/350", -10, 40000)
		if h, ok = p.Wait(context.Background(), "busy", 2*time.Second); !ok || h.Name != "busy" {
			t.Errorf("heard %v", h)
		}
		if _, ok = p.Wait(context.Background(), "congestion", 500*time.Millisecond); ok {
			t.Error("busy tone is taken for congestion tone")
		}
		a.stop()
		if h := p.Hears(); h.Name == "busy" && time.Since(h.Since) > 3*time.Second {
			t.Errorf("without audio: %v", h)
		}
		time.Sleep(time.Second)
		if h := p.Hears(); h.Name != "silence" {
			t.Errorf("a second without audio: %v", h)
		}
	})
}

// TestHearsOnlyTheLine: what is written without feed, or on the hook, is not heard.
func TestHearsOnlyTheLine(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		a.start()
		a.play <- render(t, "1004", -10, 16000)
		time.Sleep(300 * time.Millisecond)
		if h := p.Hears(); h.Name != "silence" {
			t.Errorf("on the hook: %v", h)
		}
		p.Lift()
		time.Sleep(200 * time.Millisecond)
		if h := p.Hears(); h.String() != "tone 1004 Hz -10.0 dBm0" {
			t.Errorf("lifted: %v", h)
		}
		a.feed(board.FeedOff)
		time.Sleep(200 * time.Millisecond)
		if h := p.Hears(); h.Name != "silence" {
			t.Errorf("without feed: %v", h)
		}
		a.stop()
	})
}

func TestWaitRing(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		start := time.Now()
		go func() {
			time.Sleep(300 * time.Millisecond)
			for range 2 {
				a.feed(board.FeedRinging)
				time.Sleep(time.Second)
				a.feed(board.FeedActive)
				time.Sleep(4 * time.Second)
			}
		}()
		h, ok := p.Wait(context.Background(), "ring", 5*time.Second)
		if !ok || h.Name != "ring" || h.Since.Sub(start) != 300*time.Millisecond || time.Since(start) != 300*time.Millisecond {
			t.Fatalf("%v %v since %v", h, ok, h.Since.Sub(start))
		}
		if h := p.Hears(); h.Name != "ring" {
			t.Errorf("hears %v", h)
		}
		time.Sleep(1500 * time.Millisecond)
		if h := p.Hears(); h.Name != "silence" {
			t.Errorf("in the pause: %v", h)
		}
		if _, ok := p.Wait(context.Background(), "ring", time.Second); ok {
			t.Error("rings in the pause")
		}
		time.Sleep(10 * time.Second)
		r := p.Rings()
		if len(r) != 2 || r[0].Length != time.Second || r[1].Start.Sub(r[0].Start) != 5*time.Second || r[0].Cycles() != BellHz {
			t.Errorf("rings %v", r)
		}
	})
}

// TestDigits measures what Dial puts on the line.
func TestDigits(t *testing.T) {
	const number = "0123456789*#ABCD"
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		p.Lift()
		a.start()
		start := time.Now()
		if err := p.Dial(number); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(start), 200*time.Millisecond*16-100*time.Millisecond; took != want {
			t.Errorf("dialled in %v, want %v", took, want)
		}
		time.Sleep(200 * time.Millisecond)
		pcm := a.stop()
		for i := range number {
			low, high, _ := dtmfPair(number[i])
			x := pcm[i*1600+8 : i*1600+792]
			for _, want := range []struct{ hz, level float64 }{{low, -9}, {high, -7}} {
				f := project(x, []float64{low, high})
				k := 0
				if want.hz == high {
					k = 1
				}
				if got := dBm0(f.amp[k] * f.amp[k] / 2); math.Abs(got-want.level) > 0.1 {
					t.Errorf("%c: %v Hz at %.2f dBm0, want %v", number[i], want.hz, got, want.level)
				}
				if f.explained < 0.999 {
					t.Errorf("%c is only %.4f pure", number[i], f.explained)
				}
			}
			if e := sumSquares(pcm[i*1600+800 : (i+1)*1600]); e != 0 {
				t.Errorf("after %c comes energy %d", number[i], e)
			}
		}
	})
}

func TestDialErrors(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		if err := p.Dial("1"); !errors.Is(err, ErrOnHook) {
			t.Errorf("on the hook: %v", err)
		}
		p.Lift()
		if err := p.Dial("12x"); err == nil || errors.Is(err, ErrOnHook) {
			t.Errorf("bad digit: %v", err)
		}
		go func() {
			time.Sleep(250 * time.Millisecond)
			p.Hangup()
		}()
		start := time.Now()
		if err := p.Dial("12345"); !errors.Is(err, ErrOnHook) || time.Since(start) != 250*time.Millisecond {
			t.Errorf("hung up in the middle: %v after %v", err, time.Since(start))
		}
		p.Lift()
		a.start()
		time.Sleep(500 * time.Millisecond)
		if e := sumSquares(a.stop()); e != 0 {
			t.Error("digits go on after the handset was put down and lifted again")
		}
		p.Hangup()
		p.Lift()
		start = time.Now()
		if err := p.Dial("9"); err != nil || time.Since(start) != 100*time.Millisecond {
			t.Errorf("the next call's digit: %v after %v", err, time.Since(start))
		}
	})
}

func TestPulses(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		p.Lift()
		time.Sleep(time.Second)
		a.edges()
		start := time.Now()
		if err := p.Pulse("20"); err != nil {
			t.Fatal(err)
		}
		all := a.edges()
		if len(all) != 24 {
			t.Fatalf("%d edges, want 24", len(all))
		}
		for i, e := range all {
			n := i / 2
			want := time.Duration(n) * 100 * time.Millisecond
			if n >= 2 {
				want += 760 * time.Millisecond
			}
			if i%2 == 1 {
				want += 60 * time.Millisecond
			}
			if e.OffHook != (i%2 == 1) || e.At.Sub(start) != want {
				t.Errorf("edge %d: off-hook=%v after %v, want %v", i, e.OffHook, e.At.Sub(start), want)
			}
		}
	})
}

func TestFlash(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		p.Lift()
		a.edges()
		for _, d := range []time.Duration{0, 270 * time.Millisecond} {
			p.Flash(d)
			if d == 0 {
				d = 100 * time.Millisecond
			}
			all := a.edges()
			if len(all) != 2 || all[0].OffHook || !all[1].OffHook || all[1].At.Sub(all[0].At) != d {
				t.Errorf("flash %v: %v", d, all)
			}
		}
	})
}

// TestDelay: the time of Tone's first sample, and Heard.Since at the other
// telephone, give the delay between them to the sample.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{Ports: []int{1, 2}})
		defer b.Close()
		one, two := newAgent(t, b, 1), newAgent(t, b, 2)
		b.Phone(1).Lift()
		b.Phone(2).Lift()
		for _, a := range []*agent{one, two} {
			if err := a.line.SetAudio(true); err != nil {
				t.Fatal(err)
			}
		}
		go func() { // a wire from 1 to 2, one frame long
			var frame [board.FrameSamples]int16
			for one.line.ReadPCM(frame[:]) == nil {
				if two.line.WritePCM(frame[:]) != nil {
					return
				}
				var back [board.FrameSamples]int16
				if two.line.ReadPCM(back[:]) != nil {
					return
				}
			}
		}()
		time.Sleep(123456 * time.Microsecond)
		start, err := b.Phone(1).Tone(1004, -16, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		h, ok := b.Phone(2).Wait(context.Background(), "tone 1004", time.Second)
		if !ok || h.String() != "tone 1004 Hz -16.0 dBm0" {
			t.Fatalf("heard %v", h)
		}
		if d := h.Since.Sub(start); d < 10*time.Millisecond-span(1) || d > 20*time.Millisecond+span(1) {
			t.Errorf("delay %v", d)
		}
	})
}

// TestHourOfPacing reads an hour with a clock that is 200 ppm wrong.
func TestHourOfPacing(t *testing.T) {
	length := time.Hour
	if testing.Short() {
		length = time.Minute
	}
	for _, ppm := range []float64{-200, 200} {
		desk(t, Options{ClockPPM: ppm}, func(t *testing.T, p *Phone, a *agent) {
			if err := a.line.SetAudio(true); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			var frame [board.FrameSamples]int16
			frames := 0
			for time.Since(start) < length {
				if err := a.line.ReadPCM(frame[:]); err != nil {
					t.Fatal(err)
				}
				if err := a.line.WritePCM(frame[:]); err != nil {
					t.Fatal(err)
				}
				frames++
			}
			want := length.Seconds() * 100 * (1 + ppm*1e-6)
			if math.Abs(float64(frames)-want) > 1 {
				t.Errorf("%v ppm: %d frames in %v, want %.1f", ppm, frames, length, want)
			}
			if c := p.Codec(); c.Gaps != 0 || c.Lost != 0 || c.Read != uint64(frames) || c.Written != uint64(frames) {
				t.Errorf("codec %+v", c)
			}
		})
	}
}

// TestGapsAndFloods: a frame too few is a hole that is heard and counted; who
// writes too much is held to the codec's pace.
func TestGapsAndFloods(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		if err := a.line.SetAudio(true); err != nil {
			t.Fatal(err)
		}
		var frame [board.FrameSamples]int16
		for i := range 20 {
			if err := a.line.ReadPCM(frame[:]); err != nil {
				t.Fatal(err)
			}
			if i == 10 {
				continue
			}
			if err := a.line.WritePCM(frame[:]); err != nil {
				t.Fatal(err)
			}
		}
		if c := p.Codec(); c.Gaps != 1 {
			t.Errorf("%d gaps, want 1", c.Gaps)
		}
		start := time.Now()
		for range 200 {
			before := time.Now()
			if err := a.line.WritePCM(frame[:]); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(before); d > board.FrameTime {
				t.Fatalf("WritePCM blocked for %v", d)
			}
		}
		if took := time.Since(start); took < 1800*time.Millisecond || took > 2*time.Second {
			t.Errorf("2 s of samples were written in %v", took)
		}
	})
}

func TestHybridLoss(t *testing.T) {
	for _, o := range []Options{
		{HybridLossDB: 6}, {HybridLossDB: 12}, {HybridLossDB: 20}, {HybridLossDB: 14, HybridInvert: true},
		{}, {HybridLossDB: 10, HybridDelay: 20 * time.Millisecond},
	} {
		desk(t, o, func(t *testing.T, p *Phone, a *agent) {
			p.Lift()
			a.start()
			a.play <- render(t, "1004", -10, 8000)
			time.Sleep(time.Second)
			pcm := a.stop()
			want := o.HybridLossDB
			if want == 0 {
				want = 12
			}
			f := project(pcm[2000:6000], []float64{1004})
			if got := -10 - f.level(); math.Abs(got-want) > 0.2 || f.explained < 0.99 {
				t.Errorf("%+v: loss %.2f dB (%.3f of the power), want %v", o, got, f.explained, want)
			}
			// An impulse shows sign and delay.
			a.start()
			x := make([]int16, 800)
			x[400] = 20000
			a.play <- x
			time.Sleep(400 * time.Millisecond)
			pcm = a.stop()
			at := 0
			for i, v := range pcm {
				if abs(v) > abs(pcm[at]) {
					at = i
				}
			}
			if negative := pcm[at] < 0; negative != o.HybridInvert {
				t.Errorf("%+v: echo of %d", o, pcm[at])
			}
			// The first write answers the first read: sample 400 is played as 480.
			if want := 480 + int(samples(o.HybridDelay)) + 1; at != want {
				t.Errorf("%+v: echo at sample %d, want %d", o, at, want)
			}
		})
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct {
		name   string
		lifted bool
	}{{"talking", true}, {"on hook", false}} {
		b.Run(c.name, func(b *testing.B) {
			bd := New(Options{})
			defer bd.Close()
			if c.lifted {
				bd.Phone(1).Lift()
			}
			l := bd.lines[1]
			l.feed = board.FeedActive
			l.on = true
			pcm := render(b, "1004", -10, 80)
			var frame [board.FrameSamples]int16
			b.ReportAllocs()
			for b.Loop() {
				l.mu.Lock()
				l.fill(frame[:], l.next)
				l.next += board.FrameSamples
				l.play(max(l.played, l.next), pcm)
				l.mu.Unlock()
			}
		})
	}
}
