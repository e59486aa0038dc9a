//go:build !linux

package api

import "net"

func peerOf(net.Conn) peer { return peer{} }
