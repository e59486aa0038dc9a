//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/api"
)

const agentAddr = "127.0.0.1:5060"

// agent is the real binary on the simulated board, spoken to through its local socket.
type agent struct {
	*process
	api    *api.Client
	config string
}

// ports of the tests: the number is the user, the password what the registrar knows unless said otherwise.
func startAgent(t *testing.T, passwords map[int]string) *agent {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join("..", "bin", "tipring"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: make build first", err)
	}
	dir := t.TempDir()
	a := &agent{config: filepath.Join(dir, "tipring.yaml")}
	a.write(t, passwords)
	socket := filepath.Join(dir, "s.sock")
	a.api = api.NewClient(socket)
	a.process = start(t, "tipring", dir, binary, "serve", "-c", a.config, "--board", "sim", "--socket", socket)
	until(t, 10*time.Second, "the agent's socket", func() bool {
		_, err := a.api.Version(context.Background())
		return err == nil
	})
	return a
}

func (a *agent) write(t *testing.T, passwords map[int]string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
card: 2
country: CN
services:
  - {name: main, domain: 127.0.0.1, servers: ["%s"], local: "%s", expires: 10m, options_interval: 30s, start_jitter: 0s}
media: {rtp_ports: 51000-51999, codecs: [PCMA, PCMU]}
log: {level: debug}
ports:
`, sbcAddr, agentAddr)
	for port := 1; port <= 3; port++ {
		pw := passwords[port]
		if pw == "" {
			pw = fmt.Sprintf("pw100%d", port)
		}
		fmt.Fprintf(&b, "  - {port: %d, enabled: true, service: main, user: \"100%d\", password: %s, display_name: \"Port %d\", digit_map: \"1xxx|2xxx|99xxxx|8xxx|x.T\"}\n", port, port, pw, port)
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

func (a *agent) waitState(t *testing.T, n int, state string) {
	t.Helper()
	until(t, 10*time.Second, fmt.Sprintf("port %d to be %s", n, state), func() bool { return a.port(t, n).Call.State == state })
}

func (a *agent) waitRegistered(t *testing.T, n int) {
	t.Helper()
	until(t, 20*time.Second, fmt.Sprintf("port %d to be registered", n), func() bool { return a.port(t, n).Registration.OK })
}
