package sipua

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

var (
	sbc1At = netip.MustParseAddrPort("10.0.0.1:5060")
	sbc2At = netip.MustParseAddrPort("10.0.0.2:5060")
	ourAt  = netip.MustParseAddrPort("10.0.0.9:5060")
)

// rig is an endpoint in a bubble, with a scripted peer where its server would be.
type rig struct {
	t        *testing.T
	net      *memnet.Network
	sbc      *peer
	ep       *Endpoint
	a        *Agent
	ev       *recorder
	logged   *logBook
	leftOpen bool // the test looks after Close itself
}

type logBook struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// recorder keeps an agent's events.
type recorder struct {
	t  *testing.T
	ch chan Event
}

func newRecorder(t *testing.T) *recorder { return &recorder{t, make(chan Event, 4096)} }

func (r *recorder) notify(e Event) {
	select {
	case r.ch <- e:
	default:
		r.t.Error("more events than anybody reads")
	}
}

// next waits for the next event that is of type E; others are passed over.
func next[E Event](r *recorder, within time.Duration) E {
	r.t.Helper()
	after := time.After(within)
	var passed []string
	for {
		select {
		case e := <-r.ch:
			if want, ok := e.(E); ok {
				return want
			}
			passed = append(passed, fmt.Sprintf("%T%+v", e, e))
		case <-after:
			var want E
			r.t.Fatalf("no %T within %v; passed over: %v", want, within, passed)
		}
	}
}

// quiet asserts that nothing of type E comes for a while.
func quiet[E Event](r *recorder, d time.Duration) {
	r.t.Helper()
	after := time.After(d)
	for {
		select {
		case e := <-r.ch:
			if _, bad := e.(E); bad {
				r.t.Fatalf("unexpected %T: %+v", e, e)
			}
		case <-after:
			return
		}
	}
}

func (r *recorder) drain() {
	for {
		select {
		case <-r.ch:
		default:
			return
		}
	}
}

func (r *recorder) until(state RegState, within time.Duration) Registration {
	r.t.Helper()
	deadline := time.Now().Add(within)
	for {
		e := next[Registration](r, time.Until(deadline))
		if e.State == state {
			return e
		}
	}
}

type option func(*Config, *memnet.Options)

// bubble runs a test in virtual time.
func bubble(t *testing.T, run func(r *rig), opts ...option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{
			UserAgent: "tipring/test", Domain: "example.net", Servers: []Server{{Host: "10.0.0.1", Port: 5060}}, Seed: 7,
		}
		netOpt := memnet.Options{Seed: 3}
		for _, o := range opts {
			o(&cfg, &netOpt)
		}
		r := &rig{t: t, net: memnet.New(netOpt), logged: &logBook{}}
		defer r.net.Close()
		r.sbc = r.peer(sbc1At)
		conn, err := r.net.Listen(ourAt)
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.NewTextHandler(r.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if os.Getenv("SIPUA_LOG") != "" {
			log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
			r.net.OnDatagram(func(d memnet.Datagram) {
				fmt.Fprintf(os.Stderr, "%v %v -> %v %v\n%s\n", d.At.Format("15:04:05.000"), d.From, d.To, d.Fate, d.Payload)
			})
		}
		if r.ep, err = NewEndpoint(conn, cfg, log); err != nil {
			t.Fatal(err)
		}
		r.ev = newRecorder(t)
		r.a = r.ep.Agent(Account{User: "1001", AuthUser: "auth1001", Password: "secret1", DisplayName: "Wang Wei"}, r.ev.notify)
		defer func() {
			if !r.leftOpen {
				ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
				defer cancel()
				r.ep.Close(ctx)
			}
			if n := r.ep.Stats().Recovered; n > 0 {
				t.Errorf("%d panics were caught:\n%s", n, r.logged)
			}
			if s := r.logged.String(); strings.Contains(s, "secret1") {
				t.Error("the password is in the log")
			}
		}()
		run(r)
	})
}

