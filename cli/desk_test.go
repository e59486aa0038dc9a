package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/api"
)

var evening = time.Date(2026, 11, 24, 21, 7, 0, 0, time.UTC)

// vendorPorts are the ports of the example in the vendor's manual.
func vendorPorts() []api.Port {
	port := func(n int, ok, on bool) api.Port {
		return api.Port{Card: 2, Port: n, Enabled: on, Number: fmt.Sprint(1000 + n), Service: "main",
			Registration: api.Registration{OK: ok, State: "registered", Server: "127.0.0.1:5160", Code: 200, Reason: "OK",
				ExpiresS: 3600, Since: api.At(evening), NextTry: api.At(evening.Add(51 * time.Minute))},
			Call: api.Call{State: "Idle"}, Line: api.Line{Physical: "ON-HOOK", State: "idle", Feed: "active"}}
	}
	p := []api.Port{port(1, false, true), port(2, false, false), port(3, true, true)}
	p[0].Registration = api.Registration{State: "refused", Server: "127.0.0.1:5160", Code: 403, Reason: "Forbidden",
		Since: api.At(evening), NextTry: api.At(evening.Add(time.Minute)), Attempts: 2}
	p[1].Registration = api.Registration{State: "disabled", Since: api.At(evening)}
	p[2].Call = api.Call{State: "Talking", Direction: "out", Peer: "1001", Name: "Wang Wei", Codec: "PCMA", Since: api.At(evening)}
	p[2].Line = api.Line{Physical: "OFF-HOOK", State: "talking", Feed: "active"}
	return p
}

// desk is a daemon whose answers never change by themselves.
type desk struct {
	mu     sync.Mutex
	ports  []api.Port
	asked  []string
	noted  chan string // not nil: gets what is asked, too
	events chan api.Event
	reload error
}

func (d *desk) note(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, fmt.Sprintf(format, a...))
	if d.noted != nil {
		d.noted <- d.asked[len(d.asked)-1]
	}
}

func (d *desk) Version() api.Version {
	return api.Version{Name: "tipring", Version: "1.2.3", Commit: "abc1234", Go: "go1.26.8", Platform: "linux/mipsle", API: "v1"}
}

func (d *desk) Status() api.Status {
	return api.Status{Version: "1.2.3", Started: api.At(evening), Board: "sim", Card: 2, Country: "CN",
		Ports:   api.Count{Total: 3, Enabled: 2, Registered: 1, InCall: 1},
		Servers: []api.Server{{Service: "main", Address: "127.0.0.1:5160", State: "up", RTTms: 1.25}}, Healthy: true}
}

func (d *desk) Ports() []api.Port {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ports)
}

func (d *desk) Port(n int) (api.Port, error) {
	for _, p := range d.Ports() {
		if p.Port == n {
			return p, nil
		}
	}
	return api.Port{}, api.NotFound("port %d: card 2 has ports 1-3", n)
}

func (d *desk) Registrations() (l []api.PortRegistration) {
	for _, p := range d.Ports() {
		l = append(l, api.PortRegistration{Card: p.Card, Port: p.Port, Enabled: p.Enabled, Number: p.Number, Service: p.Service, Registration: p.Registration})
	}
	return l
}

func (d *desk) Calls() []api.ActiveCall {
	return []api.ActiveCall{{ID: "c1", Card: 2, Port: 3, Call: d.ports[2].Call, Started: api.At(evening), Answered: api.At(evening.Add(5 * time.Second)),
		Media: &api.Media{Sent: 1204, Received: 1201, Lost: 3, JitterMS: 4.1}}}
}

func (d *desk) History(limit int) []api.CallRecord {
	l := []api.CallRecord{
		{ID: "h2", Card: 2, Port: 1, Direction: "in", Peer: "1003", Started: api.At(evening), Ended: api.At(evening), Result: "missed", Code: 487, Reason: "Request Terminated"},
		{ID: "h1", Card: 2, Port: 3, Direction: "out", Peer: "1001", Started: api.At(evening), Answered: api.At(evening), DurationS: 83, Result: "answered"},
	}
	return l[:min(limit, len(l))]
}

func (d *desk) Config() (api.Config, error) {
	return api.Config{YAML: "version: 1\nports:\n  - {port: 1, password: \"********\"}\n", JSON: []byte(`{"version":1}`)}, nil
}

func (d *desk) SetEnabled(_ context.Context, n int, on bool) (api.Port, error) {
	p, err := d.Port(n)
	if err == nil {
		d.note("port %d enabled %t", n, on)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ports[n-1].Enabled = on
		p = d.ports[n-1]
	}
	return p, err
}

func (d *desk) RefreshRegistrations(_ context.Context, ports []int) error {
	d.note("refresh %v", ports)
	return nil
}

func (d *desk) Reload(context.Context) (api.Reloaded, error) {
	d.note("reload")
	return api.Reloaded{Changed: []int{2}}, d.reload
}

func (d *desk) Phone(ctx context.Context, n int, action string, args []string) (api.PhoneResult, error) {
	d.note("phone %d %s %q", n, action, args)
	r := api.PhoneResult{Port: n, Action: action, OK: true}
	switch {
	case action == "hears":
		r.Text = "dial 450 Hz -10.1 dBm0"
	case action == "wait" && args[0] == "ring":
		r.OK, r.Text = false, "silence"
	case action == "wait" && args[0] == "call": // until the caller gives up
		<-ctx.Done()
		d.note("wait ended")
	case action == "lift" && n == 3:
		return r, api.Refused("phone 3 is lifted already")
	}
	return r, nil
}

func (d *desk) Subscribe(...string) (<-chan api.Event, func()) {
	return d.events, sync.OnceFunc(func() { close(d.events) })
}

func (d *desk) Metrics(io.Writer) error { return nil }

// serve runs the desk behind a real socket.
func serve(t testing.TB) (*desk, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "tr") // short: a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{ports: vendorPorts(), events: make(chan api.Event, 16)}
	socket := filepath.Join(dir, "tipring.sock")
	s, err := api.Listen(d, api.Options{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return d, socket
}

func run(t testing.TB, socket, command string) (out, errout string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), strings.Fields(command), strings.NewReader(""), &o, &e, Options{Socket: socket, Location: time.UTC})
	return o.String(), e.String(), code
}
