package sipua

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func netipPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

const holdSDP = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=sendonly\r\n"

// Hold by re-INVITE: offered to the owner, answered, acknowledged; the new Contact is the target from then on (trap 7).
func TestD5_ReinviteIsOfferedAndRefreshesTheTarget(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		p.send("INVITE", "Contact: <sip:moved@10.0.0.1:5060>", "SDP"+holdSDP)
		r.sbc.expect("100")
		if e := next[Reoffered](r.ev, time.Second); e.Call != c || string(e.Offer) != holdSDP {
			t.Errorf("%+v", e)
		}
		c.Answer([]byte(answerSDP))
		m := r.sbc.expect("200")
		if m.body != answerSDP || m.h("Contact") == "" {
			t.Errorf("%s", m)
		}
		r.sbc.expect("200") // until the ACK
		p.send("ACK")
		r.sbc.silent(time.Minute)
		c.Hangup()
		if bye := r.sbc.expect("BYE"); bye.uri() != "sip:moved@10.0.0.1:5060" {
			t.Errorf("%s", bye)
		}
	})
}

func TestD5_RefusedReinviteLeavesTheCall(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		p.send("INVITE", "SDP"+holdSDP)
		r.sbc.expect("100")
		next[Reoffered](r.ev, time.Second)
		c.Reject(488, "Not Acceptable Here")
		r.sbc.expect("488")
		r.sbc.raw(p.ackSame())
		quiet[Ended](r.ev, time.Minute)
		// An owner who says nothing is spoken for.
		p.send("INVITE", "SDP"+holdSDP)
		r.sbc.expect("100")
		start := time.Now()
		r.sbc.expect("488")
		if d := time.Since(start); d != reofferLimit {
			t.Errorf("after %v", d)
		}
		r.sbc.raw(p.ackSame())
		p.send("BYE")
		r.sbc.expect("200")
		next[Ended](r.ev, time.Second)
	})
}

func TestD5_UpdateWithAndWithoutOffer(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		p.send("UPDATE")
		r.sbc.expect("200")
		quiet[Reoffered](r.ev, time.Second)
		p.send("UPDATE", "SDP"+holdSDP)
		next[Reoffered](r.ev, time.Second)
		c.Answer([]byte(answerSDP))
		if m := r.sbc.expect("200"); m.body != answerSDP || !strings.HasSuffix(m.h("CSeq"), "UPDATE") {
			t.Errorf("%s", m)
		}
		r.sbc.silent(time.Minute) // no ACK is owed, nothing is repeated
		// sipgo trap 2: requests in between do not disturb the numbers.
		c.Hangup()
		if bye := r.sbc.expect("BYE"); bye.cseq() != firstSeq+1 {
			t.Errorf("%s", bye)
		}
	})
}

func TestD5_ReinviteWithoutOffer(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		p.send("INVITE")
		r.sbc.expect("100")
		if e := next[Reoffered](r.ev, time.Second); len(e.Offer) != 0 {
			t.Errorf("%+v", e)
		}
		c.Answer([]byte(offerSDP))
		if m := r.sbc.expect("200"); m.body != offerSDP {
			t.Errorf("%s", m)
		}
		p.send("ACK", "SDP"+answerSDP)
		if e := next[Established](r.ev, time.Second); string(e.SDP) != answerSDP {
			t.Errorf("%+v", e)
		}
	})
}

// Our own re-INVITE: ACK with its number and to the new target; the 200 comes again; BYE goes to the new target.
func TestD5_OwnReinvite(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv, _ := r.calling()
		c.Reoffer([]byte(holdSDP))
		re := r.sbc.expect("INVITE")
		if re.cseq() != inv.cseq()+1 || re.body != holdSDP || re.h("To") != inv.h("To")+";tag=b" || re.uri() != "sip:bob@10.0.0.1:5060" || re.h("Contact") == "" {
			t.Errorf("%s", re)
		}
		ok := []string{"Contact: <sip:moved@10.0.0.1:5060>", "SDP" + answerSDP}
		r.sbc.reply(re, "200 OK", "", ok...)
		ack := r.sbc.expect("ACK")
		if ack.cseq() != re.cseq() || ack.uri() != "sip:moved@10.0.0.1:5060" {
			t.Errorf("%s", ack)
		}
		if e := next[Established](r.ev, time.Second); string(e.SDP) != answerSDP {
			t.Errorf("%+v", e)
		}
		r.sbc.reply(re, "200 OK", "", ok...)
		r.sbc.expect("ACK")
		c.Hangup()
		if bye := r.sbc.expect("BYE"); bye.uri() != "sip:moved@10.0.0.1:5060" || bye.cseq() != re.cseq()+1 {
			t.Errorf("%s", bye)
		}
	})
}

