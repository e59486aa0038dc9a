package media

import "tipring/media/dsp"

const (
	holdMute  = 2  // ticks for which the microphone stays muted behind a digit
	echoTail  = 12 // ticks after a digit of ours in which the line's echo may still sound like one
	echoDecay = 4  // the memory of the far end's level loses a sixteenth each tick
)

// listen looks for digits in the microphone and turns them into events.
func (p *Pump) listen() {
	outOfBand := false
	for _, s := range p.streams {
		outOfBand = outOfBand || s != nil && p.taken.Talk && s.sendsEvents()
	}
	if !p.taken.Detect && !outOfBand {
		p.keyUp(0)
		p.deaf = true
		return
	}
	if p.deaf {
		p.deaf = false
		p.detector.Reset() // what it heard last is long ago
	}
	p.levels()
	d, changed := p.detector.Process(p.mic[:])
	switch {
	case !outOfBand:
	case p.digit != 0:
		p.hush(1 + holdMute)
	case p.detector.Candidate():
		p.hush(1) // if it comes to nothing, that was a hole of a frame or two
	}
	switch {
	case changed && d.On:
		if p.echo() {
			p.echoes.Add(1)
			return
		}
		p.keyDown(d)
	case changed:
		p.keyUp(p.since(d))
	}
}

// since is how many samples ago, from the end of this frame, a digit began or ended.
func (p *Pump) since(d dsp.DTMF) int { return int(p.detector.Samples() - d.At) }

func (p *Pump) keyDown(d dsp.DTMF) {
	p.keyUp(p.since(d))
	p.digit = d.Digit
	p.digits.Add(1)
	for _, s := range p.streams {
		if s != nil && p.taken.Talk && s.sendsEvents() {
			s.press(d.Digit, volume(d.Level), p.since(d))
		}
	}
	p.hush(1 + holdMute)
	if p.taken.Detect {
		p.notify(Digit{Digit: d.Digit, On: true})
	}
}

func (p *Pump) keyUp(age int) {
	if p.digit == 0 {
		return
	}
	for _, s := range p.streams {
		if s != nil {
			s.release(age)
		}
	}
	digit := p.digit
	p.digit = 0
	if p.taken.Detect {
		p.notify(Digit{Digit: digit})
	}
}

// hush keeps the tone out of the sound of the streams that send digits as events, from this frame on.
func (p *Pump) hush(ticks int) {
	for _, s := range p.streams {
		if s != nil && s.sendsEvents() {
			s.mute(ticks)
		}
	}
}

// levels keeps what echo needs: how loud the far end was on the line lately, and when we played a digit.
func (p *Pump) levels() {
	p.farLevel -= p.farLevel >> echoDecay
	p.age = min(p.age+1, echoTail)
	for i, s := range p.streams {
		if s == nil {
			continue
		}
		p.farLevel = max(p.farLevel, magnitude(p.far[i][:]))
		if s.in.digit != 0 {
			p.age = 0
		}
	}
}

// echo tells a digit that the line's hybrid gives back from one that was keyed: the far end plays digits too, as
// events or in band, and must not get them returned. A hybrid loses at least 6 dB (ITU-T G.168).
func (p *Pump) echo() bool {
	return p.age < echoTail || 2*magnitude(p.mic[:]) < p.farLevel
}
