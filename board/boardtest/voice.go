package boardtest

import (
	"errors"
	"math"
	"sync"
	"time"

	"tipring/board"
)

func noAudio(d *desk) {
	frame := make([]int16, board.FrameSamples)
	if err := d.line.ReadPCM(frame); !errors.Is(err, board.ErrNoAudio) {
		d.Errorf("ReadPCM before SetAudio: %v, want ErrNoAudio", err)
	}
	if err := d.line.WritePCM(frame); !errors.Is(err, board.ErrNoAudio) {
		d.Errorf("WritePCM before SetAudio: %v, want ErrNoAudio", err)
	}
	d.talkable()
	d.must("SetAudio again", d.line.SetAudio(true))
	d.must("ReadPCM", d.line.ReadPCM(frame))

	// A reader that waits is woken.
	woken := make(chan error)
	go func() {
		for {
			if err := d.line.ReadPCM(frame); err != nil {
				woken <- err
				return
			}
		}
	}()
	time.Sleep(25 * time.Millisecond)
	d.must("SetAudio off", d.line.SetAudio(false))
	if err := <-woken; !errors.Is(err, board.ErrNoAudio) {
		d.Errorf("reader woken with %v, want ErrNoAudio", err)
	}
	d.must("SetAudio on", d.line.SetAudio(true))
	d.must("ReadPCM after a pause", d.line.ReadPCM(frame))
}

func pacing(d *desk) {
	d.talkable()
	frame := make([]int16, board.FrameSamples)
	start := time.Now()
	const frames = 100
	for n := 1; n <= frames; n++ {
		d.must("ReadPCM", d.line.ReadPCM(frame))
		d.must("WritePCM", d.line.WritePCM(frame))
		due := time.Duration(float64(n*int(board.FrameTime)) / (1 + d.ClockPPM*1e-6))
		switch took := time.Since(start); {
		case d.virtual && (took > due+time.Microsecond || took < due-125*time.Microsecond):
			d.Fatalf("frame %d after %v, want %v", n, took, due)
		case took < due-3*board.FrameTime:
			d.Fatalf("frame %d after only %v", n, took)
		}
	}
}

func lateReader(d *desk) {
	d.talkable()
	frame := make([]int16, board.FrameSamples)
	d.must("ReadPCM", d.line.ReadPCM(frame))
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	for range 4 { // are there already
		d.must("ReadPCM", d.line.ReadPCM(frame))
	}
	if took := time.Since(start); d.virtual && took != 0 {
		d.Errorf("frames that were missed took %v more", took)
	}
	// Much too late: what the buffer holds, and not all of it.
	time.Sleep(time.Second)
	start = time.Now()
	n := 0
	for ; time.Since(start) < board.FrameTime/2 && n < 400; n++ {
		d.must("ReadPCM", d.line.ReadPCM(frame))
	}
	if n > 60 {
		d.Errorf("%d frames in a burst after a pause of 1 s", n)
	}
	d.must("ReadPCM", d.line.ReadPCM(frame))
}

func fromMouth(d *desk) {
	d.talkable()
	frame := make([]int16, board.FrameSamples)
	d.must("ReadPCM", d.line.ReadPCM(frame))
	d.Speak(d.port, sine(1000, 8000, 8000))
	var got []int16
	for range 60 {
		d.must("ReadPCM", d.line.ReadPCM(frame))
		d.must("WritePCM", d.line.WritePCM(make([]int16, board.FrameSamples)))
		got = append(got, frame...)
	}
	d.whole("the reader's", got[1600:], 1000, 8000)
}

func toEar(d *desk) {
	d.talkable()
	stop := d.pump(sine(800, 8000, 24000))
	time.Sleep(100 * time.Millisecond)
	got := d.Listen(d.port, 4000)
	stop()
	d.whole("the ear's", got, 800, 8000)
	d.must("SetAudio", d.line.SetAudio(false))
	time.Sleep(50 * time.Millisecond)
	if e := power(d.Listen(d.port, 400)); e > 100 {
		d.Errorf("mean square %.0f at the ear without audio, want silence", e)
	}
}

