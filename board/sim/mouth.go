package sim

import (
	"math"

	"tipring/board"
)

// source is something that goes into the mouthpiece from sample from to
// sample to: up to two sines, or a recording.
type source struct {
	from, to int64
	wave     [2]wave
	pcm      []int16
}

// wave is a sine whose phase is a function of the sample number, so that any
// frame of it can be made at any time.
type wave struct {
	step uint32 // of a turn of 2^32, per sample
	amp  int32
}

func newWave(hz, dBm0 float64) wave {
	return wave{step: phaseStep(hz), amp: int32(amplitude(dBm0))}
}

// amplitude is the peak of a sine of a level: 32767 is +3.14 dBm0.
func amplitude(dBm0 float64) float64 {
	return min(32767*math.Pow(10, (dBm0-fullScale)/20), 32767)
}

const fullScale = 3.14 // dBm0 of a sine of peak 32767

// mouth is what the telephone sends.
type mouth struct{ sources []source }

func (m *mouth) add(s source) { m.sources = append(m.sources, s) }

// cut ends everything at sample i: the handset went down.
func (m *mouth) cut(i int64) {
	for k := range m.sources {
		m.sources[k].to = min(m.sources[k].to, i)
	}
}

// forget drops what ended before sample i.
func (m *mouth) forget(i int64) {
	kept := m.sources[:0]
	for _, s := range m.sources {
		if s.to > i {
			kept = append(kept, s)
		}
	}
	clear(m.sources[len(kept):])
	m.sources = kept
}

// mix adds the samples from number i on to acc.
func (m *mouth) mix(acc *[board.FrameSamples]int32, i int64) {
	for k := range m.sources {
		s := &m.sources[k]
		first, last := max(s.from-i, 0), min(s.to-i, board.FrameSamples)
		if first >= last {
			continue
		}
		if s.pcm != nil {
			pcm := s.pcm[i+first-s.from:]
			for n := first; n < last; n++ {
				acc[n] += int32(pcm[n-first])
			}
			continue
		}
		for _, w := range s.wave {
			if w.amp == 0 {
				continue
			}
			// The first sample is not the zero of the sine, so that it can be heard.
			phase := uint32(i+first-s.from+1) * w.step
			for n := first; n < last; n++ {
				acc[n] += fineSine(phase) * w.amp >> 15
				phase += w.step
			}
		}
	}
}

// The sine table: 1024 steps of a turn in Q15, one more for interpolation.
const sineBits = 10

var sineTable = func() (t [1<<sineBits + 1]int16) {
	for i := range t {
		t[i] = int16(math.Round(32767 * math.Sin(2*math.Pi*float64(i)/(1<<sineBits))))
	}
	return
}()

// phaseStep is the phase per sample of a frequency, a turn being 2^32.
func phaseStep(hz float64) uint32 { return uint32(int64(math.Round(hz / 8000 * (1 << 32)))) }

// sine is good to -50 dB, enough to measure with.
func sine(phase uint32) int32 {
	return int32(sineTable[(phase+1<<(31-sineBits))>>(32-sineBits)&(1<<sineBits-1)])
}

// fineSine interpolates, to speak with.
func fineSine(phase uint32) int32 {
	p := phase >> (32 - sineBits)
	a, b := int32(sineTable[p]), int32(sineTable[p+1])
	frac := int32(phase >> (32 - sineBits - 8) & 255)
	return a + (b-a)*frac>>8
}
