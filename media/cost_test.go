package media

import (
	"net/netip"
	"testing"
	"time"

	"tipring/internal/memnet"
)

// loop is a line without a clock: each ReadPCM is the next frame of a canned sound.
type loop struct {
	pcm []int16
	at  int
}

func (l *loop) ReadPCM(frame []int16) error {
	l.at += copy(frame, l.pcm[l.at:])
	if l.at == len(l.pcm) {
		l.at = 0
	}
	return nil
}

func (l *loop) WritePCM([]int16) error { return nil }

// babble is noise with the loudness of speech that comes and goes.
func babble(frames int) []int16 {
	pcm := make([]int16, frames*frameSamples)
	seed := uint32(1)
	for i := range pcm {
		seed = seed*1664525 + 1013904223
		pcm[i] = int16(int32(seed)>>16) >> (3 + i/2000%5)
	}
	return pcm
}

// pair is two pumps in a call with each other, without clocks.
type pair struct {
	pumps   [2]*Pump
	streams [2]*Stream
	lines   [2]loop
}

func newPair(tb testing.TB, n Network) *pair {
	tb.Helper()
	p := &pair{}
	for i := range p.streams {
		s, err := Open(n, netip.MustParseAddr("127.0.0.1"), PortRange{30000, 39999})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { s.Close() })
		p.streams[i] = s
		p.pumps[i] = NewPump(nil)
		p.pumps[i].Set(Program{Streams: [2]*Stream{s}, Talk: true, Detect: true})
		p.pumps[i].begin()
		p.lines[i].pcm = babble(300)
	}
	for i, s := range p.streams {
		s.Set(Session{Remote: p.streams[1-i].LocalAddrPort(), Send: g711, Recv: g711, Direction: SendRecv})
	}
	return p
}

func (p *pair) tick(tb testing.TB) {
	for i, pump := range p.pumps {
		if err := pump.tick(&p.lines[i]); err != nil {
			tb.Fatal(err)
		}
	}
}

// A packet time of a whole call, both ends: codec, detector, jitter buffer, concealment, both sockets. No allocation.
func TestTickDoesNotAllocate(t *testing.T) {
	for name, n := range map[string]Network{"udp": UDP(), "memnet": memnet.New(memnet.Options{})} {
		p := newPair(t, n)
		for range 20 {
			p.tick(t)
		}
		if got := testing.AllocsPerRun(500, func() { p.tick(t); p.tick(t) }); got != 0 {
			t.Errorf("%s: %v allocations in a packet time", name, got)
		}
		for i, s := range p.streams {
			if st := s.Stats(); st.Received < 500 || st.Sent < 500 || st.Garbage+st.Strangers+st.Unsent+st.Unread > 0 {
				t.Errorf("%s: stream %d: %+v", name, i, st)
			}
		}
	}
}

// The same while a key is held down, so that telephone-events go out, come in and sound.
func TestTickWithEventsDoesNotAllocate(t *testing.T) {
	p := newPair(t, memnet.New(memnet.Options{}))
	tone := dialling("5", 1000, 0, 0)
	for i := range p.lines[0].pcm[:8000] {
		p.lines[0].pcm[i] = tone(i)
	}
	for range 12 { // the key is down, and its event was heard
		p.tick(t)
	}
	before := p.streams[0].Stats().EventPackets
	if got := testing.AllocsPerRun(30, func() { p.tick(t); p.tick(t) }); got != 0 {
		t.Errorf("%v allocations in a packet time", got)
	}
	if n := p.streams[0].Stats().EventPackets - before; n < 30 || p.streams[1].Stats().EventsIn != 1 {
		t.Errorf("%d event packets went out, %d digits came in", n, p.streams[1].Stats().EventsIn)
	}
}

const budget = 0.3 // percent of one core for a G.711 call

// BenchmarkCall is one end of a call over loopback UDP: what 20 ms of it cost, beside the budget.
func BenchmarkCall(b *testing.B) {
	p := newPair(b, UDP())
	for range 20 {
		p.tick(b)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.tick(b)
		p.tick(b)
	}
	perEnd := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / 2
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perEnd, "ns/20ms")
	b.ReportMetric(100*perEnd/float64((20*time.Millisecond).Nanoseconds()), "%core")
	b.ReportMetric(budget, "%budget")
}

// BenchmarkCallWithoutNetwork is the same with sockets in memory: the part that is ours.
func BenchmarkCallWithoutNetwork(b *testing.B) {
	p := newPair(b, memnet.New(memnet.Options{}))
	for b.Loop() {
		p.tick(b)
		p.tick(b)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/20ms")
}

// BenchmarkJitterBuffer is a packet in and two frames out.
func BenchmarkJitterBuffer(b *testing.B) {
	var j jitterBuffer
	var frame [frameSamples]int16
	sound := babble(2)
	stamp := uint32(0)
	for b.Loop() {
		j.put(stamp, sound, true)
		stamp += 160
		j.take(frame[:])
		j.take(frame[:])
	}
}
