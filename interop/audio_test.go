//go:build interop

package interop

import (
	"encoding/binary"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The tools of this file judge sound: sox, multimon-ng and minimodem.

// raw is a WAV as samples, after sox has done to it what effects say.
func raw(t *testing.T, file, rate string, effects ...string) []int16 {
	t.Helper()
	args := append([]string{file, "-t", "raw", "-r", rate, "-e", "signed", "-b", "16", "-L", "-c", "1", "-"}, effects...)
	out, err := exec.Command("sox", args...).Output()
	if err != nil {
		t.Fatalf("sox %s: %v", strings.Join(args, " "), err)
	}
	pcm := make([]int16, len(out)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(out[2*i:]))
	}
	return pcm
}

// loudest is where the loudest stretch of the given seconds begins.
func loudest(pcm []int16, seconds float64) (from float64) {
	n := int(seconds * 8000)
	var sum, best int64
	at := 0
	for i, x := range pcm {
		sum += int64(x) * int64(x)
		if i >= n {
			sum -= int64(pcm[i-n]) * int64(pcm[i-n])
		}
		if sum > best {
			best, at = sum, i-n+1
		}
	}
	return float64(max(at, 0)) / 8000
}

var statLine = regexp.MustCompile(`(?m)^(RMS\s+amplitude|Rough\s+frequency):\s+(-?[\d.]+)`)

// measure lets sox tell frequency and level of what lies between two frequencies, in the loudest stretch of so many seconds.
func measure(t *testing.T, file, band string, stretch float64) (hz, dBm0 float64) {
	t.Helper()
	from := loudest(raw(t, file, "8000", "sinc", "-n", "512", band), stretch)
	out := run(t, "sox", file, "-n", "sinc", "-n", "512", band, "trim", strconv.FormatFloat(from, 'f', 4, 64), strconv.FormatFloat(stretch, 'f', 3, 64), "stat")
	for _, m := range statLine.FindAllStringSubmatch(out, -1) {
		x, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(m[1], "Rough") {
			hz = x
		} else {
			dBm0 = 20*math.Log10(x) + 3.01 + 3.14 // a sine at full scale is 3.14 dBm0
		}
	}
	if hz == 0 {
		t.Fatalf("sox stat of %s says nothing:\n%s", file, out)
	}
	return hz, dBm0
}

// around is a band as sox writes it.
func around(hz, half float64) string {
	return strconv.FormatFloat(hz-half, 'f', 0, 64) + "-" + strconv.FormatFloat(hz+half, 'f', 0, 64)
}

// wantTone fails unless the recording holds hz, within 2 %, at dBm0, within 1 dB.
func wantTone(t *testing.T, file string, hz, dBm0 float64) {
	t.Helper()
	gotHz, got := measure(t, file, around(hz, hz/10), 0.5)
	t.Logf("%s: %.0f Hz at %.1f dBm0", filepath.Base(file), gotHz, got)
	if math.Abs(gotHz-hz) > hz*0.02 || math.Abs(got-dBm0) > 1 {
		t.Errorf("%s: %.0f Hz at %.1f dBm0, want %.0f Hz at %.1f dBm0", filepath.Base(file), gotHz, got, hz, dBm0)
	}
}

// multimon is what multimon-ng reads with one of its demodulators.
func multimon(t *testing.T, file, demodulator string) string {
	t.Helper()
	wide := filepath.Join(t.TempDir(), "wide.raw")
	run(t, "sox", file, "-t", "raw", "-r", "22050", "-e", "signed", "-b", "16", "-c", "1", wide)
	return run(t, "multimon-ng", "-q", "-a", demodulator, "-t", "raw", wide)
}

var dtmfLine = regexp.MustCompile(`(?m)^DTMF: (\S)`)

func multimonDigits(t *testing.T, file string) string {
	t.Helper()
	got := ""
	for _, m := range dtmfLine.FindAllStringSubmatch(multimon(t, file, "DTMF"), -1) {
		got += m[1]
	}
	return got
}

