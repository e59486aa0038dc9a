package gateway

import (
	"testing"
	"time"
)

// enquire brings phone 3 into a conversation with phone 1 and, after the recall button, with phone 2.
func (d *desk) enquire() {
	d.call(3, 1)
	d.phone(3).Flash(0)
	d.wantHears(3, "dial")
	d.wantRow(3, "reg-ok:Activ Dialing OFF-HOOK")
	d.awaitRow(1, "reg-ok:Activ Holding OFF-HOOK 1003 in", time.Second)
	d.phone(3).Dial("1002")
	d.wantHears(2, "ring")
	d.phone(2).Lift()
	d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1002 out", time.Second)
	d.awaitRow(2, "reg-ok:Activ Talking OFF-HOOK 1003 in", time.Second)
}

// The recall button holds the first call for an enquiry and changes between the two; who is held hears nothing.
func TestEnquiryAndBack(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.enquire()
		if h := d.status(3).Held; h.Peer != "1001" || h.State != Holding || h.ID == "" {
			t.Errorf("held call %+v", h)
		}
		d.talks(3, 2, 1004)
		d.wantHears(1, "silence")

		d.phone(3).Flash(0)
		d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1001 out", time.Second)
		d.awaitRow(1, "reg-ok:Activ Talking OFF-HOOK 1003 in", time.Second)
		d.awaitRow(2, "reg-ok:Activ Holding OFF-HOOK 1003 in", time.Second)
		d.talks(3, 1, 1004)
		d.talks(1, 3, 804)
		d.wantHears(2, "silence")

		d.phone(3).Flash(0)
		d.awaitRow(2, "reg-ok:Activ Talking OFF-HOOK 1003 in", time.Second)
		d.talks(2, 3, 804)

		// Hanging up ends both.
		d.phone(3).Hangup()
		d.wantHears(1, "busy")
		d.wantHears(2, "busy")
		d.rest(1, 2, 3)
		if n := len(d.gw.History()); n != 4 { // two calls, each with two ends
			t.Errorf("%d call records, want 4", n)
		}
	})
}

// An enquiry that comes to nothing is given up by the recall button, at every stage.
func TestEnquiryGivenUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(d *desk)
	}{
		{"at dial tone", func(d *desk) {}},
		{"in the middle of the number", func(d *desk) { d.phone(3).Dial("10") }},
		{"while it rings", func(d *desk) {
			d.phone(3).Dial("1002")
			d.wantHears(2, "ring")
		}},
		{"nobody has the number", func(d *desk) {
			d.phone(3).Dial("1999")
			d.wantHears(3, "unobtainable")
		}},
		{"the second far end hung up", func(d *desk) {
			d.phone(3).Dial("1002")
			d.wantHears(2, "ring")
			d.phone(2).Lift()
			d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1002 out", time.Second)
			d.phone(2).Hangup()
			d.wantHears(3, "busy")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at(t, setup{}, func(d *desk) {
				d.call(3, 1)
				d.phone(3).Flash(0)
				d.wantHears(3, "dial")
				tt.do(d)
				d.phone(3).Flash(200 * time.Millisecond) // longer than a pulse, which is a digit at dial tone
				d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1001 out", time.Second)
				d.awaitRow(1, "reg-ok:Activ Talking OFF-HOOK 1003 in", time.Second)
				d.talks(3, 1, 1004)
				d.rest(3, 1, 2)
			})
		})
	}
}

// The held far end hangs up: the enquiry goes on, and there is nothing to go back to.
func TestEnquiryHeldPartyLeaves(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.enquire()
		d.phone(1).Hangup()
		d.wait(2*time.Second, "the held call to be over", func() bool { return d.status(3).Held.ID == "" })
		d.talks(3, 2, 1004)
		d.phone(3).Flash(0) // a new enquiry, not a return
		d.wantHears(3, "dial")
		d.awaitRow(2, "reg-ok:Activ Holding OFF-HOOK 1003 in", time.Second)
		d.rest(3, 2, 1)
	})
}

// A port with a held call that is disabled lets both go.
func TestEnquiryAndDisable(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.call(3, 1)
		d.phone(3).Flash(0)
		d.wantHears(3, "dial")
		if err := d.gw.SetEnabled(3, false); err == nil {
			t.Error("a port with a held call was disabled")
		}
		cfg := d.gw.Config().Clone()
		cfg.Ports[2].Enabled = false
		if err := d.gw.Apply(cfg); err != nil {
			t.Fatal(err)
		}
		d.wantHears(1, "busy")
		d.awaitRow(3, "reg-fail:Deact Idle ON-HOOK", time.Second)
		d.rest(1)
	})
}
