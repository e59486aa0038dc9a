package dsp

import (
	"math"
	"sort"
	"testing"
)

// The reference is the definition: the decision values and quantised values of tables 1 and 2 of G.711, made from chords
// and steps in floating point, and a search for the interval in which a value lies.
type companding struct {
	decisions []float64 // of the positive side, ascending: interval i is [decisions[i], decisions[i+1])
	values    []float64
	code      func(interval int, negative bool) byte
}

// refALaw is on the scale of 16 bits: 4096 of G.711 is 32768.
func refALaw() companding {
	var c companding
	at := 0.0
	for chord := range 8 {
		width := 16 * math.Pow(2, math.Max(0, float64(chord-1)))
		for range 16 {
			c.decisions = append(c.decisions, at)
			c.values = append(c.values, at+width/2)
			at += width
		}
	}
	c.code = func(i int, negative bool) byte {
		b := byte(i) | 0x80
		if negative {
			b = byte(i)
		}
		return b ^ 0x55
	}
	return c
}

// refULaw is on the scale of 16 bits: 8192 of G.711 is 32768. The first interval has half the width.
func refULaw() companding {
	var c companding
	at := -4.0 // the interval around 0 is shared by both signs
	for chord := range 8 {
		width := 8 * math.Pow(2, float64(chord))
		for range 16 {
			c.decisions = append(c.decisions, max(at, 0))
			c.values = append(c.values, at+width/2)
			at += width
		}
	}
	c.code = func(i int, negative bool) byte {
		b := ^byte(i)
		if negative {
			b &= 0x7f
		}
		return b
	}
	return c
}

func (c companding) encode(v float64, negative bool) byte {
	i := sort.Search(len(c.decisions), func(i int) bool { return c.decisions[i] > v }) - 1
	return c.code(i, negative)
}

func TestG711IsTheStandards(t *testing.T) {
	laws := []struct {
		name   string
		ref    companding
		encode func([]byte, []int16)
		decode func([]int16, []byte)
		cut    int // bits below the codec's resolution: 13 bits A-law, 14 bits u-law
	}{
		{"A", refALaw(), EncodeALaw, DecodeALaw, 3},
		{"u", refULaw(), EncodeULaw, DecodeULaw, 2},
	}
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			for i, want := range law.ref.values {
				for _, negative := range []bool{false, true} {
					code := law.ref.code(i, negative)
					var got [1]int16
					law.decode(got[:], []byte{code})
					if negative {
						want = -want
					}
					if float64(got[0]) != want {
						t.Fatalf("code %02x decodes to %d, want %v", code, got[0], want)
					}
					want = math.Abs(want)
				}
			}
			for v := math.MinInt16; v <= math.MaxInt16; v++ {
				// A value of the codec's resolution; a negative one is a ones' complement (G.191), that is the one
				// nearer to zero.
				m := v
				if v < 0 {
					m = ^v
				}
				m = m >> law.cut << law.cut
				want := law.ref.encode(float64(m), v < 0)
				var got [1]byte
				law.encode(got[:], []int16{int16(v)})
				if got[0] != want {
					t.Fatalf("%d codes to %02x, want %02x", v, got[0], want)
				}
			}
		})
	}
}

func TestG711RoundTrips(t *testing.T) {
	for c := range 256 {
		var v [1]int16
		var b [1]byte
		DecodeALaw(v[:], []byte{byte(c)})
		if EncodeALaw(b[:], v[:]); b[0] != byte(c) {
			t.Errorf("A-law %02x comes back as %02x", c, b[0])
		}
		DecodeULaw(v[:], []byte{byte(c)})
		if EncodeULaw(b[:], v[:]); b[0] != byte(c) && c != 0x7f { // minus zero comes back as plus zero
			t.Errorf("u-law %02x comes back as %02x", c, b[0])
		}
	}
}

// The standard's own words: the idle codes, the loudest ones, and the digital milliwatt of table 5, which is 0 dBm0.
func TestG711KnownCodes(t *testing.T) {
	var b [4]byte
	EncodeALaw(b[:], []int16{0, -1, 32767, -32768})
	if b != [4]byte{0xd5, 0x55, 0xaa, 0x2a} {
		t.Errorf("A-law of 0, -1, max, min: %x", b)
	}
	EncodeULaw(b[:], []int16{0, -1, 32767, -32768})
	if b != [4]byte{0xff, 0x7f, 0x80, 0x00} {
		t.Errorf("u-law of 0, -1, max, min: %x", b)
	}
	var milliwatt [8]int16
	DecodeALaw(milliwatt[:], []byte{0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4})
	if l := LevelDBm0(milliwatt[:]); l != 0 {
		t.Errorf("digital milliwatt, A-law: %v", l)
	}
	DecodeULaw(milliwatt[:], []byte{0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e})
	if l := LevelDBm0(milliwatt[:]); l < -1 || l > 1 {
		t.Errorf("digital milliwatt, u-law: %v", l)
	}
}

func TestG711TakesTheShorterLength(t *testing.T) {
	dst := []byte{1, 2, 3}
	EncodeALaw(dst, make([]int16, 2))
	if dst[2] != 3 {
		t.Error("wrote past the source")
	}
	EncodeULaw(dst[:1], make([]int16, 5))
	DecodeALaw(make([]int16, 1), dst)
	DecodeULaw(nil, dst)
}
