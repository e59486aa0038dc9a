// Package media is the voice path between a telephone line and the IP network: RTP sockets, the jitter buffer,
// telephone-events (RFC 4733) and the pump that joins a line, its tones and up to two calls.
//
// The nouns:
//
//   - A [Stream] is one RTP port pair and what is negotiated on it. It has no goroutine. The call's owner opens it,
//     tells it the [Session] (a level, taken at the next tick) and closes it.
//   - A [Pump] is one goroutine per line with audio. It is paced by the codec: each 10 ms frame that the line gives
//     is one tick, in which the detector runs, the sockets are drained without blocking, and one frame goes back to
//     the line. A [Program] (also a level) says which tone, which streams, and whether the microphone is open.
//   - A [Network] opens sockets: [UDP] is the real one; tests bring a network in memory.
//
// Time here is the line's sample clock: 80 samples are 10 ms. A stream's packets leave when their last frame was read
// (20 ms of packetisation at the usual ptime) and are played at the first tick after they arrived (at most 10 ms)
// plus what the jitter buffer holds, which [Stream.Stats] shows.
//
// The tick does not allocate, lock or log. Everything that crosses goroutines is an atomic pointer or an atomic counter.
//
// What the package does not do: signalling, SDP, deciding which tone, echo cancellation, RTCP reports (the RTCP port
// is bound, drained and counted), SRTP.
package media

import (
	"net/netip"
	"time"

	"tipring/media/dsp"
)

// Frames: the line's unit of time.
const (
	frameSamples  = dsp.FrameSamples      // 10 ms at 8 kHz
	frameTime     = 10 * time.Millisecond // one tick
	samplesPerMs  = 8
	maxPtime      = 60 * time.Millisecond // what we send at most
	defaultPtime  = 20 * time.Millisecond // RFC 3551 4.2
	defaultSilent = 60 * time.Second      // without RTP: MediaTimeout
)

// Law is the companding law of a G.711 payload.
type Law uint8

// The two laws of G.711, with their static payload types in RFC 3551: PCMA is 8, PCMU is 0.
const (
	ALaw Law = iota
	ULaw
)

func (l Law) String() string {
	if l == ULaw {
		return "PCMU"
	}
	return "PCMA"
}

// Format is one direction of what was negotiated.
type Format struct {
	Law         Law
	PayloadType uint8
	Ptime       time.Duration // 10 to 60 ms in steps of 10; zero: 20 ms. The receiver takes any length that comes.
	EventPT     uint8         // payload type of telephone-event/8000; 0: not negotiated, digits go in band
}

// frames is the number of 10 ms frames of a packet, within what we send.
func (f Format) frames() int {
	switch {
	case f.Ptime <= 0:
		return int(defaultPtime / frameTime)
	case f.Ptime < frameTime:
		return 1
	case f.Ptime > maxPtime:
		return int(maxPtime / frameTime)
	}
	return int(f.Ptime / frameTime)
}

// Direction says who may speak, from our side (RFC 3264 5.1).
type Direction uint8

// Directions. Inactive is the zero value: a stream without a session keeps its ports and is silent.
const (
	Inactive Direction = iota
	SendOnly
	RecvOnly
	SendRecv
)

func (d Direction) sends() bool    { return d == SendOnly || d == SendRecv }
func (d Direction) receives() bool { return d == RecvOnly || d == SendRecv }

func (d Direction) String() string {
	switch d {
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	case SendRecv:
		return "sendrecv"
	}
	return "inactive"
}

// Session is what offer and answer agreed on. It is a level: setting it twice changes nothing.
type Session struct {
	Remote     netip.AddrPort // where we send; invalid: nowhere, until the peer is heard (Symmetric)
	Send, Recv Format
	Direction  Direction

	// Symmetric lets the first valid packet, from wherever it comes, decide where the peer is (RFC 4961; peers
	// behind a NAT). Without it only Remote's IP address may speak. Either way the source is then locked.
	Symmetric bool

	// Silent is how long nothing may come, while we expect to receive, before MediaTimeout. Zero: 60 s; negative: never.
	Silent time.Duration
}

// PortRange is where RTP ports are taken from, both ends included. A pair is an even port and the next odd one.
type PortRange struct{ Low, High uint16 }

// Network opens datagram sockets for media.
type Network interface {
	ListenMedia(local netip.AddrPort) (PacketConn, error)
}

// PacketConn is a datagram socket that can be drained from within a tick. All methods may be called while another
// goroutine calls Close; afterwards they return net.ErrClosed. It is an alias, so that a network can offer such sockets
// without knowing this package.
type PacketConn = interface {
	// TryRead takes one datagram into b, cut to len(b). It never blocks: when nothing is waiting the error
	// is os.ErrDeadlineExceeded.
	TryRead(b []byte) (n int, from netip.AddrPort, err error)
	WriteToAddrPort(b []byte, to netip.AddrPort) (int, error)
	LocalAddrPort() netip.AddrPort
	Close() error
}

// PCM is the audio side of a line: 80 linear samples at 8 kHz a call. ReadPCM blocks until a frame is there and so
// paces the pump; its error ends Run. WritePCM never blocks longer than a frame.
type PCM interface {
	ReadPCM(frame []int16) error
	WritePCM(frame []int16) error
}
