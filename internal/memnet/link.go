package memnet

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Link says what happens between a sender and a receiver, in one direction. Percentages are 0 to 100. The zero value is a
// perfect wire. Datagrams of one (from, to) pair keep their order whatever the jitter is; only Reorder breaks it.
type Link struct {
	Latency   time.Duration
	Jitter    time.Duration // added to Latency: uniform, 0 to Jitter
	Loss      float64       // percent that vanish
	Duplicate float64       // percent that arrive twice; the second takes a delay of its own
	Reorder   float64       // percent that are held back for Late, so that their successors overtake
	Late      time.Duration // default 30 ms: longer than one voice packet
}

const defaultLate = 30 * time.Millisecond

// Any matches every address and port in SetLink.
var Any netip.AddrPort

// Host matches every port of an address, in SetLink and Blackhole. It panics on a bad address: it is for literals in tests.
func Host(addr string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(addr), 0) }

type rule struct {
	from, to netip.AddrPort
	Link
}

// SetLink rules the datagrams from one address to another, now and in this direction only; what is under way is not
// touched. Port 0 matches every port, Any everything. The last rule that matches holds, and the same pair replaces itself.
// A partition is two rules with Loss: 100.
func (n *Network) SetLink(from, to netip.AddrPort, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	from, to = unmap(from), unmap(to)
	for i, r := range n.rules {
		if r.from == from && r.to == to {
			n.rules = append(n.rules[:i], n.rules[i+1:]...)
			break
		}
	}
	n.rules = append(n.rules, rule{from, to, l})
}

// ClearLinks forgets every SetLink: Options.Link holds again.
func (n *Network) ClearLinks() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rules = nil
}

// Blackhole makes an address (port 0: all its ports) vanish and come back: nothing from or to it arrives, nobody is told.
func (n *Network) Blackhole(at netip.AddrPort, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if on {
		n.cut[unmap(at)] = true
	} else {
		delete(n.cut, unmap(at))
	}
}

// FailWrites makes every write from an address return err (a syscall.ENETUNREACH, say), as a host does whose link went
// down or whose address was taken away; nil repairs it.
func (n *Network) FailWrites(from netip.Addr, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.failing[from.Unmap()] = err
	} else {
		delete(n.failing, from.Unmap())
	}
}

func (n *Network) isCut(at netip.AddrPort) bool {
	return len(n.cut) > 0 && (n.cut[at] || n.cut[netip.AddrPortFrom(at.Addr(), 0)])
}

func matches(pattern, at netip.AddrPort) bool {
	return (!pattern.Addr().IsValid() || pattern.Addr() == at.Addr()) && (pattern.Port() == 0 || pattern.Port() == at.Port())
}

func (n *Network) link(from, to netip.AddrPort) Link {
	for i := len(n.rules) - 1; i >= 0; i-- {
		if r := n.rules[i]; matches(r.from, from) && matches(r.to, to) {
			return r.Link
		}
	}
	return n.opt.Link
}

type pathKey struct{ from, to netip.AddrPort }

// path is what one (from, to) pair remembers: its dice, and when its last datagram arrives.
type path struct {
	dice *rand.Rand
	last time.Time
}

const maxPaths = 4096

// path finds or makes the memory of a pair. Called with mu held.
func (n *Network) path(now time.Time, from, to netip.AddrPort) *path {
	k := pathKey{from, to}
	p := n.paths[k]
	if p == nil {
		if len(n.paths) >= maxPaths { // a test with a million sources: forget the quiet ones
			for k, p := range n.paths {
				if p.last.Before(now) {
					delete(n.paths, k)
				}
			}
		}
		h := fnv.New64a()
		for _, a := range [2]netip.AddrPort{from, to} {
			b, _ := a.MarshalBinary() // cannot fail
			h.Write(b)
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n.opt.Seed)))
		p = &path{dice: rand.New(rand.NewPCG(uint64(n.opt.Seed), h.Sum64()))}
		n.paths[k] = p
	}
	return p
}

// plan draws the fate of a datagram: how many copies arrive (0 to 2), and when. Called with mu held.
func (n *Network) plan(now time.Time, from, to netip.AddrPort) (copies int, first, second time.Time) {
	l := n.link(from, to)
	if l == (Link{}) && n.flight.len() == 0 {
		return 1, now, now // nothing to draw, and nobody under way to overtake
	}
	p := n.path(now, from, to)
	if l.chance(p, l.Loss) {
		return 0, now, now
	}
	first, second = n.due(p, now, l), now
	copies = 1
	if l.chance(p, l.Duplicate) {
		copies, second = 2, n.due(p, now, l)
	}
	return copies, first, second
}

func (l *Link) chance(p *path, percent float64) bool {
	return percent > 0 && p.dice.Float64()*100 < percent
}

// due draws the time of arrival. Called with mu held.
func (n *Network) due(p *path, now time.Time, l Link) time.Time {
	at := now.Add(l.Latency)
	if l.Jitter > 0 {
		at = at.Add(time.Duration(p.dice.Int64N(int64(l.Jitter) + 1)))
	}
	if l.chance(p, l.Reorder) {
		n.stats.Reordered++
		late := l.Late
		if late <= 0 {
			late = defaultLate
		}
		return at.Add(late) // p.last stays: the next one may overtake
	}
	if at.Before(p.last) {
		at = p.last
	}
	p.last = at
	return at
}
