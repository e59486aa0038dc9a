package memnet

import (
	"net/netip"
	"time"
)

// Fate is what the wire decided when the datagram was sent.
type Fate uint8

const (
	Passed     Fate = iota // arrives, now or later, if somebody listens
	Duplicated             // arrives twice
	Lost                   // by Link.Loss
	Cut                    // by Blackhole
)

func (f Fate) String() string {
	return [...]string{"passed", "duplicated", "lost", "cut"}[f&3]
}

// Datagram is what a tap sees: the sender's side of the wire, so a lost one too.
type Datagram struct {
	Seq      uint64 // ascending in the order of sending, with gaps
	At       time.Time
	From, To netip.AddrPort
	Payload  []byte // a copy, the tap's to keep
	Fate     Fate
}

// OnDatagram adds a tap, for tests that look at the wire as tshark does. It is called from the writing goroutine, in its
// order, before the write returns, and without a lock: with several writers it must do its own locking. It must not block.
func (n *Network) OnDatagram(tap func(Datagram)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taps = append(n.taps[:len(n.taps):len(n.taps)], tap)
}
