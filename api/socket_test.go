package api

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSocketModes(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir := filepath.Join(shortDir(t), "a", "run")
	socket := filepath.Join(dir, "tipring.sock")
	s, err := Listen(newDesk(), Options{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{
		dir:                                   0o750,
		socket:                                0o660,
		filepath.Join(dir, "tipring-ro.sock"): 0o660,
	} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// With a umask of 0 the file must not be wider, not even for the moment between
// bind and chmod: so the mode is asked for before bind.
func TestSocketIsNeverWide(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(shortDir(t), "s.sock")
	d, err := openDoor(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLiveSocketIsRefused(t *testing.T) {
	socket := serve(t, newDesk(), nil)
	if _, err := Listen(newDesk(), Options{Socket: socket}); err == nil || !strings.Contains(err.Error(), "running daemon") {
		t.Fatalf("second daemon: %v", err)
	}
	if resp, _ := ask(t, socket, "GET", "/v1/ports", ""); resp.StatusCode != 200 {
		t.Errorf("the first daemon was disturbed: %s", resp.Status)
	}
}

// The full socket of another path can be free while its twin is taken: then
// nothing may stay behind.
func TestTakenTwinLeavesNothing(t *testing.T) {
	dir := shortDir(t)
	l, err := net.Listen("unix", filepath.Join(dir, "x-ro.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Listen(newDesk(), Options{Socket: filepath.Join(dir, "x.sock")}); err == nil {
		t.Fatal("a taken twin was replaced")
	}
	if _, err := os.Lstat(filepath.Join(dir, "x.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("x.sock stayed: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(shortDir(t), "tipring.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close() // as after a crash
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("no stale socket to test with")
	}
	s, err := Listen(newDesk(), Options{Socket: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if resp, _ := ask(t, path, "GET", "/healthz", ""); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
}

func TestWrongPlacesForASocket(t *testing.T) {
	dir := shortDir(t)
	file := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(file, []byte("dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"a file":       {file, "not a socket"},
		"a directory":  {dir, "not a socket"},
		"too long":     {filepath.Join(dir, strings.Repeat("x", pathMax)), "1 to 107"},
		"under a file": {filepath.Join(file, "s.sock"), "not a directory"},
	} {
		if _, err := Listen(newDesk(), Options{Socket: c.path}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "dear diary" {
		t.Error("the file was touched")
	}
}

// A daemon that ends late must not remove the socket of its successor.
func TestCloseLeavesASuccessorsSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "tipring.sock")
	d, err := openDoor(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Error("the successor's socket is gone")
	}
}

func TestReadOnlySocketName(t *testing.T) {
	for in, want := range map[string]string{
		"/var/run/tipring/tipring.sock": "/var/run/tipring/tipring-ro.sock",
		"/run/t":                        "/run/t-ro",
	} {
		if got := ReadOnlySocket(in); got != want {
			t.Errorf("%s -> %s, want %s", in, got, want)
		}
	}
}
