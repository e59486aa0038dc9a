//go:build interop

package interop

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The judges of the wire. Each returns what it found, so that TestJudges can see that it finds something.

func wantNone(t *testing.T, found []string) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

// wantClean fails on anything malformed and on every finding of the strict linter in what the agent sent.
func (c *capture) wantClean(t *testing.T, agent string) {
	t.Helper()
	wantNone(t, c.malformed(t))
	wantNone(t, c.lint(t, agent))
}

// malformed is what Wireshark cannot read, from anybody.
func (c *capture) malformed(t *testing.T) (found []string) {
	t.Helper()
	const serious = "_ws.malformed or (_ws.expert.severity == error and (sip or sdp or rtp or rtpevent or rtcp))"
	for _, r := range c.fields(t, serious, "frame.number", "ip.src", "udp.srcport", "_ws.col.Protocol", "_ws.expert.message") {
		found = append(found, "malformed: "+strings.Join(r, " "))
	}
	return found
}

var (
	lintFinding = regexp.MustCompile(`(?m)^frame .*$`)
	lintCount   = regexp.MustCompile(`(?m)^(\d+) messages checked, (\d+) findings$`)
)

// lint lets the strict linter judge what one party sent: something, and all of it right.
func (c *capture) lint(t *testing.T, agent string) []string {
	t.Helper()
	c.close(t)
	out, err := exec.Command("python3", filepath.Join("testdata", "siplint.py"), c.file, agent).CombinedOutput()
	m := lintCount.FindStringSubmatch(string(out))
	found := lintFinding.FindAllString(string(out), -1)
	if m == nil || m[1] == "0" || m[2] != strconv.Itoa(len(found)) || (err == nil) != (len(found) == 0) {
		t.Fatalf("siplint: %v\n%s", err, out)
	}
	t.Logf("siplint: %s", m[0])
	return found
}

// wantRTP fails unless the agent sent that many streams of at least so many packets, none of which lost, repeated or
// swapped a packet or left its 20 ms raster; Wireshark's own table must say so, too. It ends the capture.
func (c *capture) wantRTP(t *testing.T, streams, packets int) {
	t.Helper()
	wantNone(t, c.rtp(t, streams, packets))
}

// wireshark is a line of its table of RTP streams: ... source, port, destination, port, SSRC, payload, packets, lost (%).
var wireshark = regexp.MustCompile(`\s127\.0\.0\.1\s+(51\d\d\d)\s+[\d.]+\s+\d+\s+0x[0-9A-Fa-f]+\s+.*?\s\d+\s+(-?\d+) \(`)

const ours = "udp.srcport >= 51000 and udp.srcport <= 51999"

func (c *capture) rtp(t *testing.T, wantStreams, minPackets int) (found []string) {
	t.Helper()
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	type stream struct {
		packets, last int
		stamp         uint32
		event         bool
	}
	streams := map[string]*stream{}
	for _, r := range c.fields(t, "rtp and "+ours, "udp.srcport", "rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.p_type", "rtp.marker") {
		key, seq, ts, event := r[0]+" "+r[1], number(t, r[2]), uint32(number(t, r[3])), r[4] == "101"
		s := streams[key]
		if s == nil {
			streams[key] = &stream{1, seq, ts, event}
			continue
		}
		if seq != (s.last+1)&0xffff {
			fault("RTP %s: sequence %d after %d", key, seq, s.last)
		}
		// After a silence (hold) the clock has gone on, and the marker says so.
		step, marked := ts-s.stamp, yes(r[5])
		if !event && !s.event && (step != 160 && !marked || step == 0 || step%80 != 0 || step > 1<<31) {
			fault("RTP %s: timestamp step %d at %d, marker %v", key, step, seq, marked)
		}
		s.packets, s.last, s.stamp, s.event = s.packets+1, seq, ts, event
	}
	if len(streams) != wantStreams {
		fault("%d RTP streams from the agent, want %d", len(streams), wantStreams)
	}
	for key, s := range streams {
		if s.packets < minPackets {
			fault("RTP %s: only %d packets", key, s.packets)
		}
	}
	rows := 0
	for _, line := range c.tshark(t, "-q", "-z", "rtp,streams") {
		if m := wireshark.FindStringSubmatch(line); m != nil {
			rows++
			if m[2] != "0" {
				fault("Wireshark counts %s lost packets: %s", m[2], line)
			}
		}
	}
	if rows < wantStreams {
		fault("Wireshark's table has %d streams of the agent, want %d", rows, wantStreams)
	}
	return found
}

// wantDigits fails unless the agent's telephone-events are these digits and well formed (RFC 4733 2.5).
func (c *capture) wantDigits(t *testing.T, want string) {
	t.Helper()
	wantNone(t, c.digits(t, want))
}

func (c *capture) digits(t *testing.T, want string) (found []string) {
	t.Helper()
	const names = "0123456789*#ABCD"
	type event struct {
		key                  string
		digit                byte
		duration, ends, mark int
	}
	var events []*event
	for _, r := range c.fields(t, "rtpevent and "+ours, "rtp.ssrc", "rtp.timestamp", "rtpevent.event_id", "rtpevent.duration", "rtpevent.end_of_event", "rtp.marker") {
		if slices.Contains(r, "") {
			found = append(found, "event cut short: "+strings.Join(r, " "))
			continue
		}
		key, id, duration, end := r[0]+" "+r[1], number(t, r[2]), number(t, r[3]), yes(r[4])
		i := slices.IndexFunc(events, func(e *event) bool { return e.key == key })
		if i < 0 {
			i, events = len(events), append(events, &event{key: key, digit: names[id%len(names)]})
		}
		e := events[i]
		if duration < e.duration || duration == e.duration && !end {
			found = append(found, fmt.Sprintf("event %c at %s: duration %d after %d", e.digit, key, duration, e.duration))
		}
		if e.ends > 0 && !end {
			found = append(found, fmt.Sprintf("event %c at %s goes on after its end", e.digit, key))
		}
		e.duration = duration
		if end {
			e.ends++
		}
		if yes(r[5]) {
			e.mark++
		}
	}
	got := ""
	for _, e := range events {
		got += string(e.digit)
		if e.mark != 1 || e.ends != 3 || e.duration < 320 {
			found = append(found, fmt.Sprintf("event %c: %d marker(s), %d end packet(s), %d ms", e.digit, e.mark, e.ends, e.duration/8))
		}
	}
	if got != want {
		found = append(found, fmt.Sprintf("telephone-events %q, want %q", got, want))
	}
	return found
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("tshark: %q is no number", s)
	}
	return n
}

func yes(s string) bool { return s == "1" || s == "True" }

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
