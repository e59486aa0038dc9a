package cli

import "golang.org/x/sys/unix"

// signalKeys makes ^C a signal again on a raw terminal, so that it can end a
// command that runs, without the echo and the line buffer of cooked mode.
func signalKeys(fd int) (restore func()) {
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	with := *old
	with.Lflag |= unix.ISIG
	_ = unix.IoctlSetTermios(fd, unix.TCSETS, &with)
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }
}
