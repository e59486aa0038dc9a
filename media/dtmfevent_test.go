package media

import (
	"encoding/binary"
	"strings"
	"testing"
)

type eventPacket struct {
	at     uint32 // end of the packet time in which it left
	stamp  uint32
	marker bool
	code   uint8
	end    bool
	volume uint8
	dur    uint16
}

// wire runs the sender for a while with 20 ms packets; keys are pressed and released at given samples.
func (e *eventSender) wire(t *testing.T, until uint32, keys map[uint32]func()) (out []eventPacket) {
	t.Helper()
	for now := uint32(80); now <= until; now += 80 {
		if f := keys[now]; f != nil {
			f()
		}
		if now%160 != 0 {
			continue
		}
		for again := e.busy(); again; {
			var b [eventSize]byte
			var p eventPacket
			p.stamp, p.marker, again = e.next(now, b[:])
			p.at, p.code, p.end, p.volume = now, b[0], b[1]&0x80 != 0, b[1]&0x3f
			p.dur = binary.BigEndian.Uint16(b[2:])
			if b[1]&0x40 != 0 {
				t.Error("reserved bit set")
			}
			out = append(out, p)
		}
	}
	return out
}

func TestEventSenderPacketByPacket(t *testing.T) {
	var e eventSender
	got := e.wire(t, 2000, map[uint32]func(){
		400: func() { e.press(5, 8, 160) }, // recognised 30 ms after its onset
		960: func() { e.release(800) },
	})
	want := []eventPacket{
		{480, 160, true, 5, false, 8, 320},
		{640, 160, false, 5, false, 8, 480},
		{800, 160, false, 5, false, 8, 640},
		{960, 160, false, 5, true, 8, 640},
		{1120, 160, false, 5, true, 8, 640},
		{1280, 160, false, 5, true, 8, 640},
	}
	comparePackets(t, got, want)
}

func comparePackets(t *testing.T, got, want []eventPacket) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		var g, w eventPacket
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("packet %d: got %+v, want %+v", i, g, w)
		}
	}
}

func TestEventSenderShortKeyLastsLongEnough(t *testing.T) {
	var e eventSender
	got := e.wire(t, 2000, map[uint32]func(){
		240: func() { e.press(11, 10, 80) },
		320: func() { e.release(200) },
	})
	want := []eventPacket{
		{320, 80, true, 11, false, 10, 240},
		{480, 80, false, 11, true, 10, eventMin},
		{640, 80, false, 11, true, 10, eventMin},
		{800, 80, false, 11, true, 10, eventMin},
	}
	comparePackets(t, got, want)
}

// A key that comes before the ends are out: they leave together, and then the new event at once.
func TestEventSenderNextKeyDoesNotWait(t *testing.T) {
	var e eventSender
	got := e.wire(t, 1200, map[uint32]func(){
		80:  func() { e.press(1, 10, 0) },
		400: func() { e.release(400) },
		560: func() { e.press(1, 10, 480) },
		960: func() { e.release(960) },
	})
	want := []eventPacket{
		{160, 0, true, 1, false, 10, 160},
		{320, 0, false, 1, false, 10, 320},
		{480, 0, false, 1, true, 10, 400},
		{640, 0, false, 1, true, 10, 400},
		{640, 0, false, 1, true, 10, 400},
		{640, 480, true, 1, false, 10, 160},
		{800, 480, false, 1, false, 10, 320},
		{960, 480, false, 1, true, 10, 480},
		{1120, 480, false, 1, true, 10, 480},
	}
	comparePackets(t, got, want)
}

// RFC 4733 2.5.1.3: the duration has 16 bits, 8.19 s.
func TestEventSenderHoldsAKeyForTenSeconds(t *testing.T) {
	var e eventSender
	var r eventReceiver
	got := e.wire(t, 90000, map[uint32]func(){
		160:   func() { e.press(0, 10, 0) },
		80000: func() { e.release(80000) },
	})
	markers, began, ends := 0, 0, 0
	for _, p := range got {
		if p.marker {
			markers++
		}
		if p.end {
			ends++
		}
		b, ok := r.packet(p.stamp, []byte{p.code, p.volume | map[bool]byte{true: endBit}[p.end], byte(p.dur >> 8), byte(p.dur)})
		if !ok {
			t.Fatalf("receiver refuses %+v", p)
		}
		if b {
			began++
		}
	}
	if markers != 1 || ends != 3 || began != 1 {
		t.Errorf("%d markers, %d ends, %d digits began; want 1, 3, 1", markers, ends, began)
	}
	if last := got[len(got)-1]; last.stamp != eventSegment || last.dur != 80000-eventSegment {
		t.Errorf("last segment %+v", last)
	}
	if d := r.current.duration; d != 80000 {
		t.Errorf("received duration %d, want 80000", d)
	}
}

