package exchange

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (w *world) wantBindings(want string) {
	w.Helper()
	if got := w.bindings(); got != want {
		w.Errorf("bindings %q, want %q", got, want)
	}
}

func TestRegisterRefreshDeregister(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		var changes []string
		w.x.OnChange(func(c Change) { changes = append(changes, c.What) })
		p := w.phone("1001", "secret1")
		p.learn(p.register(401, "Contact: "+p.contact()))
		m := p.register(200, "Contact: "+p.contact(), "Expires: 600", "User-Agent: test")
		if got := m.get("contact"); got != p.contact()+";expires=600" {
			t.Errorf("Contact %q", got)
		}
		if m.get("date") == "" || tag(m.get("to")) == "" {
			t.Errorf("no Date or no tag: %s", m.bytes())
		}
		w.wantBindings("1001 sip:1001@10.0.1.1:5060 600")
		if b := w.x.Bindings()[0]; b.SBC != 1 || b.Agent != "test" || b.Source != p.c.LocalAddrPort() || b.CSeq != 2 {
			t.Errorf("%+v", b)
		}
		time.Sleep(510 * time.Second)
		p.nonce = "" // older than five minutes
		p.learn(p.register(401, "Contact: "+p.contact()))
		p.register(200, "Contact: "+p.contact()+";expires=700", "Expires: 600") // the parameter goes first
		w.wantBindings("1001 sip:1001@10.0.1.1:5060 700")
		if q := p.register(200); q.get("contact") != p.contact()+";expires=700" { // a query changes nothing
			t.Errorf("query: %q", q.get("contact"))
		}
		p.register(200, "Contact: "+p.contact()+";expires=0")
		w.wantBindings("")
		p.register(200, "Contact: "+p.contact()+";expires=60")
		time.Sleep(60 * time.Second)
		w.wantBindings("")
		synctest.Wait()
		if got := fmt.Sprint(changes); got != "[added refreshed removed added expired]" {
			t.Errorf("changes %s", got)
		}
		if c := w.x.Counts(); c.Requests["REGISTER"] != 7 || c.Answers[401] != 2 || c.Answers[200] != 5 || c.In != 7 || c.Out != 7 {
			t.Errorf("%+v", c)
		}
	})
}

