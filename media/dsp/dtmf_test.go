package dsp

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

var (
	testRows    = []float64{697, 770, 852, 941}
	testColumns = []float64{1209, 1336, 1477, 1633}
	testDigits  = "123A456B789C*0#D"
)

// trial is one way to press a key.
type trial struct {
	low, high       float64 // dBm0
	lowDev, highDev float64 // per cent
	lowHz, highHz   float64 // and Hz
	ms              float64
	snr             float64 // dB below the two tones; 0: none
	dial            []float64
	dialLevel       float64 // each
}

func nominal() trial { return trial{low: -9, high: -7, ms: 40} }

// press makes 100 ms of lead, the key at a random place, and 80 ms after it.
func (tr trial) press(rng *rand.Rand, digit int) (pcm []int16, onset, end int) {
	s := silence(220 + tr.ms)
	onset = 800 + rng.IntN(160)
	n := int(tr.ms * 8)
	lo, hi := testRows[digit/4], testColumns[digit%4]
	s.sine(onset, n, lo*(1+tr.lowDev/100)+tr.lowHz, tr.low, rng.Float64()*2*math.Pi)
	s.sine(onset, n, hi*(1+tr.highDev/100)+tr.highHz, tr.high, rng.Float64()*2*math.Pi)
	if tr.snr != 0 {
		power := math.Pow(10, tr.low/10) + math.Pow(10, tr.high/10)
		s.noise(rng, 10*math.Log10(power)-tr.snr)
	}
	for _, hz := range tr.dial {
		s.sine(0, len(s), hz, tr.dialLevel, rng.Float64()*2*math.Pi)
	}
	return s.pcm(), onset, onset + n
}

// heard is what a detector said about a signal.
type heard struct {
	digits  string
	on, off []int // sample at which Process returned the event
	at      []int64
	offAt   []int64
	level   []Level
}

func listen(d *DTMFDetector, pcm []int16) heard {
	var h heard
	for i := 0; i+FrameSamples <= len(pcm); i += FrameSamples {
		if e, ok := d.Process(pcm[i : i+FrameSamples]); ok {
			if e.On {
				h.digits += string(rune(e.Digit))
				h.on = append(h.on, i+FrameSamples)
				h.at = append(h.at, e.At)
				h.level = append(h.level, e.Level)
			} else {
				h.off = append(h.off, i+FrameSamples)
				h.offAt = append(h.offAt, e.At)
			}
		}
	}
	return h
}

