package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ReadOnlySocket is the path of the read-only twin of a full socket:
// tipring.sock has tipring-ro.sock beside it.
func ReadOnlySocket(socket string) string {
	ext := filepath.Ext(socket)
	return strings.TrimSuffix(socket, ext) + "-ro" + ext
}

const (
	socketMode = 0o660
	dirMode    = 0o750
	pathMax    = 107 // sun_path without its NUL
	probeTime  = time.Second
)

// doorway is a listening Unix socket that knows its own file.
type doorway struct {
	*net.UnixListener
	path string
	file fs.FileInfo // to see at the end whether the file is still ours
}

// openDoor listens on path. A stale socket is replaced; a socket behind which
// somebody answers is not, nor is a file that is no socket.
func openDoor(path string, gid int) (*doorway, error) {
	if path == "" || len(path) > pathMax {
		return nil, fmt.Errorf("socket path %q has %d bytes: 1 to %d are possible", path, len(path), pathMax)
	}
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	// Two daemons that start at once must not both find the socket stale.
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := clearStale(path); err != nil {
		return nil, err
	}

	// A socket file takes its mode from the unbound socket, less the umask: so
	// it is never wider than meant, not even between bind and chmod.
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), socketMode) }); e != nil {
			return e
		}
		return err
	}}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	d := &doorway{UnixListener: l.(*net.UnixListener), path: path}
	d.SetUnlinkOnClose(false)
	if gid != 0 {
		err = os.Chown(path, -1, gid)
	}
	if err == nil {
		err = os.Chmod(path, socketMode) // give back what the umask took
	}
	if err == nil {
		d.file, err = os.Lstat(path)
	}
	if err != nil {
		d.UnixListener.Close()
		os.Remove(path)
		return nil, err
	}
	return d, nil
}

// Close stops listening and removes the file, unless somebody replaced it.
func (d *doorway) Close() error {
	err := d.UnixListener.Close()
	unlock, lockErr := lockDir(filepath.Dir(d.path))
	if lockErr != nil {
		return err // the directory is gone, and the file with it
	}
	defer unlock()
	if now, e := os.Lstat(d.path); e == nil && os.SameFile(now, d.file) {
		os.Remove(d.path)
	}
	return err
}

// makeDir creates the socket's directory, and leaves one that exists as it is.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(dir, dirMode)
}

// lockDir holds an exclusive lock on a directory; nothing stays on disk.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

// clearStale removes a socket file that nobody listens on any more.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket: remove it or choose another path", path)
	}
	c, err := net.DialTimeout("unix", path, probeTime)
	if err == nil {
		c.Close()
	}
	// Only a refused connection proves that nobody is there: a full backlog or
	// a missing permission does not.
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s is in use by a running daemon: stop it or choose another path", path)
	}
	return os.Remove(path)
}
