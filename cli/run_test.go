package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/api"
)

const vendorTable = `[card:port] register-status call-status physical-status peer-number call-direction
[2:1]       reg-fail:Activ  Idle        ON-HOOK
[2:2]       reg-fail:Deact  Idle        ON-HOOK
[2:3]       reg-ok:Activ    Talking     OFF-HOOK        1001        out
`

func TestAnswers(t *testing.T) {
	_, socket := serve(t)
	rows := strings.SplitAfter(vendorTable, "\n")
	for _, c := range []struct{ command, want string }{
		{"show port status", vendorTable},
		{"sh po st", vendorTable},
		{"show card 2 port status", vendorTable},
		{"show port 1-3 status", vendorTable},
		{"show port 3 status", rows[0] + rows[3]},
		{"show port 2-3 status", rows[0] + rows[2] + rows[3]},
		{"show card 2 port 1 status", rows[0] + rows[1]},
		{"show port 3", `[2:3]
  service       enabled
  number        1003
  account       main
  registration  registered
  server        127.0.0.1:5160
  answer        200 OK
  granted       3600 s
  since         2026-11-24 21:07:00
  next try      2026-11-24 21:58:00
  call          Talking
  direction     out
  peer          1001 Wang Wei
  codec         PCMA
  call since    2026-11-24 21:07:00
  line          OFF-HOOK, talking, feed active
`},
		{"show card", `card 2
  board           sim
  country         CN
  ports           3, 2 enabled, 1 registered, 1 in call
  version         1.2.3
  up since        2026-11-24 21:07:00
  health          ok
  server of main  127.0.0.1:5160 up, 1.2 ms
`},
		{"show registration", `port  number state      server         since    next-try answer
[2:1] 1001   refused    127.0.0.1:5160 21:07:00 21:08:00 403 Forbidden
[2:2] 1002   disabled   -              21:07:00 -
[2:3] 1003   registered 127.0.0.1:5160 21:07:00 21:58:00 200 OK
`},
		{"show registration 1", `port  number state   server         since    next-try answer
[2:1] 1001   refused 127.0.0.1:5160 21:07:00 21:08:00 403 Forbidden
`},
		{"show call active", `port  state   dir peer codec started  answered sent/received
[2:3] Talking out 1001 PCMA  21:07:00 21:07:05 1204/1201 lost 3 jitter 4.1 ms
`},
		{"show call history", `port  started             dir peer talked result   cause
[2:1] 2026-11-24T21:07:00 in  1003 0s     missed   487 Request Terminated
[2:3] 2026-11-24T21:07:00 out 1001 1m23s  answered
`},
		{"show line 3", `port  physical-status state   feed   tone
[2:3] OFF-HOOK        talking active -
`},
		{"show config running", "version: 1\nports:\n  - {port: 1, password: \"********\"}\n"},
		{"show version", "tipring 1.2.3 (abc1234) go1.26.8 linux/mipsle, api v1\n"},
		{"port 2 enable", "port 2 enabled\n"},
		{"port 2 disable", "port 2 disabled\n"},
		{"register all", "registering all enabled ports\n"},
		{"register 1-3", "registering ports 1-3\n"},
		{"reload", "configuration applied, ports changed: 2\n"},
		{"phone 3 hears", "dial 450 Hz -10.1 dBm0\n"},
		{"phone 1 lift", ""},
		{"show po?", "  port  telephone ports\n"},
		{"show ?", help("show ")},
		{"help", overview()},
	} {
		out, errout, code := run(t, socket, c.command)
		if code != ExitOK || errout != "" {
			t.Errorf("%s: exit %d, %s", c.command, code, errout)
		}
		if out != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.command, out, c.want)
		}
		for l := range strings.Lines(out) {
			if strings.HasSuffix(l, " \n") {
				t.Errorf("%s: blanks at the end of %q", c.command, l)
			}
		}
	}
}

func TestWhatTheDaemonIsAsked(t *testing.T) {
	d, socket := serve(t)
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ command, want string }{
		{"port 2 enable", "port 2 enabled true"},
		{"register all", "refresh []"},
		{"register 2-3", "refresh [2 3]"},
		{"reload", "reload"},
		{"phone 1 flash", `phone 1 flash []`},
		{"phone 1 flash 300", `phone 1 flash ["300"]`},
		{"phone 1 dial 1002", `phone 1 dial ["1002"]`},
		{"phone 1 pulse 12", `phone 1 pulse ["12"]`},
		{"phone 1 say a.wav", `phone 1 say ["` + filepath.Join(cwd, "a.wav") + `"]`},
		{"phone 1 say /a.wav", `phone 1 say ["/a.wav"]`},
		{"phone 1 tone 1004", `phone 1 tone ["1004"]`},
		{"phone 1 tone 1004 500", `phone 1 tone ["1004" "500"]`},
		{"phone 1 record /b.wav 3", `phone 1 record ["/b.wav" "3"]`},
		{"phone 1 wait dial 2", `phone 1 wait ["dial" "2"]`},
		{"phone 1 wait dial", `phone 1 wait ["dial" "10"]`},
		{"phone 1 wait tone 1004 5", `phone 1 wait ["tone 1004" "5"]`},
		{"phone 1 wait tone", `phone 1 wait ["tone" "10"]`},
		{"phone 1 display", `phone 1 display []`},
	} {
		if _, errout, code := run(t, socket, c.command); code != ExitOK {
			t.Errorf("%s: exit %d %s", c.command, code, errout)
		}
		if got := d.asked[len(d.asked)-1]; got != c.want {
			t.Errorf("%s: asked %s, want %s", c.command, got, c.want)
		}
	}
}