func TestDTMFAccepts(t *testing.T) {
	dial := []float64{350, 440}
	cases := []struct {
		name string
		edit func(*trial)
	}{
		{"nominal 40 ms", func(*trial) {}},
		{"100 ms", func(tr *trial) { tr.ms = 100 }},
		{"+1.5 % +2 Hz", func(tr *trial) { tr.lowDev, tr.highDev, tr.lowHz, tr.highHz = 1.5, 1.5, 2, 2 }},
		{"-1.5 % -2 Hz", func(tr *trial) { tr.lowDev, tr.highDev, tr.lowHz, tr.highHz = -1.5, -1.5, -2, -2 }},
		{"+1.5 % -1.5 %", func(tr *trial) { tr.lowDev, tr.highDev = 1.5, -1.5 }},
		{"-1.5 % +1.5 %", func(tr *trial) { tr.lowDev, tr.highDev = -1.5, 1.5 }},
		{"twist, high 8 dB stronger", func(tr *trial) { tr.low, tr.high = -16, -8 }},
		{"twist, low 4 dB stronger", func(tr *trial) { tr.low, tr.high = -8, -12 }},
		{"twist, low 8 dB stronger", func(tr *trial) { tr.low, tr.high = -8, -16 }}, // a long line takes from the high group
		{"0 dBm0", func(tr *trial) { tr.low, tr.high = 0, 0 }},                      // clips: +3 dBm0 together
		{"-3 dBm0", func(tr *trial) { tr.low, tr.high = -3, -3 }},
		{"-26 dBm0", func(tr *trial) { tr.low, tr.high = -26, -26 }},
		{"-29 dBm0", func(tr *trial) { tr.low, tr.high = -29, -29 }},
		{"15 dB noise", func(tr *trial) { tr.snr = 15 }},
		{"-26 dBm0, 15 dB noise", func(tr *trial) { tr.low, tr.high, tr.snr = -26, -26, 15 }},
		{"1.5 %, 15 dB noise", func(tr *trial) { tr.lowDev, tr.highDev, tr.snr = 1.5, -1.5, 15 }},
		{"twist 8, 1.5 %, 20 dB noise", func(tr *trial) {
			tr.low, tr.high, tr.lowDev, tr.highDev, tr.snr = -15, -7, 1.5, 1.5, 20
		}},
		{"twist -4, -1.5 %, 20 dB noise", func(tr *trial) {
			tr.low, tr.high, tr.lowDev, tr.highDev, tr.snr = -7, -11, -1.5, -1.5, 20
		}},
		{"twist -8, -1.5 %, 20 dB noise", func(tr *trial) {
			tr.low, tr.high, tr.lowDev, tr.highDev, tr.snr = -7, -15, -1.5, -1.5, 20
		}},
		{"dial tone 6 dB stronger", func(tr *trial) { tr.low, tr.high, tr.dial, tr.dialLevel = -16, -16, dial, -10 }},
		{"dial tone 400", func(tr *trial) { tr.dial, tr.dialLevel = []float64{400}, -5 }},
		{"dial tone 425", func(tr *trial) { tr.dial, tr.dialLevel = []float64{425}, -5 }},
		{"dial tone 450", func(tr *trial) { tr.dial, tr.dialLevel = []float64{450}, -5 }},
		{"dial tone and 15 dB noise", func(tr *trial) { tr.low, tr.high, tr.snr, tr.dial, tr.dialLevel = -13, -13, 15, dial, -13 }},
	}
	runs := 60
	if testing.Short() {
		runs = 2
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rng := newRand(7)
			tr := nominal()
			c.edit(&tr)
			missed, latest, worstAt, worstEnd := 0, 0, 0, 0
			allowed, limit := 0, 39.0
			if tr.snr == 15 { // noise may cost a window
				limit = 45
				if tr.lowDev != 0 {
					allowed = runs * 16 / 100
				}
			}
			var levels float64
			for range runs {
				for digit := range 16 {
					pcm, onset, end := tr.press(rng, digit)
					h := listen(new(DTMFDetector), pcm)
					if h.digits != testDigits[digit:digit+1] || len(h.off) != 1 {
						if missed++; missed > allowed {
							t.Errorf("digit %c: heard %q, %d offs", testDigits[digit], h.digits, len(h.off))
						}
						continue
					}
					latest = max(latest, h.on[0]-onset)
					worstAt = max(worstAt, int(math.Abs(float64(h.at[0])-float64(onset))))
					worstEnd = max(worstEnd, int(math.Abs(float64(h.offAt[0])-float64(end))))
					levels = max(levels, math.Abs(float64(h.level[0])/10-10*math.Log10(math.Pow(10, tr.low/10)+math.Pow(10, tr.high/10))))
				}
			}
			t.Logf("missed %d of %d; On at the latest %.1f ms after onset; onset known to %.1f ms, end to %.1f ms; level to %.1f dB",
				missed, runs*16, float64(latest)/8, float64(worstAt)/8, float64(worstEnd)/8, levels)
			if float64(latest)/8 > limit {
				t.Errorf("On %.1f ms after onset, want %.0f at most", float64(latest)/8, limit)
			}
		})
	}
}

