package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tipring/board"
)

// ErrOnHook is returned where the handset must be lifted and is not, or goes
// down in the middle.
var ErrOnHook = errors.New("the handset is on the hook")

const (
	digitOn    = 800 // samples: 100 ms
	digitOff   = 800
	comma      = 8000 // samples: ',' is a pause of 1 s
	digitLow   = -9   // dBm0
	digitHigh  = -7
	pulseBreak = 60 * time.Millisecond // 10 pulses a second
	pulseMake  = 40 * time.Millisecond
	pulseGap   = 800 * time.Millisecond
	flashTime  = 100 * time.Millisecond
)

// Phone is the telephone on a port. One person uses it: its hand (Lift, Dial
// and so on) is for one goroutine at a time, its ear, bell and display for any.
type Phone struct {
	line   *line
	bounce time.Duration
	rand   *rand.Rand
	free   int64 // sample from which the next digit may be sent
	speak  int64 // sample from which the next Say may begin
	ear    ear
}

func (p *Phone) init(l *line, names *names, o Options) {
	p.line = l
	p.bounce = o.HookBounce
	p.rand = rand.New(rand.NewPCG(uint64(o.Seed), uint64(l.port)))
	p.ear.names = names
}

// Port is the number of the port that the telephone is on.
func (p *Phone) Port() int { return p.line.port }

// Lift takes the handset off the hook.
func (p *Phone) Lift() {
	if p.lay(true) {
		p.settle(true)
	}
}

// Hangup puts it back. What was being said or dialled ends.
func (p *Phone) Hangup() {
	if p.lay(false) {
		p.settle(false)
	}
}

// lay moves the handset, and says whether it was elsewhere before.
func (p *Phone) lay(inHand bool) bool {
	l := p.line
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.inHand == inHand {
		return false
	}
	now := time.Now()
	l.inHand = inHand
	if inHand {
		p.free, p.speak = 0, 0
		l.heard.rewind(l.clk.index(now))
	} else {
		l.mouth.cut(l.clk.index(now))
	}
	l.setLoop(now, inHand)
	return true
}

// settle lets the contacts bounce.
func (p *Phone) settle(closed bool) {
	for spent := time.Duration(0); spent < p.bounce; {
		step := 200*time.Microsecond + time.Duration(p.rand.Int64N(int64(2*time.Millisecond)))
		p.sleep(step)
		p.contact(!closed)
		step2 := 100*time.Microsecond + time.Duration(p.rand.Int64N(int64(time.Millisecond)))
		p.sleep(step2)
		p.contact(closed)
		spent += step + step2
	}
}

// contact opens or closes the loop without moving the handset.
func (p *Phone) contact(closed bool) {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	p.line.setLoop(time.Now(), closed)
}

// OffHook tells whether the handset is lifted.
func (p *Phone) OffHook() bool {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.line.inHand
}

// Feed is what the board puts on the wires.
func (p *Phone) Feed() board.Feed {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.line.feed
}

// Flash opens the loop for d (0: 100 ms) and blocks meanwhile. On the hook it
// does nothing.
func (p *Phone) Flash(d time.Duration) {
	if !p.OffHook() {
		return
	}
	if d <= 0 {
		d = flashTime
	}
	p.contact(false)
	p.sleep(d)
	l := p.line
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.heard.rewind(l.clk.index(now))
	l.setLoop(now, l.inHand)
}

// Dial sends DTMF digits (0-9 * # A-D, ',' is a pause of 1 s), 100 ms on and
// 100 ms off at -9 and -7 dBm0, and returns when the last one has been sent.
func (p *Phone) Dial(digits string) error {
	var sent []source
	at := int64(0)
	end := int64(0)
	for i := range len(digits) {
		if digits[i] == ',' {
			at += comma
			end = at
			continue
		}
		low, high, ok := dtmfPair(digits[i])
		if !ok {
			return fmt.Errorf("%w: cannot dial %q: a digit is one of 0-9 * # A-D, or ',' for a pause", ErrUsage, digits[i])
		}
		sent = append(sent, source{
			from: at, to: at + digitOn,
			wave: [2]wave{newWave(low, digitLow), newWave(high, digitHigh)},
		})
		end = at + digitOn
		at += digitOn + digitOff
	}
	l := p.line
	l.mu.Lock()
	if err := p.canSpeak(); err != nil {
		l.mu.Unlock()
		return err
	}
	start := max(l.clk.index(time.Now()), p.free)
	for _, s := range sent {
		s.from += start
		s.to += start
		l.mouth.add(s)
	}
	p.free = start + at
	l.mu.Unlock()
	return p.holdUntil(l.clk.at(start + end))
}

