package gateway

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tipring/board/sim"
	"tipring/internal/memnet"
)

// bare is a gateway and a board, and nobody at the other end of the network.
type bare struct {
	gw    *Gateway
	board *sim.Board
	quit  context.CancelFunc
	ended chan error
}

func newBare(t *testing.T, text string) *bare {
	b := &bare{board: sim.New(sim.Options{Ports: []int{1, 2}}), ended: make(chan error, 1)}
	wire := memnet.New(memnet.Options{})
	b.gw = New(Options{Board: b.board, Media: wire,
		Listen: func(a netip.AddrPort) (net.PacketConn, error) { return wire.Listen(a) }})
	ctx, quit := context.WithCancel(context.Background())
	b.quit = quit
	go func() { b.ended <- b.gw.Run(ctx, parse(t, text)) }()
	synctest.Wait()
	return b
}

func (b *bare) close() {
	b.quit()
	<-b.ended
	b.board.Close()
}

func lag(d time.Duration) memnet.Options { return memnet.Options{Link: memnet.Link{Latency: d}} }

func asBusy(err error, to **BusyError) bool { return errors.As(err, to) }
