package exchange

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

var (
	sbc1Addr = netip.MustParseAddrPort("10.0.0.1:5060")
	sbc2Addr = netip.MustParseAddrPort("10.0.0.2:5060")
)

// world is an exchange with two SBCs over memnet, in a bubble.
type world struct {
	*testing.T
	net        *memnet.Network
	x          *Exchange
	sbc1, sbc2 *SBC
}

func bubble(t *testing.T, cfg Config, test func(w *world)) {
	t.Helper()
	bubbleOver(t, memnet.Options{}, cfg, test)
}

func bubbleOver(t *testing.T, net memnet.Options, cfg Config, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Users == nil {
			cfg.Users = map[string]string{"1001": "secret1", "1002": "secret2", "1003": "secret3"}
		}
		cfg.Seed = 1
		w := &world{T: t, net: memnet.New(net), x: New(cfg)}
		w.sbc1, w.sbc2 = w.x.Serve(w.socket(sbc1Addr)), w.x.Serve(w.socket(sbc2Addr))
		t.Cleanup(func() { w.x.Close(); w.net.Close() }) // after a Fatal too
		test(w)
	})
}

func (w *world) socket(at netip.AddrPort) *memnet.Conn {
	w.Helper()
	c, err := w.net.Listen(at)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// phone is a raw text client: it knows no SIP but what a test tells it.
type phone struct {
	w        *world
	c        *memnet.Conn
	user     string
	password string
	callID   string
	cseq     int
	branch   int
	sbc      netip.AddrPort
	alg      string
	nc       int
	nonce    string
	opaque   string
	qop      string
}

func (w *world) phone(user, password string) *phone {
	n, _ := strconv.Atoi(user[len(user)-1:])
	return &phone{w: w, user: user, password: password, sbc: sbc1Addr, callID: "call-" + user, alg: "MD5",
		c: w.socket(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(n)}), 5060))}
}

func (p *phone) contact() string { return "<sip:" + p.user + "@" + p.c.LocalAddrPort().String() + ">" }

// build writes a request. Extra lines come last; a line of "Name:" alone takes the default header away.
func (p *phone) build(method, uri, to string, extra ...string) string {
	p.branch++
	h := []string{
		"Via: SIP/2.0/UDP " + p.c.LocalAddrPort().String() + ";branch=z9hG4bK-" + p.user + "-" + strconv.Itoa(p.branch) + ";rport",
		"Max-Forwards: 70",
		"From: <sip:" + p.user + "@example.net>;tag=from-" + p.user,
		"To: " + to,
		"Call-ID: " + p.callID,
		"CSeq: " + strconv.Itoa(p.cseq) + " " + method,
	}
	for _, e := range extra {
		name, value, _ := strings.Cut(e, ":")
		at := -1
		for i := range h {
			if strings.HasPrefix(h[i], name+":") {
				at = i
			}
		}
		switch {
		case at >= 0 && value == "":
			h = append(h[:at], h[at+1:]...)
		case at >= 0:
			h[at] = e
		default:
			h = append(h, e)
		}
	}
	return method + " " + uri + " SIP/2.0\r\n" + strings.Join(h, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
}

func (p *phone) send(text string) {
	p.w.Helper()
	if _, err := p.c.WriteToAddrPort([]byte(text), p.sbc); err != nil {
		p.w.Fatal(err)
	}
}

// hear is the next message within a time, nil for none.
func (p *phone) hear(within time.Duration) *message {
	p.w.Helper()
	p.c.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, 65536)
	n, _, err := p.c.ReadFromUDPAddrPort(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		p.w.Fatal(err)
	}
	m, err := parse(buf[:n])
	if err != nil {
		p.w.Fatalf("%v in:\n%s", err, buf[:n])
	}
	return m
}

// wants hears a response with a code, or a request with a method.
func (p *phone) wants(what string) *message {
	p.w.Helper()
	m := p.hear(10 * time.Millisecond)
	if got := m.String(); got != what {
		p.w.Fatalf("%s heard %q, wants %q", p.user, got, what)
	}
	return m
}

// silence wants nothing for a while.
func (p *phone) silence(d time.Duration) {
	p.w.Helper()
	if m := p.hear(d); m != nil {
		p.w.Fatalf("%s heard %q, wants nothing", p.user, m)
	}
}

// String is the code or the method: what a ladder diagram shows.
func (m *message) String() string {
	switch {
	case m == nil:
		return ""
	case m.method != "":
		return m.method
	}
	return strconv.Itoa(m.code)
}

// ask sends a request and wants a code.
func (p *phone) ask(code int, method, uri, to string, extra ...string) *message {
	p.w.Helper()
	p.cseq++
	p.send(p.build(method, uri, to, extra...))
	return p.wants(strconv.Itoa(code))
}

const domain = "sip:example.net"

func (p *phone) aor() string { return "<sip:" + p.user + "@example.net>" }

// learn keeps the challenge of a response.
func (p *phone) learn(m *message) {
	p.w.Helper()
	for _, key := range []string{"www-authenticate", "proxy-authenticate"} {
		for _, v := range m.all(key) {
			c, ok := parseDigest(v)
			if !ok {
				p.w.Fatalf("challenge %q", v)
			}
			if c["algorithm"] == p.alg {
				p.nonce, p.opaque, p.qop, p.nc = c["nonce"], c["opaque"], c["qop"], 0
				return
			}
		}
	}
	p.w.Fatalf("no challenge with %s", p.alg)
}

// digest answers the challenge, computed here from the standard's formulas.
func (p *phone) digest(header, method, uri string) string {
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	if p.alg == "SHA-256" {
		sum = func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	}
	ha1, ha2 := sum(p.user+":example.net:"+p.password), sum(method+":"+uri)
	tail, resp := "", sum(ha1+":"+p.nonce+":"+ha2)
	if p.qop != "" {
		p.nc++
		nc := fmt.Sprintf("%08x", p.nc)
		resp = sum(ha1 + ":" + p.nonce + ":" + nc + ":cn:auth:" + ha2)
		tail = ", qop=auth, nc=" + nc + `, cnonce="cn"`
	}
	return fmt.Sprintf(`%s: Digest username="%s", realm="example.net", nonce="%s", uri="%s", response="%s", algorithm=%s, opaque="%s"%s`,
		header, p.user, p.nonce, uri, resp, p.alg, p.opaque, tail)
}

// register sends a REGISTER with the challenge known so far.
func (p *phone) register(code int, extra ...string) *message {
	p.w.Helper()
	if p.nonce != "" {
		extra = append(extra, p.digest("Authorization", "REGISTER", domain))
	}
	return p.ask(code, "REGISTER", domain, p.aor(), extra...)
}

// online registers with digest.
func (p *phone) online() *phone {
	p.w.Helper()
	p.learn(p.register(401, "Contact: "+p.contact()))
	p.register(200, "Contact: "+p.contact())
	return p
}

// bindings as "user contact seconds".
func (w *world) bindings() string {
	var all []string
	for _, b := range w.x.Bindings() {
		all = append(all, fmt.Sprint(b.User, " ", b.Contact, " ", int(time.Until(b.Expires).Seconds())))
	}
	return strings.Join(all, ", ")
}

// left counts what an SBC remembers of transactions.
func (w *world) left(s *SBC) int {
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	return len(s.relays) + len(s.legs)
}

func mustParse(t *testing.T, text string) *message {
	t.Helper()
	m, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