// peer speaks SIP as text: it knows nothing that the package under test knows.
type peer struct {
	t    *testing.T
	conn *memnet.Conn
	at   netip.AddrPort
	seq  int
}

func (r *rig) peer(at netip.AddrPort) *peer {
	c, err := r.net.Listen(at)
	if err != nil {
		r.t.Fatal(err)
	}
	return &peer{t: r.t, conn: c, at: at}
}

// msg is a message as text.
type msg struct {
	start string
	lines []string
	body  string
	from  netip.AddrPort
	at    time.Time
}

func parseText(b []byte, from netip.AddrPort) *msg {
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	l := strings.Split(head, "\r\n")
	return &msg{start: l[0], lines: l[1:], body: body, from: from, at: time.Now()}
}

func (m *msg) String() string { return m.start + "\n" + strings.Join(m.lines, "\n") + "\n\n" + m.body }

func (m *msg) all(name string) (vs []string) {
	for _, l := range m.lines {
		k, v, _ := strings.Cut(l, ":")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			vs = append(vs, strings.TrimSpace(v))
		}
	}
	return vs
}

func (m *msg) h(name string) string {
	if vs := m.all(name); len(vs) > 0 {
		return vs[0]
	}
	return ""
}

func (m *msg) method() string { w, _, _ := strings.Cut(m.start, " "); return w }

func (m *msg) uri() string { return strings.Fields(m.start)[1] }

func (m *msg) code() string {
	if f := strings.Fields(m.start); f[0] == "SIP/2.0" {
		return f[1]
	}
	return ""
}

func (m *msg) cseq() int {
	var n int
	fmt.Sscan(m.h("CSeq"), &n)
	return n
}

func tagOf(v string) string {
	_, tag, _ := strings.Cut(v, ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

func (m *msg) branch() string {
	_, b, _ := strings.Cut(m.h("Via"), "branch=")
	b, _, _ = strings.Cut(b, ";")
	return b
}

func (m *msg) contactURI() string {
	_, c, _ := strings.Cut(m.h("Contact"), "<")
	c, _, _ = strings.Cut(c, ">")
	return c
}

// recv waits for a message; nil when none comes. Keep-alives are passed over.
func (p *peer) recv(within time.Duration) *msg {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, 65535)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return nil
		}
		if len(strings.TrimSpace(string(buf[:n]))) == 0 {
			continue
		}
		return parseText(buf[:n], from)
	}
}

// expect is the next message, which must be that method or code.
func (p *peer) expect(what string) *msg { p.t.Helper(); return p.expectIn(what, time.Minute) }

func (p *peer) expectIn(what string, within time.Duration) *msg {
	p.t.Helper()
	m := p.recv(within)
	if m == nil {
		p.t.Fatalf("%s did not come within %v", what, within)
	}
	if m.method() != what && m.code() != what {
		p.t.Fatalf("want %s, got:\n%s", what, m)
	}
	return m
}

// seek passes over everything until that method or code.
func (p *peer) seek(what string) *msg {
	p.t.Helper()
	for {
		m := p.recv(90 * time.Second)
		if m == nil {
			p.t.Fatalf("%s did not come", what)
		}
		if m.method() == what || m.code() == what {
			return m
		}
	}
}

// silent asserts that nothing comes.
func (p *peer) silent(d time.Duration) {
	p.t.Helper()
	if m := p.recv(d); m != nil {
		p.t.Fatalf("unexpected:\n%s", m)
	}
}

func (p *peer) raw(text string) {
	p.t.Helper()
	if _, err := p.conn.WriteToAddrPort([]byte(text), ourAt); err != nil {
		p.t.Fatal(err)
	}
}

