package gateway

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/sipua"
)

// R2, R4, R9: every enabled port registers at start-up, a refusal of one is no business of the others, a disabled one is silent.
func TestR2EveryEnabledPortRegistersAtBoot(t *testing.T) {
	s := setup{cold: true, ports: []string{
		portYAML(1, ""),
		`{port: 2, enabled: true, user: "1002", password: wrong}`,
		portYAML(3, ""),
		`{port: 4, user: "1004", password: secret4}`,
	}}
	at(t, s, func(d *desk) {
		booted := time.Now()
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		d.awaitRow(3, "reg-ok:Activ Idle ON-HOOK", time.Second)
		d.wait(time.Second, "R9: port 2 refused", func() bool { return d.status(2).Registration.State == sipua.Refused })
		d.wantRow(2, "reg-fail:Activ Idle ON-HOOK")
		d.wantRow(4, "reg-fail:Deact Idle ON-HOOK")
		r := d.status(2).Registration
		if r.Code != 403 && r.Code != 401 || r.Reason == "" || r.NextTry.IsZero() {
			t.Errorf("refusal is not told: %+v", r)
		}
		if r := d.status(1).Registration; r.Code != 200 || r.Server != sbc1 || r.Expires != time.Hour {
			t.Errorf("confirmation is not told: %+v", r)
		}
		for _, m := range d.messages(ours, booted, "REGISTER") {
			if strings.Contains(string(m.Payload), "1004@") {
				t.Error("the disabled port sent a REGISTER")
			}
		}
		if b := d.x.Bindings(); len(b) != 2 {
			t.Errorf("bindings: %+v", b)
		}
	})
}

// R1, R4, R9: each way not to be registered has its word, nobody is held up by it, and it is tried again.
func TestR9EachFailureHasItsWord(t *testing.T) {
	s := setup{cold: true, ports: []string{
		portYAML(1, ""),
		`{port: 2, enabled: true, user: "9999", password: nobody}`, // unknown to the registrar
		`{port: 3, enabled: true}`,                                 // R1: no user
	}}
	at(t, s, func(d *desk) {
		booted := time.Now()
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		time.Sleep(time.Second)
		if r := d.status(2).Registration; r.State != sipua.Refused || r.Code != 404 && r.Code != 403 {
			t.Errorf("unknown user: %+v", r)
		}
		if r := d.status(3).Registration; r.State != sipua.Misconfigured {
			t.Errorf("R1: no user: %+v", r)
		}
		d.wantRow(3, "reg-fail:Activ Idle ON-HOOK")
		for _, m := range d.messages(ours, booted, "REGISTER") {
			if strings.Contains(string(m.Payload), "<sip:@") {
				t.Error("R1: a misconfigured port sent REGISTER")
			}
		}
		// C3: whoever lifts that telephone hears why, and can read it.
		d.phone(3).Lift()
		d.wantHears(3, "dial") // C2: the dial tone is ours
		d.phone(3).Dial("1001#")
		d.wantHears(3, "congestion")
		st := d.status(3)
		if !strings.Contains(st.Call.Cause, "not registered") {
			t.Errorf("C3: cause %q", st.Call.Cause)
		}
		if r := d.lastCall(3); r.Result() != "failed" || r.Peer != "1001" {
			t.Errorf("C3: record %+v is %s", r, r.Result())
		}
		d.phone(3).Hangup()
		d.awaitRow(3, "reg-fail:Activ Idle ON-HOOK", time.Second)
	})
}

// A port without a service says so.
func TestR1NoService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBare(t, "version: 1\nports:\n  - {port: 1, enabled: true, user: \"1001\"}\n")
		defer d.close()
		if r := d.gw.Status()[0].Registration; r.State != sipua.Misconfigured || r.Reason != "no service" {
			t.Errorf("%+v", r)
		}
	})
}

