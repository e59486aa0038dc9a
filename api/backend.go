package api

import (
	"context"
	"io"
)

// Backend is the daemon as the local socket sees it. All methods may be called
// at once from many goroutines. The reading ones answer from snapshots and never
// wait for a port; the changing ones return when the change is accepted, at the
// latest when ctx ends. Errors for the client are made by NotFound, Refused,
// Invalid, Unavailable and ConfigInvalid.
type Backend interface {
	Version() Version
	Status() Status
	Ports() []Port                     // in ascending order
	Port(n int) (Port, error)          // NotFound names the ports that exist
	Registrations() []PortRegistration // in ascending order
	Calls() []ActiveCall               // every call of every port, also held and waiting ones
	History(limit int) []CallRecord    // newest first, at most limit
	Config() (Config, error)           // secrets masked

	// SetEnabled changes the administrative state. Enabling registers at once,
	// disabling removes the binding. Setting it twice changes nothing.
	SetEnabled(ctx context.Context, port int, on bool) (Port, error)

	// RefreshRegistrations registers the ports now (nil: every enabled port).
	// It returns when that is under way, not when the registrar has answered.
	RefreshRegistrations(ctx context.Context, ports []int) error

	// Reload reads the configuration again and applies it to the ports that
	// changed. ConfigInvalid: it was refused and nothing changed.
	Reload(ctx context.Context) (Reloaded, error)

	// Phone moves a telephone of the simulated board, with the arguments as on
	// the command line. action is one of PhoneActions:
	//
	//	lift | hangup | hears | display   no argument
	//	flash  [ms]                       dial <digits>      pulse <digits>
	//	say    <file.wav>                 record <file.wav> <seconds>
	//	tone   <hz> [ms]                  wait <what> [seconds], what may be "tone 1004"
	//
	// Refused when the board is a real one. When a wait is over without success
	// the result's OK is false, and there is no error.
	Phone(ctx context.Context, port int, action string, args []string) (PhoneResult, error)

	// Subscribe delivers changes of the given types (none: all) until cancel is
	// called, which closes the channel. The Backend never waits for the reader:
	// when the channel is full it drops events and then sends one EventResync.
	Subscribe(types ...string) (events <-chan Event, cancel func())

	// Metrics writes the Prometheus text format.
	Metrics(w io.Writer) error
}
