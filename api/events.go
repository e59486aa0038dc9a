package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hub keeps the last events in a ring that all event streams read, each with a
// cursor of its own. So a reader that stalls costs nothing: when the ring has
// gone round it finds its cursor overtaken and is told to fetch all again.
//
//	backend --> ring [ n-255 ... n-1 n ]
//	                     ^          ^
//	                 slow reader    quick reader waits for n+1
type hub struct {
	epoch  string // tells events of this daemon from those before its restart
	cancel func()
	ended  chan struct{}   // closed when the feeder is gone
	life   context.Context // ends when the hub closes: long requests listen
	end    context.CancelFunc

	mu      sync.Mutex
	ring    []frame
	last    uint64        // number of the newest event, 0: none yet
	changed chan struct{} // closed and replaced at each event
	closed  bool
	readers int
}

// frame is one event, ready for the wire and shared by all readers.
type frame struct {
	seq  uint64
	kind string
	text []byte
}

func newHub(b Backend, size int) *hub {
	var id [4]byte
	rand.Read(id[:]) // not the clock: routers boot in 1970, every time
	h := &hub{
		epoch:   hex.EncodeToString(id[:]),
		ended:   make(chan struct{}),
		ring:    make([]frame, size),
		changed: make(chan struct{}),
	}
	h.life, h.end = context.WithCancel(context.Background())
	events, cancel := b.Subscribe()
	h.cancel = cancel
	go func() {
		defer close(h.ended)
		for e := range events {
			h.publish(e)
		}
		h.stop()
	}()
	return h
}

// close ends the feeder and all streams, and waits for the feeder.
func (h *hub) close() {
	h.stop()
	h.cancel()
	<-h.ended
}

func (h *hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		h.end()
		close(h.changed)
	}
}

func (h *hub) publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.last++
	e.Seq = h.last
	if e.Time.IsZero() {
		e.Time = At(time.Now())
	}
	h.ring[h.last%uint64(len(h.ring))] = frame{h.last, e.Type, h.encode(e)}
	close(h.changed)
	h.changed = make(chan struct{})
}

// encode writes one event as a block of an event stream.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (h *hub) encode(e Event) []byte {
	data, err := json.Marshal(e)
	if err != nil { // no field of Event can fail
		data = []byte(`{}`)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: %s\ndata: %s\n\n", h.id(e.Seq), oneLine(e.Type), data)
	return b.Bytes()
}

func (h *hub) id(seq uint64) string { return h.epoch + "-" + strconv.FormatUint(seq, 10) }

// start gives the cursor for a reader that has seen lastID ("": begins now).
// missed is true when lastID is not in reach.
func (h *hub) start(lastID string) (cursor uint64, missed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if lastID == "" {
		return h.last, false
	}
	epoch, number, ok := strings.Cut(lastID, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || epoch != h.epoch || seq > h.last {
		return h.last, true
	}
	return seq, false
}

// after returns the events behind the cursor, and the channel that is closed
// when there are more. missed: the ring has overtaken the cursor.
func (h *hub) after(cursor uint64) (frames []frame, missed bool, more <-chan struct{}, closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last-cursor > uint64(len(h.ring)) {
		return nil, true, h.changed, h.closed
	}
	for seq := cursor + 1; seq <= h.last; seq++ {
		frames = append(frames, h.ring[seq%uint64(len(h.ring))])
	}
	return frames, false, h.changed, h.closed
}

// resync is the block that tells a reader to fetch everything again, and the
// cursor that it goes on from.
func (h *hub) resync() (text []byte, cursor uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.encode(Event{Seq: h.last, Type: EventResync, Time: At(time.Now()), Message: "events were missed: fetch the state again"}), h.last
}

// join counts a reader in, or says why not.
func (h *hub) join() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return Unavailable("the daemon is stopping")
	case h.readers >= readersMax:
		return Unavailable("%d event streams are open, no more are served", readersMax)
	}
	h.readers++
	return nil
}

func (h *hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers--
}

// oneLine keeps a word from breaking the framing.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, s)
}
