// Package gateway joins the worlds: the analogue line (fxs), the SIP agent (sipua), the voice path (media) and the
// hardware (board). Each FXS port is one actor: a goroutine that owns everything of its port and is spoken to only by
// its bounded inbox. Nobody waits for an actor: commands are posted, status is read from an immutable snapshot.
//
// The gateway owns two kinds of goroutine: one per port and one per SIP service (it opens the endpoint and tries
// again while the address is not there). The voice pump of a line runs in a goroutine that its port starts and ends.
// It does not parse configuration files and knows nothing of sockets for people: those are config, api and cli.
package gateway

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tipring/board"
	"tipring/config"
	"tipring/media"
)

// Options are the outside world of a gateway. Board is required; the rest has defaults that use the machine's network.
type Options struct {
	Board     board.Board
	Media     media.Network                                                // RTP sockets; nil: UDP
	Listen    func(local netip.AddrPort) (net.PacketConn, error)           // SIP sockets; nil: UDP
	Resolve   func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the system's resolver
	Route     func(to netip.AddrPort) (netip.Addr, error)                  // our address towards a server; nil: asks the kernel
	UserAgent string
	Log       *slog.Logger                                // nil: discard
	Notify    func(Change)                                // told of every visible change; must not block
	Trace     func(out bool, peer string, message []byte) // every SIP message, secrets masked; must not block
}

// Change tells which face of a port changed: "registration", "call" or "line".
type Change struct {
	Kind string
	Port PortStatus
}

// Gateway runs the ports of one board.
type Gateway struct {
	opt     Options
	log     *slog.Logger
	history history
	dropped atomic.Uint64 // events that found a full inbox

	mu       sync.Mutex // serialises Run's set-up, Apply and SetEnabled; never held by a port
	ctx      context.Context
	cfg      *config.Config
	services map[string]*service
	plans    map[string]*countryPlan
	wg       sync.WaitGroup

	ports atomic.Pointer[[]*port] // sorted by number; replaced as a whole
}

// New prepares a gateway; Run starts it.
func New(opt Options) *Gateway {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Media == nil {
		opt.Media = media.UDP()
	}
	if opt.Listen == nil {
		opt.Listen = func(local netip.AddrPort) (net.PacketConn, error) {
			return net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
		}
	}
	if opt.Resolve == nil {
		opt.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if opt.Route == nil {
		opt.Route = routeTo
	}
	g := &Gateway{opt: opt, log: opt.Log, services: map[string]*service{}, plans: map[string]*countryPlan{}}
	g.ports.Store(&[]*port{})
	return g
}

// Run boots the gateway: every enabled port registers. It returns when ctx ends, after the calls are released, the
// bindings removed (at most two seconds) and the lines put into their safe state.
func (g *Gateway) Run(ctx context.Context, cfg *config.Config) error {
	// Ports and services outlive ctx by the time that an orderly goodbye takes.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g.mu.Lock()
	g.ctx = alive
	err := g.apply(cfg, false)
	g.mu.Unlock()
	if err == nil {
		<-ctx.Done()
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopPorts(*g.ports.Load())
	for _, s := range g.services {
		s.stop()
	}
	g.wg.Wait()
	g.ctx = nil
	return err
}

// stopPorts ends actors and waits: their lines are free afterwards.
func (g *Gateway) stopPorts(ports []*port) {
	for _, p := range ports {
		p.cancel()
	}
	for _, p := range ports {
		<-p.done
	}
}

// Apply makes the running gateway follow cfg. Only ports whose configuration changed hear of it; calls on the others
// go on. A port that is newly enabled registers at once (no start jitter).
func (g *Gateway) Apply(cfg *config.Config) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx == nil {
		return ErrNotRunning
	}
	return g.apply(cfg, true)
}

// SetEnabled activates or deactivates one port in the running configuration. Deactivating a port in a call is refused.
func (g *Gateway) SetEnabled(number int, on bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx == nil {
		return ErrNotRunning
	}
	p := g.port(number)
	if p == nil {
		return fmt.Errorf("%w: port %d", ErrNoPort, number)
	}
	if st := p.status.Load(); !on {
		for _, c := range []CallStatus{st.Call, st.Held} {
			if c.State.inCall() {
				return &BusyError{Port: number, State: c.State.String(), Peer: c.Peer}
			}
		}
	}
	next := g.cfg.Clone()
	for i := range next.Ports {
		if next.Ports[i].Port == number {
			next.Ports[i].Enabled = on
		}
	}
	return g.apply(next, true)
}

// Register makes the given ports (none: all enabled ones) register now, whatever their back-off says.
func (g *Gateway) Register(numbers ...int) error {
	for _, n := range numbers {
		p := g.port(n)
		if p == nil {
			return fmt.Errorf("%w: port %d", ErrNoPort, n)
		}
		if !p.status.Load().Enabled {
			return fmt.Errorf("%w: port %d", ErrDisabled, n)
		}
	}
	for _, p := range *g.ports.Load() {
		if len(numbers) == 0 || slices.Contains(numbers, p.number) {
			p.post(registerNow{})
		}
	}
	return nil
}

// Status returns the ports' snapshots in order of their numbers. It never waits for an actor.
func (g *Gateway) Status() []PortStatus {
	ports := *g.ports.Load()
	all := make([]PortStatus, len(ports))
	for i, p := range ports {
		all[i] = p.status.Load().withMedia()
	}
	return all
}

// Config returns the running configuration; the caller must not change it.
func (g *Gateway) Config() *config.Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cfg
}

