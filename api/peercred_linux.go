package api

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who opened the connection. Behind a proxy it is the
// proxy: so this is for the audit log, and permission is the socket file's.
func peerOf(c net.Conn) (p peer) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return p
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return p
	}
	raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p = peer{known: true, uid: cred.Uid, gid: cred.Gid, pid: cred.Pid}
		}
	})
	return p
}
