package sipua

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// targets are the servers in order of preference, and the one health table that registrations, heartbeats and calls
// share (RFC 3263 4.3 in its simple form: addresses in the order given, the next one after silence, ICMP or 503).
type targets struct {
	e       *Endpoint
	names   []*name
	hops    []*hop
	current *hop // where new requests go; nil: nothing is resolved
	dirty   bool // the snapshot is behind
}

// name is one configured server; a name is looked up off the loop.
type name struct {
	e       *Endpoint
	host    string
	port    uint16
	at      time.Time // next look-up; zero: none, or one is under way
	fails   int
	trouble string
	since   time.Time
}

type hopState uint8

const (
	hopUnknown hopState = iota
	hopAlive
	hopDead
)

func (s hopState) String() string { return [...]string{"unknown", "alive", "dead"}[s] }

// hop is one address of a server.
//
//	unknown --an answer--> alive <--an answer------------+
//	   |                     |                           |
//	   +--silence, ICMP, 503-+--> dead --penalty over--> unknown (only without heartbeats)
type hop struct {
	e      *Endpoint
	server *name
	addr   netip.AddrPort

	state  hopState
	since  time.Time
	failed time.Time // last time that it disappointed
	shun   time.Time // 503: a heartbeat's answer does not count before
	reason string

	probe    *clientTx
	probeAt  time.Time // next heartbeat
	sent     time.Time // of the last one
	lost     int
	rtt      time.Duration
	reviveAt time.Time // end of the penalty
	homeAt   time.Time // end of the hold-down
}

func (h *hop) String() string { return h.server.String() }

func (n *name) String() string { return net.JoinHostPort(n.host, strconv.Itoa(int(n.port))) }

func (t *targets) open(e *Endpoint, now time.Time) {
	t.e = e
	for _, s := range e.cfg.Servers {
		n := &name{e: e, host: s.Host, port: s.Port, since: now}
		if n.port == 0 {
			n.port = 5060
		}
		t.names = append(t.names, n)
		if a, err := netip.ParseAddr(s.Host); err == nil {
			t.resolved(now, n, []netip.Addr{a})
		} else if e.cfg.Resolve == nil {
			n.trouble = "no resolver for a name"
		} else {
			n.at = now
		}
	}
	t.changed(now)
	t.publish()
}

func (t *targets) machines(visit func(machine)) {
	for _, n := range t.names {
		visit(n)
	}
	for _, h := range t.hops {
		visit(h)
	}
}

func (n *name) deadline() time.Time { return n.at }

// advance starts a look-up.
func (n *name) advance(now time.Time) {
	e := n.e
	n.at = time.Time{}
	e.wg.Add(1)
	go func() {
		defer e.wg.Done()
		ctx, cancel := context.WithTimeout(e.ctx, 10*time.Second)
		defer cancel()
		addrs, err := e.cfg.Resolve(ctx, n.host)
		e.post(func(now time.Time) { n.lookedUp(now, addrs, err) })
	}()
}

// lookedUp takes the result. A failure keeps the addresses that are there: an old address is better than none.
func (n *name) lookedUp(now time.Time, addrs []netip.Addr, err error) {
	t := &n.e.targets
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return a.Unmap().Is4() != n.e.local.Addr().Is4() })
	if err == nil && len(addrs) > 0 {
		n.fails, n.trouble, n.at = 0, "", now.Add(resolveEvery)
		t.resolved(now, n, addrs)
		t.changed(now)
		return
	}
	n.trouble = "the name has no address of our family"
	if err != nil {
		n.trouble = err.Error()
	}
	n.e.guard.complain("name", n.host+": "+n.trouble)
	n.at = now.Add(min(2*time.Second<<min(n.fails, 5), time.Minute))
	n.fails++
	t.dirty = true
	t.e.resolveFailed(now, n)
}

// resolved puts the addresses of a server into the table; those known already keep their health.
func (t *targets) resolved(now time.Time, n *name, addrs []netip.Addr) {
	var hops []*hop
	for _, m := range t.names {
		if m != n {
			hops = append(hops, t.of(m)...)
			continue
		}
		for _, a := range addrs {
			at := netip.AddrPortFrom(a.Unmap(), n.port)
			same := func(h *hop) bool { return h.addr == at && h.server == n }
			if slices.ContainsFunc(hops, same) {
				continue
			}
			if i := slices.IndexFunc(t.hops, same); i >= 0 {
				hops = append(hops, t.hops[i])
				continue
			}
			h := &hop{e: t.e, server: n, addr: at, since: now}
			if every := t.e.cfg.OptionsInterval; every > 0 {
				h.probeAt = now.Add(spread(t.e.dice, 0, every)) // a random phase: boxes of one street do not beat together
			}
			hops = append(hops, h)
		}
	}
	t.hops = hops
}

