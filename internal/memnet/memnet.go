// Package memnet is a datagram network in memory, for tests in virtual time: sockets that look like UDP, links that lose,
// delay, duplicate and reorder, addresses that fall silent, and a tap that sees every datagram.
//
// Time is plain package time, so a Network that is made inside a testing/synctest bubble runs on the bubble's clock; make
// it and its sockets inside. There is no goroutine: a datagram without delay reaches its queue inside the write, and the
// ones under way wait in one queue behind one timer. A link draws its chances from a source of its own, seeded by
// Options.Seed and the two addresses: as long as one goroutine writes to a link, the same run has the same losses.
//
// It does not do TCP, multicast, fragmentation or routing: every address reaches every other unless a test cuts it off.
package memnet

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// MaxPayload is the largest UDP payload over IPv4, bytes: 65535 less 20 of IP and 8 of UDP.
const MaxPayload = 65507

const (
	defaultQueue   = 512   // datagrams that wait in one socket
	firstFreePort  = 49152 // RFC 6335 section 6, dynamic ports
	maxSpareBuffer = 4096  // packets kept for reuse
)

// Options of a network. The zero value is a perfect one: no delay, no loss.
type Options struct {
	Seed   int64
	Link        // what every link does unless SetLink says otherwise
	Queue  int  // datagrams that one socket holds before it drops, default 512
	Refuse bool // nobody listens at the destination: the sender's next read or write reports ECONNREFUSED
}

// Network is the wire. Safe for concurrent use.
type Network struct {
	opt Options

	mu      sync.Mutex
	conns   map[netip.AddrPort]*Conn
	port    uint16 // last one given for port 0
	rules   []rule
	cut     map[netip.AddrPort]bool
	failing map[netip.Addr]error
	paths   map[pathKey]*path
	flight  flight
	spare   []*packet
	seq     uint64
	taps    []func(Datagram)
	stats   Stats
	closed  bool
}

// Stats counts datagrams since New. Sent = Delivered + Lost + Cut + Unheard + Overflowed - Duplicated + those under way.
type Stats struct {
	Sent       uint64 // handed to a write
	Delivered  uint64 // put into a socket's queue
	Lost       uint64 // by Link.Loss
	Duplicated uint64
	Reordered  uint64 // held back by Link.Reorder
	Cut        uint64 // by Blackhole
	Unheard    uint64 // nobody listened
	Overflowed uint64 // the socket's queue was full
}

// New makes a network. Close it, or let it go with its test: it owns no goroutine.
func New(o Options) *Network {
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	n := &Network{
		opt:     o,
		conns:   make(map[netip.AddrPort]*Conn),
		port:    firstFreePort - 1,
		cut:     make(map[netip.AddrPort]bool),
		failing: make(map[netip.Addr]error),
		paths:   make(map[pathKey]*path),
	}
	return n
}

// Listen opens a socket. Port 0 takes a free one, ascending from 49152; an invalid address stands for 127.0.0.1; an
// unspecified one (0.0.0.0, ::) hears every address of its family and sends from loopback. A taken port is EADDRINUSE.
func (n *Network) Listen(local netip.AddrPort) (*Conn, error) {
	addr, port := local.Addr().Unmap(), local.Port()
	if !addr.IsValid() {
		addr = loopback4
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	fail := func(e error) (*Conn, error) {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)), Err: e}
	}
	if n.closed {
		return fail(net.ErrClosed)
	}
	if port == 0 {
		if port = n.freePort(addr); port == 0 {
			return fail(os.NewSyscallError("bind", syscall.EADDRINUSE))
		}
	}
	at := netip.AddrPortFrom(addr, port)
	if n.conns[at] != nil {
		return fail(os.NewSyscallError("bind", syscall.EADDRINUSE))
	}
	c := &Conn{net: n, bound: at, source: at}
	if addr.IsUnspecified() {
		c.source = netip.AddrPortFrom(loopback4, port)
		if addr.Is6() {
			c.source = netip.AddrPortFrom(netip.IPv6Loopback(), port)
		}
	}
	c.wake.L = &n.mu
	n.conns[at] = c
	return c, nil
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// freePort finds a port that addr has not taken; 0: none. Called with mu held.
func (n *Network) freePort(addr netip.Addr) uint16 {
	for range 1<<16 - firstFreePort {
		if n.port++; n.port < firstFreePort { // wrapped round
			n.port = firstFreePort
		}
		if n.conns[netip.AddrPortFrom(addr, n.port)] == nil {
			return n.port
		}
	}
	return 0
}

