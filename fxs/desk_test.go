package fxs

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 24, 21, 7, 0, 0, time.UTC)

// desk is a telephone with its line and the line's owner. The telephone moves in exact time. The owner is prompt, or,
// with lazy set, wakes up only now and then and finds the edges in its queue, with the kernel's times on them.
type desk struct {
	t     *testing.T
	l     *Line
	now   time.Time
	lazy  *rand.Rand
	wake  time.Time
	queue []edge
	log   []Event
	said  []string // events with their times, as the owner saw them
	trace []string
	rings []span
	datas []span
	last  Output
}

type edge struct {
	at  time.Time
	off bool
}

// span is a stretch of time in ms since t0.
type span struct{ from, to int }

func country(t testing.TB, iso string) *Country {
	t.Helper()
	c, err := LookupCountry(iso)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func digitmap(t testing.TB, s string) *DigitMap {
	t.Helper()
	if s == "" {
		return nil
	}
	m, err := ParseDigitMap(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newDesk has an enabled, settled line at t0.
func newDesk(t *testing.T, c Config) *desk {
	d := &desk{t: t, now: t0.Add(-time.Second)}
	c.Trace = func(from, to State, cause string) { d.trace = append(d.trace, fmt.Sprintf("%v>%v", from, to)) }
	d.l = NewLine(c)
	d.l.SetEnabled(d.now, true)
	d.wait(time.Second)
	return d
}

func (d *desk) ms() int { return int(d.now.Sub(t0).Milliseconds()) }

// look takes events and output as the owner does after each input.
func (d *desk) look() {
	for e, ok := d.l.Next(); ok; e, ok = d.l.Next() {
		d.log = append(d.log, e)
		d.said = append(d.said, fmt.Sprintf("%d %s", d.ms(), sayEvent(e)))
	}
	o := d.l.Output()
	at := d.ms()
	track := func(all *[]span, was, is bool) {
		if was != is {
			if is {
				*all = append(*all, span{at, -1})
			} else {
				(*all)[len(*all)-1].to = at
			}
		}
	}
	track(&d.rings, d.last.Feed == FeedRinging, o.Feed == FeedRinging)
	track(&d.datas, d.last.CallerID != nil, o.CallerID != nil)
	d.last = o
}

func sayEvent(e Event) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T%v", e, e), "fxs."), "{}")
}

// wait lets time pass for telephone and owner.
func (d *desk) wait(dt time.Duration) {
	until := d.now.Add(dt)
	for d.lazy != nil {
		if d.wake.IsZero() {
			d.wake = d.now.Add(time.Duration(d.lazy.IntN(80_000)) * time.Microsecond)
		}
		if d.wake.After(until) {
			d.now = until
			return
		}
		d.now, d.wake = d.wake, time.Time{}
		d.flush()
	}
	for {
		at := d.l.Deadline()
		if at.IsZero() || at.After(until) {
			break
		}
		d.now = at
		d.l.Advance(at)
		d.look()
	}
	d.now = until
	d.l.Advance(until)
	d.look()
}

// flush is the owner waking up.
func (d *desk) flush() {
	for _, e := range d.queue {
		d.l.Hook(e.at, e.off)
		d.look()
	}
	d.queue = d.queue[:0]
	d.l.Advance(d.now)
	d.look()
	if at := d.l.Deadline(); !at.IsZero() && !at.After(d.now) {
		d.t.Errorf("deadline %v is not after Advance(%v)", at, d.now)
	}
}

func (d *desk) hook(off bool) {
	if d.lazy != nil {
		d.queue = append(d.queue, edge{d.now, off})
		return
	}
	d.l.Hook(d.now, off)
	d.look()
}

// bounce moves the contact like a worn one: up to 5 ms of chatter.
func (d *desk) bounce(off bool) {
	for range 2 {
		d.hook(off)
		d.wait(ms(1))
		d.hook(!off)
		d.wait(ms(1))
	}
	d.hook(off)
}

func (d *desk) lift()   { d.hook(true); d.wait(ms(100)) }
func (d *desk) hangup() { d.hook(false); d.wait(2 * time.Second) }

func (d *desk) open(dt time.Duration) {
	d.hook(false)
	d.wait(dt)
	d.hook(true)
	d.wait(ms(100))
}

// pulses dials n pulses of so long a break and make.
func (d *desk) pulses(n int, open, closed time.Duration) {
	for range n {
		d.hook(false)
		d.wait(open)
		d.hook(true)
		d.wait(closed)
	}
	d.wait(ms(600))
}

func (d *desk) dial(digits string) {
	for i := range len(digits) {
		d.l.Digit(d.now, digits[i])
		d.look()
		d.wait(ms(200))
	}
}

func (d *desk) do(f func(now time.Time)) {
	f(d.now)
	d.look()
}

// events are the events so far, without digits, and forgets them.
func (d *desk) events() string {
	var all []string
	for _, e := range d.log {
		if _, digit := e.(Digited); !digit {
			all = append(all, sayEvent(e))
		}
	}
	d.log, d.said = nil, nil
	return strings.Join(all, " ")
}

func (d *desk) want(what string, got, want any) {
	d.t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		d.t.Errorf("%s at %d ms: got %q, want %q", what, d.ms(), g, w)
	}
}

func (d *desk) wantState(s State) {
	d.t.Helper()
	d.want("state", d.l.State(), s)
}