func TestD5_OwnReinviteRefused(t *testing.T) {
	bubble(t, func(r *rig) {
		c, _, _ := r.calling()
		c.Reoffer([]byte(holdSDP))
		r.sbc.reply(r.sbc.expect("INVITE"), "488 Not Acceptable Here", "")
		r.sbc.expect("ACK")
		if e := next[ReofferFailed](r.ev, time.Second); e.Code != 488 {
			t.Errorf("%+v", e)
		}
		// 12.2.1.2: 481 means that the peer has no such dialog any more.
		c.Reoffer([]byte(holdSDP))
		r.sbc.reply(r.sbc.expect("INVITE"), "481 Gone", "")
		r.sbc.expect("ACK")
		if e := next[Ended](r.ev, time.Second); e.Code != 481 {
			t.Errorf("%+v", e)
		}
		r.sbc.reply(r.sbc.expect("BYE"), "481 Gone", "")
		quiet[Ended](r.ev, time.Minute)
	})
}

func TestR11_OwnReinviteChallenged(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv, _ := r.calling()
		c.Reoffer([]byte(holdSDP))
		re := r.sbc.expect("INVITE")
		r.sbc.reply(re, "407 Proxy Authentication Required", "", strings.Replace(challenge401, "WWW", "Proxy", 1))
		r.sbc.expect("ACK")
		re2 := r.sbc.expect("INVITE")
		if re2.cseq() != inv.cseq()+2 || digestOK(re2.h("Proxy-Authorization"), "INVITE", "auth1001", "secret1") != nil {
			t.Errorf("%s", re2)
		}
		r.sbc.reply(re2, "200 OK", "", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
		r.sbc.expect("ACK")
		next[Established](r.ev, time.Second)
	})
}

// Glare (RFC 3261 14.1, 14.2): both offer at once; 491 both ways; who owns the Call-ID waits 2.1 to 4 s, the other 0 to 2 s.
func TestD5_Glare(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv, ack := r.calling()
		p := r.sbc.asPeer(inv, ack)
		c.Reoffer([]byte(holdSDP))
		re := r.sbc.expect("INVITE")
		p.send("INVITE", "SDP"+holdSDP)
		m := r.sbc.expect("491")
		p.remote = m.h("To")
		r.sbc.raw(p.ackSame())
		r.sbc.reply(re, "491 Request Pending", "")
		r.sbc.expect("ACK")
		start := time.Now()
		re2 := r.sbc.expect("INVITE")
		if d := time.Since(start); d < 2100*time.Millisecond || d > 4*time.Second || re2.cseq() != re.cseq()+1 || re2.body != holdSDP {
			t.Errorf("after %v:\n%s", d, re2)
		}
	})
	bubble(t, func(r *rig) {
		c, _ := r.talking()
		c.Reoffer([]byte(holdSDP))
		r.sbc.reply(r.sbc.expect("INVITE"), "491 Request Pending", "")
		r.sbc.expect("ACK")
		start := time.Now()
		r.sbc.expect("INVITE")
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

// 14.2: a second offer before the first is answered: 500 with Retry-After. And an offer of ours waits for its turn.
func TestD5_OverlappingOffers(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		p.send("INVITE", "SDP"+holdSDP)
		r.sbc.expect("100")
		next[Reoffered](r.ev, time.Second)
		c.Reoffer([]byte(offerSDP))
		p.send("UPDATE", "SDP"+holdSDP)
		if m := r.sbc.expect("500"); m.h("Retry-After") == "" {
			t.Errorf("%s", m)
		}
		c.Answer([]byte(answerSDP))
		r.sbc.expect("200")
		r.sbc.expect("200")
		p.seq-- // the ACK has the number of the INVITE
		p.send("ACK")
		p.seq++
		if re := r.sbc.expect("INVITE"); re.body != offerSDP {
			t.Errorf("%s", re)
		}
	})
}

// Complaint 21: a re-INVITE that is open when the call ends is answered too; after BYE there is nothing to re-invite.
func TestD3_ByeWhileReinviteIsOpen(t *testing.T) {
	bubble(t, func(r *rig) {
		_, p := r.talking()
		p.send("INVITE", "SDP"+holdSDP)
		r.sbc.expect("100")
		next[Reoffered](r.ev, time.Second)
		inv := p.branch
		p.send("BYE")
		r.sbc.expect("200")
		r.sbc.expect("487")
		p.branch = inv
		p.seq--
		r.sbc.raw(p.ackSame())
		next[Ended](r.ev, time.Second)
		p.seq++
		p.send("INVITE", "SDP"+holdSDP)
		r.sbc.expect("481")
	})
}

