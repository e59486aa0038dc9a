package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tipring/board"
)

// Heard is what the ear hears.
type Heard struct {
	// Name is "silence", "ring", "speech", "tone", or the name of a tone that
	// the ear knows by its frequencies and its cadence.
	Name string
	// Hz are the frequencies of a tone, rising.
	Hz []float64
	// Level is the power in dBm0 while the sound is on.
	Level float64
	// Since is when the sound began, to the sample: the first pulse of a
	// cadence, as far back as the ear remembers (8 s).
	Since time.Time
	// Cadence is on and off times in ms, as measured: "350/350". It is empty
	// for a continuous sound.
	Cadence string
	// Sure is false while another tone that the ear knows could still begin
	// like this: a dial tone is sure when it is longer than a ringing pulse.
	Sure bool

	also []string // names that have the same frequencies and cadence
}

// Is tells whether the sound has a name: its own, or that of a tone which the
// country gives the same frequencies and cadence.
func (h Heard) Is(name string) bool { return h.Name == name || slices.Contains(h.also, name) }

// String is like "tone 1004 Hz -16.0 dBm0", "dial 350+440 Hz -10.1 dBm0",
// "speech -20.3 dBm0", "silence", "ring".
func (h Heard) String() string {
	switch {
	case h.Name == "silence" || h.Name == "ring" || h.Name == "call":
		return h.Name
	case len(h.Hz) == 0:
		return fmt.Sprintf("%s %.1f dBm0", h.Name, h.Level)
	}
	var hz []string
	for _, f := range h.Hz {
		hz = append(hz, strconv.Itoa(int(math.Round(f))))
	}
	return fmt.Sprintf("%s %s Hz %.1f dBm0", h.Name, strings.Join(hz, "+"), h.Level)
}

// ear judges the samples that reached the handset, when it is asked to.
type ear struct {
	names *names

	mu   sync.Mutex
	scan scan
	from int64 // the tape's beginning that the scan belongs to
	news []int16
}

// Hears names what the ear hears now.
func (p *Phone) Hears() Heard {
	h, _ := p.listen(0)
	return h
}

// listen gives what is heard now, and all runs of sound and silence since the
// handset was lifted that ended after sample after.
func (p *Phone) listen(after int64) (Heard, []run) {
	e, l := &p.ear, p.line
	e.mu.Lock()
	defer e.mu.Unlock()
	l.mu.Lock()
	now := time.Now()
	switch {
	case !l.bell.since.IsZero():
		since := l.bell.since
		l.mu.Unlock()
		return Heard{Name: "ring", Since: since, Sure: true}, nil
	case !l.inHand:
		l.mu.Unlock()
		return Heard{Name: "silence", Since: now, Sure: true}, nil
	}
	end := l.horizon(now)
	e.catchUp(&l.heard, end)
	l.mu.Unlock()
	e.scan.feed(e.news)
	runs := e.scan.runs()
	h := e.names.judge(runs)
	h.Since = l.clk.at(h.since)
	for len(runs) > 0 && runs[0].to <= after {
		runs = runs[1:]
	}
	return h.Heard, runs
}

// catchUp copies the samples that the scan has not had, up to end.
func (e *ear) catchUp(t *tape, end int64) {
	// Lifting the handset, and falling far behind, start the scan anew.
	if t.lifted != e.from || e.scan.need() < end-memory {
		e.from = t.lifted
		e.scan.begin(max(t.lifted, end-memory))
		e.scan.sets = e.names.sets
	}
	n := max(end-e.scan.need(), 0)
	e.news = slices.Grow(e.news[:0], int(n))[:n]
	t.read(e.news, e.scan.need())
}

// horizon is the sample up to which it is certain what the ear hears. While
// the codec runs, the agent may be a little late with the frame of now.
func (l *line) horizon(now time.Time) int64 {
	i := l.clk.index(now)
	if !l.on || l.stalled || l.feed == board.FeedOff || l.played >= i || i-l.played > 4*board.FrameSamples {
		return i
	}
	return max(l.played, l.heard.lifted)
}

// Record blocks for d and returns what was on the line meanwhile, with the
// handset down, too: what the display is told. It returns less where the board
// is closed meanwhile.
func (p *Phone) Record(d time.Duration) []int16 {
	l := p.line
	l.mu.Lock()
	l.taps++
	from := l.clk.index(time.Now())
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.taps--
		l.mu.Unlock()
	}()
	to := from + samples(d)
	var pcm []int16
	for at := from; at < to; {
		end := min(at+8000, to)
		p.sleep(time.Until(l.clk.at(end)))
		for range 4 { // the agent may be a little late with the last frame
			l.mu.Lock()
			late := l.horizon(time.Now()) < end && !l.closed
			l.mu.Unlock()
			if !late {
				break
			}
			p.sleep(board.FrameTime)
		}
		if l.isClosed() {
			break
		}
		n := len(pcm)
		pcm = slices.Grow(pcm, int(end-at))[:n+int(end-at)]
		l.mu.Lock()
		l.heard.read(pcm[n:], at)
		l.mu.Unlock()
		at = end
	}
	return pcm
}
