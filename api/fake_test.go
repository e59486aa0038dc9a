package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var evening = time.Date(2026, 11, 24, 21, 7, 0, 0, time.UTC)

// desk is a Backend with three ports.
type desk struct {
	mu      sync.Mutex
	ports   []Port
	sick    []string
	events  chan Event
	asked   []string // changes in order
	badConf []string
	conf    error
}

func newDesk() *desk {
	d := &desk{events: make(chan Event, 512)}
	for n := 1; n <= 3; n++ {
		p := Port{Card: 2, Port: n, Enabled: true, Number: fmt.Sprint(1000 + n), Service: "main",
			Registration: Registration{OK: true, State: "registered", Server: "127.0.0.1:5160", Code: 200, Reason: "OK",
				ExpiresS: 3600, Since: At(evening), NextTry: At(evening.Add(time.Hour))},
			Call: Call{State: "Idle"}, Line: Line{Physical: "ON-HOOK", State: "idle"}}
		d.ports = append(d.ports, p)
	}
	d.ports[2].Call = Call{State: "Talking", Direction: "out", Peer: "1001", Name: "Wang Wei", Codec: "PCMA", Since: At(evening)}
	d.ports[2].Line = Line{Physical: "OFF-HOOK", State: "talking", Feed: "active", Tone: "dial"}
	return d
}

func (d *desk) note(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, fmt.Sprintf(format, a...))
}

func (d *desk) Version() Version {
	return Version{Name: "tipring", Version: "1.2.3", Commit: "abc", Go: "go1.26", Platform: "linux/mipsle", API: "v1"}
}

func (d *desk) Status() Status {
	return Status{Version: "1.2.3", Started: At(evening), UptimeS: 60, Board: "sim", Card: 2, Country: "CN",
		Ports:   Count{Total: 3, Enabled: 3, Registered: 3, InCall: 1},
		Servers: []Server{{Service: "main", Address: "127.0.0.1:5160", State: "up", RTTms: 1.5, Since: At(evening)}},
		Healthy: len(d.sick) == 0, Problems: list(d.sick)}
}

func (d *desk) Ports() []Port { return d.ports }

func (d *desk) Port(n int) (Port, error) {
	if n < 1 || n > len(d.ports) {
		return Port{}, NotFound("port %d: card 2 has ports 1-3", n)
	}
	return d.ports[n-1], nil
}

func (d *desk) Registrations() (l []PortRegistration) {
	for _, p := range d.ports {
		l = append(l, PortRegistration{p.Card, p.Port, p.Enabled, p.Number, p.Service, p.Registration})
	}
	return l
}

func (d *desk) Calls() []ActiveCall {
	return []ActiveCall{{ID: "c1", Card: 2, Port: 3, Call: d.ports[2].Call, Started: At(evening), Answered: At(evening),
		Media: &Media{Sent: 10, Received: 9, Lost: 1, Late: 0, JitterMS: 0.5, BufferMS: 20, BufferForMS: 20}}}
}

func (d *desk) History(limit int) (l []CallRecord) {
	for i := range min(limit, 5) {
		l = append(l, CallRecord{ID: fmt.Sprint("h", i), Card: 2, Port: 1, Direction: "in", Peer: "1003", Started: At(evening),
			Ended: At(evening), Result: "missed", Code: 487, ReleasedBy: "remote"})
	}
	return l
}

func (d *desk) Config() (Config, error) {
	return Config{YAML: "version: 1\n", JSON: []byte(`{"version":1}`)}, d.conf
}

func (d *desk) SetEnabled(_ context.Context, n int, on bool) (Port, error) {
	p, err := d.Port(n)
	if err != nil {
		return p, err
	}
	d.note("port %d enabled %t", n, on)
	p.Enabled = on
	return p, nil
}

func (d *desk) RefreshRegistrations(_ context.Context, ports []int) error {
	for _, n := range ports {
		if _, err := d.Port(n); err != nil {
			return err
		}
	}
	d.note("refresh %v", ports)
	return nil
}

func (d *desk) Reload(context.Context) (Reloaded, error) {
	if d.badConf != nil {
		return Reloaded{}, ConfigInvalid(d.badConf)
	}
	d.note("reload")
	return Reloaded{Changed: []int{2}, Message: "applied"}, nil
}

func (d *desk) Phone(ctx context.Context, n int, action string, args []string) (PhoneResult, error) {
	if _, err := d.Port(n); err != nil {
		return PhoneResult{}, err
	}
	if action == "dial" && len(args) == 0 {
		return PhoneResult{}, Invalid("dial: which digits?")
	}
	if action == "lift" && n == 3 {
		return PhoneResult{}, Refused("phone 3 is lifted already")
	}
	if action == "record" { // for ever
		<-ctx.Done()
		return PhoneResult{}, Unavailable("the recording was broken off")
	}
	d.note("phone %d %s %q", n, action, args)
	r := PhoneResult{Port: n, Action: action, OK: true, Text: "done"}
	switch action {
	case "hears", "wait":
		r.Heard = &Heard{Name: "dial", Hz: []float64{450}, Level: -10.1, Cadence: "on", Since: At(evening)}
	case "display":
		r.Display = &Display{Number: "1003", Name: "Wang Wei", Time: "11-24 21:07", Standard: "fsk bell202 mdmf"}
	}
	return r, nil
}

func (d *desk) Subscribe(...string) (<-chan Event, func()) {
	return d.events, sync.OnceFunc(func() { close(d.events) })
}

func (d *desk) Metrics(w io.Writer) error {
	if d.conf != nil {
		return errors.New("secret inside")
	}
	_, err := io.WriteString(w, "tipring_port_registered{port=\"1\"} 1\n")
	return err
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if len(dir) < 70 {
		return dir
	}
	dir, err := os.MkdirTemp("", "tr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// serve runs a server on real sockets until the test ends.
func serve(t testing.TB, b Backend, log *slog.Logger) (socket string) {
	t.Helper()
	socket = filepath.Join(shortDir(t), "run", "tipring.sock")
	s, err := Listen(b, Options{Socket: socket, Log: log, Ring: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error("close:", err)
		}
		if _, err := os.Lstat(socket); err == nil {
			t.Error("the socket's file is still there after Close")
		}
	})
	return socket
}
