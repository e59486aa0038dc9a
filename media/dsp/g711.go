package dsp

import "math/bits"

// G.711 codes a sample as a sign, a segment (which power of two) and four bits within the segment. Tables do it in both
// directions; they hold no more than the codecs tell apart, 4 KB each, because a router's cache has 16. Negative samples
// are ones' complements, as in the reference code of ITU-T G.191.

// alawEven is the inversion of even bits that G.711 asks for, to give a quiet line transitions.
const alawEven = 0x55

// ulawBias moves the segments' ends to powers of two (33 on the 14-bit scale of G.711, here on 16 bits).
const ulawBias = 33 << 2

var (
	alawLinear, ulawLinear = expansions()
	alawCode               = alawCodes() // by the upper 12 bits of the sample
	ulawCode               = ulawCodes() // of positive samples, by (sample+4)/8: all thresholds are odd multiples of 4
)

func alawCodes() (t [4096]byte) {
	for i := range t {
		m, sign := uint32(i), byte(0x80)
		if i >= 2048 {
			m, sign = uint32(4095-i), 0
		}
		seg := bits.Len32(m >> 4)
		t[i] = (sign | byte(seg)<<4 | byte(m>>max(seg-1, 0))&15) ^ alawEven
	}
	return t
}

func ulawCodes() (t [4097]byte) {
	for i := range t {
		m := min(uint32(2*i+ulawBias>>2), 0x1fff) // 14 bits
		seg := bits.Len32(m >> 6)
		t[i] = ^(byte(seg)<<4 | byte(m>>(seg+1))&15)
	}
	return t
}

func expansions() (alaw, ulaw [256]int16) {
	for c := range 256 {
		x := c ^ alawEven
		seg, v := x>>4&7, x&15<<4+8
		if seg > 0 {
			v = (v + 256) << (seg - 1)
		}
		if x&0x80 == 0 {
			v = -v
		}
		alaw[c] = int16(v)

		x = ^c
		v = (x&15<<3+ulawBias)<<(x>>4&7) - ulawBias
		if x&0x80 != 0 {
			v = -v
		}
		ulaw[c] = int16(v)
	}
	return alaw, ulaw
}

// EncodeALaw codes src into dst, one byte a sample, as far as the shorter one goes.
func EncodeALaw(dst []byte, src []int16) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	for i, s := range src {
		dst[i] = alawCode[uint16(s)>>4]
	}
}

// DecodeALaw is the inverse of EncodeALaw; values are the middle of the quantising interval.
func DecodeALaw(dst []int16, src []byte) { decode(dst, src, &alawLinear) }

// EncodeULaw codes src into dst, one byte a sample, as far as the shorter one goes.
func EncodeULaw(dst []byte, src []int16) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	for i, s := range src {
		neg := s >> 15
		dst[i] = ulawCode[(uint32(uint16(s^neg))+4)>>3&0x1fff] & (byte(^neg) | 0x7f)
	}
}

// DecodeULaw is the inverse of EncodeULaw; values are the middle of the quantising interval.
func DecodeULaw(dst []int16, src []byte) { decode(dst, src, &ulawLinear) }

func decode(dst []int16, src []byte, linear *[256]int16) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	for i, c := range src {
		dst[i] = linear[c]
	}
}
