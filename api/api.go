// Package api is the local face of the daemon: JSON over HTTP/1.1 on a Unix
// socket, read by the command line, by web interfaces and by scripts.
//
// It has three parts. The wire types in this file are the stable shapes of /v1:
// fields are added, never renamed or dropped. The Host serves them from a
// Backend, which the daemon implements; the Client reads them for the command
// line. openapi.yaml describes the same and is checked against both by a test.
//
// Goroutines: the Host owns one accept loop per socket, net/http's goroutine
// per connection, and one that feeds events from the Backend into a bounded
// ring; Close ends them all, requests under way in the time that it is given. The
// Client owns none. Time is the system's.
//
// The package does not know telephones, SIP or the configuration's schema: it
// asks the Backend, which answers from snapshots and so cannot disturb a call.
package api

import (
	"strconv"
	"time"
)

// DefaultSocket is where the daemon listens when nothing else is said.
const DefaultSocket = "/var/run/tipring/tipring.sock"

// Time is a moment on the wire: RFC 3339 in UTC with milliseconds, or "" for
// never. (The zero time.Time would be printed as the year 1.)
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// At wraps a moment for the wire.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() || t.Year() > 9999 || t.Year() < 0 {
		return []byte(`""`), nil
	}
	return []byte(strconv.Quote(t.UTC().Format(timeLayout))), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	if s := string(b); s == `""` || s == "null" {
		t.Time = time.Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(b)
}

// Version answers GET /v1/version.
type Version struct {
	Name     string `json:"name"`     // "tipring"
	Version  string `json:"version"`  // "1.2.3", "devel"
	Commit   string `json:"commit"`   // "" when unknown
	Go       string `json:"go"`       // "go1.26.8"
	Platform string `json:"platform"` // "linux/mipsle"
	API      string `json:"api"`      // "v1"
}

// Status answers GET /v1/status: the box at a glance.
type Status struct {
	Version string   `json:"version"`
	Started Time     `json:"started"`
	UptimeS int64    `json:"uptime_s"`
	Board   string   `json:"board"`
	Card    int      `json:"card"`
	Country string   `json:"country"`
	Ports   Count    `json:"ports"`
	Servers []Server `json:"servers"`
	// Healthy is about the daemon, not about its surroundings: a dead registrar
	// does not make it false. Problems says in plain words what does.
	Healthy  bool     `json:"healthy"`
	Problems []string `json:"problems"`
}

// Count counts ports.
type Count struct {
	Total      int `json:"total"`
	Enabled    int `json:"enabled"`
	Registered int `json:"registered"`
	InCall     int `json:"in_call"`
}

// Server is a SIP server and its health.
type Server struct {
	Service string  `json:"service"`
	Address string  `json:"address"` // host:port
	State   string  `json:"state"`   // "up", "down", "unknown"
	RTTms   float64 `json:"rtt_ms"`  // 0: not measured
	Since   Time    `json:"since"`
}

// Port is one telephone port: the vendor's row and what stands behind it.
type Port struct {
	Card         int          `json:"card"`
	Port         int          `json:"port"`
	Enabled      bool         `json:"enabled"`
	Number       string       `json:"number"`
	Service      string       `json:"service"`
	Registration Registration `json:"registration"`
	Call         Call         `json:"call"` // the call in the foreground
	Line         Line         `json:"line"`
}

// Registration is the state of a port's binding at its registrar.
type Registration struct {
	// OK stays true during the refresh of a live binding.
	OK       bool   `json:"ok"`
	State    string `json:"state"`     // disabled misconfigured resolving registering registered refused silent deregistering
	Server   string `json:"server"`    // host:port that answered or was asked last
	Code     int    `json:"code"`      // last SIP answer, 0: none
	Reason   string `json:"reason"`    // its reason phrase, or why there was no answer
	ExpiresS int    `json:"expires_s"` // granted lifetime
	Since    Time   `json:"since"`     // since when in this state
	NextTry  Time   `json:"next_try"`  // refresh or retry
	Attempts int    `json:"attempts"`  // unanswered or refused in a row
}

// PortRegistration is one entry of GET /v1/registrations.
type PortRegistration struct {
	Card         int          `json:"card"`
	Port         int          `json:"port"`
	Enabled      bool         `json:"enabled"`
	Number       string       `json:"number"`
	Service      string       `json:"service"`
	Registration Registration `json:"registration"`
}

// Call is a call as its port sees it. All fields but State are empty when Idle.
type Call struct {
	State     string `json:"state"`     // Idle Dialing Calling Ringback Ringing Talking Holding Busy
	Direction string `json:"direction"` // "out", "in", ""
	Peer      string `json:"peer"`      // the other party's number
	Name      string `json:"name"`      // and name, where known
	Codec     string `json:"codec"`     // "PCMA", "PCMU"
	Since     Time   `json:"since"`     // since when in this state
}

