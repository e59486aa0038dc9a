// Package boardtest is the contract of package board as a test suite. Every
// board passes it: the simulated one, the drivers on a pseudo terminal, and
// real GPIO lines in a virtual machine.
//
// A Rig joins a board with whatever moves the far side of its lines. Test runs
// the suite in real time and asserts nothing about it but that the codec is not
// too fast; TestVirtual runs it in synctest bubbles, where time is exact and so
// are the assertions.
package boardtest

import (
	"testing"
	"testing/synctest"
	"time"

	"tipring/board"
)

// Rig is a board and the telephones on its ports. At the start every handset
// is down. All functions but Stall are needed.
type Rig struct {
	Board board.Board

	// Lift and Hangup move the handset at a port.
	Lift, Hangup func(port int)

	// Feed is what is on the wires of a port, as a tester measures it there.
	Feed func(port int) board.Feed

	// Rung is for how long ringing voltage reached the bell, burst by burst.
	Rung func(port int) []time.Duration

	// Speak sends samples into the mouthpiece, from now on.
	Speak func(port int, pcm []int16)

	// Listen waits for n samples more to reach the earpiece, and gives them.
	Listen func(port int, n int) []int16

	// Stall stops the codec of a port from giving samples, or lets it go on.
	// It may be nil where nothing can do that.
	Stall func(port int, on bool)

	// ClockPPM is how wrong the codec's clock may be.
	ClockPPM float64
}

// desk is a rig in one test.
type desk struct {
	Rig
	*testing.T
	virtual bool
	port    int // the first one
	line    board.Line
}

var cases = []struct {
	name string
	run  func(d *desk)
}{
	{"ports", ports},
	{"hook edges", hookEdges},
	{"hook without feed", hookWithoutFeed},
	{"feed is a level", feedLevel},
	{"bursts at the bell", bursts},
	{"answer during a burst", ringTrip},
	{"no audio", noAudio},
	{"frames are paced", pacing},
	{"a late reader", lateReader},
	{"mouth to reader", fromMouth},
	{"writer to ear", toEar},
	{"both at once", duplex},
	{"stalled codec", stalled},
	{"close wakes and waits", closeWakes},
	{"closed", closed},
	{"close one, keep the others", closeOne},
}

// Test runs the suite in real time. open makes a new rig; it may use
// testing.T.Cleanup and, where rigs do not disturb each other, testing.T.Parallel.
// The suite closes the board.
func Test(t *testing.T, open func(t *testing.T) Rig) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { run(t, c.run, open, false) })
	}
}

// TestVirtual runs the suite in synctest bubbles. When the bubble ends, no
// goroutine of the board may be left: the bubble itself sees to that.
func TestVirtual(t *testing.T, open func(t *testing.T) Rig) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, c.run, open, true) })
		})
	}
}

func run(t *testing.T, test func(*desk), open func(*testing.T) Rig, virtual bool) {
	rig := open(t)
	d := &desk{Rig: rig, T: t, virtual: virtual}
	defer func() {
		if err := rig.Board.Close(); err != nil {
			t.Errorf("Board.Close: %v", err)
		}
	}()
	list := rig.Board.Ports()
	if len(list) == 0 {
		t.Fatal("the board has no ports")
	}
	d.port = list[0]
	d.line = d.open(d.port)
	test(d)
}

func (d *desk) open(port int) board.Line {
	d.Helper()
	l, err := d.Board.Line(port)
	if err != nil {
		d.Fatalf("Line(%d): %v", port, err)
	}
	return l
}

// must fails the test for an error.
func (d *desk) must(what string, err error) {
	d.Helper()
	if err != nil {
		d.Fatalf("%s: %v", what, err)
	}
}

// edge waits for the next edge, which must be as said and from between two
// times.
func (d *desk) edge(offHook bool, after time.Time) board.HookEvent {
	d.Helper()
	for {
		select {
		case e, ok := <-d.line.Hook():
			if !ok {
				d.Fatal("the hook channel is closed")
			}
			if e.OffHook != offHook {
				continue // a bounce
			}
			if now := time.Now(); e.At.Before(after) || e.At.After(now) {
				d.Errorf("edge at %v, want from %v to %v", e.At, after, now)
			}
			return e
		case <-time.After(5 * time.Second):
			d.Fatalf("no edge to off-hook=%v within 5 s", offHook)
		}
	}
}

// drain takes the bounces of the last movement.
func (d *desk) drain() {
	for {
		select {
		case <-d.line.Hook():
		default:
			return
		}
	}
}

// eventually waits until ok is true.
func (d *desk) eventually(what string, ok func() bool) {
	d.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.Fatalf("%s did not happen within 5 s", what)
}

// talkable lifts the handset and starts the codec.
func (d *desk) talkable() {
	d.Helper()
	d.must("SetFeed", d.line.SetFeed(board.FeedActive))
	before := time.Now()
	d.Lift(d.port)
	d.edge(true, before)
	d.must("SetAudio", d.line.SetAudio(true))
}
