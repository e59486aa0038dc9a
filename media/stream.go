package media

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"tipring/media/dsp"
)

// Stream is one RTP port pair and one call's media. It has no goroutine: the pump whose Program names it works it, one
// pump at a time. Set, Stats, LocalAddrPort and Close may be called from any goroutine and never wait for the pump.
type Stream struct {
	rtp, rtcp PacketConn
	opened    time.Time
	session   atomic.Pointer[Session]
	peer      atomic.Pointer[netip.AddrPort] // where the far end was heard; nil: not yet
	count     counters

	// What follows belongs to the pump.
	taken *Session // the session in force, one that was set; nil: none yet
	in    reception
	out   sending
}

// Open binds an RTP port and the RTCP port beside it, at a random place of the range. The stream is silent until Set
// and until a pump's program names it.
func Open(n Network, local netip.Addr, ports PortRange) (*Stream, error) {
	rtp, rtcp, err := listenPair(n, local, ports)
	if err != nil {
		return nil, err
	}
	s := &Stream{rtp: rtp, rtcp: rtcp, opened: time.Now()}
	s.out.ssrc, s.out.sequence, s.out.stamp = rand.Uint32(), uint16(rand.Uint32()), rand.Uint32()
	s.out.marker = true
	return s, nil
}

// Set says what was negotiated. It is taken at the next tick; the same session again changes nothing.
func (s *Stream) Set(session Session) {
	session.Remote = netip.AddrPortFrom(session.Remote.Addr().Unmap(), session.Remote.Port())
	s.session.Store(&session)
}

// LocalAddrPort is the RTP address, for the offer or the answer.
func (s *Stream) LocalAddrPort() netip.AddrPort { return s.rtp.LocalAddrPort() }

// Close frees both ports. A pump that still has the stream in its program hears nothing from it any more.
func (s *Stream) Close() error { return errors.Join(s.rtp.Close(), s.rtcp.Close()) }

// take puts a session that was set since the last tick in force.
func (s *Stream) take() {
	set := s.session.Load()
	if set == s.taken {
		return
	}
	was := s.taken
	s.taken = set
	if was != nil && *was == *set {
		return
	}
	if was == nil || was.Send != set.Send {
		s.out.restart()
	}
	s.in.quiet = 0
	if was == nil || was.Remote != set.Remote || was.Symmetric != set.Symmetric || !was.Direction.receives() {
		s.in.locked = false
		s.in.order.forget()
		s.peer.Store(nil)
	}
	if !set.Direction.receives() {
		s.in.buffer.restart()
	}
}

// joined tells a stream that it comes (back) into a program: what waits in its socket is stale, and so is what it was
// in the middle of.
func (s *Stream) joined() {
	s.in.buffer.restart()
	s.in.buffer.catchUp()
	s.in.plc.Reset()
	s.in.voiced = false
	s.in.quiet = 0
	s.out.restart()
}

// left tells it that it is out of the program.
func (s *Stream) left(notify func(Event)) { s.dropKeys(notify) }

// destination is where packets go: to where the peer was heard, and before that to where it said that it is.
func (s *Stream) destination() netip.AddrPort {
	if s.taken.Symmetric && s.in.locked {
		return s.in.source
	}
	return s.taken.Remote
}

func encode(law Law, dst []byte, src []int16) {
	if law == ULaw {
		dsp.EncodeULaw(dst, src)
		return
	}
	dsp.EncodeALaw(dst, src)
}

func decode(law Law, dst []int16, src []byte) {
	if law == ULaw {
		dsp.DecodeULaw(dst, src)
		return
	}
	dsp.DecodeALaw(dst, src)
}

// silence is the octet of a zero sample.
func silence(law Law) byte {
	if law == ULaw {
		return 0xFF
	}
	return 0xD5
}
