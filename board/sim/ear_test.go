package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// The generators of these tests are their own: plain floating-point sines.

// turn is a second of a 1 Hz sine: the sine of f Hz at sample k is turn[f*k%8000].
var turn = func() (t [8000]float64) {
	for i := range t {
		t[i] = math.Sin(2 * math.Pi * float64(i) / 8000)
	}
	return
}()

// render makes n samples of a tone from its beginning on, each line at level,
// a modulated carrier's companions 0.45 of it.
func render(t testing.TB, spec string, level float64, n int) []int16 {
	t.Helper()
	tone, err := parseTone("test", spec)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, n)
	top := peak(level)
	for from, step := 0, 0; from < n; {
		e := tone.element(step)
		length := n - from
		if e.len > 0 {
			length = min(length, int(e.len))
		}
		for i, f := range e.hz {
			a := top
			if modulated(spec) && i != 1 {
				a *= 0.45
			}
			for k := range length {
				pcm[from+k] += int16(math.Round(a * turn[(int(f)*k+400*i)%8000]))
			}
		}
		from += length
		if step++; step == len(tone.once)+len(tone.cycle) {
			step = len(tone.once)
		}
	}
	return pcm
}

func modulated(spec string) bool {
	for _, c := range spec {
		if c == '*' {
			return true
		}
	}
	return false
}

// peak is written out again here: a sine of peak 32767 is +3.14 dBm0.
func peak(level float64) float64 { return 32767 * math.Pow(10, (level-3.14)/20) }

func countries(t testing.TB) map[string]map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/tones.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 38 {
		t.Fatalf("%d countries, want 38", len(all))
	}
	return all
}

// listener feeds samples to an ear without a board.
type listener struct {
	names *names
	scan  scan
}

func listen(tones map[string]string) *listener {
	l := &listener{names: parseNames(tones)}
	l.scan.begin(0)
	l.scan.sets = l.names.sets
	return l
}

func (l *listener) hear(x []int16) opinion {
	l.scan.feed(x)
	return l.names.judge(l.scan.runs())
}

// alawish adds the noise of a companded path: a step proportional to the value.
func alawish(x []int16) {
	for i, v := range x {
		step := 16
		for a := int(abs(v)); a >= 512; a >>= 1 {
			step *= 2
		}
		q := int(math.Round(float64(v)/float64(step))) * step
		x[i] = int16(min(max(q, -32768), 32767))
	}
}

// TestCountries plays every tone of every country and listens in steps of
// 30 ms: a name that is sure must be right from the first moment on, and must
// come before the tone's second cycle ends.
func TestCountries(t *testing.T) {
	all := countries(t)
	list := slices.Sorted(maps.Keys(all))
	if testing.Short() { // an emulated MIPS is fifty times slower
		list = []string{"AU", "CN", "ES", "GB", "IN", "US"}
	}
	for _, iso := range list {
		tones := all[iso]
		for _, name := range []string{"dial", "busy", "congestion", "ringback", "stutter", "unobtainable", "howler"} {
			spec := tones[name]
			tone, err := parseTone(name, spec)
			if spec == "" || err != nil {
				continue
			}
			t.Run(iso+"/"+name, func(t *testing.T) {
				level := -13.0
				var period int64
				for _, e := range tone.cycle {
					period += e.len
				}
				var once int64
				for _, e := range tone.once {
					once += e.len
				}
				length := 400 + int(max(2*period+4000, 20000)+once)
				pcm := append(make([]int16, 400), render(t, spec, level, length)...)
				alawish(pcm)
				ear := listen(tones)
				var sure int64
				var o opinion
				const step = 240
				for at := 0; at+step <= len(pcm); at += step {
					o = ear.hear(pcm[at : at+step])
					if !o.Sure || o.Name == "silence" && at < 1000 {
						continue
					}
					// Until its last once-element a stutter tone may look like
					// what its continuous part is; a short wrong name is an error.
					if !o.Is(name) {
						t.Fatalf("after %d ms the ear is sure of %v (cadence %q)", (at+step-400)/8, o.Heard, o.Cadence)
					}
					if sure == 0 {
						sure = int64(at + step - 400)
					}
					if o.since < 396 || o.since > 408 {
						t.Fatalf("after %d ms: %v began at sample %d, want 400", (at+step-400)/8, o.Heard, o.since)
					}
				}
				if sure == 0 {
					t.Fatalf("never sure; at the end %v, cadence %q", o.Heard, o.Cadence)
				}
				want := level
				n := len(o.Hz)
				if modulated(spec) {
					want += 10 * math.Log10(1+2*0.45*0.45)
				} else {
					want += 10 * math.Log10(float64(n))
				}
				if math.Abs(o.Level-want) > 0.5 {
					t.Errorf("level %.2f dBm0, want %.2f", o.Level, want)
				}
				if testing.Verbose() {
					t.Logf("%-36s sure after %5d ms: %v %q", spec, sure/8, o.Heard, o.Cadence)
				}
			})
		}
	}
}

