package media

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"

	"github.com/pion/rtp"
)

var errHungUp = errors.New("the line is gone")

// handset is a line whose codec runs on package time, so on the bubble's clock, with an error if wanted. Sample n of
// the mouth is spoken at start + n/8 ms; the ear keeps everything.
type handset struct {
	mouth func(n int) int16 // nil: silence
	ppm   float64
	end   time.Duration // then ReadPCM fails; zero: never

	start time.Time
	read  int
	ear   []int16
	drift time.Duration
}

func (h *handset) ReadPCM(frame []int16) error {
	if h.start.IsZero() {
		h.start = time.Now()
	}
	next := h.start.Add(time.Duration(float64(h.read+frameSamples) * 125e3 / (1 + h.ppm/1e6)))
	time.Sleep(time.Until(next))
	if h.end > 0 && next.Sub(h.start) > h.end {
		return errHungUp
	}
	for i := range frame {
		frame[i] = 0
		if h.mouth != nil {
			frame[i] = h.mouth(h.read + i)
		}
	}
	h.read += len(frame)
	return nil
}

func (h *handset) WritePCM(frame []int16) error {
	h.ear = append(h.ear, frame...)
	return nil
}

// impulseAt is a mouth that says one loud sample.
func impulseAt(n int) func(int) int16 {
	return func(i int) int16 {
		if i == n {
			return 16000
		}
		return 0
	}
}

// firstLoud is the first sample over the noise, -1: none.
func firstLoud(pcm []int16) int {
	for i, v := range pcm {
		if v > 2000 || v < -2000 {
			return i
		}
	}
	return -1
}

// end is one line with its pump, its stream and what was told.
type end struct {
	line   handset
	pump   *Pump
	stream *Stream
	events []Event
	stop   context.CancelFunc
	done   chan error
}

func newEnd(t testing.TB, n Network, host string) *end {
	t.Helper()
	s, err := Open(n, netip.MustParseAddr(host), PortRange{20000, 20999})
	if err != nil {
		t.Fatal(err)
	}
	e := &end{stream: s, done: make(chan error, 1)}
	e.pump = NewPump(func(ev Event) { e.events = append(e.events, ev) })
	return e
}

func (e *end) run() {
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	go func() { e.done <- e.pump.Run(ctx, &e.line) }()
}

// hangUp ends the pump and waits for it.
func (e *end) hangUp(t testing.TB) {
	t.Helper()
	e.stop()
	if err := <-e.done; err != nil {
		t.Errorf("pump ended: %v", err)
	}
	e.stream.Close()
}

var g711 = Format{Law: ALaw, PayloadType: 8, EventPT: 101}

func sessionTo(to *end, f Format) Session {
	return Session{Remote: to.stream.LocalAddrPort(), Send: f, Recv: f, Direction: SendRecv}
}

// call joins two ends in a bubble: b's codec runs phase behind a's.
func call(t *testing.T, o memnet.Options, f Format, phase time.Duration, do func(n *memnet.Network, a, b *end)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(o)
		a, b := newEnd(t, n, "10.0.0.1"), newEnd(t, n, "10.0.0.2")
		a.stream.Set(sessionTo(b, f))
		b.stream.Set(sessionTo(a, f))
		for _, e := range []*end{a, b} {
			e.pump.Set(Program{Streams: [2]*Stream{e.stream}, Talk: true})
		}
		a.run()
		time.Sleep(phase)
		b.run()
		do(n, a, b)
		a.hangUp(t)
		b.hangUp(t)
	})
}

// sniff collects the RTP that one address sends.
func sniff(t testing.TB, n *memnet.Network, from *Stream) *[]rtp.Packet {
	var all []rtp.Packet
	n.OnDatagram(func(d memnet.Datagram) {
		if d.From != from.LocalAddrPort() {
			return
		}
		var p rtp.Packet
		if err := p.Unmarshal(d.Payload); err != nil {
			t.Errorf("not RTP: %v", err)
		}
		all = append(all, p)
	})
	return &all
}

func has[E Event](events []Event) (n int) {
	for _, e := range events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}
