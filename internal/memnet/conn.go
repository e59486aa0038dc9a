package memnet

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is a socket: a net.PacketConn with *net.UDPAddr addresses, and the media stream's calls that never block. Safe for
// concurrent use; every call after Close returns net.ErrClosed.
type Conn struct {
	net    *Network
	bound  netip.AddrPort
	source netip.AddrPort // what receivers see: differs when bound to an unspecified address

	// All of it belongs to net.mu.
	wake          sync.Cond
	head, tail    *packet
	queued        int
	dropped       uint64
	refused       netip.AddrPort // a destination where nobody listened; reported once
	readDeadline  time.Time
	writeDeadline time.Time
	timer         *time.Timer // wakes readers at readDeadline
	closed        bool
}

var _ net.PacketConn = (*Conn)(nil)

// put appends to the queue. Called with net.mu held.
func (c *Conn) put(p *packet) {
	if c.tail == nil {
		c.head = p
	} else {
		c.tail.next = p
	}
	c.tail = p
	c.queued++
	c.wake.Signal()
}

// take copies the oldest datagram into b, cutting off what does not fit as UDP does. Called with net.mu held.
func (c *Conn) take(b []byte) (int, netip.AddrPort) {
	p := c.head
	if c.head = p.next; c.head == nil {
		c.tail = nil
	}
	c.queued--
	n, from := copy(b, p.data), p.from
	c.net.recycle(p)
	return n, from
}

// read is the body of all reads. The order is that of a UDP socket: a pending ICMP error first, then data, then the deadline.
func (c *Conn) read(b []byte, block bool) (int, netip.AddrPort, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, netip.AddrPort{}, c.fail("read", net.ErrClosed)
		case c.refused.IsValid():
			return 0, netip.AddrPort{}, c.refusal("read", "recvfrom")
		case c.head != nil:
			n, from := c.take(b)
			return n, from, nil
		case !block:
			return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
		case !c.readDeadline.IsZero() && !c.readDeadline.After(time.Now()):
			return 0, netip.AddrPort{}, c.fail("read", os.ErrDeadlineExceeded)
		}
		c.wake.Wait()
	}
}

func (c *Conn) write(b []byte, to netip.AddrPort) (int, error) {
	n := c.net
	n.mu.Lock()
	var err error
	switch {
	case c.closed:
		err = c.fail("write", net.ErrClosed)
	case c.refused.IsValid():
		err = c.refusal("write", "sendto")
	case !c.writeDeadline.IsZero() && !c.writeDeadline.After(time.Now()):
		err = c.fail("write", os.ErrDeadlineExceeded)
	case n.failing[c.source.Addr()] != nil:
		err = c.fail("write", n.failing[c.source.Addr()])
	case len(b) > MaxPayload:
		err = c.fail("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	case !to.IsValid() || to.Port() == 0:
		err = c.fail("write", os.NewSyscallError("sendto", syscall.EINVAL))
	}
	n.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n.send(c, b, c.source, unmap(to))
	return len(b), nil
}

func (c *Conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: net.UDPAddrFromAddrPort(c.bound), Err: err}
}

// refusal reports an ICMP port unreachable once, with the address that refused.
func (c *Conn) refusal(op, call string) error {
	at := c.refused
	c.refused = netip.AddrPort{}
	return &net.OpError{Op: op, Net: "udp", Source: net.UDPAddrFromAddrPort(c.bound), Addr: net.UDPAddrFromAddrPort(at),
		Err: os.NewSyscallError(call, syscall.ECONNREFUSED)}
}

// TryRead takes a waiting datagram and never blocks; an empty queue is os.ErrDeadlineExceeded.
func (c *Conn) TryRead(b []byte) (int, netip.AddrPort, error) { return c.read(b, false) }

// ReadFromUDPAddrPort blocks for a datagram, as net.UDPConn does; it does not allocate.
func (c *Conn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) { return c.read(b, true) }

// ReadFrom blocks for a datagram; the address is a *net.UDPAddr.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.read(b, true)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends a datagram; it never blocks and does not keep b.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) { return c.write(b, to) }

// WriteToUDPAddrPort is WriteToAddrPort under the name that net.UDPConn gives it.
func (c *Conn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) { return c.write(b, to) }

// WriteTo sends a datagram to a *net.UDPAddr; any other address is EINVAL.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok || a == nil {
		return 0, c.fail("write", syscall.EINVAL)
	}
	return c.write(b, a.AddrPort())
}

// LocalAddrPort is where the socket is bound; after Listen with port 0 it holds the port that was found.
func (c *Conn) LocalAddrPort() netip.AddrPort { return c.bound }

// LocalAddr is LocalAddrPort as a *net.UDPAddr.
func (c *Conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.bound) }

// Dropped counts datagrams that found the queue full.
func (c *Conn) Dropped() uint64 {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.dropped
}

// Queued counts datagrams that wait to be read.
func (c *Conn) Queued() int {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.queued
}

// SetDeadline sets both deadlines; the zero time takes them away.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline makes blocked and later reads return os.ErrDeadlineExceeded from t on.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.readDeadline = t
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if d := time.Until(t); !t.IsZero() && d > 0 {
		c.timer = time.AfterFunc(d, func() {
			c.net.mu.Lock()
			defer c.net.mu.Unlock()
			c.wake.Broadcast()
		})
	}
	c.wake.Broadcast()
	return nil
}

// SetWriteDeadline makes writes fail from t on; they never block, so there is nothing to interrupt.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.writeDeadline = t
	return nil
}

// Close frees the port at once and wakes readers with net.ErrClosed. What is under way to it will find nobody.
func (c *Conn) Close() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.shut()
	return nil
}

// shut is Close with net.mu held.
func (c *Conn) shut() {
	c.closed = true
	delete(c.net.conns, c.bound)
	for c.head != nil {
		c.take(nil)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.wake.Broadcast()
}