func TestDTMFRejects(t *testing.T) {
	cases := []struct {
		name string
		edit func(*trial)
	}{
		{"20 ms", func(tr *trial) { tr.ms = 20 }},
		{"23 ms", func(tr *trial) { tr.ms = 23 }},
		{"20 ms in noise", func(tr *trial) { tr.ms, tr.snr = 20, 15 }},
		{"low +3.5 %", func(tr *trial) { tr.ms, tr.lowDev = 100, 3.5 }},
		{"low -3.5 %", func(tr *trial) { tr.ms, tr.lowDev = 100, -3.5 }},
		{"high +3.5 %", func(tr *trial) { tr.ms, tr.highDev = 100, 3.5 }},
		{"high -3.5 %", func(tr *trial) { tr.ms, tr.highDev = 100, -3.5 }},
		{"high +3.5 %, twist 8", func(tr *trial) { tr.ms, tr.highDev, tr.low, tr.high = 100, 3.5, -16, -8 }},
		{"low +3.5 %, twist 8", func(tr *trial) { tr.ms, tr.lowDev, tr.low, tr.high = 100, 3.5, -16, -8 }},
		{"low -3.5 %, twist -4", func(tr *trial) { tr.ms, tr.lowDev, tr.low, tr.high = 100, -3.5, -8, -12 }},
		{"both +3.5 %, 20 dB noise", func(tr *trial) { tr.ms, tr.lowDev, tr.highDev, tr.snr = 100, 3.5, 3.5, 20 }},
		{"both -3.5 %, 20 dB noise", func(tr *trial) { tr.ms, tr.lowDev, tr.highDev, tr.snr = 100, -3.5, -3.5, 20 }},
		{"-45 dBm0", func(tr *trial) { tr.ms, tr.low, tr.high = 100, -45, -45 }},
		{"low tone alone", func(tr *trial) { tr.ms, tr.high = 100, -60 }},
		{"high tone alone", func(tr *trial) { tr.ms, tr.low = 100, -60 }},
		{"twist 14 dB", func(tr *trial) { tr.ms, tr.low, tr.high = 100, -19, -5 }},
		{"twist -14 dB", func(tr *trial) { tr.ms, tr.low, tr.high = 100, -5, -19 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rng := newRand(8)
			tr := nominal()
			c.edit(&tr)
			wrong, runs := 0, 40
			if testing.Short() {
				runs = 2
			}
			for range runs {
				for digit := range 16 {
					pcm, _, _ := tr.press(rng, digit)
					if h := listen(new(DTMFDetector), pcm); h.digits != "" {
						wrong++
					}
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d taken for a digit", wrong, runs*16)
			}
		})
	}
}

// A digit string as a person and a machine dial it, with everything between the digits that must not matter.
func TestDTMFSequences(t *testing.T) {
	type mark struct {
		digit byte
		ms    float64 // 0: a pause
		pause float64
	}
	seq := func(marks ...mark) sound {
		s := silence(50)
		for _, m := range marks {
			i := strings.IndexByte(testDigits, m.digit)
			from, n := len(s), int(m.ms*8)
			s = append(s, silence(m.ms+m.pause)...)
			if i >= 0 {
				s.sine(from, n, testRows[i/4], -9, 0).sine(from, n, testColumns[i%4], -7, 0)
			}
		}
		return append(s, silence(100)...)
	}
	var all []mark
	for i := range 16 {
		all = append(all, mark{testDigits[i], 40, 40}, mark{testDigits[i], 50, 50})
	}
	double := ""
	for i := range 16 {
		double += strings.Repeat(testDigits[i:i+1], 2)
	}
	cases := []struct {
		name string
		s    sound
		want string
	}{
		{"every digit twice, 40/40 and 50/50 ms", seq(all...), double},
		{"no pause between different digits", seq(mark{'1', 60, 0}, mark{'5', 60, 0}, mark{'9', 60, 0}, mark{'D', 60, 40}), "159D"},
		{"a drop-out of 5 ms", seq(mark{'5', 50, 5}, mark{'5', 50, 40}), "5"},
		{"a drop-out of 10 ms", seq(mark{'5', 50, 10}, mark{'5', 50, 40}), "5"},
		{"a long key", seq(mark{'0', 5000, 40}), "0"},
		{"too short, twice", seq(mark{'3', 20, 20}, mark{'3', 20, 20}), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for shift := range 12 { // against the grid of frames
				pcm := append(make([]int16, shift*7), c.s.pcm()...)
				h := listen(new(DTMFDetector), pcm)
				if h.digits != c.want || len(h.off) != len(h.on) {
					t.Fatalf("shifted by %d: heard %q, %d offs; want %q", shift*7, h.digits, len(h.off), c.want)
				}
			}
		})
	}
}

