package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// build makes both binaries side by side, as make does.
func build(t *testing.T) (bin string) {
	t.Helper()
	if testing.Short() {
		t.Skip("plays in real time")
	}
	bin = t.TempDir()
	cmd := exec.Command("go", "build", "-tags", "nethttpomithttp2", "-o", bin, "tipring/cmd/tipring", "tipring/cmd/tipring-lab")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// show is a running demonstration and what it has printed.
type show struct {
	*exec.Cmd
	out  strings.Builder // complete after end
	line chan string     // closed at its end
}

func start(t *testing.T, bin, tmp string, args ...string) *show {
	t.Helper()
	s := &show{Cmd: exec.Command(filepath.Join(bin, "tipring-lab"), append([]string{"demo"}, args...)...), line: make(chan string, 1000)}
	s.Env = append(os.Environ(), "TMPDIR="+tmp)
	pipe, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stderr = s.Stdout
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill() })
	go func() {
		defer close(s.line)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			s.line <- lines.Text()
		}
	}()
	return s
}

// until reads on to the line that holds what.
func (s *show) until(t *testing.T, what string) {
	t.Helper()
	for over := time.After(2 * time.Minute); ; {
		select {
		case l, more := <-s.line:
			if !more {
				t.Fatalf("it ended without %q:\n%s", what, s.out.String())
			}
			s.out.WriteString(l + "\n")
			if strings.Contains(l, what) {
				return
			}
		case <-over:
			t.Fatalf("it never says %q:\n%s", what, s.out.String())
		}
	}
}

// end presses ^C and reads to the end.
func (s *show) end() (text string, code int) {
	s.Process.Signal(syscall.SIGINT)
	for l := range s.line {
		s.out.WriteString(l + "\n")
	}
	s.Wait()
	return s.out.String(), s.ProcessState.ExitCode()
}

func TestDemo(t *testing.T) {
	bin := build(t)
	for name, play := range map[string]func(*testing.T, string){
		"first": whole, "second at the same time": whole, "keep": keepRunning, "interrupt": interrupt,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, bin)
		})
	}
}

// whole plays from beginning to end, in a working directory that cannot be written to.
func whole(t *testing.T, bin string) {
	nowhere := t.TempDir()
	if err := os.Chmod(nowhere, 0o500); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "tipring-lab"), "demo")
	cmd.Dir = nowhere
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	for _, want := range []string{
		`boot +ports 1 and 3 are registered, port 2 was refused: `,
		`(?m)^\[2:1\]       reg-ok:Activ    Idle        ON-HOOK\n\[2:2\]       reg-fail:Activ  Idle        ON-HOOK\n\[2:3\]       reg-ok:Activ    Idle        ON-HOOK$`,
		`phone 3 +lifts, and hears dial 450 Hz -1[01]\.\d dBm0`,
		`(?m)^\[2:1\]       reg-ok:Activ    Ringing     RINGING         1003        in$`,
		`(?m)^\[2:3\]       reg-ok:Activ    Ringback    OFF-HOOK        1001        out$`,
		`phone 3 +hears ringback 450 Hz`,
		`shows on its display "1003 Zhang Min `,
		`the bell's cadence is \d+/\d+ ms`,
		`(?m)^\[2:1\]       reg-ok:Activ    Talking     OFF-HOOK        1003        in$`,
		`phone 1 +hears tone 1004 Hz -1[567]\.\d dBm0 after \d+ ms \(20 packet \+ `,
		`phone 3 +hears tone 804 Hz -1[567]\.\d dBm0 after \d+ ms`,
		`hears busy 450 Hz`,
		`(?m)^\[2:3\]       reg-ok:Activ    Busy        OFF-HOOK        1001        out$`,
		`its table holds 1001, 1002, 1003`,
		`everything happened as it should\n$`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("the demonstration does not say %q", want)
		}
	}
}

// keepRunning pastes what --keep prints into a shell, then presses ^C.
func keepRunning(t *testing.T, bin string) {
	tmp := filepath.Join(t.TempDir(), "a b") // a path that wants quotes
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, bin, tmp, "--keep")
	s.until(t, "Log:")
	var script []string
	for l := range strings.Lines(s.out.String()) {
		l, paste := strings.CutPrefix(l, "  ")
		if !paste || !strings.Contains(l, tmp) && !strings.HasPrefix(l, bin) || strings.HasSuffix(l, "console\n") {
			continue
		}
		if strings.HasPrefix(l, "curl") {
			if _, err := exec.LookPath("curl"); err != nil {
				continue
			}
		}
		if strings.Contains(l, "/v1/events") { // has no end of its own
			l = "timeout 1 " + strings.TrimSuffix(l, "\n") + " | grep -q '^id:'\n"
		}
		script = append(script, l)
	}
	pasted := exec.Command("sh", "-eux", "-c", strings.Join(script, ""))
	got, err := pasted.CombinedOutput()
	for _, want := range []string{"[2:2]       reg-ok:Activ    Idle        ON-HOOK", "dial 450 Hz", "1003 Zhang Min"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if err != nil || len(script) < 4 {
		t.Errorf("%d lines pasted: %v\n%s", len(script), err, got)
	}
	if text, code := s.end(); code != 0 {
		t.Errorf("after ^C: exit code %d\n%s", code, text)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("it leaves %v behind", left)
	}
}

// interrupt presses ^C early: no daemon and no file stay.
func interrupt(t *testing.T, bin string) {
	for _, after := range []string{"power on", "phone 3", "phone 1"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			s := start(t, bin, tmp)
			s.until(t, "s  "+after)
			if text, code := s.end(); code != 1 || !strings.Contains(text, "interrupted") || strings.Contains(text, "surprise") {
				t.Errorf("exit code %d\n%s", code, text)
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("it leaves %v behind", left)
			}
		})
	}
}
