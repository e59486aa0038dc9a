package media

// Event is what a pump tells its owner. The set is closed. Events are given to the pump's notify function, in the
// pump's goroutine, which must not block.
type Event interface{ event() }

// Digit is a DTMF digit keyed on the line: On when it was recognised, then once more when it ended. Only while
// Program.Detect is set; digits that go out as telephone-events are reported as well.
type Digit struct {
	Digit byte // 0-9 * # A-D
	On    bool
}

// RemoteDigit is a digit that came as a telephone-event (RFC 4733), On when its tone starts on the line, then once
// more when the tone ended.
type RemoteDigit struct {
	Stream *Stream
	Digit  byte // 0-9 * # A-D
	On     bool
}

// BurstDone says that the program's burst was played to its end.
type BurstDone struct{}

// FirstPacket is the first valid audio of a stream: the far end is there.
type FirstPacket struct{ Stream *Stream }

// MediaTimeout says that nothing came for Session.Silent although we expect to receive. Once, until packets come again.
type MediaTimeout struct{ Stream *Stream }

func (Digit) event()        {}
func (RemoteDigit) event()  {}
func (BurstDone) event()    {}
func (FirstPacket) event()  {}
func (MediaTimeout) event() {}
