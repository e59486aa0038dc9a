package sipua

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// socket is a net.PacketConn that speaks netip, without an allocation per datagram where the connection can do so too.
type socket struct {
	net.PacketConn
	fast interface {
		ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
		WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	}
}

func newSocket(pc net.PacketConn) socket {
	s := socket{PacketConn: pc}
	if f, ok := pc.(interface {
		ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
		WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	}); ok {
		s.fast = f
	}
	return s
}

// ReadFrom blocks for one datagram.
func (s socket) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	if s.fast != nil {
		return s.fast.ReadFromUDPAddrPort(b)
	}
	n, from, err := s.PacketConn.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	if u, ok := from.(*net.UDPAddr); ok {
		return n, u.AddrPort(), nil
	}
	return 0, netip.AddrPort{}, errors.New("datagram from an address that is not UDP")
}

// WriteTo sends one datagram.
func (s socket) WriteTo(b []byte, to netip.AddrPort) (err error) {
	if s.fast != nil {
		_, err = s.fast.WriteToUDPAddrPort(b, to)
	} else {
		_, err = s.PacketConn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	return err
}

// hopeless tells errors that say "there is no way to that address" from those that a repeat may cure (a full queue, say).
func hopeless(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL, net.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refusedBy is the address of a pending ICMP error, if the socket tells it.
func refusedBy(err error) (netip.AddrPort, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || !errors.Is(err, syscall.ECONNREFUSED) {
		return netip.AddrPort{}, false
	}
	u, ok := op.Addr.(*net.UDPAddr)
	if !ok || u == nil {
		return netip.AddrPort{}, false
	}
	at := u.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true
}
