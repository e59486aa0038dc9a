package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the console on the other side of a pty.
func TestMain(m *testing.M) {
	if os.Getenv("TIPRING_TEST_CONSOLE") != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit(ConsoleCommand(ctx, nil, os.Stdin, os.Stdout, os.Stderr, Options{Location: time.UTC}))
	}
	os.Exit(m.Run())
}

// ttyOf starts the console as a login on a fresh pty of the given size.
func ttyOf(t *testing.T, socket string, size unix.Winsize, env ...string) (*wire, *os.File, *unix.Termios, *exec.Cmd) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.Env = append(env, "TIPRING_TEST_CONSOLE=1", "TIPRING_SOCKET="+socket) // and no TERM
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &wire{ReadWriteCloser: master, more: make(chan struct{}, 1)}
	go w.listen()
	t.Cleanup(func() { master.Close(); cmd.Process.Kill(); cmd.Wait(); tty.Close() })
	return w, tty, before, cmd
}

func TestConsoleOnATerminal(t *testing.T) {
	for _, c := range []struct {
		name string
		size unix.Winsize
		env  []string
	}{
		{"serial line, no TERM, 0x0", unix.Winsize{}, nil},
		{"dumb", unix.Winsize{Col: 80, Row: 24}, []string{"TERM=dumb"}},
		{"narrow vt100", unix.Winsize{Col: 40, Row: 24}, []string{"TERM=vt100"}},
		{"one column", unix.Winsize{Col: 1, Row: 1}, []string{"TERM=linux"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, socket := serve(t)
			d.noted = make(chan string, 8)
			w, tty, before, cmd := ttyOf(t, socket, c.size, c.env...)
			w.expect(t, "tipring> ")
			w.typeIn(t, "show port status\r")
			w.expect(t, header+"\r\n")
			w.expect(t, crlfTable)
			w.expect(t, "tipring> ")
			w.typeIn(t, "\xff\x1b[200~\x00\x03")
			w.expect(t, "tipring> ")
			// ^C ends a command that runs, and not the console.
			w.typeIn(t, "phone 1 wait call 120\r")
			if got := <-d.noted; got != `phone 1 wait ["call" "120"]` {
				t.Fatal(got)
			}
			w.typeIn(t, "\x03")
			w.expect(t, "% interrupted\r\n")
			if got := <-d.noted; got != "wait ended" {
				t.Fatal(got)
			}
			w.expect(t, "tipring> ")
			// A new size while a line is open.
			if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 100, Row: 30}); err != nil {
				t.Fatal(err)
			}
			w.typeIn(t, "show version\r")
			w.expect(t, "tipring 1.2.3 (abc1234)")
			w.expect(t, "tipring> ")
			w.typeIn(t, "exit\r")
			if err := cmd.Wait(); err != nil {
				t.Errorf("console: %v", err)
			}
			if strings.Contains(w.transcript(), "\x1b[6n") {
				t.Error("the console asks the terminal where its cursor is")
			}
			after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			if *after != *before {
				t.Errorf("the terminal is left as %+v, was %+v", after, before)
			}
		})
	}
}

// A console that is told to end gives the terminal back, also while it waits for
// a key.
func TestConsoleIsTerminated(t *testing.T) {
	_, socket := serve(t)
	w, tty, before, cmd := ttyOf(t, socket, unix.Winsize{})
	w.expect(t, "tipring> ")
	w.typeIn(t, "show ver")
	w.expect(t, "ver")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("console: %v", err)
	}
	after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is left as %+v, was %+v (%v)", after, before, err)
	}
}
