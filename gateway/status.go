package gateway

import (
	"time"

	"tipring/fxs"
	"tipring/media"
	"tipring/sipua"
)

// Direction is the call-direction column.
type Direction uint8

// The directions of a call, seen from the telephone.
const (
	NoDirection Direction = iota
	In
	Out
)

func (d Direction) String() string { return [...]string{"", "in", "out"}[d] }

// PortStatus is an immutable snapshot of one port: the vendor's row and what stands behind it.
type PortStatus struct {
	Card, Port   int
	Enabled      bool
	Service      string
	Number       string
	Name         string
	Country      string
	Registration sipua.Registration
	Call         CallStatus
	Held         CallStatus // the call held for an enquiry; without ID: none
	Line         LineStatus
	Media        *media.Stats // of the active call at the moment of asking; nil without one

	stream *media.Stream
}

func (s PortStatus) withMedia() PortStatus {
	if s.stream != nil {
		m := s.stream.Stats()
		s.Media = &m
	}
	s.stream = nil
	return s
}

// CallStatus is the call-status, peer-number and call-direction columns.
type CallStatus struct {
	ID        string
	State     CallState
	Direction Direction
	Peer      string
	PeerName  string
	Codec     string
	Since     time.Time // the state was entered
	Started   time.Time // INVITE sent or received
	Answered  time.Time // zero: not yet
	Cause     string    // why the caller hears busy tone
	Code      int       // the SIP response behind Cause
}

// LineStatus is the physical-status column.
type LineStatus struct {
	Physical fxs.Physical
	State    fxs.State
	Digits   int // digits collected so far; their values stay private
	Fault    string
}
