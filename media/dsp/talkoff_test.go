package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// talker makes speech-like sound: a glottal pulse train with a moving pitch through moving formants, fricatives, pauses,
// at a level of about -15 dBm0. It is nastier than speech for a DTMF detector: vowels are long and pitch rests for
// tens of milliseconds, so that pairs of harmonics stand still where digits are.
type talker struct {
	rng      *rand.Rand
	phase    float64
	pitch    float64
	toPitch  float64
	formants [4]resonator
	left     int // samples of this sound
	kind     int // 0 pause, 1 vowel, 2 fricative
	level    float64
}

type resonator struct{ hz, to, width, y1, y2, a1, a2, gain float64 }

func (r *resonator) tune() {
	rad := math.Exp(-math.Pi * r.width / 8000)
	r.a1, r.a2 = 2*rad*math.Cos(2*math.Pi*r.hz/8000), -rad*rad
	r.gain = 1 - rad
}

func (r *resonator) next(x float64) float64 {
	y := r.gain*x + r.a1*r.y1 + r.a2*r.y2
	r.y1, r.y2 = y, r.y1
	return y
}

func (tk *talker) fill(frame []int16) {
	between := func(a, b float64) float64 { return a + (b-a)*tk.rng.Float64() }
	if tk.left <= 0 {
		tk.kind = []int{0, 1, 1, 1, 1, 2}[tk.rng.IntN(6)]
		tk.left = int(between(40, 300) * 8)
		tk.level = amplitudeOf(between(-24, -6))
		tk.toPitch = between(80, 400)
		ranges := [4][2]float64{{250, 900}, {800, 2300}, {1800, 3000}, {3000, 3700}}
		for i := range tk.formants {
			f := &tk.formants[i]
			f.to, f.width = between(ranges[i][0], ranges[i][1]), between(30, 150)
			if f.hz == 0 {
				f.hz = f.to
			}
		}
		if tk.rng.IntN(3) == 0 { // sung: stands still at once
			tk.pitch = tk.toPitch
			for i := range tk.formants {
				tk.formants[i].hz = tk.formants[i].to
			}
		}
	}
	tk.left -= len(frame)
	tk.pitch += (tk.toPitch - tk.pitch) * 0.1
	for i := range tk.formants {
		f := &tk.formants[i]
		f.hz += (f.to - f.hz) * 0.15
		f.tune()
	}
	for i := range frame {
		x := 0.0
		switch tk.kind {
		case 1:
			if tk.phase += tk.pitch / 8000; tk.phase >= 1 {
				tk.phase--
				x = 12
			}
			x += 0.05 * tk.rng.NormFloat64()
		case 2:
			x = tk.rng.NormFloat64()
		}
		y := 0.0
		for k := range tk.formants {
			y += tk.formants[k].next(x) * [4]float64{1, 0.8, 0.5, 0.3}[k]
		}
		frame[i] = int16(min(max(y*tk.level*2, -32768), 32767))
	}
}

func TestTalkOff(t *testing.T) {
	minutes := 10
	if testing.Short() {
		minutes = 1
	}
	tk := talker{rng: newRand(21)}
	var d DTMFDetector
	var m Meter
	frame := make([]int16, FrameSamples)
	digits, muted, frames := 0, 0, minutes*6000
	for range frames {
		tk.fill(frame)
		m.Add(frame)
		if e, ok := d.Process(frame); ok && e.On {
			digits++
		}
		if d.Candidate() {
			muted++
		}
	}
	t.Logf("%d minutes at %v: %d false digits, %.2f %% of frames muted as candidates", minutes, m.Level(), digits, 100*float64(muted)/float64(frames))
	if digits > minutes/10 {
		t.Errorf("%d false digits in %d minutes", digits, minutes)
	}
	if float64(muted) > 0.01*float64(frames) {
		t.Errorf("%d of %d frames of speech muted", muted, frames)
	}
}

// Other sounds of a telephone line that are no digits.
func TestSignalsThatAreNoDigits(t *testing.T) {
	rng := newRand(22)
	second := func() sound { return silence(3000) }
	sweep := second()
	for i := range sweep {
		hz := 300 + 3200*float64(i)/float64(len(sweep))
		sweep[i] = amplitudeOf(-10) * math.Sin(2*math.Pi*(300*float64(i)+(hz-300)*float64(i)/2)/8000)
	}
	fsk := func(std Standard) sound {
		data := make([]byte, 300)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f := NewFSKMod(std, -100)
		f.Send(300, 180, data, 10)
		return toFloat(play(func(b []int16) bool { return f.Fill(b) > 0 }, 23000))
	}
	cases := map[string]sound{
		"white noise":     second().noise(rng, -10),
		"sweep":           sweep,
		"fax CNG":         second().sine(0, 24000, 1100, -10, 0),
		"fax CED":         second().sine(0, 24000, 2100, -10, 0),
		"1004 Hz":         second().sine(0, 24000, 1004, 0, 0),
		"busy 480+620":    second().sine(0, 24000, 480, -13, 0).sine(0, 24000, 620, -13, 1),
		"ringback":        second().sine(0, 24000, 440, -13, 0).sine(0, 24000, 480, -13, 1),
		"howler":          second().sine(0, 24000, 1400, -9, 0).sine(0, 24000, 2060, -9, 1).sine(0, 24000, 2450, -9, 2).sine(0, 24000, 2600, -9, 3),
		"DT-AS":           second().sine(0, 24000, 2130, -10, 0).sine(0, 24000, 2750, -10, 0),
		"three tones":     second().sine(0, 24000, 697, -10, 0).sine(0, 24000, 1209, -10, 0).sine(0, 24000, 941, -10, 0),
		"harmonics of 88": second().sine(0, 24000, 697, -16, 0).sine(0, 24000, 697*2, -10, 0),
		"Bell 202":        fsk(Bell202),
		"V.23":            fsk(V23),
		"alias of 1209":   second().sine(0, 24000, 697, -10, 0).sine(0, 24000, 4000-1209, -10, 0),
	}
	for name, s := range cases {
		if h := listen(new(DTMFDetector), s.pcm()); h.digits != "" {
			t.Errorf("%s: heard %q", name, h.digits)
		}
	}
}
