package dsp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Limits of the notation.
const (
	maxVoices   = 4 // the American howler has four
	maxElements = 64
	maxHz       = SampleRate/2 - 1
	maxToneMs   = 3_600_000
)

// Plan is a tone with its cadence, ready to be played. It never changes.
type Plan struct {
	spec     string
	level    Level
	elements []element
	repeat   int // where it goes on after the last element; -1: it ends

	// A howler grows: its gain starts at rampFrom (24 binary places) and is multiplied by rampBy (24 places) every
	// 10 ms until it is 1. rampBy 0: no ramp.
	rampFrom, rampBy uint32
}

// element is one sound of a cadence, or a silence (no voices).
type element struct {
	voices  []voice
	mod     uint32 // step of the amplitude modulation, 0: none
	samples int    // 0: for ever
}

// voice is one sine.
type voice struct {
	step uint32
	amp  int32
}

// ParseTone reads a tone in the notation of Asterisk's indications.conf, which the country table uses:
//
//	tone      = element { "," element }
//	element   = [ "!" ] frequency [ "/" milliseconds ]
//	frequency = "0" | hz { "+" hz } | hz "*" hz
//
// 0 is silence, "+" adds up to four sines, "a*b" is a sine of a Hz modulated by b Hz to a depth of 90 %. An element
// without a duration never ends. Elements before the first one without "!" are played once, the others repeat; when all
// have "!" the tone ends.
//
// The level is the power of all components of an element together; it is cut to LevelMax.
func ParseTone(spec string, level Level) (*Plan, error) {
	level = min(level, LevelMax)
	p := &Plan{spec: spec, level: level, repeat: -1}
	fields := strings.Split(spec, ",")
	if len(fields) > maxElements {
		return nil, fmt.Errorf("tone %q: %d elements, at most %d are played", spec, len(fields), maxElements)
	}
	for i, f := range fields {
		f = strings.TrimSpace(f)
		rest, once := strings.CutPrefix(f, "!")
		e, err := parseElement(rest, level)
		if err != nil {
			return nil, fmt.Errorf("tone %q: element %d %q: %w", spec, i+1, f, err)
		}
		if e.samples == 0 && i+1 < len(fields) {
			return nil, fmt.Errorf("tone %q: element %d %q never ends, so element %d is never heard: give it milliseconds, as in %s/500",
				spec, i+1, f, i+2, f)
		}
		if !once && p.repeat < 0 {
			p.repeat = i
		}
		p.elements = append(p.elements, e)
	}
	return p, nil
}

func parseElement(s string, level Level) (element, error) {
	var e element
	freq, ms, timed := strings.Cut(s, "/")
	if timed {
		n, err := parseNumber(ms, 1, maxToneMs, "milliseconds")
		if err != nil {
			return e, err
		}
		e.samples = n * samplesPerMs
	}
	if freq == "0" {
		return e, nil
	}
	if carrier, mod, am := strings.Cut(freq, "*"); am {
		f, err := parseNumber(carrier, 1, maxHz, "Hz")
		if err != nil {
			return e, err
		}
		m, err := parseNumber(mod, 1, maxHz, "Hz")
		if err != nil {
			return e, err
		}
		e.mod = step(uint32(m))
		e.voices = []voice{{step(uint32(f)), int32((level - amShare).Amplitude())}}
		return e, nil
	}
	parts := strings.Split(freq, "+")
	if len(parts) > maxVoices {
		return e, fmt.Errorf("%d frequencies, at most %d can sound together", len(parts), maxVoices)
	}
	amp := int32((level - share[len(parts)]).Amplitude())
	for _, part := range parts {
		f, err := parseNumber(part, 1, maxHz, "Hz")
		if err != nil {
			return e, err
		}
		e.voices = append(e.voices, voice{step(uint32(f)), amp})
	}
	return e, nil
}

// share is what each of n voices is below their sum; amShare what a carrier is below its modulated power, which
// is 1 + depth squared / 2.
var share = [maxVoices + 1]Level{0, 0, 30, 48, 60}

const (
	amShare Level = 15
	amDepth int32 = 29491 // 90 % of 32768
)

func parseNumber(s string, low, high int, unit string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high || s[0] == '+' {
		return 0, fmt.Errorf("%q is not a number of %s between %d and %d", s, unit, low, high)
	}
	return n, nil
}

// String is the notation that was parsed.
func (p *Plan) String() string { return p.spec }

// Level is the power of the tone while it sounds.
func (p *Plan) Level() Level { return p.level }

// Once is how long a tone lasts that is played once; 0 when it goes on for ever.
func (p *Plan) Once() time.Duration {
	n := 0
	for _, e := range p.elements {
		if e.samples == 0 {
			return 0
		}
		n += e.samples
	}
	if p.repeat >= 0 {
		return 0
	}
	return time.Duration(n) * time.Second / SampleRate
}

// Ramp is the same tone starting at a lower level and growing, by equal decibels in equal times, to its own. It uses
// floats: construction only.
func (p *Plan) Ramp(from Level, over time.Duration) *Plan {
	q := *p
	steps := int(over / (10 * time.Millisecond))
	if from >= p.level || steps < 1 {
		return &q
	}
	ratio := math.Pow(10, float64(from-p.level)/200)
	q.rampFrom = uint32(ratio * (1 << 24))
	q.rampBy = uint32(math.Round(math.Pow(ratio, -1/float64(steps)) * (1 << 24)))
	return &q
}

// HowlerSpec is the receiver-off-hook tone for countries whose table names none.
const HowlerSpec = "1400+2060+2450+2600/100,0/100"

// Howler is a receiver-off-hook tone that grows from -20 to -3 dBm0 in ten seconds: loud enough to be heard across the
// room, but not at once in an ear. An empty spec means HowlerSpec.
func Howler(spec string) (*Plan, error) {
	if spec == "" {
		spec = HowlerSpec
	}
	p, err := ParseTone(spec, LevelHowler)
	if err != nil {
		return nil, err
	}
	return p.Ramp(-200, 10*time.Second), nil
}
