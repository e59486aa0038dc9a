package media

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"tipring/internal/memnet"
	"tipring/media/dsp"
)

func TestSentPackets(t *testing.T) {
	for _, ptime := range []time.Duration{0, 10 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond, 60 * time.Millisecond, 200 * time.Millisecond} {
		f := g711
		f.Ptime = ptime
		call(t, memnet.Options{}, f, 3*time.Millisecond, func(n *memnet.Network, a, _ *end) {
			sent := sniff(t, n, a.stream)
			time.Sleep(3 * time.Second)
			frames := f.frames()
			if want := 300 / frames; len(sent()) < want-1 || len(sent()) > want {
				t.Errorf("ptime %v: %d packets in 3 s, want %d", ptime, len(sent()), want)
			}
			first := sent()[0]
			for i, p := range sent() {
				switch {
				case len(p.Payload) != frames*frameSamples:
					t.Fatalf("ptime %v packet %d: %d octets", ptime, i, len(p.Payload))
				case p.SequenceNumber != first.SequenceNumber+uint16(i), p.Timestamp != first.Timestamp+uint32(i*frames*frameSamples), p.SSRC != first.SSRC:
					t.Fatalf("ptime %v packet %d: sequence %d, timestamp %d, SSRC %x after %v", ptime, i, p.SequenceNumber, p.Timestamp, p.SSRC, first.Header)
				case p.Marker != (i == 0), p.PayloadType != 8, p.Padding, p.Extension, p.Version != 2:
					t.Fatalf("ptime %v packet %d: %+v", ptime, i, p.Header)
				}
			}
		})
	}
}

// Without the microphone the peer gets silence: its time-out and its NAT are content.
func TestWithoutTalkSilenceIsSent(t *testing.T) {
	for _, law := range []Law{ALaw, ULaw} {
		f := Format{Law: law, PayloadType: 8 * (1 - uint8(law))}
		call(t, memnet.Options{}, f, 3*time.Millisecond, func(n *memnet.Network, a, _ *end) {
			a.line.says(func(int) int16 { return 9000 })
			a.pump.Set(Program{Streams: [2]*Stream{a.stream}})
			time.Sleep(100 * time.Millisecond)
			sent := sniff(t, n, a.stream)
			time.Sleep(time.Second)
			for _, p := range sent() {
				for _, o := range p.Payload {
					if o != silence(law) {
						t.Fatalf("%v: octet %#x without Talk", law, o)
					}
				}
			}
			if len(sent()) < 49 {
				t.Errorf("%d packets", len(sent()))
			}
		})
	}
}

// Two ends with two laws: each direction has its own.
func TestDirectionsMayDiffer(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
		u := Format{Law: ULaw, PayloadType: 0, Ptime: 30 * time.Millisecond}
		sa, sb := sessionTo(b, g711), sessionTo(a, g711)
		sa.Send, sb.Recv = u, u
		a.stream.Set(sa)
		b.stream.Set(sb)
		a.line.says(func(int) int16 { return 8192 })
		b.line.says(func(int) int16 { return -4096 })
		time.Sleep(time.Second)
		if got := b.line.heard()[len(b.line.heard())-1]; got < 7600 || got > 8800 {
			t.Errorf("b hears %d, want about 8192", got)
		}
		if got := a.line.heard()[len(a.line.heard())-1]; got > -3800 || got < -4400 {
			t.Errorf("a hears %d, want about -4096", got)
		}
	})
}

// far is a peer made by hand.
type far struct {
	t         *testing.T
	conn      *memnet.Conn
	to        netip.AddrPort
	ssrc      uint32
	seq       uint16
	timestamp uint32
}

func (f *far) packet(change func(*rtp.Packet)) []byte {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: f.seq, Timestamp: f.timestamp, SSRC: f.ssrc}}
	p.Payload = make([]byte, 160)
	for i := range p.Payload {
		p.Payload[i] = 0x2A // loud
	}
	if change != nil {
		change(&p)
	}
	f.seq++
	f.timestamp += 160
	b, err := p.Marshal()
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *far) say(packets int, change func(*rtp.Packet)) {
	for range packets {
		if _, err := f.conn.WriteToAddrPort(f.packet(change), f.to); err != nil {
			f.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// listening is an end whose peers are made by hand.
func listening(t *testing.T, s Session, do func(e *end, peer func(at string) *far)) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		e := newEnd(t, n, "10.0.0.1")
		if !s.Remote.IsValid() {
			s.Remote = netip.MustParseAddrPort("10.0.0.2:4000")
		}
		s.Send, s.Recv, s.Direction = g711, g711, SendRecv
		e.stream.Set(s)
		e.pump.Set(Program{Streams: [2]*Stream{e.stream}, Talk: true})
		e.run()
		time.Sleep(3 * time.Millisecond)
		peers := uint32(0)
		do(e, func(at string) *far {
			c, err := n.Listen(netip.MustParseAddrPort(at))
			if err != nil {
				t.Fatal(err)
			}
			peers++
			return &far{t: t, conn: c, to: e.stream.LocalAddrPort(), ssrc: 0xF00 + peers, seq: 65530, timestamp: 1<<32 - 1000}
		})
		e.hangUp(t)
		n.Close()
	})
}

