package main

import (
	"slices"
	"sync"

	"tipring/api"
)

// feed hands events from the ports to whoever listens. Publishing never waits: a full reader loses events and is
// told so by one resync.
type feed struct {
	mu   sync.Mutex
	subs map[*subscriber]bool
}

type subscriber struct {
	c     chan api.Event
	types []string
	lost  bool
}

func newFeed() *feed { return &feed{subs: map[*subscriber]bool{}} }

const feedSize = 64

func (f *feed) subscribe(types []string) (<-chan api.Event, func()) {
	s := &subscriber{c: make(chan api.Event, feedSize), types: types}
	f.mu.Lock()
	f.subs[s] = true
	f.mu.Unlock()
	return s.c, sync.OnceFunc(func() {
		f.mu.Lock()
		delete(f.subs, s)
		f.mu.Unlock()
		close(s.c)
	})
}

func (f *feed) publish(e api.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subs {
		if len(s.types) > 0 && !slices.Contains(s.types, e.Type) {
			continue
		}
		if s.lost {
			select {
			case s.c <- api.Event{Type: api.EventResync}:
				s.lost = false
			default:
				continue
			}
		}
		select {
		case s.c <- e:
		default:
			s.lost = true
		}
	}
}
