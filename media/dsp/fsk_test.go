package dsp

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

// modem is an independent receiver: for each sample the energy at mark and space over one bit, in floating point, then
// an asynchronous receiver that waits for a start bit and samples the middle of each bit.
type modem struct{ mark, space float64 }

const bitLength = 8000.0 / 1200

// soft is positive where a mark is on the line: the difference of the amplitudes over one bit around each sample. carrier
// is their sum.
func (m modem) soft(s sound) (soft, carrier []float64) {
	energy := func(hz float64) []float64 {
		re, im := make([]float64, len(s)+1), make([]float64, len(s)+1)
		for i, v := range s {
			a := 2 * math.Pi * hz * float64(i) / 8000
			re[i+1], im[i+1] = re[i]+v*math.Cos(a), im[i]+v*math.Sin(a)
		}
		out := make([]float64, len(s))
		for i := 3; i+4 <= len(s); i++ {
			out[i] = math.Hypot(re[i+4]-re[i-3], im[i+4]-im[i-3])
		}
		return out
	}
	mark, space := energy(m.mark), energy(m.space)
	soft, carrier = make([]float64, len(s)), make([]float64, len(s))
	for i := range s {
		soft[i], carrier[i] = mark[i]-space[i], mark[i]+space[i]
	}
	return soft, carrier
}

// receive returns the bytes after the first mark of at least 50 bits, and how many bits of something else and of mark came
// before.
func (m modem) receive(pcm []int16) (data []byte, seizure, mark int) {
	soft, carrier := m.soft(toFloat(pcm))
	loud := slices.Max(carrier)
	bit := func(at float64) bool { return soft[int(math.Round(at))] > 0 }
	start := 0
	for start < len(soft) && carrier[start] < loud/2 {
		start++
	}
	last, since := bit(float64(start)), start
	i := start
	for ; i < len(soft); i++ {
		now := soft[i] > 0
		if now == last {
			continue
		}
		if run := float64(i-since) / bitLength; last && run > 50 {
			seizure, mark = int(math.Round(float64(since-start)/bitLength)), int(math.Round(run))
			break
		}
		last, since = now, i
	}
	for i < len(soft)-66 {
		// i is where a start bit begins
		var b byte
		if carrier[i+3] < loud/4 {
			break
		}
		if bit(float64(i) + bitLength/2) {
			i++
			continue
		}
		for k := range 8 {
			if bit(float64(i) + bitLength*(float64(k)+1.5)) {
				b |= 1 << k
			}
		}
		if !bit(float64(i) + bitLength*9.5) {
			return data, seizure, mark
		}
		data = append(data, b)
		for i += 63; i < len(soft) && soft[i] > 0; i++ {
		}
	}
	return data, seizure, mark
}

var modems = map[Standard]modem{Bell202: {1200, 2200}, V23: {1300, 2100}}

func TestFSKIsDecodedByAnIndependentModem(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 6
	}
	for std, m := range modems {
		t.Run(std.String(), func(t *testing.T) {
			rng := newRand(11)
			for run := range runs {
				data := make([]byte, 1+rng.IntN(60))
				for i := range data {
					data[i] = byte(rng.Uint32())
				}
				f := NewFSKMod(std, LevelFSK)
				seizure, mark := 300, 80+rng.IntN(101)
				f.Send(seizure, mark, data, 10)
				pcm := make([]int16, 40+rng.IntN(20))
				for frame := make([]int16, 1+rng.IntN(200)); ; {
					n := f.Fill(frame)
					pcm = append(pcm, frame[:n]...)
					if n < len(frame) {
						break
					}
				}
				pcm = append(pcm, make([]int16, 100)...)
				if run%2 == 1 {
					pcm = toFloat(pcm).noise(rng, -13.5-25).pcm()
				}
				got, seized, marks := m.receive(pcm)
				if !bytes.Equal(got, data) {
					t.Fatalf("run %d: sent %x, received %x", run, data, got)
				}
				if math.Abs(float64(seized-seizure)) > 3 || math.Abs(float64(marks-mark)) > 2 {
					t.Errorf("run %d: seizure of %d bits and %d of mark, want %d and %d", run, seized, marks, seizure, mark)
				}
			}
		})
	}
}

func TestFSKLevelFrequencyAndPhase(t *testing.T) {
	for std, m := range modems {
		if testing.Short() && std != Bell202 {
			continue
		}
		f := NewFSKMod(std, LevelFSK)
		f.Send(0, 2400, nil, 0)
		s := toFloat(play(func(b []int16) bool { return f.Fill(b) > 0 }, 16000))[4000:12000]
		if got := s.level(); math.Abs(got+13.5) > 0.1 {
			t.Errorf("%v: mark has %.2f dBm0", std, got)
		}
		if got := s.peak(m.mark, 5); math.Abs(got-m.mark) > 0.1 {
			t.Errorf("%v: mark is %.2f Hz, want %v", std, got, m.mark)
		}
		f.Send(2400, 0, nil, 0)
		s = toFloat(play(func(b []int16) bool { return f.Fill(b) > 0 }, 16000))[:15900]
		if got := s[4000:12000].level(); math.Abs(got+13.5) > 0.1 {
			t.Errorf("%v: seizure has %.2f dBm0", std, got)
		}
		// The phase never jumps: two neighbours differ by no more than the faster tone can move.
		limit := 2*amplitudeOf(-13.5)*math.Sin(math.Pi*m.space/8000) + 3
		for i := 1; i < len(s); i++ {
			if d := math.Abs(s[i] - s[i-1]); d > limit {
				t.Fatalf("%v: sample %d jumps by %.0f, at most %.0f is continuous", std, i, d, limit)
			}
		}
	}
}

// The bit clock is exact over the longest message: no drift, and edges within a third of a sample.
func TestFSKBitClock(t *testing.T) {
	f := NewFSKMod(Bell202, LevelFSK)
	f.Send(30000, 0, nil, 0)
	n := 0
	for frame := make([]int16, 80); ; {
		k := f.Fill(frame)
		n += k
		if k < len(frame) {
			break
		}
	}
	if n != 200_000 {
		t.Errorf("30000 bits take %d samples, want 200000", n)
	}
}

func FuzzFSK(f *testing.F) {
	f.Add(uint8(0), []byte{0x80, 0, 0x80}, 300, 180, 10, 80)
	f.Add(uint8(1), []byte{}, 0, 0, 0, 1)
	f.Fuzz(func(t *testing.T, std uint8, data []byte, seizure, mark, tail, size int) {
		clip := func(n, most int) int { return min(max(n, 0), most) }
		m := NewFSKMod(Standard(std), LevelFSK)
		if len(data) > 300 {
			return
		}
		p := &packet{clip(seizure, 400), clip(mark, 400), clip(tail, 20), data}
		m.Send(p.seizure, p.mark, p.data, p.tail)
		frame := make([]int16, clip(size, 400)+1)
		n := 0
		for {
			k := m.Fill(frame)
			n += k
			if k < len(frame) {
				break
			}
		}
		if n != p.samples() {
			t.Fatalf("%d samples, want %d", n, p.samples())
		}
	})
}
