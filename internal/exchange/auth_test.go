package exchange

import (
	"strings"
	"testing"
	"time"
)

func TestWrongPassword(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1001", "wrong")
		for range 2 { // a series of attempts looks the same each time
			p.nonce = ""
			p.learn(p.register(401))
			first := p.nonce
			p.learn(p.register(401))
			if p.nonce == first {
				t.Fatal("the second challenge has the old nonce")
			}
			p.register(403)
		}
		w.x.SetPassword("1001", "wrong") // now it is right
		p.register(200, "Contact: "+p.contact())
		p.password = "secret1"
		m := p.register(401)
		if strings.Contains(m.get("www-authenticate"), "stale") {
			t.Error("a wrong password is called stale")
		}
		p.learn(m)
		p.password = "wrong"
		p.register(200) // forgets the failure
		p.password = "secret1"
		p.learn(p.register(401))
		time.Sleep(forgetWrong + time.Second)
		p.nonce = ""
		p.learn(p.register(401))
		p.register(401) // the failure of five minutes ago does not count
	})
}

func TestStale(t *testing.T) {
	stale := func(m *message) bool { return strings.Contains(m.get("www-authenticate"), "stale=true") }
	for _, c := range []struct {
		name string
		do   func(w *world, p *phone)
	}{
		{"forced", func(w *world, p *phone) { w.sbc1.ForceStale() }},
		{"too old", func(w *world, p *phone) { time.Sleep(time.Minute) }},
		{"count repeated", func(w *world, p *phone) { p.nc-- }},
		{"not ours", func(w *world, p *phone) { p.nonce = strings.Repeat("ab", 24) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{NonceLife: time.Minute}, func(w *world) {
				p := w.phone("1001", "secret1").online()
				c.do(w, p)
				m := p.register(401)
				if !stale(m) {
					t.Fatalf("not stale: %s", m.bytes())
				}
				p.learn(m)
				p.register(200)
				if p.register(200); p.nc != 2 {
					t.Errorf("nc %d", p.nc)
				}
			})
		})
	}
	t.Run("only where it was forced", func(t *testing.T) {
		bubble(t, Config{}, func(w *world) {
			p := w.phone("1001", "secret1").online()
			w.sbc2.ForceStale()
			p.register(200)
		})
	})
}

func TestAlgorithms(t *testing.T) {
	bubble(t, Config{Algorithms: []string{"SHA-256", "MD5"}}, func(w *world) {
		for _, alg := range []string{"SHA-256", "MD5"} {
			p := w.phone("1001", "secret1")
			p.alg, p.callID = alg, alg
			m := p.register(401)
			if all := m.all("www-authenticate"); len(all) != 2 || !strings.Contains(all[0], "algorithm=SHA-256") {
				t.Errorf("challenges %q", all)
			}
			p.learn(m)
			p.register(200)
			p.c.Close()
		}
	})
	bubble(t, Config{}, func(w *world) { // one that was not offered
		p := w.phone("1001", "secret1").online()
		p.alg = "SHA-256"
		p.register(400)
	})
}

func TestNoQop(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.sbc1.NoQop(true)
		p := w.phone("1001", "secret1").online()
		if p.qop != "" {
			t.Errorf("qop %q", p.qop)
		}
		p.register(200)
	})
}

// The example of RFC 2617 section 3.5, and that of RFC 7616 section 3.9.1.
func TestDigestOfTheStandards(t *testing.T) {
	u := &user{authName: "Mufasa", password: "Circle Of Life"}
	got := response("MD5", u, map[string]string{"realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		"uri": "/dir/index.html", "qop": "auth", "nc": "00000001", "cnonce": "0a4f113b"}, "GET", nil)
	if got != "6629fae49393a05397450978507c4ef1" {
		t.Errorf("RFC 2617: %s", got)
	}
	u.password = "Circle of Life"
	p := map[string]string{"realm": "http-auth@example.org", "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		"uri": "/dir/index.html", "qop": "auth", "nc": "00000001", "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"}
	if got := response("SHA-256", u, p, "GET", nil); got != "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" {
		t.Errorf("RFC 7616: %s", got)
	}
}

func TestBrokenCredentials(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.phone("1001", "secret1").online()
		good := func() string { return p.digest("Authorization", "REGISTER", domain) }
		for _, c := range []struct {
			name, line string
			code       int
		}{
			{"good", good(), 200},
			{"uri of another", p.digest("Authorization", "REGISTER", "sip:other.net"), 400},
			{"uri with parameters", p.digest("Authorization", "REGISTER", domain+";transport=udp"), 200},
			{"no nonce", strings.Replace(good(), "nonce=", "once=", 1), 400},
			{"no cnonce", strings.Replace(good(), "cnonce=", "nconce=", 1), 400},
			{"short nc", strings.Replace(good(), "nc=0000", "nc=", 1), 400},
			{"auth-int not offered", strings.Replace(good(), "qop=auth", "qop=auth-int", 1), 400},
			{"opaque lost", strings.Replace(good(), "opaque=", "o=", 1), 200},
			{"opaque altered", strings.Replace(good(), "opaque=\"", "opaque=\"0", 1), 400},
			{"response altered", strings.Replace(good(), "response=\"", "response=\"0", 1), 401},
			{"another realm", strings.Replace(good(), `realm="`, `realm="x`, 1), 401},
			{"another scheme", "Authorization: Basic MTAwMTpzZWNyZXQx", 400},
			{"not a list", "Authorization: Digest username", 400},
			{"twice", good() + `, uri="x"`, 400},
		} {
			p.cseq++
			p.send(p.build("REGISTER", domain, p.aor(), c.line))
			if m := p.hear(time.Second); m == nil || m.code != c.code {
				t.Errorf("%s: %v, want %d", c.name, m, c.code)
			}
		}
	})
}

func TestMemoryOfWrongPasswordsIsBounded(t *testing.T) {
	a := newAuth(Config{}, []byte("k"))
	now := time.Unix(0, 0)
	for i := range 3 * maxAttempts {
		a.failedAgain(now, "1001", string(rune(i)))
	}
	if len(a.wrong) > maxAttempts {
		t.Errorf("%d", len(a.wrong))
	}
}