func TestDTMFThroughG711(t *testing.T) {
	rng := newRand(12)
	tr := nominal()
	tr.low, tr.high, tr.lowDev, tr.highDev = -24, -20, 1.5, -1.5
	for digit := range 16 {
		pcm, _, _ := tr.press(rng, digit)
		code := make([]byte, len(pcm))
		EncodeALaw(code, pcm)
		DecodeALaw(pcm, code)
		EncodeULaw(code, pcm)
		DecodeULaw(pcm, code)
		if h := listen(new(DTMFDetector), pcm); h.digits != testDigits[digit:digit+1] {
			t.Errorf("digit %c: heard %q", testDigits[digit], h.digits)
		}
	}
}

// Candidate is what keeps a digit out of the speech that is sent: how much of it has passed before the first frame that
// is suspicious, and whether it stays suspicious to the end.
func TestDTMFCandidate(t *testing.T) {
	rng := newRand(13)
	tr := nominal()
	tr.ms = 80
	worst, sum := 0, 0
	for range 20 {
		for digit := range 16 {
			pcm, onset, end := tr.press(rng, digit)
			var d DTMFDetector
			leaked := 0
			for i := 0; i+FrameSamples <= len(pcm); i += FrameSamples {
				d.Process(pcm[i : i+FrameSamples])
				if !d.Candidate() {
					leaked += max(0, min(i+FrameSamples, end)-max(i, onset))
				}
				if i < onset-FrameSamples && d.Candidate() {
					t.Fatal("suspicion before the digit")
				}
			}
			worst, sum = max(worst, leaked), sum+leaked
		}
	}
	t.Logf("of a digit leak %.1f ms on average, %.1f ms at most", float64(sum)/320/8, float64(worst)/8)
	if worst > 10*8 {
		t.Errorf("%.1f ms leaked, want 10 at most", float64(worst)/8)
	}
}

func TestDTMFDetectorState(t *testing.T) {
	var d DTMFDetector
	tr := nominal()
	tr.ms = 500
	pcm, _, _ := tr.press(newRand(14), 5)
	for i := 0; i < 2000; i += FrameSamples {
		d.Process(pcm[i : i+FrameSamples])
	}
	if d.Digit() != '5' || d.Samples() != 2000 || !d.Candidate() {
		t.Errorf("digit %q, %d samples, candidate %v", d.Digit(), d.Samples(), d.Candidate())
	}
	d.Reset()
	if d.Digit() != 0 || d.Samples() != 2000 || d.Candidate() {
		t.Errorf("after Reset: digit %q, %d samples, candidate %v", d.Digit(), d.Samples(), d.Candidate())
	}
}

// Samples in pieces of any length give the same digits at the same times.
func FuzzDTMF(f *testing.F) {
	f.Add([]byte{0, 0x80, 255, 127}, 1)
	f.Add([]byte(strings.Repeat("\x00\x80\xff\x7f", 300)), 77)
	f.Fuzz(func(t *testing.T, raw []byte, size int) {
		pcm := make([]int16, len(raw)/2)
		for i := range pcm {
			pcm[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
		}
		var whole, parts DTMFDetector
		whole.Process(pcm)
		size = min(max(size, 1), 80)
		for rest := pcm; len(rest) > 0; {
			n := min(size, len(rest))
			if e, ok := parts.Process(rest[:n]); ok && (e.At < 0 || e.At > parts.Samples() || !strings.ContainsRune(testDigits, rune(e.Digit))) {
				t.Fatalf("%+v at sample %d", e, parts.Samples())
			}
			rest = rest[n:]
		}
		if len(pcm) <= 80 && whole != parts {
			t.Fatal("pieces and the whole differ")
		}
	})
}
