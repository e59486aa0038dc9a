package gateway

import (
	"context"
	"errors"
	"time"

	"tipring/board"
	"tipring/fxs"
	"tipring/media"
	"tipring/media/dsp"
)

// voice is the port's voice path: the pump's goroutine, there only while the line has audio.
type voice struct {
	pump    *media.Pump
	program media.Program // as last given to the pump
	burst   *fxs.CallerIDBurst
	dsp     *dsp.Burst // burst, rendered
	running bool
	wanted  bool
	cancel  context.CancelFunc
	ended   chan struct{}
	retry   time.Time // the codec failed: not before
}

const voiceRetry = time.Second

// driveVoice gives the pump its program and starts or ends it.
func (p *port) driveVoice(now time.Time, out fxs.Output) {
	v := &p.voice
	if out.CallerID != v.burst {
		v.burst, v.dsp = out.CallerID, nil
		if out.CallerID != nil {
			v.dsp = callerIDBurst(out.CallerID)
		}
	}
	open := p.state == Talking || p.state == Holding
	prog := media.Program{Tone: p.set.plan.tones[out.Tone], Talk: open, Detect: out.Collect || open, Burst: v.dsp}
	if l := p.active; l != nil && l.open {
		prog.Streams[0] = l.stream
	}
	v.wanted = out.Audio || prog.Streams[0] != nil || prog.Tone != nil || prog.Burst != nil
	if !v.wanted {
		p.stopVoice()
		return
	}
	if v.pump == nil {
		v.pump = media.NewPump(func(e media.Event) { p.post(fromVoice{e}) })
	}
	if prog != v.program {
		v.program = prog
		v.pump.Set(prog)
	}
	if !v.running && !now.Before(v.retry) {
		p.startVoice(now)
	}
}

func (p *port) startVoice(now time.Time) {
	v := &p.voice
	v.retry = time.Time{}
	if err := p.hw.SetAudio(true); err != nil {
		p.log.Warn("codec does not start", "err", err)
		v.retry = now.Add(voiceRetry)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	v.running, v.cancel, v.ended = true, cancel, make(chan struct{})
	hw, pump, ended := p.hw, v.pump, v.ended
	go func() {
		err := pump.Run(ctx, hw)
		if cerr := hw.SetAudio(false); err == nil && !lineGone(cerr) {
			err = cerr
		}
		close(ended)
		p.post(voiceEnded{err})
	}()
}

// stopVoice tells the pump to go; it is gone within a frame and says so by voiceEnded.
func (p *port) stopVoice() {
	v := &p.voice
	v.wanted = false
	if v.running {
		v.cancel()
	}
}

func (p *port) voiceEnded(now time.Time, err error) {
	v := &p.voice
	v.cancel()
	v.running = false
	v.program = media.Program{}
	v.pump = nil // the next run starts with fresh detectors
	if err != nil && !errors.Is(err, context.Canceled) {
		p.log.Warn("voice path ended", "err", err)
		v.retry = now.Add(voiceRetry)
		if lineGone(err) && p.hw != nil {
			p.hardwareLost(now, board.ErrClosed)
		}
	}
}
