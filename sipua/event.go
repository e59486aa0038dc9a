package sipua

import "time"

// Event is what an agent's notify function is told: one of Registration, Incoming, Progress, Established, Reoffered,
// ReofferFailed, Ended. The set is closed.
type Event interface{ event() }

// RegState is the state of a registration.
type RegState uint8

// The states; see the diagram in register.go.
const (
	Disabled      RegState = iota // not wanted
	Misconfigured                 // wanted, but the user or the server is missing: nothing is sent
	Resolving                     // the server's name has no address yet
	Registering                   // no binding, REGISTER is under way or about to be
	Registered                    // a binding lives, also while it is being refreshed
	Refused                       // the server said no; tried again later
	Silent                        // no server answered, or none was able to; tried again soon
	Deregistering                 // the binding is being removed
)

var regStateNames = [...]string{"disabled", "misconfigured", "resolving", "registering", "registered", "refused", "silent", "deregistering"}

func (s RegState) String() string {
	if int(s) < len(regStateNames) {
		return regStateNames[s]
	}
	return "?"
}

// Registration tells the state of an agent's binding whenever it, its cause or its next attempt changes.
type Registration struct {
	State    RegState
	Server   string        // host:port asked last
	Code     int           // last final answer; 0: none
	Reason   string        // its phrase, or why there is none
	Expires  time.Duration // lifetime granted
	Since    time.Time     // of State
	NextTry  time.Time     // next REGISTER, zero: none planned
	Attempts int           // failures in a row
}

// OK tells whether calls can reach the agent: a binding lives, perhaps for the last moment.
func (r Registration) OK() bool {
	return r.State == Registered || r.State == Deregistering && r.Expires > 0
}

// Incoming offers a call; the agent's owner must Ring, Answer or Reject it. 100 has been sent.
type Incoming struct {
	Call         *Call
	Number, Name string // of the caller; empty when withheld
	Withheld     bool
	Offer        []byte // SDP; empty: our Answer carries the offer (RFC 3261 13.2.1)
}

// Progress is a provisional answer to our INVITE. SDP is an early answer, mostly nil.
type Progress struct {
	Call *Call
	Code int
	SDP  []byte
}

// Established: the dialog is confirmed. Caller: 2xx came and was acknowledged, SDP is the answer. Called: ACK came, SDP is
// the answer to an offer of ours, else nil. It comes again when a Reoffer is accepted, with the new answer.
type Established struct {
	Call *Call
	SDP  []byte
}

// Reoffered: the peer wants another session (re-INVITE or UPDATE). The owner must Answer or Reject it; an empty Offer
// asks for ours, and its answer comes with Established.
type Reoffered struct {
	Call  *Call
	Offer []byte
}

// ReofferFailed: the peer refused our Reoffer; the call goes on as it was.
type ReofferFailed struct {
	Call   *Call
	Code   int
	Reason string
}

// Ended comes exactly once per call, and is its last event.
type Ended struct {
	Call   *Call
	Code   int    // SIP code that ended it; 0: a plain release
	Reason string // its phrase, or a Reason header's text
	ByPeer bool   // the far end released (BYE) or gave up (CANCEL)
	Local  bool   // we did: Hangup, Reject, or one of our timers
}

func (Registration) event()  {}
func (Incoming) event()      {}
func (Progress) event()      {}
func (Established) event()   {}
func (Reoffered) event()     {}
func (ReofferFailed) event() {}
func (Ended) event()         {}
