package media

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"tipring/internal/memnet"
	"tipring/media/dsp"
)

// dialling is a mouth that keys digits, on and off ms each, from sample start on.
func dialling(digits string, on, off, start int) func(int) int16 {
	var pcm []int16
	for i := range digits {
		var g dsp.ToneGen
		tone := make([]int16, (on+off)*samplesPerMs)
		g.Start(digitPlan(digits[i]))
		g.Fill(tone[:on*samplesPerMs])
		pcm = append(pcm, tone...)
	}
	return func(n int) int16 {
		if n -= start; n < 0 || n >= len(pcm) {
			return 0
		}
		return pcm[n]
	}
}

// hears is what a DTMF receiver makes of some sound.
func hears(pcm []int16) string {
	var d dsp.DTMFDetector
	var s strings.Builder
	for ; len(pcm) >= frameSamples; pcm = pcm[frameSamples:] {
		if e, ok := d.Process(pcm[:frameSamples]); ok && e.On {
			s.WriteByte(e.Digit)
		}
	}
	return s.String()
}

func keyedAndRemote(events []Event) (keyed, remote string) {
	for _, e := range events {
		switch e := e.(type) {
		case Digit:
			if e.On {
				keyed += string(e.Digit)
			}
		case RemoteDigit:
			if e.On {
				remote += string(e.Digit)
			}
		}
	}
	return keyed, remote
}

func TestDigitPlans(t *testing.T) {
	for _, key := range []byte(keypad) {
		if got := hears(renderDigit(key)); got != string(key) {
			t.Errorf("%c is heard as %q", key, got)
		}
	}
	if digitPlan('E') != nil || digitPlan(0) != nil {
		t.Error("a plan for what is no digit")
	}
}

func renderDigit(key byte) []int16 {
	m := dialling(string(key), 70, 70, 0)
	pcm := make([]int16, 1200)
	for i := range pcm {
		pcm[i] = m(i)
	}
	return pcm
}

// One digit on the wire, packet by packet (RFC 4733 2.5).
func TestDigitOnTheWire(t *testing.T) {
	for _, phase := range []int{0, 40, 80, 120} { // of the key against the packets, in samples
		call(t, memnet.Options{}, g711, 3*time.Millisecond, func(n *memnet.Network, a, _ *end) {
			const onset, length = 4000, 100
			a.line.says(dialling("5", length, 100, onset+phase))
			sent := sniff(t, n, a.stream)
			time.Sleep(2 * time.Second)
			var events []rtp.Packet
			leaked := 0
			sound := make([]int16, 160)
			all := sent()
			first := all[0]
			for i, p := range all {
				if p.SequenceNumber != first.SequenceNumber+uint16(i) {
					t.Fatalf("sequence %d after %d packets from %d", p.SequenceNumber, i, first.SequenceNumber)
				}
				if i > 0 && int32(p.Timestamp-all[i-1].Timestamp) < 0 {
					t.Errorf("phase %d: timestamps go back at packet %d", phase, i)
				}
				if p.PayloadType == 101 {
					events = append(events, p)
					continue
				}
				dsp.DecodeALaw(sound, p.Payload)
				for _, v := range sound {
					if v > 300 || v < -300 {
						leaked++
					}
				}
				if wasEvent := i > 0 && all[i-1].PayloadType == 101; p.Marker != (wasEvent || i == 0) {
					t.Errorf("phase %d: marker %t on the sound packet %d", phase, p.Marker, i)
				}
			}
			if leaked > 10*samplesPerMs {
				t.Errorf("phase %d: %d samples of the tone leaked in band", phase, leaked)
			}
			ends := 0
			for i, p := range events {
				duration := binary.BigEndian.Uint16(p.Payload[2:])
				end := p.Payload[1]&endBit != 0
				if end {
					ends++
				}
				if len(p.Payload) != 4 || p.Payload[0] != 5 || p.Marker != (i == 0) || p.Timestamp != events[0].Timestamp {
					t.Errorf("phase %d event packet %d: %+v %v", phase, i, p.Header, p.Payload)
				}
				if v := p.Payload[1] & 0x3F; v < 4 || v > 6 {
					t.Errorf("phase %d: volume %d, want 5", phase, v)
				}
				if i > 0 {
					was := binary.BigEndian.Uint16(events[i-1].Payload[2:])
					if grown := int(duration) - int(was); grown < 0 || grown == 0 && ends == 0 || grown > 160 {
						t.Errorf("phase %d event packet %d: duration %d after %d", phase, i, duration, was)
					}
				}
			}
			if ends != 3 || len(events) < 6 {
				t.Fatalf("phase %d: %d event packets, %d ends", phase, len(events), ends)
			}
			last := events[len(events)-1]
			at := int32(last.Timestamp - first.Timestamp)
			duration := int(binary.BigEndian.Uint16(last.Payload[2:]))
			t.Logf("phase %d: onset at %d, event at %d, duration %d (keyed %d), %d packets, leaked %d samples",
				phase, onset+phase, at, duration, length*samplesPerMs, len(events), leaked)
			if late := int(at) - onset - phase; late < -80 || late > 240 {
				t.Errorf("phase %d: the event begins %d samples after the tone", phase, late)
			}
			if end := int(at) + duration - onset - phase - length*samplesPerMs; end < -80 || end > 200 { // the detector is sure of the end 20 ms later
				t.Errorf("phase %d: the event ends %d samples after the tone", phase, end)
			}
		})
	}
}

