package media

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// desk plays packets of a sender with its own clock, over a network with a transit time of our choice, into a jitter
// buffer that is read every 10 ms.
const origin = uint32(1<<32 - 9600) // of the timestamps: they wrap after 1.2 s

type desk struct {
	buf   jitterBuffer
	seq   sequence
	ptime int     // samples in a packet
	ppm   float64 // the sender's clock against ours
	phase float64 // ms between our tick and the sender's first packet
	loss  float64
	copy  float64
	wire  func(packet int) float64 // transit, ms

	verdicts [inserted + 1]int
	delays   []float64 // ms from the sampling of a frame's first sample to the tick that plays it
}

func (d *desk) run(seconds int, rng *rand.Rand) {
	type arrival struct {
		at     float64
		seq    uint16
		stamp  uint32
		packet int
	}
	interval := float64(d.ptime) / samplesPerMs / (1 + d.ppm/1e6)
	var queue []arrival
	next := 0
	sound := make([]int16, d.ptime)
	frame := make([]int16, frameSamples)
	for tick := range seconds * 100 {
		now := float64(tick) * 10
		for {
			sent := d.phase + float64(next+1)*interval
			if sent > now {
				break
			}
			copies := 1
			if rng.Float64() < d.loss {
				copies = 0
			} else if rng.Float64() < d.copy {
				copies = 2
			}
			for range copies {
				queue = append(queue, arrival{sent + d.wire(next), uint16(next + 65000), origin + uint32(next*d.ptime), next})
			}
			next++
		}
		slices.SortStableFunc(queue, func(a, b arrival) int { return int((a.at - b.at) * 1000) })
		for len(queue) > 0 && queue[0].at <= now {
			p := queue[0]
			queue = queue[1:]
			o, _ := d.seq.accept(1, p.seq)
			if o != inOrder && o != reordered {
				continue
			}
			for i := range sound {
				sound[i] = int16(p.packet % quiet) // quiet enough for corrections at any time
			}
			d.buf.put(p.stamp, sound, o == inOrder)
		}
		v := d.buf.take(frame)
		d.verdicts[v]++
		if v == played {
			from := d.buf.play - frameSamples - origin
			sampled := d.phase + float64(from)/samplesPerMs/(1+d.ppm/1e6)
			d.delays = append(d.delays, now-sampled)
		}
	}
}

func (d *desk) lastDelay(n int) (mean float64) {
	tail := d.delays[max(0, len(d.delays)-n):]
	for _, v := range tail {
		mean += v / float64(len(tail))
	}
	return mean
}

func steady(ms float64) func(int) float64 { return func(int) float64 { return ms } }

// On a clean network the buffer adds nothing to packetisation and the wait for the next tick.
func TestJitterCleanNetworkAddsNoDelay(t *testing.T) {
	for _, ptime := range []int{80, 160, 240, 320, 480} {
		for _, phase := range []float64{0.5, 3, 7, 9.5} {
			d := desk{ptime: ptime, phase: phase, wire: steady(0)}
			d.run(60, rand.New(rand.NewPCG(1, 1)))
			if n := d.verdicts[lost] + d.verdicts[starved]; n > 0 || d.buf.dropped > 0 {
				t.Errorf("ptime %d phase %.1f: %v, dropped %d", ptime/8, phase, d.verdicts, d.buf.dropped)
			}
			// 10 ms packets wait once to have the least target, 20 ms.
			least := max(float64(ptime)/samplesPerMs, 20)
			if got := d.lastDelay(100); got < least || got > least+10 {
				t.Errorf("ptime %d phase %.1f: delay %.1f ms, want %.0f to %.0f", ptime/8, phase, got, least, least+10)
			}
			if start := d.delays[0]; start > least+10 {
				t.Errorf("ptime %d phase %.1f: first sound after %.1f ms", ptime/8, phase, start)
			}
		}
	}
}

func TestJitterMatrix(t *testing.T) {
	uniform := func(ms float64) func(rng *rand.Rand) func(int) float64 {
		return func(rng *rand.Rand) func(int) float64 {
			return func(int) float64 { return rng.Float64() * ms }
		}
	}
	still := func(*rand.Rand) func(int) float64 { return steady(1) }
	tests := []struct {
		name      string
		wire      func(*rand.Rand) func(int) float64
		loss      float64
		copy      float64
		ppm       float64
		concealed float64 // share of ticks, at most, after the losses themselves
		delay     float64 // ms at the end, at most
	}{
		{"jitter 5 ms", uniform(5), 0, 0, 0, 0.001, 50},
		{"jitter 20 ms", uniform(20), 0, 0, 0, 0.005, 70},
		{"jitter 40 ms, reorders", uniform(40), 0, 0, 0, 0.01, 90},
		{"jitter 100 ms, reorders", uniform(100), 0, 0, 0, 0.02, 160},
		{"loss 5 %", still, 0.05, 0, 0, 0.001, 40},
		{"duplicates 20 %", still, 0, 0.2, 0, 0.001, 40},
		{"loss, jitter and duplicates", uniform(20), 0.03, 0.1, 0, 0.01, 80},
		{"skew and jitter", uniform(20), 0, 0, 100, 0.01, 80},
		{"a stall of 80 ms each 10 s", func(*rand.Rand) func(int) float64 {
			return func(n int) float64 {
				if in := n % 500; in > 20 && in < 25 {
					return float64(25-in) * 20
				}
				return 1
			}
		}, 0, 0, 0, 0.01, 130},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			d := desk{ptime: 160, phase: 3, loss: tt.loss, copy: tt.copy, ppm: tt.ppm, wire: tt.wire(rng)}
			const seconds = 300
			d.run(seconds, rng)
			ticks := float64(seconds * 100)
			concealed := float64(d.verdicts[lost]+d.verdicts[starved])/ticks - tt.loss
			t.Logf("delay %.1f ms, concealed %.2f %% beyond the loss, doubled %d, dropped %d, late %d, target %d ms",
				d.lastDelay(1000), 100*concealed, d.buf.doubled, d.buf.dropped, d.buf.late, d.buf.target()*10)
			if concealed > tt.concealed+0.005 {
				t.Errorf("concealed %.2f %% of the ticks beyond the loss", 100*concealed)
			}
			if got := d.lastDelay(1000); got > tt.delay {
				t.Errorf("delay %.1f ms, want at most %.0f", got, tt.delay)
			}
		})
	}
}

