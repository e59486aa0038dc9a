package fxs

import (
	"strings"
	"time"
	"unicode/utf8"
)

// CallerID is who calls. Empty fields are not known.
type CallerID struct {
	Number   string // as dialled or shown: digits, *, #, a leading +; a name of letters counts as a name
	Name     string
	Withheld bool // the caller does not want to be shown
}

// Standard is how a telephone of the country wants to be told who calls.
type Standard uint8

// The standards. The DTMF ones are named by the digits that frame the number.
const (
	NoCallerID Standard = iota
	Bell202             // FSK 1200/2200 Hz, GR-30
	V23                 // FSK 1300/2100 Hz, EN 300 659
	DTMFAC              // A<number>C
	DTMFAHash           // A<number>#, Denmark
	DTMFDC              // D<number>C
	DTMFHash            // <number>#
	NTT                 // V.23 with CAR signal and answer by the telephone: not built, nothing is sent
	standardCount
)

var standardNames = [...]string{"none", "bell202", "v23", "dtmf-a-c", "dtmf-a-hash", "dtmf-d-c", "dtmf-hash", "ntt"}

func (s Standard) String() string { return name(standardNames[:], int(s)) }

// FSK tells whether the caller is sent as data; else as tone digits, which carry the number only.
func (s Standard) FSK() bool { return s == Bell202 || s == V23 }

// sent: the line can do it.
func (s Standard) sent() bool { return s != NoCallerID && s != NTT }

// Absence is why there is no number, in the letters of GR-30 and EN 300 659-3.
type Absence byte

// The reasons. Zero: the number is there.
const (
	Unavailable Absence = 'O'
	Withheld    Absence = 'P'
)

// CallerIDBurst is what to send to the telephone's display, once. It never changes after it was made.
type CallerIDBurst struct {
	Standard Standard
	Alert    bool // begin with the dual tone alerting signal (DT-AS), 100 ms and 100 ms of silence
	Number   string
	Name     string
	Absent   Absence   // why Number is empty
	When     time.Time // when the call came; zero: the clock was never set, send no date
}

// newCallerIDBurst prepares what the rule's standard can carry of id.
func newCallerIDBurst(now time.Time, r CallerIDRule, id CallerID) *CallerIDBurst {
	b := &CallerIDBurst{Standard: r.Standard, Alert: r.Alert}
	if !now.Before(clockSet) {
		b.When = now
	}
	if id.Withheld {
		b.Absent = Withheld
		return b
	}
	b.Number, b.Name = number(id.Number), displayName(id.Name)
	if !r.Standard.FSK() { // keys that would end the number are not sent
		b.Number = strings.Map(func(c rune) rune {
			if c < '0' || c > '9' {
				return -1
			}
			return c
		}, b.Number)
	}
	if b.Number == "" {
		b.Absent = Unavailable
		if b.Name == "" {
			b.Name = displayName(id.Number) // sip:alice@example.net
		}
	}
	if !r.Standard.FSK() {
		b.Name = ""
	}
	return b
}

// Duration is about how long the burst takes on the wires; it is never shorter than that.
func (b *CallerIDBurst) Duration() time.Duration {
	if !b.Standard.FSK() {
		digits := 4 // B00C
		if b.Number != "" {
			digits = len(b.Number) + 2
		}
		return time.Duration(digits)*dtmfPeriod - dtmfPause
	}
	octets := fskOverhead + fskField + max(1, len(b.Number))
	if !b.When.IsZero() {
		octets += fskField + len("11241530")
	}
	if b.Name != "" {
		octets += fskField + len(b.Name)
	}
	d := time.Duration(fskPreamble+octets*fskOctet) * time.Second / fskBaud
	if b.Alert {
		d += fskAlert
	}
	return d
}

// fit shortens the name until the burst fits into d. It tells whether it does.
func (b *CallerIDBurst) fit(d time.Duration) bool {
	for b.Duration() > d && b.Name != "" {
		_, n := utf8.DecodeLastRuneInString(b.Name)
		b.Name = b.Name[:len(b.Name)-n]
	}
	return b.Duration() <= d
}

// number keeps what a display can show. A user part with letters in it is not a number at all.
func number(s string) string {
	plus := strings.HasPrefix(s, "+")
	var n strings.Builder
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9' || r == '*' || r == '#':
			if n.Len() < cidMaxDigits {
				n.WriteRune(r)
			}
		case strings.ContainsRune("+-. ()", r): // visual separators of RFC 3966
		default:
			return ""
		}
	}
	if plus && n.Len() > 0 && n.Len() < cidMaxDigits {
		return "+" + n.String()
	}
	return n.String()
}

// displayName drops what would disturb a display and bounds the rest.
func displayName(s string) string {
	s = strings.TrimSpace(s)
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			continue
		}
		if n++; n > cidMaxName {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
