package dsp

import (
	"fmt"
	"math"
	"math/bits"
)

// Level is a power in tenths of a dBm0: -135 is -13.5 dBm0.
type Level int16

// Levels of what a line hears. The level of a tone is the power of all its components together, so -10 dBm0 makes a
// pair of -13 dBm0 each.
const (
	LevelTone       Level = -100  // dial tone and all that is not named below
	LevelUSRingback Level = -160  // precise tone plan: -19 each
	LevelUSBusy     Level = -210  // precise tone plan: -24 each
	LevelCallWait   Level = -130  // over speech
	LevelInfo       Level = -80   // special information tone
	LevelHowler     Level = -30   // where the ramp of a howler ends
	LevelMax        Level = -30   // nothing that we generate is louder
	LevelFSK        Level = -135  // caller ID data
	LevelAlert      Level = -120  // DT-AS: -15 each
	LevelDTMFLow    Level = -90   // Q.23 generation, with the usual 2 dB of twist
	LevelDTMFHigh   Level = -70   //
	LevelSilence    Level = -1000 // what a Meter says when there was nothing

	fullScale = 3.14 // dBm0 of a sine with the peak 32767
)

func (l Level) String() string {
	sign, v := "", int(l)
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%d dBm0", sign, v/10, v%10)
}

// Amplitude is the peak of a sine of that level. It uses floats: construction only.
func Amplitude(dBm0 float64) int16 {
	return int16(math.Round(32767 * math.Pow(10, min(dBm0-fullScale, 0)/20)))
}

// Amplitude is the peak of a sine of that level. It uses floats: construction only.
func (l Level) Amplitude() int16 { return Amplitude(float64(l) / 10) }

// Meter measures the mean power of the samples it is given.
type Meter struct {
	sum uint64
	n   uint64
}

// Add takes samples into the measurement.
func (m *Meter) Add(frame []int16) {
	var sum uint64
	for _, v := range frame {
		sum += uint64(int32(v) * int32(v))
	}
	m.sum += sum
	m.n += uint64(len(frame))
}

// Level is the mean power since Reset, LevelSilence when there was none.
func (m *Meter) Level() Level { return powerLevel(m.sum, m.n) }

// Reset starts a new measurement.
func (m *Meter) Reset() { *m = Meter{} }

// LevelDBm0 is the mean power of the frame.
func LevelDBm0(frame []int16) Level {
	var m Meter
	m.Add(frame)
	return m.Level()
}

// Decibels by integers: 10 log10 x is 3.0103 log2 x, and the binary logarithm is the number of bits and a table.
const (
	milliPerOctave = 192659       // 3010.30 thousandths of a dB with 6 binary places
	fullScaleMilli = 87298 - 3140 // mean square of a full-scale sine in thousandths of a dB, less its 3.14 dBm0
	log2Steps      = 64
)

var log2Fraction = log2Table()

func log2Table() (t [log2Steps + 1]uint16) {
	for i := range t {
		t[i] = uint16(min(math.Round(math.Log2(1+float64(i)/log2Steps)*65536), 65535))
	}
	return t
}

// log2 is the binary logarithm of x with 16 binary places; x is not 0.
func log2(x uint64) int64 {
	n := bits.Len64(x) - 1
	f := uint32(x << (63 - n) << 1 >> 32) // what comes after the leading one
	i, rest := f>>26, f>>10&0xffff
	a, b := uint32(log2Fraction[i]), uint32(log2Fraction[i+1])
	return int64(n)<<16 + int64(a+(b-a)*rest>>16)
}

// powerLevel is the level of n samples with the given sum of squares.
func powerLevel(sum, n uint64) Level {
	if sum == 0 || n == 0 {
		return LevelSilence
	}
	milli := (log2(sum)-log2(n))*milliPerOctave>>22 - fullScaleMilli
	return max(Level((milli+100050)/100-1000), LevelSilence)
}
