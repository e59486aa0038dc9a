package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Options for Listen. Only Socket is needed.
type Options struct {
	Socket      string // path of the full socket; its read-only twin stands beside it
	NoTwin      bool   // no read-only socket
	GID         int    // group of the full socket, 0: the process's
	ReadOnlyGID int    // group of the read-only twin, 0: the process's
	Log         *slog.Logger
	KeepAlive   time.Duration // of event streams, 0: 15 s
	Ring        int           // events kept for replay, 0: 256
}

// Host is a running server of the local sockets.
type Host struct{}

// Listen opens the sockets and serves the backend on them until Close.
func Listen(b Backend, o Options) (*Host, error) { panic("soon") }

// Close stops accepting, ends event streams, waits for requests under way at
// most until ctx ends, and removes the sockets.
func (h *Host) Close(ctx context.Context) error { panic("soon") }

// NewHandler serves the backend without a socket, for tests and embedding.
func NewHandler(b Backend, o Options, readOnly bool) http.Handler { panic("soon") }
