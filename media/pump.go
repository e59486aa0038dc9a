package media

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"

	"tipring/media/dsp"
)

// Program is a level: what the line's ear and the network must get from now on. Setting it twice changes nothing.
type Program struct {
	Tone    *dsp.Plan  // played until it is replaced; the same plan again goes on where it is. nil: no tone
	Streams [2]*Stream // joined with the line and, when both speak, with each other; nil: none
	Talk    bool       // microphone to the streams; without it they get silence, which keeps NATs and peers content
	Detect  bool       // report the line's DTMF as Digit events
	Burst   *dsp.Burst // a new pointer is played once, alone on the line; nil stops it
}

// ErrRunning is returned by Run when the pump runs already: a line has one voice path.
var ErrRunning = errors.New("media: the pump is running")

// Pump is the voice path of one line: each frame that the codec gives is one tick.
//
//	line.ReadPCM ─▶ detector ─▶ mute ─┬─▶ stream 0, 1: packets, telephone-events
//	                                  └──────┐ (each also hears the other)
//	line.WritePCM ◀── tone + stream 0 + stream 1, or a burst alone
type Pump struct {
	// LockThread gives the pump an operating system thread of its own, so that other goroutines cannot hold up the
	// voice. Set it before Run; lines on a desk in memory do not need it.
	LockThread bool

	notify  func(Event)
	program atomic.Pointer[Program]
	running atomic.Bool
	frames  atomic.Uint32
	digits  atomic.Uint32
	echoes  atomic.Uint32

	// What follows belongs to Run.
	taken    *Program
	streams  [2]*Stream
	plan     *dsp.Plan
	tone     dsp.ToneGen
	burst    *dsp.Burst // the last one begun; played once
	bursting bool
	player   dsp.BurstPlayer
	detector dsp.DTMFDetector
	deaf     bool // the detector is not listening
	digit    byte // the one that is keyed now; 0: none
	age      int  // ticks since the line heard a digit of ours
	farLevel int32

	mic, ear, mix [frameSamples]int16
	far           [2][frameSamples]int16
}

// NewPump makes the voice path of a line. Events are given to notify in the pump's goroutine; it must not block.
func NewPump(notify func(Event)) *Pump {
	p := &Pump{notify: notify, age: echoTail}
	if notify == nil {
		p.notify = func(Event) {}
	}
	p.program.Store(&Program{})
	return p
}

// Set puts a program in force with the next frame, from any goroutine.
func (p *Pump) Set(program Program) { p.program.Store(&program) }

// PumpStats is what a pump has done since it was made.
type PumpStats struct {
	Frames uint32 // of 10 ms
	Digits uint32 // keyed on the line
	Echoes uint32 // tones that were taken for our own echo
}

// Stats is a snapshot.
func (p *Pump) Stats() PumpStats {
	return PumpStats{p.frames.Load(), p.digits.Load(), p.echoes.Load()}
}

// Run pumps until ctx ends (nil) or the line gives no more audio (the line's error, unchanged). It may run again.
func (p *Pump) Run(ctx context.Context, line PCM) error {
	if !p.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer p.running.Store(false)
	if p.LockThread {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	p.begin()
	defer p.end()
	for ctx.Err() == nil {
		if err := p.tick(line); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

// begin forgets what the last run was in the middle of. The burst is remembered: it was played once.
func (p *Pump) begin() {
	p.taken, p.streams = nil, [2]*Stream{}
	p.plan = nil
	p.tone.Start(nil)
	p.digit, p.age, p.farLevel = 0, echoTail, 0
	p.detector.Reset()
}

// end closes what is open: a key that is down, digits that are being played.
func (p *Pump) end() {
	p.keyUp(0)
	for _, s := range p.streams {
		if s != nil {
			s.left(p.notify)
		}
	}
}

// tick does the work of one frame.
func (p *Pump) tick(line PCM) error {
	if err := line.ReadPCM(p.mic[:]); err != nil {
		return err
	}
	p.frames.Add(1)
	p.take()
	heard := [2]bool{}
	for i, s := range p.streams {
		if s != nil {
			heard[i] = s.receive(p.far[i][:], p.notify)
		}
		if !heard[i] {
			clear(p.far[i][:])
		}
	}
	p.listen()
	p.speak()
	p.sound()
	return line.WritePCM(p.ear[:])
}

// take puts in force what was set since the last frame.
func (p *Pump) take() {
	if set := p.program.Load(); set != p.taken {
		p.taken = set
		if set.Tone != p.plan {
			p.plan = set.Tone
			p.tone.Start(p.plan)
		}
		if set.Burst != p.burst {
			p.burst = set.Burst
			p.bursting = p.burst != nil
			p.player.Start(p.burst)
		}
	}
	was := p.streams
	p.streams = p.taken.Streams
	if p.streams[0] == p.streams[1] {
		p.streams[1] = nil // one call, named twice
	}
	for _, s := range was {
		if s != nil && s != p.streams[0] && s != p.streams[1] {
			s.left(p.notify)
		}
	}
	for _, s := range p.streams {
		if s == nil {
			continue
		}
		if s != was[0] && s != was[1] {
			s.joined()
		}
		s.take()
	}
}

// speak gives the streams the microphone and each the other.
func (p *Pump) speak() {
	if !p.taken.Talk {
		clear(p.mic[:])
	}
	a, b := p.streams[0], p.streams[1]
	if a != nil && b != nil {
		copy(p.mix[:], p.mic[:])
		dsp.Mix(p.mix[:], p.far[1][:])
		a.send(p.mix[:])
		dsp.Mix(p.mic[:], p.far[0][:])
		b.send(p.mic[:])
		return
	}
	for _, s := range p.streams {
		if s != nil {
			s.send(p.mic[:])
			return
		}
	}
}

// sound makes the frame for the line.
func (p *Pump) sound() {
	if p.bursting {
		if p.player.Fill(p.ear[:]) {
			return
		}
		p.bursting = false
		p.notify(BurstDone{})
	}
	p.tone.Fill(p.ear[:])
	dsp.Mix(p.ear[:], p.far[0][:])
	dsp.Mix(p.ear[:], p.far[1][:])
}
