package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// events serves GET /v1/events: an event stream that begins after Last-Event-ID,
// or now. ?types=call,line chooses; ?last_event_id= is for clients that cannot
// set the header.
func (s *site) events(w http.ResponseWriter, r *http.Request) error {
	types, err := wantedTypes(r)
	if err != nil {
		return err
	}
	if err := s.hub.join(); err != nil {
		w.Header().Set("Retry-After", "5")
		return err
	}
	defer s.hub.leave()

	lastID := r.Header.Get("Last-Event-ID")
	if lastID == "" {
		lastID = r.URL.Query().Get("last_event_id")
	}
	cursor, missed := s.hub.start(lastID)

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx: pass each event at once
	if r.Method == http.MethodHead {
		return nil
	}
	out := &streamWriter{w: w, c: http.NewResponseController(w)}
	endless(out.c)
	// An id without data: a reader that is cut off before its first event can
	// still say where it was.
	out.send([]byte(fmt.Sprintf("retry: 3000\nid: %s\n\n", s.hub.id(cursor))))

	quiet := time.NewTimer(s.keepAlive)
	defer quiet.Stop()
	for out.err == nil {
		if missed {
			var text []byte
			text, cursor = s.hub.resync()
			out.send(text)
		}
		frames, overtaken, more, closed := s.hub.after(cursor)
		missed = overtaken
		for _, f := range frames {
			cursor = f.seq
			if f.kind == EventResync || len(types) == 0 || slices.Contains(types, f.kind) {
				out.send(f.text)
				quiet.Reset(s.keepAlive)
			}
		}
		if missed {
			continue
		}
		if closed {
			return nil
		}
		select {
		case <-more:
		case <-quiet.C:
			out.send([]byte(": keep-alive\n\n"))
			quiet.Reset(s.keepAlive)
		case <-r.Context().Done():
			return nil
		}
	}
	return nil
}

func wantedTypes(r *http.Request) ([]string, error) {
	list := r.URL.Query().Get("types")
	if list == "" {
		return nil, nil
	}
	types := strings.Split(list, ",")
	for _, t := range types {
		if !slices.Contains(EventTypes, t) {
			return nil, Invalid("types: %q is none of %s", t, strings.Join(EventTypes, ", "))
		}
	}
	return types, nil
}

// endless lifts the read limit of a request that is answered for long: net/http
// goes on reading to notice that the client left, and would take the limit for it.
func endless(c *http.ResponseController) {
	_ = c.SetReadDeadline(time.Time{}) // a test's recorder has no deadlines
}

// streamWriter sends blocks at once, each with its own deadline: a reader that
// takes nothing for that long is let go, and comes back with Last-Event-ID.
type streamWriter struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	err error
}

func (o *streamWriter) send(b []byte) {
	if o.err != nil {
		return
	}
	// A writer without deadlines (a test's recorder) is written to without.
	_ = o.c.SetWriteDeadline(time.Now().Add(writeTime))
	if _, o.err = o.w.Write(b); o.err == nil {
		o.err = o.c.Flush()
	}
}
