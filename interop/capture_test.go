//go:build interop

package interop

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

func startCapture(t *testing.T) *capture {
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
	c.process = start(t, "dumpcap", dir, "dumpcap", "-q", "-i", "lo", "-f", "udp", "-w", c.file)
	until(t, 10*time.Second, "dumpcap to begin", func() bool {
		st, err := os.Stat(c.file)
		return err == nil && st.Size() > 0
	})
	return c
}

// close ends the capture once the kernel has handed everything over.
func (c *capture) close() {
	time.Sleep(300 * time.Millisecond)
	c.stop(syscall.SIGINT)
}

// fields runs tshark over the capture and returns one row per packet that the filter takes.
func (c *capture) fields(t *testing.T, filter string, names ...string) [][]string {
	t.Helper()
	args := []string{"-n", "-r", c.file, "-Y", filter, "--enable-heuristic", "rtp_udp", "-o", "rtpevent.event_payload_type_value:101", "-T", "fields"}
	for _, p := range []string{"5060", "5160", "5301", "5302", "5303", "5390", "5391", "5474"} {
		args = append(args, "-d", "udp.port=="+p+",sip")
	}
	for _, n := range names {
		args = append(args, "-e", n)
	}
	cmd := exec.Command("tshark", args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %s: %v", filter, err)
	}
	var rows [][]string
	for _, line := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		if line != "" {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}

// wantClean fails on anything malformed and on every finding of the strict linter in what the agent sent.
func (c *capture) wantClean(t *testing.T, agent string) {
	t.Helper()
	for _, r := range c.fields(t, "_ws.malformed or _ws.expert.severity == 8388608", "frame.number", "ip.src", "udp.srcport", "_ws.col.Protocol", "_ws.expert.message") {
		t.Errorf("malformed: %s", strings.Join(r, " "))
	}
	out, err := exec.Command("python3", filepath.Join("testdata", "siplint.py"), c.file, agent).CombinedOutput()
	if err != nil {
		t.Errorf("siplint: %v\n%s", err, out)
	}
	t.Logf("siplint %s: %s", agent, lastLine(string(out)))
}

// wantRTP fails if a stream from the agent's ports lost, repeated or swapped a packet, or left its 20 ms raster.
func (c *capture) wantRTP(t *testing.T, minPackets int) {
	t.Helper()
	type stream struct {
		packets, last int
		stamp         uint32
		event         bool
	}
	streams := map[string]*stream{}
	for _, r := range c.fields(t, "rtp and udp.srcport >= 51000 and udp.srcport <= 51999", "udp.srcport", "rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.p_type", "rtp.version") {
		key := r[0] + " " + r[1]
		seq, err := strconv.Atoi(r[2])
		if err != nil {
			t.Fatal(err)
		}
		ts, err := strconv.ParseUint(r[3], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		s := streams[key]
		event := r[4] == "101"
		if s == nil {
			streams[key] = &stream{1, seq, uint32(ts), event}
			continue
		}
		if seq != (s.last+1)&0xffff {
			t.Errorf("RTP %s: sequence %d after %d", key, seq, s.last)
		}
		if step := uint32(ts) - s.stamp; !event && !s.event && step != 160 {
			t.Errorf("RTP %s: timestamp step %d at %d", key, step, seq)
		}
		s.packets, s.last, s.stamp, s.event = s.packets+1, seq, uint32(ts), event
	}
	if len(streams) == 0 {
		t.Error("no RTP from the agent")
	}
	for key, s := range streams {
		if s.packets < minPackets {
			t.Errorf("RTP %s: only %d packets", key, s.packets)
		}
	}
}

// digits are the telephone-events on the wire, one line each: RFC 4733 as Wireshark reads it.
func (c *capture) wantDigits(t *testing.T, want string) {
	t.Helper()
	const names = "0123456789*#ABCD"
	got := ""
	type event struct {
		digit               byte
		duration, end, mark int
	}
	var order []string
	events := map[string]*event{}
	for _, r := range c.fields(t, "rtpevent and udp.srcport >= 51000 and udp.srcport <= 51999", "rtp.ssrc", "rtp.timestamp", "rtpevent.event_id", "rtpevent.duration", "rtpevent.end_of_event", "rtp.marker") {
		key := r[0] + " " + r[1]
		id, err := strconv.Atoi(r[2])
		if err != nil || id >= len(names) {
			t.Fatalf("event id %q", r[2])
		}
		d, err := strconv.Atoi(r[3])
		if err != nil {
			t.Fatal(err)
		}
		e := events[key]
		if e == nil {
			e = &event{digit: names[id]}
			events[key] = e
			order = append(order, key)
		}
		if d < e.duration {
			t.Errorf("event %c at %s: duration shrinks from %d to %d", e.digit, key, e.duration, d)
		}
		e.duration = d
		if yes(r[4]) {
			e.end++
		}
		if yes(r[5]) {
			e.mark++
		}
	}
	for _, key := range order {
		e := events[key]
		got += string(e.digit)
		if e.mark != 1 || e.end != 3 || e.duration < 320 {
			t.Errorf("event %c: %d marker(s), %d end packet(s), %d ms", e.digit, e.mark, e.end, e.duration/8)
		}
	}
	if got != want {
		t.Errorf("telephone-events %q, want %q", got, want)
	}
}

func yes(s string) bool { return s == "1" || s == "True" }

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// tone measures a recording with sox: its frequency by zero crossings and its level, after the first second.
func tone(t *testing.T, file string) (hz, dB float64) {
	t.Helper()
	out := run(t, "sox", file, "-n", "trim", "1", "1", "stat")
	for _, line := range strings.Split(out, "\n") {
		k, v, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			continue
		}
		switch strings.Join(strings.Fields(k), " ") {
		case "Rough frequency":
			hz = x
		case "RMS amplitude":
			dB = 20 * math.Log10(x)
		}
	}
	if hz == 0 {
		t.Fatalf("sox stat of %s says nothing:\n%s", file, out)
	}
	return hz, dB
}

// wantTone fails unless the recording holds hz, within 5 %, and is not faint.
func wantTone(t *testing.T, file string, hz float64) {
	t.Helper()
	got, dB := tone(t, file)
	t.Logf("%s: %.0f Hz, %.1f dBFS", filepath.Base(file), got, dB)
	if got < hz*0.95 || got > hz*1.05 || dB < -40 {
		t.Error(fmt.Sprintf("%s: %.0f Hz at %.1f dBFS, want %.0f Hz", filepath.Base(file), got, dB, hz))
	}
}
