package exchange

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const sample = "INVITE sip:1002@example.net;user=phone SIP/2.0\r\n" +
	"v: SIP/2.0/UDP a.example:5070;branch=z9hG4bKx, SIP / 2.0 / UDP [2001:db8::1] : 5080 ;branch=z9hG4bKy;rport\r\n" +
	"Max-Forwards:70\r\n" +
	"f: \"A, \\\"B\\\" <x>\" <sip:1001@example.net;x=y>;tag=abc\r\n" +
	"t: sip:1002@example.net\r\n" +
	"i:id@host\r\n" +
	"CSeq: 12\r\n INVITE\r\n" +
	"Route: <sip:p1;lr>,<sip:p2;lr>\r\n" +
	"l: 4\r\n" +
	"\r\nbodyrubbish"

func TestParse(t *testing.T) {
	m := mustParse(t, "\r\n\r\n"+sample)
	if m.method != "INVITE" || m.uri != "sip:1002@example.net;user=phone" || string(m.body) != "body" {
		t.Errorf("%+v", m)
	}
	if v := m.all("via"); len(v) != 2 || v[0] != "SIP/2.0/UDP a.example:5070;branch=z9hG4bKx" {
		t.Errorf("Via %q", v)
	}
	v, ok := parseVia(m.all("via")[1])
	if !ok || v.host != "2001:db8::1" || v.port != 5080 || v.branch() != "z9hG4bKy" || v.transport != "UDP" {
		t.Errorf("second Via %+v", v)
	}
	if a, ok := parseAddress(m.get("from")); !ok || a.uri.user != "1001" || tag(m.get("from")) != "abc" || len(a.uri.params) != 1 {
		t.Errorf("From %+v", a)
	}
	if n, method, ok := m.cseq(); !ok || n != 12 || method != "INVITE" {
		t.Errorf("CSeq %d %s", n, method)
	}
	if r := m.all("route"); len(r) != 2 || r[1] != "<sip:p2;lr>" || m.get("call-id") != "id@host" {
		t.Errorf("Route %q", r)
	}
	again := mustParse(t, string(m.bytes()))
	if !bytes.Equal(again.bytes(), m.bytes()) || !bytes.Contains(m.bytes(), []byte("\r\nf: ")) {
		t.Errorf("written:\n%s", m.bytes())
	}
	r := mustParse(t, "sip/2.0 183 Session Progress\nVia: x\n\n")
	if r.code != 183 || r.reason != "Session Progress" {
		t.Errorf("%+v", r)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":               "",
		"only lines":          "\r\n\r\n",
		"no version":          "INVITE sip:x\r\n\r\n",
		"HTTP":                "GET / HTTP/1.1\r\n\r\n",
		"two blanks":          "INVITE  sip:x SIP/2.0\r\n\r\n",
		"blank in the URI":    "INVITE sip:a b SIP/2.0\r\n\r\n",
		"method not a token":  "INV(TE sip:x SIP/2.0\r\n\r\n",
		"code of two digits":  "SIP/2.0 99 X\r\n\r\n",
		"code of the moon":    "SIP/2.0 700 X\r\n\r\n",
		"response of SIP 3":   "SIP/3.0 200 OK\r\n\r\n",
		"cut in a header":     "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/U",
		"no empty line":       "INVITE sip:x SIP/2.0\r\nVia: a\r\n",
		"cut in a fold":       "INVITE sip:x SIP/2.0\r\nVia: a\r\n b",
		"no colon":            "INVITE sip:x SIP/2.0\r\nVia\r\n\r\n",
		"NUL in a value":      "INVITE sip:x SIP/2.0\r\nTo: a\x00b\r\n\r\n",
		"CR in a value":       "INVITE sip:x SIP/2.0\r\nTo: a\rb\r\n\r\n",
		"name not a token":    "INVITE sip:x SIP/2.0\r\nT o: a\r\n\r\n",
		"length too large":    "INVITE sip:x SIP/2.0\r\nl: 5\r\n\r\nbody",
		"length negative":     "INVITE sip:x SIP/2.0\r\nl: -1\r\n\r\nbody",
		"length beyond int":   "INVITE sip:x SIP/2.0\r\nl: 99999999999999999999\r\n\r\nbody",
		"headers without end": "INVITE sip:x SIP/2.0\r\n" + strings.Repeat("a: b\r\n", maxHeaders+1) + "\r\n",
		"Vias without end":    "INVITE sip:x SIP/2.0\r\nVia: " + strings.Repeat(",", maxHeaders+1) + "\r\n\r\n",
	} {
		if m, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, m)
		}
	}
}

