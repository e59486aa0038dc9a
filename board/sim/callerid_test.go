package sim

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tipring/board"
)

// modem is these tests' own FSK sender: phase continuous, 1200 bit/s.
type modem struct {
	mark, space, level float64
	pcm                []int16
	phase, clock       float64
}

func (m *modem) bit(one bool) {
	f := m.space
	if one {
		f = m.mark
	}
	for m.clock += 8000.0 / 1200; m.clock >= 1; m.clock-- {
		m.phase += f / 8000
		m.pcm = append(m.pcm, int16(math.Round(peak(m.level)*math.Sin(2*math.Pi*m.phase))))
	}
}

func (m *modem) byte(b byte) {
	m.bit(false)
	for i := range 8 {
		m.bit(b>>i&1 == 1)
	}
	m.bit(true)
}

// send makes a transmission of a message: seizure, mark, bytes, checksum.
func (m *modem) send(seized, marked int, msg []byte, spoil byte) []int16 {
	for i := range seized {
		m.bit(i%2 == 1)
	}
	for range marked {
		m.bit(true)
	}
	sum := byte(0)
	for _, b := range msg {
		m.byte(b)
		sum += b
	}
	m.byte(-sum ^ spoil)
	m.bit(true)
	m.bit(true)
	return m.pcm
}

func bell202(level float64) *modem { return &modem{mark: 1200, space: 2200, level: level} }
func v23(level float64) *modem     { return &modem{mark: 1300, space: 2100, level: level} }

func message(kind byte, body ...[]byte) []byte {
	m := []byte{kind, 0}
	for _, b := range body {
		m = append(m, b...)
	}
	m[1] = byte(len(m) - 2)
	return m
}

func param(kind byte, s string) []byte { return append([]byte{kind, byte(len(s))}, s...) }

var wangWei = message(0x80, param(1, "11242107"), param(2, "1003"), param(7, "Wang Wei"))

// TestDisplay sends caller IDs through the line to a telephone on the hook.
func TestDisplay(t *testing.T) {
	spoilt := bell202(-13.5).send(300, 180, wangWei, 0x10)
	noSeizure := bell202(-13.5).send(0, 180, wangWei, 0)
	for _, c := range []struct {
		name     string
		pcm      []int16
		want     string
		standard string
	}{
		{"Bell 202 MDMF", bell202(-13.5).send(300, 180, wangWei, 0), "1003 Wang Wei 11-24 21:07", "Bell 202 MDMF"},
		{"V.23 MDMF", v23(-13.5).send(300, 180, wangWei, 0), "1003 Wang Wei 11-24 21:07", "V.23 MDMF"},
		{"80 marks", v23(-13.5).send(300, 80, wangWei, 0), "1003 Wang Wei 11-24 21:07", "V.23 MDMF"},
		{"SDMF", bell202(-13.5).send(300, 180, message(4, []byte("112421071003")), 0), "1003 11-24 21:07", "Bell 202 SDMF"},
		{"SDMF private", bell202(-13.5).send(300, 180, message(4, []byte("11242107P")), 0), "private 11-24 21:07", "Bell 202 SDMF"},
		{"MDMF private", v23(-13.5).send(300, 180, message(0x80, param(1, "01020304"), param(4, "P"), param(8, "P")), 0), "private 01-02 03:04", "V.23 MDMF"},
		{"MDMF unavailable", v23(-13.5).send(300, 180, message(0x80, param(1, "01020304"), param(4, "O")), 0), "unavailable 01-02 03:04", "V.23 MDMF"},
		{"Latin-1 name", v23(-13.5).send(300, 180, message(0x80, param(2, "7"), param(7, "Zo\xeb")), 0), "7 Zoë", "V.23 MDMF"},
		{"quiet", bell202(-36).send(300, 180, wangWei, 0), "1003 Wang Wei 11-24 21:07", "Bell 202 MDMF"},
		{"loud", bell202(-3).send(300, 180, wangWei, 0), "1003 Wang Wei 11-24 21:07", "Bell 202 MDMF"},
		{"message lamp", bell202(-13.5).send(300, 180, message(0x82, param(0x0b, "\xff")), 0), "", ""},
		{"damaged checksum", spoilt, "", ""},
		{"no channel seizure", noSeizure, "", ""},
		{"no marks", bell202(-13.5).send(300, 8, wangWei, 0), "", ""},
		{"cut off", bell202(-13.5).send(300, 180, wangWei, 0)[:5000], "", ""},
		{"DTMF A..C", keys("A1003C"), "1003", "DTMF A..C"},
		{"DTMF A..#", keys("A1003#"), "1003", "DTMF A..#"},
		{"DTMF D..C", keys("D1003C"), "1003", "DTMF D..C"},
		{"DTMF #", keys("1003#"), "1003", "DTMF #"},
		{"DTMF diverted", keys("A1003D77C"), "1003", "DTMF A..C"},
		{"DTMF restricted", keys("B10C"), "private", "DTMF B..C"},
		{"DTMF no number", keys("B00C"), "unavailable", "DTMF B..C"},
		{"DTMF D1#", keys("D1#"), "private", "DTMF D..#"},
		{"DTMF D3#", keys("D3#"), "unavailable", "DTMF D..#"},
		{"DTMF without end", keys("A1003"), "", ""},
		{"repeated digits", keys("A1100033C"), "1100033", "DTMF A..C"},
	} {
		t.Run(c.name, func(t *testing.T) {
			desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
				a.start()
				time.Sleep(50 * time.Millisecond)
				begun := time.Now()
				a.play <- c.pcm
				h, ok := p.Wait(context.Background(), "call", 4*time.Second)
				if ok != (c.want != "") {
					t.Fatalf("call %v: %v", ok, h)
				}
				if got := p.Display(); got != c.want {
					t.Errorf("display %q, want %q", got, c.want)
				}
				if !ok {
					return
				}
				d := p.Displays()
				if len(d) != 1 || d[0].Standard != c.standard {
					t.Errorf("displays %+v, want one by %s", d, c.standard)
				}
				if late := d[0].At.Sub(begun) - span(int64(len(c.pcm))); late < -100*time.Millisecond || late > 40*time.Millisecond {
					t.Errorf("complete %v after the last sample", late)
				}
			})
		})
	}
}