// canSpeak says why the mouthpiece leads nowhere. With the line's mu held.
func (p *Phone) canSpeak() error {
	switch {
	case p.line.closed:
		return board.ErrClosed
	case !p.line.inHand:
		return ErrOnHook
	}
	p.line.mouth.forget(p.line.clk.index(time.Now()) - backlog - board.FrameSamples)
	return nil
}

// Pulse dials with the loop: 10 pulses a second, 60 ms open and 40 ms closed,
// 800 ms between digits; '0' is ten pulses. It returns when the last pulse has
// been sent.
func (p *Phone) Pulse(digits string) error {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return fmt.Errorf("cannot pulse %q: a dial has only 0-9", digits[i])
		}
	}
	at := time.Now()
	for i := range len(digits) {
		n := int(digits[i] - '0')
		if n == 0 {
			n = 10
		}
		for range n {
			if err := p.holdUntil(at); err != nil {
				return err
			}
			p.contact(false)
			err := p.holdUntil(at.Add(pulseBreak))
			p.contact(p.OffHook())
			if err != nil {
				return err
			}
			at = at.Add(pulseBreak + pulseMake)
		}
		at = at.Add(pulseGap - pulseMake)
	}
	return nil
}

// Tone sends a sine of a level in dBm0 for d, or until the handset goes down
// where d is 0. It returns at once with the time of the first sample.
func (p *Phone) Tone(hz int, dBm0 float64, d time.Duration) (start time.Time, err error) {
	if hz < 1 || hz >= 4000 {
		return time.Time{}, fmt.Errorf("cannot send a tone of %d Hz: 1 to 3999 Hz fit into the line", hz)
	}
	length := samples(d)
	if d <= 0 {
		length = 1 << 62
	}
	l := p.line
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := p.canSpeak(); err != nil {
		return time.Time{}, err
	}
	from := l.clk.index(time.Now().Add(-1)) + 1
	l.mouth.add(source{from: from, to: from + length, wave: [2]wave{newWave(float64(hz), dBm0)}})
	return l.clk.at(from), nil
}

// Say sends samples (8 kHz), after what is being said. It returns at once with
// the time of the first sample. The samples must not change until they are sent.
func (p *Phone) Say(pcm []int16) (start time.Time, err error) {
	l := p.line
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := p.canSpeak(); err != nil {
		return time.Time{}, err
	}
	from := max(l.clk.index(time.Now().Add(-1))+1, p.speak)
	p.speak = from + int64(len(pcm))
	l.mouth.add(source{from: from, to: p.speak, pcm: pcm})
	return l.clk.at(from), nil
}

// Rings are the bursts of the bell, oldest first, the present one included.
func (p *Phone) Rings() []Burst {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.line.bell.all(time.Now())
}

// Codec counts what went through the port's codec.
func (p *Phone) Codec() Codec {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	return p.line.codec
}

// Stall stops the codec of the port from giving samples, and lets it go on.
func (p *Phone) Stall(on bool) { p.line.stall(on) }

// sleep waits, but not for a board that is closed.
func (p *Phone) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.line.done:
	}
}

// holdUntil waits until t with the handset lifted.
func (p *Phone) holdUntil(t time.Time) error {
	l := p.line
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	for {
		l.mu.Lock()
		closed, inHand, changed := l.closed, l.inHand, l.changed
		l.mu.Unlock()
		switch {
		case closed:
			return board.ErrClosed
		case !inHand:
			return ErrOnHook
		}
		select {
		case <-timer.C:
			return nil
		case <-changed:
		}
	}
}

// dtmfPair gives the two frequencies of a digit (ITU-T Q.23).
func dtmfPair(d byte) (low, high float64, ok bool) {
	for r, row := range dtmfRows {
		for c := range row {
			if row[c] == d {
				return dtmfLow[r], dtmfHigh[c], true
			}
		}
	}
	return 0, 0, false
}

var (
	dtmfRows = [4]string{"123A", "456B", "789C", "*0#D"}
	dtmfLow  = [4]float64{697, 770, 852, 941}
	dtmfHigh = [4]float64{1209, 1336, 1477, 1633}
)
