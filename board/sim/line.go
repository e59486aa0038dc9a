package sim

import (
	"fmt"
	"sync"
	"time"

	"tipring/board"
)

const (
	// hookEdges is how many edges wait for a slow reader; beyond it the oldest
	// are lost, as in the kernel's buffer, so that the last one is always true.
	hookEdges = 256

	// backlog is how far a late reader or writer is served without loss: the
	// buffer between the codec and the agent.
	backlog = int64(20 * board.FrameSamples)

	// playout is how much the codec holds before a writer must wait.
	playout = int64(8 * board.FrameSamples)
)

// Codec counts what went through a port's codec.
type Codec struct {
	Read    uint64 // frames given to the agent
	Written uint64 // frames taken from it
	Lost    uint64 // frames that the agent read too late
	Gaps    uint64 // times that the codec had nothing to play
}

// line is one port. It implements board.Line; phone is its far side. Under mu
// lies everything that both sides touch; nothing waits with mu held.
type line struct {
	port  int
	clk   clock
	phone Phone
	hook  chan board.HookEvent
	done  chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	changed chan struct{} // closed and replaced at every change of what the telephone may notice
	feed    board.Feed
	inHand  bool // handset lifted
	loop    bool // contacts closed: inHand, but for pulses, flashes and bounces

	// The codec.
	on         bool
	stalled    bool
	turn       int           // counts SetAudio, so that a reader sees that it was off
	wake       chan struct{} // closed and replaced at every change of the codec
	next       int64         // first sample not read
	took       int64         // sample that was going on when the last read returned
	played     int64         // one after the last sample written
	primed     bool          // something was written since the codec was turned on
	codec      Codec
	readTimer  *time.Timer
	writeTimer *time.Timer
	inside     sync.WaitGroup // callers in ReadPCM and WritePCM

	mouth   mouth
	hybrid  hybrid
	bell    bell
	heard   tape // what reached the handset, and a recorder
	taps    int  // recorders on the line: they hear it with the handset down, too
	display display
}

func newLine(port int, clk clock, names *names, o Options) *line {
	l := &line{
		port:    port,
		clk:     clk,
		hook:    make(chan board.HookEvent, hookEdges),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
		wake:    make(chan struct{}),
		hybrid:  newHybrid(o),
	}
	l.mouth.sources = make([]source, 0, 32)
	l.phone.init(l, names, o)
	return l
}

func (l *line) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// announce wakes whoever waits for a change of the line. With mu held.
func (l *line) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// stir wakes whoever waits for the codec. With mu held.
func (l *line) stir() {
	close(l.wake)
	l.wake = make(chan struct{})
}

func (l *line) SetFeed(f board.Feed) error {
	if f > board.FeedRinging {
		return fmt.Errorf("sim: port %d: %v does not exist", l.port, f)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return board.ErrClosed
	}
	if f == l.feed {
		return nil
	}
	now := time.Now()
	wasOff := l.feed == board.FeedOff
	l.feed = f
	if wasOff && l.loop {
		l.edge(now)
	}
	l.bell.set(now, f == board.FeedRinging && !l.loop)
	l.announce()
	return nil
}

// setLoop opens or closes the contacts. With mu held.
func (l *line) setLoop(now time.Time, closed bool) {
	if l.loop == closed || l.closed {
		return
	}
	l.loop = closed
	if l.feed != board.FeedOff {
		l.edge(now)
	}
	l.bell.set(now, l.feed == board.FeedRinging && !l.loop)
	l.announce()
}

// edge sends the present state of the loop to the agent. With mu held.
func (l *line) edge(now time.Time) {
	for {
		select {
		case l.hook <- board.HookEvent{OffHook: l.loop, At: now}:
			return
		default:
		}
		select {
		case <-l.hook:
		default:
		}
	}
}

func (l *line) Hook() <-chan board.HookEvent { return l.hook }

func (l *line) OffHook() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loop && l.feed != board.FeedOff && !l.closed
}

func (l *line) SetAudio(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return board.ErrClosed
	}
	if on == l.on {
		return nil
	}
	l.switchAudio(time.Now(), on)
	l.announce()
	return nil
}

func (l *line) switchAudio(now time.Time, on bool) {
	i := l.clk.index(now)
	l.on = on
	l.turn++
	if on {
		l.next, l.played, l.took = i, i, i
		l.primed = false
		l.mouth.forget(i)
	} else {
		l.heard.cut(i)
		l.display.flush()
	}
	l.stir()
}

// stall stops the codec's samples, and starts them again at the present time.
func (l *line) stall(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || on == l.stalled {
		return
	}
	l.stalled = on
	if !on {
		l.next = max(l.next, l.clk.index(time.Now()))
	}
	l.stir()
}

