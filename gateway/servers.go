package gateway

import (
	"slices"
	"strings"

	"tipring/sipua"
)

// ServerStatus is one SIP server of one service.
type ServerStatus struct {
	Service string
	sipua.ServerHealth
}

// Servers returns the health of every server, by service.
func (g *Gateway) Servers() []ServerStatus {
	var all []ServerStatus
	for name, ep := range g.endpoints() {
		for _, h := range ep.Servers() {
			all = append(all, ServerStatus{name, h})
		}
	}
	slices.SortStableFunc(all, func(a, b ServerStatus) int { return strings.Compare(a.Service, b.Service) })
	return all
}

// SIPStats returns the counters of each service's socket.
func (g *Gateway) SIPStats() map[string]sipua.Stats {
	all := map[string]sipua.Stats{}
	for name, ep := range g.endpoints() {
		all[name] = ep.Stats()
	}
	return all
}

// EventsLost counts events that found the inbox of their port full. It should stay 0.
func (g *Gateway) EventsLost() uint64 { return g.dropped.Load() }

// endpoints are those that are open.
func (g *Gateway) endpoints() map[string]*sipua.Endpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := map[string]*sipua.Endpoint{}
	for name, s := range g.services {
		if st := s.state.Load(); st != nil && st.endpoint != nil {
			open[name] = st.endpoint
		}
	}
	return open
}
