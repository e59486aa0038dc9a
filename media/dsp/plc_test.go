package dsp

import (
	"math"
	"testing"
)

// lose runs a signal through the concealment with the given frames lost.
func lose(pcm []int16, lost func(frame int) bool) []int16 {
	out := append([]int16(nil), pcm...)
	var p PLC
	for i := 0; i+FrameSamples <= len(out); i += FrameSamples {
		f := out[i : i+FrameSamples]
		if lost(i / FrameSamples) {
			p.Conceal(f)
		} else {
			p.Good(f)
		}
	}
	return out
}

// snr of what was heard against what was sent, in dB.
func snr(sent, got []int16) float64 {
	var s, n float64
	for i := range sent {
		d := float64(sent[i]) - float64(got[i])
		s += float64(sent[i]) * float64(sent[i])
		n += d * d
	}
	return 10 * math.Log10(s/max(n, 1e-9))
}

// voice is a steady vowel: harmonics of 128 Hz under two formants.
func vowel(ms float64) sound {
	s := silence(ms)
	for k := 1.0; k*128 < 3600; k++ {
		f := k * 128
		level := -14 - 12*math.Abs(math.Log2(f/600)) + 8*math.Exp(-math.Pow((f-1700)/300, 2))
		s.sine(0, len(s), f, level, k*k)
	}
	return s
}

func TestPLCPassesGoodFramesUntouched(t *testing.T) {
	pcm := vowel(200).pcm()
	got := lose(pcm, func(int) bool { return false })
	for i := range pcm {
		if pcm[i] != got[i] {
			t.Fatalf("sample %d changed from %d to %d", i, pcm[i], got[i])
		}
	}
}

func TestPLCConcealsPeriodicSignals(t *testing.T) {
	cases := []struct {
		name   string
		signal sound
		snr    float64 // at least, over the lost frame
	}{
		{"vowel with a period of 62.5 samples", vowel(400), 5},
		{"440 Hz", silence(400).sine(0, 3200, 440, -10, 0), 15},
		{"1004 Hz", silence(400).sine(0, 3200, 1004, -10, 0), 12},
		{"350+440 Hz", silence(400).sine(0, 3200, 350, -13, 0).sine(0, 3200, 440, -13, 1), 5},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pcm := c.signal.pcm()
			got := lose(pcm, func(f int) bool { return f == 20 })
			gap, after := pcm[1600:1680], pcm[1680:1760]
			made, rejoined := snr(gap, got[1600:1680]), snr(after, got[1680:1760])
			t.Logf("lost frame %.1f dB, frame after %.1f dB", made, rejoined)
			if made < c.snr {
				t.Errorf("lost frame has an SNR of %.1f dB, want %.1f", made, c.snr)
			}
			for i := 1760; i < len(pcm); i++ {
				if got[i] != pcm[i] {
					t.Fatalf("sample %d, a frame after the loss, still differs", i)
				}
			}
		})
	}
}

// A click is a jump in the second difference that the signal itself does not have.
func TestPLCMakesNoClicks(t *testing.T) {
	rng := newRand(3)
	pcm := silence(20000).sine(0, 160000, 440, -10, 0).pcm()
	var lost [2000]bool
	for i := range lost {
		lost[i] = rng.Float64() < 0.05
	}
	got := lose(pcm, func(f int) bool { return lost[f] })
	curve := func(x []int16) (worst float64) {
		for i := 2; i < len(x); i++ {
			worst = max(worst, math.Abs(float64(x[i])-2*float64(x[i-1])+float64(x[i-2])))
		}
		return worst
	}
	sent, heard := curve(pcm), curve(got)
	excess := 20 * math.Log10(max(heard-sent, 1)/32768)
	t.Logf("greatest second difference: sent %.0f, heard %.0f, excess %.1f dBFS", sent, heard, excess)
	if excess > -40 {
		t.Errorf("clicks of %.1f dBFS, want -40 at most", excess)
	}
}

// After a leap of phase (a late packet, a buffer that was cut) no period agrees with the one before it, and the step that
// is to be hidden is as large as the sound: it must not be added on top of it.
func TestPLCIsNeverLouderThanWhatWasHeard(t *testing.T) {
	const peak = 10000
	for _, hz := range []float64{90, 210, 440, 1000, 1900} {
		for leap := range 12 {
			for at := 1; at < 2*FrameSamples; at += 13 { // samples between the leap and the loss
				var p PLC
				frame := make([]int16, FrameSamples)
				for f := range 6 {
					for i := range frame {
						k := f*FrameSamples + i
						x := 2 * math.Pi * hz * float64(k) / 8000
						if k >= 6*FrameSamples-at {
							x += 2 * math.Pi * float64(leap) / 12
						}
						frame[i] = int16(math.Round(peak * math.Sin(x)))
					}
					p.Good(frame)
				}
				for range 2 {
					p.Conceal(frame)
					for i, v := range frame {
						if v > peak || v < -peak {
							t.Fatalf("%v Hz, leap of %d/12 %d samples ago: sample %d is %d", hz, leap, at, i, v)
						}
					}
				}
			}
		}
	}
}

func TestPLCFadesToSilence(t *testing.T) {
	pcm := vowel(400).pcm()
	got := lose(pcm, func(f int) bool { return f >= 20 && f < 30 })
	want := toFloat(pcm[1600:1680]).level()
	levels := make([]float64, 10)
	for i := range levels {
		levels[i] = toFloat(got[1600+80*i:1680+80*i]).level() - want
	}
	if math.Abs(levels[0]) > 1.5 {
		t.Errorf("first lost frame at %+.1f dB, want the level of the speech", levels[0])
	}
	for i := 1; i < 10; i++ {
		if levels[i] > levels[i-1]+0.5 {
			t.Errorf("level grows from frame %d (%.1f dB) to %d (%.1f dB)", i-1, levels[i-1], i, levels[i])
		}
	}
	for i, v := range got[1600+480 : 2400] {
		if v != 0 {
			t.Fatalf("sample %d is %d after 60 ms", i, v)
		}
	}
}

func TestPLCOfSilenceAndNoise(t *testing.T) {
	var p PLC
	frame := make([]int16, FrameSamples)
	p.Conceal(frame) // before anything came
	for _, v := range frame {
		if v != 0 {
			t.Fatal("sound out of nothing")
		}
	}
	pcm := silence(400).noise(newRand(4), -20).pcm()
	got := lose(pcm, func(f int) bool { return f%4 == 3 })
	if l := toFloat(got).level(); math.Abs(l+20) > 1 {
		t.Errorf("noise of -20 dBm0 with a quarter made up has %.1f dBm0", l)
	}
	loud := make([]int16, 400)
	for i := range loud {
		loud[i] = []int16{32767, -32768}[i/3&1]
	}
	lose(loud, func(f int) bool { return f&1 == 1 }) // must not overflow into a panic
}