// Every digit arrives exactly once, in order, whatever the network does to its packets.
func TestDigitsArriveOnce(t *testing.T) {
	const digits = "0123456789*#ABCD5577"
	tests := []struct {
		name string
		link memnet.Link
		on   int
		off  int
	}{
		{"clean", memnet.Link{}, 100, 100},
		{"as short as Q.24 allows", memnet.Link{}, 45, 60},
		{"loss", memnet.Link{Loss: 5}, 100, 100},
		{"duplicates and reordering", memnet.Link{Latency: 10 * time.Millisecond, Duplicate: 30, Reorder: 10}, 100, 100},
		{"jitter", memnet.Link{Latency: 5 * time.Millisecond, Jitter: 40 * time.Millisecond, Loss: 2}, 80, 80},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			call(t, memnet.Options{Seed: 3, Link: tt.link}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
				a.line.says(dialling(digits, tt.on, tt.off, 4000))
				a.pump.Set(Program{Streams: [2]*Stream{a.stream}, Talk: true, Detect: true})
				b.pump.Set(Program{Streams: [2]*Stream{b.stream}, Talk: true, Detect: true})
				time.Sleep(10 * time.Second)
				keyed, _ := keyedAndRemote(a.told())
				own, remote := keyedAndRemote(b.told())
				if keyed != digits || remote != digits || own != "" {
					t.Errorf("keyed %q, told to the far end %q, and from there %q", keyed, remote, own)
				}
				if got := hears(b.line.heard()); got != digits {
					t.Errorf("the far line hears %q", got)
				}
				if got := hears(a.line.heard()); got != "" {
					t.Errorf("the line hears %q of its own digits", got)
				}
				if sa, sb := a.stream.Stats(), b.stream.Stats(); sa.EventsOut != uint32(len(digits)) || sb.EventsIn != uint32(len(digits)) {
					t.Errorf("events out %d, in %d", sa.EventsOut, sb.EventsIn)
				}
			})
		})
	}
}

// Without telephone-event the digits go in band, untouched.
func TestDigitsInBand(t *testing.T) {
	const digits = "159#"
	f := Format{Law: ULaw, PayloadType: 0}
	call(t, memnet.Options{}, f, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
		a.line.says(dialling(digits, 60, 60, 4000))
		time.Sleep(2 * time.Second)
		if got := hears(b.line.heard()); got != digits {
			t.Errorf("the far line hears %q", got)
		}
		if st := a.stream.Stats(); st.EventPackets != 0 {
			t.Errorf("%d event packets", st.EventPackets)
		}
	})
}

