package exchange

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

// reply answers a request as its callee.
func (p *phone) reply(m *message, code int, extra ...string) {
	p.w.Helper()
	out := &message{code: code, reason: reasons[code], version: sip2}
	for _, h := range m.headers {
		switch h.key {
		case "to":
			if code > 100 && tag(h.value) == "" {
				h.value += ";tag=to-" + p.user
			}
			out.headers = append(out.headers, h)
		case "via", "from", "call-id", "cseq", "record-route":
			out.headers = append(out.headers, h)
		}
	}
	if code >= 200 && code < 300 {
		out.add("Contact", p.contact())
	}
	for _, e := range extra {
		name, value, _ := strings.Cut(e, ": ")
		out.add(name, value)
	}
	p.send(string(out.bytes()))
}

// call sends an INVITE with digest to a number and returns its text; the next answer is not read.
func (p *phone) call(number string, extra ...string) (text, uri string) {
	p.w.Helper()
	uri = "sip:" + number + "@example.net"
	p.callID = fmt.Sprint("to-", number, "-", p.cseq)
	m := p.ask(407, "INVITE", uri, "<"+uri+">", extra...)
	p.send(p.build("ACK", uri, m.get("to"), "Via: "+m.get("via")))
	p.learn(m)
	p.cseq++
	text = p.build("INVITE", uri, "<"+uri+">", append(extra, "Contact: "+p.contact(), p.digest("Proxy-Authorization", "INVITE", uri))...)
	p.send(text)
	return text, uri
}

// pair of phones that are online, and whose call rings: what A and B have heard is returned.
func (w *world) ringing(extra ...string) (a, b *phone, invite *message, text string) {
	w.Helper()
	a, b = w.phone("1001", "secret1").online(), w.phone("1002", "secret2").online()
	text, _ = a.call("1002", extra...)
	a.wants("100")
	invite = b.wants("INVITE")
	b.reply(invite, 180)
	a.wants("180")
	return a, b, invite, text
}

// same sends a request of the INVITE's transaction: its Via, its CSeq number.
func (p *phone) same(method, invite, to string) string {
	m := mustParse(p.w.T, invite)
	return p.build(method, m.uri, to, "Via: "+m.get("via"))
}

func TestCall(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b, invite, _ := w.ringing()
		if invite.uri != "sip:1002@10.0.1.2:5060" || invite.get("max-forwards") != "69" || invite.get("proxy-authorization") != "" {
			t.Errorf("INVITE as it came:\n%s", invite.bytes())
		}
		if rr := invite.all("record-route"); len(rr) != 1 || rr[0] != "<sip:10.0.0.1:5060;lr>" {
			t.Errorf("Record-Route %q", rr)
		}
		if v := invite.all("via"); len(v) != 2 || !strings.HasPrefix(v[0], "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK") || !strings.Contains(v[1], "rport=5060;received=10.0.1.1") {
			t.Errorf("Via %q", v)
		}
		b.reply(invite, 200)
		ok := a.wants("200")
		if len(ok.all("via")) != 1 || ok.get("contact") != b.contact() || ok.get("record-route") == "" {
			t.Errorf("200 as it came:\n%s", ok.bytes())
		}
		route := "Route: " + ok.get("record-route")
		// The 2xx is repeated end to end until the ACK, which takes the way of the Route.
		b.reply(invite, 200)
		a.wants("200")
		a.send(a.build("ACK", "sip:1002@10.0.1.2:5060", ok.get("to"), route))
		if ack := b.wants("ACK"); ack.get("route") != "" || ack.get("record-route") != "" {
			t.Errorf("ACK as it came:\n%s", ack.bytes())
		}
		// The callee releases: its From is the To of the call.
		b.cseq, b.callID = 100, invite.get("call-id")
		b.send(b.build("BYE", "sip:1001@10.0.1.1:5060", invite.get("from"), "From: "+ok.get("to"), "Route: "+invite.get("record-route")))
		bye := a.wants("BYE")
		a.reply(bye, 200)
		b.wants("200")
		// Nothing is left to repeat.
		a.silence(10 * time.Minute)
		b.silence(time.Second)
		if n := len(w.sbc1.relays) + len(w.sbc1.legs); n != 0 {
			t.Errorf("%d relays are left", n)
		}
	})
}

