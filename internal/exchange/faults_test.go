package exchange

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

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
		if n := w.left(w.sbc1); n != 0 {
			t.Errorf("%d entries are left", n)
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
		synctest.Wait()
		if s := strings.Join(got, ", "); s != "2 false 10.0.1.1:5060 OPTIONS, 2 true 10.0.1.1:5060 200" {
			t.Error(s)
		}
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