func TestJSONAlone(t *testing.T) {
	_, socket := serve(t)
	for _, c := range grammar {
		if c.needs != reading {
			continue
		}
		command := strings.NewReplacer("<ports>", "1-2", "<card>", "2", "<count>", "1").Replace(c.words)
		out, errout, code := run(t, socket, command+" --json")
		if code != ExitOK || errout != "" || !json.Valid([]byte(out)) || !strings.HasSuffix(out, "\n") {
			t.Errorf("%s --json: exit %d, %q, %s", command, code, errout, out)
		}
	}
	out, _, _ := run(t, socket, "--json show port 2-3 status")
	var ports []api.Port
	if err := json.Unmarshal([]byte(out), &ports); err != nil || len(ports) != 2 || ports[1].Call.Peer != "1001" {
		t.Errorf("%v: %s", err, out)
	}
	if out, _, code := run(t, socket, "phone 1 wait ring 1 --json"); code != ExitRefused || !strings.Contains(out, `"ok": false`) {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, errout, code := run(t, socket, "show port 9 status --json"); code != ExitRefused || out != "" || errout == "" {
		t.Errorf("an error on stdout: exit %d, %q, %q", code, out, errout)
	}
}

func TestExitCodes(t *testing.T) {
	d, socket := serve(t)
	d.reload = api.ConfigInvalid([]string{"t.yaml:4: country: \"XX\" is unknown, try CN"})
	gone := filepath.Join(filepath.Dir(socket), "gone.sock")
	for _, c := range []struct {
		command string
		code    int
		errout  string
	}{
		{"show port 7 status", ExitRefused, "% no port 7: card 2 has ports 1-3\n"},
		{"show port 2-9 status", ExitRefused, "% no port 9: card 2 has ports 1-3\n"},
		{"show card 3 port 1 status", ExitRefused, "% no card 3: this box has card 2\n"},
		{"show card 3", ExitRefused, "% no card 3: this box has card 2\n"},
		{"show registration 5", ExitRefused, "% no port 5: card 2 has ports 1-3\n"},
		{"register 1-4", ExitRefused, "% no port 4: card 2 has ports 1-3\n"},
		{"port 7 enable", ExitRefused, "% port 7: card 2 has ports 1-3\n"},
		{"phone 3 lift", ExitRefused, "% phone 3 is lifted already\n"},
		{"phone 3 wait ring 1", ExitRefused, ""},
		{"phone 3 wait ring 1 --watch", ExitRefused, "% --watch is for show commands\n"},
		{"reload", ExitConfigInvalid, "t.yaml:4: country: \"XX\" is unknown, try CN\n% 1 error(s); the running configuration goes on\n"},
		{"show prot", ExitUsage, "show prot\n     ^\n% Unknown word \"prot\": port, card, registration, call, line, config or version can stand here\n"},
		{"show port status --jsno", ExitUsage, "show port status --jsno\n                 ^\n% Unknown flag \"--jsno\": --json, --watch, --socket or --timeout\n"},
		{"show version --timeout 5", ExitUsage, "show version --timeout 5\n                       ^\n% --timeout wants a time like 5s or 500ms\n"},
		{"show version --timeout", ExitUsage, "show version --timeout\n             ^\n% --timeout needs a value\n"},
		{"show version --json=1", ExitUsage, "show version --json=1\n             ^\n% --json takes no value\n"},
		{"", ExitUsage, "\n^\n% Incomplete command: show, port, register, reload, phone, help, exit or quit must follow\n"},
		{"show port status --socket " + gone, ExitUnreachable, "% no daemon: " + gone + " does not exist\n"},
		{"show version --socket=" + gone, ExitUnreachable, "% no daemon: " + gone + " does not exist\n"},
	} {
		out, errout, code := run(t, socket, c.command)
		if code != c.code || errout != c.errout {
			t.Errorf("%q: exit %d, want %d\n%s\nwant\n%s", c.command, code, c.code, errout, c.errout)
		}
		if out != "" && !strings.Contains(c.command, "wait") {
			t.Errorf("%q: printed %q", c.command, out)
		}
	}
}

// A daemon that accepts and says nothing is not reachable.
func TestTimeout(t *testing.T) {
	dir, err := os.MkdirTemp("", "tr")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "mute.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, errout, code := run(t, filepath.Join(dir, "mute.sock"), "show version --timeout 20ms")
	if code != ExitUnreachable || !strings.Contains(errout, "did not answer in time") {
		t.Errorf("exit %d: %s", code, errout)
	}
}

func TestReadOnlySocketIsNotPermitted(t *testing.T) {
	d, socket := serve(t)
	_, errout, code := run(t, api.ReadOnlySocket(socket), "port 1 disable")
	if code != ExitNotPermitted || !strings.Contains(errout, "read-only socket") || len(d.asked) != 0 {
		t.Errorf("exit %d: %s, asked %q", code, errout, d.asked)
	}
}

func TestSocketFromTheEnvironment(t *testing.T) {
	_, socket := serve(t)
	t.Setenv("TIPRING_SOCKET", socket)
	if out, errout, code := run(t, "", "show port status"); code != ExitOK || out != vendorTable {
		t.Errorf("exit %d: %s", code, errout)
	}
}

// pages collects what --watch prints, one write each.
type pages chan string

func (p pages) Write(b []byte) (int, error) { p <- string(b); return len(b), nil }

func TestWatch(t *testing.T) {
	d, socket := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := make(pages, 8)
	done := make(chan int)
	go func() {
		var errout bytes.Buffer
		done <- Run(ctx, []string{"show", "port", "2", "status", "--watch"}, nil, out, &errout, Options{Socket: socket, Location: time.UTC})
	}()
	if got := <-out; !strings.Contains(got, "reg-fail:Deact") {
		t.Errorf("first: %s", got)
	}
	d.events <- api.Event{Type: api.EventLine} // of another port: nothing to print
	d.mu.Lock()
	d.ports[1].Enabled = true
	d.mu.Unlock()
	d.events <- api.Event{Type: api.EventRegistration}
	if got := <-out; !strings.Contains(got, "reg-fail:Activ") {
		t.Errorf("second: %s", got)
	}
	cancel()
	if code := <-done; code != ExitOK {
		t.Errorf("exit %d", code)
	}
	if len(out) != 0 {
		t.Errorf("printed again without a change: %q", <-out)
	}
}

func TestWatchEndsWithTheDaemon(t *testing.T) {
	d, socket := serve(t)
	out := make(pages, 8)
	done := make(chan int)
	go func() {
		var errout bytes.Buffer
		done <- Run(t.Context(), []string{"show", "port", "status", "--watch", "--json"}, nil, out, &errout, Options{Socket: socket})
	}()
	if got := <-out; !strings.HasPrefix(got, `[{"card":2,`) || strings.Count(got, "\n") != 1 {
		t.Errorf("JSON is not one line: %s", got)
	}
	events := d.events
	d.events = make(chan api.Event)
	close(events)
	if code := <-done; code != ExitUnreachable {
		t.Errorf("exit %d", code)
	}
}

func TestExistingPorts(t *testing.T) {
	for want, numbers := range map[string][]int{
		"port 1": {1}, "ports 1-2": {1, 2}, "ports 1, 3": {1, 3}, "ports 1-3, 5, 7-8": {1, 2, 3, 5, 7, 8},
	} {
		var ports []api.Port
		for _, n := range numbers {
			ports = append(ports, api.Port{Port: n})
		}
		if got := existing(ports); got != want {
			t.Errorf("%v: %q, want %q", numbers, got, want)
		}
	}
}

// A phone takes its own time beside the daemon's answer.
func TestOwnTime(t *testing.T) {
	for command, want := range map[string]time.Duration{
		"show version":           0,
		"phone 1 dial 1001":      800 * time.Millisecond,
		"phone 1 dial 1,1":       1400 * time.Millisecond,
		"phone 1 pulse 10":       4 * time.Second,
		"phone 1 flash 300":      300 * time.Millisecond,
		"phone 1 wait ring":      10 * time.Second,
		"phone 1 wait ring 3":    3 * time.Second,
		"phone 1 record x.wav 7": 7 * time.Second,
	} {
		p, m := parse(split(command))
		if m != nil {
			t.Fatal(m)
		}
		if got := ownTime(p); got != want {
			t.Errorf("%s: %v, want %v", command, got, want)
		}
	}
}

func TestHistoryKeepsWhatIsWorthIt(t *testing.T) {
	h := &history{}
	for _, l := range []string{"a", "", " ", "a", "b"} {
		h.Add(l)
	}
	if !slices.Equal(h.lines, []string{"a", "b"}) || h.At(0) != "b" {
		t.Errorf("%q", h.lines)
	}
	for range 3 * historyKept {
		h.Add("x")
		h.Add("y")
	}
	if h.Len() != historyKept {
		t.Errorf("%d lines", h.Len())
	}
}
