package exchange

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallee(t *testing.T) {
	for _, c := range []struct {
		name   string
		number string
		setup  func(w *world, b *phone)
		want   string
	}{
		{"unknown", "1777", func(*world, *phone) {}, "404"},
		{"not registered", "1003", func(*world, *phone) {}, "480"},
		{"binding ended", "1002", func(*world, *phone) { time.Sleep(time.Hour) }, "480"},
		{"de-registered", "1002", func(w *world, b *phone) { b.register(200, "Contact: *", "Expires: 0") }, "480"},
		{"contact is TCP", "1002", func(w *world, b *phone) {
			b.register(200, "Contact: <sip:b@10.0.1.2;transport=tcp>;q=1")
			w.drop("1002", 0)
		}, "480"},
		{"fault", "1002", func(w *world, b *phone) { w.sbc1.Fail("INVITE", 503, 7*time.Second) }, "503"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{NonceLife: 2 * time.Hour}, func(w *world) {
				a, b := w.phone("1001", "secret1").online(), w.phone("1002", "secret2").online()
				c.setup(w, b)
				uri := "sip:" + c.number + "@example.net"
				text := a.build("INVITE", uri, "<"+uri+">")
				if c.want != "503" {
					text, _ = a.call(c.number)
				} else {
					a.send(text)
				}
				m := a.wants(c.want)
				if c.want == "503" && m.get("retry-after") != "7" {
					t.Errorf("Retry-After %q", m.get("retry-after"))
				}
				a.send(text) // repeated: the same answer, word for word
				if again := a.wants(c.want); string(again.bytes()) != string(m.bytes()) {
					t.Errorf("another answer:\n%s%s", m.bytes(), again.bytes())
				}
				a.send(a.same("ACK", text, m.get("to")))
				a.send(a.same("CANCEL", text, "<"+uri+">")) // too late, and yet the transaction is known
				a.wants("200")
				a.silence(time.Minute)
			})
		})
	}
}

// drop removes a binding as if it had never been.
func (w *world) drop(user string, i int) {
	w.x.mu.Lock()
	defer w.x.mu.Unlock()
	u := w.x.users[user]
	u.bindings = append(u.bindings[:i:i], u.bindings[i+1:]...)
}

func TestCallerIsAuthenticated(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		b := w.phone("1002", "secret2").online()
		a := w.phone("1001", "wrong")
		a.call("1002")
		m := a.wants("407")
		a.learn(m)
		a.send(a.build("INVITE", "sip:1002@example.net", "<sip:1002@example.net>", a.digest("Proxy-Authorization", "INVITE", "sip:1002@example.net")))
		a.wants("403")
		stranger := w.phone("1008", "")
		stranger.call("1002")
		stranger.wants("407")
		nobody := w.phone("1007", "")
		nobody.user, nobody.cseq = "", 10 // an empty name with an empty password is nobody
		nobody.call("1002")
		nobody.wants("407")
		b.silence(time.Second)
		// Anonymous to the callee, and known to the exchange.
		c := w.phone("1003", "secret3")
		c.call("1002", "From: <sip:anonymous@anonymous.invalid>;tag=x")
		c.wants("100")
		if m := b.wants("INVITE"); !strings.Contains(m.get("from"), "anonymous") {
			t.Errorf("From %s", m.get("from"))
		}
	})
}

func TestRequestsThatMustNotPass(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1001", "secret1").online()
		w.phone("1002", "secret2").online()
		aor := "sip:1002@example.net"
		for _, c := range []struct {
			name        string
			method, uri string
			lines       []string
			code        string
		}{
			{"no hops left", "MESSAGE", aor, []string{"Max-Forwards: 0"}, "483"},
			{"bad hops", "MESSAGE", aor, []string{"Max-Forwards: many"}, "400"},
			{"too many hops", "MESSAGE", aor, []string{"Max-Forwards: 256"}, "400"},
			{"no hops left, and here", "OPTIONS", domain, []string{"Max-Forwards: 0"}, "200"},
			{"extension of the proxy", "MESSAGE", aor, []string{"Proxy-Require: a, b"}, "420"},
			{"no challenge passed", "MESSAGE", aor, nil, "407"},
			{"elsewhere", "OPTIONS", "sip:1002@203.0.113.1", nil, "403"},
			{"elsewhere by route", "OPTIONS", domain, []string{"Route: <sip:203.0.113.1;lr>"}, "404"},
			{"foreign scheme", "OPTIONS", "http://example.net", nil, "416"},
			{"no target", "OPTIONS", "sip:", nil, "400"},
			{"no user", "INVITE", domain, nil, "407"},
			{"not for an exchange", "SUBSCRIBE", domain, nil, "405"},
			{"cancel of nothing", "CANCEL", aor, nil, "481"},
			{"two Call-IDs", "OPTIONS", domain, []string{"i: another"}, "400"},
			{"bad From", "OPTIONS", domain, []string{"From: 1001"}, "400"},
			{"no tag", "OPTIONS", domain, []string{"From: <sip:1001@example.net>"}, "200"},
		} {
			p.cseq++
			p.send(p.build(c.method, c.uri, "<"+aor+">", c.lines...))
			want := c.code
			if c.method == "INVITE" {
				want = "484"
			}
			if got := p.hear(10 * time.Millisecond).String(); got != want {
				t.Errorf("%s: %s, want %s", c.name, got, want)
			}
		}
		p.send(strings.Replace(p.build("OPTIONS", domain, p.aor()), " SIP/2.0", " SIP/3.0", 1))
		p.wants("505")
		before := w.x.Counts().Garbage
		for _, missing := range []string{"Via:", "From:", "To:", "Call-ID:", "CSeq:"} {
			p.send(p.build("OPTIONS", domain, p.aor(), missing))
			p.silence(time.Millisecond)
		}
		if n := w.x.Counts().Garbage - before; n != 5 {
			t.Errorf("%d counted as garbage", n)
		}
	})
}

