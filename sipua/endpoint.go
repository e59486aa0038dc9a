package sipua

import (
	"context"
	"log/slog"
	"net"
)

// Endpoint is one local SIP address with its servers and agents.
type Endpoint struct{}

// NewEndpoint starts the reader and the loop on a socket, which it owns from now on. The socket's LocalAddr is what Via
// and Contact carry, so it must be bound to one address.
func NewEndpoint(pc net.PacketConn, cfg Config, log *slog.Logger) (*Endpoint, error) {
	return &Endpoint{}, nil
}

// Agent adds a telephone. notify is called from the loop, in order, and must not block; nil: calls are refused with 480.
func (e *Endpoint) Agent(acc Account, notify func(Event)) *Agent { return &Agent{} }

// Close releases all calls, removes all bindings (answering challenges) and closes the socket; at most until ctx ends.
func (e *Endpoint) Close(ctx context.Context) error { return nil }

// Servers is a snapshot of the health table.
func (e *Endpoint) Servers() []ServerHealth { return nil }

// Stats is a snapshot of the counters.
func (e *Endpoint) Stats() Stats { return Stats{} }
