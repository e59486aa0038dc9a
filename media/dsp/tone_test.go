package dsp

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

type countryTone struct{ country, name, spec string }

func countryTones(t testing.TB) (tones []countryTone) {
	f, err := os.Open("testdata/tones.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if w := strings.Fields(lines.Text()); len(w) == 3 && w[0] != "#" {
			tones = append(tones, countryTone{w[0], w[1], w[2]})
		}
	}
	return tones
}

// play renders n samples in frames of 10 ms and what is left.
func play(fill func([]int16) bool, n int) []int16 {
	out := make([]int16, n)
	for i := 0; i < n; i += FrameSamples {
		fill(out[i:min(i+FrameSamples, n)])
	}
	return out
}

// expected is the test's own reading of the notation: which frequencies sound when.
type expected struct {
	hz   []float64
	am   float64
	n    int // samples, 0: for ever
	once bool
}

func read(spec string) (es []expected) {
	for _, w := range strings.Split(spec, ",") {
		var e expected
		if strings.HasPrefix(w, "!") {
			e.once, w = true, w[1:]
		}
		if f, ms, ok := strings.Cut(w, "/"); ok {
			w = f
			n, _ := strconv.Atoi(ms)
			e.n = n * 8
		}
		if f, m, ok := strings.Cut(w, "*"); ok {
			w = f
			e.am, _ = strconv.ParseFloat(m, 64)
		}
		for _, f := range strings.Split(w, "+") {
			if hz, _ := strconv.ParseFloat(f, 64); hz > 0 {
				e.hz = append(e.hz, hz)
			}
		}
		es = append(es, e)
	}
	return es
}

// Every tone of every country, against the notation as the test reads it: what sounds when, which frequencies, how loud.
func TestCountryTones(t *testing.T) {
	tones := countryTones(t)
	countries, done := map[string]bool{}, map[string]bool{}
	for i, c := range tones {
		countries[c.country] = true
		if done[c.spec] || testing.Short() && i%50 != 0 {
			continue
		}
		done[c.spec] = true
		t.Run(c.country+" "+c.name, func(t *testing.T) {
			p, err := ParseTone(c.spec, LevelTone)
			if err != nil {
				t.Fatal(err)
			}
			checkTone(t, p, c.spec, -10)
		})
	}
	if len(countries) != 38 {
		t.Errorf("%d countries, want 38", len(countries))
	}
}

func checkTone(t *testing.T, p *Plan, spec string, level float64) {
	t.Helper()
	var g ToneGen
	g.Start(p)
	es := read(spec)
	repeat := -1
	for i, e := range es {
		if !e.once {
			repeat = i
			break
		}
	}
	seen := map[string]bool{}
	at, budget := 0, 60*8000
	for i := 0; budget > 0; {
		e := es[i]
		n := e.n
		if n == 0 {
			n = 8000
		}
		n = min(n, budget)
		pcm := play(g.Fill, n)
		budget -= n
		key := fmt.Sprint(i)
		if !seen[key] || len(e.hz) == 0 {
			seen[key] = true
			checkElement(t, e, at, pcm, level)
		}
		at += n
		if e.n == 0 {
			return
		}
		if i++; i == len(es) {
			if i = repeat; i < 0 {
				if g.Fill(make([]int16, 80)) {
					t.Errorf("does not end after its last element")
				}
				return
			}
			if len(seen) == len(es) && at > 16000 {
				return
			}
		}
	}
}