func TestWhoMaySpeak(t *testing.T) {
	type step struct {
		from string
		ok   bool
		wait time.Duration
	}
	const remote, port2, host3 = "10.0.0.2:4000", "10.0.0.2:4002", "10.0.0.3:4000"
	tests := []struct {
		name      string
		symmetric bool
		steps     []step
		peer      string
	}{
		{"the negotiated address", false, []step{{remote, true, 0}, {host3, false, 0}, {remote, true, 0}}, remote},
		{"another host is a stranger", false, []step{{host3, false, 0}, {remote, true, 0}}, remote},
		{"another port of the host, then locked", false, []step{{port2, true, 0}, {host3, false, 0}, {port2, true, 0}}, port2},
		{"the negotiated port takes over", false, []step{{port2, true, 0}, {remote, true, 0}, {port2, false, 0}}, remote},
		{"symmetric: the first one is locked", true, []step{{host3, true, 0}, {port2, false, 0}, {host3, true, 0}}, host3},
		{"symmetric: the negotiated address takes over", true, []step{{host3, true, 0}, {remote, true, 0}, {host3, false, 0}}, remote},
		{"silence does not let a stranger in", true, []step{{host3, true, 3 * time.Second}, {port2, false, 0}}, host3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			listening(t, Session{Symmetric: tt.symmetric}, func(e *end, peer func(string) *far) {
				peers := map[string]*far{}
				for i, s := range tt.steps {
					if peers[s.from] == nil {
						peers[s.from] = peer(s.from)
					}
					before := e.stream.Stats()
					peers[s.from].say(3, nil)
					after := e.stream.Stats()
					if heard := after.Received > before.Received; heard != s.ok {
						t.Errorf("step %d, %s: heard %t, want %t", i, s.from, heard, s.ok)
					}
					if strangers := after.Strangers - before.Strangers; s.ok != (strangers == 0) {
						t.Errorf("step %d, %s: %d strangers counted", i, s.from, strangers)
					}
					time.Sleep(s.wait)
				}
				want := netip.MustParseAddrPort(tt.peer)
				if got := e.stream.Stats().Remote; got != want {
					t.Errorf("peer %v, want %v", got, want)
				}
				// Symmetric sends to where the peer was heard, the other to where it said that it is.
				if !tt.symmetric {
					want = netip.MustParseAddrPort(remote)
				}
				if p := peers[want.String()]; p != nil && p.conn.Queued() == 0 {
					t.Errorf("nothing was sent to %v", want)
				}
			})
		})
	}
}

// A NAT that forgets: the same source, from a new port, after a silence.
func TestNATRebinding(t *testing.T) {
	listening(t, Session{Symmetric: true}, func(e *end, peer func(string) *far) {
		old, moved := peer("192.0.2.1:1000"), peer("192.0.2.1:1001")
		old.say(10, nil)
		time.Sleep(3 * time.Second)
		moved.ssrc, moved.seq, moved.timestamp = old.ssrc, old.seq, old.timestamp+3*8000
		moved.say(10, nil)
		if got := e.stream.Stats(); got.Received != 20 || got.Remote.Port() != 1001 {
			t.Errorf("received %d, peer %v", got.Received, got.Remote)
		}
	})
}

// A new session with another address opens the ears again, and the new source need not prove itself.
func TestReofferMovesThePeer(t *testing.T) {
	listening(t, Session{Symmetric: true}, func(e *end, peer func(string) *far) {
		a, b := peer("10.0.0.2:4000"), peer("10.0.0.9:4000")
		a.say(10, nil)
		e.stream.Set(Session{Remote: b.conn.LocalAddrPort(), Send: g711, Recv: g711, Direction: SendRecv, Symmetric: true})
		time.Sleep(20 * time.Millisecond)
		b.say(10, nil)
		a.say(3, nil)
		st := e.stream.Stats()
		if st.Received != 20 || st.Strangers != 3 || st.Lost != 0 || st.Remote != b.conn.LocalAddrPort() {
			t.Errorf("%+v", st)
		}
	})
}