func TestReInviteAndInDialogRequests(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b, invite, _ := w.ringing()
		b.reply(invite, 200)
		ok := a.wants("200")
		route := "Route: " + ok.get("record-route")
		a.send(a.build("ACK", "sip:1002@10.0.1.2:5060", ok.get("to"), route))
		b.wants("ACK")
		for _, method := range []string{"INFO", "UPDATE", "OPTIONS", "MESSAGE"} { // no challenge inside a dialog
			a.cseq++
			a.send(a.build(method, "sip:1002@10.0.1.2:5060", ok.get("to"), route))
			b.reply(b.wants(method), 200)
			a.wants("200")
		}
		a.cseq++
		a.send(a.build("INVITE", "sip:1002@10.0.1.2:5060", ok.get("to"), route))
		a.wants("100")
		again := b.wants("INVITE")
		b.reply(again, 491)
		b.wants("ACK") // of this hop
		glare := a.wants("491")
		a.send(a.build("ACK", "sip:1002@10.0.1.2:5060", ok.get("to"), route, "Via: "+glare.get("via")))
		a.silence(time.Minute)
		b.silence(time.Minute)
	})
}

func TestOtherSBCOfThePairTakesOverACall(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b, invite, _ := w.ringing()
		b.reply(invite, 200)
		ok := a.wants("200")
		w.sbc1.Kill()
		a.sbc, b.sbc = sbc2Addr, sbc2Addr
		a.cseq++
		a.send(a.build("BYE", "sip:1002@10.0.1.2:5060", ok.get("to"), "Route: "+ok.get("record-route")))
		b.reply(b.wants("BYE"), 200)
		a.wants("200")
	})
}

func TestBusy(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b, invite, text := w.ringing()
		b.reply(invite, 486)
		if ack := b.wants("ACK"); ack.get("cseq") != invite.get("cseq")[:strings.Index(invite.get("cseq"), " ")]+" ACK" ||
			ack.get("via") != invite.get("via") || len(ack.all("via")) != 1 || tag(ack.get("to")) != "to-1002" {
			t.Errorf("ACK of the hop:\n%s", ack.bytes())
		}
		busy := a.wants("486")
		b.reply(invite, 486) // its ACK was lost
		b.wants("ACK")
		if m := a.hear(time.Second); m == nil || m.code != 486 { // nor did A's ACK come: timer G
			t.Fatalf("A heard %v", m)
		}
		a.send(text) // a late copy of the INVITE
		a.wants("486")
		a.send(a.same("ACK", text, busy.get("to")))
		a.silence(time.Minute)
		b.silence(time.Second)
	})
}

func TestCancel(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b, _, text := w.ringing()
		a.send(a.same("CANCEL", text, "<sip:1002@example.net>"))
		a.wants("200")
		a.send(a.same("CANCEL", text, "<sip:1002@example.net>")) // again: the same answer
		a.wants("200")
		cancel := b.wants("CANCEL")
		if cancel.uri != "sip:1002@10.0.1.2:5060" {
			t.Errorf("CANCEL to %s", cancel.uri)
		}
		if m := b.hear(time.Second); m == nil || m.method != "CANCEL" { // repeated until it is answered
			t.Fatalf("B heard %v", m)
		}
		b.reply(cancel, 200)
		b.silence(10 * time.Second)
		a.silence(0)
		invite := cancel.clone()
		invite.replace("CSeq", strings.Replace(cancel.get("cseq"), "CANCEL", "INVITE", 1))
		for _, v := range mustParse(t, text).all("via") {
			v, _ := parseVia(v)
			v.stamp(a.c.LocalAddrPort())
			invite.headers = append(invite.headers, header{"via", "Via", v.String()})
		}
		b.reply(invite, 487)
		b.wants("ACK")
		m := a.wants("487")
		a.send(a.same("ACK", text, m.get("to")))
		a.silence(time.Minute)
	})
}

