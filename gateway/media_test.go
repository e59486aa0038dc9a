package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// one is a desk with telephone 1 only.
var one = setup{ports: []string{portYAML(1, "")}}

// answered lets the script call telephone 1, and the telephone answer.
func (f *far) answered(sdp string, extra ...string) (*talk, string) {
	f.Helper()
	k := f.call("1001", sdp, extra...)
	k.hears(180)
	f.wantHears(1, "ring")
	f.phone(1).Lift()
	ok := k.hears(200)
	k.request("ACK", "")
	f.awaitRow(1, "reg-ok:Activ Talking OFF-HOOK 2001 in", time.Second)
	return k, body(ok)
}

// dials lets telephone 1 call the script.
func (f *far) dials() *talk {
	f.Helper()
	f.phone(1).Lift()
	f.wantHears(1, "dial")
	if err := f.phone(1).Dial("1999"); err != nil {
		f.Fatal(err)
	}
	k := f.called()
	k.answers(100, "Trying", "")
	return k
}

// C9: early sound in 183 is heard and no tone of ours beside it; the answer goes on with it.
func TestC9EarlyMedia(t *testing.T) {
	atFar(t, one, func(f *far) {
		k := f.dials()
		v := f.media(mediaOf(body(k.in)))
		k.answers(183, "Session Progress", sdpAudio("8 101", "sendrecv"))
		f.awaitRow(1, "reg-ok:Activ Ringback OFF-HOOK 1999 out", 100*time.Millisecond)
		v.speaks(3 * time.Second)
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") {
			t.Errorf("C9: early media: %s", h)
		}
		k.answers(180, "Ringing", "") // must not bring our own ringback over it
		for range 6 {
			v.speaks(700 * time.Millisecond)
			if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004 ") {
				t.Errorf("C9: double tone: %s", h)
			}
		}
		k.answers(200, "OK", sdpAudio("8 101", "sendrecv"))
		k.takes("ACK", time.Second)
		v.speaks(time.Second)
		f.wantRow(1, "reg-ok:Activ Talking OFF-HOOK 1999 out")
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") {
			t.Errorf("after the answer: %s", h)
		}
		f.phone(1).Hangup()
		k.takes("BYE", time.Second)
		k.answers(200, "OK", "")
	})
}

// C9: a 180 with a description and no sound behind it gets our ringback, until the far end is heard.
func TestC9RingbackUntilHeard(t *testing.T) {
	atFar(t, one, func(f *far) {
		k := f.dials()
		v := f.media(mediaOf(body(k.in)))
		k.answers(180, "Ringing", sdpAudio("8 101", "sendrecv"))
		f.wantHears(1, "ringback")
		v.speaks(2 * time.Second)
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") {
			t.Errorf("%s", h)
		}
		f.phone(1).Hangup()
		k.takes("CANCEL", time.Second)
		f.send(response(k.in, 200, "OK", "far", ""))
		k.in = k.invite
		k.answers(487, "Request Terminated", "")
		k.takes("ACK", time.Second)
	})
}

// C8 A12: on-hook before any answer of the network: CANCEL waits for the first 1xx; a 200 that crosses it is
// acknowledged and released.
func TestA12ReleaseBeforeAndAfterProvisional(t *testing.T) {
	hangUp := func(f *far) *talk {
		f.phone(1).Lift()
		f.wantHears(1, "dial")
		f.phone(1).Dial("1999")
		k := f.called()
		f.phone(1).Hangup()
		f.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		return k
	}
	ended := func(f *far) {
		f.Helper()
		if r := f.lastCall(1); r.Result() != "cancelled" || r.ByPeer || len(f.gw.History()) != 1 {
			f.Errorf("%s %+v", r.Result(), r)
		}
	}
	t.Run("before 1xx", func(t *testing.T) {
		atFar(t, one, func(f *far) {
			k := hangUp(f)
			for len(f.in) > 0 { // repeats of the INVITE
				if m := <-f.in; !strings.HasPrefix(m, "INVITE") {
					t.Fatalf("A12: %s", m)
				}
			}
			k.answers(180, "Ringing", "")
			c := k.takes("CANCEL", time.Second)
			if head(c, "Via") != head(k.invite, "Via") || !strings.HasPrefix(head(c, "CSeq"), strings.Fields(head(k.invite, "CSeq"))[0]) {
				t.Errorf("C8: CANCEL is not of that INVITE:\n%s", c)
			}
			k.answers(200, "OK", "")
			k.in = k.invite
			k.answers(487, "Request Terminated", "")
			k.takes("ACK", time.Second)
			ended(f)
		})
	})
	t.Run("200 crosses", func(t *testing.T) {
		atFar(t, one, func(f *far) {
			k := hangUp(f)
			for len(f.in) > 0 {
				<-f.in
			}
			k.answers(200, "OK", sdpAudio("8", "sendrecv"))
			k.takes("ACK", time.Second)
			k.takes("BYE", time.Second)
			k.answers(200, "OK", "")
			f.wantRow(1, "reg-ok:Activ Idle ON-HOOK")
			ended(f)
		})
	})
}