func TestContacts(t *testing.T) {
	for _, c := range []struct {
		name     string
		lines    []string
		code     int
		bindings string // contact seconds ..., after 10.0.1.1 was bound for an hour
	}{
		{"second contact", []string{"Contact: <sip:1001@10.9.9.9>;expires=90"}, 200, "10.0.1.1:5060 3600, 1001 sip:1001@10.9.9.9 90"},
		{"two in one line", []string{`Contact: "a, b" <sip:x@10.9.9.9>, <sip:y@10.9.9.9>`}, 200,
			"10.0.1.1:5060 3600, 1001 sip:x@10.9.9.9 3600, 1001 sip:y@10.9.9.9 3600"},
		{"without brackets", []string{"m: sip:1001@10.0.1.1:5060;expires=77"}, 200, "10.0.1.1:5060 77"},
		{"more than an hour", []string{"Contact: <sip:1001@10.0.1.1:5060>", "Expires: 99999999999"}, 200, "10.0.1.1:5060 3600"},
		{"malformed expires", []string{"Contact: <sip:1001@10.0.1.1:5060>", "Expires: soon"}, 200, "10.0.1.1:5060 3600"},
		{"star", []string{"Contact: *", "Expires: 0"}, 200, ""},
		{"star without expires", []string{"Contact: *"}, 400, "10.0.1.1:5060 3600"},
		{"star with another", []string{"Contact: *, <sip:1@10.9.9.9>", "Expires: 0"}, 400, "10.0.1.1:5060 3600"},
		{"not a URI", []string{"Contact: <http://example.net>"}, 400, "10.0.1.1:5060 3600"},
		{"all or nothing", []string{"Contact: <sip:new@10.9.9.9>, <sip:>"}, 400, "10.0.1.1:5060 3600"},
		{"remove a stranger", []string{"Contact: <sip:new@10.9.9.9>;expires=0"}, 200, "10.0.1.1:5060 3600"},
		{"required extension", []string{"Contact: <sip:1001@10.0.1.1:5060>;expires=5", "Require: path"}, 420, "10.0.1.1:5060 3600"},
		{"CSeq below", []string{"Contact: <sip:1001@10.0.1.1:5060>;expires=5", "CSeq: 1 REGISTER"}, 500, "10.0.1.1:5060 3600"},
		{"CSeq equal", []string{"Contact: <sip:1001@10.0.1.1:5060>;expires=0", "CSeq: 2 REGISTER"}, 500, "10.0.1.1:5060 3600"},
		{"star with CSeq below", []string{"Contact: *", "Expires: 0", "CSeq: 1 REGISTER"}, 500, "10.0.1.1:5060 3600"},
		{"CSeq below after a restart", []string{"Contact: <sip:1001@10.0.1.1:5060>;expires=5", "CSeq: 1 REGISTER", "Call-ID: new"}, 200, "10.0.1.1:5060 5"},
		{"CSeq of another method", []string{"CSeq: 9 INVITE"}, 400, "10.0.1.1:5060 3600"},
		{"too many", []string{"Contact: " + manyContacts(11)}, 503, "10.0.1.1:5060 3600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, func(w *world) {
				p := w.phone("1001", "secret1").online()
				p.register(c.code, c.lines...)
				want := c.bindings
				if want != "" {
					want = "1001 sip:1001@" + want
				}
				w.wantBindings(want)
			})
		})
	}
}

func manyContacts(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("<sip:c%d@10.9.9.9>", i))
	}
	return strings.Join(all, ",")
}

func TestWhoMayRegister(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1009", "x")
		p.ask(404, "REGISTER", domain, "<sip:1009@example.net>")
		p.ask(404, "REGISTER", domain, "<sip:1001@elsewhere.net>")
		p.ask(407, "REGISTER", "sip:elsewhere.net", "<sip:1001@elsewhere.net>")
		p.ask(400, "REGISTER", domain, "1001")
		// 1002 knows its own password, and that does not open 1001.
		q := w.phone("1002", "secret2").online()
		m := q.ask(401, "REGISTER", domain, "<sip:1001@example.net>", q.digest("Authorization", "REGISTER", domain), "Contact: "+q.contact())
		if strings.Contains(m.get("www-authenticate"), "stale") {
			t.Error("a wrong name is called stale")
		}
		w.x.RemoveUser("1002")
		q.register(404, "Contact: "+q.contact())
		w.wantBindings("")
	})
}

// The SBC that took the registration is dead when it ends; the other one hears of nothing until the call comes.
func TestBindingEndsWithoutItsSBC(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1001", "secret1").online()
		w.sbc1.Kill()
		time.Sleep(time.Hour)
		p.sbc = sbc2Addr
		p.ask(480, "OPTIONS", "sip:1001@example.net", p.aor())
	})
}

func TestBindingsAreThePairs(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1001", "secret1").online()
		w.sbc1.Kill()
		p.sbc = sbc2Addr
		p.register(200, "Contact: "+p.contact()) // the same nonce, nc 2, is good at the other one
		if b := w.x.Bindings(); len(b) != 1 || b[0].SBC != 2 {
			t.Errorf("%+v", b)
		}
		w.sbc1.Restart(w.socket(sbc1Addr))
		p.sbc = sbc1Addr
		p.register(200, "Contact: "+p.contact())
		w.x.Forget()
		w.wantBindings("")
		if m := p.register(401, "Contact: "+p.contact()); !strings.Contains(m.get("www-authenticate"), "stale=true") {
			t.Error("a nonce of before is not stale")
		}
	})
}
