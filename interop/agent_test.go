//go:build interop

package interop

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tipring/api"
)

const agentAddr = "127.0.0.1:5060"

// setup is the agent's configuration; what is empty has the value behind it.
type setup struct {
	server    string         // sbcAddr
	ports     int            // 3: users 1001 1002 1003 ...
	passwords map[int]string // pw1001 pw1002 pw1003
	countries []string       // CN for each
	heartbeat string         // 30s
	timers    string         // the defaults; "no_answer: 4s"
}

// agent is the real binary on the simulated board, spoken to through its local socket.
type agent struct {
	*process
	setup
	api    *api.Client
	config string
}

// startAgent starts the daemon and waits for its ports. At the test's end it must leave in an orderly way, without
// having panicked and without a password in its log.
func startAgent(t *testing.T, s setup) *agent {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join("..", "bin", "tipring"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: make build first", err)
	}
	dir := t.TempDir()
	a := &agent{setup: s, config: filepath.Join(dir, "tipring.yaml")}
	a.write(t)
	socket := filepath.Join(dir, "s.sock")
	a.api = api.NewClient(socket)
	a.process = start(t, "tipring", dir, binary, "serve", "-c", a.config, "--board", "sim", "--socket", socket)
	t.Cleanup(func() {
		a.stop(syscall.SIGTERM)
		if st := a.cmd.ProcessState; !st.Success() {
			t.Errorf("the agent's end: %v", st)
		}
		log := a.text()
		for port := range a.count() {
			if pw := a.password(port + 1); strings.Contains(log, pw) {
				t.Errorf("the password %s stands in the log", pw)
			}
		}
		if strings.Contains(log, "panic") {
			t.Errorf("panic:\n%s", log)
		}
	})
	until(t, 20*time.Second, "the agent's ports", func() bool {
		if a.ended() {
			t.Fatalf("the agent ended: %v", a.cmd.ProcessState)
		}
		ports, err := a.api.Ports(context.Background())
		return err == nil && len(ports) == a.count()
	})
	return a
}

func (s setup) count() int { return cmp.Or(s.ports, 3) }

func (s setup) password(port int) string {
	return cmp.Or(s.passwords[port], fmt.Sprintf("pw100%d", port))
}

func (a *agent) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
card: 2
country: CN
services:
  - {name: main, domain: 127.0.0.1, servers: ["%s"], local: "%s", expires: 10m, options_interval: %s, start_jitter: 0s}
media: {rtp_ports: 51000-51999, codecs: [PCMA, PCMU]}
timers: {%s}
log: {level: debug}
ports:
`, cmp.Or(a.server, sbcAddr), agentAddr, cmp.Or(a.heartbeat, "30s"), a.timers)
	for port := 1; port <= a.count(); port++ {
		country := "CN"
		if port <= len(a.countries) {
			country = a.countries[port-1]
		}
		fmt.Fprintf(&b, "  - {port: %d, enabled: true, service: main, user: \"100%d\", password: %s, display_name: \"Port %d\", country: %s, digit_map: \"1xxx|2xxx|99xxxx|8xxx|x.T\"}\n",
			port, port, a.password(port), port, country)
	}
	if err := os.WriteFile(a.config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *agent) port(t *testing.T, n int) api.Port {
	t.Helper()
	p, err := a.api.Port(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// phone moves a telephone: phone(t, 1, "dial 1001").
func (a *agent) phone(t *testing.T, n int, words string) api.PhoneResult {
	t.Helper()
	w := strings.Fields(words)
	r, err := a.api.Phone(context.Background(), n, w[0], w[1:]...)
	if err != nil {
		t.Fatalf("phone %d %s: %v", n, words, err)
	}
	return r
}

// hears waits until the telephone's ear measures what.
func (a *agent) hears(t *testing.T, n int, what string, seconds int) api.PhoneResult {
	t.Helper()
	w := append(strings.Fields(what), fmt.Sprint(seconds))
	r, err := a.api.Phone(context.Background(), n, "wait", w...)
	if err != nil {
		t.Fatalf("phone %d wait %s: %v", n, what, err)
	}
	if !r.OK {
		now := a.phone(t, n, "hears")
		t.Fatalf("phone %d did not hear %s in %d s; it hears %s", n, what, seconds, now.Text)
	}
	return r
}

// hearsTone waits for a tone of hz at want dBm0, within 0.5 dB.
func (a *agent) hearsTone(t *testing.T, n, hz int, want float64) {
	t.Helper()
	r := a.hears(t, n, fmt.Sprintf("tone %d", hz), 10)
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if h := r.Heard; h != nil && h.Name == "tone" && h.Level > want-0.5 && h.Level < want+0.5 {
			t.Logf("phone %d hears %s", n, r.Text)
			return
		}
		r = a.phone(t, n, "hears") // the beginning was not all of it
	}
	t.Errorf("phone %d hears %s, want %d Hz at %.1f dBm0", n, r.Text, hz, want)
}

// seize lifts the handset and waits for dial tone.
func (a *agent) seize(t *testing.T, n int) {
	t.Helper()
	a.phone(t, n, "lift")
	a.hears(t, n, "dial", 5)
}

// record begins to write a WAV of what is on the line, on-hook too; the function that it returns waits for its end.
func (a *agent) record(t *testing.T, n, seconds int) func() string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "line.wav")
	done := make(chan error, 1)
	go func() {
		_, err := a.api.Phone(context.Background(), n, "record", file, fmt.Sprint(seconds))
		done <- err
	}()
	return sync.OnceValue(func() string {
		if err := <-done; err != nil {
			t.Errorf("phone %d record: %v", n, err)
		}
		return file
	})
}

func (a *agent) waitState(t *testing.T, n int, state string) {
	t.Helper()
	until(t, 15*time.Second, fmt.Sprintf("port %d to be %s", n, state), func() bool { return a.port(t, n).Call.State == state })
}

func (a *agent) waitRegistered(t *testing.T, ports ...int) {
	t.Helper()
	for _, n := range ports {
		until(t, 30*time.Second, fmt.Sprintf("port %d to be registered", n), func() bool { return a.port(t, n).Registration.OK })
	}
}
