package gateway

// CallState is the call-status column of the vendor's row.
type CallState uint8

// The call states, in the vendor's order of a call's life.
const (
	Idle CallState = iota
	Dialing
	Calling
	Ringback
	Ringing
	Talking
	Holding
	Busy
)

var callStateNames = [...]string{"Idle", "Dialing", "Calling", "Ringback", "Ringing", "Talking", "Holding", "Busy"}

func (s CallState) String() string { return callStateNames[s] }

// inCall: somebody else is on the line or about to be.
func (s CallState) inCall() bool { return s >= Calling && s <= Holding }

// callEvent is what can happen to the call of a port.
type callEvent uint8

const (
	evSeized      callEvent = iota // the telephone was lifted on an idle line
	evDialed                       // the number is complete
	evMisdialed                    // no digits, or digits that no rule takes
	evAnswered                     // the telephone was lifted while it rang
	evReleased                     // the telephone was hung up
	evIncoming                     // an INVITE for this port
	evRings                        // the far end rings (180)
	evEarly                        // the far end or the network sends sound before the answer (18x with SDP)
	evHeard                        // the first packet from there
	evEstablished                  // 2xx
	evHeld                         // the far end holds us
	evResumed                      // and takes us back
	evEnded                        // the call is over, from outside
	evNoAnswer                     // our own ring timer
	evDisabled                     // the port is being deactivated
	evEnquiry                      // recall button: the far end is held, another number is to be dialled
	evRetrieved                    // the held call is taken back
	callEvents
)

var callEventNames = [...]string{"seized", "dialed", "misdialed", "answered", "released", "incoming", "rings", "early",
	"heard", "established", "held", "resumed", "ended", "no-answer", "disabled", "enquiry", "retrieved"}

func (e callEvent) String() string { return callEventNames[e] }

// callAction is what the port must do when the event is taken.
type callAction uint8

const (
	doNothing  callAction = iota
	doIgnore              // the event has no meaning here: counted, not an error
	doInvite              // send the INVITE
	doAlert               // ring the telephone, answer 180
	doRefuse              // 486: this line is in use
	doAnswer              // answer 200, open the speech path
	doRingback            // local ringback tone, unless the far end is heard
	doEarly               // silence for what the network has to say
	doTalk                // open the speech path
	doRelease             // CANCEL, BYE or a refusal, as the call needs
	doTone                // the call is gone: tell the caller by a tone
	doQuiet               // stop ringing
	doTimeOut             // stop ringing, 480
	doRecall              // dial tone for the enquiry
	doRejoin              // open the speech path to the call that was held
)

// next is the call machine of a port: the call-status column. States on the left, what happens on the way:
//
//	            dialed          180/early           2xx
//	Dialing ------------> Calling ----> Ringback ---------> Talking <----> Holding
//	   ^  \ misdialed        \ ended       \ ended            ^  \ ended     held/resumed
//	   |   +-----------------+--------------+-----------------|---+--> Busy
//	seized                                                    | answered
//	Idle <--- released from everywhere        Idle ---------> Ringing ---> Idle (ended, no answer)
//	                                               incoming
//
// The recall button leads from Talking back to Dialing while the first call is held, and from everywhere back to it
// (enquiry.go). The machine is pure: the port (port.go, legs.go) carries the actions out.
func next(s CallState, e callEvent) (CallState, callAction) {
	switch e {
	case evIncoming:
		if s == Idle {
			return Ringing, doAlert
		}
		return s, doRefuse
	case evDisabled:
		if s == Idle {
			return Idle, doNothing
		}
		return Idle, doRelease
	case evReleased:
		switch s {
		case Idle, Ringing: // an on-hook line cannot be hung up; the ringing call stays
			return s, doIgnore
		case Dialing, Busy:
			return Idle, doNothing
		}
		return Idle, doRelease
	case evRetrieved:
		if s == Idle || s == Ringing {
			return s, doIgnore
		}
		return Talking, doRejoin
	}

	switch s {
	case Idle:
		if e == evSeized {
			return Dialing, doNothing
		}
	case Dialing:
		switch e {
		case evDialed:
			return Calling, doInvite
		case evMisdialed:
			return Busy, doNothing // the line plays its own tone
		}
	case Calling, Ringback:
		switch e {
		case evRings:
			return Ringback, doRingback
		case evEarly, evHeard:
			return Ringback, doEarly
		case evEstablished:
			return Talking, doTalk
		case evEnded:
			return Busy, doTone
		}
	case Ringing:
		switch e {
		case evAnswered:
			return Talking, doAnswer
		case evEnded:
			return Idle, doQuiet
		case evNoAnswer:
			return Idle, doTimeOut
		}
	case Talking, Holding:
		switch e {
		case evEstablished: // the ACK to our own 200
			return s, doNothing
		case evHeld:
			return Holding, doNothing
		case evResumed:
			return Talking, doNothing
		case evEnded:
			return Busy, doTone
		case evEnquiry:
			return Dialing, doRecall
		}
	case Busy:
		if e == evMisdialed {
			return Busy, doNothing
		}
	}
	return s, doIgnore
}
