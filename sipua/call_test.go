package sipua

import (
	"strings"
	"testing"
	"time"
)

const answerSDP = "v=0\r\no=- 2 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4002 RTP/AVP 8\r\n"

// A7: INVITE, 407, ACK, INVITE with credentials, 100, 180, 200, ACK, BYE; CSeq n, n+1, n+2 (R11, C4).
func TestR11_C4_OutgoingCallWithDigestAndRelease(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		c := r.a.Invite("1002", []byte(offerSDP))
		inv := r.sbc.expect("INVITE")
		if inv.uri() != "sip:1002@example.net" || inv.body != offerSDP || inv.h("Call-ID") != c.ID() {
			t.Errorf("INVITE:\n%s", inv)
		}
		r.sbc.reply(inv, "407 Proxy Authentication Required", "p", strings.Replace(challenge401, "WWW", "Proxy", 1))
		ack := r.sbc.expectIn("ACK", time.Second)
		if ack.branch() != inv.branch() || ack.cseq() != inv.cseq() || ack.h("To") != inv.h("To")+";tag=p" {
			t.Errorf("ACK of the refusal:\n%s", ack)
		}
		inv2 := r.sbc.expectIn("INVITE", time.Second)
		if inv2.cseq() != inv.cseq()+1 || inv2.h("Call-ID") != inv.h("Call-ID") || inv2.h("From") != inv.h("From") || inv2.branch() == inv.branch() {
			t.Errorf("second INVITE:\n%s", inv2)
		}
		if err := digestOK(inv2.h("Proxy-Authorization"), "INVITE", "auth1001", "secret1"); err != nil {
			t.Error(err)
		}
		r.sbc.reply(inv2, "100 Trying", "")
		r.sbc.reply(inv2, "180 Ringing", "b", "Contact: <sip:bob@10.0.0.1:5060>")
		if p := next[Progress](r.ev, time.Second); p.Code != 180 && p.Code != 100 {
			t.Errorf("progress %+v", p)
		}
		ok := []string{"Contact: <sip:bob@10.0.0.1:5060;x=1>", "Record-Route: <sip:10.0.0.77;lr>, <sip:10.0.0.1;lr>", "SDP" + answerSDP}
		r.sbc.reply(inv2, "200 OK", "b", ok...)
		ack2 := r.sbc.expectIn("ACK", time.Second)
		if ack2.cseq() != inv2.cseq() || ack2.branch() == inv2.branch() || ack2.uri() != "sip:bob@10.0.0.1:5060;x=1" || ack2.h("Proxy-Authorization") == "" {
			t.Errorf("ACK of the 200:\n%s", ack2)
		}
		if got := ack2.all("Route"); len(got) != 2 || got[0] != "<sip:10.0.0.1;lr>" || got[1] != "<sip:10.0.0.77;lr>" {
			t.Errorf("route set %v", got)
		}
		next[Established](r.ev, time.Second)
		c.Hangup()
		if bye := r.sbc.expect("BYE"); bye.cseq() != inv.cseq()+2 {
			t.Errorf("BYE has CSeq %d after INVITE %d and %d", bye.cseq(), inv.cseq(), inv2.cseq())
		}
	})
}

func TestC4_CallerReleases(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		c := r.a.Invite("1002", []byte(offerSDP))
		inv := r.sbc.expect("INVITE")
		r.sbc.reply(inv, "183 Session Progress", "b", "Contact: <sip:bob@10.0.0.1:5060>", "SDP"+answerSDP)
		if p := next[Progress](r.ev, time.Second); p.Code != 183 || string(p.SDP) != answerSDP {
			t.Errorf("C9: progress %+v", p)
		}
		ok := []string{"Contact: <sip:bob@10.0.0.1:5060>", "SDP" + answerSDP}
		r.sbc.reply(inv, "200 OK", "b", ok...)
		ack := r.sbc.expect("ACK")
		if e := next[Established](r.ev, time.Second); string(e.SDP) != answerSDP || e.Call != c {
			t.Errorf("%+v", e)
		}
		// The 200 comes again: the ACK was lost (13.2.2.4).
		r.sbc.reply(inv, "200 OK", "b", ok...)
		if again := r.sbc.expectIn("ACK", time.Second); again.String() != ack.String() {
			t.Errorf("ACK differs:\n%s\n%s", again, ack)
		}
		c.Hangup()
		bye := r.sbc.expectIn("BYE", time.Second)
		if bye.cseq() != inv.cseq()+1 || bye.h("From") != inv.h("From") || bye.h("To") != inv.h("To")+";tag=b" || bye.uri() != "sip:bob@10.0.0.1:5060" {
			t.Errorf("BYE:\n%s", bye)
		}
		if e := next[Ended](r.ev, time.Second); !e.Local || e.ByPeer || e.Code != 0 {
			t.Errorf("%+v", e)
		}
		r.sbc.reply(bye, "200 OK", "")
		time.Sleep(time.Second)
		if s := r.ep.Stats(); s.Calls != 0 {
			t.Errorf("%d calls left", s.Calls)
		}
		quiet[Ended](r.ev, time.Minute)
	})
}