// TestOddTones: pulses that do not fit the ear's own steps, and tones that fade
// into each other, as real generators make them.
func TestOddTones(t *testing.T) {
	fade := func(x []int16, n int) []int16 {
		for i := range n {
			x[i] = int16(int(x[i]) * i / n)
			x[len(x)-1-i] = int16(int(x[len(x)-1-i]) * i / n)
		}
		return x
	}
	tones := countries(t)["GB"]
	for _, c := range []struct {
		name  string
		parts []string // "hz/ms", played once, each with faded ends
		want  string
	}{
		{"busy", []string{"400/375", "0/375", "400/375", "0/200"}, "busy"},
		{"congestion", []string{"400/400", "0/350", "400/225", "0/525", "400/300"}, "congestion"},
		{"stutter", []string{"350+440/750", "440/750", "350+440/300"}, "stutter"},
		{"ringback", []string{"400+450/400", "0/200", "400+450/400", "0/900"}, "ringback"},
		{"unobtainable", []string{"400/1003"}, "unobtainable"},
	} {
		for ramp := 0; ramp <= 40; ramp += 8 {
			pcm := make([]int16, 403)
			for _, p := range c.parts {
				e, err := parseElement(p)
				if err != nil {
					t.Fatal(err)
				}
				pcm = append(pcm, fade(render(t, p, -13, int(e.len)), ramp)...)
			}
			ear := listen(tones)
			if o := ear.hear(pcm); !o.Sure || o.Name != c.want {
				t.Errorf("%s with ramps of %d samples: %v %q, sure %v", c.name, ramp, o.Heard, o.Cadence, o.Sure)
			}
		}
	}
}

// TestSingleTones measures frequency and level where no name helps.
func TestSingleTones(t *testing.T) {
	for _, hz := range []float64{300, 404, 425, 697, 1004, 1209.5, 1633, 2130, 2804, 3400} {
		for _, level := range []float64{-40, -30, -16, -10, 0} {
			t.Run(fmt.Sprintf("%v Hz %v dBm0", hz, level), func(t *testing.T) {
				ear := listen(nil)
				pcm := make([]int16, 2400)
				for i := range pcm[800:] {
					pcm[800+i] = int16(math.Round(peak(level) * math.Sin(2*math.Pi*hz*float64(i+1)/8000)))
				}
				o := ear.hear(pcm)
				if o.Name != "tone" || len(o.Hz) != 1 || math.Abs(o.Hz[0]-hz) > 1 || math.Abs(o.Level-level) > 0.2 {
					t.Errorf("heard %v %v", o.Heard, o.Hz)
				}
				if o.since < 799 || o.since > 802 {
					t.Errorf("began at sample %d, want 800", o.since)
				}
			})
		}
	}
}

// TestUnknownPairs measures two lines that nobody foretold.
func TestUnknownPairs(t *testing.T) {
	for i, pair := range [][2]float64{{413, 438}, {350, 440}, {697, 1209}, {941, 1633}, {2130, 2750}, {400, 450}, {1000, 1040}} {
		if testing.Short() && i > 1 {
			break
		}
		for _, twist := range []float64{0, -6, 6} {
			t.Run(fmt.Sprintf("%v %v dB", pair, twist), func(t *testing.T) {
				ear := listen(nil)
				pcm := make([]int16, 3200)
				for i := range pcm {
					w := 2 * math.Pi * float64(i) / 8000
					pcm[i] = int16(peak(-13)*math.Sin(pair[0]*w) + peak(-13+twist)*math.Sin(pair[1]*w+1))
				}
				alawish(pcm)
				o := ear.hear(pcm)
				if o.Name != "tone" || len(o.Hz) != 2 || math.Abs(o.Hz[0]-pair[0]) > 2 || math.Abs(o.Hz[1]-pair[1]) > 2 {
					t.Errorf("heard %v %v", o.Heard, o.Hz)
				}
			})
		}
	}
}

