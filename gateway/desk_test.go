package gateway

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/board"
	"tipring/board/sim"
	"tipring/config"
	"tipring/fxs"
	"tipring/internal/exchange"
	"tipring/internal/memnet"
)

const (
	sbc1   = "10.0.0.1:5060"
	sbc2   = "10.0.0.2:5060"
	ours   = "10.0.1.1:5060"
	domain = "example.net"
)

// evening is when a desk is opened: displays show it.
var evening = time.Date(2026, 11, 24, 21, 7, 0, 0, time.Local)

// desk is the whole gateway in virtual time: telephones in memory on one side, an exchange with two SBCs on the other.
type desk struct {
	*testing.T
	net   *memnet.Network
	x     *exchange.Exchange
	sbc   [2]*exchange.SBC
	board *sim.Board
	gw    *Gateway

	quit  context.CancelFunc
	ended chan error

	mu      sync.Mutex
	wire    []memnet.Datagram // SIP only
	rtp     []packetAt        // the first packets of each stream
	packets map[netip.AddrPort]int
	changes []changeAt

	quietTap bool // record nothing more: memory is being measured
}

type packetAt struct {
	at       time.Time
	from, to netip.AddrPort
}

type changeAt struct {
	at time.Time
	Change
}

// setup is how a desk differs from the usual one: three telephones in China, 1001 to 1003, all registered.
type setup struct {
	country  string
	ports    []string                      // YAML, one port each; nil: the three
	service  string                        // more keys of the service
	more     string                        // more YAML
	wire     memnet.Options                // losses and delays
	board    func(board.Board) board.Board // what is between the gateway and the telephones
	exchange exchange.Config
	servers  []string // instead of the pair
	cold     bool     // do not wait for registrations
	lossy    bool     // events may be lost
}

func portYAML(n int, more string) string {
	return fmt.Sprintf(`{port: %[1]d, enabled: true, user: "%[2]d", password: secret%[1]d, digit_map: "1xxx|x.T"%[3]s}`, n, 1000+n, more)
}

func (s setup) yaml() string {
	if s.ports == nil {
		s.ports = []string{
			portYAML(1, ", display_name: Wang Wei"), portYAML(2, ", display_name: Li Na"), portYAML(3, ", display_name: Zhang Min"),
		}
	}
	if s.country == "" {
		s.country = "CN"
	}
	if s.servers == nil {
		s.servers = []string{sbc1, sbc2}
	}
	return fmt.Sprintf("version: 1\ncard: 2\ncountry: %q\nservices:\n  - {name: main, domain: %s, servers: [%s], local: %q, start_jitter: 0s%s}\nports:\n  - %s\n%s",
		s.country, domain, `"`+strings.Join(s.servers, `", "`)+`"`, ours, s.service, strings.Join(s.ports, "\n  - "), s.more)
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("tipring.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return cfg
}

// at opens a desk in a bubble. When f returns, the gateway goes down; a goroutine that stays is a failure of the bubble.
func at(t *testing.T, s setup, f func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := parse(t, s.yaml())
		time.Sleep(time.Until(evening))
		d := &desk{T: t, net: memnet.New(s.wire), packets: map[netip.AddrPort]int{}, ended: make(chan error, 1)}
		d.net.OnDatagram(d.tap)
		if s.exchange.Users == nil {
			s.exchange.Users = map[string]string{"1001": "secret1", "1002": "secret2", "1003": "secret3", "1004": "secret4"}
		}
		s.exchange.Seed = 1
		d.x = exchange.New(s.exchange)
		if s.servers == nil {
			d.sbc = [2]*exchange.SBC{d.x.Serve(d.socket(sbc1)), d.x.Serve(d.socket(sbc2))}
		}
		d.board = sim.New(sim.Options{Ports: []int{1, 2, 3, 4}, Tones: tones(cfg.Country)})
		var b board.Board = d.board
		if s.board != nil {
			b = s.board(b)
		}
		d.gw = New(Options{
			Board: b, Media: d.net, UserAgent: "tipring-test", Notify: d.changed,
			Listen: func(a netip.AddrPort) (net.PacketConn, error) { return d.net.Listen(a) },
		})
		ctx, quit := context.WithCancel(context.Background())
		d.quit = quit
		go func() { d.ended <- d.gw.Run(ctx, cfg) }()
		defer func() {
			quit()
			if err := <-d.ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			d.x.Close()
			d.board.Close()
			d.net.Close()
			synctest.Wait()
		}()
		if !s.cold {
			d.wait(5*time.Second, "every port to register", func() bool {
				for _, p := range d.gw.Status() {
					if p.Enabled && !p.Registration.OK() {
						return false
					}
				}
				return len(d.gw.Status()) > 0
			})
			time.Sleep(time.Second) // lines are powered and settled
		}
		f(d)
		if n := d.gw.EventsLost(); n > 0 && !s.lossy {
			t.Errorf("%d events lost", n)
		}
	})
}

func tones(country string) map[string]string {
	c, err := fxs.LookupCountry(country)
	if err != nil {
		panic(err)
	}
	m := map[string]string{}
	for _, t := range fxs.Tones() {
		if spec := c.Tone(t); spec != "" {
			m[t.String()] = spec
		}
	}
	return m
}

func (d *desk) socket(at string) *memnet.Conn {
	d.Helper()
	c, err := d.net.Listen(netip.MustParseAddrPort(at))
	if err != nil {
		d.Fatal(err)
	}
	return c
}

