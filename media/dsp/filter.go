package dsp

// What comes before the DTMF detector's Goertzel filters. Both filters work on pairs of samples: DTMF ends at 1.7 kHz,
// so everything after them runs at 4 kHz and costs half.

// halfband splits a signal into what is below and above 2 kHz, both at 4 kHz. It is an elliptic half-band filter in
// polyphase form: two branches of all-passes whose sum is the low and whose difference is the high half, so that the
// powers of both add up to the input's. Passband to 1.7 kHz, stopband from 2.3 kHz 47 dB down. Samples go in and come out
// with 14 bits.
type halfband struct {
	a, b, c allpass
}

// allpass is the first-order section y = c (x - y1) + x1.
type allpass struct{ x, y int32 }

const (
	halfbandA = 2499  // 0.152510 with 14 binary places
	halfbandB = 7873  // 0.480530
	halfbandC = 13459 // 0.821503
)

// split cuts a block in two halves. The state lives in local variables meanwhile, which is what makes it quick.
func (h *halfband) split(in *[2 * blockSamples]int16, low, high *[blockSamples]int32) {
	a, b, c := h.a, h.b, h.c
	for i := range low {
		x, y := int32(in[2*i+1])>>2, a.y
		y = (x-y)*halfbandA>>14 + a.x
		a.x, a.y = x, y
		even := (y-c.y)*halfbandC>>14 + c.x
		c.x, c.y = y, even
		x = int32(in[2*i]) >> 2
		odd := (x-b.y)*halfbandB>>14 + b.x
		b.x, b.y = x, odd
		low[i], high[i] = (even+odd)>>1, (even-odd)>>1
	}
	h.a, h.b, h.c = a, b, c
}

// dialNotch takes dial tone out of a signal at 4 kHz: 340 to 455 Hz are 40 dB down, all below 300 Hz at least 17 dB; from
// 684 Hz up it is flat within 0.05 dB. Two sections with zeros on the unit circle at 363 and 439 Hz; their poles and
// the zeros were found by minimising the ripple.
type dialNotch struct {
	first, second biquad
}

// biquad is y = g (x + b x1 + x2) - a1 y1 - a2 y2.
type biquad struct{ x1, x2, y1, y2 int32 }

// Coefficients with 14 binary places; the gains make the passband 0 dB.
const (
	notchGain1, notchB1, notchA11, notchA12 = 9830, -27574, -11149, 4037
	notchGain2, notchB2, notchA21, notchA22 = 11326, -25268, -16957, 12806
)

func (s *biquad) filter(x *[blockSamples]int32, gain, b, a1, a2 int32) {
	x1, x2, y1, y2 := s.x1, s.x2, s.y1, s.y2
	for i, v := range x {
		y := ((v+x2+x1*b>>14)*gain - y1*a1 - y2*a2 + 1<<13) >> 14
		x2, x1 = x1, v
		y2, y1 = y1, y
		x[i] = y
	}
	s.x1, s.x2, s.y1, s.y2 = x1, x2, y1, y2
}

func (n *dialNotch) filter(x *[blockSamples]int32) {
	n.first.filter(x, notchGain1, notchB1, notchA11, notchA12)
	n.second.filter(x, notchGain2, notchB2, notchA21, notchA22)
}
