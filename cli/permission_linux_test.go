package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tipring/api"
)

// stranger makes this thread one whom files do not let in; for root too.
func stranger(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Fatal(err)
	}
}

func TestPermission(t *testing.T) {
	d, socket := serve(t)
	for path, mode := range map[string]os.FileMode{filepath.Dir(socket): 0o755, socket: 0, api.ReadOnlySocket(socket): 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		stranger(t)
		if out, errout, code := run(t, socket, "show port status"); code != ExitOK || out != vendorTable {
			t.Errorf("reading must fall back to the read-only socket: exit %d %s", code, errout)
		}
		if _, errout, code := run(t, socket, "reload"); code != ExitNotPermitted || !strings.Contains(errout, "not permitted to use") {
			t.Errorf("exit %d: %s", code, errout)
		}
	}()
	<-done
	if len(d.asked) != 0 {
		t.Errorf("asked %q", d.asked)
	}
}
