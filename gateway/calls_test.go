package gateway

import (
	"strings"
	"testing"
	"time"
)

// C1 D1 D2 D6 A7 A8: from the lift to the conversation, every column of both rows on the way.
func TestC1CallFromLiftToTalk(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		began := time.Now()
		a, b := d.phone(3), d.phone(1)
		a.Lift()
		d.wantHears(3, "dial")
		d.wantRow(3, "reg-ok:Activ Dialing OFF-HOOK")
		a.Dial("1")
		if h := a.Hears(); h.Name != "silence" {
			t.Errorf("C1: dial tone goes on after the first digit: %s", h)
		}
		if n := d.status(3).Line.Digits; n != 1 {
			t.Errorf("%d digits collected", n)
		}
		a.Dial("001")
		d.wantHears(3, "ringback")
		d.wantHears(1, "ring")
		d.wantRow(3, "reg-ok:Activ Ringback OFF-HOOK 1001 out")
		d.wantRow(1, "reg-ok:Activ Ringing RINGING 1003 in")
		b.Lift()
		d.awaitRow(1, "reg-ok:Activ Talking OFF-HOOK 1003 in", time.Second)
		d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1001 out", time.Second)
		d.talks(3, 1, 1004)
		d.talks(1, 3, 804)

		// D2: whoever calls a telephone in use hears busy tone.
		d.phone(2).Lift()
		d.wantHears(2, "dial")
		d.phone(2).Dial("1001")
		d.wantHears(2, "busy")
		d.wantRow(2, "reg-ok:Activ Busy OFF-HOOK 1001 out")
		if r := d.lastCall(2); r.Code != 486 || r.Result() != "busy" || !strings.Contains(d.status(2).Call.Cause, "486") {
			t.Errorf("%+v, cause %q", r, d.status(2).Call.Cause)
		}
		if r := d.lastCall(1); r.Result() != "busy" || r.ID == "" || r.Peer != "1002" {
			t.Errorf("the call that was turned away: %+v", r)
		}
		d.rest(2)
		d.talks(3, 1, 1004) // and nobody was disturbed

		// C4: the caller releases; the called side hears busy tone.
		a.Hangup()
		d.wantHears(1, "busy")
		d.wantRow(1, "reg-ok:Activ Busy OFF-HOOK 1003 in")
		d.rest(3, 1)
		out, in := d.lastCall(3), d.lastCall(1)
		if out.Result() != "answered" || out.ByPeer || out.Direction != Out || out.Codec != "PCMA" || in.Result() != "answered" || !in.ByPeer {
			t.Errorf("records: %+v\n%+v", out, in)
		}
		if out.ID == "" || in.ID == "" || out.End.Sub(out.Answered) < 8*time.Second {
			t.Errorf("records: %+v\n%+v", out, in)
		}
		for _, m := range d.messages(ours, began, "INVITE") {
			t.Logf("INVITE %v after the lift, to %s", m.At.Sub(began), m.To)
		}
	})
}

// D3: the called side releases.
func TestD3CalleeReleases(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.call(3, 1)
		d.phone(1).Hangup()
		d.wantHears(3, "busy")
		d.wantRow(3, "reg-ok:Activ Busy OFF-HOOK 1001 out")
		if c := d.status(3).Call; c.Cause != "released by the far end" || c.Code != 0 {
			t.Errorf("cause %q, code %d", c.Cause, c.Code)
		}
		d.rest(1, 3)
		if out, in := d.lastCall(3), d.lastCall(1); !out.ByPeer || in.ByPeer || in.Result() != "answered" {
			t.Errorf("records: %+v\n%+v", out, in)
		}
	})
}

// C5 A9: a telephone that is in use, lifted without a call.
func TestC5CalleeBusy(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.phone(1).Lift()
		d.wantHears(1, "dial")
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		d.wantHears(3, "busy")
		d.wantRow(1, "reg-ok:Activ Dialing OFF-HOOK")
		d.rest(3, 1)
	})
}

// Each failure of the network has its tone, its cause and its record; on-hook leads back to Idle.
func TestC3FailuresHaveTones(t *testing.T) {
	for _, c := range []struct {
		code         int
		tone, result string
	}{
		{404, "unobtainable", "rejected"}, {480, "congestion", "no-answer"}, {486, "busy", "busy"}, {500, "congestion", "failed"},
		{603, "busy", "rejected"}, {488, "congestion", "rejected"},
	} {
		at(t, setup{ports: []string{portYAML(3, "")}}, func(d *desk) {
			d.sbc[0].Fail("INVITE", c.code, 0)
			d.phone(3).Lift()
			d.wantHears(3, "dial")
			d.phone(3).Dial("1001")
			d.wantHears(3, c.tone)
			if st := d.status(3).Call; st.State != Busy || st.Code != c.code || st.Cause == "" || st.Peer != "1001" {
				t.Errorf("%d: %+v", c.code, st)
			}
			d.rest(3)
			if r := d.lastCall(3); r.Result() != c.result || r.Code != c.code || !r.Answered.IsZero() {
				t.Errorf("%d: %s %+v", c.code, r.Result(), r)
			}
		})
	}
}

