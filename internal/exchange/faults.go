package exchange

import (
	"strconv"
	"time"
)

// faults of one SBC; the zero value is a healthy one.
type faults struct {
	mute        bool
	drop        int
	fail        map[string]failure
	staleBefore uint64
	minExpires  time.Duration
	maxExpires  time.Duration
	noQop       bool
	slow        time.Duration
}

type failure struct{ code, retryAfter int }

func (s *SBC) fault(set func(*faults)) {
	s.x.mu.Lock()
	defer s.x.mu.Unlock()
	set(&s.faults)
}

// Mute makes the SBC deaf and dumb, with its socket open: what a hung process does.
func (s *SBC) Mute(on bool) { s.fault(func(f *faults) { f.mute = on }) }

// DropNext loses the next n datagrams that come in.
func (s *SBC) DropNext(n int) { s.fault(func(f *faults) { f.drop = n }) }

// Fail answers every request of a method with a code of 300 to 699, and Retry-After when that is not 0 (whole seconds).
// Code 0 ends it. ACK and CANCEL cannot fail.
func (s *SBC) Fail(method string, code int, retryAfter time.Duration) {
	s.fault(func(f *faults) {
		if f.fail == nil {
			f.fail = make(map[string]failure)
		}
		if delete(f.fail, method); code >= 300 && code <= 699 {
			f.fail[method] = failure{code, int(retryAfter / time.Second)}
		}
	})
}

// RegCode is Fail for REGISTER.
func (s *SBC) RegCode(code int, retryAfter time.Duration) { s.Fail("REGISTER", code, retryAfter) }

// ForceStale ends the life of every nonce that was given out so far: the next use is answered with stale=true.
func (s *SBC) ForceStale() { s.fault(func(f *faults) { f.staleBefore = s.x.auth.issued }) }

// MinExpires refuses shorter registrations with 423 and Min-Expires; 0 ends it.
func (s *SBC) MinExpires(d time.Duration) { s.fault(func(f *faults) { f.minExpires = d }) }

// MaxExpires grants no more than d, whatever was asked for; 0 ends it.
func (s *SBC) MaxExpires(d time.Duration) { s.fault(func(f *faults) { f.maxExpires = d }) }

// NoQop challenges as RFC 2069 did, without qop.
func (s *SBC) NoQop(on bool) { s.fault(func(f *faults) { f.noQop = on }) }

// Slow delays everything that the SBC sends.
func (s *SBC) Slow(d time.Duration) { s.fault(func(f *faults) { f.slow = max(d, 0) }) }

// admit counts a datagram that came in, and says whether the SBC hears it.
func (s *SBC) admit() bool {
	s.x.counts.In++
	if s.faults.mute || s.faults.drop > 0 {
		s.faults.drop = max(s.faults.drop-1, 0)
		s.x.counts.Dropped++
		return false
	}
	return true
}

// failed answers a request whose method must fail.
func (s *SBC) failed(r *request) bool {
	f, ok := s.faults.fail[r.method]
	if !ok {
		return false
	}
	m := r.response(f.code)
	if f.retryAfter > 0 {
		m.add("Retry-After", strconv.Itoa(f.retryAfter))
	}
	s.answer(r, m)
	return true
}
