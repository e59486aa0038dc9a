package media

// The jitter buffer's limits, in frames of 10 ms unless said otherwise.
const (
	minTarget    = 2
	maxTarget    = 20
	maxAhead     = 30 * frameSamples // a timestamp farther ahead than this is a leap, not a gap
	maxPacket    = 20 * frameSamples
	slackWindow  = 400   // 4 s: half of what the controller remembers
	underrunPair = 30000 // two underruns within 5 min ask for a frame in reserve
	patience     = 200   // how long a correction waits for a quiet moment
	haste        = 30    // the same when the surplus is 50 ms or more
	quiet        = 200   // mean magnitude under which a frame may be doubled or dropped: about -37 dBm0
)

// verdict says what a tick got out of the buffer.
type verdict uint8

const (
	silent   verdict = iota // no source yet
	played                  // the frame holds sound
	lost                    // it will not come: conceal, later sound is here
	starved                 // nothing is here: conceal, it may be late
	inserted                // sound is here, but the delay must grow by a frame: conceal once
)

// jitterBuffer turns packets that come when they like into one frame a tick. It is a ring of samples indexed by RTP
// timestamp, so order and packet length do not matter, and it is the playout clock.
//
// The delay is not planned but found. Playing starts with the first packet. When nothing is there at a tick, the clock
// is held and the gap concealed; the next packet tells what it was. If its timestamp skips what was concealed, a packet
// was lost and the clock skips with it. If it does not, the packet was late, and the delay has just grown by exactly
// its lateness. So loss never adds delay, and each record of lateness costs one concealment.
//
// The way back: slack is how many frames are still waiting when a packet arrives. Over the last 4 to 8 s its spread is
// the jitter that must be covered:
//
//	target  = packet + spread (+ one in reserve, once two underruns came within 5 min), 20 to 200 ms
//	current = packet + largest slack
//
// More than the target: a quiet frame is dropped. Less: a quiet frame is doubled, before an underrun does it in the
// middle of a word. Clock skew shows up as slack that drifts, and is absorbed in the same way.
type jitterBuffer struct {
	ring

	started bool
	play    uint32 // timestamp of the next sample to play
	high    uint32 // end of the newest packet
	wait    int    // frames still to wait before playing starts
	held    int    // frames concealed since the clock stands still
	packet  int    // frames in a packet, rounded up
	join    bool   // cut what is queued down to the target at the next tick

	now, old     slackRange
	age          int // ticks of now
	guard        int // the frame in reserve
	tick         uint32
	lastUnderrun uint32
	wanting      int // ticks that a correction has waited

	// since the beginning
	late, discarded, doubled, dropped uint32
}

// slackRange is the smallest and largest slack seen in a while, in frames.
type slackRange struct {
	min, max int
	some     bool
}

func (r *slackRange) add(slack int) {
	if !r.some {
		*r = slackRange{slack, slack, true}
		return
	}
	r.min, r.max = min(r.min, slack), max(r.max, slack)
}

func (r *slackRange) shift(frames int) { r.min, r.max = r.min+frames, r.max+frames }

// restart forgets the timestamps of a source that is gone. What was learnt of the network stays.
func (b *jitterBuffer) restart() { b.started = false }

// catchUp makes the next tick play the newest sound: the queue is stale.
func (b *jitterBuffer) catchUp() { b.join = true }

// put stores a packet. late tells that it was too late to be of use. newest is false for a packet that was overtaken.
func (b *jitterBuffer) put(timestamp uint32, sound []int16, newest bool) (late bool) {
	n := len(sound)
	if n == 0 || n > maxPacket {
		return false
	}
	ahead := int32(timestamp - b.play)
	switch {
	case !b.started && !newest:
		return true
	case !b.started:
		b.anchor(timestamp, n)
	case newest && b.held > 0 && ahead >= 0:
		b.resume(int(ahead)/frameSamples, timestamp, n)
	case newest && ahead > maxAhead && timestamp-b.high <= maxAhead:
		// One burst after a stall of our own: only its end is of use.
		b.discard(int(ahead-maxAhead)/frameSamples + 1)
		b.catchUp()
	case newest && (ahead < 0 || ahead > maxAhead):
		// The clock never passes the newest sample, so this is a source that changed its mind about the time.
		b.anchor(timestamp, n)
	case !newest && ahead > maxAhead:
		return true
	}
	b.packet = (n + frameSamples - 1) / frameSamples
	ahead = int32(timestamp - b.play)
	slack := int(ahead) / frameSamples
	if ahead < 0 {
		slack = -int(-ahead+frameSamples-1) / frameSamples
	}
	if slack >= -maxTarget {
		b.now.add(slack + b.wait)
	}
	if ahead < 0 {
		b.underrun()
		if -int(ahead) >= n {
			b.late++
			return true
		}
		sound, timestamp = sound[-ahead:], b.play // the end of it is still to be played
	}
	b.store(timestamp, sound)
	if end := timestamp + uint32(len(sound)); int32(end-b.high) > 0 {
		b.high = end
	}
	return false
}

