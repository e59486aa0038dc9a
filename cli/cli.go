// Package cli is the technician's command line: one grammar, used by the
// one-shot command (`tipring show port 1 status`), by the interactive console
// and by scripts. It is a client of the local socket and knows nothing else of
// the daemon.
//
// The table in grammar.go is the only place where a command is written down:
// parsing, `?` help, completion and the manual's check are made from it. Run
// executes one command; Console is the shell around it.
//
// Goroutines: the caller's, and for --watch one that reads events and ends with
// the command. Time is the system's and appears only as time-outs; what is
// printed depends on the daemon's answer alone.
package cli

import "time"

// Exit codes, the same for every command.
const (
	ExitOK            = 0
	ExitRefused       = 1 // refused by the daemon, or a test failed
	ExitUsage         = 2 // unknown, ambiguous or incomplete command
	ExitUnreachable   = 3 // the daemon is not reachable
	ExitNotPermitted  = 4
	ExitConfigInvalid = 5
)

// Options are what the command's own flags start from. The zero value is right.
type Options struct {
	Socket   string         // "": $TIPRING_SOCKET, else api.DefaultSocket
	Timeout  time.Duration  // 0: 5 s
	JSON     bool           // print the daemon's JSON instead of text
	Watch    bool           // show: print again whenever something changes
	Location *time.Location // of printed times, nil: local
	Terminal bool           // Console: in is a raw terminal although it is no tty of this process
}
