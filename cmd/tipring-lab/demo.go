package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tipring/api"
	"tipring/cli"
	"tipring/internal/exchange"
)

// demoCommand shows the main job from power-on to conversation: the real daemon as a process of its own, telephones in
// memory, the exchange on loopback. Everything it claims was measured: by the ears of the telephones, by the exchange's
// own table, by the command line. Anything else than expected is said, and ends it with exit code 1.
func demoCommand(ctx context.Context, args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("tipring-lab demo", flag.ContinueOnError)
	flags.SetOutput(errOut)
	keep := flags.Bool("keep", false, "leave everything running at the end, until interrupted, and tell how to look inside")
	country := flags.String("country", "CN", "whose tones, ring cadence and caller ID: ISO 3166 `code`")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(errOut, "tipring-lab demo: what is %q?\n", flags.Arg(0))
		return exitUsage
	}
	d := &demo{out: out, started: time.Now(), country: *country}
	err := d.open(ctx)
	if err == nil {
		err = d.play(ctx)
	}
	if err == nil && *keep {
		d.attach()
		<-ctx.Done()
	}
	stopped := d.stop()
	switch {
	case ctx.Err() != nil && !(*keep && err == nil):
		d.say("demo", "interrupted")
		os.RemoveAll(d.dir)
		return exitFailed
	case err == nil:
		err = stopped
	}
	if err != nil {
		fmt.Fprintf(errOut, "\ntipring-lab demo: surprise: %v\n", err)
		if tail := d.logTail(20); tail != "" {
			fmt.Fprintf(errOut, "The daemon's last words (all of them: %s):\n%s\n", d.daemon.log, tail)
		} else {
			os.RemoveAll(d.dir)
		}
		return exitFailed
	}
	os.RemoveAll(d.dir)
	d.say("power off", "the daemon ended in order, the registrar's table is empty: everything happened as it should")
	return exitOK
}

// demo is one performance.
type demo struct {
	out     io.Writer
	started time.Time
	country string
	dir     string
	x       *exchange.Exchange
	sbcs    []string
	local   string // the daemon's SIP address
	daemon  *daemonProcess
	client  *api.Client
}

// say prints one line: the time since the start, whom it is about, what happened.
func (d *demo) say(who, format string, a ...any) {
	fmt.Fprintf(d.out, "%6.2f s  %-10s %s\n", time.Since(d.started).Seconds(), who, fmt.Sprintf(format, a...))
}

// row prints the vendor's row as the technician's command prints it.
func (d *demo) row(ctx context.Context) error {
	fmt.Fprintf(d.out, "\n$ tipring show port status\n")
	code := cli.Run(ctx, []string{"show", "port", "status"}, nil, d.out, d.out, cli.Options{Socket: d.client.Socket(), Timeout: patience})
	if code != cli.ExitOK {
		return fmt.Errorf("show port status: exit code %d", code)
	}
	fmt.Fprintln(d.out)
	return nil
}

func (d *demo) open(ctx context.Context) error {
	if _, err := os.Stat(siblingBinary()); err != nil {
		return fmt.Errorf("%w: `make build` builds it beside this program", err)
	}
	var err error
	if d.dir, err = roomFor("tipring.sock"); err != nil {
		return err
	}
	sockets, err := openPair()
	if err != nil {
		return err
	}
	d.x = exchange.New(exchange.Config{Users: map[string]string{"1001": "secret1", "1002": "secret2", "1003": "secret3"}})
	for _, pc := range sockets {
		d.sbcs = append(d.sbcs, d.x.Serve(pc).Addr().String())
	}
	if d.local, err = freeUDP(); err != nil {
		return err
	}
	if err := d.configure("a wrong one"); err != nil {
		return err
	}
	d.client = api.NewClient(filepath.Join(d.dir, "tipring.sock"))
	d.say("power on", "card 2 with three telephones (simulated), registrars at %s and %s;", d.sbcs[0], d.sbcs[1])
	d.say("", "telephones 1001, 1002, 1003 on ports 1, 2, 3; port 2 has a wrong password")
	d.daemon, err = startDaemon(filepath.Join(d.dir, "daemon.log"), "serve", "-c", d.configFile(), "--board", "sim", "--socket", d.client.Socket())
	if err != nil {
		return err
	}
	return until(ctx, patience, "the daemon's socket", func() (bool, error) {
		if d.daemon.ended() {
			return false, errors.New("the daemon ended")
		}
		_, err := d.client.Version(ctx)
		return err == nil, nil
	})
}

func (d *demo) configFile() string { return filepath.Join(d.dir, "tipring.yaml") }

// configure writes the daemon's configuration, with the given password at port 2.
func (d *demo) configure(password2 string) error {
	text := fmt.Sprintf(`version: 1
card: 2
country: %s
services:
  - {name: main, domain: example.net, servers: [%q, %q], local: %q, start_jitter: 0s}
ports:
  - {port: 1, enabled: true, user: "1001", password: secret1, display_name: Wang Wei, digit_map: "1xxx|x.T"}
  - {port: 2, enabled: true, user: "1002", password: %q, display_name: Li Na, digit_map: "1xxx|x.T"}
  - {port: 3, enabled: true, user: "1003", password: secret3, display_name: Zhang Min, digit_map: "1xxx|x.T"}
`, d.country, d.sbcs[0], d.sbcs[1], d.local, password2)
	return os.WriteFile(d.configFile(), []byte(text), 0o600)
}

// attach tells how to look inside.
func (d *demo) attach() {
	fmt.Fprintf(d.out, `
Everything happened as it should, and goes on running until ^C. Look inside from another terminal:

  export TIPRING_SOCKET=%[2]s
  %[1]s show port status
  %[1]s console
  %[1]s phone 3 lift && %[1]s phone 3 wait dial && %[1]s phone 3 dial 1001
  %[1]s phone 1 wait ring && %[1]s phone 1 display
  curl --unix-socket %[2]s http://tipring/v1/ports
  curl --unix-socket %[2]s -N http://tipring/v1/events

Configuration: %[3]s (change it, then: %[1]s reload)
Log:           %[4]s
`, quoted(siblingBinary()), quoted(d.client.Socket()), quoted(d.configFile()), quoted(d.daemon.log))
}

// quoted makes a path one word of the shell.
func quoted(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// stop ends daemon and exchange; a daemon that leaves bindings behind is a surprise.
func (d *demo) stop() error {
	var err error
	if d.daemon != nil {
		err = d.daemon.stop()
	}
	if d.x != nil {
		if left := d.x.Bindings(); err == nil && len(left) > 0 {
			err = fmt.Errorf("the daemon left %d binding(s) at the registrar when it ended", len(left))
		}
		d.x.Close()
	}
	return err
}
