package dsp

import (
	"math"
	"testing"
	"time"
)

func TestLevelMeasures(t *testing.T) {
	for dBm0 := -60.0; dBm0 <= 3; dBm0 += 0.7 {
		s := silence(1000).sine(0, 8000, 1004, dBm0, 0)
		pcm := s.pcm()
		want := toFloat(pcm).level()
		if got := float64(LevelDBm0(pcm)) / 10; math.Abs(got-want) > 0.06 {
			t.Errorf("sine of %.1f dBm0 measured as %.1f", want, got)
		}
	}
}

func TestMeterOverFrames(t *testing.T) {
	pcm := silence(1000).sine(0, 8000, 1004, -16, 0).pcm()
	var m Meter
	if m.Level() != LevelSilence {
		t.Errorf("empty meter says %v", m.Level())
	}
	for i := 0; i < len(pcm); i += FrameSamples {
		m.Add(pcm[i : i+FrameSamples])
	}
	if l := m.Level(); l != -160 {
		t.Errorf("1004 Hz at -16 dBm0: %v", l)
	}
	if m.Reset(); m.Level() != LevelSilence {
		t.Error("Reset keeps the level")
	}
	m.Add(make([]int16, 80))
	if m.Level() != LevelSilence {
		t.Errorf("silence is %v", m.Level())
	}
}

func TestAmplitude(t *testing.T) {
	for _, c := range []struct {
		dBm0 float64
		want int16
	}{{3.14, 32767}, {10, 32767}, {0, 22827}, {-10, 7219}, {-20, 2283}} {
		if got := Amplitude(c.dBm0); math.Abs(float64(got-c.want)) > 1 {
			t.Errorf("%v dBm0: %d, want %d", c.dBm0, got, c.want)
		}
	}
	if Level(-135).String() != "-13.5 dBm0" || Level(4).String() != "0.4 dBm0" || Level(-4).String() != "-0.4 dBm0" {
		t.Errorf("%v %v %v", Level(-135), Level(4), Level(-4))
	}
}

func TestMixSaturates(t *testing.T) {
	dst := []int16{30000, -30000, 100, 1}
	Mix(dst, []int16{10000, -10000, 50})
	if dst[0] != 32767 || dst[1] != -32768 || dst[2] != 150 || dst[3] != 1 {
		t.Errorf("%v", dst)
	}
}

func TestGain(t *testing.T) {
	for _, dB := range []float64{-60, -12, -6, -0.5, 0, 3, 6} {
		pcm := silence(100).sine(0, 800, 1000, -20, 0).pcm()
		NewGain(dB).Apply(pcm)
		tolerance := 0.05
		if dB < -50 {
			tolerance = 1 // 5 units of amplitude
		}
		if got := toFloat(pcm).level(); math.Abs(got-(-20+dB)) > tolerance {
			t.Errorf("gain %v dB makes %.2f dBm0 of -20", dB, got)
		}
	}
	f := []int16{32767, -32768}
	if NewGain(6).Apply(f); f[0] != 32767 || f[1] != -32768 {
		t.Errorf("gain wraps: %v", f)
	}
}

func TestSamplesOfDurations(t *testing.T) {
	for d, want := range map[time.Duration]int{-time.Second: 0, 125 * time.Microsecond: 1, time.Hour: 28_800_000} {
		if got := samples(d); got != want {
			t.Errorf("%v: %d samples, want %d", d, got, want)
		}
	}
}