func duplex(d *desk) {
	d.talkable()
	d.Speak(d.port, sine(1700, 6000, 16000))
	stop := d.pump(sine(500, 8000, 24000))
	time.Sleep(100 * time.Millisecond)
	heard := d.Listen(d.port, 4000)
	sent := stop()
	d.whole("the ear's", heard, 500, 8000)
	// The reader gets the mouth and some echo.
	if n := len(sent); n < 4000 {
		d.Fatalf("read only %d samples", n)
	}
	sent = sent[len(sent)-3200:]
	if a := amplitude(sent, 1700); math.Abs(20*math.Log10(a/6000)) > 1.5 {
		d.Errorf("mouth arrives with amplitude %.0f, want 6000", a)
	}
	if a := amplitude(sent, 500); a > 8000*0.6 {
		d.Errorf("echo of amplitude %.0f for 8000", a)
	}
}

func stalled(d *desk) {
	if d.Stall == nil {
		d.Skip("nothing can stall this codec")
	}
	d.talkable()
	frame := make([]int16, board.FrameSamples)
	d.must("ReadPCM", d.line.ReadPCM(frame))
	d.Stall(d.port, true)
	start := time.Now()
	var err error
	for range 50 { // what was on its way still comes
		if err = d.line.ReadPCM(frame); err != nil {
			break
		}
	}
	if !errors.Is(err, board.ErrStalled) {
		d.Fatalf("ReadPCM: %v, want ErrStalled", err)
	}
	if took := time.Since(start); took < board.StallTime {
		d.Errorf("ErrStalled after %v, want %v", took, board.StallTime)
	}
	d.Stall(d.port, false)
	d.must("ReadPCM after the stall", d.line.ReadPCM(frame))
}

func closeWakes(d *desk) {
	d.talkable()
	var inside sync.WaitGroup
	left := make(chan error, 2)
	inside.Go(func() {
		frame := make([]int16, board.FrameSamples)
		for {
			err := d.line.ReadPCM(frame)
			if err == nil {
				err = d.line.WritePCM(frame)
			}
			if err != nil {
				left <- err
				return
			}
		}
	})
	inside.Go(func() {
		for range d.line.Hook() {
		}
		left <- board.ErrClosed
	})
	time.Sleep(35 * time.Millisecond)
	d.must("Close", d.line.Close())
	inside.Wait()
	for range 2 {
		if err := <-left; !errors.Is(err, board.ErrClosed) {
			d.Errorf("left with %v, want ErrClosed", err)
		}
	}
}

// pump plays pcm in step with the frames that it reads, until stop, which gives
// what was read.
func (d *desk) pump(pcm []int16) (stop func() []int16) {
	quit, done := make(chan struct{}), make(chan []int16, 1)
	go func() {
		var got []int16
		defer func() { done <- got }()
		frame := make([]int16, board.FrameSamples)
		for {
			select {
			case <-quit:
				return
			default:
			}
			if err := d.line.ReadPCM(frame); err != nil {
				d.Errorf("ReadPCM: %v", err)
				return
			}
			got = append(got, frame...)
			clear(frame)
			pcm = pcm[copy(frame, pcm):]
			if err := d.line.WritePCM(frame); err != nil {
				d.Errorf("WritePCM: %v", err)
				return
			}
		}
	}()
	return func() []int16 { close(quit); return <-done }
}

// whole fails unless pcm is a sine without a hole or a jump: a sample too few
// or too many turns its phase and takes power out of the line.
func (d *desk) whole(whose string, pcm []int16, hz, amp float64) {
	d.Helper()
	a := amplitude(pcm, hz)
	if math.Abs(20*math.Log10(a/amp)) > 1 {
		d.Errorf("%s tone has amplitude %.0f, want %.0f", whose, a, amp)
	}
	if share := a * a / 2 / max(power(pcm), 1); share < 0.97 {
		d.Errorf("%s tone holds %.1f %% of the power: samples are lost or repeated", whose, 100*share)
	}
}

func sine(hz, amp float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amp * math.Sin(2*math.Pi*hz*float64(i)/8000)))
	}
	return pcm
}

func amplitude(pcm []int16, hz float64) float64 {
	var c, s float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / 8000)
		c += float64(v) * cos
		s += float64(v) * sin
	}
	return 2 * math.Hypot(c, s) / float64(len(pcm))
}

func power(pcm []int16) float64 {
	var e float64
	for _, v := range pcm {
		e += float64(v) * float64(v)
	}
	return e / float64(max(len(pcm), 1))
}
