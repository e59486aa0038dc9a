package sipua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Endpoint is one local SIP address with its servers and agents. Its methods are safe for concurrent use; everything
// below the line belongs to the loop.
type Endpoint struct {
	cfg   Config
	log   *slog.Logger
	sock  socket
	local netip.AddrPort
	guard guard
	inbox *inbox
	count counters
	done  chan struct{} // closed when the loop has ended
	wg    sync.WaitGroup
	ctx   context.Context // ends name look-ups and the reader's back-off
	stop  context.CancelFunc

	health atomic.Pointer[[]ServerHealth]
	// ---- owned by the loop
	dice      *rand.Rand
	identity  string // From tag of heartbeats
	targets   targets
	agents    []*Agent
	outbound  map[string]*clientTx // by branch and method
	inbound   map[string]*serverTx // by branch, sent-by and method
	calls     map[string]*Call     // by Call-ID and our tag
	farewells map[*farewell]bool
	orphans   orphans
	keepAlive time.Time
	closing   []chan struct{} // somebody waits for everything to be released
	quit      bool
}

// NewEndpoint starts the reader and the loop on a socket, which it owns from now on. The socket's LocalAddr is what Via
// and Contact carry, so it must be bound to one address, not to all. An error leaves the socket open.
func NewEndpoint(pc net.PacketConn, cfg Config, log *slog.Logger) (*Endpoint, error) {
	la, ok := pc.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, fmt.Errorf("local address %v is not UDP", pc.LocalAddr())
	}
	local := netip.AddrPortFrom(la.AddrPort().Addr().Unmap(), la.AddrPort().Port())
	if !local.IsValid() || local.Addr().IsUnspecified() {
		return nil, fmt.Errorf("local address %s is no address that others can answer to", local)
	}
	for _, s := range cfg.Servers {
		if s.Transport != "" && s.Transport != "udp" && s.Transport != "UDP" {
			return nil, fmt.Errorf("server %s: transport %q is not there yet, only udp", s.Host, s.Transport)
		}
	}
	cfg.Expires = cmp.Or(cfg.Expires, time.Hour)
	cfg.OptionsLost = cmp.Or(cfg.OptionsLost, 3)
	cfg.NoAnswer = cmp.Or(cfg.NoAnswer, 3*time.Minute)
	if cfg.Domain == "" && len(cfg.Servers) > 0 {
		cfg.Domain = bracketed(cfg.Servers[0].Host)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	seed := cmp.Or(cfg.Seed, rand.Uint64())
	e := &Endpoint{
		cfg: cfg, log: log, sock: newSocket(pc), local: local, inbox: newInbox(), done: make(chan struct{}),
		dice: rand.New(rand.NewPCG(seed, seed)), identity: newTag(),
		outbound: map[string]*clientTx{}, inbound: map[string]*serverTx{}, calls: map[string]*Call{}, farewells: map[*farewell]bool{},
	}
	e.guard.log = log
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.targets.open(e, time.Now())
	e.wg.Add(2)
	go e.read()
	go e.loop()
	return e, nil
}

// post runs do on the loop, in order; it never blocks. After the end it is forgotten.
func (e *Endpoint) post(do func(now time.Time)) {
	if !e.inbox.put(item{do: do}) && e.ctx.Err() == nil {
		e.guard.complain("inbox full", "the loop does not keep up, an order was lost")
	}
}