func (t *targets) of(n *name) (hops []*hop) {
	for _, h := range t.hops {
		if h.server == n {
			hops = append(hops, h)
		}
	}
	return hops
}

// changed follows a new table: who may speak to us, and where requests go.
func (t *targets) changed(now time.Time) {
	t.dirty = true
	t.e.publishKnown()
	t.choose(now)
}

// choose finds the server for new requests: the one in use while it is good, unless a preferred one has been well for the
// hold-down; else the first that is not dead; else the one that disappointed longest ago.
func (t *targets) choose(now time.Time) {
	best := t.current
	if best == nil || best.state == hopDead || !slices.Contains(t.hops, best) {
		best = nil
		for _, h := range t.hops {
			if h.state != hopDead {
				best = h
				break
			}
			if best == nil || h.failed.Before(best.failed) {
				best = h
			}
		}
	} else {
		for _, h := range t.hops {
			if h == best {
				break
			}
			if h.state == hopAlive && now.Sub(h.since) >= holdDown {
				best = h
				break
			}
		}
	}
	if best == t.current {
		return
	}
	from := t.current
	t.current, t.dirty = best, true
	if from != nil && best != nil {
		t.e.log.Info("server switched", "from", from.String(), "to", best.String(), "why", from.reason)
	}
	t.e.moved(now)
}

// patience is how long a request waits for its first answer: short while another server can be tried instead.
func (t *targets) patience() time.Duration {
	if len(t.hops) > 1 {
		return quickTimeout
	}
	return timeout64
}

func (h *hop) deadline() time.Time {
	return earliest(h.probeAt, earliest(h.reviveAt, h.homeAt))
}

func (h *hop) advance(now time.Time) {
	if due(now, h.reviveAt) {
		h.reviveAt = time.Time{}
		h.setState(now, hopUnknown, "penalty over")
	}
	if due(now, h.homeAt) {
		h.homeAt = time.Time{}
	}
	if due(now, h.probeAt) {
		h.beat(now)
	}
	h.e.targets.choose(now)
}

// well: the server answered. A heartbeat does not absolve one that sent us away with 503 for a while.
func (h *hop) well(now time.Time, heartbeat bool) {
	if heartbeat && !h.shun.IsZero() && now.Before(h.shun) {
		return
	}
	h.lost, h.shun = 0, time.Time{}
	if h.state == hopAlive {
		return
	}
	was := h.state
	h.homeAt, h.reviveAt, h.reason = now.Add(holdDown), time.Time{}, ""
	h.setState(now, hopAlive, "answer")
	h.e.targets.choose(now)
	if was == hopDead && h.e.targets.current == h {
		h.e.revived(now)
	}
}

// bad: the server is silent, refused the datagram, or said 503 (then until says how long).
func (h *hop) bad(now time.Time, why string, until time.Time) {
	h.failed, h.shun, h.homeAt = now, until, time.Time{}
	h.reason = why
	if h.e.cfg.OptionsInterval <= 0 {
		h.reviveAt = now.Add(penalty)
		if until.After(h.reviveAt) {
			h.reviveAt = until
		}
	}
	h.setState(now, hopDead, why)
	h.e.targets.choose(now)
}

func (h *hop) setState(now time.Time, s hopState, cause string) {
	h.e.targets.dirty = true
	if h.state == s {
		return
	}
	logState(h.e.log, "server", h.state, s, cause, "server", h.String())
	h.state, h.since = s, now
}

// publish renews the snapshot.
func (t *targets) publish() {
	if !t.dirty {
		return
	}
	t.dirty = false
	var all []ServerHealth
	for _, n := range t.names {
		hops := t.of(n)
		if len(hops) == 0 {
			all = append(all, ServerHealth{Server: n.String(), State: "unresolved", Since: n.since, Reason: n.trouble})
		}
		for _, h := range hops {
			all = append(all, ServerHealth{
				Server: n.String(), Addr: h.addr, State: h.state.String(), Current: h == t.current, Since: h.since,
				Lost: h.lost, RTT: h.rtt, Reason: h.reason,
			})
		}
	}
	t.e.health.Store(&all)
}

// Servers is a snapshot of the health table, in order of preference.
func (e *Endpoint) Servers() []ServerHealth {
	if all := e.health.Load(); all != nil {
		return slices.Clone(*all)
	}
	return nil
}
