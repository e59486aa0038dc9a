package dsp

import "time"

// Burst is a sequence of sounds that belong together, such as an alert, a pause and a caller's number. It never
// changes.
type Burst struct {
	segments []segment
}

// segment is one sound: a silence, two sines, or data.
type segment struct {
	touch touch // left is its length; without amplitude: silence
	fsk   *FSKMod
	p     *packet
}

func (b *Burst) pause(d time.Duration) {
	b.segments = append(b.segments, segment{touch: touch{left: samples(d)}})
}

// digits adds DTMF digits of 70 ms with 70 ms between them.
func (b *Burst) digits(s string) {
	low, high := int32(LevelDTMFLow.Amplitude()), int32(LevelDTMFHigh.Amplitude())
	for i := range len(s) {
		if i > 0 {
			b.pause(70 * time.Millisecond)
		}
		b.segments = append(b.segments, segment{touch: digitTouch(s[i], low, high, dtmfMinOn)})
	}
}

// alert adds the dual tone alerting signal DT-AS, which is the CAS of call waiting: 2130 and 2750 Hz.
func (b *Burst) alert(d time.Duration) {
	amp := int32((LevelAlert - share[2]).Amplitude())
	b.segments = append(b.segments, segment{touch: touch{
		step: [2]uint32{step(2130), step(2750)}, amp: [2]int32{amp, amp}, left: samples(d),
	}})
}

func (b *Burst) data(s Standard, p *packet) {
	b.segments = append(b.segments, segment{fsk: NewFSKMod(s, LevelFSK), p: p, touch: touch{left: p.samples()}})
}

// Duration is how long the burst takes.
func (b *Burst) Duration() time.Duration {
	n := 0
	for _, s := range b.segments {
		n += s.touch.left
	}
	return time.Duration(n) * time.Second / SampleRate
}

// BurstPlayer plays a Burst once. The zero value is silent.
type BurstPlayer struct {
	rest  []segment // the first one is being played
	begun bool
	touch touch
	fsk   FSKMod
}

// Start plays b from its beginning; nil stops at once.
func (p *BurstPlayer) Start(b *Burst) {
	*p = BurstPlayer{}
	if b != nil {
		p.rest = b.segments
	}
}

// Fill writes the next samples. It returns false, and writes silence, when there is nothing to play.
func (p *BurstPlayer) Fill(dst []int16) bool {
	if len(p.rest) == 0 {
		clear(dst)
		return false
	}
	for len(dst) > 0 && len(p.rest) > 0 {
		s := &p.rest[0]
		if !p.begun {
			p.begun, p.touch = true, s.touch
			if s.fsk != nil {
				p.fsk = *s.fsk
				p.fsk.send(s.p)
			}
		}
		n := 0
		switch {
		case s.fsk != nil:
			n = p.fsk.Fill(dst)
			p.touch.left -= n
		case p.touch.step[0] == 0:
			n = min(len(dst), p.touch.left)
			clear(dst[:n])
			p.touch.left -= n
		default:
			n = p.touch.fill(dst)
		}
		dst = dst[n:]
		if p.touch.left == 0 {
			p.rest, p.begun = p.rest[1:], false
		}
	}
	clear(dst)
	return true
}