// PacketConn is what a media stream needs of a socket. It is an alias of a literal type, so that a package with the same
// literal accepts a Network as its opener of sockets without an import of either.
type PacketConn = interface {
	TryRead(b []byte) (n int, from netip.AddrPort, err error)
	WriteToAddrPort(b []byte, to netip.AddrPort) (int, error)
	LocalAddrPort() netip.AddrPort
	Close() error
}

// ListenMedia is Listen for a media stream; what it returns is a *Conn.
func (n *Network) ListenMedia(local netip.AddrPort) (PacketConn, error) {
	c, err := n.Listen(local)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Inject sends b as if it came from an address, whether or not a socket is there: for strangers and forged sources.
func (n *Network) Inject(b []byte, from, to netip.AddrPort) {
	n.send(nil, b, unmap(from), unmap(to))
}

// Stats is a snapshot of the counters.
func (n *Network) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// Pending counts the datagrams under way: sent, and not yet in a queue.
func (n *Network) Pending() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flight.len()
}

// Close closes every socket and drops what is under way. Afterwards Listen fails with net.ErrClosed.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, c := range n.conns {
		c.shut()
	}
	n.flight.stop()
	return nil
}

// send is the one way onto the wire. from is the source that the receiver sees; c is the socket that hears of a refusal,
// nil for none.
func (n *Network) send(c *Conn, b []byte, from, to netip.AddrPort) {
	n.mu.Lock()
	now := time.Now()
	n.arrive(now)
	n.seq++
	d := Datagram{Seq: n.seq, At: now, From: from, To: to}
	n.stats.Sent++
	switch copies, first, second := n.plan(now, from, to); {
	case n.isCut(from) || n.isCut(to):
		n.stats.Cut++
		d.Fate = Cut
	case copies == 0:
		n.stats.Lost++
		d.Fate = Lost
	default:
		n.launch(c, b, from, to, now, first)
		if copies == 2 {
			n.stats.Duplicated++
			d.Fate = Duplicated
			n.launch(c, b, from, to, now, second)
		}
	}
	taps := n.taps
	n.mu.Unlock()
	if len(taps) > 0 {
		d.Payload = append([]byte(nil), b...)
		for _, tap := range taps {
			tap(d)
		}
	}
}

// launch delivers at once what is due, and puts the rest under way. Called with mu held.
func (n *Network) launch(c *Conn, b []byte, from, to netip.AddrPort, now, due time.Time) {
	p := n.packet(b)
	p.from, p.to, p.sender = from, to, c
	if due.After(now) {
		n.seq++
		p.due, p.seq = due, n.seq
		n.flight.push(n, p, now)
		return
	}
	n.deliver(p)
}

// deliver puts a packet into its socket's queue. Called with mu held.
func (n *Network) deliver(p *packet) {
	c := n.conns[p.to]
	if c == nil {
		any := netip.IPv4Unspecified()
		if p.to.Addr().Is6() {
			any = netip.IPv6Unspecified()
		}
		c = n.conns[netip.AddrPortFrom(any, p.to.Port())]
	}
	switch {
	case c == nil:
		n.stats.Unheard++
		if n.opt.Refuse && p.sender != nil && !p.sender.closed {
			p.sender.refused = p.to
			p.sender.wake.Broadcast()
		}
		n.recycle(p)
	case c.queued >= n.opt.Queue:
		n.stats.Overflowed++
		c.dropped++
		n.recycle(p)
	default:
		n.stats.Delivered++
		c.put(p)
	}
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
