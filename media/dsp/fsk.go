package dsp

// Standard is how a caller ID service puts data on the line.
type Standard uint8

// Two modems, both 1200 bit/s, and the four ways to send a number as DTMF digits, named by what comes first and last:
// A..C is used in Sweden, Finland, Belgium, the Netherlands and Brazil, A..# in Denmark, D..C in Taiwan and Kuwait,
// ..# in parts of the Netherlands and Denmark.
const (
	Bell202 Standard = iota // mark 1200 Hz, space 2200 Hz (GR-30)
	V23                     // mark 1300 Hz, space 2100 Hz (EN 300 659, SIN 227)
	DTMFAC
	DTMFAHash
	DTMFDC
	DTMFHash
)

func (s Standard) String() string {
	if names := [...]string{"bell202", "v23", "dtmf A-C", "dtmf A-#", "dtmf D-C", "dtmf -#"}; int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// FSK reports whether the standard is a modem.
func (s Standard) FSK() bool { return s <= V23 }

// Bit times: 1200 bit/s at 8 kHz are 20/3 samples a bit, so time is counted in thirds of a sample.
const (
	thirdsPerSample = 3
	thirdsPerBit    = SampleRate * thirdsPerSample / 1200
)

// packet is one transmission: channel seizure (0101..., starting with 0), mark, data bytes with start and stop bit, the
// lowest bit first, and some mark at the end so that the last stop bit is heard.
type packet struct {
	seizure, mark, tail int // bits
	data                []byte
}

func (p *packet) bits() int { return p.seizure + p.mark + 10*len(p.data) + p.tail }

func (p *packet) samples() int {
	return (p.bits()*thirdsPerBit + thirdsPerSample - 1) / thirdsPerSample
}

// bit is bit i of the transmission.
func (p *packet) bit(i int) int {
	if i < p.seizure {
		return i & 1
	}
	i -= p.seizure + p.mark
	if i < 0 || i >= 10*len(p.data) {
		return 1
	}
	switch k := i % 10; k {
	case 0:
		return 0
	case 9:
		return 1
	default:
		return int(p.data[i/10]) >> (k - 1) & 1
	}
}

// FSKMod is a phase-continuous modulator. A bit that begins between two samples begins there: the phase of the sample
// gets its share of both frequencies, so bit edges do not jitter.
type FSKMod struct {
	steps [2]uint32 // of space and mark
	amp   int32
	p     *packet
	next  int // bit
	step  uint32
	phase uint32
	clock uint32 // thirds of a sample into the bit
	pos   int
}

// NewFSKMod makes a modulator for Bell202 or V23.
func NewFSKMod(s Standard, level Level) *FSKMod {
	m := &FSKMod{steps: [2]uint32{step(2200), step(1200)}, amp: int32(level.Amplitude())}
	if s == V23 {
		m.steps = [2]uint32{step(2100), step(1300)}
	}
	return m
}

// Send begins a transmission: bits of channel seizure, bits of mark, the data, bits of mark. The data must stay as they
// are until it is over.
func (m *FSKMod) Send(seizure, mark int, data []byte, tail int) {
	m.send(&packet{seizure: seizure, mark: mark, data: data, tail: tail})
}

func (m *FSKMod) send(p *packet) {
	m.p, m.next, m.pos = p, 1, 0
	m.phase, m.clock, m.step = 0, 0, m.steps[p.bit(0)]
}

// Fill writes the next samples of the transmission and returns their number: less than len(dst) when it is over.
func (m *FSKMod) Fill(dst []int16) int {
	if m.p == nil {
		return 0
	}
	left := m.p.samples() - m.pos
	n := min(left, len(dst))
	dst = dst[:n]
	for i := range dst {
		dst[i] = int16((sine(m.phase)*m.amp + 1<<14) >> 15)
		if m.clock += thirdsPerSample; m.clock < thirdsPerBit {
			m.phase += m.step
			continue
		}
		m.clock -= thirdsPerBit
		before := m.step
		m.step = m.steps[m.p.bit(m.next)]
		m.next++
		m.phase += uint32((uint64(before)*uint64(thirdsPerSample-m.clock) + uint64(m.step)*uint64(m.clock)) / thirdsPerSample)
	}
	if flat := max(left-rampSamples/2, 0); flat < n {
		shape(dst[flat:], 2*(left-flat), -2) // within the last mark bits
	}
	if m.pos += n; n == left {
		m.p = nil
	}
	return n
}