// TestOneAfterTheOther: the ear tells what is now from what was.
func TestOneAfterTheOther(t *testing.T) {
	tones := countries(t)["CN"]
	dial := render(t, "450", -10, 16000)
	busy := render(t, "450/350,0/350", -10, 16000)
	back := render(t, "450/1000,0/4000", -10, 11200)
	test := render(t, "1004", -16, 4000)
	quiet := make([]int16, 2400)
	for _, c := range []struct {
		name  string
		parts [][]int16
		want  string
		since int // part whose beginning is since
	}{
		{"dial then silence", [][]int16{dial, quiet}, "silence", 1},
		{"silence then dial", [][]int16{quiet, dial}, "dial", 1},
		{"dial at once busy", [][]int16{dial, busy}, "busy", -1},
		{"ringback then busy", [][]int16{back, quiet, busy}, "busy", 2},
		{"ringback then answer", [][]int16{back, test}, "tone", 1},
		{"answer then busy", [][]int16{back, test, busy}, "busy", 2},
		{"tone to tone without a gap", [][]int16{test, render(t, "1200", -16, 4000)}, "tone", 1},
		{"tone to silence", [][]int16{test, quiet}, "silence", 1},
		{"busy then dial", [][]int16{busy[:15000], quiet, quiet, dial}, "dial", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			ear := listen(tones)
			var o opinion
			at, since := 0, 0
			for i, p := range c.parts {
				if i == c.since {
					since = at
				}
				at += len(p)
				for len(p) >= 80 {
					n := min(len(p), 240)
					o = ear.hear(p[:n])
					p = p[n:]
				}
			}
			if !o.Sure || o.Name != c.want {
				t.Fatalf("heard %v, sure %v; want %s", o.Heard, o.Sure, c.want)
			}
			if d := int(o.since) - since; c.since >= 0 && (d < -24 || d > 24) {
				t.Errorf("since sample %d, want %d", o.since, since)
			}
		})
	}
}

// speechlike is noise through a wandering resonance, with syllables and pauses.
func speechlike(n int, seed uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]int16, n)
	var y1, y2, pitch float64
	f := 500.0
	for i := range pcm {
		if i%400 == 0 {
			f = 300 + 1500*r.Float64()
		}
		pitch += (100 + 40*math.Sin(float64(i)/3000)) / 8000
		excite := r.NormFloat64() * 0.2
		if pitch >= 1 {
			pitch--
			excite += 4
		}
		syllable := math.Max(0, math.Sin(2*math.Pi*float64(i)/2000))
		c := 2 * 0.97 * math.Cos(2*math.Pi*f/8000)
		y := excite*syllable + c*y1 - 0.97*0.97*y2
		y1, y2 = y, y1
		pcm[i] = int16(min(max(y*700, -32000), 32000))
	}
	return pcm
}

func TestSpeechIsNoTone(t *testing.T) {
	n := 40000
	if testing.Short() {
		n = 12000
	}
	pcm := speechlike(n, 7)
	all := countries(t)
	for _, iso := range []string{"CN", "US", "AU", "IN", "GB", "HU"} {
		tones := all[iso]
		ear := listen(tones)
		var o opinion
		for at := 0; at+160 <= len(pcm); at += 160 {
			o = ear.hear(pcm[at : at+160])
			if o.Sure && o.Name != "speech" && o.Name != "silence" && o.Name != "tone" {
				t.Errorf("%s: after %d ms speech is heard as %v", iso, at/8, o.Heard)
			}
		}
		if o.Name != "speech" {
			t.Errorf("%s: speech is heard as %v", iso, o.Heard)
		}
		total := dBm0(float64(sumSquares(pcm)) / float64(len(pcm)))
		if math.Abs(o.Level-total) > 1.5 {
			t.Errorf("%s: level %.1f dBm0, want about %.1f", iso, o.Level, total)
		}
	}
}

// TestToneInNoise: 20 dB of noise below the tone change nothing.
func TestToneInNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tones := countries(t)["US"]
	for _, name := range []string{"dial", "ringback"} {
		pcm := append(make([]int16, 400), render(t, tones[name], -16, 24000)...)
		for i, v := range pcm {
			if v != 0 {
				pcm[i] = int16(float64(v) + r.NormFloat64()*peak(-13-20)/math.Sqrt2)
			}
		}
		ear := listen(tones)
		if o := ear.hear(pcm); !o.Sure || o.Name != name {
			t.Errorf("%s in noise is heard as %v, sure %v", name, o.Heard, o.Sure)
		}
	}
}

func BenchmarkHearDial(b *testing.B) {
	pcm := make([]int16, 8000)
	for i := range pcm {
		pcm[i] = int16(peak(-10) * math.Sin(2*math.Pi*450*float64(i)/8000))
	}
	ear := listen(countries(b)["CN"])
	for b.Loop() {
		ear.scan.begin(0)
		ear.hear(pcm)
	}
}

func BenchmarkHearSpeech(b *testing.B) {
	pcm := speechlike(8000, 1)
	ear := listen(countries(b)["CN"])
	for b.Loop() {
		ear.scan.begin(0)
		ear.hear(pcm)
	}
}
