package dsp

import (
	"fmt"
	"strings"
	"time"
)

// The frequencies of Q.23. The digit of row r and column c is dtmfDigits[4*r+c].
const dtmfDigits = "123A456B789C*0#D"

var (
	dtmfRows    = [4]uint32{697, 770, 852, 941}
	dtmfColumns = [4]uint32{1209, 1336, 1477, 1633}
)

// DTMFDigit is the digit in the form that this package uses (0-9 * # A-D), and whether it is one; letters may be small.
func DTMFDigit(b byte) (byte, bool) {
	if 'a' <= b && b <= 'd' {
		b -= 'a' - 'A'
	}
	return b, strings.IndexByte(dtmfDigits, b) >= 0
}

// Durations of generated digits: what Q.24 receivers want at least, with room (TS 101 235: 65 ms and more).
const (
	dtmfMinOn  = 70 * samplesPerMs
	dtmfMinOff = 70 * samplesPerMs
)

// touch is a sound of two sines with ramps at its ends.
type touch struct {
	step, phase [2]uint32
	amp         [2]int32
	pos, left   int
}

// digitTouch is the sound of a digit.
func digitTouch(digit byte, low, high int32, samples int) touch {
	i := strings.IndexByte(dtmfDigits, digit)
	return touch{
		step: [2]uint32{step(dtmfRows[i/4]), step(dtmfColumns[i%4])},
		amp:  [2]int32{low, high},
		left: samples,
	}
}

// fill writes the next samples of the sound and returns their number, 0 when it is over.
func (t *touch) fill(dst []int16) int {
	n := min(len(dst), t.left)
	dst = dst[:n]
	t.phase[0] = setSine(dst, t.phase[0], t.step[0], t.amp[0])
	t.phase[1] = addSine(dst, t.phase[1], t.step[1], t.amp[1])
	if t.pos < rampSamples {
		shape(dst[:min(n, rampSamples-t.pos)], t.pos, 1)
	}
	if flat := max(t.left-rampSamples, 0); flat < n {
		shape(dst[flat:], t.left-flat, -1)
	}
	t.pos += n
	t.left -= n
	return n
}

// DTMFGen speaks digits: a queue of them, or one key as long as it is held.
type DTMFGen struct {
	low, high int32
	queue     [64]key
	first, n  int
	now       touch
	held      bool // now goes on until Release
	pause     int  // silence after now
}

type key struct {
	digit   byte // ',' is only its pause
	on, off int
	held    bool
}

// NewDTMFGen makes a generator with the levels of the two tones; LevelDTMFLow and LevelDTMFHigh are the usual ones.
func NewDTMFGen(low, high Level) *DTMFGen {
	return &DTMFGen{low: int32(low.Amplitude()), high: int32(high.Amplitude())}
}

// Dial adds digits to the queue, each with its sound and the silence after it; ',' is a second of silence. All of them
// are taken or none.
func (g *DTMFGen) Dial(digits string, on, off time.Duration) error {
	if room := len(g.queue) - g.n; len(digits) > room {
		return fmt.Errorf("dtmf: %d digits, there is room for %d", len(digits), room)
	}
	for i := range len(digits) {
		if _, ok := DTMFDigit(digits[i]); !ok && digits[i] != ',' {
			return fmt.Errorf("dtmf: %q is not a digit (0-9 * # A-D or ',')", digits[i])
		}
	}
	for i := range len(digits) {
		d, ok := DTMFDigit(digits[i])
		if !ok {
			g.push(key{digit: ',', off: SampleRate})
			continue
		}
		g.push(key{digit: d, on: samples(on), off: samples(off)})
	}
	return nil
}

// Press adds a key that sounds from its turn until Release, 70 ms at least. It is false for what is not a digit and
// when the queue is full.
func (g *DTMFGen) Press(digit byte) bool {
	d, ok := DTMFDigit(digit)
	if !ok || g.n == len(g.queue) {
		return false
	}
	g.push(key{digit: d, on: dtmfMinOn, off: dtmfMinOff, held: true})
	return true
}

// Release lets go of every key that is held.
func (g *DTMFGen) Release() {
	for i := range g.n {
		g.queue[(g.first+i)%len(g.queue)].held = false
	}
	if g.held {
		g.held = false
		g.now.left = max(dtmfMinOn-g.now.pos, rampSamples)
	}
}

// Reset is silence at once; the queue is dropped.
func (g *DTMFGen) Reset() { *g = DTMFGen{low: g.low, high: g.high} }

// Busy tells whether Fill has something to play.
func (g *DTMFGen) Busy() bool { return g.now.left > 0 || g.pause > 0 || g.n > 0 }

func (g *DTMFGen) push(k key) {
	g.queue[(g.first+g.n)%len(g.queue)] = k
	g.n++
}

// Fill writes the next samples. It returns false, and writes silence, when there is nothing to play.
func (g *DTMFGen) Fill(dst []int16) bool {
	busy := g.Busy()
	for len(dst) > 0 && g.Busy() {
		switch {
		case g.held:
			g.now.left = len(dst) + rampSamples // not yet the end
			dst = dst[g.now.fill(dst):]
		case g.now.left > 0:
			dst = dst[g.now.fill(dst):]
		case g.pause > 0:
			n := min(g.pause, len(dst))
			clear(dst[:n])
			g.pause -= n
			dst = dst[n:]
		default:
			k := g.queue[g.first]
			g.first, g.n = (g.first+1)%len(g.queue), g.n-1
			g.pause, g.held = k.off, k.held
			g.now = touch{}
			if k.on > 0 {
				g.now = digitTouch(k.digit, g.low, g.high, k.on)
			}
		}
	}
	clear(dst)
	return busy
}