// D5: an offer with video is answered in place with port 0; the offered codec order rules.
func TestD5VideoAndCodecs(t *testing.T) {
	atFar(t, one, func(f *far) {
		_, answer := f.answered(sdpAudio("18 0 8 101", "sendrecv", "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"))
		if !strings.Contains(answer, "m=video 0 ") || !strings.Contains(answer, "m=audio ") || strings.Index(answer, "m=audio") > strings.Index(answer, "m=video") {
			t.Errorf("D5: %s", answer)
		}
		if c := f.status(1).Call.Codec; c != "PCMU" {
			t.Errorf("codec %s", c)
		}
		v := f.media(mediaOf(answer))
		v.pt = 0
		v.speaks(time.Second)
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") {
			t.Errorf("%s", h)
		}
		if v.types[0] < 45 || len(v.types) > 1 {
			t.Errorf("payload types sent: %v", v.types)
		}
	})
}

// D5: nothing in common: 488, no ring. C10: a call that needs 100rel: 420.
func TestD5NoCommonCodec(t *testing.T) {
	atFar(t, one, func(f *far) {
		k := f.call("1001", sdpAudio("18", "sendrecv"))
		k.hears(488)
		k.request("ACK", "")
		k = f.call("1001", sdpAudio("8", "sendrecv"), "Require: 100rel")
		if m := k.hears(420); head(m, "Unsupported") != "100rel" {
			t.Errorf("C10: %s", m)
		}
		k.request("ACK", "")
		k = f.call("1001", "no description at all", "Content-Type: application/sdp")
		k.hears(400)
		k.request("ACK", "")
		time.Sleep(5 * time.Second)
		if len(f.phone(1).Rings()) > 0 {
			t.Error("it rang")
		}
		f.wantRow(1, "reg-ok:Activ Idle ON-HOOK")
		// As caller: the answer has nothing for us: the call is released, the caller hears it.
		k = f.dials()
		k.answers(200, "OK", sdpAudio("18", "sendrecv"))
		k.takes("ACK", time.Second)
		k.takes("BYE", time.Second)
		k.answers(200, "OK", "")
		f.wantHears(1, "congestion")
		if c := f.status(1).Call; !strings.Contains(c.Cause, "no audio") {
			t.Errorf("%+v", c)
		}
		f.rest(1)
	})
}

// An INVITE without an offer: ours is in the 200, the answer in the ACK.
func TestDelayedOffer(t *testing.T) {
	atFar(t, one, func(f *far) {
		k := f.call("1001", "")
		k.hears(180)
		f.wantHears(1, "ring")
		f.phone(1).Lift()
		offer := body(k.hears(200))
		v := f.media(mediaOf(offer))
		k.request("ACK", sdpAudio("8", "sendrecv"))
		v.speaks(time.Second)
		f.wantRow(1, "reg-ok:Activ Talking OFF-HOOK 2001 in")
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") || v.heard < 45 {
			t.Errorf("%s; %d packets heard", h, v.heard)
		}
		// The same inside the call, and the answer puts us on hold.
		k.request("INVITE", "")
		k.hears(200)
		k.request("ACK", sdpAudio("8", "sendonly"))
		f.awaitRow(1, "reg-ok:Activ Holding OFF-HOOK 2001 in", 100*time.Millisecond)
		k.request("INVITE", "")
		k.hears(200)
		k.request("ACK", sdpAudio("8", "sendrecv"))
		f.awaitRow(1, "reg-ok:Activ Talking OFF-HOOK 2001 in", 100*time.Millisecond)
		k.request("BYE", "")
		k.hears(200)
		f.wantHears(1, "busy")
		f.rest(1)

		// An ACK that has no answer: no call without sound.
		k = f.call("1001", "")
		k.hears(180)
		f.wantHears(1, "ring")
		f.phone(1).Lift()
		k.hears(200)
		k.request("ACK", "")
		k.takes("BYE", time.Second)
		k.answers(200, "OK", "")
		f.wantHears(1, "congestion")
		f.rest(1)
	})
}