// loop is the owner: one item or one due deadline at a time.
func (e *Endpoint) loop() {
	defer e.wg.Done()
	defer close(e.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var armed time.Time
	var spare []item
	for !e.quit {
		if next := e.deadline(); next.IsZero() {
			timer.Stop()
			armed = next
		} else if !next.Equal(armed) {
			timer.Reset(time.Until(next))
			armed = next
		}
		select {
		case <-e.inbox.wake:
			items := e.inbox.take(spare)
			for _, it := range items {
				e.run(it)
			}
			spare = items
		case <-timer.C:
			armed = time.Time{}
		}
		e.count.turns.Add(1)
		if now := time.Now(); due(now, e.deadline()) {
			e.advance(now)
		}
		e.settle()
	}
	e.inbox.close()
	e.stop()
	e.sock.Close()
}

// run does one item; a panic costs that item and nothing else.
func (e *Endpoint) run(it item) {
	defer func() {
		if p := recover(); p != nil {
			e.caught(p, "item")
		}
	}()
	now := time.Now()
	if it.do != nil {
		it.do(now)
		return
	}
	e.receive(now, it.data, it.from)
}

func (e *Endpoint) caught(p any, where string) {
	e.count.recovered.Add(1)
	e.log.Error("panic caught", "where", where, "panic", p, "stack", string(debug.Stack()))
}

// machine is anything with a deadline.
type machine interface {
	deadline() time.Time
	advance(now time.Time)
}

// machines visits everything that may be waiting for time to pass.
func (e *Endpoint) machines(visit func(machine)) {
	for _, tx := range e.outbound {
		visit(tx)
	}
	for _, tx := range e.inbound {
		visit(tx)
	}
	for _, a := range e.agents {
		visit(&a.reg)
	}
	for _, c := range e.calls {
		visit(c)
	}
	e.targets.machines(visit)
	visit((*keeper)(e))
}

func (e *Endpoint) deadline() (next time.Time) {
	e.machines(func(m machine) { next = earliest(next, m.deadline()) })
	return next
}

// advance gives time to whoever is due, and takes away transactions that ended.
func (e *Endpoint) advance(now time.Time) {
	var ready []machine
	e.machines(func(m machine) {
		if due(now, m.deadline()) {
			ready = append(ready, m)
		}
	})
	for _, m := range ready {
		e.step(now, m)
	}
	for k, tx := range e.outbound {
		if tx.state == txTerminated {
			delete(e.outbound, k)
		}
	}
	for k, tx := range e.inbound {
		if tx.state == txTerminated {
			delete(e.inbound, k)
		}
	}
}

// step advances one machine; one that panics would do so for ever, so it is ended.
func (e *Endpoint) step(now time.Time, m machine) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		e.caught(p, "deadline")
		switch m := m.(type) {
		case *clientTx:
			m.state, m.repeat, m.expire = txTerminated, time.Time{}, time.Time{}
		case *serverTx:
			m.state, m.repeat, m.expire = txTerminated, time.Time{}, time.Time{}
		case *Call:
			m.abandon()
		case *registration:
			m.at, m.until = now.Add(time.Minute), time.Time{}
		case *hop:
			m.probeAt, m.reviveAt = now.Add(time.Minute), time.Time{}
		case *name:
			m.at = now.Add(time.Minute)
		case *keeper:
			m.keepAlive = now.Add(time.Minute)
		}
	}()
	m.advance(now)
}

// settle publishes what changed, and ends the loop when a closing endpoint has nothing left to do.
func (e *Endpoint) settle() {
	e.targets.publish()
	e.count.transactions.Store(int64(len(e.outbound) + len(e.inbound)))
	e.count.calls.Store(int64(len(e.calls)))
	if e.closing == nil || len(e.calls)+len(e.farewells) > 0 {
		return
	}
	for _, a := range e.agents {
		if a.reg.state != Disabled {
			return
		}
	}
	e.quit = true
}

// Close releases all calls, removes all bindings (answering challenges) and closes the socket; at most until ctx ends.
// The error is that of ctx if something was left undone. Afterwards agents and calls are dead: their methods do nothing.
func (e *Endpoint) Close(ctx context.Context) error {
	e.post(func(now time.Time) {
		if e.closing == nil {
			e.closing = []chan struct{}{}
			for _, a := range e.agents {
				a.retire(now)
			}
		}
	})
	var err error
	select {
	case <-e.done:
	case <-ctx.Done():
		err = ctx.Err()
		e.post(func(time.Time) { e.quit = true })
	}
	<-e.done
	e.wg.Wait()
	return err
}

// read moves datagrams from the socket to the inbox. Strangers are turned away here, before anything is copied.
func (e *Endpoint) read() {
	defer e.wg.Done()
	buf := make([]byte, 65535)
	wait := time.Duration(0)
	for {
		n, from, err := e.sock.ReadFrom(buf)
		if err == nil {
			wait = 0
			e.arrived(buf[:n], from)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		e.count.socketErrors.Add(1)
		if at, ok := refusedBy(err); ok {
			e.post(func(now time.Time) { e.unreachable(now, at) })
			continue
		}
		e.guard.complain("socket", err.Error())
		wait = min(max(2*wait, 10*time.Millisecond), 2*time.Second)
		select {
		case <-e.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// arrived is the entry of every datagram.
func (e *Endpoint) arrived(b []byte, from netip.AddrPort) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if !e.guard.knows(from.Addr()) {
		e.count.strangers.Add(1)
		return
	}
	e.count.received.Add(1)
	if !e.inbox.put(item{from: from, data: append([]byte(nil), b...)}) {
		e.count.overflow.Add(1)
		e.guard.complain("overflow", "inbox full, datagrams are dropped")
	}
}

// send is the way out of every datagram. Only errors that say "not to there" are told; others are as good as a loss.
func (e *Endpoint) send(to netip.AddrPort, b []byte, repeat bool) error {
	if e.cfg.Trace != nil {
		e.cfg.Trace(true, to.String(), masked(b))
	}
	e.count.sent.Add(1)
	if repeat {
		e.count.retransmitted.Add(1)
	}
	if err := e.sock.WriteTo(b, to); err != nil {
		e.count.socketErrors.Add(1)
		e.guard.complain("send", fmt.Sprintf("%s: %v", to, err))
		if hopeless(err) {
			return err
		}
	}
	return nil
}
