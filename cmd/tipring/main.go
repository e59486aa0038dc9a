// Command tipring makes the analogue telephones on a router's FXS ports work over SIP.
//
//	tipring serve    the daemon
//	tipring check    the configuration, all errors at once
//	tipring console  the technician's shell
//	tipring show ... any command of the shell, once
//
// This package is the wiring: the only place that knows every room of the house.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"tipring/api"
	"tipring/cli"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, in io.Reader, out, errOut io.Writer) int {
	// As login shell of the serial console, argv[0] is "-tipring".
	if strings.HasPrefix(filepath.Base(args[0]), "-") {
		return console(args[1:], in, out, errOut)
	}
	if len(args) < 2 {
		usage(errOut)
		return cli.ExitUsage
	}
	switch args[1] {
	case "serve":
		return serve(args[2:], errOut)
	case "check":
		return check(args[2:], out, errOut)
	case "console":
		return console(args[2:], in, out, errOut)
	case "version", "-version", "--version", "-V":
		fmt.Fprintln(out, "tipring", version)
		return cli.ExitOK
	case "help", "-h", "-help", "--help":
		usage(out)
		return cli.ExitOK
	}
	ctx, stop := untilTerminated()
	defer stop()
	return cli.Run(ctx, args[1:], in, out, errOut, cli.Options{})
}

func console(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := untilTerminated()
	defer stop()
	return cli.ConsoleCommand(ctx, args, in, out, errOut, cli.Options{})
}

// untilTerminated is for who has something to put in order at the end; everybody else dies of SIGTERM.
func untilTerminated() (context.Context, func()) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM)
}

func usage(w io.Writer) {
	fmt.Fprint(w, `tipring: a voice gateway agent for FXS ports

  tipring serve   [-c FILE] [--board sim] [--socket PATH]   the daemon
  tipring check   [-c FILE]                                 all errors of the configuration at once
  tipring console [--socket PATH] [-c "COMMAND"]            the technician's shell
  tipring show port 1 status [--json] [--socket PATH]       any command of the shell, once
  tipring version

The configuration is /etc/tipring/tipring.yaml unless -c says otherwise; the socket
is /var/run/tipring/tipring.sock unless --socket or $TIPRING_SOCKET does.
Exit codes: 0 done, 1 refused, 2 usage, 3 daemon not reachable, 4 not permitted, 5 configuration invalid.
`)
}

func thisVersion() api.Version {
	v := api.Version{Name: "tipring", Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, API: "v1"}
	if bi, ok := debug.ReadBuildInfo(); ok {
		for _, s := range bi.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v.Commit = s.Value[:12]
			}
		}
	}
	return v
}