// Caller ID on the line, as each country wants it, read by programs that we did not write.
func TestCallerIDJudged(t *testing.T) {
	const number, name = "13800138000", "Lab Caller"
	tests := []struct {
		country string
		mark    float64 // Hz of the FSK; 0: DTMF
		digits  string
	}{
		{country: "CN", mark: 1200}, // Bell 202 after the first ring
		{country: "US", mark: 1200},
		{country: "DE", mark: 1300}, // V.23 after the first ring
		{country: "GB", mark: 1300}, // V.23 before the first ring, after reversal and DT-AS
		{country: "DK", digits: "A" + number + "#"},
		{country: "BR", digits: "A" + number + "C"},
	}
	startKamailio(t)
	startCapture(t)
	s := setup{ports: len(tests)}
	for _, tt := range tests {
		s.countries = append(s.countries, tt.country)
	}
	a := startAgent(t, s)
	var recording []func() string
	var calls []*sippCall
	for i := range tests { // all telephones at once
		a.waitRegistered(t, i+1)
		recording = append(recording, a.record(t, i+1, 8))
		calls = append(calls, caller(t, "uac_cancel", map[string]string{"port": strconv.Itoa(5390 + 10*i), "s": "100" + strconv.Itoa(i+1), "ringms": "7000"}))
	}
	for i, tt := range tests {
		t.Run(tt.country, func(t *testing.T) {
			wav := recording[i]()
			calls[i].passed(t, 30*time.Second)
			if tt.digits != "" {
				if got := multimonDigits(t, wav); got != tt.digits {
					t.Errorf("multimon-ng reads %q, want %q", got, tt.digits)
				}
				return
			}
			modem := run(t, "minimodem", "--rx", "callerid", "-f", wav)
			clip := multimon(t, wav, "CLIPFSK")
			t.Logf("minimodem:\n%smultimon-ng:\n%s", modem, clip)
			for _, want := range []string{number, name} {
				if !strings.Contains(modem, want) {
					t.Errorf("minimodem does not read %q", want)
				}
				if !strings.Contains(clip, want) {
					t.Errorf("multimon-ng does not read %q", want)
				}
			}
			// The long mark before the message tells Bell 202 from V.23.
			other := 2500 - tt.mark
			_, wanted := measure(t, wav, around(tt.mark, 20), 0.1)
			_, unwanted := measure(t, wav, around(other, 20), 0.1)
			t.Logf("%.0f Hz: %.1f dBm0, %.0f Hz: %.1f dBm0", tt.mark, wanted, other, unwanted)
			if wanted < unwanted+6 {
				t.Errorf("the mark is no %.0f Hz", tt.mark)
			}
		})
	}
}

// Tones on the line: frequencies, level and cadence, measured by sox.
func TestTonesJudged(t *testing.T) {
	tests := []struct {
		country   string
		dial      []float64
		dialLevel float64 // dBm0 of each frequency
		busy      []float64
		busyLevel float64
		on        float64 // seconds of a burst of busy tone
	}{
		{"CN", []float64{450}, -10, []float64{450}, -10, 0.35},
		{"US", []float64{350, 440}, -13, []float64{480, 620}, -24, 0.5},
		{"GB", []float64{350, 440}, -13, []float64{400}, -10, 0.375},
	}
	startKamailio(t)
	startCapture(t)
	s := setup{ports: len(tests)}
	for _, tt := range tests {
		s.countries = append(s.countries, tt.country)
	}
	a := startAgent(t, s)
	var dial, busy []func() string
	for i := range tests {
		a.waitRegistered(t, i+1)
		a.phone(t, i+1, "lift") // the ear knows only the names of its own country's tones
		a.waitState(t, i+1, "Dialing")
		dial = append(dial, a.record(t, i+1, 2))
	}
	for i := range tests {
		dial[i]()
		a.phone(t, i+1, "dial 8486") // Kamailio answers 486
		a.waitState(t, i+1, "Busy")
		busy = append(busy, a.record(t, i+1, 5))
	}
	for i, tt := range tests {
		t.Run(tt.country, func(t *testing.T) {
			check := func(file string, all []float64, level float64) {
				for _, hz := range all {
					got, dBm0 := measure(t, file, around(hz, 45), 0.25)
					t.Logf("%.0f Hz at %.1f dBm0", got, dBm0)
					if math.Abs(got-hz) > hz*0.03 || math.Abs(dBm0-level) > 1 {
						t.Errorf("%.0f Hz at %.1f dBm0, want %.0f Hz at %.1f dBm0", got, dBm0, hz, level)
					}
				}
			}
			check(dial[i](), tt.dial, tt.dialLevel)
			wav := busy[i]()
			check(wav, tt.busy, tt.busyLevel)
			for _, s := range bursts(t, wav) {
				if math.Abs(s-tt.on) > 0.02 {
					t.Errorf("a burst of busy tone lasts %.3f s, want %.3f s", s, tt.on)
				}
			}
			a.phone(t, i+1, "hangup")
			a.waitState(t, i+1, "Idle")
		})
	}
}