func (l *line) ReadPCM(frame []int16) error {
	if len(frame) != board.FrameSamples {
		return fmt.Errorf("sim: port %d: frame of %d samples, want %d", l.port, len(frame), board.FrameSamples)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return board.ErrClosed
	}
	l.inside.Add(1)
	defer l.inside.Done()
	turn, now := l.turn, time.Now()
	patience := now.Add(board.StallTime)
	for {
		due := l.clk.at(l.next + board.FrameSamples)
		switch {
		case l.closed:
			return board.ErrClosed
		case !l.on || l.turn != turn:
			return board.ErrNoAudio
		case l.stalled && !now.Before(patience):
			return board.ErrStalled
		case l.stalled:
			due = patience
		}
		if !l.stalled && !now.Before(due) {
			break
		}
		l.wait(&l.readTimer, due.Sub(now))
		now = time.Now()
	}
	if late := l.clk.index(now) - l.next - board.FrameSamples; late > backlog {
		lost := (late + board.FrameSamples - 1) / board.FrameSamples
		l.codec.Lost += uint64(lost)
		l.next += lost * board.FrameSamples
		l.next = min(l.next, l.clk.index(now)-board.FrameSamples)
	}
	l.fill(frame, l.next)
	l.next += board.FrameSamples
	l.took = l.clk.index(now)
	l.codec.Read++
	return nil
}

// fill makes the samples that the line gives from number i on.
func (l *line) fill(frame []int16, i int64) {
	if l.feed == board.FeedOff {
		clear(frame)
		return
	}
	var acc [board.FrameSamples]int32
	if len(l.mouth.sources) > 0 {
		l.mouth.mix(&acc, i)
		l.mouth.forget(i + board.FrameSamples)
	}
	l.hybrid.mix(&acc, i)
	for k, s := range acc {
		frame[k] = int16(min(max(s, -32768), 32767))
	}
}

// slow is how many samples after a read its answer may be written.
const slow = 64

// WritePCM plays the frame that answers the last frame read just behind it, in
// step with the codec's samples, however late that read was. So the scheduling
// of a busy test machine cannot be heard, but a frame too few or too many can.
// An answer that is a frame slow is played a frame later.
func (l *line) WritePCM(frame []int16) error {
	if len(frame) != board.FrameSamples {
		return fmt.Errorf("sim: port %d: frame of %d samples, want %d", l.port, len(frame), board.FrameSamples)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return board.ErrClosed
	}
	l.inside.Add(1)
	defer l.inside.Done()
	turn := l.turn
	for waited := false; ; waited = true {
		now := time.Now()
		at := l.next
		if d := l.clk.index(now) - l.took; d >= slow {
			at += (d + board.FrameSamples - slow) / board.FrameSamples * board.FrameSamples
		}
		at = max(at, l.played)
		room := l.clk.at(at - playout)
		switch {
		case l.closed:
			return board.ErrClosed
		case !l.on || l.turn != turn:
			return board.ErrNoAudio
		case !waited && room.After(now):
			l.wait(&l.writeTimer, min(room.Sub(now), board.FrameTime))
			continue
		}
		if present := l.clk.index(now); present-at > backlog {
			at = present
		}
		if at > l.played && l.primed {
			l.codec.Gaps++
		}
		l.primed = true
		l.play(at, frame)
		return nil
	}
}

// play puts a frame on the line at sample number at. With mu held.
func (l *line) play(at int64, frame []int16) {
	l.played = at + board.FrameSamples
	l.codec.Written++
	if l.stalled || l.feed == board.FeedOff || l.feed == board.FeedRinging {
		return
	}
	l.hybrid.put(at, frame)
	if l.loop || l.taps > 0 {
		l.heard.put(max(at, l.heard.end), frame)
	}
	if !l.inHand && l.display.put(at, frame) {
		l.announce()
	}
}

// wait sleeps for d or until the codec changes. It gives mu away meanwhile.
func (l *line) wait(slot **time.Timer, d time.Duration) {
	timer, wake := *slot, l.wake
	*slot = nil
	l.mu.Unlock()
	if timer == nil {
		timer = time.NewTimer(d)
	} else {
		timer.Reset(d)
	}
	select {
	case <-timer.C:
	case <-wake:
		timer.Stop()
	}
	l.mu.Lock()
	*slot = timer
}

func (l *line) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return board.ErrClosed
	}
	now := time.Now()
	if l.on {
		l.switchAudio(now, false)
	}
	l.feed = board.FeedOff
	l.bell.set(now, false)
	l.closed = true
	close(l.done)
	close(l.hook)
	l.stir()
	l.announce()
	l.mu.Unlock()
	l.inside.Wait()
	return nil
}