func TestSourcesThatChangeTheirMind(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *far)
		lost   uint32 // packets not played, at most
	}{
		{"nothing", func(*far) {}, 0},
		{"new SSRC", func(f *far) { f.ssrc, f.seq, f.timestamp = 77, 9, 12345 }, 1},
		{"timestamp leaps ahead", func(f *far) { f.timestamp += 1 << 30 }, 0},
		{"timestamp leaps back", func(f *far) { f.timestamp -= 1 << 30 }, 0},
		{"timestamp back by 100 ms", func(f *far) { f.timestamp -= 800 }, 0},
		{"sequence leaps", func(f *far) { f.seq += 30000 }, 1},
		{"a pause that the timestamps show", func(f *far) { time.Sleep(5 * time.Second); f.timestamp += 5 * 8000 }, 0},
		{"a pause that they hide", func(*far) { time.Sleep(5 * time.Second) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			listening(t, Session{}, func(e *end, peer func(string) *far) {
				f := peer("10.0.0.2:4000")
				f.say(50, nil)
				tt.change(f)
				f.say(2, nil)
				mark := len(e.line.heard())
				f.say(50, nil)
				st := e.stream.Stats()
				if st.Received < 102-tt.lost {
					t.Errorf("received %d of 102", st.Received)
				}
				quiet := 0
				for i := mark; i < len(e.line.heard()); i++ {
					if v := e.line.heard()[i]; v < 2000 && v > -2000 {
						quiet++
					}
				}
				if quiet > 10*frameSamples {
					t.Errorf("%d ms of silence in the second after the change", quiet/8)
				}
				if st.Buffered > 60*time.Millisecond {
					t.Errorf("%v buffered at the end", st.Buffered)
				}
			})
		})
	}
}

// Timestamps of one source say nothing about those of another.
func TestEventsOfANewSource(t *testing.T) {
	listening(t, Session{}, func(e *end, peer func(string) *far) {
		f := peer("10.0.0.2:4000")
		digit := func(code byte) {
			f.say(5, nil)
			f.say(1, func(p *rtp.Packet) { p.PayloadType = 101; p.Payload = []byte{code, endBit | 10, 3, 32} })
			f.say(20, nil)
		}
		digit(1)
		f.ssrc, f.seq, f.timestamp = 99, 1, f.timestamp-8000
		digit(2)
		if _, got := keyedAndRemote(e.told()); got != "12" {
			t.Errorf("heard %q", got)
		}
	})
}

// Lost packets are filled in: a tone goes through 5 % of loss with hardly a hole.
func TestConcealment(t *testing.T) {
	f := Format{Law: ALaw, PayloadType: 8}
	call(t, memnet.Options{Seed: 9, Link: memnet.Link{Loss: 5}}, f, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
		var g dsp.ToneGen
		tone := make([]int16, 30*8000)
		g.Start(plan(t, "400"))
		g.Fill(tone)
		a.line.says(func(n int) int16 { return tone[n%len(tone)] })
		time.Sleep(30 * time.Second)
		holes, frames := 0, 0
		for ear := b.line.heard()[800:]; len(ear) >= frameSamples; ear = ear[frameSamples:] {
			frames++
			if dsp.LevelDBm0(ear[:frameSamples]) < -160 { // 6 dB under the tone
				holes++
			}
		}
		st := b.stream.Stats()
		t.Logf("lost %d packets, concealed %d frames, %d holes", st.Lost, st.Concealed, holes)
		if st.Lost < 40 || st.Concealed < 2*uint32(st.Lost)-4 {
			t.Errorf("lost %d packets, concealed %d frames", st.Lost, st.Concealed)
		}
		if holes*10 > int(st.Concealed) {
			t.Errorf("%d frames of %d are holes", holes, frames)
		}
	})
}

