package dsp

import (
	"slices"
	"strings"
	"time"
)

// Absence is why a number or a name is not given (GR-30, EN 300 659-3 5.4.3).
type Absence byte

// Reasons of absence. Zero: it is given, or simply empty, which counts as Unavailable for a number.
const (
	Unavailable Absence = 'O'
	Private     Absence = 'P'
)

// CallID is what a telephone shows about a caller. Anything may be missing.
type CallID struct {
	Number       string // digits; what is not a digit, * or # is left out
	Name         string // shown as 15 ASCII characters at most; accents are dropped
	NumberAbsent Absence
	NameAbsent   Absence
	Time         time.Time // in the time zone to be shown; zero: the router does not know
}

// Message and parameter types of GR-30 and EN 300 659-3.
const (
	msgSDMF     = 0x04
	msgVMWISDMF = 0x06
	msgMDMF     = 0x80
	msgVMWI     = 0x82

	parTime         = 0x01
	parNumber       = 0x02
	parNumberAbsent = 0x04
	parName         = 0x07
	parNameAbsent   = 0x08
	parVisual       = 0x0B

	maxNumber = 20
	maxName   = 15
)

// MDMF is the multiple data message of a call: date and time, number, name, or why they are not there.
func MDMF(id CallID) []byte {
	var body []byte
	add := func(par byte, text string) {
		body = append(body, par, byte(len(text)))
		body = append(body, text...)
	}
	if !id.Time.IsZero() {
		add(parTime, id.Time.Format("01021504"))
	}
	if number, absent := id.number(); absent != 0 {
		add(parNumberAbsent, string(rune(absent)))
	} else {
		add(parNumber, number)
	}
	if name := displayText(id.Name); id.NameAbsent != 0 {
		add(parNameAbsent, string(rune(id.NameAbsent)))
	} else if name != "" {
		add(parName, name)
	}
	return message(msgMDMF, body)
}

// SDMF is the single data message of a call: date and time, and number or reason. A time that is not known is sent as
// the first minute of the year.
func SDMF(id CallID) []byte {
	t := "01010000"
	if !id.Time.IsZero() {
		t = id.Time.Format("01021504")
	}
	number, absent := id.number()
	if absent != 0 {
		number = string(rune(absent))
	}
	return message(msgSDMF, []byte(t+number))
}

// VMWI is the multiple data message that sets or clears a telephone's message lamp.
func VMWI(on bool) []byte {
	state := byte(0x00)
	if on {
		state = 0xFF
	}
	return message(msgVMWI, []byte{parVisual, 1, state})
}

// message adds type, length and checksum: the sum of all bytes is 0.
func message(kind byte, body []byte) []byte {
	m := append([]byte{kind, byte(len(body))}, body...)
	sum := byte(0)
	for _, b := range m {
		sum += b
	}
	return append(m, -sum)
}

// number is what can be shown of the number, or why nothing is.
func (id CallID) number() (string, Absence) {
	if id.NumberAbsent != 0 {
		return "", id.NumberAbsent
	}
	var n []byte
	for i := range len(id.Number) {
		if c := id.Number[i]; '0' <= c && c <= '9' || c == '*' || c == '#' {
			n = append(n, c)
		}
	}
	if len(n) == 0 {
		return "", Unavailable
	}
	return string(n[:min(len(n), maxNumber)]), 0
}

// displayText is s as a telephone's display can show it.
func displayText(s string) string {
	var b []byte
	for _, r := range strings.TrimSpace(s) {
		if len(b) == maxName {
			break
		}
		if r >= 0xC0 && r <= 0xFF {
			r = rune(latin1Letters[r-0xC0])
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// latin1Letters are the letters from U+00C0 on without their accents.
const latin1Letters = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty"

// BurstOption changes how caller ID is sent.
type BurstOption uint8

// Options of CallerIDBurst and MessageBurst.
const (
	WithAlert   BurstOption = iota // DT-AS of 100 ms first (before-ring services of EN 300 659-1 and SIN 227)
	NumberOnly                     // SDMF instead of MDMF
	CallWaiting                    // type 2: no channel seizure and 80 bits of mark; CASBurst and the telephone's answer came before
)

func has(opts []BurstOption, o BurstOption) bool {
	for _, x := range opts {
		if x == o {
			return true
		}
	}
	return false
}

// CallerIDBurst is the whole transmission of one call's identity. DTMF standards that have no code for an absent number
// give a burst that is empty.
func CallerIDBurst(s Standard, id CallID, opts ...BurstOption) *Burst {
	if !s.FSK() {
		b := &Burst{}
		b.digits(dtmfIdentity(s, id))
		return b
	}
	if has(opts, NumberOnly) {
		return MessageBurst(s, SDMF(id), opts...)
	}
	return MessageBurst(s, MDMF(id), opts...)
}

// MessageBurst is the transmission of a message that MDMF, SDMF or VMWI made, by Bell202 or V23.
func MessageBurst(s Standard, message []byte, opts ...BurstOption) *Burst {
	b := &Burst{}
	p := &packet{seizure: 300, mark: 180, data: slices.Clone(message), tail: 10}
	if has(opts, CallWaiting) {
		p.seizure, p.mark = 0, 80
	}
	if has(opts, WithAlert) {
		b.alert(100 * time.Millisecond)
		b.pause(100 * time.Millisecond)
	}
	b.data(s, p)
	return b
}

// CASBurst is the alert of call waiting (type 2): 80 ms of 2130 and 2750 Hz. A telephone that can show the waiting
// caller answers with DTMF A or D within 160 ms.
func CASBurst() *Burst {
	b := &Burst{}
	b.alert(80 * time.Millisecond)
	return b
}

// dtmfIdentity is the digits that tell the number, or why it is absent.
func dtmfIdentity(s Standard, id CallID) string {
	number, absent := id.number()
	number = strings.Map(func(r rune) rune {
		if r == '*' || r == '#' {
			return -1 // they would end the number
		}
		return r
	}, number)
	if number == "" && absent == 0 {
		absent = Unavailable
	}
	switch s {
	case DTMFAC:
		switch absent {
		case 0:
			return "A" + number + "C"
		case Private:
			return "B10C"
		}
		return "B00C"
	case DTMFAHash:
		switch absent {
		case 0:
			return "A" + number + "#"
		case Private:
			return "D1#"
		}
		return "D2#"
	case DTMFDC:
		if absent == 0 {
			return "D" + number + "C"
		}
	case DTMFHash:
		if absent == 0 {
			return number + "#"
		}
	}
	return ""
}