// anchor begins playing with this packet, after the wait that makes it the target's delay.
func (b *jitterBuffer) anchor(timestamp uint32, n int) {
	b.wait = max(0, b.target()-(n+frameSamples-1)/frameSamples)
	b.empty()
	b.started, b.play, b.high, b.held = true, timestamp, timestamp, 0
	b.now, b.old, b.age = slackRange{}, slackRange{}, 0
}

// resume decides what the frames were for which the clock stood still; see the type.
func (b *jitterBuffer) resume(gap int, timestamp uint32, n int) {
	skip := min(gap, b.held)
	growth := b.held - skip
	b.play += uint32(skip * frameSamples)
	b.held = 0
	switch {
	case int32(timestamp-b.play) > maxAhead:
		b.anchor(timestamp, n)
	case growth > maxTarget:
		// Longer than any delay that we would hold: a stall or a pause. What follows in one burst is stale.
		b.anchor(timestamp, n)
		b.wait = 0
		b.catchUp()
	case growth > 0:
		b.shift(growth)
		b.underrun()
	}
}

func (b *jitterBuffer) underrun() {
	if b.lastUnderrun != 0 && b.tick-b.lastUnderrun < underrunPair {
		b.guard = 1
	}
	b.lastUnderrun = max(b.tick, 1)
}

// shift tells the memory of slack that the delay has changed.
func (b *jitterBuffer) shift(frames int) {
	b.now.shift(frames)
	b.old.shift(frames)
}

// slack is the range over the remembered time.
func (b *jitterBuffer) slack() slackRange {
	r := b.now
	if b.old.some {
		r.add(b.old.min)
		r.add(b.old.max)
	}
	return r
}

// target is the delay wanted, in frames, counted as what is buffered when an undelayed packet arrives, itself included.
func (b *jitterBuffer) target() int {
	r := b.slack()
	return min(max(b.packet+r.max-r.min+b.guard, minTarget), maxTarget)
}

// surplus is the present delay over the target, in frames; negative when it is too short.
func (b *jitterBuffer) surplus() int {
	r := b.slack()
	if !r.some {
		return 0
	}
	return b.packet + r.max - b.target()
}

// depth is what waits to be played, in samples, gaps included.
func (b *jitterBuffer) depth() int {
	if !b.started {
		return 0
	}
	return int(int32(b.high - b.play))
}

// take gives the frame of this tick. The frame is written when the verdict is played.
func (b *jitterBuffer) take(frame []int16) verdict {
	b.tick++
	if !b.started {
		return silent
	}
	b.bound()
	if b.age++; b.age >= slackWindow {
		if b.now.some {
			b.old = b.now
		}
		b.now, b.age = slackRange{}, 0
	}
	if b.wait > 0 {
		b.wait--
		return inserted
	}
	frame = frame[:frameSamples]
	switch {
	case b.holds(b.play):
		return b.next(frame)
	case b.depth() >= frameSamples:
		b.skip(1)
		return lost
	}
	b.held++
	return starved
}

// next plays what is there, or corrects the delay by one frame if this is the moment.
func (b *jitterBuffer) next(frame []int16) verdict {
	b.copyOut(frame, b.play)
	surplus := b.surplus()
	longer, shorter := surplus < 0, surplus >= 2-b.guard
	if !longer && !shorter {
		b.wanting = 0
		b.skip(1)
		return played
	}
	b.wanting++
	hurry := b.wanting > patience || surplus >= 5 && b.wanting > haste
	if hurry || magnitude(frame) < quiet {
		switch {
		case longer:
			b.wanting = 0
			b.doubled++
			b.shift(1)
			return inserted
		case b.holds(b.play + frameSamples):
			b.wanting = 0
			b.dropped++
			b.crossfade(frame, b.play+frameSamples)
			b.skip(2)
			b.shift(-1)
			return played
		}
	}
	b.skip(1)
	return played
}

// bound keeps the delay under its limit and, after catchUp, cuts it down to the least.
func (b *jitterBuffer) bound() {
	keep, limit := b.target(), maxTarget+b.packet
	if b.join {
		b.join = false
		keep = max(b.packet, minTarget)
		limit = keep
		b.now, b.old, b.age = slackRange{}, slackRange{}, 0
	}
	if b.depth() > limit*frameSamples {
		b.discard((b.depth() - keep*frameSamples + frameSamples - 1) / frameSamples)
	}
}

// discard gives up the oldest frames.
func (b *jitterBuffer) discard(frames int) {
	b.discarded += uint32(frames)
	b.skip(frames)
	b.shift(-frames)
	b.held = 0
}

func (b *jitterBuffer) skip(frames int) {
	n := frames * frameSamples
	b.forget(b.play, n)
	b.play += uint32(n)
}

// crossfade leads the frame over to the one at timestamp: the two become one.
func (b *jitterBuffer) crossfade(frame []int16, timestamp uint32) {
	for i := range frame {
		next := int32(b.sample[(timestamp+uint32(i))%ringSamples])
		frame[i] = int16((int32(frame[i])*int32(frameSamples-i) + next*int32(i)) / frameSamples)
	}
}