func mustParse(t *testing.T, text string) *message {
	t.Helper()
	m, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCancelBeforeTheCalleeSpeaks(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b := w.phone("1001", "secret1").online(), w.phone("1002", "secret2").online()
		text, _ := a.call("1002")
		a.wants("100")
		invite := b.wants("INVITE")
		a.send(a.same("CANCEL", text, "<sip:1002@example.net>"))
		a.wants("200")
		if m := b.hear(time.Second); m == nil || m.method != "INVITE" { // CANCEL is held, the INVITE goes on
			t.Fatalf("B heard %v", m)
		}
		b.reply(invite, 180)
		b.wants("CANCEL")
		a.silence(0) // it does not want to know of ringing any more
		b.reply(invite, 200)
		if m := a.wants("200"); m.get("contact") != b.contact() { // they crossed: A must ACK and BYE
			t.Errorf("200 as it came:\n%s", m.bytes())
		}
	})
}

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

func TestOwnNumber(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a := w.phone("1001", "secret1").online()
		a.call("1001")
		a.wants("100")
		a.reply(a.wants("INVITE"), 486)
		a.wants("ACK")
		a.wants("486")
		// Reachable: a probe of the own address through the exchange, without a challenge.
		a.cseq++
		a.send(a.build("OPTIONS", "sip:1001@example.net", a.aor()))
		a.reply(a.wants("OPTIONS"), 200)
		a.wants("200")
	})
}

func TestSilentCallee(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b := w.phone("1001", "secret1").online(), w.phone("1002", "secret2").online()
		a.call("1002")
		a.wants("100")
		start := time.Now()
		var at []string
		for m := b.hear(time.Minute); m != nil; m = b.hear(time.Minute) {
			at = append(at, time.Since(start).String())
		}
		if got := strings.Join(at, " "); got != "0s 500ms 1.5s 3.5s 7.5s 15.5s 31.5s" {
			t.Errorf("INVITE at %s", got)
		}
		m := a.wants("408")
		if tag(m.get("to")) == "" {
			t.Error("408 without a tag")
		}
		n := 1
		for a.hear(time.Minute) != nil {
			n++
		}
		if n != 11 { // RFC 3261: timer G over 32 s
			t.Errorf("408 was sent %d times", n)
		}
	})
}

func TestCalleeRingsForever(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		a, b, invite, _ := w.ringing()
		a.silence(2 * time.Minute)
		b.reply(invite, 183) // timer C begins again
		a.wants("183")
		a.silence(3 * time.Minute)
		if m := a.hear(2 * time.Second); m == nil || m.code != 408 {
			t.Errorf("A heard %v", m)
		}
		b.wants("CANCEL")
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

func TestFaults(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1001", "secret1").online()
		ok := func() { w.Helper(); p.register(200, "Contact: "+p.contact()) }
		say := func() { p.send(p.build("OPTIONS", domain, p.aor())) }

		w.sbc1.Mute(true)
		say()
		p.silence(time.Minute)
		w.sbc1.Mute(false)
		ok()
		w.sbc1.DropNext(2)
		say()
		say()
		p.silence(time.Second)
		ok()
		w.sbc1.RegCode(503, 90*time.Second)
		if m := p.ask(503, "REGISTER", domain, p.aor()); m.get("retry-after") != "90" {
			t.Errorf("Retry-After %q", m.get("retry-after"))
		}
		w.sbc1.RegCode(0, 0)
		w.sbc1.MinExpires(90 * time.Second)
		if m := p.register(423, "Contact: "+p.contact(), "Expires: 60"); m.get("min-expires") != "90" {
			t.Errorf("Min-Expires %q", m.get("min-expires"))
		}
		p.register(200, "Contact: "+p.contact(), "Expires: 90")
		p.register(200, "Contact: "+p.contact(), "Expires: 0")
		w.sbc1.MinExpires(0)
		w.sbc1.MaxExpires(time.Minute)
		ok()
		w.wantBindings("1001 sip:1001@10.0.1.1:5060 60")
		w.sbc1.Slow(3 * time.Second)
		say()
		p.silence(3*time.Second - 1)
		p.wants("200")
		say()
		synctest.Wait()
		w.sbc1.Slow(0)
		say()
		p.silence(time.Second) // what is fast now does not overtake
		if m := p.hear(3 * time.Second); m.String() != "200" {
			t.Errorf("heard %v", m)
		}
		p.wants("200")
		if c := w.x.Counts(); c.Dropped != 3 {
			t.Errorf("dropped %d", c.Dropped)
		}
		w.sbc1.Kill()
		w.sbc1.Kill() // twice is once
		say()
		p.silence(time.Second)
		if w.sbc1.Addr() != sbc1Addr {
			t.Errorf("address %v", w.sbc1.Addr())
		}
		w.sbc1.Restart(w.socket(sbc1Addr))
		ok()
	})
}

