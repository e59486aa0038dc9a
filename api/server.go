package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Limits of one request. An event stream and a phone action extend the write
// time for themselves.
const (
	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	writeTime  = 10 * time.Second
	idleTime   = 60 * time.Second
	headerMax  = 8 << 10
	bodyMax    = 64 << 10
	phoneTime  = 150 * time.Second // the longest recording or wait
	readersMax = 128               // event streams at once
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
type Host struct {
	hub     *hub
	waiters []*waiter
	done    sync.WaitGroup
}

// Listen opens the sockets (mode 0660, directory 0750) and serves the backend
// on them until Close. It refuses to take a socket from a running daemon.
func Listen(b Backend, o Options) (*Host, error) {
	o = o.filled()
	type place struct {
		path     string
		gid      int
		readOnly bool
	}
	places := []place{{o.Socket, o.GID, false}}
	if !o.NoTwin {
		places = append(places, place{ReadOnlySocket(o.Socket), o.ReadOnlyGID, true})
	}
	var doors []*doorway
	for _, p := range places {
		d, err := openDoor(p.path, p.gid)
		if err != nil {
			for _, d := range doors {
				d.Close()
			}
			return nil, fmt.Errorf("local socket: %w", err)
		}
		doors = append(doors, d)
	}

	s := &Host{hub: newHub(b, o.Ring)}
	for i, d := range doors {
		w := newWaiter(d, handler(b, s.hub, o, places[i].readOnly), o.Log)
		s.waiters = append(s.waiters, w)
		s.done.Go(func() {
			if err := w.serve(); err != nil {
				o.Log.Error("local socket died", "path", d.path, "err", err)
			}
		})
	}
	return s, nil
}

// Close stops accepting, ends event streams, waits for requests under way at
// most until ctx ends, and removes the sockets.
func (s *Host) Close(ctx context.Context) error {
	s.hub.close()
	var errs []error
	for _, w := range s.waiters {
		errs = append(errs, w.shutdown(ctx))
	}
	s.done.Wait()
	return errors.Join(errs...)
}

func (o Options) filled() Options {
	if o.Socket == "" {
		o.Socket = DefaultSocket
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 15 * time.Second
	}
	if o.Ring <= 0 {
		o.Ring = 256
	}
	return o
}
