package sipua

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// fakeWire counts what a transaction sends.
type fakeWire struct {
	sent []string
	fail bool
}

func (w *fakeWire) send(_ netip.AddrPort, b []byte, _ bool) error {
	w.sent = append(w.sent, string(b))
	if w.fail {
		return errors.New("no way")
	}
	return nil
}

type fakeAsker struct{ got []string }

func (a *fakeAsker) answered(_ time.Time, _ *clientTx, m *message) {
	a.got = append(a.got, fmt.Sprint(m.code))
}
func (a *fakeAsker) unanswered(_ time.Time, _ *clientTx, why error) {
	a.got = append(a.got, why.Error())
}

// RFC 3261 17.1 and RFC 6026: what a client transaction does with every event in every state.
func TestClientTransactionTable(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type cell struct {
		state txState
		sent  string // what went out because of the event
		told  string // what the asker heard
	}
	same := func(s txState) cell { return cell{state: s} }
	fire := map[string]func(tx *clientTx){
		"1xx":    func(tx *clientTx) { tx.receive(start, response(180, "a")) },
		"2xx":    func(tx *clientTx) { tx.receive(start, response(200, "a")) },
		"fork":   func(tx *clientTx) { tx.receive(start, response(200, "b")) },
		"4xx":    func(tx *clientTx) { tx.receive(start, response(486, "a")) },
		"repeat": func(tx *clientTx) { tx.advance(start.Add(t1)) },
		"expire": func(tx *clientTx) { tx.advance(start.Add(timeout64)) },
		"icmp":   func(tx *clientTx) { tx.unreachable(start) },
	}
	table := map[string]map[txState]map[string]cell{
		"INVITE": {
			txCalling: {
				"1xx": {txProceeding, "", "180"}, "2xx": {txAccepted, "", "200"}, "fork": {txAccepted, "", "200"}, "4xx": {txCompleted, "ACK", "486"},
				"repeat": {txCalling, "REQ", ""}, "expire": {txTerminated, "", "no answer"}, "icmp": {txTerminated, "", "unreachable"},
			},
			txProceeding: {
				"1xx": {txProceeding, "", "180"}, "2xx": {txAccepted, "", "200"}, "fork": {txAccepted, "", "200"}, "4xx": {txCompleted, "ACK", "486"},
				"repeat": same(txProceeding), "expire": same(txProceeding), "icmp": same(txProceeding),
			},
			txCompleted: {
				"1xx": same(txCompleted), "2xx": same(txCompleted), "fork": same(txCompleted), "4xx": {txCompleted, "ACK", ""},
				"repeat": same(txCompleted), "expire": same(txTerminated), "icmp": same(txCompleted),
			},
			txAccepted: {
				"1xx": same(txAccepted), "2xx": {txAccepted, "ACK2", ""}, "fork": {txAccepted, "", "200"}, "4xx": same(txAccepted),
				"repeat": same(txAccepted), "expire": same(txTerminated), "icmp": same(txAccepted),
			},
			txTerminated: {
				"1xx": same(txTerminated), "2xx": same(txTerminated), "fork": same(txTerminated), "4xx": same(txTerminated),
				"repeat": same(txTerminated), "expire": same(txTerminated), "icmp": same(txTerminated),
			},
		},
		"BYE": {
			txCalling: {
				"1xx": {txProceeding, "", "180"}, "2xx": {txCompleted, "", "200"}, "fork": {txCompleted, "", "200"}, "4xx": {txCompleted, "", "486"},
				"repeat": {txCalling, "REQ", ""}, "expire": {txTerminated, "", "no answer"}, "icmp": {txTerminated, "", "unreachable"},
			},
			txProceeding: {
				"1xx": {txProceeding, "", "180"}, "2xx": {txCompleted, "", "200"}, "fork": {txCompleted, "", "200"}, "4xx": {txCompleted, "", "486"},
				"repeat": same(txProceeding), "expire": {txTerminated, "", "no answer"}, "icmp": {txTerminated, "", "unreachable"},
			},
			txCompleted: {
				"1xx": same(txCompleted), "2xx": same(txCompleted), "fork": same(txCompleted), "4xx": same(txCompleted),
				"repeat": same(txCompleted), "expire": same(txTerminated), "icmp": same(txCompleted),
			},
		},
	}
	lead := map[txState]int{txProceeding: 180, txCompleted: 486, txAccepted: 200}
	for method, states := range table {
		for state, cells := range states {
			for name := range fire {
				want, decided := cells[name]
				if !decided {
					t.Errorf("%s %v meets %s: not decided", method, state, name)
					continue
				}
				w, a := &fakeWire{}, &fakeAsker{}
				tx := &clientTx{wire: w, asker: a, method: method, raw: []byte("REQ"), ack: func(*message) []byte { return []byte("ACK") }}
				tx.start(start, timeout64)
				if code := lead[state]; code > 0 {
					tx.receive(start, response(code, "a"))
				}
				if state == txAccepted {
					tx.acknowledge("a", []byte("ACK2"), ourAt)
				}
				if state == txTerminated {
					tx.end("test")
				}
				if tx.state != state {
					t.Fatalf("%s: cannot reach %v, stuck in %v", method, state, tx.state)
				}
				w.sent, a.got = nil, nil
				fire[name](tx)
				sent, told := "", ""
				if len(w.sent) > 0 {
					sent = w.sent[0]
				}
				if len(a.got) > 0 {
					told = a.got[0]
				}
				if got := (cell{tx.state, sent, told}); got != want || len(w.sent) > 1 || len(a.got) > 1 {
					t.Errorf("%s %v meets %s: %+v, want %+v", method, state, name, got, want)
				}
			}
		}
	}
}

