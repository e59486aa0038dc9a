//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// startCapture begins to record. When everything that the test starts afterwards has ended, the wire is judged: nothing
// malformed by anybody, no finding of the strict linter in what the agent sent.
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
	c.process = start(t, "dumpcap", dir, "dumpcap", "-q", "-B", "16", "-i", "lo", "-f", "udp", "-w", c.file)
	until(t, 10*time.Second, "dumpcap to begin", func() bool {
		st, err := os.Stat(c.file)
		return err == nil && st.Size() > 0
	})
	t.Cleanup(func() { c.wantClean(t, agentAddr) })
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

var linted = regexp.MustCompile(`(?m)^(\d+) messages checked, 0 findings$`)

// wantClean fails on anything malformed and on every finding of the strict linter in what the agent sent.
func (c *capture) wantClean(t *testing.T, agent string) {
	t.Helper()
	const serious = "_ws.malformed or (_ws.expert.severity == error and (sip or sdp or rtp or rtpevent or rtcp))"
	for _, r := range c.fields(t, serious, "frame.number", "ip.src", "udp.srcport", "_ws.col.Protocol", "_ws.expert.message") {
		t.Errorf("malformed: %s", strings.Join(r, " "))
	}
	out, err := exec.Command("python3", filepath.Join("testdata", "siplint.py"), c.file, agent).CombinedOutput()
	m := linted.FindStringSubmatch(string(out))
	if err != nil || m == nil || m[1] == "0" {
		t.Errorf("siplint: %v\n%s", err, out)
		return
	}
	t.Logf("siplint: %s", m[0])
}

// wantRTP fails unless the agent sent that many streams, none of which lost, repeated or swapped a packet or left its
// 20 ms raster; Wireshark's own table must say so, too. It ends the capture.
func (c *capture) wantRTP(t *testing.T, wantStreams, minPackets int) {
	t.Helper()
	type stream struct {
		packets, last int
		stamp         uint32
		event         bool
	}
	streams := map[string]*stream{}
	for _, r := range c.fields(t, "rtp and udp.srcport >= 51000 and udp.srcport <= 51999", "udp.srcport", "rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.p_type", "rtp.marker") {
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
		// After a silence (hold) the clock has gone on, and the marker says so.
		step, marked := uint32(ts)-s.stamp, yes(r[5])
		if !event && !s.event && (step != 160 && !marked || step == 0 || step%80 != 0 || step > 1<<31) {
			t.Errorf("RTP %s: timestamp step %d at %d, marker %v", key, step, seq, marked)
		}
		s.packets, s.last, s.stamp, s.event = s.packets+1, seq, uint32(ts), event
	}
	if len(streams) != wantStreams {
		t.Errorf("%d RTP streams from the agent, want %d", len(streams), wantStreams)
	}
	for key, s := range streams {
		if s.packets < minPackets {
			t.Errorf("RTP %s: only %d packets", key, s.packets)
		}
	}
	rows := 0
	for _, line := range c.tshark(t, "-q", "-z", "rtp,streams") {
		m := wireshark.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		rows++
		if m[2] != "0" {
			t.Errorf("Wireshark counts %s lost packets: %s", m[2], line)
		}
	}
	if rows < wantStreams {
		t.Errorf("Wireshark's table has %d streams of the agent, want %d", rows, wantStreams)
	}
}

// wireshark is a line of its table of RTP streams: ... source, port, destination, port, SSRC, payload, packets, lost (%).
var wireshark = regexp.MustCompile(`\s127\.0\.0\.1\s+(51\d\d\d)\s+[\d.]+\s+\d+\s+0x[0-9A-Fa-f]+\s+.*?\s\d+\s+(-?\d+) \(`)

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

// directions are the SDP directions among the attributes that tshark lists.
func directions(attributes string) string {
	var all []string
	for _, a := range strings.Split(attributes, ",") {
		switch a {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			all = append(all, a)
		}
	}
	return strings.Join(all, " ")
}
