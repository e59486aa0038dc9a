package dsp

import "math/bits"

// DTMF is what the detector heard: a digit that began or ended.
type DTMF struct {
	Digit byte  // 0-9 * # A-D
	On    bool  // began; false: ended
	Level Level // power of the two tones together
	At    int64 // sample of the onset (On) or of the end, counted from the first sample ever processed; within 6 ms
}

// What counts as a digit (ITU-T Q.24, with room for noise).
const (
	// 1.5 % + 2 Hz must pass, 3.5 % must not; what speech and noise add to the measurement decides where between.
	rowDeviation    = 0.0215
	columnDeviation = 0.0195

	weakest = -340 // tenths of a dBm0 of the weaker tone; -26 must pass

	// Power ratios of the groups, in eighths. The high group may be 4 dB stronger and, behind a long line, 8 dB weaker than
	// the low one; telephones that make up for a long line are 8 dB off the other way.
	twistWindow = 128 // 12 dB: one window
	twistMean   = 71  // 9.5 dB: all windows of a digit

	hitsToStart  = 4 // windows of 10 ms, 5 ms apart: 25 ms of tone
	missesToStop = 4 // 20 ms without it

	// Share of the power that must be in the two tones, in sixteenths. A tone 1.5 % off loses a fifth in a window.
	shareWindow  = 10  // of a hit
	shareSuspect = 13  // of a hit that is suspicious at once
	shareMean    = 113 // of all windows of a digit, made good for the deviation, in 128ths
	shareToGoOn  = 8

	steady = 52 // the least power of a digit's blocks, in per cent of the greatest

	// The shortest digit, in sixteenths of a block: 25 ms. What the measurement errs leaves 23 ms rejected and 30 ms
	// accepted.
	shortest = 5 * 16

	filterDelay = 10 // samples, of the filters before the transform
)

var dtmfBins, weakestPower = dtmfTables()

func dtmfTables() (b [8]bin, weak uint32) {
	for i := range 4 {
		b[i] = makeBin(float64(dtmfRows[i]), rowDeviation)
		b[4+i] = makeBin(float64(dtmfColumns[i]), columnDeviation)
	}
	a := uint32(Level(weakest).Amplitude()) / 4 // 14 bits
	return b, a * a * 25 / 4
}

// DTMFDetector hears digits within the limits of ITU-T Q.24: tones of 40 ms with pauses of 40 ms, 1.5 % off, with a
// twist of 8 dB either way, from -26 dBm0 up, in noise 15 dB below, over dial tone. Tones of 23 ms or 3.5 % off are no
// digits. The zero value is ready.
//
//	          hit                    4th hit, 25 ms, right frequencies: On
//	silence ------> candidate(digit) -------------------------------------> on(digit)
//	   ^  ^            | miss                                                  |
//	   |  +------------+                                 4 misses (20 ms): Off |
//	   +-----------------------------------------------------------------------+
//
// The signal is split at 2 kHz, freed from dial tone, and cut into blocks of 5 ms. Each block completes a window of 10 ms.
// A window is a hit when one row and one column have nearly all its power, in the right proportion. How exact the
// frequencies are is told by the phases, once the hits have lasted. Then the digit is told; it ends after four windows
// that miss it.
type DTMFDetector struct {
	count int64 // samples

	in     [2 * blockSamples]int16 // the block that is being filled
	n      int                     // samples of it
	split  halfband
	notch  dialNotch
	past   [2 + hitsToStart]uint32 // energies of the last blocks, newest first, divided by 16
	block  [8]phasor               // of the last block
	window [8]phasor               // of the last window, divided by 8

	hits          int
	onset         int64   // sample at which the candidate began
	digit         int     // index of the candidate or the digit that is on
	row, col, all uint64  // sums of the powers and of all energy since the first hit
	turned        [2]spin // how row and column turned since the first hit
	on            bool
	misses        int
	suspect       bool   // the last window alone is nearly pure
	loud          uint32 // power of the digit's window when it began
}

// spin is a sum of phasor products: its argument is the mean turn.
type spin struct{ re, im int64 }

// add takes in the turn from window a to window b.
func (s *spin) add(a, b phasor) {
	s.re += int64(a.re*b.re + a.im*b.im)
	s.im += int64(a.re*b.im - a.im*b.re)
}

