//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// capture records the loopback interface and is judged by programs that we did not write.
type capture struct {
	*process
	file string
}

// startCapture begins to record. When everything that the test starts afterwards has ended, the wire is judged: nothing
// malformed by anybody, no finding of the strict linter in what the agent sent.
func startCapture(t *testing.T) *capture {
	t.Helper()
	c := listen(t)
	t.Cleanup(func() { c.wantClean(t, agentAddr) })
	return c
}

func listen(t *testing.T) *capture {
	t.Helper()
	// dumpcap drops its privileges: it needs a folder that anybody may write.
	dir, err := os.MkdirTemp("", "cap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	c := &capture{file: filepath.Join(dir, "call.pcapng")}
	c.process = start(t, "dumpcap", dir, "dumpcap", "-q", "-B", "16", "-i", "lo", "-f", "udp", "-w", c.file)
	until(t, 10*time.Second, "dumpcap to begin", func() bool {
		st, err := os.Stat(c.file)
		return err == nil && st.Size() > 0
	})
	return c
}

var dropped = regexp.MustCompile(`Packets received/dropped on interface '.*lo': \d+/(\d+)`)

// close ends the capture once the kernel has handed everything over. A capture with holes proves nothing.
func (c *capture) close(t *testing.T) {
	t.Helper()
	if c.ended() {
		return
	}
	time.Sleep(300 * time.Millisecond)
	c.stop(syscall.SIGINT)
	if m := dropped.FindStringSubmatch(c.text()); m == nil || m[1] != "0" {
		t.Errorf("the capture is not whole: %s", c.tail(3))
	}
}

// tshark reads the capture.
func (c *capture) tshark(t *testing.T, args ...string) []string {
	t.Helper()
	c.close(t)
	all := []string{"-n", "-r", c.file, "--enable-heuristic", "rtp_udp", "-o", "rtpevent.event_payload_type_value:101"}
	for _, p := range []string{"5060", "5160", "5301", "5390", "5474"} {
		all = append(all, "-d", "udp.port=="+p+",sip")
	}
	cmd := exec.Command("tshark", append(all, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %s: %v", args, err)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// fields returns one row per packet that the filter takes; it ends the capture.
func (c *capture) fields(t *testing.T, filter string, names ...string) [][]string {
	t.Helper()
	args := []string{"-Y", filter, "-T", "fields"}
	for _, n := range names {
		args = append(args, "-e", n)
	}
	var rows [][]string
	for _, line := range c.tshark(t, args...) {
		if line != "" {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}