// 12.2.2: requests out of order are refused; 12.2.1.1: a strict router of RFC 2543 is obeyed.
func TestC4_OutOfOrderRequest(t *testing.T) {
	bubble(t, func(r *rig) {
		_, p := r.talking()
		p.send("INFO")
		r.sbc.expect("200")
		p.seq -= 2
		p.send("BYE")
		r.sbc.expect("500")
		quiet[Ended](r.ev, time.Second)
	})
}

// A dialog is Call-ID and both tags: who knows only ours cannot end the call.
func TestC4_WrongTagIsNoDialog(t *testing.T) {
	bubble(t, func(r *rig) {
		_, p := r.talking()
		local := p.local
		p.local = "<sip:1002@example.net>;tag=guessed"
		p.send("BYE")
		r.sbc.expect("481")
		p.local = local
		quiet[Ended](r.ev, time.Second)
		p.send("BYE")
		r.sbc.expect("200")
	})
}

func TestC4_StrictRouter(t *testing.T) {
	bubble(t, func(r *rig) {
		c, inv := r.dialling()
		r.sbc.reply(inv, "200 OK", "b", "Contact: <sip:bob@10.0.0.77:5060>", "Record-Route: <sip:10.0.0.8;lr>", "Record-Route: <sip:10.0.0.1;old>", "SDP"+answerSDP)
		ack := r.sbc.expect("ACK")
		c.Hangup()
		for _, m := range []*msg{ack, r.sbc.expect("BYE")} {
			if got := m.all("Route"); m.uri() != "sip:10.0.0.1;old" || len(got) != 2 || got[0] != "<sip:10.0.0.8;lr>" || got[1] != "<sip:bob@10.0.0.77:5060>" {
				t.Errorf("%s", m)
			}
		}
	})
}

// Both hang up at once: both BYEs are answered, one Ended.
func TestC4_ByesCross(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		c.Hangup()
		bye := r.sbc.expect("BYE")
		p.send("BYE")
		r.sbc.expect("200")
		r.sbc.reply(bye, "200 OK", "")
		next[Ended](r.ev, time.Second)
		quiet[Ended](r.ev, time.Minute)
		if s := r.ep.Stats(); s.Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// S8: what we do not do is refused politely, in a dialog and outside.
func TestS8_OtherMethods(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		in := map[string]string{
			"INFO": "200", "OPTIONS": "200", "NOTIFY": "481", "PRACK": "481", "SUBSCRIBE": "489", "REFER": "603", "MESSAGE": "405", "REGISTER": "405", "PUBLISH": "405", "FOO": "405",
		}
		for method, want := range in {
			p.send(method)
			r.sbc.expect(want)
		}
		out := map[string]string{
			"BYE": "481", "INFO": "481", "UPDATE": "481", "NOTIFY": "481", "PRACK": "481", "OPTIONS": "200", "SUBSCRIBE": "489", "REFER": "405", "MESSAGE": "405", "PUBLISH": "405", "FOO": "405",
		}
		for method, want := range out {
			q := r.sbc.callFrom("1001", "<sip:1002@example.net>")
			q.send(method)
			m := r.sbc.expect(want)
			if want == "405" && m.h("Allow") != allowed {
				t.Errorf("%s", m)
			}
			q.remote += ";tag=unknown"
			if method != "OPTIONS" {
				q.send(method)
				r.sbc.expect("481")
			}
		}
		quiet[Ended](r.ev, time.Second)
		c.Hangup()
	})
}

// H3: OPTIONS is answered also by a busy telephone, without a transaction.
func TestH3_OptionsAnsweredStatelessly(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talking()
		time.Sleep(time.Minute)
		before := r.ep.Stats().Transactions
		for range 100 {
			q := r.sbc.callFrom("1001", "<sip:sbc@example.net>")
			q.send("OPTIONS")
			m := r.sbc.expect("200")
			if m.h("Allow") != allowed || m.h("Accept") != "application/sdp" || len(m.all("Supported")) != 1 || tagOf(m.h("To")) == "" {
				t.Fatalf("%s", m)
			}
		}
		q := r.sbc.callFrom("1999", "<sip:sbc@example.net>")
		q.send("OPTIONS")
		r.sbc.expect("404")
		q.uri = "sip:10.0.0.9:5060"
		q.send("OPTIONS")
		r.sbc.expect("200")
		if n := r.ep.Stats().Transactions; n != before {
			t.Errorf("%d transactions, %d before", n, before)
		}
	})
}
