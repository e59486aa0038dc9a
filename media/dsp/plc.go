package dsp

import "math/bits"

// Lengths of the concealment, in samples.
const (
	plcMinLag  = 40  // 200 Hz, the shortest period looked for; higher voices are found at a multiple
	plcMaxLag  = 120 // 66 Hz
	plcWindow  = 160 // what is compared with itself a period ago
	plcHistory = plcWindow + plcMaxLag + plcMaxLag/4
	plcHold    = 80  // at full level
	plcFade    = 400 // then down to nothing: 60 ms in all
	plcBlend   = 32  // back to what was received, at least
)

// PLC hides lost frames of G.711 speech: it goes on with the last period of what was heard, and fades when that lasts.
// The idea is that of G.711 Appendix I, without its delay: the first made-up sample follows the last received one, and
// a step between them is spread over 4 ms. The zero value is ready.
//
// Every frame passes through either Good or Conceal, in the order of playing.
type PLC struct {
	history [plcHistory]int16 // of what was played, a ring
	pos     int

	lost  int // samples made up in this loss; 0: none
	cycle [plcMaxLag]int16
	lag   int // length of the cycle
	at    int // next sample of it
	step  int32
	peak  int32 // of the periods it is made of: what is made up is never louder
}

// Good takes a frame that came. After a loss its beginning is blended, in place, with what was made up.
func (p *PLC) Good(frame []int16) {
	if p.lost > 0 {
		p.rejoin(frame)
		p.lost = 0
	}
	p.remember(frame)
}

// Conceal makes up a frame that did not come. It returns false, and writes silence, when the loss lasts so long that
// nothing is left to go on with.
func (p *PLC) Conceal(frame []int16) bool {
	if p.lost == 0 {
		p.begin()
	}
	for i := range frame {
		frame[i] = p.next()
	}
	p.remember(frame)
	return p.lost < plcHold+plcFade
}

// Reset forgets all.
func (p *PLC) Reset() { *p = PLC{} }

func (p *PLC) remember(frame []int16) {
	if len(frame) > plcHistory {
		frame = frame[len(frame)-plcHistory:]
	}
	n := copy(p.history[p.pos:], frame)
	copy(p.history[:], frame[n:])
	if p.pos += len(frame); p.pos >= plcHistory {
		p.pos -= plcHistory
	}
}

// begin finds the period of what was heard and makes its last one a cycle that can be repeated: its end is blended into
// what came before its beginning.
func (p *PLC) begin() {
	var heard [plcHistory]int16 // oldest first
	n := copy(heard[:], p.history[p.pos:])
	copy(heard[n:], p.history[:p.pos])

	p.lag, p.at = period(&heard), 0
	last := heard[plcHistory-p.lag:]
	before := heard[plcHistory-2*p.lag : plcHistory-p.lag]
	copy(p.cycle[:], last)
	blend := p.lag / 4
	for i := range blend {
		j := p.lag - blend + i
		w := int32(i+1) * 32768 / int32(blend)
		p.cycle[j] = mean(last[j], before[j], w)
	}
	p.step = int32(last[p.lag-1]) - int32(before[p.lag-1])
	p.peak = 0
	for _, v := range heard[plcHistory-2*p.lag:] {
		p.peak = max(p.peak, int32(v), -int32(v))
	}
}

// mean is a mean of a and b in which b has the weight w of 32768.
func mean(a, b int16, w int32) int16 {
	return int16((int64(a)*int64(32768-w) + int64(b)*int64(w)) >> 15)
}

// next makes up one sample.
func (p *PLC) next() int16 {
	v := int32(p.cycle[p.at])
	if p.at++; p.at == p.lag {
		p.at = 0
	}
	if p.lost < plcBlend {
		// Where two periods contradict each other, after a leap of phase, the step is as large as the sound itself.
		v = min(max(v+p.step*int32(plcBlend-p.lost)/plcBlend, -p.peak), p.peak)
	} else if p.lost > plcHold {
		v = v * int32(max(plcHold+plcFade-p.lost, 0)) / plcFade
	}
	p.lost++
	return saturate(v)
}

// rejoin goes over from what was made up to what came; the longer the loss, the less they agree and the slower it goes.
func (p *PLC) rejoin(frame []int16) {
	n := min(plcBlend+p.lost/5, FrameSamples, len(frame))
	for i := range n {
		frame[i] = mean(p.next(), frame[i], int32(i+1)*32768/int32(n))
	}
}

// period is the lag at which the last 20 ms are most like what was before them: the normalised cross-correlation, first
// of every other sample, then of all around the best.
func period(heard *[plcHistory]int16) int {
	var peak int32
	for _, v := range heard {
		peak |= int32(v) ^ int32(v)>>15
	}
	shift := max(bits.Len32(uint32(peak))-11, 0)
	var x [plcHistory]int32 // of 11 bits: a sum of 160 products fits
	for i, v := range heard {
		x[i] = int32(v) >> shift
	}
	best, score := plcMaxLag, uint64(0)
	for lag := plcMinLag; lag <= plcMaxLag; lag++ {
		if s := likeness(&x, lag, 2); s > score {
			best, score = lag, s
		}
	}
	if score == 0 {
		return plcMaxLag
	}
	coarse := best
	score = likeness(&x, best, 1)
	for _, lag := range [2]int{coarse - 1, coarse + 1} {
		if lag < plcMinLag || lag > plcMaxLag {
			continue
		}
		if s := likeness(&x, lag, 1); s > score {
			best, score = lag, s
		}
	}
	return best
}

// likeness is the square of the correlation of the last window with the one a lag before, over the energy of the
// latter; 0 when they are unlike.
func likeness(x *[plcHistory]int32, lag, stride int) uint64 {
	var corr, energy int32
	now := x[plcHistory-plcWindow:]
	then := x[plcHistory-plcWindow-lag:]
	then = then[:len(now)]
	for i := 0; i < len(now); i += stride {
		corr += now[i] * then[i]
		energy += then[i] * then[i]
	}
	if corr <= 0 || energy <= 0 {
		return 0
	}
	return uint64(corr) * uint64(corr) / uint64(energy)
}