// keys makes digits of 70 ms with pauses of 70 ms.
func keys(s string) []int16 {
	var pcm []int16
	for i := range len(s) {
		low, high, _ := dtmfPair(s[i])
		for k := range 560 {
			pcm = append(pcm, int16(peak(-9)*turn[int(low)*k%8000]+peak(-7)*turn[int(high)*k%8000]))
		}
		pcm = append(pcm, make([]int16, 560)...)
	}
	return pcm
}

// TestDisplayNoise: the share of messages that survive noise.
func TestDisplayNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		snr  float64 // dB, noise over the whole band
		want int     // of all, in percent
	}{{30, 100}, {20, 100}, {14, 80}} {
		got, all := 0, 20
		if testing.Short() {
			all = 2
			if c.snr < 20 {
				break
			}
		}
		for i := range all {
			m := bell202(-13.5)
			if i%2 == 1 {
				m = v23(-20)
			}
			m.clock = r.Float64()
			pcm := m.send(300, 180, wangWei, 0)
			for k := range pcm {
				pcm[k] += int16(r.NormFloat64() * peak(m.level-c.snr) / math.Sqrt2)
			}
			told := hearFSK(pcm)
			if len(told) == 1 && told[0].String() == "1003 Wang Wei 11-24 21:07" {
				got++
			} else if len(told) > 0 {
				t.Errorf("%v dB: wrong display %v", c.snr, told[0])
			}
		}
		t.Logf("S/N %v dB: %d of %d", c.snr, got, all)
		if got*100 < c.want*all {
			t.Errorf("S/N %v dB: %d of %d messages, want %d %%", c.snr, got, all, c.want)
		}
	}
}

// TestDisplayKeepsCalls: transmissions are remembered until they are looked at,
// whatever is heard in between; a burst under ringing voltage is not received.
func TestDisplayKeepsCalls(t *testing.T) {
	talk := render(t, "400+1200", -10, 76000)
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		ring := func(pcm []int16, under bool) {
			a.start()
			if under {
				a.feed(board.FeedRinging)
			}
			a.play <- pcm
			time.Sleep(1300 * time.Millisecond)
			a.feed(board.FeedActive)
			p.Lift()
			a.play <- talk
			time.Sleep(10 * time.Second)
			p.Hangup()
			a.stop()
			time.Sleep(time.Second)
		}
		number := func(n string) []byte { return message(0x80, param(2, n)) }
		ring(bell202(-13.5).send(300, 180, number("1001"), 0), false)
		ring(bell202(-13.5).send(300, 180, number("1002"), 0), true)
		ring(v23(-13.5).send(300, 180, number("1003"), 0), false)
		ring(keys("A1004C"), false)
		var got string
		for _, c := range p.Displays() {
			got += c.Number + " "
		}
		if got != "1001 1003 1004 " {
			t.Errorf("displays %q", got)
		}
		if d := p.Display(); d != "1004" {
			t.Errorf("display %q", d)
		}
	})
}

func FuzzDisplay(f *testing.F) {
	f.Add(wangWei, false)
	f.Add(message(4, []byte("112421071003")), true)
	f.Add([]byte{0x80, 0xff, 1}, false)
	f.Fuzz(func(t *testing.T, msg []byte, raw bool) {
		if len(msg) > 300 {
			return
		}
		parseCaller(msg)
		if len(msg) > 0 && (msg[len(msg)-1] == 'C' || msg[len(msg)-1] == '#') {
			parseKeys(string(msg))
		}
		if raw { // the bytes as samples
			x := make([]int16, 20*len(msg))
			for i := range x {
				x[i] = int16(int8(msg[i%len(msg)])) << 7
			}
			hearFSK(x)
			hearDTMF(x)
		}
	})
}

// TestDisplayOfTheCallThatRings: who waits for the display after it has shown the caller sees it at once, but only
// while that call rings.
func TestDisplayOfTheCallThatRings(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		wangWei := message(0x80, param(1, "11242107"), param(2, "1003"), param(7, "Wang Wei"))
		a.start()
		a.line.SetFeed(board.FeedRinging)
		time.Sleep(time.Second)
		a.line.SetFeed(board.FeedActive)
		time.Sleep(600 * time.Millisecond)
		a.play <- bell202(-13.5).send(300, 180, wangWei, 0)
		time.Sleep(2 * time.Second)
		if _, ok := p.Wait(context.Background(), "call", time.Second); !ok {
			t.Error("the caller of the call that rings is not noticed")
		}
		time.Sleep(20 * time.Second)
		if _, ok := p.Wait(context.Background(), "call", time.Second); ok {
			t.Error("a call that is long over is noticed")
		}
	})
}
