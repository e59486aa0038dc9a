package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/term"
)

func TestSanitizer(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "show port status\r", "show port status\r"},
		{"editing keys", "\x01\x02\x05\x06\x08\x0b\x0c\x0e\x10\x15\x17\x7f\t", "\x01\x02\x05\x06\x08\x0b\x0c\x0e\x10\x15\x17\x7f\t"},
		{"^C drops the line", "reload\x03", "reload" + dropLine},
		{"^Z drops the line", "reload\x1a", "reload" + dropLine},
		{"^D passes", "\x04", "\x04"},
		{"CR LF is one enter", "a\r\nb\r\x00c\nd\r\r", "a\rb\rc\rd\r\r"},
		{"CR NUL LF", "a\r\x00\nb", "a\rb"},
		{"NUL and noise", "s\x00h\xff\xfe\x80o\xc3\xa9w\x7f", "show\x7f"},
		{"other controls", "a\x07\x13\x11\x1c\x1db", "ab"},
		{"cursor keys", "\x1b[A\x1b[B\x1b[C\x1b[D\x1b[3~", "\x1b[A\x1b[B\x1b[C\x1b[D\x1b[3~"},
		{"application cursor keys", "\x1bOA\x1bOD", "\x1b[A\x1b[D"},
		{"home and end", "\x1b[H\x1b[F\x1b[1~\x1b[4~\x1bOH", "\x01\x05\x01\x05\x01"},
		{"word keys", "\x1b[1;5C\x1b[1;3D", "\x1b[1;3C\x1b[1;3D"},
		{"paste marks", "\x1b[200~show\x1b[201~", "show"},
		{"paste mark without end", "\x1b[200~show\r", "show\r"},
		{"function keys", "\x1b[15~\x1b[24~\x1bOPx", "x"},
		{"cursor report", "\x1b[24;80Rx", "x"},
		{"escape and enter", "\x1b\rshow\r", "\rshow\r"},
		{"escape and digits", "\x1b1\x1b[1\r2\r", "\r2\r"},
		{"escape twice", "\x1b\x1b[Ax", "\x1b[Ax"},
		{"noise inside a sequence", "\x1b[\xff1\x80;3C", "\x1b[1;3C"},
		{"^C inside a sequence", "\x1b[1;\x03x", dropLine + "x"},
		{"endless sequence", "\x1b[" + strings.Repeat("1", 500) + "\rok\r", strings.Repeat("1", 500-seqMax) + "\rok\r"},
	} {
		for how, r := range map[string]io.Reader{
			"at once": strings.NewReader(c.in), "bytewise": iotest.OneByteReader(strings.NewReader(c.in)), "with the error": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			got, err := io.ReadAll(&sanitizer{r: r})
			if err != nil || string(got) != c.want {
				t.Errorf("%s, %s: got %q, %v\nwant %q", c.name, how, got, err, c.want)
			}
		}
	}
}

// Whatever comes over the wire: only what the editor understands passes, and the
// editor neither hangs nor ends the session before the input does.
func FuzzSanitize(f *testing.F) {
	f.Add([]byte("show port status\r"))
	f.Add([]byte("\x1b[200~\x03\xff\x00\x1b[1;3C\r"))
	f.Add([]byte("\x1b" + strings.Repeat("[", 300)))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := io.ReadAll(&sanitizer{r: bytes.NewReader(in)})
		if err != nil {
			t.Fatal(err)
		}
		rest := out
		for len(rest) > 0 {
			if rest[0] == 0x1b {
				ok := false
				for _, k := range keys {
					if k[0] == 0x1b && bytes.HasPrefix(rest, []byte(k)) {
						rest, ok = rest[len(k):], true
						break
					}
				}
				if !ok {
					t.Fatalf("a sequence that the editor does not know: %q of %q", rest, in)
				}
				continue
			}
			if rest[0] == 0 || rest[0] == 3 || rest[0] == '\n' || rest[0] >= 0x80 {
				t.Fatalf("%q passed in %q", rest[0], out)
			}
			rest = rest[1:]
		}

		// Through the editor, with an end that must arrive.
		in = append(bytes.ReplaceAll(in, []byte{4}, nil), "\x03MARK\r"...)
		done := make(chan bool, 1)
		go func() {
			e := term.NewTerminal(struct {
				io.Reader
				io.Writer
			}{&sanitizer{r: bytes.NewReader(in)}, io.Discard}, prompt)
			for {
				l, err := e.ReadLine()
				if err != nil || l == "MARK" {
					done <- err == nil
					return
				}
			}
		}()
		select {
		case ok := <-done:
			if !ok {
				t.Errorf("the line after ^C was lost behind %q", in)
			}
		case <-time.After(10 * time.Second): // only a hang gets here
			t.Fatalf("the editor hangs on %q", in)
		}
	})
}