func checkElement(t *testing.T, e expected, at int, pcm []int16, level float64) {
	t.Helper()
	s := toFloat(pcm)
	if len(e.hz) == 0 {
		for i, v := range pcm {
			if v != 0 {
				t.Fatalf("sample %d, %d into silence, is %d", at+i, i, v)
			}
		}
		return
	}
	// The sound fills the element: something within the first and the last millisecond.
	if s[:16].level() < -55 || s[len(s)-16:].level() < -55 {
		t.Errorf("element at sample %d does not fill its time", at)
	}
	if len(s) < 400 {
		return
	}
	mid := s[40 : len(s)-40]
	if e.am == 0 || len(mid) >= 2400 {
		if got := mid.level(); math.Abs(got-level) > 0.5 {
			t.Errorf("element at sample %d has %.2f dBm0, want %.1f", at, got, level)
		}
	}
	if len(mid) < 1500 {
		return
	}
	each := level - 10*math.Log10(float64(len(e.hz)))
	if e.am > 0 {
		each = level - 10*math.Log10(1+0.9*0.9/2)
		for _, side := range []float64{e.hz[0] - e.am, e.hz[0] + e.am} {
			if got := mid.at(side) - mid.at(e.hz[0]); len(mid) > 4000 && math.Abs(got-20*math.Log10(0.45)) > 0.6 {
				t.Errorf("sideband %v Hz is %.2f dB from the carrier, want %.2f", side, got, 20*math.Log10(0.45))
			}
		}
	}
	for _, hz := range e.hz {
		if len(e.hz) > 2 && len(mid) < 4000 || e.am > 0 && len(mid) < 4000 {
			continue // not resolved
		}
		if len(mid) < 8000 && len(e.hz) > 1 {
			if got := mid.at(hz); math.Abs(got-each) > 0.5 && math.Abs(e.hz[0]-e.hz[1]) > 16000/float64(len(mid)) {
				t.Errorf("%v Hz has %.2f dBm0, want %.2f", hz, got, each)
			}
			continue
		}
		if got := mid.at(hz); math.Abs(got-each) > 0.5 {
			t.Errorf("%v Hz has %.2f dBm0, want %.2f", hz, got, each)
		}
		if got := mid[:min(len(mid), 4000)].peak(hz, 5); math.Abs(got-hz)/hz > 0.001 {
			t.Errorf("%v Hz is %.3f Hz", hz, got)
		}
	}
}

func TestToneFrequencyAndPurity(t *testing.T) {
	all := []int{440, 16, 25, 350, 697, 1004, 1633, 2130, 3400}
	if testing.Short() {
		all = all[:1]
	}
	for _, hz := range all {
		p, err := ParseTone(strconv.Itoa(hz), -100)
		if err != nil {
			t.Fatal(err)
		}
		var g ToneGen
		g.Start(p)
		s := toFloat(play(g.Fill, 16000))[8000:]
		if got := s.peak(float64(hz), 4); math.Abs(got-float64(hz)) > 1e-3*float64(hz) {
			t.Errorf("%d Hz is %.4f Hz", hz, got)
		}
		if rest := s.without(float64(hz)).level(); rest > -75 {
			t.Errorf("%d Hz: all but the tone is %.1f dBm0, want -75 at most", hz, rest)
		}
	}
}

// Where a tone begins and ends, to the sample, and that nothing clicks: a click is energy far from the tone.
func TestToneCadenceIsExact(t *testing.T) {
	p, _ := ParseTone("1000/50,0/30", LevelTone)
	var g ToneGen
	g.Start(p)
	pcm := play(g.Fill, 8000)
	for start := 0; start+640 <= len(pcm); start += 640 {
		on, off := pcm[start:start+400], pcm[start+400:start+640]
		if on[1] == 0 && on[2] == 0 && on[3] == 0 || on[399] == 0 && on[398] == 0 && on[397] == 0 {
			t.Errorf("burst at %d: does not fill its 400 samples", start)
		}
		for i, v := range off {
			if v != 0 {
				t.Fatalf("pause at %d: sample %d is %d", start, i, v)
			}
		}
	}
}

