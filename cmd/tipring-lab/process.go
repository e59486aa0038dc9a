package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemonProcess is the real `tipring serve`, as a process of its own.
type daemonProcess struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// siblingBinary is the tipring that was built beside this program.
func siblingBinary() string {
	self, err := os.Executable()
	if err != nil {
		return "tipring"
	}
	return filepath.Join(filepath.Dir(self), "tipring")
}

func startDaemon(log string, args ...string) (*daemonProcess, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &daemonProcess{cmd: exec.Command(siblingBinary(), args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	// ^C is for this program, which then ends the daemon in order; and the daemon never outlives it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *daemonProcess) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the daemon as init would, and expects a clean end in time.
func (p *daemonProcess) stop() error {
	if p.ended() {
		return fmt.Errorf("the daemon had ended by itself: %s", p.cmd.ProcessState)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
		return errors.New("the daemon did not end within 5 s of SIGTERM")
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("the daemon ended with %s", p.cmd.ProcessState)
	}
	return nil
}

func (d *demo) logTail(n int) string {
	if d.daemon == nil {
		return ""
	}
	b, err := os.ReadFile(d.daemon.log)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// until asks again and again: the daemon is another process.
func until(ctx context.Context, d time.Duration, what string, ok func() (bool, error)) error {
	over := time.After(d)
	for {
		yes, err := ok()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return fmt.Errorf("waited %v in vain for %s", d, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// roomFor makes a temporary folder in which a socket of this name has a path that is short enough for the kernel.
func roomFor(socket string) (string, error) {
	dir, err := os.MkdirTemp("", "tipring-demo-")
	if err != nil || len(dir)+1+len(socket) <= 107 {
		return dir, err
	}
	os.Remove(dir)
	return os.MkdirTemp("/tmp", "tipring-demo-")
}

// openPair opens the sockets of SBC 1 and 2: the usual ports, or free ones when those are taken.
func openPair() ([]net.PacketConn, error) {
	if pair, err := openAll(defaultListen); err == nil {
		return pair, nil
	}
	return openAll("127.0.0.1:0,127.0.0.1:0")
}

// freeUDP finds a local address for the daemon's SIP socket. Not the usual port: another demonstration may be about to
// take that, too.
func freeUDP() (string, error) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer pc.Close()
	return pc.LocalAddr().String(), nil
}
