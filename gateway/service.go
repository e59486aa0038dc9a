package gateway

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"sync/atomic"
	"time"

	"tipring/config"
	"tipring/sipua"
)

// service is one SIP provider: one local address, one endpoint, the agents of its ports. It opens the endpoint and,
// while the address is not there (the WAN comes up late, another program holds the port), tries again with back-off.
type service struct {
	gw     *Gateway
	cfg    config.Service
	sip    sipua.Config
	state  atomic.Pointer[serviceState] // nil: the first attempt is under way
	cancel context.CancelFunc
	done   chan struct{}
}

// serviceState is what ports need to know of their service.
type serviceState struct {
	endpoint *sipua.Endpoint // nil: not open
	local    netip.Addr
	why      string    // it is not open
	retry    time.Time // zero: never
}

func (g *Gateway) startService(sc config.Service, cfg *config.Config) *service {
	ctx, cancel := context.WithCancel(g.ctx)
	s := &service{gw: g, cfg: sc, sip: g.sipConfig(sc, cfg), cancel: cancel, done: make(chan struct{})}
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		defer close(s.done)
		s.run(ctx)
	}()
	return s
}

func (g *Gateway) sipConfig(sc config.Service, cfg *config.Config) sipua.Config {
	servers := make([]sipua.Server, len(sc.Servers))
	for i, sv := range sc.Servers {
		servers[i] = sipua.Server{Host: sv.Host, Port: sv.Port, Transport: sv.Transport}
	}
	return sipua.Config{
		UserAgent: g.opt.UserAgent, Domain: sc.Domain, Servers: servers, Expires: sc.Expires,
		OptionsInterval: sc.OptionsInterval, OptionsLost: sc.OptionsLost, KeepAlive: sc.Keepalive,
		StartJitter: sc.StartJitter, NoAnswer: cfg.Timers.CallerNoAnswer, Resolve: g.opt.Resolve, Trace: g.opt.Trace,
	}
}

// same tells whether sc makes the very endpoint that is running.
func (s *service) same(sc config.Service, cfg *config.Config) bool {
	return reflect.DeepEqual(s.cfg, sc) && s.sip.NoAnswer == cfg.Timers.CallerNoAnswer
}

// stop begins the end: bindings are removed, calls released. done is closed when the socket is.
func (s *service) stop() { s.cancel() }

func (s *service) run(ctx context.Context) {
	for wait := 2 * time.Second; ; wait = min(2*wait, time.Minute) {
		local, err := s.local(ctx)
		var ep *sipua.Endpoint
		if err == nil {
			ep, err = s.open(local)
		}
		if err == nil {
			s.tell(serviceState{endpoint: ep, local: local.Addr()})
			<-ctx.Done()
			s.tell(serviceState{why: "the service is being stopped"})
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), unregisterTime)
			defer cancel()
			if err := ep.Close(bye); err != nil {
				s.gw.log.Warn("service closed without a complete goodbye", "service", s.cfg.Name, "err", err)
			}
			return
		}
		s.gw.log.Warn("service cannot open its address", "service", s.cfg.Name, "err", err, "retry", wait)
		s.tell(serviceState{why: err.Error(), retry: time.Now().Add(wait)})
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (s *service) open(local netip.AddrPort) (*sipua.Endpoint, error) {
	pc, err := s.gw.opt.Listen(local)
	if err != nil {
		return nil, fmt.Errorf("local address %s: %w", local, err)
	}
	ep, err := sipua.NewEndpoint(pc, s.sip, s.gw.log.With("service", s.cfg.Name))
	if err != nil {
		pc.Close()
		return nil, err
	}
	return ep, nil
}

// local is the configured address, or the address of the route to the first server.
func (s *service) local(ctx context.Context) (netip.AddrPort, error) {
	if a := s.cfg.Local; a.IsValid() && !a.Addr().IsUnspecified() {
		return a, nil
	}
	port := cmp.Or(s.cfg.Local.Port(), 5060)
	if len(s.cfg.Servers) == 0 {
		return netip.AddrPort{}, fmt.Errorf("service %s: no server", s.cfg.Name)
	}
	sv := s.cfg.Servers[0]
	addr, err := netip.ParseAddr(sv.Host)
	if err != nil {
		all, rerr := s.gw.opt.Resolve(ctx, sv.Host)
		if rerr != nil {
			return netip.AddrPort{}, fmt.Errorf("name of server %s: %w", sv.Host, rerr)
		}
		if len(all) == 0 {
			return netip.AddrPort{}, fmt.Errorf("name of server %s has no address", sv.Host)
		}
		addr = all[0].Unmap()
	}
	own, err := s.gw.opt.Route(netip.AddrPortFrom(addr, cmp.Or(sv.Port, 5060)))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("no route to server %s: %w", sv.Host, err)
	}
	return netip.AddrPortFrom(own, port), nil
}

// tell makes every port that uses this service look. A port that is being started looks after it is in gw.ports, so
// that it cannot miss the state between the two lines.
func (s *service) tell(st serviceState) {
	s.state.Store(&st)
	for _, p := range *s.gw.ports.Load() {
		if p.want.Load().service == s {
			p.post(look{})
		}
	}
}

// routeTo asks the kernel which of our addresses it would use; no packet is sent.
func routeTo(to netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}