// A8, D1, D3, D4, A10 of the called side.
func TestD1_D3_D4_IncomingCallReleasedByCallee(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		p := r.sbc.callFrom("1001", `"Li Na" <sip:1002@example.net>`)
		start := time.Now()
		p.send("INVITE", "Record-Route: <sip:10.0.0.1;lr>", "Record-Route: <sip:10.0.0.1:5060;lr;n=2>", "SDP"+offerSDP)
		r.sbc.expect("100")
		in := next[Incoming](r.ev, time.Second)
		if in.Number != "1002" || in.Name != "Li Na" || in.Withheld || string(in.Offer) != offerSDP {
			t.Errorf("%+v", in)
		}
		in.Call.Ring(nil)
		ringing := p.heard(r.sbc.expect("180"))
		if tagOf(ringing.h("To")) == "" || ringing.h("Contact") == "" || len(ringing.all("Record-Route")) != 2 {
			t.Errorf("180:\n%s", ringing)
		}
		if d := time.Since(start); d > 20*time.Millisecond {
			t.Errorf("INVITE to 180 took %v", d)
		}
		in.Call.Answer([]byte(answerSDP))
		ok := p.heard(r.sbc.expect("200"))
		if ok.h("To") != ringing.h("To") || ok.body != answerSDP {
			t.Errorf("200:\n%s", ok)
		}
		p.send("ACK")
		next[Established](r.ev, time.Second)
		in.Call.Hangup()
		bye := r.sbc.expect("BYE")
		if bye.h("From") != ok.h("To") || bye.h("To") != p.local {
			t.Errorf("D3: From and To are not swapped:\n%s", bye)
		}
		if bye.uri() != "sip:peer@10.0.0.1:5060" {
			t.Errorf("Request-URI %q is not the caller's Contact", bye.uri())
		}
		if got := bye.all("Route"); len(got) != 2 || got[0] != "<sip:10.0.0.1;lr>" {
			t.Errorf("route set %v", got)
		}
		if bye.cseq() != firstSeq+1 {
			t.Errorf("D4: BYE has CSeq %d, our counter was %d", bye.cseq(), firstSeq)
		}
		r.sbc.reply(bye, "200 OK", "")
		if e := next[Ended](r.ev, time.Second); !e.Local {
			t.Errorf("%+v", e)
		}
	})
}

func TestC6_CancelledByNetwork(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		p := r.sbc.callFrom("1001", "<sip:1002@example.net>")
		p.send("INVITE", "SDP"+offerSDP)
		r.sbc.expect("100")
		next[Incoming](r.ev, time.Second).Call.Ring(nil)
		ringing := r.sbc.expect("180")
		p.send("CANCEL", `Reason: SIP;cause=200;text="Call completed elsewhere"`)
		ok := r.sbc.expect("200")
		if ok.h("CSeq") != "101 CANCEL" || ok.h("To") != ringing.h("To") {
			t.Errorf("200 of CANCEL:\n%s", ok)
		}
		gone := r.sbc.expect("487")
		if gone.h("CSeq") != "101 INVITE" || gone.h("To") != ringing.h("To") {
			t.Errorf("487:\n%s", gone)
		}
		// Without ACK it is repeated, T1 doubling.
		start := time.Now()
		r.sbc.expect("487")
		r.sbc.expect("487")
		if d := time.Since(start); d != 1500*time.Millisecond {
			t.Errorf("487 repeated after %v", d)
		}
		p.remote = gone.h("To")
		p.p.raw(strings.Replace(p.request("ACK"), p.branch, ringing.branch(), 1))
		r.sbc.silent(time.Minute)
		if e := next[Ended](r.ev, time.Second); !e.ByPeer || e.Code != 487 || e.Reason != "Call completed elsewhere" {
			t.Errorf("%+v", e)
		}
	})
}
