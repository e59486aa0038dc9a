package dsp

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestDTMFGenDigits(t *testing.T) {
	for i := range 16 {
		if testing.Short() && i%5 != 0 { // one of each row and column: the spectrum is slow without an FPU
			continue
		}
		g := NewDTMFGen(LevelDTMFLow, LevelDTMFHigh)
		if err := g.Dial(testDigits[i:i+1], 200*time.Millisecond, 0); err != nil {
			t.Fatal(err)
		}
		s := toFloat(play(g.Fill, 1600))
		mid := s[40:1560]
		for _, c := range []struct{ hz, level float64 }{{testRows[i/4], -9}, {testColumns[i%4], -7}} {
			if got := mid.at(c.hz); math.Abs(got-c.level) > 0.3 {
				t.Errorf("%c: %v Hz has %.2f dBm0, want %v", testDigits[i], c.hz, got, c.level)
			}
			if got := mid.peak(c.hz, 5); math.Abs(got-c.hz)/c.hz > 0.001 {
				t.Errorf("%c: %v Hz is %.2f", testDigits[i], c.hz, got)
			}
		}
		if rest := mid.without(testRows[i/4], testColumns[i%4]).level(); rest > -65 {
			t.Errorf("%c: all but the two tones is %.1f dBm0", testDigits[i], rest)
		}
		if g.Busy() {
			t.Error("still busy after its time")
		}
	}
}

// Each dialled digit sounds for exactly its time, and the pause is silent.
func TestDTMFGenTiming(t *testing.T) {
	g := NewDTMFGen(LevelDTMFLow, LevelDTMFHigh)
	if err := g.Dial("1a,#", 100*time.Millisecond, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	pcm := play(g.Fill, 8*(150+150+1000+150)+80)
	for i, v := range pcm {
		ms := i / 8
		sounds := ms < 100 || ms >= 150 && ms < 250 || ms >= 1300 && ms < 1400
		if !sounds && v != 0 {
			t.Fatalf("sample %d (%d ms) is %d in a pause", i, ms, v)
		}
	}
	for _, ms := range []int{0, 99, 150, 249, 1300, 1399} {
		if toFloat(pcm[ms*8:ms*8+8]).level() < -70 {
			t.Errorf("nothing at %d ms", ms)
		}
	}
	if h := listen(new(DTMFDetector), append(pcm, make([]int16, 400)...)); h.digits != "1A#" {
		t.Errorf("heard %q", h.digits)
	}
	if g.Fill(pcm[:80]) {
		t.Error("goes on")
	}
}

func TestDTMFGenHeldKey(t *testing.T) {
	g := NewDTMFGen(LevelDTMFLow, LevelDTMFHigh)
	length := func(held int) (n int) {
		g.Reset()
		if !g.Press('7') {
			t.Fatal("refused")
		}
		frame := make([]int16, FrameSamples)
		for i := range 400 {
			if i == held {
				g.Release()
			}
			g.Fill(frame)
			for _, v := range frame {
				if v != 0 {
					n = i + 1
				}
			}
		}
		return n
	}
	for _, c := range []struct{ held, want int }{{0, 7}, {1, 7}, {7, 8}, {30, 31}, {200, 201}} {
		if got := length(c.held); got != c.want {
			t.Errorf("key held for %d frames sounds for %d, want %d", c.held, got, c.want)
		}
	}
	if g.Press('x') {
		t.Error("x is a key")
	}
}

func TestDTMFGenRefuses(t *testing.T) {
	g := NewDTMFGen(LevelDTMFLow, LevelDTMFHigh)
	if err := g.Dial("12x", time.Second, 0); err == nil || g.Busy() {
		t.Errorf("a digit x: %v, busy %v", err, g.Busy())
	}
	if err := g.Dial(strings.Repeat("1", 65), time.Second, 0); err == nil {
		t.Error("65 digits fit")
	}
	if err := g.Dial(strings.Repeat("1", 64), time.Millisecond, time.Millisecond); err != nil {
		t.Error(err)
	}
	if g.Press('1') {
		t.Error("a full queue takes a key")
	}
	play(g.Fill, 64*16)
	if g.Busy() {
		t.Error("busy after its time")
	}
}

// Every pair of generated digits is heard by the detector, whatever the spacing on the frame grid.
func TestGeneratorToDetector(t *testing.T) {
	rng := newRand(31)
	for range 60 {
		digits := ""
		for range 1 + rng.IntN(30) {
			digits += testDigits[rng.IntN(16):][:1]
		}
		on := time.Duration(40+rng.IntN(100)) * time.Millisecond
		off := time.Duration(40+rng.IntN(100)) * time.Millisecond
		low := Level(-260 + rng.IntN(200))
		g := NewDTMFGen(low, low+Level(rng.IntN(120)-40))
		if err := g.Dial(digits, on, off); err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, rng.IntN(200))
		for frame := make([]int16, 1+rng.IntN(160)); g.Fill(frame); {
			pcm = append(pcm, frame...)
		}
		pcm = append(pcm, make([]int16, 800)...)
		if h := listen(new(DTMFDetector), pcm); h.digits != digits {
			t.Errorf("sent %s (%v on, %v off, %v and %v), heard %s", digits, on, off, low, g.high, h.digits)
		}
	}
}