func (d *desk) tap(p memnet.Datagram) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.quietTap {
		return
	}
	if p.From.Port() == 5060 || p.To.Port() == 5060 {
		d.wire = append(d.wire, p)
		return
	}
	if d.packets[p.From] < 100 {
		d.rtp = append(d.rtp, packetAt{p.At, p.From, p.To})
	}
	d.packets[p.From]++
}

func (d *desk) changed(c Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes = append(d.changes, changeAt{time.Now(), c})
}

func (d *desk) phone(n int) *sim.Phone { return d.board.Phone(n) }

func (d *desk) status(n int) PortStatus {
	synctest.Wait()
	for _, p := range d.gw.Status() {
		if p.Port == n {
			return p
		}
	}
	d.Helper()
	d.Fatalf("no port %d", n)
	return PortStatus{}
}

// row is the vendor's row without its first column.
func row(p PortStatus) string {
	reg, active := "reg-fail", "Deact"
	if p.Registration.OK() {
		reg = "reg-ok"
	}
	if p.Enabled {
		active = "Activ"
	}
	return strings.TrimRight(fmt.Sprintf("%s:%s %s %s %s %s", reg, active, p.Call.State, p.Line.Physical, p.Call.Peer, p.Call.Direction), " ")
}

// wantRow compares the row of a port, written with single spaces.
func (d *desk) wantRow(n int, want string) {
	d.Helper()
	if st := d.status(n); row(st) != want {
		d.Fatalf("port %d: %s, want %s (registration: %+v, call: %+v)", n, row(st), want, st.Registration, st.Call)
	}
}

// awaitRow waits for a row.
func (d *desk) awaitRow(n int, want string, within time.Duration) {
	d.Helper()
	d.wait(within, fmt.Sprintf("port %d: %s", n, want), func() bool { return row(d.status(n)) == want })
}

func (d *desk) wantHears(n int, what string) sim.Heard {
	d.Helper()
	h, ok := d.phone(n).Wait(context.Background(), what, 12*time.Second)
	if !ok {
		st := d.status(n)
		d.Fatalf("telephone %d hears %s, want %s (%s: %+v)", n, d.phone(n).Hears(), what, row(st), st.Call)
	}
	return h
}

// wait looks every 10 ms of virtual time.
func (d *desk) wait(within time.Duration, what string, cond func() bool) {
	d.Helper()
	for end := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		if cond() {
			return
		}
		if time.Now().After(end) {
			var rows []string
			for _, p := range d.gw.Status() {
				rows = append(rows, fmt.Sprintf("%d: %s (%s %d %s; %s)", p.Port, row(p), p.Registration.State, p.Registration.Code, p.Registration.Reason, p.Call.Cause))
			}
			d.Fatalf("not within %v: %s\n%s", within, what, strings.Join(rows, "\n"))
		}
	}
}

// messages are the first lines and the times of SIP datagrams from one address to any, after since, whose text begins so.
func (d *desk) messages(from string, since time.Time, prefix string) (all []memnet.Datagram) {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.wire {
		if p.From.String() == from && !p.At.Before(since) && strings.HasPrefix(string(p.Payload), prefix) {
			all = append(all, p)
		}
	}
	return all
}

// sent is the first of messages; it must be there.
func (d *desk) sent(from string, since time.Time, prefix string) memnet.Datagram {
	d.Helper()
	all := d.messages(from, since, prefix)
	if len(all) == 0 {
		d.Fatalf("%s has not sent %q", from, prefix)
	}
	return all[0]
}

// became is when a port's call entered a state, after since.
func (d *desk) became(n int, s CallState, since time.Time) time.Time {
	d.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.changes {
		if c.Kind == "call" && c.Port.Port == n && c.Port.Call.State == s && !c.at.Before(since) {
			return c.at
		}
	}
	d.Fatalf("port %d never was %s", n, s)
	return time.Time{}
}

// call lets one telephone call another, up to the conversation.
func (d *desk) call(from, to int) {
	d.Helper()
	d.phone(from).Lift()
	d.wantHears(from, "dial")
	if err := d.phone(from).Dial(fmt.Sprint(1000 + to)); err != nil {
		d.Fatal(err)
	}
	d.wantHears(to, "ring")
	d.phone(to).Lift()
	d.awaitRow(from, fmt.Sprintf("reg-ok:Activ Talking OFF-HOOK %d out", 1000+to), time.Second)
	d.awaitRow(to, fmt.Sprintf("reg-ok:Activ Talking OFF-HOOK %d in", 1000+from), time.Second)
}

// talks plays a tone from one telephone and finds it at the other.
func (d *desk) talks(from, to, hz int) {
	d.Helper()
	if _, err := d.phone(from).Tone(hz, -16, 1500*time.Millisecond); err != nil {
		d.Fatal(err)
	}
	d.wantHears(to, fmt.Sprintf("tone %d", hz))
	time.Sleep(2 * time.Second)
}

// rest hangs everything up and waits until the ports are idle.
func (d *desk) rest(phones ...int) {
	d.Helper()
	for _, n := range phones {
		d.phone(n).Hangup()
	}
	for _, n := range phones {
		d.awaitRow(n, "reg-ok:Activ Idle ON-HOOK", 2*time.Second)
	}
}

func (d *desk) lastCall(n int) CallRecord {
	d.Helper()
	for _, r := range d.gw.History() {
		if r.Port == n {
			return r
		}
	}
	d.Fatalf("port %d has no call in its history", n)
	return CallRecord{}
}
