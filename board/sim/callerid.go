package sim

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tipring/board"
)

// Caller is what the display was told about one caller.
type Caller struct {
	Number   string
	Name     string
	Absence  string    // why there is no number: "private", "unavailable"
	Time     string    // "11-24 21:07"; "" where the standard sends none
	Standard string    // "Bell 202 MDMF", "V.23 SDMF", "DTMF A..C"
	At       time.Time // when the last sample of it came
}

// String is the display's line: "1003 Wang Wei 11-24 21:07".
func (c Caller) String() string {
	number := c.Number
	if number == "" {
		number = c.Absence
	}
	return strings.Join(strings.Fields(number+" "+c.Name+" "+c.Time), " ")
}

const (
	stirs     = 100 // peak of a sample that wakes the display: -47 dBm0
	tail      = 20  // quiet frames that end a transmission
	settled   = 10  // quiet frames after which the display is looked at
	maxCalls  = 64
	maxBlocks = 64
)

// display listens while the handset is down. It keeps the samples of
// transmissions and the silence just after them, and decodes them when it is
// looked at.
type display struct {
	tape   tape // the transmissions, one after the other
	quiet  int  // quiet frames in a row; tail: nothing goes on
	idle   bool // nothing goes on
	done   int64
	blocks []block // of line time in the tape
	calls  []Caller
	total  int // calls ever
}

// block says when a transmission was.
type block struct{ tape, line int64 }

// put takes a frame and tells whether a transmission seems to have ended.
func (d *display) put(at int64, frame []int16) bool {
	if d.blocks == nil {
		d.blocks = make([]block, 0, maxBlocks)
		d.idle = true
	}
	if loudest(frame) < stirs {
		d.quiet++
	} else {
		d.quiet = 0
	}
	switch {
	case d.quiet == 0 && d.idle:
		d.idle = false
		if len(d.blocks) == maxBlocks {
			d.blocks = append(d.blocks[:0], d.blocks[1:]...)
		}
		d.blocks = append(d.blocks, block{d.tape.end, at})
	case d.idle:
		return false
	case d.quiet >= tail:
		d.idle = true
	}
	// A frame that was left out is silence on the tape, too.
	if b := d.blocks[len(d.blocks)-1]; at-b.line > d.tape.end-b.tape {
		d.tape.hush(min(b.tape+at-b.line, d.tape.end+tail*board.FrameSamples))
	}
	d.tape.put(d.tape.end, frame)
	return d.quiet == settled
}

// flush ends a transmission: the codec was turned off.
func (d *display) flush() {
	if d.blocks != nil && !d.idle {
		d.idle = true
		d.tape.hush(d.tape.end + tail*board.FrameSamples)
	}
}

// count is how many calls were ever shown.
func (d *display) count(l *line) int {
	l.phone.Displays()
	l.mu.Lock()
	defer l.mu.Unlock()
	return d.total
}

// Display is the line that the caller ID display shows: what it was told of the
// last caller, decoded from the samples that came while the handset was down.
func (p *Phone) Display() string {
	calls := p.Displays()
	if len(calls) == 0 {
		return ""
	}
	return calls[len(calls)-1].String()
}

// Displays are the callers that the display was told of, oldest first.
func (p *Phone) Displays() []Caller {
	l := p.line
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &l.display
	if d.done < d.tape.end {
		d.decode(l.clk)
	}
	return append([]Caller(nil), d.calls...)
}

// decode reads what came since the last transmission that was understood.
func (d *display) decode(clk clock) {
	from := max(d.done, d.tape.from)
	x := make([]int16, d.tape.end-from)
	d.tape.read(x, from)
	told := append(hearFSK(x), hearDTMF(x)...)
	for _, c := range told {
		at := from + int64(c.end)
		for i := len(d.blocks) - 1; i >= 0; i-- {
			if b := d.blocks[i]; b.tape <= at {
				c.At = clk.at(b.line + at - b.tape)
				break
			}
		}
		if len(d.calls) == maxCalls {
			d.calls = append(d.calls[:0], d.calls[1:]...)
		}
		d.calls = append(d.calls, c.Caller)
		d.total++
		d.done = max(d.done, at)
	}
	if d.idle {
		d.done = d.tape.end
	} else {
		d.done = max(d.done, d.blocks[len(d.blocks)-1].tape)
	}
}

// told is a caller and the sample after the last one of its transmission.
type told struct {
	Caller
	end int
}

// Message and parameter types of ETSI EN 300 659-3 and Telcordia GR-30.
const (
	msgSDMF      = 0x04
	msgMDMF      = 0x80
	parTime      = 0x01
	parNumber    = 0x02
	parNoNumber  = 0x04
	parName      = 0x07
	clockLen     = 8 // MMDDHHMM
	absentMarkO  = 'O'
	absentMarkP  = 'P'
	saysPrivate  = "private"
	saysNoNumber = "unavailable"
)

// parseCaller reads a message without its checksum.
func parseCaller(msg []byte) (c Caller, form string, ok bool) {
	if len(msg) < 2 || int(msg[1]) != len(msg)-2 {
		return c, "", false
	}
	body := msg[2:]
	switch msg[0] {
	case msgSDMF:
		if len(body) < clockLen {
			return c, "", false
		}
		c.Time = clockText(body[:clockLen])
		switch n := text(body[clockLen:]); n {
		case "O", "P":
			c.Absence = absence(n[0])
		default:
			c.Number = n
		}
		return c, "SDMF", true
	case msgMDMF:
		for len(body) > 0 {
			if len(body) < 2 || len(body) < 2+int(body[1]) {
				return c, "", false
			}
			kind, value := body[0], body[2:2+int(body[1])]
			body = body[2+len(value):]
			switch {
			case kind == parTime && len(value) == clockLen:
				c.Time = clockText(value)
			case kind == parNumber:
				c.Number = text(value)
			case kind == parName:
				c.Name = text(value)
			case kind == parNoNumber && len(value) == 1:
				c.Absence = absence(value[0])
			}
		}
		return c, "MDMF", true
	}
	return c, "", false // not about a caller: a message lamp, for example
}

func absence(mark byte) string {
	switch mark {
	case absentMarkP:
		return saysPrivate
	case absentMarkO:
		return saysNoNumber
	}
	return fmt.Sprintf("absent %q", mark)
}

// clockText turns MMDDHHMM into "MM-DD HH:MM".
func clockText(b []byte) string {
	s := text(b)
	if len(s) != clockLen {
		return ""
	}
	return s[0:2] + "-" + s[2:4] + " " + s[4:6] + ":" + s[6:8]
}

// text reads UTF-8 or Latin-1 and leaves out what cannot be shown.
func text(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	t := s.String()
	if utf8.Valid(b) {
		t = string(b)
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, t)
}
