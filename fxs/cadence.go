package fxs

import "time"

// ringer walks through one alerting:
//
//	before ringing:  prelude -> data -> burst, pause, burst, pause ...
//	after ringing:              burst, pause -> data, burst, pause ...
//	after RingMax:              silent
//
// Steps follow each other by their own times, so that a late caller does not stretch the cadence.
type ringer struct {
	phase   ringPhase
	cadence []time.Duration
	step    int       // in cadence; even: burst, odd: pause
	next    time.Time // end of this phase
	resume  time.Time // data in a pause: end of the pause
	ends    time.Time // RingMax
	id      *CallerIDBurst
	before  bool // id goes before the first ring
	flipped bool // by reversed polarity until then
}

type ringPhase uint8

const (
	ringPrelude ringPhase = iota // before ringing: the codec starts, the polarity turns
	ringData
	ringBurst
	ringPause
	ringSilent
)

// start begins an alerting. id may be nil.
func (r *ringer) start(at time.Time, c *Country, id *CallerIDBurst, limit time.Duration) {
	*r = ringer{cadence: c.cadence, ends: at.Add(limit), id: id}
	if id != nil && c.CallerID.BeforeRing {
		r.before, r.flipped = true, c.CallerID.Reversal
		r.phase, r.next = ringPrelude, at.Add(cidPrelude)
		return
	}
	if id != nil {
		longest := time.Duration(0)
		for i := 1; i < len(r.cadence); i += 2 {
			longest = max(longest, r.cadence[i])
		}
		if !id.fit(longest - cidAfterRing - cidBeforeNext) {
			r.id = nil // no pause of this country is long enough
		}
	}
	r.burst(at, 0)
}

func (r *ringer) burst(at time.Time, step int) {
	r.step, r.phase = step, ringBurst
	r.next = at.Add(r.cadence[step])
}

// pause begins the pause after a burst; if the caller is still to be told, its middle may be the place.
func (r *ringer) pause(at time.Time) {
	r.step++
	r.phase = ringPause
	r.resume = at.Add(r.cadence[r.step])
	r.next = r.resume
	if r.id != nil && r.cadence[r.step] > cidAfterRing {
		r.next = at.Add(cidAfterRing)
	}
}

func (r *ringer) deadline() time.Time {
	if r.phase == ringSilent {
		return time.Time{}
	}
	return first(r.next, r.ends)
}

// fire is to be called when the deadline at has come; now is later if the caller is late.
func (r *ringer) fire(at, now time.Time) {
	if !r.ends.After(at) {
		*r = ringer{phase: ringSilent}
		return
	}
	switch r.phase {
	case ringPrelude: // data is sent when it is said, not when it should have been
		r.phase = ringData
		r.next = now.Add(r.id.Duration() + cidToRing)
	case ringData:
		r.id = nil
		if r.before {
			r.burst(at, 0)
			return
		}
		r.again(at)
	case ringBurst:
		r.pause(at)
	case ringPause:
		if at.Before(r.resume) {
			if r.next = r.resume; !now.Add(r.id.Duration() + cidBeforeNext).After(r.resume) {
				r.phase = ringData
			} // else the pause is too short, or it is too late; the next one will do
			return
		}
		r.again(at)
	}
}

func (r *ringer) again(at time.Time) { r.burst(at, (r.step+1)%len(r.cadence)) }

// feed is what the ringer wants on the wires.
func (r *ringer) feed() Feed {
	switch {
	case r.phase == ringBurst:
		return FeedRinging
	case r.flipped && r.phase <= ringData:
		return FeedReversed
	}
	return FeedActive
}

// data is the burst that is on the wires now.
func (r *ringer) data() *CallerIDBurst {
	if r.phase == ringData {
		return r.id
	}
	return nil
}
