package gateway

import (
	"errors"
	"fmt"
)

// Errors that a caller branches on.
var (
	ErrNotRunning = errors.New("the gateway is not running")
	ErrNoPort     = errors.New("no such port")
	ErrDisabled   = errors.New("the port is disabled")
)

// BusyError refuses a command because the port is in a call.
type BusyError struct {
	Port        int
	State, Peer string
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("port %d is in a call (%s, peer %s): hang up first", e.Port, e.State, e.Peer)
}
