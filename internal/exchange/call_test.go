package exchange

import (
	"fmt"
	"strings"
	"testing"
	"time"
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
		if n := w.left(w.sbc1); n != 0 {
			t.Errorf("%d entries are left", n)
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