func response(code int, tag string) *message {
	return &message{code: code, to: address{tag: tag}}
}

// 17.1.1.2 and 17.1.2.2: INVITE doubles without end, others up to T2; a provisional response slows the others down.
func TestClientTransactionRepeats(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		method string
		heard  bool
		want   []float64
	}{
		{"INVITE", false, []float64{0.5, 1.5, 3.5, 7.5, 15.5, 31.5}},
		{"OPTIONS", false, []float64{0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5}},
		{"OPTIONS", true, []float64{4, 8, 12, 16, 20, 24, 28}},
		{"INVITE", true, nil},
	} {
		w, a := &fakeWire{}, &fakeAsker{}
		tx := &clientTx{wire: w, asker: a, method: c.method, raw: []byte("REQ")}
		tx.start(start, timeout64)
		if c.heard {
			tx.receive(start, response(100, ""))
		}
		var got []float64
		for now := tx.deadline(); !now.IsZero() && tx.state != txTerminated; now = tx.deadline() {
			n := len(w.sent)
			tx.advance(now)
			if len(w.sent) > n {
				got = append(got, now.Sub(start).Seconds())
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s heard=%v: repeats at %v, want %v", c.method, c.heard, got, c.want)
		}
	}
}

// A first send that the kernel refuses is told later, from the loop.
func TestClientTransactionBrokenSend(t *testing.T) {
	now := time.Now()
	a := &fakeAsker{}
	tx := &clientTx{wire: &fakeWire{fail: true}, asker: a, method: "REGISTER", raw: []byte("REQ")}
	tx.start(now, timeout64)
	if len(a.got) != 0 || tx.deadline() != now {
		t.Fatalf("told %v, deadline %v", a.got, tx.deadline())
	}
	tx.advance(now)
	if len(a.got) != 1 || a.got[0] != "unreachable" || tx.state != txTerminated {
		t.Errorf("told %v in %v", a.got, tx.state)
	}
}