// near tells whether the turn is no more than the bin accepts.
func (s *spin) near(b *bin) bool {
	return s.re > 0 && max(s.im, -s.im)<<8 <= s.re*int64(b.near)
}

// corrected is the power of a tone that turned like this, as if it had been on the bin's frequency. A window of 10 ms loses
// (sin t / t)^2 of it when a block of 5 ms turns by t; that is 1 - 3/8 sin^2 t within 1 % up to t = 1.
func (s *spin) corrected(power uint64) uint64 {
	n := max(bits.Len64(uint64(max(s.re, -s.re, s.im, -s.im)))-14, 0)
	re, im := uint64(s.re>>n*(s.re>>n)), uint64(s.im>>n*(s.im>>n))
	return power * (re + im) / max(re+im-im*3/8, 1)
}

// Process takes the next samples and tells what began or ended in them. Frames of at most 10 ms lose nothing; of a
// longer one only the last event is told.
func (d *DTMFDetector) Process(frame []int16) (DTMF, bool) {
	var event DTMF
	var heard bool
	for len(frame) > 0 {
		n := copy(d.in[d.n:], frame)
		frame = frame[n:]
		d.count += int64(n)
		if d.n += n; d.n < len(d.in) {
			break
		}
		d.n = 0
		if e, ok := d.endBlock(heard); ok {
			event, heard = e, true
		}
	}
	return event, heard
}

// endBlock judges the window that the block completes. When wait is set nothing may begin yet: the frame has told of an
// end already.
func (d *DTMFDetector) endBlock(wait bool) (DTMF, bool) {
	before := d.window
	d.transform(d.filter())

	digit, row, col, ok := d.judge()
	if d.on {
		return d.goOn(digit, row+col)
	}
	d.suspect = ok && d.pure(row+col, shareSuspect)
	if !ok {
		d.hits = 0
		return DTMF{}, false
	}
	if d.hits == 0 || digit != d.digit {
		d.hits, d.digit, d.turned = 1, digit, [2]spin{}
		d.row, d.col, d.all = uint64(row), uint64(col), uint64(d.past[0])+uint64(d.past[1])
		d.onset = d.count - d.began()
		return DTMF{}, false
	}
	d.hits++
	d.row += uint64(row)
	d.col += uint64(col)
	d.all += uint64(d.past[0]) + uint64(d.past[1])
	for i, k := range [2]int{digit / 4, 4 + digit%4} {
		d.turned[i].add(before[k].turn(dtmfBins[k].turn), d.window[k])
	}
	if d.hits < hitsToStart || wait || !d.convincing() {
		return DTMF{}, false
	}
	d.on, d.misses, d.loud = true, 0, row+col
	return d.event(d.onset), true
}

// convincing tells whether the hits so far, taken together, are a digit.
func (d *DTMFDetector) convincing() bool {
	if !d.turned[0].near(&dtmfBins[d.digit/4]) || !d.turned[1].near(&dtmfBins[4+d.digit%4]) {
		return false
	}
	row, col := d.turned[0].corrected(d.row), d.turned[1].corrected(d.col)
	least, most := d.past[0], d.past[0]
	for _, e := range d.past[1 : hitsToStart+1] {
		least, most = min(least, e), max(most, e)
	}
	return (row+col)*128 >= d.all*5*shareMean && balanced(row, col, twistMean) &&
		uint64(least)*100 >= uint64(most)*steady && d.duration() >= shortest
}

// goOn is endBlock for a digit that is on.
func (d *DTMFDetector) goOn(digit int, power uint32) (DTMF, bool) {
	if digit == d.digit && power > d.loud/8 && d.pure(power, shareToGoOn) {
		d.misses = 0
		return DTMF{}, false
	}
	if d.misses++; d.misses < missesToStop {
		return DTMF{}, false
	}
	d.on, d.hits = false, 0
	return d.event(d.count - filterDelay - missesToStop*2*blockSamples), true
}

func (d *DTMFDetector) event(at int64) DTMF {
	return DTMF{Digit: dtmfDigits[d.digit], On: d.on, Level: powerLevel(uint64(d.loud)*128, 100), At: max(at, 0)}
}