func compose(start string, lines []string, body string) string {
	for i, l := range lines {
		if strings.HasPrefix(l, "SDP") {
			body = l[3:]
			lines[i] = "Content-Type: application/sdp"
		}
	}
	return start + "\r\n" + strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// reply answers a request. A To tag is added when toTag is not empty; a line that begins with SDP is the body.
func (p *peer) reply(req *msg, status, toTag string, extra ...string) {
	p.t.Helper()
	var l []string
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range req.all(name) {
			if name == "To" && toTag != "" && tagOf(v) == "" {
				v += ";tag=" + toTag
			}
			l = append(l, name+": "+v)
		}
	}
	p.raw(compose("SIP/2.0 "+status, append(l, extra...), ""))
}

// call is a dialog of the scripted peer with us.
type call struct {
	p      *peer
	id     string
	uri    string // where requests go
	local  string // its From
	remote string // its To
	seq    int
	branch string
}

// callFrom prepares a call from the peer to one of our users.
func (p *peer) callFrom(user, caller string) *call {
	p.seq++
	return &call{
		p: p, id: fmt.Sprintf("call%d@peer", p.seq), uri: "sip:" + user + "@10.0.0.9:5060", seq: 100,
		local: fmt.Sprintf("%s;tag=peer%d", caller, p.seq), remote: "<sip:" + user + "@example.net>",
	}
}

func (c *call) request(method string, extra ...string) string {
	if method != "ACK" && method != "CANCEL" {
		c.seq++
	}
	if method != "CANCEL" {
		c.p.seq++
		c.branch = fmt.Sprintf("z9hG4bKpeer%d", c.p.seq)
	}
	l := []string{
		fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=%s;rport", c.p.at, c.branch), "Max-Forwards: 70",
		"From: " + c.local, "To: " + c.remote, "Call-ID: " + c.id, fmt.Sprintf("CSeq: %d %s", c.seq, method),
	}
	if method != "ACK" && method != "CANCEL" && method != "BYE" && !strings.HasPrefix(strings.Join(extra, "|"), "Contact:") {
		l = append(l, fmt.Sprintf("Contact: <sip:peer@%s>", c.p.at))
	}
	return compose(method+" "+c.uri+" SIP/2.0", append(l, extra...), "")
}

func (c *call) send(method string, extra ...string) {
	c.p.t.Helper()
	c.p.raw(c.request(method, extra...))
}

// heard takes our tag and Contact out of a response.
func (c *call) heard(m *msg) *msg {
	if tagOf(m.h("To")) != "" {
		c.remote = m.h("To")
	}
	if u := m.contactURI(); u != "" {
		c.uri = u
	}
	return m
}

const offerSDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n"

// digestOK checks an Authorization header by the book, with code of its own (RFC 2617 3.2.2, MD5).
func digestOK(header, method, user, password string) error {
	f := map[string]string{}
	for _, p := range strings.Split(strings.TrimPrefix(header, "Digest "), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		f[k] = strings.Trim(v, `"`)
	}
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	want := sum(sum(user+":"+f["realm"]+":"+password) + ":" + f["nonce"] + ":" + f["nc"] + ":" + f["cnonce"] + ":" + f["qop"] + ":" + sum(method+":"+f["uri"]))
	if f["qop"] == "" {
		want = sum(sum(user+":"+f["realm"]+":"+password) + ":" + f["nonce"] + ":" + sum(method+":"+f["uri"]))
	}
	if f["response"] != want || f["username"] != user {
		return fmt.Errorf("digest of %q is wrong", header)
	}
	return nil
}

const challenge401 = `WWW-Authenticate: Digest realm="example.net", nonce="n1", algorithm=MD5, qop="auth"`

// register brings the agent to Registered without a challenge.
func (r *rig) register() {
	r.t.Helper()
	r.a.Register(true)
	m := r.sbc.expect("REGISTER")
	r.sbc.reply(m, "200 OK", "reg", "Contact: "+m.h("Contact"))
	r.ev.until(Registered, time.Second)
}