// The far end holds and takes back, in the manner of RFC 3264 and of RFC 2543, changes codec and address, and offers nonsense.
func TestHeldByTheFarEnd(t *testing.T) {
	atFar(t, one, func(f *far) {
		k, answer := f.answered(sdpAudio("8 0 101", "sendrecv"))
		v := f.media(mediaOf(answer))
		v.speaks(time.Second)
		for _, hold := range []string{
			sdpAudio("8 0 101", "sendonly"), sdpAudio("8 0 101", "inactive"),
			strings.Replace(sdpAudio("8 0 101", "sendrecv"), "c=IN IP4 10.0.9.1", "c=IN IP4 0.0.0.0", 1),
		} {
			k.request("INVITE", hold)
			held := body(k.hears(200))
			k.request("ACK", "")
			f.awaitRow(1, "reg-ok:Activ Holding OFF-HOOK 2001 in", 100*time.Millisecond)
			if strings.Contains(held, "a=sendrecv") {
				t.Errorf("hold is not mirrored: %s", held)
			}
			time.Sleep(100 * time.Millisecond)
			v.takes()
			before := v.heard
			v.speaks(time.Second)
			if v.heard != before {
				t.Errorf("we speak while held by\n%s", hold)
			}
			if h := f.phone(1).Hears(); strings.Contains(hold, "a=sendonly") != strings.HasPrefix(h.String(), "tone 1004") && !strings.Contains(hold, "0.0.0.0") {
				t.Errorf("held by\n%s\nhears %s", hold, h)
			}
			k.request("INVITE", sdpAudio("8 0 101", "sendrecv"))
			k.hears(200)
			k.request("ACK", "")
			f.awaitRow(1, "reg-ok:Activ Talking OFF-HOOK 2001 in", 100*time.Millisecond)
			v.speaks(time.Second)
			if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") || v.heard < before+45 {
				t.Errorf("after hold: %s, %d packets", h, v.heard-before)
			}
		}
		k.request("INVITE", sdpAudio("18", "sendrecv")) // nothing in common: the call goes on as it was
		k.hears(488)
		k.request("ACK", "")
		v.speaks(time.Second)
		f.wantRow(1, "reg-ok:Activ Talking OFF-HOOK 2001 in")
		k.request("INVITE", sdpAudio("0 101", "sendrecv"))
		k.hears(200)
		k.request("ACK", "")
		v.pt = 0
		v.speaks(2 * time.Second)
		if st := f.status(1); st.Call.Codec != "PCMU" || st.Media == nil || st.Media.WrongType != 0 {
			t.Errorf("%+v %+v", st.Call, st.Media)
		}
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 1004") {
			t.Errorf("after the change of codec: %s", h)
		}
		k.request("BYE", "")
		k.hears(200)
		f.wantHears(1, "busy")
		f.rest(1)
	})
}

// Held for an hour without a packet the call stays; a silent far end in a conversation is released after a minute.
func TestSilentFarEnd(t *testing.T) {
	atFar(t, one, func(f *far) {
		k, answer := f.answered(sdpAudio("8", "sendrecv"))
		v := f.media(mediaOf(answer))
		v.speaks(time.Second)
		k.request("INVITE", sdpAudio("8", "sendonly"))
		k.hears(200)
		k.request("ACK", "")
		time.Sleep(10 * time.Minute)
		f.wantRow(1, "reg-ok:Activ Holding OFF-HOOK 2001 in")
		k.request("INVITE", sdpAudio("8", "sendrecv"))
		k.hears(200)
		k.request("ACK", "")
		began := time.Now()
		k.takes("BYE", 2*time.Minute)
		if d := time.Since(began); d < 60*time.Second || d > 61*time.Second {
			t.Errorf("released after %v", d)
		}
		k.answers(200, "OK", "")
		f.wantHears(1, "busy")
		if c := f.status(1).Call; c.Cause != "no audio from the far end" {
			t.Errorf("%+v", c)
		}
		f.rest(1)
		if h := f.gw.History(); len(h) != 1 || h[0].Result() != "answered" {
			t.Errorf("%+v", h)
		}
	})
}

// Digits of the telephone go out as RFC 4733 events, and events are heard as tones.
func TestDigitsAsEvents(t *testing.T) {
	atFar(t, one, func(f *far) {
		_, answer := f.answered(sdpAudio("8 101", "sendrecv"))
		v := f.media(mediaOf(answer))
		v.speaks(200 * time.Millisecond)
		done := make(chan error)
		go func() { done <- f.phone(1).Dial("159#") }()
		v.speaks(1200 * time.Millisecond)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		var digits []byte
		var ends int
		var stamp uint32
		for _, e := range v.eventSeen {
			if e.stamp != stamp || len(digits) == 0 {
				if !e.marker {
					t.Error("an event begins without marker")
				}
				digits, stamp = append(digits, e.event), e.stamp
			}
			if e.end {
				ends++
				if e.duration < 80*8 || e.duration > 130*8 {
					t.Errorf("event %d lasted %d ms", e.event, e.duration/8)
				}
			}
		}
		if fmt.Sprint(digits) != "[1 5 9 11]" || ends != 12 {
			t.Errorf("events %v, %d end packets", digits, ends)
		}
		// The other way, 100 ms of "7": 697+852... is 852+1209 Hz.
		for i := range 5 {
			v.packet(i == 0, 101, v.seq, v.stamp, []byte{7, 10, byte(160 * (i + 1) >> 8), byte(160 * (i + 1) & 0xff)})
			v.seq++
			time.Sleep(20 * time.Millisecond)
		}
		if h := f.phone(1).Hears(); !strings.HasPrefix(h.String(), "tone 852+1209") {
			t.Errorf("event 7 is heard as %s", h)
		}
		for range 3 {
			v.packet(false, 101, v.seq, v.stamp, []byte{7, 0x8a, 800 >> 8, 800 & 0xff})
			v.seq++
		}
		time.Sleep(200 * time.Millisecond)
		if st := f.status(1).Media; st.EventsIn != 1 || st.EventsOut != 4 {
			t.Errorf("events in %d, out %d", st.EventsIn, st.EventsOut)
		}
	})
}
