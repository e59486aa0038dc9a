//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// sippCall is one SIPp scenario under way.
type sippCall struct {
	*process
	log    string            // its message log
	keys   map[string]string // what stands in the scenario
	digest bool              // every digest is to be computed again
}

var sippKey = regexp.MustCompile(`<!-- key: ([a-z]+)=(.*) -->`)

// sipp starts a scenario of testdata/sipp on the trunk side. Keys replace @key@ in the scenario; "port", "s" (the
// called user) and "remote" (a caller's next hop) are SIPp's own.
func sipp(t *testing.T, scenario string, keys map[string]string) *sippCall {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sipp", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	value := map[string]string{"port": "5301", "s": "1001"}
	for _, m := range sippKey.FindAllStringSubmatch(text, -1) {
		value[m[1]] = m[2]
	}
	for k, v := range keys {
		value[k] = v
	}
	for k, v := range value {
		if v == "" {
			text = regexp.MustCompile(`(?m)^@`+k+`@\n`).ReplaceAllString(text, "")
		}
		text = strings.ReplaceAll(text, "@"+k+"@", v)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, scenario+".xml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &sippCall{log: filepath.Join(dir, "messages.log"), keys: value, digest: strings.Contains(text, "digest=1")}
	args := []string{"sipp", "-sf", file, "-i", trunkAddr, "-p", value["port"], "-mi", trunkAddr, "-mp", "3" + value["port"],
		"-m", "1", "-r", "10", "-l", "1", "-nostdin", "-t", "u1", "-s", value["s"], "-timeout", "40s", "-timeout_error", "-skip_rlimit",
		"-trace_err", "-error_file", filepath.Join(dir, "errors.log"), "-trace_msg", "-message_file", c.log, "-deadcall_wait", "0"}
	if strings.Contains(text, "rtp=echo") {
		args = append(args, "-rtp_echo")
	}
	if r := value["remote"]; r != "" {
		args = append(args, r)
	}
	c.process = start(t, "sipp-"+scenario, dir, args...)
	if value["remote"] == "" {
		waitUDP(t, trunkAddr, value["port"])
	}
	return c
}

// passed waits for the scenario's end and fails the test unless SIPp itself says that everything came as written.
func (c *sippCall) passed(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(d):
		t.Fatalf("%s did not end in %v", c.name, d)
	}
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		errs, _ := os.ReadFile(filepath.Join(filepath.Dir(c.log), "errors.log"))
		msgs, _ := os.ReadFile(c.log)
		t.Fatalf("%s: exit %d\n%s\n%s", c.name, code, errs, msgs)
	}
	if c.digest { // SIPp itself cannot check Proxy-Authorization
		run(t, "python3", filepath.Join("testdata", "sipp", "checkdigest.py"), c.log, c.keys["user"], c.keys["pw"])
	}
}

// waitUDP waits until somebody is bound to the address.
func waitUDP(t *testing.T, ip, port string) {
	t.Helper()
	until(t, 5*time.Second, fmt.Sprintf("a socket on %s:%s", ip, port), func() bool {
		return strings.Contains(run(t, "ss", "-Hlnu", "src", ip+":"+port), port)
	})
}
