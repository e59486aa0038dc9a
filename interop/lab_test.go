//go:build interop

package interop

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inside marks the process that already runs in a private namespace.
const inside = "TIPRING_INTEROP_INSIDE"

// lanes is how many tests run at the same time: they wait for telephones most of the time, and each lane has a network
// of its own.
const lanes = 2

// TestMain runs everything again in namespaces of its own: a network with only the loopback interface, and processes
// that all end with it, whatever happens.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	for _, tool := range []string{"kamailio", "sipp", "baresip", "tshark", "dumpcap", "sox", "soxi", "multimon-ng", "minimodem", "python3", "unshare", "ip", "ss", "stdbuf"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintf(os.Stderr, "interop: %s is missing; scripts/apt-interop.sh installs it\n", tool)
			os.Exit(1)
		}
	}
	if flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.list").Value.String() != "" {
		os.Exit(enter(os.Stdout, os.Args[1:]...))
	}
	var list bytes.Buffer
	if code := enter(&list, "-test.list=^Test"); code != 0 {
		os.Exit(code)
	}
	var share [lanes][]string
	for i, name := range strings.Fields(list.String()) {
		share[i%lanes] = append(share[i%lanes], name)
	}
	var out [lanes]bytes.Buffer
	var code [lanes]int
	var all sync.WaitGroup
	for i := range lanes {
		all.Go(func() {
			code[i] = enter(&out[i], append(slices.Clone(os.Args[1:]), "-test.run=^("+strings.Join(share[i], "|")+")$")...)
		})
	}
	all.Wait()
	for i := range lanes {
		os.Stdout.Write(out[i].Bytes())
	}
	os.Exit(slices.Max(code[:]))
}

// enter runs this program again in private namespaces and returns its exit code.
func enter(out io.Writer, args ...string) int {
	ns := "-rn" // as a user: map to root in a user namespace
	if os.Getuid() == 0 {
		ns = "-n"
	}
	cmd := exec.Command("unshare", append([]string{ns, "--pid", "--fork", "--kill-child", "sh", "-c", `ip link set lo up && exec "$@"`, "sh", os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread() // the signal comes at the end of the thread that started the child
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if st := cmd.ProcessState; st != nil && st.ExitCode() >= 0 {
		return st.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "interop: no private namespace:", err)
	return 1
}

// process is a program in the foreground, with its own log, ended by its own pid.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

func start(t *testing.T, name, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(t.TempDir(), name+".log"), done: make(chan struct{})}
	f, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, f, f
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.cmd.Wait()
		f.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s log (end):\n%s", name, p.tail(40))
		}
	})
	return p
}

// stop sends sig and waits; after ten seconds the process is killed, with all its children.
func (p *process) stop(sig syscall.Signal) {
	if p.ended() {
		return
	}
	p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.kill()
	}
}

// kill is sudden death, also of the children: it leads a process group of its own.
func (p *process) kill() {
	if !p.ended() {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) text() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p *process) tail(n int) string {
	lines := strings.Split(strings.TrimRight(p.text(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// waitLog waits for text in the process's log.
func (p *process) waitLog(text string, d time.Duration) {
	p.t.Helper()
	until(p.t, d, fmt.Sprintf("%s to log %q", p.name, text), func() bool { return strings.Contains(p.text(), text) })
}

// until polls a foreign process: there is no event to wait for.
func until(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited %v in vain for %s", d, what)
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}