// bursts cuts a recording at its pauses and returns how long each whole burst lasts; sox does the cutting.
func bursts(t *testing.T, file string) []float64 {
	t.Helper()
	dir := t.TempDir()
	run(t, "sox", file, filepath.Join(dir, "b.wav"), "silence", "1", "0.03", "1%", "1", "0.03", "1%", ":", "newfile", ":", "restart")
	all, err := filepath.Glob(filepath.Join(dir, "b*.wav"))
	if err != nil {
		t.Fatal(err)
	}
	var lengths []float64
	for _, f := range all {
		s, err := strconv.ParseFloat(strings.TrimSpace(run(t, "soxi", "-D", f)), 64)
		if err != nil {
			t.Fatal(err)
		}
		if s > 0.05 {
			lengths = append(lengths, s)
		}
	}
	if len(lengths) < 4 {
		t.Fatalf("only bursts of %v s", lengths)
	}
	return lengths[1 : len(lengths)-1] // the first and the last are cut
}

const allDigits = "1234567890*#ABCD"

// dtmf lets sox make digits: level of the low group in dBFS and twist in dB, on and off in seconds.
func dtmf(t *testing.T, digits, level, twist, on, off string) string {
	t.Helper()
	low := map[rune]string{'1': "697", '2': "697", '3': "697", 'A': "697", '4': "770", '5': "770", '6': "770", 'B': "770",
		'7': "852", '8': "852", '9': "852", 'C': "852", '*': "941", '0': "941", '#': "941", 'D': "941"}
	high := map[rune]string{'1': "1209", '4': "1209", '7': "1209", '*': "1209", '2': "1336", '5': "1336", '8': "1336", '0': "1336",
		'3': "1477", '6': "1477", '9': "1477", '#': "1477", 'A': "1633", 'B': "1633", 'C': "1633", 'D': "1633"}
	dir := t.TempDir()
	var parts []string
	for i, d := range digits {
		part := filepath.Join(dir, strconv.Itoa(i)+".wav")
		lo, hi := filepath.Join(dir, "lo.wav"), filepath.Join(dir, "hi.wav")
		run(t, "sox", "-R", "-n", "-r", "8000", "-b", "16", "-c", "1", lo, "synth", on, "sine", low[d], "gain", level)
		run(t, "sox", "-R", "-n", "-r", "8000", "-b", "16", "-c", "1", hi, "synth", on, "sine", high[d], "gain", level, "gain", twist)
		run(t, "sox", "-R", "-m", "-v", "1", lo, "-v", "1", hi, part, "pad", "0", off)
		parts = append(parts, part)
	}
	file := filepath.Join(dir, "digits.wav")
	run(t, append(append([]string{"sox", "-R"}, parts...), file)...)
	return file
}

// Digits that sox made are dialled, and keyed in a conversation: they leave as telephone-events, and the far telephone's
// line carries tones that multimon-ng reads.
func TestDigitsJudged(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, setup{})
	a.waitRegistered(t, 1, 3)
	a.seize(t, 3)
	a.phone(t, 3, "say "+dtmf(t, "1001", "-16", "2", "0.06", "0.06"))
	a.hears(t, 1, "ring", 10)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	a.waitState(t, 3, "Talking")
	line := a.record(t, 1, 7)
	a.phone(t, 3, "say "+dtmf(t, allDigits, "-20", "3", "0.08", "0.1"))
	wav := line()
	a.phone(t, 3, "hangup")
	a.hears(t, 1, "busy", 10)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	if got := multimonDigits(t, wav); got != allDigits {
		t.Errorf("multimon-ng reads %q on the far line, want %q", got, allDigits)
	}
	c.wantRTP(t, 2, 100)
	c.wantDigits(t, allDigits)
}
