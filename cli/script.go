package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// lineMax is the longest line of a script, in bytes.
const lineMax = 4096

// script runs commands line by line. It goes on after a failure, as a paste
// into a terminal would, and returns the exit code of the first one.
func (s *session) script(ctx context.Context, in io.Reader, numbered bool) int {
	r := bufio.NewReaderSize(in, lineMax)
	code := ExitOK
	for n := 1; ctx.Err() == nil; n++ {
		text, whole, err := readLine(r)
		if err != nil && text == "" {
			return code
		}
		where := ""
		if numbered {
			where = fmt.Sprintf("line %d: ", n)
		}
		var got error
		switch {
		case !whole:
			got = &Mistake{text[:40] + "...", 43, fmt.Sprintf("The line is longer than %d bytes", lineMax)}
		case !idle(text):
			got = s.obey(ctx, split(text))
		}
		if errors.Is(got, errExit) {
			return code
		}
		if c := s.finish(got, true, 0, where); code == ExitOK {
			code = c
		}
	}
	return code
}

// readLine reads one line without its end; of a longer one only the beginning.
func readLine(r *bufio.Reader) (text string, whole bool, err error) {
	b, err := r.ReadSlice('\n')
	text = strings.TrimRight(string(b), "\r\n")
	whole = true
	for errors.Is(err, bufio.ErrBufferFull) {
		whole = false
		_, err = r.ReadSlice('\n')
	}
	return text, whole, err
}
