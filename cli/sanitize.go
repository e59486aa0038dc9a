package cli

import "io"

// sanitizer stands between a terminal and the line editor and lets through only
// what the editor understands: printable ASCII, its control keys, and whole
// escape sequences of cursor keys. Serial lines have noise, and the editor would
// wait for ever for the end of a half sequence or of a broken character.
//
//	        ESC              [ or O              final byte
//	plain -------> escape -------------> sequence ---------> plain
//	  ^               |  other byte          |  control byte, too long
//	  +---------------+----------------------+
type sanitizer struct {
	r   io.Reader
	err error
	in  [256]byte
	out []byte

	state  uint8
	seq    []byte // parameters and final byte of the sequence so far
	lastCR bool
}

const (
	plain uint8 = iota
	escape
	sequence
)

const seqMax = 16

// keys are the escape sequences that pass, as the editor wants to see them.
var keys = map[string]string{
	"A": "\x1b[A", "B": "\x1b[B", "C": "\x1b[C", "D": "\x1b[D", // cursor
	"H": "\x01", "1~": "\x01", "7~": "\x01", // home
	"F": "\x05", "4~": "\x05", "8~": "\x05", // end
	"3~":   "\x1b[3~",                        // delete
	"1;3C": "\x1b[1;3C", "1;5C": "\x1b[1;3C", // word right
	"1;3D": "\x1b[1;3D", "1;5D": "\x1b[1;3D", // word left
}

// dropLine is what ^C does: the editor itself would end the console. It goes to
// the end of the line first, so that nothing of it is left to be entered.
const dropLine = "\x05\x15\r"

// Read implements io.Reader. It blocks until something passes.
func (s *sanitizer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		var n int
		n, s.err = s.r.Read(s.in[:])
		for _, b := range s.in[:n] {
			s.take(b)
		}
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

func (s *sanitizer) take(b byte) {
	afterCR := s.lastCR
	s.lastCR = false
	switch s.state {
	case escape:
		switch {
		case b == '[' || b == 'O':
			s.state, s.seq = sequence, s.seq[:0]
			return
		case b == 0x1b:
			return
		case b >= ' ': // Alt and a letter
			s.state = plain
			return
		}
		s.state = plain // a control byte: the escape was noise
	case sequence:
		switch {
		case b >= 0x80 || b == 0x7f:
			return
		case b >= ' ' && len(s.seq) < seqMax:
			if s.seq = append(s.seq, b); b >= '@' {
				s.out = append(s.out, keys[string(s.seq)]...)
				s.state = plain
			}
			return
		}
		s.state = plain
	}
	switch b {
	case 0x1b:
		s.state = escape
	case 0x03, 0x1a: // ^C ^Z
		s.out = append(s.out, dropLine...)
	case '\r':
		s.out = append(s.out, '\r')
		s.lastCR = true
	case '\n':
		if !afterCR {
			s.out = append(s.out, '\r')
		}
	case '\t', 0x08, 0x7f, 0x01, 0x02, 0x04, 0x05, 0x06, 0x0b, 0x0c, 0x0e, 0x10, 0x15, 0x17:
		s.out = append(s.out, b)
	case 0x00: // telnet sends it after CR
		s.lastCR = afterCR
	default:
		if b >= ' ' && b < 0x7f {
			s.out = append(s.out, b)
		}
	}
}
