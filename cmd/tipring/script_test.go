package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand in for tipring: in the scripts `tipring` is this package's main in a process of its
// own, with the race detector when the tests have it. "-tipring" is how login(1) calls a shell.
func TestMain(m *testing.M) {
	// The scripts wait for telephones most of the time, not for the processor.
	if err := flag.Set("test.parallel", "4"); err != nil {
		os.Exit(2)
	}
	if os.Getenv("GORACE") == "" { // a program with the race detector ends a second late otherwise
		os.Setenv("GORACE", "atexit_sleep_ms=10")
	}
	testscript.Main(m, map[string]func(){"tipring": main, "-tipring": main})
}

// TestScript runs the sessions in testdata/script: what people type, against the real daemon with its real sockets, the
// simulated board and an exchange on loopback.
func TestScript(t *testing.T) { play(t, func(name string) bool { return name != voice }) }

// TestCall is the session in which voice is measured: it has the machine for itself, or digits get lost in its load.
func TestCall(t *testing.T) { play(t, func(name string) bool { return name == voice }) }

const voice = "call.txtar"

func play(t *testing.T, chosen func(name string) bool) {
	all, err := filepath.Glob("../../testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(f string) bool { return !chosen(filepath.Base(f)) })
	if len(all) == 0 {
		t.Fatal("no scripts")
	}
	testscript.Run(t, testscript.Params{
		Files: all,
		Setup: openDesk,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exchange":  exchangeCmd,
			"configure": configureCmd,
			"serve":     serveCmd,
			"signal":    signalCmd,
			"ended":     endedCmd,
			"exits":     exitsCmd,
			"waitfor":   waitforCmd,
			"http":      httpCmd,
			"stream":    streamCmd,
			"login":     loginCmd,
			"garbage":   garbageCmd,
			"nobody":    nobodyCmd,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Getuid() == 0, nil
			}
			return false, nil
		},
		RequireUniqueNames: true,
	})
}
