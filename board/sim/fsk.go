package sim

import "math"

// The FSK receiver of the display: 1200 bit/s, Bell 202 (1200 Hz for a mark,
// 2200 for a space) or V.23 (1300, 2100), ETSI EN 300 659-1. One pair of
// correlators half way between the standards receives both; which one it was
// is measured afterwards.
const (
	midMark  = 1250.0
	midSpace = 2150.0
	bitLen   = 8000.0 / 1200
	bitWin   = 7   // samples: the correlators' window, about one bit
	seizure  = 64  // alternating bits that wake the receiver, of the 300 that are sent
	marks    = 160 // samples of mark before the message: 24 bits, of the 80 or more that are sent
	stuffing = 133 // samples of mark allowed between two bytes: 20 bits
	carrier  = 40  // correlator output of about -48 dBm0
	firm     = 150 // of 1024: how much more of the other one a change takes
)

// discriminate gives for each sample how much more of a mark than of a space
// the last bit's worth of samples was, from -1024 to 1024; 0 where there is no
// carrier.
func discriminate(x []int16) []int32 {
	d := make([]int32, len(x))
	var ring [bitWin][4]int32
	var sum [4]int32
	var phase [2]uint32
	step := [2]uint32{phaseStep(midMark), phaseStep(midSpace)}
	for n, v := range x {
		slot := &ring[n%bitWin]
		for i := range 2 {
			for j, p := range [2]uint32{phase[i], phase[i] + 1<<30} {
				product := int32(v) * sine(p) >> 15
				sum[2*i+j] += product - slot[2*i+j]
				slot[2*i+j] = product
			}
			phase[i] += step[i]
		}
		mark := int64(sum[0])*int64(sum[0]) + int64(sum[1])*int64(sum[1])
		space := int64(sum[2])*int64(sum[2]) + int64(sum[3])*int64(sum[3])
		if (mark+space)>>12 >= carrier {
			d[n] = int32((mark - space) << 10 / (mark + space))
		}
	}
	return d
}

// hearFSK finds the messages in x that have a channel seizure, a mark, whole
// bytes and a good checksum.
func hearFSK(x []int16) []told {
	d := discriminate(x)
	var all []told
	bits, since := 0, 0 // alternating bits in a row; beginning of the present run
	mark := false
	for n := 1; n < len(d); n++ {
		if mark && d[n] > -firm || !mark && d[n] < firm {
			continue
		}
		length := n - since
		mark = !mark
		start := since
		since = n
		switch {
		case length >= 4 && length <= 10:
			bits++
		case !mark && length >= marks && bits >= seizure:
			bits = 0
			msg, end := readMessage(d, n)
			if msg == nil {
				continue
			}
			if c, form, ok := parseCaller(msg); ok {
				c.Standard = standard(x[start:n]) + " " + form
				all = append(all, told{c, end})
			}
			n, since = end, end
			mark = true
		default:
			bits = 0
		}
	}
	return all
}

// readMessage reads bytes from the start bit that begins at sample n: type,
// length, body, checksum. It gives nil for what is damaged.
func readMessage(d []int32, n int) (msg []byte, end int) {
	edge := crossing(d, n)
	sum := byte(0)
	for {
		b, next, ok := readByte(d, edge)
		if !ok {
			return nil, 0
		}
		msg = append(msg, b)
		sum += b
		if len(msg) >= 3 && len(msg) == int(msg[1])+3 {
			if sum != 0 {
				return nil, 0
			}
			return msg[:len(msg)-1], min(next, len(d)-1)
		}
		if edge, ok = startBit(d, next); !ok {
			return nil, 0
		}
	}
}

// readByte reads the byte whose start bit begins at edge, least bit first. next
// is the middle of its stop bit.
func readByte(d []int32, edge float64) (b byte, next int, ok bool) {
	for bit := range 10 {
		i := int(edge + (float64(bit)+0.5)*bitLen + 0.5)
		if i >= len(d) || d[i] == 0 {
			return 0, 0, false
		}
		mark := d[i] > 0
		switch {
		case bit == 0 && mark, bit == 9 && !mark:
			return 0, 0, false
		case bit >= 1 && bit <= 8 && mark:
			b |= 1 << (bit - 1)
		}
		next = i
	}
	return b, next, true
}

// startBit finds the next change from mark to space.
func startBit(d []int32, from int) (float64, bool) {
	for n := from + 1; n < min(len(d), from+stuffing); n++ {
		if d[n] <= -firm {
			return crossing(d, n), true
		}
	}
	return 0, false
}

// crossing is where before sample n the sign changed.
func crossing(d []int32, n int) float64 {
	for n > 1 && d[n] < 0 == (d[n-1] < 0) {
		n--
	}
	a, b := math.Abs(float64(d[n-1])), math.Abs(float64(d[n]))
	return float64(n-1) + a/max(a+b, 1)
}

// standard tells Bell 202 from V.23 by the frequency of the mark.
func standard(mark []int16) string {
	const window = 120 // offsets of up to 66 Hz can be told
	var sum float64
	n := 0
	for from := bitWin; from+window <= len(mark)-bitWin && n < 8; from += window {
		sum += offsets(mark[from:from+window], []float64{midMark})[0]
		n++
	}
	if n > 0 && sum/float64(n) > 0 {
		return "V.23"
	}
	return "Bell 202"
}
