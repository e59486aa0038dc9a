package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"tipring/api"
	"tipring/board"
	"tipring/board/sim"
	"tipring/cli"
	"tipring/config"
	"tipring/fxs"
	"tipring/gateway"
)

const defaultConfig = "/etc/tipring/tipring.yaml"

// serve is the daemon: it runs until SIGTERM or SIGINT, and reads its configuration again on SIGHUP.
func serve(args []string, errOut io.Writer) int {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.SetOutput(errOut)
	file := fs.String("c", defaultConfig, "configuration `file`")
	boardName := fs.String("board", "sim", "the hardware: sim (telephones in memory)")
	socket := fs.String("socket", "", "local socket `path` (default $TIPRING_SOCKET or "+api.DefaultSocket+")")
	if code, ok := parse(fs, args); !ok {
		return code
	}
	cfg, err := loadConfig(*file, errOut)
	if err != nil {
		return cli.ExitConfigInvalid
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	saveMemory()
	var level slog.LevelVar
	setLevel(&level, cfg)
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: &level}))

	b, desk, err := openBoard(*boardName, cfg)
	if err != nil {
		fmt.Fprintln(errOut, "tipring:", err)
		return cli.ExitUsage
	}
	defer b.Close()

	d := &daemon{file: *file, board: b, desk: desk, log: log, level: &level, started: time.Now(), feed: newFeed()}
	d.gateway = gateway.New(gateway.Options{
		Board: b, UserAgent: "tipring/" + version, Log: log, Notify: d.changed,
	})
	host, err := api.Listen(d, api.Options{Socket: socketPath(*socket), Log: log})
	if err != nil {
		fmt.Fprintln(errOut, "tipring:", err)
		return cli.ExitRefused
	}
	defer func() {
		bye, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := host.Close(bye); err != nil {
			log.Warn("local socket", "err", err)
		}
	}()

	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if _, err := d.Reload(ctx); err != nil {
					log.Error("reload refused, the running configuration goes on", "err", err)
				}
			}
		}
	}()

	log.Info("tipring starts", "version", version, "board", b.Name(), "config", *file, "socket", socketPath(*socket))
	if err := d.gateway.Run(ctx, cfg); err != nil {
		log.Error("gateway", "err", err)
		return cli.ExitRefused
	}
	log.Info("tipring ended")
	return cli.ExitOK
}

// parse reads flags; what is left over is a mistake. !ok: it is over, with this exit code.
func parse(fs *flag.FlagSet, args []string) (code int, ok bool) {
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return cli.ExitOK, false
	case err != nil:
		return cli.ExitUsage, false
	case fs.NArg() > 0:
		fmt.Fprintf(fs.Output(), "tipring %s: what is %q?\n", fs.Name(), fs.Arg(0))
		return cli.ExitUsage, false
	}
	return cli.ExitOK, true
}

// saveMemory suits the collector to a router with 64 MB: it works earlier, and hard before 24 MiB are in use. GOGC and
// GOMEMLIMIT in the environment have the last word.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(24 << 20)
	}
}

func socketPath(flagged string) string {
	if flagged != "" {
		return flagged
	}
	if env := os.Getenv("TIPRING_SOCKET"); env != "" {
		return env
	}
	return api.DefaultSocket
}

// check prints every error and warning of the configuration; exit 0 or 5.
func check(args []string, out, errOut io.Writer) int {
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	fs.SetOutput(errOut)
	file := fs.String("c", defaultConfig, "configuration `file`")
	if code, ok := parse(fs, args); !ok {
		return code
	}
	cfg, err := loadConfig(*file, errOut)
	if err != nil {
		return cli.ExitConfigInvalid
	}
	enabled := 0
	for _, p := range cfg.Ports {
		if p.Enabled {
			enabled++
		}
	}
	fmt.Fprintf(out, "%s: correct: %d port(s), %d enabled, %d service(s), country %s\n", *file, len(cfg.Ports), enabled, len(cfg.Services), cfg.Country)
	return cli.ExitOK
}

func configChecks() config.Checks {
	return config.Checks{
		Countries: fxs.Countries(),
		DigitMap: func(s string) error {
			_, err := fxs.ParseDigitMap(s)
			return err
		},
	}
}

// loadConfig reads the configuration and prints what is wrong with it, one line an error.
func loadConfig(file string, errOut io.Writer) (*config.Config, error) {
	cfg, err := config.Load(file, configChecks())
	if err != nil {
		for _, line := range errorLines(err) {
			fmt.Fprintln(errOut, line)
		}
		return nil, err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(errOut, "warning:", w)
	}
	return cfg, nil
}

func errorLines(err error) []string {
	var all config.Errors
	if errors.As(err, &all) {
		lines := make([]string, len(all))
		for i, e := range all {
			lines[i] = e.Error()
		}
		return lines
	}
	return strings.Split(err.Error(), "\n")
}

// sockets is how many telephones the simulated board has at least, so that a reload may add ports.
const sockets = 8

// openBoard makes the hardware. desk is nil unless the board is the simulated one.
func openBoard(name string, cfg *config.Config) (board.Board, *sim.Board, error) {
	if name != "sim" {
		return nil, nil, fmt.Errorf("board %q: only the simulated board (--board sim) is built yet", name)
	}
	var o sim.Options
	for n := range sockets {
		o.Ports = append(o.Ports, n+1)
	}
	for _, p := range cfg.Ports {
		o.Ports = append(o.Ports, p.Port)
	}
	country, err := fxs.LookupCountry(cfg.Country)
	if err != nil {
		return nil, nil, err
	}
	o.Tones = map[string]string{}
	for _, t := range fxs.Tones() {
		if spec := country.Tone(t); spec != "" {
			o.Tones[t.String()] = spec
		}
	}
	desk := sim.New(o)
	return desk, desk, nil
}

func setLevel(v *slog.LevelVar, cfg *config.Config) {
	var l slog.Level
	if l.UnmarshalText([]byte(cfg.Log.Level)) == nil {
		v.Set(l)
	}
}
