package gateway

import (
	"sync"
	"time"
)

// CallRecord is a finished call.
type CallRecord struct {
	ID        string // Call-ID; empty when no INVITE was sent
	Port      int
	Direction Direction
	Peer      string
	PeerName  string
	Codec     string    // empty when the call never had a speech path
	Start     time.Time // INVITE sent or received
	Answered  time.Time // zero: not answered
	End       time.Time
	Code      int    // the final response that was sent or heard; 0: none, or the call was answered
	Reason    string // why it ended, in words
	ByPeer    bool   // the far end or the network ended it
}

// Result is the call in one word: answered missed busy no-answer cancelled rejected failed.
func (r CallRecord) Result() string {
	switch {
	case !r.Answered.IsZero():
		return "answered"
	case r.Direction == In && r.Code == 486:
		return "busy"
	case r.Direction == In:
		return "missed"
	case r.ID == "": // no INVITE was sent: not registered, no RTP port
		return "failed"
	case r.Code == 486 || r.Code == 600:
		return "busy"
	case r.Code == 408 || r.Code == 480 || r.Code == 487 && r.ByPeer:
		return "no-answer"
	case !r.ByPeer && (r.Code == 0 || r.Code == 487):
		return "cancelled"
	case r.Code >= 400 && r.Code < 500 || r.Code >= 600:
		return "rejected"
	}
	return "failed"
}

const historySize = 64

// history keeps the last calls in fixed memory.
type history struct {
	mu    sync.Mutex
	calls [historySize]CallRecord
	n     int // calls ever recorded
}

func (h *history) add(r CallRecord) {
	h.mu.Lock()
	h.calls[h.n%historySize] = r
	h.n++
	h.mu.Unlock()
}

func (h *history) newestFirst() []CallRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []CallRecord
	for i := h.n - 1; i >= 0 && i >= h.n-historySize; i-- {
		all = append(all, h.calls[i%historySize])
	}
	return all
}
