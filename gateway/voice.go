package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tipring/board"
	"tipring/fxs"
	"tipring/media"
	"tipring/media/dsp"
)

// voice is the port's voice path: the codec's goroutine, there only while the line has audio.
type voice struct {
	pump    *media.Pump
	program media.Program // as last given to the pump
	burst   *fxs.CallerIDBurst
	dsp     *dsp.Burst // burst, rendered
	wanted  bool
	running bool
	cancel  context.CancelFunc
	ended   chan struct{}
	retry   time.Time // the voice path failed: not before
	suspect bool      // the codec failed: the line is at fault until it gives samples again
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
	v.wanted = out.Audio || prog.Streams[0] != nil || prog.Burst != nil
	if !v.wanted {
		p.stopVoice()
		return
	}
	if !v.running && !now.Before(v.retry) {
		v.pump = media.NewPump(func(e media.Event) { p.post(fromVoice{e}) })
		v.program = media.Program{}
		p.runCodec(v.pump.Run)
	}
	if v.pump != nil && prog != v.program {
		v.program = prog
		v.pump.Set(prog)
	}
}

// runCodec turns the codec on and gives it to run, in a goroutine that ends with run and reports voiceEnded.
func (p *port) runCodec(run func(context.Context, media.PCM) error) {
	v, hw := &p.voice, p.hw
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	v.running, v.cancel, v.ended, v.retry = true, cancel, ended, time.Time{}
	p.gw.wg.Go(func() {
		err := errors.Join(guarded(func() error {
			if err := hw.SetAudio(true); err != nil {
				return err
			}
			return run(ctx, hw)
		}), hw.SetAudio(false))
		close(ended)
		p.post(voiceEnded{err})
	})
}

var errVoice = errors.New("fault in the voice path")

// guarded makes an error of a fault in the voice path, so that it costs this port's call at most.
func guarded(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", errVoice, r, debug.Stack())
		}
	}()
	return run()
}

// probe asks a codec that failed for one frame.
func (p *port) probe(now time.Time) {
	if p.voice.running { // it is still leaving
		p.retryHW = now.Add(hardwareRetry)
		return
	}
	p.runCodec(func(_ context.Context, hw media.PCM) error { return hw.ReadPCM(make([]int16, board.FrameSamples)) })
}

// stopVoice tells the pump to go; it is gone within a frame and says so by voiceEnded.
func (p *port) stopVoice() {
	v := &p.voice
	v.wanted = false
	if v.running {
		v.cancel()
	}
}

// deadline is when a voice path that failed is tried again.
func (v *voice) deadline() time.Time {
	if v.running || !v.wanted {
		return time.Time{}
	}
	return v.retry
}

func (p *port) voiceEnded(now time.Time, err error) {
	v := &p.voice
	v.cancel()
	v.running = false
	pump := v.pump
	v.pump = nil // the next run starts with fresh detectors
	switch {
	case v.suspect:
		if err != nil {
			p.retryHW = now.Add(hardwareRetry)
			return
		}
		v.suspect = false
		p.openHardware(now)
	case err == nil:
	case errors.Is(err, board.ErrStalled) && pump.Stats().Frames > 0:
		p.log.Warn("codec stopped, it is started again", "err", err)
	case errors.Is(err, errVoice):
		p.log.Error("voice path ended", "err", err)
		v.retry = now.Add(voiceRetry)
	default:
		v.suspect = true
		p.hardwareLost(now, err)
	}
}

func (p *port) voiceEvent(now time.Time, e media.Event) {
	switch e := e.(type) {
	case media.Digit:
		if e.On {
			p.line.Digit(now, e.Digit)
		}
	case media.FirstPacket:
		if l := p.active; l != nil && l.stream == e.Stream {
			l.heard = true
			p.take(now, evHeard, "")
		}
	case media.MediaTimeout:
		if l := p.active; l != nil && l.stream == e.Stream && p.state == Talking {
			l.call.Hangup()
			p.over(now, 0, fxs.ToneBusy, "no audio from the far end", false)
		}
	}
}
