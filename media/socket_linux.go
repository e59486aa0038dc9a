package media

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// expedited is DSCP 46 in the position of the TOS octet and of the IPv6 traffic class.
const expedited = 46 << 2

func markExpedited(network string, fd uintptr) {
	// Best effort on purpose: see ListenMedia.
	if network == "udp6" {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, expedited)
		return
	}
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TOS, expedited)
}

// udpSocket reads without blocking, parking or allocating. net.UDPConn cannot do that: with a deadline in the past it
// gives up before it has looked. So TryRead goes through the raw connection with a closure made once, whose arguments
// and results lie in the struct. One goroutine reads (the pump of the line).
type udpSocket struct {
	*net.UDPConn
	raw   syscall.RawConn
	recv  func(fd uintptr) bool
	local netip.AddrPort

	// one call of recv
	buf   []byte
	name  syscall.RawSockaddrInet6 // large enough for both families
	n     int
	errno syscall.Errno
}

func newUDPSocket(c *net.UDPConn) (*udpSocket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &udpSocket{UDPConn: c, raw: raw}
	if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
		ap := a.AddrPort()
		s.local = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	s.recv = s.recvfrom
	return s, nil
}

// recvfrom is run by the runtime with the descriptor held. It always answers "done", so that the poller never waits.
func (s *udpSocket) recvfrom(fd uintptr) bool {
	for {
		size := uint32(unsafe.Sizeof(s.name))
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(s.buf))), uintptr(len(s.buf)), syscall.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(&s.name)), uintptr(unsafe.Pointer(&size)))
		if errno == syscall.EINTR {
			continue
		}
		s.n, s.errno = int(n), errno
		return true
	}
}

// TryRead implements PacketConn.
func (s *udpSocket) TryRead(b []byte) (int, netip.AddrPort, error) {
	s.buf = b
	err := s.raw.Read(s.recv)
	s.buf = nil
	switch {
	case err != nil:
		return 0, netip.AddrPort{}, err
	case s.errno == syscall.EAGAIN:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	case s.errno != 0:
		return 0, netip.AddrPort{}, s.errno
	}
	return s.n, s.from(), nil
}

// from reads the sender out of the kernel's sockaddr. The port is in network order on every machine.
func (s *udpSocket) from() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&s.name.Port))[:])
	switch s.name.Family {
	case syscall.AF_INET:
		v4 := (*syscall.RawSockaddrInet4)(unsafe.Pointer(&s.name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	case syscall.AF_INET6:
		a := netip.AddrFrom16(s.name.Addr).Unmap()
		if s.name.Scope_id != 0 {
			a = a.WithZone(s.local.Addr().Zone()) // a link-local peer is on our own link
		}
		return netip.AddrPortFrom(a, port)
	}
	return netip.AddrPort{}
}

// WriteToAddrPort implements PacketConn.
func (s *udpSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, to)
}

// LocalAddrPort implements PacketConn.
func (s *udpSocket) LocalAddrPort() netip.AddrPort { return s.local }
