package media

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// UDP is the real network.
func UDP() Network { return udpNetwork{} }

type udpNetwork struct{}

// ListenMedia binds one UDP socket. Its datagrams carry DSCP 46, expedited forwarding (RFC 3246, RFC 4594 4.1); a
// kernel that refuses the mark still carries the voice.
func (udpNetwork) ListenMedia(local netip.AddrPort) (PacketConn, error) {
	family := "udp6"
	if a := local.Addr(); !a.IsValid() || a.Is4() || a.Is4In6() {
		family = "udp4"
	}
	lc := net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { markExpedited(network, fd) })
	}}
	pc, err := lc.ListenPacket(context.Background(), family, local.String())
	if err != nil {
		return nil, err
	}
	conn, ok := pc.(*net.UDPConn)
	if !ok {
		pc.Close()
		return nil, fmt.Errorf("media: %s: not a UDP socket", local)
	}
	s, err := newUDPSocket(conn)
	if err != nil {
		pc.Close()
		return nil, err
	}
	return s, nil
}
