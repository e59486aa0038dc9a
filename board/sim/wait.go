package sim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// glance is how often Wait looks while the sound may change: two frames.
const glance = 20 * time.Millisecond

// lineHz is how near "tone 1004" must be.
const lineHz = 5

// Wait blocks until the telephone notices what, for at most timeout, and tells
// what it heard and since when. What is
//
//	ring           the bell sounds
//	call           the display shows the caller of the call that rings, or a new one
//	silence        nothing for 100 ms, and not the pause of a cadence
//	speech         sound that is no tone, for 200 ms
//	tone           any tone;  "tone 1004", "tone 350+440": one with these frequencies
//	dial, busy ... a tone that the ear knows, when it is sure
//
// What is true already is noticed at once. A tone that comes and goes while
// Wait waits is noticed, too. The result is false when the time is over, ctx
// ends, the board is closed or the ear does not know what.
func (p *Phone) Wait(ctx context.Context, what string, timeout time.Duration) (Heard, bool) {
	w, err := p.watch(what)
	if err != nil {
		return Heard{}, false
	}
	over := time.NewTimer(timeout)
	defer over.Stop()
	look := time.NewTimer(glance)
	defer look.Stop()
	for {
		p.line.mu.Lock()
		closed, changed := p.line.closed, p.line.changed
		sounding := p.line.inHand && (p.line.on || w.counts())
		p.line.mu.Unlock()
		if closed {
			return Heard{}, false
		}
		if h, ok := w.check(); ok {
			return h, true
		}
		var next <-chan time.Time
		if sounding && w.what != "call" && w.what != "ring" {
			look.Reset(glance)
			next = look.C
		}
		select {
		case <-next:
		case <-changed:
		case <-over.C:
			return w.check()
		case <-ctx.Done():
			return Heard{}, false
		}
	}
}

// watch is one Wait.
type watch struct {
	phone *Phone
	what  string
	hz    []float64 // of "tone 350+440"
	after int64     // sample at which it began
	shown int       // calls on the display then
}

func (p *Phone) watch(what string) (*watch, error) {
	w := &watch{phone: p, what: strings.TrimSpace(what)}
	if w.what == "display" {
		w.what = "call"
	}
	kind, of, _ := strings.Cut(w.what, " ")
	switch kind {
	case "ring", "call", "silence", "speech":
		if of != "" {
			return nil, fmt.Errorf("nothing is expected after %q", kind)
		}
	case "tone":
		w.what = "tone"
		if of = strings.TrimSuffix(strings.TrimSpace(of), " Hz"); of != "" {
			e, err := parseElement(of)
			if err != nil || len(e.hz) == 0 || e.len != 0 {
				return nil, fmt.Errorf("%q is no frequency in Hz", of)
			}
			w.hz = e.hz
		}
	default:
		if _, ok := p.ear.names.find(w.what); !ok {
			return nil, fmt.Errorf("the ear does not know %q; it knows ring, call, silence, speech, tone [Hz], %s", w.what, p.ear.names.known())
		}
	}
	l := p.line
	l.mu.Lock()
	w.after = l.horizon(time.Now())
	l.mu.Unlock()
	w.shown = p.line.display.count(l)
	if p.shownNow() {
		w.shown--
	}
	return w, nil
}

// lull is longer than any pause between the rings of one call, and than caller ID takes before the first.
const lull = 10 * time.Second

// shownNow tells whether the display shows the caller of the call that rings now.
func (p *Phone) shownNow() bool {
	calls, rings := p.Displays(), p.Rings()
	if len(calls) == 0 || len(rings) == 0 {
		return false
	}
	last := rings[len(rings)-1]
	first := last.Start
	for i := len(rings) - 2; i >= 0 && first.Sub(rings[i].Start) < rings[i].Length+lull; i-- {
		first = rings[i].Start
	}
	return time.Since(last.Start) < last.Length+lull && calls[len(calls)-1].At.After(first.Add(-lull))
}

// counts tells whether time alone can bring about what is waited for.
func (w *watch) counts() bool { return w.what == "silence" || w.what == "speech" }

// check tells whether it has happened.
func (w *watch) check() (Heard, bool) {
	p := w.phone
	if w.what == "call" {
		calls := p.Displays()
		if p.line.display.count(p.line) > w.shown && len(calls) > 0 {
			return Heard{Name: "call", Since: calls[len(calls)-1].At, Sure: true}, true
		}
		return Heard{}, false
	}
	h, runs := p.listen(w.after)
	if w.what != "tone" {
		return h, h.Sure && h.Is(w.what)
	}
	for _, r := range runs {
		if r.kind == tonal && w.wants(r.hz) {
			o := opinion{Heard{Name: "tone", Hz: r.hz, Level: r.level, Sure: true}, r.from}
			o.Since = p.line.clk.at(r.from)
			return o.Heard, true
		}
	}
	return h, false
}

// wants tells whether all the frequencies waited for are among hz.
func (w *watch) wants(hz []float64) bool {
	for _, f := range w.hz {
		found := false
		for _, g := range hz {
			found = found || math.Abs(f-g) <= lineHz
		}
		if !found {
			return false
		}
	}
	return true
}
