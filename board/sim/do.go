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
	do          func(p *Phone, ctx context.Context, args []string) (Result, error)
}{
	"lift":    {0, 0, "", func(p *Phone, _ context.Context, _ []string) (Result, error) { p.Lift(); return Result{}, nil }},
	"hangup":  {0, 0, "", func(p *Phone, _ context.Context, _ []string) (Result, error) { p.Hangup(); return Result{}, nil }},
	"flash":   {0, 1, "[ms]", (*Phone).doFlash},
	"dial":    {1, 1, "<digits>", func(p *Phone, _ context.Context, a []string) (Result, error) { return Result{}, p.Dial(a[0]) }},
	"pulse":   {1, 1, "<digits>", func(p *Phone, _ context.Context, a []string) (Result, error) { return Result{}, p.Pulse(a[0]) }},
	"say":     {1, 1, "<file.wav>", (*Phone).doSay},
	"tone":    {1, 2, "<hz> [ms]", (*Phone).doTone},
	"record":  {2, 2, "<file.wav> <seconds>", (*Phone).doRecord},
	"hears":   {0, 0, "", func(p *Phone, _ context.Context, _ []string) (Result, error) { return p.hearing(p.Hears()), nil }},
	"wait":    {1, 3, "<what> [seconds]", (*Phone).doWait},
	"display": {0, 0, "", func(p *Phone, _ context.Context, _ []string) (Result, error) { return p.showing(), nil }},
}

// Result is what came of an action.
type Result struct {
	Text   string    // one line for people; may be empty
	Heard  *Heard    // hears, wait
	Caller *Caller   // display, wait call: the newest; nil: none
	At     time.Time // tone, say: of the first sample; hears, wait: since when it sounds
}

// Do does what the words of the command line say.
// Errors wrap ErrUsage, ErrTimeout, ErrOnHook or board.ErrClosed.
func (p *Phone) Do(ctx context.Context, action string, args ...string) (Result, error) {
	v, ok := verbs[action]
	if !ok {
		return Result{}, fmt.Errorf("%w: unknown action %q: %s", ErrUsage, action, Usage)
	}
	if len(args) < v.least || len(args) > v.most {
		return Result{}, fmt.Errorf("%w: %s", ErrUsage, strings.TrimSpace(action+" "+v.words))
	}
	result, err := v.do(p, ctx, args)
	if err != nil && !errors.Is(err, ErrUsage) {
		err = fmt.Errorf("%s: %w", action, err)
	}
	return result, err
}

func (p *Phone) doFlash(_ context.Context, args []string) (Result, error) {
	d := time.Duration(0)
	if len(args) == 1 {
		var err error
		if d, err = span10m("flash", args[0], time.Millisecond); err != nil {
			return Result{}, err
		}
	}
	if !p.OffHook() {
		return Result{}, ErrOnHook
	}
	p.Flash(d)
	return Result{}, nil
}

func (p *Phone) doTone(_ context.Context, args []string) (Result, error) {
	hz, err := strconv.Atoi(args[0])
	if err != nil {
		return Result{}, fmt.Errorf("%w: tone %q: the frequency is a whole number of Hz", ErrUsage, args[0])
	}
	d := time.Second
	if len(args) == 2 {
		if d, err = span10m("tone", args[1], time.Millisecond); err != nil {
			return Result{}, err
		}
	}
	start, err := p.Tone(hz, spokenLevel, d)
	return Result{At: start}, err
}

func (p *Phone) doSay(_ context.Context, args []string) (Result, error) {
	f, err := os.Open(args[0])
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	pcm, err := ReadWAV(f)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", args[0], err)
	}
	start, err := p.Say(pcm)
	return Result{At: start}, err
}

func (p *Phone) doRecord(_ context.Context, args []string) (Result, error) {
	d, err := span10m("record", args[1], time.Second)
	if err != nil {
		return Result{}, err
	}
	// The file is made first: who may not write must not wait to hear of it.
	f, err := os.CreateTemp(filepath.Dir(args[0]), ".record-*")
	if err != nil {
		return Result{}, err
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
	return Result{}, err
}

// doWait is "wait ring", "wait dial 2", "wait tone 1004 3". "wait tone 5" waits
// 5 s for any tone: no telephone tone is below 100 Hz.
func (p *Phone) doWait(ctx context.Context, args []string) (Result, error) {
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
			return Result{}, err
		}
	default:
		return Result{}, fmt.Errorf("%w: wait <what> [seconds]", ErrUsage)
	}
	if _, err := p.watch(what); err != nil {
		return Result{}, fmt.Errorf("%w: wait %s: %w", ErrUsage, what, err)
	}
	h, ok := p.Wait(ctx, what, timeout)
	if err := ctx.Err(); !ok && err != nil {
		return Result{}, err
	}
	if !ok {
		return Result{}, fmt.Errorf("%s %w within %v; the ear hears %s", what, ErrTimeout, timeout, p.Hears())
	}
	if h.Name == "call" {
		return p.showing(), nil
	}
	return p.hearing(h), nil
}

// hearing is h as a result; the bell has a cadence, too.
func (p *Phone) hearing(h Heard) Result {
	if rings := p.Rings(); h.Name == "ring" && len(rings) > 1 {
		last, now := rings[len(rings)-2], rings[len(rings)-1]
		pause := now.Start.Sub(last.Start) - last.Length
		h.Cadence = fmt.Sprintf("%d/%d", last.Length.Round(time.Millisecond).Milliseconds(), pause.Round(time.Millisecond).Milliseconds())
	}
	return Result{Text: h.String(), Heard: &h, At: h.Since}
}

// showing is the newest line of the display.
func (p *Phone) showing() Result {
	all := p.Displays()
	if len(all) == 0 {
		return Result{}
	}
	c := all[len(all)-1]
	return Result{Text: c.String(), Caller: &c, At: c.At}
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