// A switch at full level has components of about -45 dBm0 at 3 kHz in a 20 ms window; ramps keep them down.
func TestTonesDoNotClick(t *testing.T) {
	click := func(pcm []int16) (worst float64) {
		worst = -200
		for i := 0; i+160 <= len(pcm); i += 20 {
			for hz := 2600.0; hz < 3800; hz += 200 {
				worst = max(worst, toFloat(pcm[i:i+160]).at(hz))
			}
		}
		return worst
	}
	hard := silence(200).sine(333, 400, 425, -10, 1).pcm()
	reference := click(hard)
	cases := []struct {
		name string
		play func() []int16
	}{
		{"cadence", func() []int16 {
			var g ToneGen
			p, _ := ParseTone("425/50,0/50", LevelTone)
			g.Start(p)
			return play(g.Fill, 1600)
		}},
		{"stopped in the middle", func() []int16 {
			var g ToneGen
			p, _ := ParseTone("425", LevelTone)
			g.Start(p)
			out := play(g.Fill, 333)
			g.Start(nil)
			return append(out, play(g.Fill, 400)...)
		}},
		{"stopped while it begins", func() []int16 {
			var g ToneGen
			p, _ := ParseTone("425", LevelTone)
			g.Start(p)
			out := play(g.Fill, 17)
			g.Start(nil)
			return append(make([]int16, 400), append(out, play(g.Fill, 400)...)...)
		}},
		{"another tone", func() []int16 {
			var g ToneGen
			p, _ := ParseTone("425", LevelTone)
			q, _ := ParseTone("350+440", LevelTone)
			g.Start(p)
			out := play(g.Fill, 333)
			g.Start(q)
			return append(out, play(g.Fill, 400)...)
		}},
		{"two to one", func() []int16 {
			var g ToneGen
			p, _ := ParseTone("350+440/75,440/75", LevelTone)
			g.Start(p)
			return play(g.Fill, 2400)
		}},
		{"frequency change", func() []int16 {
			var g ToneGen
			p, _ := ParseTone("470/40,425/40", LevelTone)
			g.Start(p)
			return play(g.Fill, 2400)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := click(c.play())
			t.Logf("%.1f dBm0 above 2.6 kHz; a hard switch has %.1f", got, reference)
			if got > -60 {
				t.Errorf("%.1f dBm0 above 2.6 kHz, want -60 at most", got)
			}
		})
	}
}

// Elements that join have no hole and no phase jump: the sine goes on from where it was.
func TestTonePhaseIsContinuous(t *testing.T) {
	p, _ := ParseTone("950/330,1400/330,1800/330,0/1000", LevelTone)
	var g ToneGen
	g.Start(p)
	pcm := play(g.Fill, 990*8)
	amp := amplitudeOf(-10)
	phase := 0.0
	for i := range pcm {
		hz := []float64{950, 1400, 1800}[i/(330*8)]
		if i > 40 && i < len(pcm)-40 {
			if want := amp * math.Sin(phase); math.Abs(want-float64(pcm[i])) > 8 {
				t.Fatalf("sample %d is %d, want %.0f", i, pcm[i], want)
			}
		}
		phase += 2 * math.Pi * hz / 8000
	}
}

func TestToneStartStop(t *testing.T) {
	var g ToneGen
	frame := make([]int16, 80)
	frame[3] = 7
	if g.Fill(frame) || frame[3] != 0 {
		t.Error("a generator that was not started must say so and be silent")
	}
	p, _ := ParseTone("425", LevelTone)
	g.Start(p)
	if !g.Fill(frame) {
		t.Error("started, but silent")
	}
	g.Start(nil)
	if !g.Fill(frame) || frame[0] == 0 && frame[1] == 0 || frame[40] != 0 {
		t.Error("stopping must ramp down within 4 ms")
	}
	if g.Fill(frame) {
		t.Error("stopped, but not silent")
	}
}

func TestToneOnceEnds(t *testing.T) {
	p, err := ParseTone("!400/200,!0/3000,!400/200", LevelTone)
	if err != nil {
		t.Fatal(err)
	}
	if p.Once() != 3400*time.Millisecond {
		t.Errorf("lasts %v", p.Once())
	}
	var g ToneGen
	g.Start(p)
	frames := 0
	for frame := make([]int16, 80); g.Fill(frame); {
		frames++
	}
	if frames != 340 {
		t.Errorf("ended after %d frames, want 340", frames)
	}
	if p, _ = ParseTone("!400/200,0", LevelTone); p.Once() != 0 {
		t.Error("a tone that ends in silence for ever does not end")
	}
}