func TestURI(t *testing.T) {
	for _, c := range []struct{ in, want string }{ // scheme user host port destination
		{"sip:a@10.0.0.1", "sip a 10.0.0.1 0 10.0.0.1:5060"},
		{"SIP:a:secret@EXAMPLE.net:5070;lr?x=y", "sip a example.net 5070 -"},
		{"sip:%31;x=1@[2001:DB8::1]:5080", "sip 1;x=1 2001:db8::1 5080 [2001:db8::1]:5080"},
		{"sip:host;transport=TCP", "sip  host 0 -"},
		{"sip:10.0.0.1;transport=udp", "sip  10.0.0.1 0 10.0.0.1:5060"},
		{"sips:a@10.0.0.1", "sips a 10.0.0.1 0 -"},
		{"tel:+4930123;phone-context=x", "tel +4930123  0 -"},
		{"sip:", ""}, {"sip:@", ""}, {"sip:a@", ""}, {"sip:a@h:0", ""}, {"sip:a@h:99999", ""}, {"sip:a@h:x", ""}, {"sip:[::1", ""},
		{"sip:[1.2.3.4]", ""}, {"sip:[::1]x", ""}, {"sip:a@b@c", ""}, {"sip:%zz@h", ""}, {"http://x", ""}, {"tel:", ""}, {"a b", ""}, {"", ""}, {"sip:a b@c", ""},
	} {
		u, ok := parseURI(c.in)
		got := ""
		if ok {
			d := "-"
			if a, ok := u.destination(); ok {
				d = a.String()
			}
			got = fmt.Sprint(u.scheme, " ", u.user, " ", u.host, " ", u.port, " ", d)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestViaBack(t *testing.T) {
	for _, c := range []struct{ via, from, want string }{
		{"SIP/2.0/UDP 10.0.0.9:5070;branch=b", "10.0.0.9:4444", "10.0.0.9:5070"},
		{"SIP/2.0/UDP 10.0.0.9;branch=b", "10.0.0.9:4444", "10.0.0.9:5060"},
		{"SIP/2.0/UDP 10.0.0.9:5070;branch=b", "10.0.0.7:4444", "10.0.0.7:5070"},
		{"SIP/2.0/UDP phone:5070;branch=b", "10.0.0.7:4444", "10.0.0.7:5070"},
		{"SIP/2.0/UDP 192.168.0.1:5070;rport;branch=b", "10.0.0.7:4444", "10.0.0.7:4444"},
		{"SIP/2.0/UDP 192.168.0.1;rport=1;received=1.1.1.1", "10.0.0.7:4444", "10.0.0.7:4444"}, // a lie
		{"SIP/2.0/UDP [2001:db8::9];branch=b", "[2001:db8::9]:7", "[2001:db8::9]:5060"},
	} {
		v, ok := parseVia(c.via)
		if !ok {
			t.Fatal(c.via)
		}
		v.stamp(netip.MustParseAddrPort(c.from))
		if got, ok := v.back(); !ok || got.String() != c.want {
			t.Errorf("%s from %s: %v, want %s", c.via, c.from, got, c.want)
		}
	}
	for _, bad := range []string{"", "SIP/2.0/UDP", "SIP/2.0 UDP h", "HTTP/2.0/UDP h", "SIP/3.0/UDP h", "SIP/2.0/U(P h", "SIP/2.0/UDP h:x", "SIP/2.0/UDP ;branch=b"} {
		if v, ok := parseVia(bad); ok {
			t.Errorf("%q taken as %+v", bad, v)
		}
	}
	if v, ok := parseVia("SIP/2.0/UDP h;received=x;rport=y"); ok {
		if a, ok := v.back(); ok {
			t.Errorf("back to %v", a)
		}
	}
}

// RFC 3261 section 16.11: what belongs to an INVITE has its branch, and nothing else has.
func TestBranch(t *testing.T) {
	of := func(text string) string {
		m := mustParse(t, text)
		top, ok := parseVia(m.get("via"))
		if !ok {
			t.Fatal("no Via")
		}
		return m.branch(top)
	}
	for _, id := range []string{"z9hG4bKx", "old"} {
		base := "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=" + id + "\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n\r\n"
		want := of(base)
		for _, method := range []string{"CANCEL", "ACK"} {
			if got := of(strings.ReplaceAll(base, "INVITE", method)); got != want {
				t.Errorf("%s has branch %s, the INVITE %s", method, got, want)
			}
		}
		for name, other := range map[string]string{
			"another client":  strings.Replace(base, "UDP h", "UDP g", 1),
			"another branch":  strings.Replace(base, id, id+"2", 1),
			"another target":  strings.Replace(base, "sip:b@x", "sip:c@x", 1),
			"another call":    strings.Replace(base, "Call-ID: c", "Call-ID: d", 1),
			"another CSeq":    strings.Replace(base, "CSeq: 7", "CSeq: 8", 1),
			"another route":   strings.Replace(base, "CSeq", "Route: <sip:p;lr>\r\nCSeq", 1),
			"another From":    strings.Replace(base, "tag=1", "tag=2", 1),
			"parts run over ": strings.Replace(strings.Replace(base, "tag=1", "tag=1c", 1), "Call-ID: c", "Call-ID: ", 1),
		} {
			if of(other) == want {
				t.Errorf("%s: the same branch", name)
			}
		}
	}
}

// What is parsed can be written, and then it is parsed the same. Every part of the SBC gets the message.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1.2, SIP/2.0/UDP h\r\nCSeq: 1 INVITE\r\n\r\n"))
	f.Add([]byte("REGISTER sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1;rport\r\nFrom: <sip:1001@example.net>;tag=a\r\nTo: <sip:1001@example.net>\r\n" +
		"Call-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: *, <sip:a@b>;q=0.1;expires=3\r\nAuthorization: Digest username=\"1001\", realm=\"example.net\", nonce=\"\\\"\", uri=\"sip:example.net\", response=\"\", nc=1\r\n\r\n"))
	f.Add([]byte("ACK tel:1 SIP/2.0\r\nv:SIP/2.0/UDP h\r\nf:x\r\nt:y;tag=1\r\ni:z\r\nCSeq:1 ACK\r\nRoute:<sip:10.0.0.1;lr>,<sip:[::1];lr>\r\nRoute:a\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parse(b); err == nil && m.version == sip2 {
			text := m.bytes()
			again, err := parse(text)
			if err != nil {
				t.Fatalf("%v in what was written:\n%q", err, text)
			}
			if !bytes.Equal(again.bytes(), text) {
				t.Fatalf("written\n%q\nthen\n%q", text, again.bytes())
			}
		}
		x := New(Config{Seed: 1, Users: map[string]string{"1001": "secret1"}})
		s := newSBC(x, 1)
		s.addr = sbc1Addr
		x.sbcs = append(x.sbcs, s)
		now := time.Unix(1000, 0)
		s.receive(now, b, netip.MustParseAddrPort("10.0.1.1:5060"))
		s.receive(now, b, netip.MustParseAddrPort("10.0.1.1:5060"))
		for range 3 {
			s.tick(now)
			for _, o := range s.ready(now) {
				if _, err := parse(o.data); err != nil {
					t.Fatalf("%v in what was sent:\n%q", err, o.data)
				}
			}
			now = now.Add(lifetime)
		}
	})
}

// rubbish is a datagram: noise, a message cut off, or one with bytes changed, doubled or lost.
func rubbish(dice *rand.Rand, good []string) []byte {
	b := []byte(good[dice.IntN(len(good))])
	switch dice.IntN(4) {
	case 0:
		b = make([]byte, dice.IntN(300))
		for i := range b {
			b[i] = byte(dice.Uint32())
		}
	case 1:
		b = b[:dice.IntN(len(b))]
	default:
		for range 1 + dice.IntN(8) {
			i := dice.IntN(len(b))
			switch dice.IntN(3) {
			case 0:
				b[i] = byte(dice.Uint32())
			case 1:
				b = append(b[:i:i], b[min(i+1+dice.IntN(9), len(b)):]...)
			case 2:
				b = append(b[:i:i], append([]byte(string(b[i:min(i+40, len(b))])), b[i:]...)...)
			}
			if len(b) == 0 {
				break
			}
		}
	}
	return b
}

func TestGarbage(t *testing.T) {
	const count = 20000
	bubble(t, Config{}, func(w *world) {
		a, b, invite, text := w.ringing() // a call is under way the whole time
		dice := rand.New(rand.NewPCG(1, 2))
		good := []string{text, sample, string(invite.bytes()), a.same("CANCEL", text, "<sip:1002@example.net>"),
			strings.Replace(a.build("REGISTER", domain, a.aor(), "Contact: "+a.contact(), a.digest("Authorization", "REGISTER", domain)), "z9", "y9", 1),
			"SIP/2.0 200 OK\r\nVia: " + invite.get("via") + "\r\nVia: SIP/2.0/UDP 198.51.100.1\r\nCSeq: 1 INVITE\r\n\r\n"}
		for i := range count {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 5060)
			w.net.Inject(rubbish(dice, good), from, sbc1Addr)
			if i%100 == 99 {
				time.Sleep(time.Millisecond)
				synctest.Wait()
			}
		}
		for b.hear(time.Second) != nil { // what got through
		}
		for a.hear(0) != nil {
		}
		c := w.x.Counts()
		if c.In < count || c.Garbage < count/2 {
			t.Errorf("%+v", c)
		}
		fresh := w.phone("1003", "secret3").online() // alive, and deaf to nobody
		fresh.cseq++
		fresh.send(fresh.build("OPTIONS", domain, fresh.aor()))
		fresh.wants("200")
		time.Sleep(10 * time.Minute)
		fresh.register(401)
		if n := w.left(w.sbc1); n != 0 {
			t.Errorf("%d entries are left", n)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	a := answers{byKey: make(map[string]answer)}
	now := time.Unix(0, 0)
	for i := range 2 * maxAnswers {
		a.keep(now, fmt.Sprint(i%(maxAnswers+1000)), nil, netip.AddrPort{})
	}
	if len(a.byKey) > maxAnswers || len(a.queue) != len(a.byKey) {
		t.Errorf("%d answers, %d in the queue", len(a.byKey), len(a.queue))
	}
	a.keep(now.Add(lifetime), "last", nil, netip.AddrPort{})
	if len(a.byKey) != 1 || len(a.queue) != 1 {
		t.Errorf("after their time: %d answers, %d in the queue", len(a.byKey), len(a.queue))
	}
}