// C7 A11: nobody answers at the telephone: 480 after a minute, ringing stops, the caller hears it.
func TestC7NoAnswerByTerminal(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		rang := d.wantHears(1, "ring").Since
		time.Sleep(58 * time.Second)
		d.wantRow(1, "reg-ok:Activ Ringing RINGING 1003 in")
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", 3*time.Second)
		final := d.sent(ours, rang, "SIP/2.0 480")
		if wait := final.At.Sub(d.became(1, Ringing, evening)); wait != time.Minute {
			t.Errorf("480 after %v", wait)
		}
		d.wantHears(3, "congestion")
		time.Sleep(10 * time.Second)
		if last := d.phone(1).Rings(); !last[len(last)-1].Start.Before(final.At) {
			t.Error("it rings on")
		}
		if r := d.lastCall(1); r.Result() != "missed" || r.Code != 480 {
			t.Errorf("%s %+v", r.Result(), r)
		}
		if r := d.lastCall(3); r.Result() != "no-answer" {
			t.Errorf("%s %+v", r.Result(), r)
		}
		d.rest(3)
	})
}

// C8 A12 D1: the caller gives up while it rings.
func TestC8CallerGivesUpWhileItRings(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		d.wantHears(1, "ring")
		began := time.Now()
		d.phone(3).Hangup()
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		d.wantRow(3, "reg-ok:Activ Idle ON-HOOK")
		d.sent(ours, began, "CANCEL")
		d.sent(ours, began, "SIP/2.0 487")
		if out, in := d.lastCall(3), d.lastCall(1); out.Result() != "cancelled" || in.Result() != "missed" || in.Code != 487 {
			t.Errorf("%s %+v\n%s %+v", out.Result(), out, in.Result(), in)
		}
		n := len(d.phone(1).Rings())
		time.Sleep(10 * time.Second)
		if len(d.phone(1).Rings()) != n {
			t.Error("it rings on")
		}
	})
}

// The lift and the CANCEL within a few milliseconds of each other, in every order and in the same instant: both ends agree on what happened and
// no telephone is left in silence.
func TestC8LiftCrossesCancel(t *testing.T) {
	for offset := -120 * time.Millisecond; offset <= 60*time.Millisecond; offset += 5 * time.Millisecond {
		at(t, setup{wire: lag(7500 * time.Microsecond)}, func(d *desk) {
			d.phone(3).Lift()
			d.wantHears(3, "dial")
			d.phone(3).Dial("1001")
			d.wantHears(1, "ring")
			time.Sleep(300 * time.Millisecond)
			d.phone(3).Hangup() // validated 400 ms later
			time.Sleep(400*time.Millisecond + offset)
			d.phone(1).Lift()
			time.Sleep(time.Second)
			d.wantRow(3, "reg-ok:Activ Idle ON-HOOK")
			switch st := d.status(1); st.Call.State {
			case Dialing:
				d.wantHears(1, "dial")
			case Busy:
				d.wantHears(1, "busy")
				if in := d.lastCall(1); in.Result() == "answered" == (in.Code == 487) {
					t.Errorf("offset %v: %s %+v", offset, in.Result(), in)
				}
			default:
				t.Errorf("offset %v: %s", offset, row(st))
			}
			d.rest(1)
		})
	}
}

// A10 C6: the network ends a call that nobody answers: here the exchange by its own clock, there our own three minutes.
func TestC6CallerStopsWaiting(t *testing.T) {
	at(t, setup{more: "timers: {no_answer: 10m, caller_no_answer: 90s}\n"}, func(d *desk) {
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		d.wantHears(1, "ring")
		began := d.became(3, Calling, evening)
		time.Sleep(85 * time.Second)
		d.wantRow(3, "reg-ok:Activ Ringback OFF-HOOK 1001 out")
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", 10*time.Second)
		if after := d.sent(ours, began, "CANCEL").At.Sub(began); after != 90*time.Second {
			t.Errorf("CANCEL after %v", after)
		}
		d.wantHears(3, "congestion")
		if r := d.lastCall(1); r.Result() != "missed" {
			t.Errorf("%s %+v", r.Result(), r)
		}
		if r := d.lastCall(3); r.Result() != "no-answer" {
			t.Errorf("%s %+v", r.Result(), r)
		}
		d.rest(3)
	})
}

// A14: nobody rings a port that is switched off; switching one off in a call is refused, and possible by configuration.
func TestA14DisabledPort(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		if err := d.gw.SetEnabled(2, false); err != nil {
			t.Fatal(err)
		}
		d.call(3, 1)
		var busy *BusyError
		if err := d.gw.SetEnabled(1, false); !asBusy(err, &busy) || busy.Peer != "1003" || busy.State != "Talking" {
			t.Errorf("%v", err)
		}
		cfg := d.gw.Config().Clone()
		cfg.Ports[0].Enabled = false
		if err := d.gw.Apply(cfg); err != nil {
			t.Fatal(err)
		}
		d.wantHears(3, "busy")
		d.wantRow(1, "reg-fail:Deact Idle ON-HOOK")
		d.rest(3)
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1002")
		d.wantHears(3, "congestion")
		if c := d.status(3).Call.Code; c != 480 {
			t.Errorf("code %d", c)
		}
		if len(d.phone(2).Rings()) > 0 || d.phone(2).Feed().String() != "off" {
			t.Error("the port that is off rang")
		}
		d.rest(3)
	})
}
