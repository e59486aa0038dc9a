package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// woken reads a terminal until a context ends: a read of a terminal cannot be
// interrupted, so it is begun only when there is something to read.
type woken struct {
	f      *os.File
	r, w   *os.File // a pipe whose end says that the context ended
	forget func() bool
}

func newWoken(ctx context.Context, f *os.File) (*woken, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &woken{f: f, r: r, w: w, forget: context.AfterFunc(ctx, func() { w.Close() })}, nil
}

// Read implements io.Reader; after the context it returns io.EOF.
func (k *woken) Read(p []byte) (int, error) {
	for {
		fds := []unix.PollFd{
			{Fd: int32(k.f.Fd()), Events: unix.POLLIN},
			{Fd: int32(k.r.Fd()), Events: unix.POLLIN},
		}
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, err
		case fds[1].Revents != 0:
			return 0, io.EOF
		case fds[0].Revents != 0:
			return k.f.Read(p)
		}
	}
}

// Close frees the pipe.
func (k *woken) Close() {
	k.forget()
	k.w.Close()
	k.r.Close()
}