// ActiveCall is one entry of GET /v1/calls.
type ActiveCall struct {
	ID   string `json:"id"`
	Card int    `json:"card"`
	Port int    `json:"port"`
	Call
	Started  Time   `json:"started"`
	Answered Time   `json:"answered"` // "": not yet
	Media    *Media `json:"media,omitempty"`
}

// Media is the voice path of a call, in packets and milliseconds.
type Media struct {
	Sent        uint64  `json:"sent"`
	Received    uint64  `json:"received"`
	Lost        uint64  `json:"lost"`
	Late        uint64  `json:"late"`
	JitterMS    float64 `json:"jitter_ms"`
	BufferMS    float64 `json:"buffer_ms"`
	BufferForMS float64 `json:"buffer_target_ms"`
}

// CallRecord is one ended call of GET /v1/calls/history, newest first.
type CallRecord struct {
	ID         string `json:"id"`
	Card       int    `json:"card"`
	Port       int    `json:"port"`
	Direction  string `json:"direction"`
	Peer       string `json:"peer"`
	Name       string `json:"name"`
	Codec      string `json:"codec"`
	Started    Time   `json:"started"`
	Answered   Time   `json:"answered"` // "": never
	Ended      Time   `json:"ended"`
	DurationS  int    `json:"duration_s"` // of the conversation
	Result     string `json:"result"`     // answered missed busy no-answer cancelled rejected failed
	Code       int    `json:"code"`       // SIP answer that ended it, 0: none
	Reason     string `json:"reason"`
	ReleasedBy string `json:"released_by"` // "local", "remote", ""
}

// Line is the analogue side of a port.
type Line struct {
	Physical string `json:"physical"`       // ON-HOOK OFF-HOOK RINGING FAULT
	State    string `json:"state"`          // finer word of the line's own machine
	Feed     string `json:"feed,omitempty"` // off active reversed ringing
	Tone     string `json:"tone,omitempty"` // what the line plays: dial, busy, ...
}

// Config is the running configuration with every secret masked.
type Config struct {
	YAML string // text for people
	JSON []byte // one JSON object with the same keys
}

// Reloaded answers POST /v1/reload.
type Reloaded struct {
	Changed []int  `json:"changed"` // ports that heard of it
	Message string `json:"message"`
}

// Refreshed answers POST /v1/registrations/refresh.
type Refreshed struct {
	Ports []int `json:"ports"` // ports that were told to register; empty: all
}

// RefreshRequest is the optional body of POST /v1/registrations/refresh.
type RefreshRequest struct {
	Ports []int `json:"ports"` // empty: all
}

// PhoneActions are the actions of POST /v1/phones/{n}/{action}.
var PhoneActions = []string{
	"lift", "hangup", "flash", "dial", "pulse", "say", "tone", "record", "hears", "wait", "display",
}

// PhoneRequest is the optional body of POST /v1/phones/{n}/{action}.
type PhoneRequest struct {
	Args []string `json:"args"` // as on the command line
}

// PhoneResult is what a telephone of the simulated board did or heard.
type PhoneResult struct {
	Port    int      `json:"port"`
	Action  string   `json:"action"`
	OK      bool     `json:"ok"`                // false: what was waited for did not come
	Text    string   `json:"text"`              // one line for people
	At      Time     `json:"at"`                // tone, say: when the first sample left; hears, wait: since when it sounds
	Heard   *Heard   `json:"heard,omitempty"`   // hears, wait
	Display *Display `json:"display,omitempty"` // display
}

// Heard is what the ear measured on the line.
type Heard struct {
	Name    string    `json:"name"` // dial busy ringback ... tone silence speech ring
	Hz      []float64 `json:"hz"`
	Level   float64   `json:"level_dbm0"`
	Cadence string    `json:"cadence"`
	Since   Time      `json:"since"`
}

// Display is the caller identification decoded from the line.
type Display struct {
	Number   string `json:"number"`
	Name     string `json:"name"`
	Time     string `json:"time"` // "11-24 21:07" as it was sent
	Standard string `json:"standard"`
}

// Event types. EventResync is for readers that missed some: fetch all again.
const (
	EventRegistration = "registration"
	EventCall         = "call"
	EventLine         = "line"
	EventConfig       = "config"
	EventHealth       = "health"
	EventResync       = "resync"
)

// EventTypes are the types that ?types= can choose from; resync always comes.
var EventTypes = []string{EventRegistration, EventCall, EventLine, EventConfig, EventHealth}

// Event is one change. The Host numbers it, and stamps it when Time is zero.
type Event struct {
	Seq     uint64      `json:"seq"`
	Type    string      `json:"type"`
	Time    Time        `json:"time"`
	Port    *Port       `json:"port,omitempty"`   // the port after the change
	Record  *CallRecord `json:"record,omitempty"` // call: the call that ended
	Message string      `json:"message,omitempty"`
}