// A registrar that does not answer: the status says so, the tries go on, and its return is noticed.
func TestR9DeadRegistrarAndItsReturn(t *testing.T) {
	at(t, setup{cold: true, servers: []string{sbc1}}, func(d *desk) {
		d.wait(time.Minute, "silence is told", func() bool { return d.status(1).Registration.State == sipua.Silent })
		r := d.status(1).Registration
		if r.Attempts == 0 || r.NextTry.IsZero() {
			t.Errorf("%+v", r)
		}
		t.Logf("told after %v: %s %q", time.Since(evening), r.State, r.Reason)
		time.Sleep(time.Hour)
		d.x.Serve(d.socket(sbc1))
		back := time.Now()
		for n := 1; n <= 3; n++ {
			d.awaitRow(n, "reg-ok:Activ Idle ON-HOOK", 6*time.Minute)
		}
		t.Logf("after an hour of silence all registered %v after the return", time.Since(back))
	})
}

// R3: enabling a port registers it at once, even where boots are spread, and the others send nothing.
func TestR3EnableRegistersAtOnce(t *testing.T) {
	s := setup{service: ", options_interval: 0s, keepalive: 0s", ports: []string{portYAML(1, ""), portYAML(2, ""), `{port: 3, user: "1003", password: secret3}`}}
	at(t, s, func(d *desk) {
		cfg := d.gw.Config().Clone()
		for i, sv := range cfg.Services {
			sv.StartJitter = time.Minute
			cfg.Services[i] = sv
		}
		if err := d.gw.Apply(cfg); err != nil {
			t.Fatal(err)
		}
		d.wait(5*time.Second, "R3: a changed service registers at once, whatever the jitter", func() bool {
			return d.status(1).Registration.OK() && d.status(2).Registration.OK()
		})
		time.Sleep(10 * time.Second)
		d.wantRow(3, "reg-fail:Deact Idle ON-HOOK")

		ordered := time.Now()
		if err := d.gw.SetEnabled(3, true); err != nil {
			t.Fatal(err)
		}
		first := d.sent(ours, ordered, "REGISTER")
		t.Logf("port enabled -> REGISTER on the wire: %v", first.At.Sub(ordered))
		if first.At != ordered {
			t.Errorf("R3: REGISTER %v after the order", first.At.Sub(ordered))
		}
		d.awaitRow(3, "reg-ok:Activ Idle ON-HOOK", 100*time.Millisecond)
		for _, m := range d.messages(ours, ordered, "REGISTER") {
			if !strings.Contains(string(m.Payload), "sip:1003@") {
				t.Errorf("R3: another port was disturbed:\n%s", m.Payload)
			}
		}
		// R8: and disabling takes the binding away.
		if err := d.gw.SetEnabled(3, false); err != nil {
			t.Fatal(err)
		}
		d.awaitRow(3, "reg-fail:Deact Idle ON-HOOK", time.Second)
		if st := d.status(3).Registration.State; st != sipua.Disabled {
			t.Errorf("R8: %s", st)
		}
		for _, b := range d.x.Bindings() {
			if b.User == "1003" {
				t.Error("R8: the binding stayed")
			}
		}
	})
}

// R8: shutdown removes every binding, within the two seconds that it takes at most; with dead servers too.
func TestR8ShutdownRemovesBindings(t *testing.T) {
	for _, dead := range []bool{false, true} {
		t.Run(fmt.Sprintf("dead=%t", dead), func(t *testing.T) {
			at(t, setup{}, func(d *desk) {
				if n := len(d.x.Bindings()); n != 3 {
					t.Fatalf("%d bindings", n)
				}
				d.call(3, 1)
				if dead {
					d.sbc[0].Kill()
					d.sbc[1].Kill()
				}
				began := time.Now()
				d.quit()
				if err := <-d.ended; err != nil {
					t.Error(err)
				}
				d.ended <- nil
				took := time.Since(began)
				t.Logf("down in %v", took)
				if n := len(d.x.Bindings()); !dead && n != 0 {
					t.Errorf("%d bindings stayed", n)
				}
				if took > unregisterTime+100*time.Millisecond {
					t.Errorf("took %v", took)
				}
				if f := d.phone(1).Feed().String(); f != "off" {
					t.Errorf("feed of port 1 is %s", f)
				}
				if !dead && len(d.messages(ours, began, "BYE")) == 0 {
					t.Error("the call was not released")
				}
				if err := d.gw.Apply(d.gw.Config()); err != ErrNotRunning {
					t.Errorf("Apply on a gateway that is down: %v", err)
				}
			})
		})
	}
}
