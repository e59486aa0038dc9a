package sipua

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

// FuzzDatagram sends a datagram from the server's address into an endpoint that is registered and has a call in each
// direction: the real way in, all machines behind it. No panic, no second call, and time passes.
func FuzzDatagram(f *testing.F) {
	for _, b := range broken {
		f.Add([]byte(brokenText(b.text, b.name)))
	}
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("BYE sip:x@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=peer\r\nTo: <sip:a@b>;tag=ours\r\nCall-ID: in\r\nCSeq: 9 BYE\r\n\r\n"))
	f.Add([]byte("UPDATE sip:x@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2\r\nFrom: <sip:a@b>;tag=peer\r\nTo: <sip:a@b>;tag=ours\r\nCall-ID: in\r\nCSeq: 9 UPDATE\r\nContact: <sip:[::1]:99999>\r\nRecord-Route: <sip:x;lr>\r\n\r\n"))
	for _, code := range []string{"100 Trying", "180 Ringing", "200 OK", "302 Moved", "401 Unauthorized", "407 Proxy", "423 Brief", "491 Pending", "503 Busy"} {
		for _, method := range []string{"INVITE", "REGISTER", "BYE", "OPTIONS"} {
			f.Add([]byte("SIP/2.0 " + code + "\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=BRANCH\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: q\r\nCSeq: 1 " + method +
				"\r\nContact: <sip:bob@10.0.0.1>;expires=5\r\nMin-Expires: 9\r\nRetry-After: 1\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\r\n"))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 60000 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			net := memnet.New(memnet.Options{})
			defer net.Close()
			conn, _ := net.Listen(ourAt)
			ep, err := NewEndpoint(conn, Config{Domain: "d", Servers: []Server{{Host: "10.0.0.1"}}, OptionsInterval: 30 * time.Second, Seed: 1}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			a := ep.Agent(Account{User: "1001", Password: "p"}, func(e Event) {
				switch e := e.(type) {
				case Incoming:
					e.Call.Ring(nil)
					e.Call.Answer([]byte(answerSDP))
				case Reoffered:
					e.Call.Answer([]byte(answerSDP))
				}
			})
			a.Register(true)
			a.Invite("1", []byte(offerSDP))
			synctest.Wait()
			// The fuzzer cannot guess a branch: the word BRANCH stands for that of every request under way.
			ep.post(func(now time.Time) {
				for _, tx := range ep.outbound {
					ep.arrived(replaceAll(data, "BRANCH", tx.branch), sbc1At)
				}
			})
			net.Inject(data, sbc1At, ourAt)
			synctest.Wait()
			time.Sleep(time.Minute)
			net.Inject(data, sbc1At, ourAt)
			time.Sleep(time.Minute)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			ep.Close(ctx)
			if s := ep.Stats(); s.Recovered != 0 || s.Transactions > maxInbound {
				t.Errorf("%+v", s)
			}
		})
	})
}

func replaceAll(b []byte, from, to string) []byte {
	return bytes.ReplaceAll(b, []byte(from), []byte(to))
}

// FuzzHeaders: the readers of addresses, lists, Via and parameters neither panic nor invent.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{`"a, <b>" <sip:a@b;x=1>;tag=2, <sip:c>`, `SIP / 2.0 / UDP [::1]:5060;branch=z9hG4bK;rport`, `sip:a@b;tag = "q;\"r"`, `,,<`, `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		total := 0
		for _, e := range splitList(s) {
			total += len(e)
			if a, err := parseAddress(e); err == nil && a.uri == "" {
				t.Errorf("%q: no error and no URI", e)
			}
		}
		if total > len(s) {
			t.Errorf("%q: the elements are longer than the list", s)
		}
		if v, err := parseVia(s); err == nil {
			if v.host == "" || v.port == 0 {
				t.Errorf("%q: %+v", s, v)
			}
			again, err := parseVia(answeredVia(v, sbc1At))
			if err != nil || again.host != v.host || again.branch != v.branch {
				t.Errorf("%q came back as %+v, %v", s, again, err)
			}
		}
		if u, err := parseURI("sip:" + escapeUser(s) + "@h"); s != "" && (err != nil || unescape(u.User) != s) {
			t.Errorf("user %q came back as %q, %v", s, unescape(u.User), err)
		}
		param(s, "tag")
		loose(s)
		normalise([]byte(s))
		masked([]byte(s))
	})
}
