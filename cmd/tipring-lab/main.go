// Command tipring-lab is test equipment, which never goes into a firmware image.
//
//	tipring-lab demo      from power-on to a conversation, with a verdict
//	tipring-lab exchange  the registrar and proxy pair on real UDP
//
// Each subcommand has a file of its own.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

// Exit codes, those of tipring.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one subcommand; it runs until it is done or ctx ends, and returns the exit code.
type command struct {
	name, about string
	run         func(ctx context.Context, args []string, out, errOut io.Writer) int
}

var commands = []command{
	{"demo", "power-on to conversation: the daemon, three telephones and the exchange, with a verdict", demoCommand},
	{"exchange", "a registrar and proxy pair (SBC 1, SBC 2) on real UDP, until interrupted", exchangeCommand},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		usage(errOut)
		return exitUsage
	}
	switch args[0] {
	case "version", "-version", "--version", "-V":
		fmt.Fprintln(out, "tipring-lab", version)
		return exitOK
	case "help", "-h", "-help", "--help":
		usage(out)
		return exitOK
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out, errOut)
		}
	}
	fmt.Fprintf(errOut, "tipring-lab: there is no %q\n\n", args[0])
	usage(errOut)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "tipring-lab: test equipment for tipring\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  tipring-lab %-10s %s\n", c.name, c.about)
	}
	fmt.Fprintf(w, "  tipring-lab %-10s %s\n", "version", "which build this is")
	fmt.Fprint(w, "\n`tipring-lab COMMAND -h` explains its options.\n")
}
