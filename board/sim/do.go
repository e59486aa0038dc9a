package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrUsage is wrapped by Do's errors about the words themselves.
	ErrUsage = errors.New("usage")
	// ErrTimeout is wrapped by Do's error when what it waited for did not come.
	ErrTimeout = errors.New("did not happen")
)

// Usage is what a telephone can be told to do.
const Usage = "lift | hangup | flash [ms] | dial <digits> | pulse <digits> | say <file.wav> | tone <hz> [ms] | " +
	"record <file.wav> <seconds> | hears | wait <what> [seconds] | display"

const (
	spokenLevel = -16.0 // dBm0 of "tone"
	waitDefault = 5 * time.Second
	longest     = 10 * time.Minute
)

// verbs are the actions, with the least and the most words after them.
var verbs = map[string]struct {
	least, most int
	words       string
	do          func(p *Phone, ctx context.Context, args []string) (string, error)
}{
	"lift":    {0, 0, "", func(p *Phone, _ context.Context, _ []string) (string, error) { p.Lift(); return "", nil }},
	"hangup":  {0, 0, "", func(p *Phone, _ context.Context, _ []string) (string, error) { p.Hangup(); return "", nil }},
	"flash":   {0, 1, "[ms]", (*Phone).doFlash},
	"dial":    {1, 1, "<digits>", func(p *Phone, _ context.Context, a []string) (string, error) { return "", p.Dial(a[0]) }},
	"pulse":   {1, 1, "<digits>", func(p *Phone, _ context.Context, a []string) (string, error) { return "", p.Pulse(a[0]) }},
	"say":     {1, 1, "<file.wav>", (*Phone).doSay},
	"tone":    {1, 2, "<hz> [ms]", (*Phone).doTone},
	"record":  {2, 2, "<file.wav> <seconds>", (*Phone).doRecord},
	"hears":   {0, 0, "", func(p *Phone, _ context.Context, _ []string) (string, error) { return p.Hears().String(), nil }},
	"wait":    {1, 3, "<what> [seconds]", (*Phone).doWait},
	"display": {0, 0, "", func(p *Phone, _ context.Context, _ []string) (string, error) { return p.Display(), nil }},
}

// Do does what the words of the command line say, and gives the line to print.
// Errors wrap ErrUsage, ErrTimeout, ErrOnHook or board.ErrClosed.
func (p *Phone) Do(ctx context.Context, action string, args ...string) (string, error) {
	v, ok := verbs[action]
	if !ok {
		return "", fmt.Errorf("%w: unknown action %q: %s", ErrUsage, action, Usage)
	}
	if len(args) < v.least || len(args) > v.most {
		return "", fmt.Errorf("%w: %s", ErrUsage, strings.TrimSpace(action+" "+v.words))
	}
	result, err := v.do(p, ctx, args)
	if err != nil && !errors.Is(err, ErrUsage) {
		err = fmt.Errorf("%s: %w", action, err)
	}
	return result, err
}

func (p *Phone) doFlash(_ context.Context, args []string) (string, error) {
	d := time.Duration(0)
	if len(args) == 1 {
		var err error
		if d, err = span10m("flash", args[0], time.Millisecond); err != nil {
			return "", err
		}
	}
	if !p.OffHook() {
		return "", ErrOnHook
	}
	p.Flash(d)
	return "", nil
}

func (p *Phone) doTone(_ context.Context, args []string) (string, error) {
	hz, err := strconv.Atoi(args[0])
	if err != nil {
		return "", fmt.Errorf("%w: tone %q: the frequency is a whole number of Hz", ErrUsage, args[0])
	}
	d := time.Second
	if len(args) == 2 {
		if d, err = span10m("tone", args[1], time.Millisecond); err != nil {
			return "", err
		}
	}
	_, err = p.Tone(hz, spokenLevel, d)
	return "", err
}

func (p *Phone) doSay(_ context.Context, args []string) (string, error) {
	f, err := os.Open(args[0])
	if err != nil {
		return "", err
	}
	defer f.Close()
	pcm, err := ReadWAV(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", args[0], err)
	}
	_, err = p.Say(pcm)
	return "", err
}

func (p *Phone) doRecord(_ context.Context, args []string) (string, error) {
	d, err := span10m("record", args[1], time.Second)
	if err != nil {
		return "", err
	}
	// The file is made first: who may not write must not wait to hear of it.
	f, err := os.CreateTemp(filepath.Dir(args[0]), ".record-*")
	if err != nil {
		return "", err
	}
	err = WriteWAV(f, p.Record(d))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), args[0])
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return "", err
}

// doWait is "wait ring", "wait dial 2", "wait tone 1004 3". "wait tone 5" waits
// 5 s for any tone: no telephone tone is below 100 Hz.
func (p *Phone) doWait(ctx context.Context, args []string) (string, error) {
	what, rest := args[0], args[1:]
	if what == "tone" && len(rest) > 0 && (len(rest) == 2 || len(rest[0]) > 2) {
		what += " " + rest[0]
		rest = rest[1:]
	}
	timeout := waitDefault
	switch len(rest) {
	case 0:
	case 1:
		var err error
		if timeout, err = span10m("wait", rest[0], time.Second); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("%w: wait <what> [seconds]", ErrUsage)
	}
	if _, err := p.watch(what); err != nil {
		return "", fmt.Errorf("%w: wait %s: %w", ErrUsage, what, err)
	}
	h, ok := p.Wait(ctx, what, timeout)
	if err := ctx.Err(); !ok && err != nil {
		return "", err
	}
	if !ok {
		return "", fmt.Errorf("%s %w within %v; the ear hears %s", what, ErrTimeout, timeout, p.Hears())
	}
	if h.Name == "call" {
		return p.Display(), nil
	}
	return h.String(), nil
}

// span10m reads a length of time in units, above 0 and at most ten minutes.
func span10m(action, s string, unit time.Duration) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	d := time.Duration(f * float64(unit))
	if err != nil || !(f > 0) || f > float64(longest/unit) || d <= 0 {
		name := "ms"
		if unit == time.Second {
			name = "seconds"
		}
		return 0, fmt.Errorf("%w: %s: %q is no number of %s (more than 0, at most 10 minutes)", ErrUsage, action, s, name)
	}
	return d, nil
}
