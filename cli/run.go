package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"tipring/api"
)

// errExit ends the console.
var errExit = errors.New("exit")

// session is what a command needs to know beside its words.
type session struct {
	client *api.Client
	o      Options
	out    io.Writer
	errout io.Writer
	screen bool // out is a terminal that can be drawn anew
}

func newSession(o Options, out, errout io.Writer) *session {
	if o.Socket == "" {
		o.Socket = os.Getenv("TIPRING_SOCKET")
	}
	if o.Socket == "" {
		o.Socket = api.DefaultSocket
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	return &session{client: api.NewClient(o.Socket), o: o, out: out, errout: errout}
}

func (s *session) zone() *time.Location {
	if s.o.Location == nil {
		return time.Local
	}
	return s.o.Location
}

// Run executes one command: words and the flags --json, --socket PATH,
// --timeout D and --watch in any order. The answer goes to stdout, everything
// else to stderr. It returns the exit code. stdin is not read.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, o Options) int {
	s := newSession(o, stdout, stderr)
	f, isFile := stdout.(*os.File)
	s.screen = isFile && term.IsTerminal(int(f.Fd())) && drawable()
	return s.finish(s.obey(ctx, join(args)), true, 0, "")
}

// drawable: a terminal without a name gets no escape sequences from us.
func drawable() bool { return os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb" }

// obey does what a line says: a command, a question, or nothing.
func (s *session) obey(ctx context.Context, l line) error {
	l, o, m := flags(l, s.o)
	if m != nil {
		return m
	}
	if n := len(l.tokens); n > 0 && strings.HasSuffix(l.tokens[n-1].text, "?") && !strings.HasSuffix(l.text, `"`) {
		var words []string
		for _, t := range l.tokens {
			words = append(words, t.text)
		}
		_, err := io.WriteString(s.out, help(strings.TrimSuffix(join(words).text, "?")))
		return err
	}
	p, m := parse(l)
	if m != nil {
		return m
	}
	// The flags of a line are for this line.
	one := *s
	if o.Socket != s.o.Socket {
		one.client = api.NewClient(o.Socket)
	}
	one.o = o
	err := one.do(ctx, p)
	// Someone whom the full socket does not let in may still read, where the
	// read-only one lets them.
	var denied *api.PermissionError
	if p.needs == reading && errors.As(err, &denied) {
		one.client = api.NewClient(api.ReadOnlySocket(one.client.Socket()))
		if twinErr := one.do(ctx, p); !errors.As(twinErr, &denied) {
			return twinErr
		}
	}
	return err
}

// flags takes the flags out of a line's words.
func flags(l line, o Options) (line, Options, *Mistake) {
	var words []token
	bad := func(t token, format string, a ...any) (line, Options, *Mistake) {
		return l, o, &Mistake{l.text, t.at, fmt.Sprintf(format, a...)}
	}
	for i := 0; i < len(l.tokens); i++ {
		t := l.tokens[i]
		name, value, has := strings.Cut(t.text, "=")
		switch name {
		case "--json", "--watch":
			if has {
				return bad(t, "%s takes no value", name)
			}
			o.JSON = o.JSON || name == "--json"
			o.Watch = o.Watch || name == "--watch"
		case "--socket", "--timeout":
			if !has {
				if i++; i == len(l.tokens) {
					return bad(t, "%s needs a value", name)
				}
				t = l.tokens[i]
				value = t.text
			}
			if name == "--socket" {
				o.Socket = value
				continue
			}
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return bad(t, "--timeout wants a time like 5s or 500ms")
			}
			o.Timeout = d
		default:
			if strings.HasPrefix(t.text, "--") {
				return bad(t, "Unknown flag %q: --json, --watch, --socket or --timeout", clean(name))
			}
			words = append(words, t)
		}
	}
	l.tokens = words
	return l, o, nil
}

// do carries out a command and prints its answer.
func (s *session) do(ctx context.Context, p parsed) error {
	if s.o.Watch {
		if p.needs != reading {
			return absent{"--watch is for show commands"}
		}
		return s.watch(ctx, p)
	}
	r, err := s.ask(ctx, p)
	if err != nil {
		return err
	}
	text, err := s.form(r, "  ")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(s.out, text); err != nil {
		return err
	}
	if r.failed {
		return errFailed
	}
	return nil
}

// ask carries out a command in time.
func (s *session) ask(ctx context.Context, p parsed) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout+ownTime(p))
	defer cancel()
	return actions[p.do](ctx, s, p)
}

// form writes an answer as it was asked for.
func (s *session) form(r reply, indent string) (string, error) {
	if !s.o.JSON || r.value == nil {
		return r.text, nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(r.value)
	return b.String(), err
}

// errFailed is an answer that is a no, which was printed already.
var errFailed = errors.New("failed")

// finish tells an error on stderr and gives the exit code for it. withLine:
// the line is not on the screen already, indented by so much; where: "line 3: ".
func (s *session) finish(err error, withLine bool, indent int, where string) int {
	var (
		mistake *Mistake
		problem *api.Problem
		denied  *api.PermissionError
		gone    *api.UnreachableError
	)
	switch {
	case err == nil, errors.Is(err, errExit):
		return ExitOK
	case errors.Is(err, errFailed):
		return ExitRefused
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(s.errout, "% "+where+"interrupted")
		return ExitRefused
	case errors.As(err, &mistake):
		m := *mistake
		m.Text = where + m.Text
		io.WriteString(s.errout, m.Caret(withLine, indent))
		return ExitUsage
	}
	code := ExitRefused
	switch {
	case errors.As(err, &problem):
		for _, e := range problem.Errors {
			fmt.Fprintln(s.errout, where+clean(e.Detail))
		}
		switch problem.Kind() {
		case api.KindForbidden:
			code = ExitNotPermitted
		case api.KindConfigInvalid:
			code = ExitConfigInvalid
		}
	case errors.As(err, &denied):
		code = ExitNotPermitted
	case errors.As(err, &gone):
		code = ExitUnreachable
	}
	fmt.Fprintln(s.errout, "% "+where+clean(err.Error()))
	return code
}
