package boardtest

import (
	"errors"
	"slices"
	"time"

	"tipring/board"
)

func ports(d *desk) {
	list := d.Board.Ports()
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		d.Errorf("Ports() = %v, want rising numbers", list)
	}
	if d.Board.Name() == "" {
		d.Error("the board has no name")
	}
	for _, port := range list {
		if a, b := d.open(port), d.open(port); a != b {
			d.Errorf("port %d has two lines", port)
		}
	}
	if _, err := d.Board.Line(list[len(list)-1] + 1); err == nil {
		d.Error("a port that is not there has a line")
	}
}

func hookEdges(d *desk) {
	d.must("SetFeed", d.line.SetFeed(board.FeedActive))
	if d.line.OffHook() {
		d.Error("off-hook at the start")
	}
	for range 3 {
		d.drain()
		before := time.Now()
		d.Lift(d.port)
		d.edge(true, before)
		d.eventually("OffHook after Lift", d.line.OffHook)
		time.Sleep(60 * time.Millisecond)
		d.drain()
		before = time.Now()
		d.Hangup(d.port)
		d.edge(false, before)
		d.eventually("on-hook after Hangup", func() bool { return !d.line.OffHook() })
		time.Sleep(60 * time.Millisecond)
	}
}

func hookWithoutFeed(d *desk) {
	d.Lift(d.port)
	time.Sleep(100 * time.Millisecond)
	if d.line.OffHook() {
		d.Error("off-hook is seen without feed")
	}
	before := time.Now()
	d.must("SetFeed", d.line.SetFeed(board.FeedActive))
	d.edge(true, before)
	d.eventually("OffHook", d.line.OffHook)
}

func feedLevel(d *desk) {
	if f := d.Feed(d.port); f != board.FeedOff {
		d.Errorf("feed %v at the start, want off", f)
	}
	for _, f := range []board.Feed{board.FeedActive, board.FeedReversed, board.FeedReversed, board.FeedRinging, board.FeedActive, board.FeedOff} {
		d.must("SetFeed", d.line.SetFeed(f))
		d.eventually("feed "+f.String(), func() bool { return d.Feed(d.port) == f })
	}
	if err := d.line.SetFeed(9); err == nil {
		d.Error("a feed that does not exist is taken")
	}
}

func bursts(d *desk) {
	d.must("SetFeed", d.line.SetFeed(board.FeedActive))
	for range 2 {
		d.must("SetFeed", d.line.SetFeed(board.FeedRinging))
		time.Sleep(100 * time.Millisecond)
		d.must("SetFeed", d.line.SetFeed(board.FeedRinging)) // a level: the burst goes on
		time.Sleep(100 * time.Millisecond)
		d.must("SetFeed", d.line.SetFeed(board.FeedActive))
		time.Sleep(200 * time.Millisecond)
	}
	rung := d.Rung(d.port)
	if len(rung) != 2 {
		d.Fatalf("%d bursts, want 2: %v", len(rung), rung)
	}
	for _, b := range rung {
		if d.virtual && b != 200*time.Millisecond {
			d.Errorf("burst of %v, want 200 ms", b)
		}
	}
	select {
	case e := <-d.line.Hook():
		d.Errorf("ringing made an edge: %+v", e)
	default:
	}
}

func ringTrip(d *desk) {
	d.must("SetFeed", d.line.SetFeed(board.FeedRinging))
	time.Sleep(300 * time.Millisecond)
	before := time.Now()
	d.Lift(d.port)
	d.edge(true, before)
	d.must("SetFeed", d.line.SetFeed(board.FeedActive))
	d.eventually("OffHook", d.line.OffHook)
	if rung := d.Rung(d.port); len(rung) != 1 {
		d.Errorf("%d bursts, want 1: %v", len(rung), rung)
	}
}

func closed(d *desk) {
	d.talkable()
	d.must("Close", d.line.Close())
	frame := make([]int16, board.FrameSamples)
	for name, call := range map[string]func() error{
		"SetFeed":  func() error { return d.line.SetFeed(board.FeedActive) },
		"SetAudio": func() error { return d.line.SetAudio(true) },
		"ReadPCM":  func() error { return d.line.ReadPCM(frame) },
		"WritePCM": func() error { return d.line.WritePCM(frame) },
		"Close":    d.line.Close,
	} {
		if err := call(); !errors.Is(err, board.ErrClosed) {
			d.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
	if d.line.OffHook() {
		d.Error("off-hook after Close")
	}
	for range d.line.Hook() { // ends: it is closed
	}
	if f := d.Feed(d.port); f != board.FeedOff {
		d.Errorf("feed %v after Close, want off", f)
	}
}

func closeOne(d *desk) {
	list := d.Board.Ports()
	if len(list) < 2 {
		d.Skip("the board has one port")
	}
	other := d.open(list[1])
	d.must("SetFeed", other.SetFeed(board.FeedActive))
	d.must("SetAudio", other.SetAudio(true))
	d.must("Close", d.line.Close())
	d.must("ReadPCM", other.ReadPCM(make([]int16, board.FrameSamples)))
}
