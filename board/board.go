// Package board holds the nouns of the telephone hardware: a Board has
// numbered FXS ports, a Line is one of them, with its feed, its hook and its
// codec.
//
// The package decides nothing: debounce, cadence and digits belong to others,
// it only says what is on the wires. The codec chip owns the voice clock
// (ReadPCM paces its caller); who calls ReadPCM owns that goroutine. A driver
// waits in Close for every goroutine that it started and for every caller that
// is still inside. Package boardtest is this contract as a test suite, package
// sim is a board of telephones in memory.
package board

import (
	"errors"
	"fmt"
	"time"
)

// FrameSamples is the length of one frame of the voice path: 10 ms of linear
// 16 bit samples at 8 kHz. A sine of peak 32767 is +3.14 dBm0 (ITU-T G.711).
const FrameSamples = 80

// FrameTime is the length of one frame by the codec's own clock.
const FrameTime = 10 * time.Millisecond

// StallTime is how long ReadPCM waits for a codec that gives no samples
// before it says ErrStalled.
const StallTime = 200 * time.Millisecond

var (
	// ErrClosed is returned by every call on a Line or Board after Close.
	ErrClosed = errors.New("board: closed")
	// ErrNoAudio is returned by ReadPCM and WritePCM while the codec stream is
	// off; a reader that waits when it is turned off is woken with it.
	ErrNoAudio = errors.New("board: codec stream is off")
	// ErrStalled is returned by ReadPCM when the codec stream is on and gave no
	// samples for StallTime. The stream stays on: the next call tries again.
	ErrStalled = errors.New("board: codec gives no samples")
)

// Feed is what the line circuit puts on the two wires.
type Feed uint8

// The feeds. With FeedOff no loop current flows: the hook cannot be sensed and
// the telephone is dead. FeedReversed is FeedActive with tip and ring swapped.
const (
	FeedOff Feed = iota
	FeedActive
	FeedReversed
	FeedRinging
)

var feedNames = [...]string{"off", "active", "reversed", "ringing"}

func (f Feed) String() string {
	if int(f) < len(feedNames) {
		return feedNames[f]
	}
	return fmt.Sprintf("feed %d", uint8(f))
}

// HookEvent is one raw edge of the hook detector: bounces, dial pulses and
// flashes are all in it. At is the time of the edge itself, from the kernel or
// the chip where they tell it, so that a late reader still measures lengths
// well.
type HookEvent struct {
	OffHook bool
	At      time.Time
}

// Line is one FXS port. It is safe for one controlling goroutine and one audio
// goroutine (ReadPCM, WritePCM) at the same time.
//
// A Line starts with FeedOff and without audio. After Close every call returns
// ErrClosed (OffHook returns false, Hook the closed channel).
type Line interface {
	// SetFeed applies a level: setting the same feed twice changes nothing.
	// Turning the feed on while the telephone is off-hook sends an edge.
	SetFeed(Feed) error

	// Hook gives the raw edges in order of their times; Close closes it. It is
	// always the same channel.
	Hook() <-chan HookEvent

	// OffHook is the present state of the hook detector; at start-up a
	// telephone may already be off-hook. It is false while the feed is off.
	OffHook() bool

	// SetAudio starts and stops the codec stream. It is a level, too.
	SetAudio(on bool) error

	// ReadPCM fills frame with the next FrameSamples samples from the line,
	// and blocks until the codec has them. A late reader gets the frames that
	// it missed at once, in order, as far as the codec's buffer reaches; what
	// is older is lost. Errors: ErrNoAudio, ErrStalled, ErrClosed.
	ReadPCM(frame []int16) error

	// WritePCM gives the codec FrameSamples samples to play. It never blocks
	// for longer than one frame. Who writes one frame for each frame read
	// neither starves nor floods the codec. Errors: ErrNoAudio, ErrClosed.
	WritePCM(frame []int16) error

	// Close turns the feed and the codec off, wakes callers that wait and
	// returns when they have left.
	Close() error
}

// Board is a set of numbered FXS ports.
type Board interface {
	// Name is the board's kind, for people: "sim", "v253".
	Name() string
	// Ports are the port numbers in rising order.
	Ports() []int
	// Line is the line of a port: always the same one. A port that the board
	// does not have is an error that names those it has.
	Line(port int) (Line, error)
	// Close closes every line.
	Close() error
}
