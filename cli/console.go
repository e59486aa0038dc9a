package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

const (
	prompt      = "tipring> "
	historyKept = 50
)

// Console is the interactive shell when in is a terminal, and runs in as a
// script otherwise. It returns 0, or the exit code of the script's first failure.
func Console(ctx context.Context, in io.Reader, out, errout io.Writer, o Options) int {
	f, isFile := in.(*os.File)
	tty := isFile && term.IsTerminal(int(f.Fd()))
	if !tty && !o.Terminal {
		return newSession(o, out, errout).script(ctx, in, true)
	}
	c := &console{session: newSession(o, nil, nil), width: 80}
	c.screen = drawable()
	if tty {
		woken, err := newWoken(ctx, f)
		if err != nil {
			io.WriteString(errout, "% the terminal cannot be used: "+err.Error()+"\n")
			return ExitRefused
		}
		defer woken.Close()
		in = woken
	}
	c.t = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&sanitizer{r: in}, out}, prompt)
	c.out, c.errout = c.t, c.t
	c.t.AutoCompleteCallback = c.key
	c.t.History = &history{}
	if tty {
		fd := int(f.Fd())
		old, err := term.MakeRaw(fd)
		if err != nil {
			io.WriteString(errout, "% the terminal cannot be used: "+err.Error()+"\n")
			return ExitRefused
		}
		defer term.Restore(fd, old)
		c.interruptible = func() func() { return signalKeys(fd) }
		defer c.followSize(fd)()
	}
	return c.loop(ctx)
}

// ConsoleCommand is `tipring console` with its own flags: -c COMMAND,
// --socket PATH, --timeout D, --json.
func ConsoleCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, o Options) int {
	command, given := "", false
	for i, a := range args {
		if a == "-c" && i+1 < len(args) {
			command, given = args[i+1], true
			args = append(append([]string{}, args[:i]...), args[i+2:]...)
			break
		}
	}
	l, o, m := flags(join(args), o)
	if m == nil && len(l.tokens) > 0 {
		m = &Mistake{l.text, l.tokens[0].at, `the console takes -c "COMMAND", --socket, --timeout and --json`}
	}
	s := newSession(o, stdout, stderr)
	switch {
	case m != nil:
		return s.finish(m, true, 0, "")
	case given:
		return s.script(ctx, strings.NewReader(command), false)
	}
	return Console(ctx, stdin, stdout, stderr, o)
}

// console is the interactive shell.
type console struct {
	*session
	t             *term.Terminal
	width         int
	interruptible func() (restore func()) // ^C as a signal while a command runs
}

// loop reads and obeys until the user leaves, the terminal goes away or ctx ends.
func (c *console) loop(ctx context.Context) int {
	for ctx.Err() == nil {
		text, err := c.t.ReadLine()
		if err != nil {
			io.WriteString(c.t, "\n")
			return ExitOK // ^D, or the line was hung up
		}
		if idle(text) {
			continue
		}
		err = c.run(ctx, text)
		if err == errExit {
			return ExitOK
		}
		// The marker stands under the line that was just typed; one that has
		// wrapped is printed again.
		if len(prompt)+len(text) < c.width {
			c.finish(err, false, len(prompt), "")
		} else {
			c.finish(err, true, 0, "")
		}
	}
	return ExitOK
}

func (c *console) run(ctx context.Context, text string) error {
	if c.interruptible != nil {
		defer c.interruptible()()
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
	}
	return c.obey(ctx, split(text))
}

// idle lines are empty or a comment: a saved configuration has both.
func idle(text string) bool {
	text = strings.TrimSpace(text)
	return text == "" || text[0] == '!'
}

// key is called for every key that is not editing: ? and TAB are ours.
func (c *console) key(text string, pos int, key rune) (string, int, bool) {
	before := text[:pos]
	switch {
	case key == '?' && !split(before).open:
		io.WriteString(c.t, prompt+text+"?\n"+help(before))
		return text, pos, true
	case key == '\t':
		after, choices := complete(before, c.known())
		if len(choices) > 0 {
			io.WriteString(c.t, prompt+text+"\n"+strings.Join(choices, "  ")+"\n")
		}
		return after + text[pos:], len(after), true
	}
	return "", 0, false
}

// knownTime is how long TAB may wait for the daemon.
const knownTime = 300 * time.Millisecond

// known asks which ports there are; without a daemon TAB knows only words.
func (c *console) known() known {
	ctx, cancel := context.WithTimeout(context.Background(), knownTime)
	defer cancel()
	ports, err := c.client.Ports(ctx)
	if err != nil || len(ports) == 0 {
		return nil
	}
	var numbers []string
	for _, p := range ports {
		numbers = append(numbers, strconv.Itoa(p.Port))
	}
	return known{"port": numbers, "ports": numbers, "card": {strconv.Itoa(ports[0].Card)}}
}

// followSize tells the editor the window's size, now and whenever it changes.
// A serial line says 0x0: then the editor's own 80x24 stays.
func (c *console) followSize(fd int) (stop func()) {
	set := func() {
		if w, h, err := term.GetSize(fd); err == nil && w > 0 && h > 0 {
			_ = c.t.SetSize(max(w, 20), h)
		}
	}
	if w, _, err := term.GetSize(fd); err == nil && w > 0 {
		c.width = w
	}
	set()
	changes := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(changes, syscall.SIGWINCH)
	go func() {
		defer close(done)
		for range changes {
			set()
		}
	}()
	return func() {
		signal.Stop(changes)
		close(changes)
		<-done
	}
}

// history keeps the last lines, without blanks and repetitions.
type history struct{ lines []string }

// Add implements term.History.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > historyKept {
		h.lines = h.lines[1:]
	}
}

// Len implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At implements term.History; 0 is the newest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