// filter makes the block ready for the transform: samples at 4 kHz, and how many bits they were shifted to have 11 of
// them.
func (d *DTMFDetector) filter() (x [blockSamples]int32, shift int) {
	var high [blockSamples]int32
	d.split.split(&d.in, &x, &high)
	d.notch.filter(&x)
	var peak int32
	var energy uint32
	for i, v := range x {
		peak |= v ^ v>>31
		energy += uint32(v*v)>>4 + uint32(high[i]*high[i])>>4
	}
	copy(d.past[1:], d.past[:])
	d.past[0] = energy
	shift = 11 - bits.Len32(uint32(peak))
	for i, v := range x {
		if shift >= 0 {
			x[i] = v << (shift & 31)
		} else {
			x[i] = v >> (-shift & 31)
		}
	}
	return x, shift
}

// transform makes the phasors of the block and, with the block before, of the window. In a silence they are nothing.
func (d *DTMFDetector) transform(x [blockSamples]int32, shift int) {
	if d.past[0] < weakestPower/16 {
		d.block, d.window = [8]phasor{}, [8]phasor{}
		return
	}
	for i := range 4 {
		row, col := transform(&x, &dtmfBins[i], &dtmfBins[4+i])
		d.slide(i, row, shift)
		d.slide(4+i, col, shift)
	}
}

// slide makes the block's phasor, which was scaled by shift, the newest of bin i.
func (d *DTMFDetector) slide(i int, p phasor, shift int) {
	if shift >= 0 {
		p = p.shiftRight(shift)
	} else {
		p = phasor{p.re << -shift, p.im << -shift}
	}
	d.window[i] = d.block[i].turn(dtmfBins[i].turn).add(p).shiftRight(3)
	d.block[i] = p
}

// judge finds the strongest row and column of the window and tells whether they are a digit's.
func (d *DTMFDetector) judge() (digit int, pr, pc uint32, ok bool) {
	var row, col int
	for i := range 4 {
		if p := d.window[i].power(); p > pr {
			row, pr = i, p
		}
		if p := d.window[4+i].power(); p > pc {
			col, pc = i, p
		}
	}
	ok = pr >= weakestPower && pc >= weakestPower && balanced(uint64(pr), uint64(pc), twistWindow) &&
		d.pure(pr+pc, shareWindow)
	return 4*row + col, pr, pc, ok
}

// balanced tells whether the powers of row and column are in proportion.
func balanced(row, col, twist uint64) bool {
	return col*8 <= row*twist && row*8 <= col*twist
}

// pure tells whether the power of the window's two tones is that many sixteenths of all. Two sines of amplitude a have
// a power of 12.5 a^2 here, and an energy of 2.5 a^2.
func (d *DTMFDetector) pure(power uint32, share uint64) bool {
	return uint64(power)*16 >= (uint64(d.past[0])+uint64(d.past[1]))*5*share
}

// duration is for how long, in sixteenths of a block and at most for 6 blocks, the power has been what it is now: a tone
// that began within a block has a part of its energy.
func (d *DTMFDetector) duration() int {
	full := (uint64(d.past[1]) + uint64(d.past[2]) + uint64(d.past[3])) / 3
	if full == 0 {
		return 0
	}
	sum := min(uint64(d.past[hitsToStart+1]), full)
	for _, e := range d.past[:hitsToStart+1] {
		sum += uint64(e)
	}
	return int(sum * 16 / full)
}

// began is how many samples ago the tone of the first hit began: the blocks before the last one may be partly filled.
func (d *DTMFDetector) began() int64 {
	full := max(uint64(d.past[0]), 1)
	part := min(uint64(d.past[1]), full) + min(uint64(d.past[2]), full)
	return 2*blockSamples + int64(part*2*blockSamples/full) + filterDelay
}

// Candidate tells whether the last samples may be the beginning of a digit, or a digit is on: mute them.
func (d *DTMFDetector) Candidate() bool { return d.on || d.hits > 1 || d.suspect }

// Digit is the digit that is on, 0 when there is none.
func (d *DTMFDetector) Digit() byte {
	if !d.on {
		return 0
	}
	return dtmfDigits[d.digit]
}

// Samples is the number of samples processed so far: the clock of DTMF.At.
func (d *DTMFDetector) Samples() int64 { return d.count }

// Reset forgets what was heard. The clock goes on.
func (d *DTMFDetector) Reset() { *d = DTMFDetector{count: d.count} }