// Calls over a bad network: what the telephones repeat and what this hop repeats must be enough.
func TestCallsOverABadNetwork(t *testing.T) {
	net := memnet.Options{Seed: 5, Link: memnet.Link{Loss: 10, Duplicate: 5, Reorder: 5, Latency: 10 * time.Millisecond, Jitter: 10 * time.Millisecond}}
	bubbleOver(t, net, Config{NonceLife: time.Hour}, func(w *world) {
		a, b := w.phone("1001", "secret1"), w.phone("1002", "secret2")
		// until does something each half second until one of the wanted messages of the call is heard.
		until := func(p *phone, do func(), want ...string) *message {
			w.Helper()
			for range 64 {
				do()
				for end := time.Now().Add(t1); time.Now().Before(end); {
					if m := p.hear(time.Until(end)); m != nil && m.get("call-id") == p.callID && slices.Contains(want, m.String()) {
						return m
					}
				}
			}
			w.Fatalf("%s never heard %q", p.user, want)
			return nil
		}
		says := func(p *phone, text string) func() { return func() { p.send(text) } }
		wait := func() {}
		for _, p := range []*phone{a, b} {
			p.cseq++
			p.learn(until(p, says(p, p.build("REGISTER", domain, p.aor())), "401"))
			p.cseq++
			until(p, says(p, p.build("REGISTER", domain, p.aor(), "Contact: "+p.contact(), p.digest("Authorization", "REGISTER", domain))), "200")
		}
		uri := "sip:1002@example.net"
		for i := range 50 {
			a.callID = fmt.Sprint("bad-", i)
			b.callID = a.callID
			a.cseq++
			a.learn(until(a, says(a, a.build("INVITE", uri, "<"+uri+">")), "407"))
			a.cseq++
			text := a.build("INVITE", uri, "<"+uri+">", a.digest("Proxy-Authorization", "INVITE", uri))
			until(a, says(a, text), "100")
			invite := until(b, wait, "INVITE") // nobody but this hop repeats it from here on
			code := 486
			if i%2 == 1 { // cancelled: by A until it hears so, by this hop until B does
				code = 487
				until(a, says(a, a.same("CANCEL", text, "<"+uri+">")), "200")
				b.reply(until(b, func() { b.reply(invite, 180) }, "CANCEL"), 200)
			}
			until(b, func() { b.reply(invite, code) }, "ACK")
			m := until(a, wait, strconv.Itoa(code))
			a.send(a.same("ACK", text, m.get("to")))
		}
		time.Sleep(5 * time.Minute)
		if n := len(w.sbc1.relays) + len(w.sbc1.legs); n != 0 {
			t.Errorf("%d relays are left", n)
		}
	})
}

func TestTrace(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		var got []string
		w.x.OnPacket(func(p Packet) {
			m, err := parse(p.Data)
			if err == nil {
				got = append(got, fmt.Sprint(p.SBC, " ", p.Out, " ", p.Peer, " ", m))
			}
		})
		p := w.phone("1001", "secret1")
		p.sbc = sbc2Addr
		p.ask(200, "OPTIONS", domain, "<sip:example.net>")
		if s := strings.Join(got, ", "); s != "2 false 10.0.1.1:5060 OPTIONS, 2 true 10.0.1.1:5060 200" {
			t.Error(s)
		}
	})
}