// RFC 3261 17.2 and RFC 6026.
func TestServerTransactionTable(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type cell struct {
		state txState
		sent  string
	}
	fire := map[string]func(tx *serverTx){
		"180":    func(tx *serverTx) { tx.respond(start, 180, []byte("180")) },
		"200":    func(tx *serverTx) { tx.respond(start, 200, []byte("200")) },
		"486":    func(tx *serverTx) { tx.respond(start, 486, []byte("486")) },
		"again":  func(tx *serverTx) { tx.again() },
		"ACK":    func(tx *serverTx) { tx.acked(start) },
		"repeat": func(tx *serverTx) { tx.advance(start.Add(t1)) },
		"expire": func(tx *serverTx) { tx.advance(start.Add(timeout64)) },
	}
	table := map[string]map[txState]map[string]cell{
		"INVITE": {
			txProceeding: {"180": {txProceeding, "180"}, "200": {txAccepted, "200"}, "486": {txCompleted, "486"}, "again": {txProceeding, "100"}, "ACK": {txProceeding, ""}, "repeat": {txProceeding, ""}, "expire": {txProceeding, ""}},
			txCompleted:  {"180": {txCompleted, ""}, "200": {txCompleted, ""}, "486": {txCompleted, ""}, "again": {txCompleted, "404"}, "ACK": {txConfirmed, ""}, "repeat": {txCompleted, "404"}, "expire": {txTerminated, ""}},
			txAccepted:   {"180": {txAccepted, ""}, "200": {txAccepted, ""}, "486": {txAccepted, ""}, "again": {txAccepted, ""}, "ACK": {txAccepted, ""}, "repeat": {txAccepted, ""}, "expire": {txTerminated, ""}},
			txConfirmed:  {"180": {txConfirmed, ""}, "200": {txConfirmed, ""}, "486": {txConfirmed, ""}, "again": {txConfirmed, ""}, "ACK": {txConfirmed, ""}, "repeat": {txConfirmed, ""}, "expire": {txTerminated, ""}},
		},
		"BYE": {
			txTrying:     {"180": {txProceeding, "180"}, "200": {txCompleted, "200"}, "486": {txCompleted, "486"}, "again": {txTrying, ""}, "ACK": {txTrying, ""}, "repeat": {txTrying, ""}, "expire": {txTrying, ""}},
			txProceeding: {"180": {txProceeding, "180"}, "200": {txCompleted, "200"}, "486": {txCompleted, "486"}, "again": {txProceeding, "100"}, "ACK": {txProceeding, ""}, "repeat": {txProceeding, ""}, "expire": {txProceeding, ""}},
			txCompleted:  {"180": {txCompleted, ""}, "200": {txCompleted, ""}, "486": {txCompleted, ""}, "again": {txCompleted, "404"}, "ACK": {txCompleted, ""}, "repeat": {txCompleted, ""}, "expire": {txTerminated, ""}},
			txTerminated: {"180": {txTerminated, ""}, "200": {txTerminated, ""}, "486": {txTerminated, ""}, "again": {txTerminated, ""}, "ACK": {txTerminated, ""}, "repeat": {txTerminated, ""}, "expire": {txTerminated, ""}},
		},
	}
	for method, states := range table {
		for state, cells := range states {
			for name := range fire {
				want, decided := cells[name]
				if !decided {
					t.Errorf("%s %v meets %s: not decided", method, state, name)
					continue
				}
				w := &fakeWire{}
				tx := &serverTx{wire: w, method: method, state: txTrying}
				if method == "INVITE" {
					tx.state = txProceeding
				}
				switch state {
				case txProceeding:
					tx.respond(start, 100, []byte("100"))
				case txCompleted:
					tx.respond(start, 404, []byte("404"))
				case txAccepted:
					tx.respond(start, 200, []byte("2xx"))
				case txConfirmed:
					tx.respond(start, 404, []byte("404"))
					tx.acked(start)
				case txTerminated:
					tx.respond(start, 404, []byte("404"))
					tx.advance(start.Add(timeout64))
				}
				if tx.state != state {
					t.Fatalf("%s: cannot reach %v, stuck in %v", method, state, tx.state)
				}
				w.sent = nil
				fire[name](tx)
				sent := ""
				if len(w.sent) > 0 {
					sent = w.sent[0]
				}
				if got := (cell{tx.state, sent}); got != want || len(w.sent) > 1 {
					t.Errorf("%s %v meets %s: %+v, want %+v", method, state, name, got, want)
				}
			}
		}
	}
}
