package sipua

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxDatagrams = 256  // that wait for the loop; more are dropped, as the kernel would
	maxPosts     = 8192 // a loop that far behind is dead
)

// item is one thing for the loop to do: a datagram, or a function to run as the owner.
type item struct {
	from netip.AddrPort
	data []byte
	do   func(now time.Time)
}

// inbox keeps datagrams and posts in the order in which they came. Putting never blocks.
type inbox struct {
	mu     sync.Mutex
	items  []item
	data   int
	closed bool
	wake   chan struct{}
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put adds an item; false: full or closed, the item is lost.
func (b *inbox) put(it item) bool {
	b.mu.Lock()
	full := it.do == nil && b.data >= maxDatagrams || len(b.items) >= maxPosts
	if b.closed || full {
		b.mu.Unlock()
		return false
	}
	if it.do == nil {
		b.data++
	}
	b.items = append(b.items, it)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // it is awake already
	}
	return true
}

// take empties the box into spare.
func (b *inbox) take(spare []item) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.items
	clear(spare)
	b.items, b.data = spare[:0], 0
	return all
}

func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
}
