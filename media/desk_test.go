package media

import (
	"context"
	"errors"
	"net/netip"
	"sync"
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
	ppm float64
	end time.Duration // then ReadPCM fails; zero: never

	mu    sync.Mutex
	mouth func(n int) int16 // nil: silence
	start time.Time
	read  int
	ear   []int16
}

// says gives the mouth something to say, as a function of the sample.
func (h *handset) says(mouth func(n int) int16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mouth = mouth
}

// heard is all that the ear got.
func (h *handset) heard() []int16 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ear[:len(h.ear):len(h.ear)]
}

// now is the sample that is spoken next.
func (h *handset) now() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.read
}

// at is when a sample is spoken or heard. Frame n is written to the ear when n+1 frames were read.
func (h *handset) at(sample int) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock(sample)
}

func (h *handset) clock(sample int) time.Time {
	return h.start.Add(time.Duration(float64(sample) * 125e3 / (1 + h.ppm/1e6)))
}

func (h *handset) ReadPCM(frame []int16) error {
	h.mu.Lock()
	if h.start.IsZero() {
		h.start = time.Now()
	}
	next := h.clock(h.read + frameSamples)
	over := h.end > 0 && next.Sub(h.start) > h.end
	h.mu.Unlock()
	time.Sleep(time.Until(next))
	if over {
		return errHungUp
	}
	h.mu.Lock()
	defer h.mu.Unlock()
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
	h.mu.Lock()
	defer h.mu.Unlock()
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
	stop   context.CancelFunc
	done   chan error

	mu     sync.Mutex
	events []Event
}

// told is every event so far.
func (e *end) told() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events[:len(e.events):len(e.events)]
}

func newEnd(t testing.TB, n Network, host string) *end {
	t.Helper()
	s, err := Open(n, netip.MustParseAddr(host), PortRange{20000, 20999})
	if err != nil {
		t.Fatal(err)
	}
	e := &end{stream: s, done: make(chan error, 1)}
	e.pump = NewPump(func(ev Event) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.events = append(e.events, ev)
	})
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
	skewedCall(t, 0, o, f, phase, do)
}

// skewedCall is a call between codecs that are skew ppm too fast and too slow.
func skewedCall(t *testing.T, skew float64, o memnet.Options, f Format, phase time.Duration, do func(n *memnet.Network, a, b *end)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(o)
		a, b := newEnd(t, n, "10.0.0.1"), newEnd(t, n, "10.0.0.2")
		a.stream.Set(sessionTo(b, f))
		b.stream.Set(sessionTo(a, f))
		for _, e := range []*end{a, b} {
			e.pump.Set(Program{Streams: [2]*Stream{e.stream}, Talk: true})
		}
		a.line.ppm, b.line.ppm = skew, -skew
		a.run()
		time.Sleep(phase)
		b.run()
		do(n, a, b)
		a.hangUp(t)
		b.hangUp(t)
	})
}

// sniff collects the RTP that one stream sends from now on.
func sniff(t testing.TB, n *memnet.Network, from *Stream) (sent func() []rtp.Packet) {
	var mu sync.Mutex
	var all []rtp.Packet
	n.OnDatagram(func(d memnet.Datagram) {
		if d.From != from.LocalAddrPort() {
			return
		}
		var p rtp.Packet
		if err := p.Unmarshal(d.Payload); err != nil {
			t.Errorf("not RTP: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, p)
	})
	return func() []rtp.Packet {
		mu.Lock()
		defer mu.Unlock()
		return all[:len(all):len(all)]
	}
}

func has[E Event](events []Event) (n int) {
	for _, e := range events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}