// Hostile datagrams are counted, cost nothing that lasts, and do not disturb the voice.
func TestHostileDatagrams(t *testing.T) {
	listening(t, Session{}, func(e *end, peer func(string) *far) {
		f, stranger := peer("10.0.0.2:4000"), peer("10.6.6.6:66")
		f.say(10, nil)
		raw := func(b []byte) {
			if _, err := f.conn.WriteToAddrPort(b, f.to); err != nil {
				t.Fatal(err)
			}
		}
		valid := f.packet(nil)
		mutate := func(do func(b []byte)) {
			b := append([]byte(nil), valid...)
			do(b)
			raw(b)
		}
		garbage := 0
		for _, b := range [][]byte{{}, {0x80}, valid[:11], valid[:12], make([]byte, 172), make([]byte, 1500), append(valid[:12:12], make([]byte, 1601-12+12)...)} {
			raw(b)
			garbage++
		}
		mutate(func(b []byte) { b[0] = 0x40 })                                         // version 1
		mutate(func(b []byte) { b[0] = 0xA0; b[len(b)-1] = 255 })                      // more padding than packet
		mutate(func(b []byte) { b[0] = 0xA0; b[len(b)-1] = 0 })                        // no padding length
		mutate(func(b []byte) { b[0] = 0x90; binary.BigEndian.PutUint16(b[14:], 99) }) // extension beyond the end
		garbage += 4
		raw([]byte{0x8F, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}) // 15 CSRC that are not there
		garbage++
		mutate(func(b []byte) { b[1] = 200 }) // an RTCP sender report
		mutate(func(b []byte) { b[1] = 0 })   // PCMU, not negotiated
		mutate(func(b []byte) { b[1] = 96 })
		stranger.say(5, nil)
		time.Sleep(100 * time.Millisecond)
		st := e.stream.Stats()
		if int(st.Garbage) != garbage || st.RTCP != 1 || st.WrongType != 2 || st.Strangers != 5 {
			t.Errorf("garbage %d of %d, RTCP %d, wrong type %d, strangers %d", st.Garbage, garbage, st.RTCP, st.WrongType, st.Strangers)
		}
		f.seq--
		f.timestamp -= 160
		mark := e.stream.Stats()
		f.say(50, nil)
		if st := e.stream.Stats(); st.Received-mark.Received != 50 || st.Lost != 0 {
			t.Errorf("afterwards received %d of 50, lost %d", st.Received-mark.Received, st.Lost)
		}
	})
}

func TestRTCPIsDrained(t *testing.T) {
	listening(t, Session{}, func(e *end, peer func(string) *far) {
		f := peer("10.0.0.2:4001")
		to := netip.AddrPortFrom(f.to.Addr(), f.to.Port()+1)
		for range 20 {
			if _, err := f.conn.WriteToAddrPort([]byte{0x80, 200, 0, 1, 0, 0, 0, 9}, to); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if got := e.stream.Stats().RTCP; got != 20 {
			t.Errorf("%d RTCP packets counted", got)
		}
	})
}

// A closed stream that the program still names is silent and harmless.
func TestCloseUnderThePump(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
		time.Sleep(time.Second)
		a.stream.Close()
		time.Sleep(time.Second)
		if st := a.stream.Stats(); st.Unsent == 0 {
			t.Error("packets left a closed stream")
		}
	})
}

// FuzzReceive: the whole inward path with real packets before and after.
func FuzzReceive(f *testing.F) {
	peer := &far{ssrc: 1, seq: 1, timestamp: 160}
	f.Add(peer.packet(nil), byte(0))
	f.Add(peer.packet(func(p *rtp.Packet) { p.PayloadType = 101; p.Payload = []byte{5, 0x8A, 3, 32} }), byte(1))
	f.Add([]byte{0xBF, 0x80 | 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}, byte(2))
	n := memnet.New(memnet.Options{})
	remote := netip.MustParseAddrPort("10.0.0.2:4000")
	f.Fuzz(func(t *testing.T, b []byte, ticks byte) {
		s, err := Open(n, loopback, PortRange{20000, 20099})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Set(Session{Remote: remote, Send: g711, Recv: g711, Direction: SendRecv, Symmetric: true})
		s.take()
		var frame [frameSamples]int16
		good := &far{t: t, ssrc: 1, seq: 1, timestamp: 160}
		send := func(b []byte) { n.Inject(b, remote, s.LocalAddrPort()) }
		for range 3 {
			send(good.packet(nil))
			s.receive(frame[:], func(Event) {})
		}
		for part := b; len(part) > 0; {
			size := min(len(part), 12+int(part[0]))
			send(part[:size])
			part = part[size:]
			for range ticks % 8 {
				s.receive(frame[:], func(Event) {})
			}
		}
		for range 5 {
			send(good.packet(nil))
			s.receive(frame[:], func(Event) {})
			if d := s.in.buffer.depth(); d < 0 || d > ringSamples {
				t.Fatalf("depth %d", d)
			}
		}
	})
}
