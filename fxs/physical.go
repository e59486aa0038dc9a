package fxs

// Physical is the physical-status column of the vendor's row.
type Physical uint8

// The physical states.
const (
	OnHook Physical = iota
	OffHook
	Ringing
	Fault
)

var physicalNames = [...]string{"ON-HOOK", "OFF-HOOK", "RINGING", "FAULT"}

func (p Physical) String() string { return name(physicalNames[:], int(p)) }

// Physical is the state in the vendor's words. A disabled line has no feed, so its hook cannot be seen: ON-HOOK.
func (l *Line) Physical() Physical {
	switch l.state {
	case StateFault:
		return Fault
	case StateRinging:
		return Ringing
	case StateDisabled, StateIdle:
		return OnHook
	}
	return OffHook
}

// State is the state of the line, finer than Physical.
type State uint8

// The states; the package comment draws them.
const (
	StateDisabled State = iota // no feed
	StateFault                 // the hardware failed: no feed
	StateIdle
	StateRinging  // alerting: bursts, pauses and caller ID
	StateDialTone // off-hook, no digit yet
	StateCollect  // digits, number not complete
	StateCalling  // number handed over, silence until the far end or a tone is heard
	StateRingback // the far end rings
	StateTalk
	StateReorder // busy, congestion or unobtainable tone
	StateHowler
	StateLockout // off-hook, silent, waits for on-hook
	stateCount
)

var stateNames = [...]string{"disabled", "fault", "idle", "ringing", "dialtone", "collect", "calling", "ringback", "talk",
	"reorder", "howler", "lockout"}

func (s State) String() string { return name(stateNames[:], int(s)) }

// offHook: the telephone is lifted and its loop is watched for pulses, flash and hang-up.
func (s State) offHook() bool { return s >= StateDialTone && s < stateCount }

// dialing: a number is being collected.
func (s State) dialing() bool { return s == StateDialTone || s == StateCollect }
