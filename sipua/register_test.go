package sipua

import (
	"strings"
	"testing"
	"time"
)

// A1, R10: no challenge; lifetime from our Contact, refresh at 85 % +-5 %.
func TestR7_RefreshAt85PercentOfGrantedLifetime(t *testing.T) {
	bubble(t, func(r *rig) {
		r.a.Register(true)
		m := r.sbc.expect("REGISTER")
		if m.uri() != "sip:example.net" || !strings.Contains(m.h("From"), `"Wang Wei" <sip:1001@example.net>`) {
			t.Errorf("request is\n%s", m)
		}
		if u := m.contactURI(); !strings.HasSuffix(u, "@10.0.0.9:5060") {
			t.Errorf("R10: Contact %q is not our address", u)
		}
		r.sbc.reply(m, "200 OK", "x", "Contact: <sip:other@10.9.9.9>;expires=60, "+m.contactURI2()+";expires=200", "Expires: 7000")
		e := r.ev.until(Registered, time.Second)
		if e.Expires != 200*time.Second || e.Code != 200 || e.Server != "10.0.0.1:5060" {
			t.Errorf("event %+v", e)
		}
		start := time.Now()
		m2 := r.sbc.expectIn("REGISTER", 200*time.Second)
		if d := time.Since(start); d < 160*time.Second || d > 180*time.Second {
			t.Errorf("refreshed after %v of 200 s", d)
		}
		if m2.h("Call-ID") != m.h("Call-ID") || m2.cseq() != m.cseq()+1 || m2.branch() == m.branch() {
			t.Errorf("R6: Call-ID %v CSeq %d branch %s after %d", m2.h("Call-ID"), m2.cseq(), m2.branch(), m.cseq())
		}
	})
}

func (m *msg) contactURI2() string { return "<" + m.contactURI() + ">" }

// A2: 401, second REGISTER with the same Call-ID and CSeq + 1.
func TestR5_ChallengeAnsweredWithSameCallIDAndNextCSeq(t *testing.T) {
	for _, c := range []struct{ status, ask, header string }{
		{"401 Unauthorized", challenge401, "Authorization"},
		{"407 Proxy Authentication Required", strings.Replace(challenge401, "WWW", "Proxy", 1), "Proxy-Authorization"},
	} {
		bubble(t, func(r *rig) {
			r.a.Register(true)
			m := r.sbc.expect("REGISTER")
			r.sbc.reply(m, c.status, "x", c.ask)
			m2 := r.sbc.expectIn("REGISTER", time.Second)
			if m2.h("Call-ID") != m.h("Call-ID") || m2.cseq() != m.cseq()+1 || tagOf(m2.h("From")) != tagOf(m.h("From")) || m2.branch() == m.branch() {
				t.Errorf("second request:\n%s", m2)
			}
			if err := digestOK(m2.h(c.header), "REGISTER", "auth1001", "secret1"); err != nil {
				t.Error(err)
			}
			r.sbc.reply(m2, "200 OK", "x")
			r.ev.until(Registered, time.Second)
			// A3: the nonce is used again with nc=2.
			m3 := r.sbc.expectIn("REGISTER", time.Hour)
			if !strings.Contains(m3.h(c.header), "nc=00000002") {
				t.Errorf("refresh carries %q", m3.h(c.header))
			}
			// The nonce is gone; the server forgets to say stale (complaint 7).
			r.sbc.reply(m3, c.status, "x", strings.Replace(c.ask, "n1", "n2", 1))
			m4 := r.sbc.expectIn("REGISTER", time.Second)
			if m4.cseq() != m3.cseq()+1 || !strings.Contains(m4.h(c.header), `nonce="n2"`) {
				t.Errorf("R6 after a re-challenge:\n%s", m4)
			}
			r.sbc.reply(m4, "200 OK", "x")
			quiet[Ended](r.ev, time.Second)
		})
	}
}