// A line's hybrid gives back what it is given. Digits of the far end must not come back to it, nor to our dial plan.
func TestDigitsAreNotEchoed(t *testing.T) {
	const digits = "0123456789"
	for _, f := range []Format{g711, {Law: ALaw, PayloadType: 8}} {
		for _, delay := range []int{0, 160, 480} { // samples, of the codec
			call(t, memnet.Options{}, f, 3*time.Millisecond, func(n *memnet.Network, a, b *end) {
				a.line.says(dialling(digits, 80, 80, 4000))
				b.line.says(func(i int) int16 { // 8 dB of loss; the line asks with its lock held
					if i -= delay + frameSamples; i >= 0 && i < len(b.line.ear) {
						return int16(int32(b.line.ear[i]) * 2 / 5)
					}
					return 0
				})
				b.pump.Set(Program{Streams: [2]*Stream{b.stream}, Talk: true, Detect: true})
				time.Sleep(3 * time.Second)
				if own, _ := keyedAndRemote(b.told()); own != "" {
					t.Errorf("event PT %d, delay %d: the echo is taken for %q", f.EventPT, delay, own)
				}
				if st := b.stream.Stats(); st.EventPackets != 0 {
					t.Errorf("event PT %d, delay %d: %d event packets go back", f.EventPT, delay, st.EventPackets)
				}
				if b.pump.Stats().Echoes == 0 {
					t.Errorf("event PT %d, delay %d: no echo was there to be told apart", f.EventPT, delay)
				}
			})
		}
	}
}

// A key pressed while the far end speaks is a key.
func TestDigitOverFarSpeech(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
		speech := babble(500)
		b.line.says(func(i int) int16 { return speech[i%len(speech)] })
		a.line.says(dialling("42", 100, 100, 4000))
		a.pump.Set(Program{Streams: [2]*Stream{a.stream}, Talk: true, Detect: true})
		time.Sleep(2 * time.Second)
		if _, remote := keyedAndRemote(b.told()); remote != "42" {
			t.Errorf("the far end was told %q", remote)
		}
	})
}

// A key that is still down when the call ends, or when telephone-events go away, leaves nothing behind.
func TestKeyHeldAcrossAChange(t *testing.T) {
	call(t, memnet.Options{}, g711, 3*time.Millisecond, func(n *memnet.Network, a, b *end) {
		a.line.says(dialling("7", 1500, 100, 800))
		a.pump.Set(Program{Streams: [2]*Stream{a.stream}, Talk: true, Detect: true})
		time.Sleep(time.Second)
		a.pump.Set(Program{})
		time.Sleep(time.Second) // the key is released while nobody listens
		a.pump.Set(Program{Streams: [2]*Stream{a.stream}, Talk: true})
		time.Sleep(time.Second)
		sent := sniff(t, n, a.stream)
		time.Sleep(time.Second)
		for _, p := range sent() {
			if p.PayloadType == 101 {
				t.Fatal("an event goes on for ever")
			}
		}
		ons, offs := 0, 0
		for _, e := range b.told() {
			if d, ok := e.(RemoteDigit); ok && d.On {
				ons++
			} else if ok {
				offs++
			}
		}
		if ons != 1 || offs != 1 {
			t.Errorf("the far end heard %d digits begin and %d end", ons, offs)
		}
	})
}

// A digit that is being played when the stream is held, or taken out of the program, ends.
func TestRemoteDigitEndsWithTheStream(t *testing.T) {
	for name, leave := range map[string]func(b *end){
		"out of the program": func(b *end) { b.pump.Set(Program{}) },
		"held": func(b *end) {
			s := *b.stream.session.Load()
			s.Direction = SendOnly
			b.stream.Set(s)
		},
	} {
		call(t, memnet.Options{}, g711, 3*time.Millisecond, func(_ *memnet.Network, a, b *end) {
			a.line.says(dialling("7", 1500, 100, 800))
			time.Sleep(time.Second)
			leave(b)
			time.Sleep(100 * time.Millisecond)
			if ear := b.line.heard(); firstLoud(ear[len(ear)-frameSamples:]) >= 0 {
				t.Errorf("%s: the tone goes on", name)
			}
			last, ok := b.told()[len(b.told())-1].(RemoteDigit)
			if !ok || last.On || last.Digit != '7' {
				t.Errorf("%s: the last event is %+v", name, last)
			}
		})
	}
}
