package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
)

// listenPair binds an even port for RTP and the odd one above it for RTCP (RFC 3550 11). The search starts at a random
// pair, so that the ports of the next call are not told by those of the last one, and goes once round the range.
func listenPair(n Network, local netip.Addr, r PortRange) (rtp, rtcp PacketConn, err error) {
	low := (uint32(r.Low) + 1) &^ 1
	high := uint32(r.High)
	if low == 0 || low+1 > high {
		return nil, nil, fmt.Errorf("media: ports %d-%d hold no pair of an even and an odd port", r.Low, r.High)
	}
	pairs := (high - low + 1) / 2
	start := rand.N(pairs)
	for i := range pairs {
		port := uint16(low + 2*((start+i)%pairs))
		rtp, rtcp, err = listenAt(n, local, port)
		if err == nil {
			return rtp, rtcp, nil
		}
		if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			break // no other port will do better
		}
	}
	return nil, nil, fmt.Errorf("media: no RTP port pair in %d-%d on %s: %v", r.Low, r.High, local, err)
}

func listenAt(n Network, local netip.Addr, port uint16) (rtp, rtcp PacketConn, err error) {
	rtp, err = n.ListenMedia(netip.AddrPortFrom(local, port))
	if err != nil {
		return nil, nil, err
	}
	rtcp, err = n.ListenMedia(netip.AddrPortFrom(local, port+1))
	if err != nil {
		rtp.Close()
		return nil, nil, err
	}
	return rtp, rtcp, nil
}
