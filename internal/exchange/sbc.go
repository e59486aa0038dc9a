package exchange

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// SBC is one of the pair: a socket, its transactions, and the faults that a test gives it.
type SBC struct {
	x      *Exchange
	number int

	// All of it belongs to x.mu.
	pc      net.PacketConn
	addr    netip.AddrPort
	done    chan struct{} // closed when the goroutine has ended; nil: never started
	faults  faults
	answers answers
	relays  map[string]*relay // by transaction of the INVITE that came in
	legs    map[string]*relay // by branch of the INVITE that went out
	serial  int               // of the last relay
	due     time.Time         // no relay has a deadline before; zero: none has one
	out     []outgoing
	changes []Change
}

// outgoing is a datagram that waits for its time: at once, unless the SBC is Slow.
type outgoing struct {
	due  time.Time
	to   netip.AddrPort
	data []byte
}

func newSBC(x *Exchange, number int) *SBC {
	s := &SBC{x: x, number: number}
	s.reset()
	return s
}

// reset forgets what a crash forgets: transactions and datagrams; bindings and nonces are the pair's.
func (s *SBC) reset() {
	s.answers = answers{byKey: make(map[string]answer)}
	s.relays, s.legs = make(map[string]*relay), make(map[string]*relay)
	s.due, s.out = time.Time{}, nil
}

// Addr is where the SBC listens, or last did.
func (s *SBC) Addr() netip.AddrPort {
	s.x.mu.Lock()
	defer s.x.mu.Unlock()
	return s.addr
}

// Kill ends the SBC as a crash does: the socket closes, what was under way is forgotten. It waits for the goroutine.
// Bindings stay: they are the pair's. A second Kill does nothing.
func (s *SBC) Kill() {
	s.x.mu.Lock()
	pc, done := s.pc, s.done
	s.pc = nil
	s.x.mu.Unlock()
	if pc != nil {
		pc.Close()
	}
	if done != nil {
		<-done
	}
}

// Restart brings a killed SBC back on a socket, which is usually a new one at the same address. Faults stay as they are.
func (s *SBC) Restart(pc net.PacketConn) {
	s.Kill()
	s.x.mu.Lock()
	s.reset()
	s.x.mu.Unlock()
	s.start(pc)
}

func (s *SBC) start(pc net.PacketConn) {
	done := make(chan struct{})
	s.x.mu.Lock()
	s.pc, s.done = pc, done
	s.addr, _ = addrPort(pc.LocalAddr())
	if s.addr.Addr().IsUnspecified() {
		loop := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if s.addr.Addr().Is6() {
			loop = netip.IPv6Loopback()
		}
		s.addr = netip.AddrPortFrom(loop, s.addr.Port())
	}
	s.x.mu.Unlock()
	go s.run(pc, done)
}

func addrPort(a net.Addr) (netip.AddrPort, bool) {
	u, ok := a.(*net.UDPAddr)
	if !ok || u == nil {
		return netip.AddrPort{}, false
	}
	ap := u.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), true
}

// run is the SBC's goroutine: read until the next deadline, think under the lock, write and call hooks without it.
func (s *SBC) run(pc net.PacketConn, done chan struct{}) {
	defer close(done)
	const givesUp = 1000 // read errors in a row: the socket is broken
	buf := make([]byte, 1<<16)
	for failed := 0; failed < givesUp; {
		s.x.mu.Lock()
		deadline := s.deadline()
		s.x.mu.Unlock()
		pc.SetReadDeadline(deadline) // fails only when closed, and then so does the read
		n, peer, err := pc.ReadFrom(buf)
		from, known := addrPort(peer)
		switch timeout, ok := errors.AsType[net.Error](err); {
		case err == nil:
			failed = 0
		case errors.Is(err, net.ErrClosed):
			return
		case ok && timeout.Timeout(), errors.Is(err, syscall.ECONNREFUSED): // a telephone that is gone
		default:
			failed++
		}
		s.x.mu.Lock()
		now := time.Now()
		in := err == nil && known && s.admit()
		if in {
			s.receive(now, buf[:n], from)
		}
		s.tick(now)
		out, changes := s.ready(now), s.changes
		s.changes = nil
		onPacket, onChange := s.x.onPacket, s.x.onChange
		s.x.mu.Unlock()
		if in && onPacket != nil {
			onPacket(Packet{At: now, SBC: s.number, Peer: from, Data: bytes.Clone(buf[:n])})
		}
		if onChange != nil {
			for _, c := range changes {
				onChange(c)
			}
		}
		for _, o := range out {
			if onPacket != nil {
				onPacket(Packet{At: now, SBC: s.number, Out: true, Peer: o.to, Data: bytes.Clone(o.data)})
			}
			pc.WriteTo(o.data, net.UDPAddrFromAddrPort(o.to)) // lost like any datagram: the sender repeats
		}
	}
}

// deadline is the earliest of everything that waits; zero: nothing does.
func (s *SBC) deadline() time.Time {
	d := earliest(s.due, s.x.expiry)
	if len(s.out) > 0 {
		d = earliest(d, s.out[0].due)
	}
	return d
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// tick does what is due.
func (s *SBC) tick(now time.Time) {
	if !s.due.IsZero() && !s.due.After(now) {
		s.due = time.Time{}
		for _, r := range s.sorted() {
			r.tick(now)
			s.due = earliest(s.due, r.deadline())
		}
	}
	if !s.x.expiry.IsZero() && !s.x.expiry.After(now) {
		s.changes = append(s.changes, s.x.expire(now)...)
	}
}

// sorted puts the relays in the order of their age, so that a run can be repeated.
func (s *SBC) sorted() []*relay {
	all := make([]*relay, 0, len(s.relays))
	for _, r := range s.relays {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *relay) int { return a.number - b.number })
	return all
}

// send hands a datagram to the socket, at once or slowly. Nothing overtakes: the queue moves from its head.
func (s *SBC) send(now time.Time, to netip.AddrPort, data []byte) {
	s.out = append(s.out, outgoing{now.Add(s.faults.slow), to, data})
}

// ready takes what must go out now.
func (s *SBC) ready(now time.Time) []outgoing {
	n := 0
	for n < len(s.out) && !s.out[n].due.After(now) {
		n++
	}
	out := slices.Clone(s.out[:n])
	s.out = append(s.out[:0], s.out[n:]...)
	if s.faults.mute {
		return nil
	}
	s.x.counts.Out += n
	return out
}