func TestTrunkNeedsNoDigest(t *testing.T) {
	bubble(t, Config{Trusted: []netip.Addr{netip.MustParseAddr("10.0.1.3")}}, func(w *world) {
		b, trunk := w.phone("1002", "secret2").online(), w.phone("1003", "")
		trunk.send(trunk.build("INVITE", "sip:1002@10.0.0.1", "<sip:1002@10.0.0.1>", "From: <sip:+4930123@carrier.example>;tag=t"))
		trunk.wants("100")
		b.wants("INVITE")
		trunk.ask(401, "REGISTER", domain, "<sip:1003@example.net>") // nor is it anybody
	})
}

func TestLoopAndSpiral(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		// 1001 is bound to the exchange itself: the request comes back with another target, and then it is a loop.
		p := w.phone("1001", "secret1").online()
		p.register(200, "Contact: <sip:1001@10.0.0.1:5060>")
		w.drop("1001", 0)
		p.cseq++
		p.send(p.build("OPTIONS", "sip:1001@example.net", p.aor()))
		p.wants("482")
		if n := w.x.Counts().Relayed; n > 6 {
			t.Errorf("relayed %d times", n)
		}
	})
}

func TestStrictRouters(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b := w.phone("1001", "secret1"), w.phone("1002", "secret2")
		// One before us: our Record-Route stands in the Request-URI, the target is the last Route.
		a.send(a.build("BYE", "sip:10.0.0.1:5060;lr", "<sip:x@y>;tag=1", "Route: <sip:1002@10.0.1.2:5060>"))
		if m := b.wants("BYE"); m.uri != "sip:1002@10.0.1.2:5060" || m.get("route") != "" {
			t.Errorf("as it came:\n%s", m.bytes())
		}
		// One behind us: it wants to stand in the Request-URI.
		a.send(a.build("BYE", "sip:far@192.0.2.1", "<sip:x@y>;tag=1", "Route: <sip:10.0.0.1:5060;lr>, <sip:10.0.1.2:5060>"))
		if m := b.wants("BYE"); m.uri != "sip:10.0.1.2:5060" || m.get("route") != "<sip:far@192.0.2.1>" {
			t.Errorf("as it came:\n%s", m.bytes())
		}
	})
}

func TestNATSendsToTheSource(t *testing.T) {
	bubble(t, Config{NAT: true}, func(w *world) {
		a, b := w.phone("1001", "secret1").online(), w.phone("1002", "secret2")
		b.learn(b.register(401))
		b.register(200, "Contact: <sip:b@192.168.1.2>")
		a.call("1002")
		a.wants("100")
		if m := b.wants("INVITE"); m.uri != "sip:b@192.168.1.2" {
			t.Errorf("to %s", m.uri)
		}
	})
}

func TestBestContact(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b := w.phone("1001", "secret1").online(), w.phone("1002", "secret2").online()
		other := w.socket(netip.MustParseAddrPort("10.0.2.2:5060"))
		b.register(200, "Contact: <sip:b@10.0.2.2>;q=0.5")
		a.call("1002")
		b.wants("INVITE")
		b.register(200, "Contact: "+b.contact()+";q=0.2")
		a.wants("100")
		a.call("1002")
		if synctest.Wait(); other.Queued() != 1 {
			t.Error("the contact with the highest q was not called")
		}
	})
}
