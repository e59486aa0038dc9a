package dsp

import "math/bits"

// G.711 codes a sample as a sign, a segment (which power of two) and four bits within the segment. The encoders find
// the segment by counting leading zeros: twelve instructions, no 16 KB table in a cache that has 16 KB. The decoders
// look up 256 values. Negative samples are ones' complements, as in the reference code of ITU-T G.191.

// alawEven is the inversion of even bits that G.711 asks for, to give a quiet line transitions.
const alawEven = 0x55

// ulawBias moves the segments' ends to powers of two (33 on the 14-bit scale of G.711, here on 16 bits).
const ulawBias = 33 << 2

var alawLinear, ulawLinear = g711Tables()

func g711Tables() (alaw, ulaw [256]int16) {
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
		neg := s >> 15
		m := uint32(s^neg) >> 4 // 11 bits
		seg := bits.Len32(m >> 4)
		if seg > 1 {
			m >>= uint(seg-1) & 31
		}
		code := uint32(seg)<<4 | m&15
		dst[i] = byte(code) ^ byte(^neg)&0x80 ^ alawEven
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
		m := min(uint32(s^neg)>>2+ulawBias>>2, 0x1fff)
		seg := uint(bits.Len32(m>>6)) & 31
		code := uint32(seg)<<4 | m>>(seg+1)&15
		dst[i] = ^byte(code) & (0x7f | byte(^neg)&0x80)
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