// listen gives packets at their ticks and returns what the line heard: a letter a frame, '.' for a pause of ours.
func listen(r *eventReceiver, packets map[int][]eventPacket, ticks int) string {
	var s strings.Builder
	for tick := range ticks {
		for _, p := range packets[tick] {
			r.packet(p.stamp, []byte{p.code, p.volume | map[bool]byte{true: endBit}[p.end], byte(p.dur >> 8), byte(p.dur)})
		}
		digit, sounding, active := r.tick()
		switch {
		case sounding:
			s.WriteByte(digit)
		case active:
			s.WriteByte('.')
		default:
			s.WriteByte(' ')
		}
	}
	return strings.TrimRight(s.String(), " ")
}

func TestEventReceiver(t *testing.T) {
	ev := func(stamp uint32, code uint8, dur uint16, end bool) eventPacket {
		return eventPacket{stamp: stamp, code: code, dur: dur, end: end}
	}
	full := map[int][]eventPacket{0: {ev(100, 5, 160, false)}, 2: {ev(100, 5, 320, false)}, 4: {ev(100, 5, 480, false)},
		6: {ev(100, 5, 640, false)}, 8: {ev(100, 5, 800, true)}, 10: {ev(100, 5, 800, true)}, 12: {ev(100, 5, 800, true)}}
	tests := []struct {
		name string
		in   map[int][]eventPacket
		want string
	}{
		{"all packets", full, strings.Repeat("5", 10)},
		{"first lost", map[int][]eventPacket{2: {ev(100, 5, 320, false)}, 8: {ev(100, 5, 800, true)}}, "  " + strings.Repeat("5", 10)},
		{"only an end", map[int][]eventPacket{0: {ev(100, 5, 800, true)}}, strings.Repeat("5", 10)},
		{"ends lost", map[int][]eventPacket{0: {ev(100, 5, 160, false)}, 2: {ev(100, 5, 320, false)}}, strings.Repeat("5", 14)},
		{"a single packet", map[int][]eventPacket{0: {ev(100, 5, 0, false)}}, strings.Repeat("5", 10)},
		{"too short", map[int][]eventPacket{0: {ev(100, 5, 80, true)}}, strings.Repeat("5", 7)},
		{"all duplicated", map[int][]eventPacket{0: {ev(100, 5, 560, false), ev(100, 5, 560, false)}, 1: {ev(100, 5, 560, true), ev(100, 5, 560, true)},
			9: {ev(100, 5, 560, true)}, 30: {ev(100, 5, 560, true)}}, strings.Repeat("5", 7)},
		{"update after the end", map[int][]eventPacket{0: {ev(100, 5, 560, true), ev(100, 5, 480, false)}}, strings.Repeat("5", 7)},
		{"same digit twice", map[int][]eventPacket{0: {ev(100, 5, 560, true)}, 10: {ev(900, 5, 560, true)}}, "5555555" + "   " + "...." + "5555555"},
		{"two at once", map[int][]eventPacket{0: {ev(100, 1, 560, true), ev(900, 2, 560, true)}}, "1111111" + "......." + "2222222"},
		{"old one overtaken", map[int][]eventPacket{0: {ev(900, 2, 560, true)}, 3: {ev(100, 1, 560, true)}}, "2222222"},
		{"timestamps wrap", map[int][]eventPacket{0: {ev(1<<32-100, 1, 560, true)}, 14: {ev(700, 2, 560, true)}}, "1111111" + "       " + "2222222"},
		{"a flash is no digit", map[int][]eventPacket{0: {ev(100, 16, 560, true)}}, ""},
		{"another digit under the same timestamp", map[int][]eventPacket{0: {ev(100, 1, 560, false)}, 1: {ev(100, 2, 560, true)}, 2: {ev(100, 1, 560, true)}}, "1111111"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r eventReceiver
			if got := listen(&r, tt.in, 60); got != tt.want {
				t.Errorf("heard %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzTelephoneEvent: whatever comes, the receiver stays within its backlog and falls silent in the end.
func FuzzTelephoneEvent(f *testing.F) {
	f.Add([]byte{0, 0, 0, 100, 5, 10, 0, 160, 0, 0, 0, 100, 5, 0x8a, 3, 32})
	f.Add([]byte{0, 0, 0, 1, 16, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 15, 0xff, 0xff, 0xff})
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r eventReceiver
		for len(b) >= 4 {
			stamp := binary.BigEndian.Uint32(b)
			b = b[4:]
			n := min(len(b), eventSize)
			r.packet(stamp, b[:n])
			b = b[n:]
			r.tick()
			if r.n < 0 || r.n > eventBacklog {
				t.Fatalf("backlog %d", r.n)
			}
		}
		for range eventBacklog * (1<<16/frameSamples + 10 + 8) * 8 {
			if _, _, active := r.tick(); !active && r.pause <= 0 {
				return
			}
		}
		t.Fatalf("still busy: %+v", r)
	})
}