// History returns the finished calls, the newest first.
func (g *Gateway) History() []CallRecord { return g.history.newestFirst() }

func (g *Gateway) port(number int) *port {
	for _, p := range *g.ports.Load() {
		if p.number == number {
			return p
		}
	}
	return nil
}

// apply is the one way from a configuration to running ports, at boot and later. g.mu is held.
func (g *Gateway) apply(cfg *config.Config, immediate bool) error {
	wanted := make([]settings, len(cfg.Ports))
	for i, pc := range cfg.Ports {
		plan, err := g.plan(cmp.Or(pc.Country, cfg.Country))
		if err != nil {
			return fmt.Errorf("port %d: %w", pc.Port, err)
		}
		digits, err := digitMap(pc)
		if err != nil {
			return fmt.Errorf("port %d: %w", pc.Port, err)
		}
		wanted[i] = settings{card: cfg.Card, port: pc, plan: plan, digits: digits, media: cfg.Media, timers: cfg.Timers}
	}

	g.cfg = cfg
	g.followServices(cfg)

	var ports, begin, gone []*port
	for i := range wanted {
		set := &wanted[i]
		set.service = g.services[set.port.Service]
		p := g.port(set.port.Port)
		if p == nil {
			p = g.newPort(set, immediate)
			begin = append(begin, p)
		} else if !p.want.Load().same(set) {
			p.configure(set)
		}
		ports = append(ports, p)
	}
	for _, p := range *g.ports.Load() {
		if !slices.Contains(ports, p) {
			gone = append(gone, p)
		}
	}
	slices.SortFunc(ports, func(a, b *port) int { return a.number - b.number })
	g.ports.Store(&ports)
	g.stopPorts(gone)
	for _, p := range begin {
		p.begin()
	}
	return nil
}

// followServices stops the services that are gone or changed and starts the new ones.
func (g *Gateway) followServices(cfg *config.Config) {
	keep := map[string]bool{}
	for _, sc := range cfg.Services {
		s := g.services[sc.Name]
		if s != nil && s.same(sc, cfg) {
			keep[sc.Name] = true
		}
	}
	for name, s := range g.services {
		if !keep[name] {
			s.stop()
			<-s.done // the address must be free before the next one binds it
			delete(g.services, name)
		}
	}
	for _, sc := range cfg.Services {
		if g.services[sc.Name] == nil {
			g.services[sc.Name] = g.startService(sc, cfg)
		}
	}
}

func (g *Gateway) notify(kind string, st PortStatus) {
	if g.opt.Notify != nil {
		g.opt.Notify(Change{kind, st})
	}
}

const (
	unregisterTime = 2 * time.Second // a goodbye that is not answered by then is not waited for
	inboxSize      = 128             // events; a port handles one in microseconds
)