func TestHowlerGrows(t *testing.T) {
	p, err := Howler("")
	if err != nil {
		t.Fatal(err)
	}
	var g ToneGen
	g.Start(p)
	s := toFloat(play(g.Fill, 25*8000))
	var levels []float64
	for i := 0; i < 250; i++ {
		b := s[i*800 : i*800+800]
		if i&1 == 1 {
			if b.level() > -90 {
				t.Fatalf("pause %d has %.1f dBm0", i, b.level())
			}
			continue
		}
		levels = append(levels, b[40:760].level())
	}
	if math.Abs(levels[0]+20) > 0.6 || math.Abs(levels[len(levels)-1]+3) > 0.6 {
		t.Errorf("grows from %.1f to %.1f dBm0, want -20 to -3", levels[0], levels[len(levels)-1])
	}
	for i := 1; i < len(levels); i++ {
		if levels[i] < levels[i-1]-0.3 || levels[i] > levels[i-1]+0.6 {
			t.Errorf("steps from %.1f to %.1f dBm0", levels[i-1], levels[i])
		}
	}
	if _, err := Howler("sweep"); err == nil {
		t.Error("nonsense taken for a howler")
	}
}

func TestToneLevelIsCapped(t *testing.T) {
	for _, spec := range []string{"425", "350+440", "1400+2060+2450+2600", "400*25"} {
		p, err := ParseTone(spec, 100)
		if err != nil {
			t.Fatal(err)
		}
		var g ToneGen
		g.Start(p)
		s := toFloat(play(g.Fill, 16000))
		if got := s.level(); got > -2.5 || got < -3.5 {
			t.Errorf("%s asked for at +10 dBm0 has %.1f", spec, got)
		}
		if p.Level() != LevelMax {
			t.Errorf("%s says %v", spec, p.Level())
		}
	}
}

func TestParseToneErrors(t *testing.T) {
	for spec, hint := range map[string]string{
		"":                                 `"" is not a number of Hz`,
		"abc":                              `"abc" is not a number of Hz`,
		"425/":                             `"" is not a number of milliseconds`,
		"425/0":                            "between 1 and",
		"425/-5":                           "between 1 and",
		"0+440":                            "between 1 and 3999",
		"4000":                             "between 1 and 3999",
		"425,0/500":                        "element 1 \"425\" never ends",
		"425/500,,0/500":                   "element 2",
		"1+2+3+4+5":                        "at most 4",
		"425*":                             "not a number of Hz",
		"400*25*3":                         `"25*3"`,
		"400+450*25":                       `"400+450"`,
		"!!425":                            `"!425"`,
		"+425":                             `""`,
		"sweep 800..3200":                  "not a number of Hz",
		"425/500/3":                        `"500/3"`,
		"99999999999999999":                "not a number",
		strings.Repeat("1/1,", 64) + "1/1": "65 elements",
	} {
		p, err := ParseTone(spec, LevelTone)
		if err == nil {
			t.Errorf("%q parsed as %+v", spec, p)
		} else if !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: error %q does not say %q", spec, err, hint)
		}
	}
	for _, spec := range []string{" 425/500 , 0/500 ", "1/1", "!1/3600000", "0", "!0"} {
		if _, err := ParseTone(spec, LevelTone); err != nil {
			t.Error(err)
		}
	}
}

// Whatever parses can be played, in frames of any length, and never leaves the range that its level allows.
func FuzzParseTone(f *testing.F) {
	for _, c := range countryTones(f) {
		f.Add(c.spec, int16(-100), 80)
	}
	f.Add("!1/1,!2/1,3*4/1,0/1", int16(32767), 7)
	f.Add("425,0/1", int16(-32768), 1)
	f.Fuzz(func(t *testing.T, spec string, level int16, size int) {
		p, err := ParseTone(spec, Level(level))
		if err != nil {
			if p != nil {
				t.Fatal("a plan and an error")
			}
			return
		}
		var g ToneGen
		frame := make([]int16, min(max(size, 1), 200))
		g.Start(p)
		limit := int32(LevelMax.Amplitude())*2 + 8
		for i := range 50 {
			if i == 30 {
				g.Start(p.Ramp(-400, time.Second))
			}
			if !g.Fill(frame) {
				break
			}
			for _, v := range frame {
				if int32(v) > limit || int32(v) < -limit {
					t.Fatalf("sample %d of %q at %v", v, spec, p.Level())
				}
			}
		}
	})
}
