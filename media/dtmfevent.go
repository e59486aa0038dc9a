package media

// Telephone-events (RFC 4733), 8000 Hz. The payload is
//
//	 0                   1                   2                   3
//	|     event     |E|R| volume    |          duration             |
const (
	eventSize    = 4
	endBit       = 0x80
	eventMin     = 50 * samplesPerMs  // a digit that goes out is at least this long: Q.24 receivers need 40 ms
	playMin      = 70 * samplesPerMs  // a digit that we play to the line, and the pause after it
	playGrace    = 100 * samplesPerMs // without updates (each 20 or 50 ms) and without an end, a digit stops
	eventRepeats = 3                  // RFC 4733 2.5.1.4: the end is sent three times
	eventBacklog = 16
	keyedBacklog = 4
	eventSegment = 0xFFFF // RFC 4733 2.5.1.3: a longer event goes on in another segment
	eventAncient = 60 * 1000 * samplesPerMs
)

// eventSender turns keys into the packets of RFC 4733 2.5: marker on the first, one timestamp for all, a growing
// duration, and the end three times. It is asked once in a packet time and takes the place of the sound.
//
//	       press             release and eventMin over        third end
//	idle ─────────▶ sounding ───────────────────────▶ ending ──────────▶ idle, or the next key at once
type eventSender struct {
	queue [keyedBacklog]keyed // queue[0] is on the wire
	n     int
	begun bool // the marker is out
	ends  int  // how often the end was sent
}

type keyed struct {
	code, volume uint8
	held         bool
	stamp, end   uint32 // the tone's first sample, and the one after its last
	told         uint32 // end as told by the last packet
}

func (e *eventSender) busy() bool { return e.n > 0 }

// press notes a key whose tone began at stamp. A key that is still held is released by it.
func (e *eventSender) press(code, volume uint8, stamp uint32) bool {
	e.release(stamp)
	if e.n == len(e.queue) {
		return false
	}
	e.queue[e.n] = keyed{code: code, volume: volume, held: true, stamp: stamp, told: stamp}
	e.n++
	return true
}

// release notes that the tone of the newest key ended at stamp. That is known some time later, when the packets have
// told of more already; a duration never shrinks.
func (e *eventSender) release(stamp uint32) {
	if e.n == 0 {
		return
	}
	k := &e.queue[e.n-1]
	if k.held {
		k.held = false
		k.end = k.stamp + uint32(max(int32(stamp-k.stamp), int32(k.told-k.stamp), eventMin))
	}
}

// next writes the payload that is due in the packet whose last sample is at now. again asks for another call at once:
// the ends of a key whose successor is waiting, or the next segment of a long one.
func (e *eventSender) next(now uint32, payload []byte) (stamp uint32, marker, again bool) {
	k := &e.queue[0]
	over := !k.held && (int32(now-k.end) >= 0 || e.n > 1)
	reached := now
	if over {
		reached = k.end
	}
	duration := max(int32(reached-k.stamp), 0) // 0: the tone begins after this packet time
	full := duration > eventSegment
	if full {
		duration = eventSegment
	}
	payload[0], payload[1] = k.code, k.volume&0x3F
	payload[2], payload[3] = byte(duration>>8), byte(duration)
	stamp, marker = k.stamp, !e.begun
	e.begun = true
	k.told = stamp + uint32(duration)
	if full {
		k.stamp += eventSegment
		return stamp, marker, true
	}
	if !over {
		return stamp, marker, false
	}
	payload[1] |= endBit
	again = e.n > 1
	if e.ends++; e.ends == eventRepeats {
		copy(e.queue[:], e.queue[1:e.n])
		e.n--
		e.begun, e.ends = false, 0
	}
	return stamp, marker, again
}

// eventReceiver turns event packets into digits for the line. An event is known by its timestamp, never by the marker
// (which may be lost) and never by its end (which comes three times).
type eventReceiver struct {
	queue [eventBacklog]heard // queue[0] is being played
	n     int

	known   bool
	current heard // the newest event; its twin in the queue is updated while it is there
	stamp   uint32
	before  uint32 // duration of the segments before this one

	done  uint32 // samples of queue[0] played
	pause int    // samples of silence still to come
}

type heard struct {
	code     uint8
	ended    bool
	duration uint32
	serial   uint32
}

// forget is for a new source: its timestamps have nothing to do with the old ones.
func (e *eventReceiver) forget() { e.known = false }

// drop forgets the digits that are to be played, but not which were heard: their repeated ends start nothing.
func (e *eventReceiver) drop() { e.n, e.done, e.pause = 0, 0, 0 }

// packet takes the payload of an event packet. It reports whether this began a digit; ok is false for what cannot be
// played: short payloads, events that are no digit, timestamps of the past, a full backlog.
func (e *eventReceiver) packet(stamp uint32, payload []byte) (began, ok bool) {
	if len(payload) < eventSize || payload[0] >= uint8(len(keypad)) {
		return false, false
	}
	code, ended := payload[0], payload[1]&endBit != 0
	duration := uint32(payload[2])<<8 | uint32(payload[3])
	c := &e.current
	age := int32(e.stamp - stamp)
	switch {
	case e.known && age == 0:
		if c.code != code {
			return false, false
		}
		if !c.ended {
			c.duration = max(c.duration, e.before+duration)
			c.ended = ended
			e.update()
		}
		return false, true
	case e.known && !c.ended && c.code == code && e.continues(stamp):
		e.before += stamp - e.stamp
		e.stamp = stamp
		c.duration = e.before + duration
		c.ended = ended
		e.update()
		return false, true
	case e.known && age > 0 && age < eventAncient:
		return false, true // an end repeated, or overtaken
	}
	if e.known && !c.ended { // its end was lost
		c.ended = true
		e.update()
	}
	e.known, e.stamp, e.before = true, stamp, 0
	*c = heard{code: code, ended: ended, duration: duration, serial: c.serial + 1}
	if e.n == len(e.queue) {
		return false, false
	}
	e.queue[e.n] = *c
	e.n++
	return true, true
}

// continues tells the next segment of a long event (RFC 4733 2.5.1.3), also when the packet that filled the one before
// was lost.
func (e *eventReceiver) continues(stamp uint32) bool {
	step := stamp - e.stamp
	return step == eventSegment || step > 0 && step == e.current.duration-e.before
}

func (e *eventReceiver) update() {
	if e.n > 0 && e.queue[e.n-1].serial == e.current.serial {
		e.queue[e.n-1] = e.current
	}
}

// tick says what the line must hear for the next frame: a digit's tone, or the pause between two (sounding false,
// active true), or nothing of ours.
func (e *eventReceiver) tick() (digit byte, sounding, active bool) {
	if e.pause > 0 {
		e.pause -= frameSamples
		return 0, false, e.n > 0
	}
	if e.n == 0 {
		return 0, false, false
	}
	q := &e.queue[0]
	enough := q.duration
	if !q.ended {
		enough += playGrace
	}
	if e.done >= max(enough, playMin) {
		copy(e.queue[:], e.queue[1:e.n])
		e.n--
		e.done, e.pause = 0, playMin-frameSamples
		return 0, false, e.n > 0
	}
	e.done += frameSamples
	return keypad[q.code], true, true
}
