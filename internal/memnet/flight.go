package memnet

import (
	"container/heap"
	"net/netip"
	"time"
)

// packet is a datagram in a queue or under way. Its buffer is reused.
type packet struct {
	data     []byte
	from, to netip.AddrPort
	sender   *Conn // hears of a refusal
	due      time.Time
	seq      uint64  // order among equals
	next     *packet // in a socket's queue
}

// packet takes a spare one, or makes one, and copies b. Called with mu held.
func (n *Network) packet(b []byte) *packet {
	var p *packet
	if last := len(n.spare) - 1; last >= 0 {
		p, n.spare = n.spare[last], n.spare[:last]
	} else {
		p = &packet{data: make([]byte, 0, max(len(b), 256))}
	}
	p.data = append(p.data[:0], b...)
	return p
}

// recycle keeps a packet for reuse. Called with mu held.
func (n *Network) recycle(p *packet) {
	if len(n.spare) < maxSpareBuffer {
		*p = packet{data: p.data}
		n.spare = append(n.spare, p)
	}
}

// flight holds the datagrams under way: deadlines as data behind one timer.
type flight struct {
	queue byDue
	timer *time.Timer
	armed time.Time // when the timer fires; zero: not armed
}

func (f *flight) len() int { return len(f.queue) }

func (f *flight) push(n *Network, p *packet, now time.Time) {
	heap.Push(&f.queue, p)
	f.arm(n, now)
}

// arm sets the timer to the earliest arrival.
func (f *flight) arm(n *Network, now time.Time) {
	if len(f.queue) == 0 {
		return
	}
	due := f.queue[0].due
	if f.armed.Equal(due) {
		return
	}
	f.armed = due
	if f.timer == nil {
		f.timer = time.AfterFunc(due.Sub(now), n.land)
	} else {
		f.timer.Reset(due.Sub(now))
	}
}

func (f *flight) stop() {
	f.queue = nil
	if f.timer != nil {
		f.timer.Stop()
	}
}

// land is the timer's function.
func (n *Network) land() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	n.flight.armed = time.Time{}
	n.arrive(now)
	n.flight.arm(n, now)
}

// arrive delivers what is due. A write does it too, so that nothing overtakes a datagram whose timer fires in this very
// instant. Called with mu held.
func (n *Network) arrive(now time.Time) {
	for f := &n.flight; len(f.queue) > 0 && !f.queue[0].due.After(now); {
		n.deliver(heap.Pop(&f.queue).(*packet))
	}
}

type byDue []*packet

func (q byDue) Len() int { return len(q) }
func (q byDue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].seq < q[j].seq
}
func (q byDue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *byDue) Push(x any)   { *q = append(*q, x.(*packet)) }
func (q *byDue) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return p
}