// An hour with clocks that disagree: the delay does not grow, and the corrections are what the skew costs and no more:
// 200 ppm are 720 ms in an hour, 72 frames.
func TestJitterClockSkewForAnHour(t *testing.T) {
	seconds := 3600
	if testing.Short() {
		seconds = 600
	}
	for _, ppm := range []float64{-200, 200} {
		d := desk{ptime: 160, phase: 4, ppm: ppm, wire: steady(1)}
		d.run(seconds, rand.New(rand.NewPCG(3, 3)))
		slips := int(d.buf.doubled+d.buf.dropped+d.buf.discarded) + d.verdicts[starved]
		ideal := int(abs(ppm) * float64(seconds) / 1e4)
		early, end := mean(d.delays[1000:7000]), d.lastDelay(6000)
		t.Logf("%+.0f ppm: delay %.1f ms at the start, %.1f at the end; doubled %d, dropped %d, starved %d (the skew itself: %d frames)",
			ppm, early, end, d.buf.doubled, d.buf.dropped, d.verdicts[starved], ideal)
		if slips > ideal+8 {
			t.Errorf("%+.0f ppm: %d slips, the skew itself is %d", ppm, slips, ideal)
		}
		if end > 50 {
			t.Errorf("%+.0f ppm: delay %.1f ms at the end", ppm, end)
		}
		if d.verdicts[starved] > 3 { // corrections are made where it is quiet, not where a word breaks
			t.Errorf("%+.0f ppm: %d underruns", ppm, d.verdicts[starved])
		}
		if n := d.verdicts[lost] + int(d.buf.late+d.buf.discarded); n > 0 {
			t.Errorf("%+.0f ppm: %d frames lost", ppm, n)
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// The network stands still once and then gives all at once. A stall that the buffer can cover is covered for some
// seconds; a longer one is forgotten at once.
func TestJitterStall(t *testing.T) {
	tests := []struct {
		name          string
		stall         int     // packets
		after, at     float64 // mean delay in the second after it, ms: at least, at most
		target        int     // frames, right after it
		end           float64 // at most, 12 s later
		gone, dropped bool    // sound was given up; sound was shortened
	}{
		{"40 ms", 3, 60, 100, 2 + 4, 40, false, true},
		{"140 ms", 8, 140, 200, 2 + 14, 40, false, true},
		{"280 ms", 15, 20, 60, 2, 40, true, false},
		{"480 ms", 25, 20, 60, 2, 40, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const stalled = 500 // packet 500, 10 s
			run := func(seconds int) *desk {
				d := &desk{ptime: 160, phase: 3, wire: func(n int) float64 {
					if n > stalled-tt.stall && n <= stalled {
						return float64(stalled-n)*20 + 1
					}
					return 1
				}}
				d.run(seconds, rand.New(rand.NewPCG(1, 1)))
				return d
			}
			d := run(12)
			if got := d.lastDelay(100); got < tt.after || got > tt.at {
				t.Errorf("delay %.1f ms after the stall, want %.0f to %.0f", got, tt.after, tt.at)
			}
			if got := d.buf.target(); got < tt.target-1 || got > tt.target+1 {
				t.Errorf("target %d frames after the stall, want %d", got, tt.target)
			}
			d = run(25)
			if got := d.lastDelay(100); got > tt.end {
				t.Errorf("delay %.1f ms 15 s later", got)
			}
			if gone := d.buf.discarded > 0 || d.verdicts[starved] > 40; gone != tt.gone || (d.buf.dropped > 0) != tt.dropped {
				t.Errorf("discarded %d, starved %d, dropped %d", d.buf.discarded, d.verdicts[starved], d.buf.dropped)
			}
		})
	}
}

// We stand still ourselves: the codec stalls, the packets do not. Afterwards the sound is live.
func TestJitterOwnStall(t *testing.T) {
	for _, packets := range []int{5, 12, 20, 40, 60} {
		var b jitterBuffer
		sound, frame := make([]int16, 160), make([]int16, frameSamples)
		stamp := uint32(0)
		put := func() {
			b.put(stamp, sound, true)
			stamp += 160
		}
		for range 500 {
			put()
			b.take(frame)
			b.take(frame)
		}
		for range packets {
			put()
		}
		sounded := 0
		for range 600 {
			put()
			for range 2 {
				if b.take(frame) == played {
					sounded++
				}
			}
		}
		if ms := b.depth() / samplesPerMs; ms > 40 || sounded < 1190 {
			t.Errorf("%d packets at once: %d ms buffered 12 s later, %d of 1200 frames played", packets, ms, sounded)
		}
	}
}
