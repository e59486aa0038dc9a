package fxs

import "time"

// hook turns raw edges into what the contact really did. It keeps three opinions, each slower than the one before:
//
//	raw    the last edge
//	clean  raw, when it has held for the glitch time: contact bounce is gone
//	valid  clean, when it has held for the lift or hang-up time
//
// since is the edge's own time, so neither the filter nor a slow caller adds to the length of a break.
type hook struct {
	raw   bool // true: loop closed, off-hook
	edge  time.Time
	clean bool
	since time.Time
	valid bool
	hang  time.Duration
}

// hookChange is what due hook time brings.
type hookChange uint8

const (
	hookNothing hookChange = iota
	hookBreak              // the loop of an off-hook telephone opened: pulse, flash or hang-up, the next make will tell
	hookMake               // and closed again
	hookLift
	hookHang
)

// put takes a raw edge. It tells whether the loop really changed: some drivers repeat themselves.
func (h *hook) put(at time.Time, off bool) bool {
	if off == h.raw {
		return false
	}
	if at.Before(h.edge) {
		at = h.edge
	}
	h.raw, h.edge = off, at
	return true
}

// deadline: while the contact bounces, only the end of the bounce matters.
func (h *hook) deadline() time.Time {
	switch {
	case h.raw != h.clean:
		return h.edge.Add(glitch)
	case h.clean && !h.valid:
		return h.since.Add(liftMin)
	case !h.clean && h.valid:
		return h.since.Add(h.hang)
	}
	return time.Time{}
}

// open: the loop of a lifted telephone is open, or was so short a time ago that it is not known whether it is closed.
func (h *hook) open() bool { return h.valid && !(h.raw && h.clean) }

// fire is to be called when the deadline has come. open is the length of the break that a make ended.
func (h *hook) fire() (c hookChange, open time.Duration) {
	if h.raw != h.clean {
		was := h.since
		h.clean, h.since = h.raw, h.edge
		switch {
		case !h.valid:
			return hookNothing, 0
		case h.clean:
			return hookMake, h.since.Sub(was)
		}
		return hookBreak, 0
	}
	if h.valid = h.clean; h.valid {
		return hookLift, 0
	}
	return hookHang, 0
}

// blind forgets everything but the raw level, which counts from at on: the feed comes up, what was seen before means nothing.
func (h *hook) blind(at time.Time) {
	h.clean, h.valid = false, false
	h.edge, h.since = at, at
}
