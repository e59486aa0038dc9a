package sipua

import (
	"math/rand/v2"
	"time"
)

// Timers of RFC 3261 17.1.1.1 and table 4, over UDP.
const (
	t1        = 500 * time.Millisecond // round trip
	t2        = 4 * time.Second        // longest pause between repeats
	t4        = 5 * time.Second        // longest life of a datagram in the network
	timeout64 = 64 * t1                // timers B, D, F, H, J, L, M
)

// Timers of ours; the reasons stand beside them.
const (
	quickTimeout  = 4 * time.Second        // instead of timer B or F while another server can be tried: four sends
	probeTimeout  = 3 * time.Second        // a heartbeat without an answer by then (three sends) is lost, the next goes out at once
	doubtTimeout  = 2 * time.Second        // and has less time: with three lost, a dead server is found out 7 s after the first
	holdDown      = time.Minute            // a preferred server must be well for that long before we go home to it
	penalty       = time.Minute            // without heartbeats, a dead server is believed again after this
	reofferLimit  = 10 * time.Second       // the owner must answer a Reoffered session by then, or it is refused
	offerLimit    = 5 * time.Minute        // and an Incoming call, whose telephone should have given up long before
	keepRinging   = time.Minute            // RFC 3261 13.3.1.1: repeat 180 so that no proxy gives up
	resolveEvery  = 5 * time.Minute        // names are looked up again; net.Resolver tells no TTL
	moveSpread    = 500 * time.Millisecond // telephones of one box do not all move to another server in one burst
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
	firstSeq      = 1 // CSeq of the first request of a registration or dialog is the one after
)

// earliest of two deadlines; zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due tells whether a deadline has come.
func due(now, deadline time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// spread draws from [low, high).
func spread(r *rand.Rand, low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.Int64N(int64(high-low)))
}
