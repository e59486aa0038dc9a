package gateway

import (
	"math"
	"strings"
	"testing"
	"time"

	"tipring/config"
	"tipring/sipua"
)

// change applies a changed copy of the running configuration.
func (d *desk) change(f func(c *config.Config)) {
	d.Helper()
	c := d.gw.Config().Clone()
	f(c)
	if err := d.gw.Apply(c); err != nil {
		d.Fatal(err)
	}
}

// unbroken tells whether a tone goes through a recording without a hole: no frame is far from the mean level.
func unbroken(pcm []int16) (worst float64) {
	var levels []float64
	mean := 0.0
	for i := 0; i+80 <= len(pcm); i += 80 {
		e := 1.0
		for _, s := range pcm[i : i+80] {
			e += float64(s) * float64(s)
		}
		levels = append(levels, 10*math.Log10(e/80))
		mean += levels[len(levels)-1]
	}
	mean /= float64(len(levels))
	for _, l := range levels {
		worst = max(worst, math.Abs(l-mean))
	}
	return worst
}

// Only the port whose settings changed hears of it; the voice of the others has no hole.
func TestApplyLeavesOtherPortsAlone(t *testing.T) {
	at(t, setup{ports: []string{portYAML(1, ""), `{port: 2, enabled: true, user: "1002", password: wrong}`, portYAML(3, "")}, cold: true}, func(d *desk) {
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", 3*time.Second)
		time.Sleep(2 * time.Second)
		d.wantRow(2, "reg-fail:Activ Idle ON-HOOK")
		d.call(3, 1)
		d.phone(3).Tone(1004, -10, 20*time.Second)
		time.Sleep(2 * time.Second)
		began := time.Now()
		recorded := make(chan []int16, 1)
		go func() { recorded <- d.phone(1).Record(10 * time.Second) }()

		time.Sleep(time.Second)
		d.change(func(c *config.Config) { c.Ports[1].Password = "secret2" })
		d.awaitRow(2, "reg-ok:Activ Idle ON-HOOK", 100*time.Millisecond) // the right password registers at once
		time.Sleep(time.Second)
		d.change(func(c *config.Config) { c.Ports[1].User, c.Ports[1].Password = "1004", "secret4" })
		time.Sleep(time.Second)
		d.wantRow(2, "reg-ok:Activ Idle ON-HOOK")
		var users []string
		for _, b := range d.x.Bindings() {
			users = append(users, b.User)
		}
		if strings.Join(users, " ") != "1001 1003 1004" {
			t.Errorf("bindings of %v", users)
		}
		d.change(func(c *config.Config) { c.Ports = append(c.Ports[:1:1], c.Ports[2]) }) // port 2 is taken out
		time.Sleep(time.Second)
		d.change(func(c *config.Config) { // and comes back
			c.Ports = append(c.Ports, config.Port{Port: 2, Enabled: true, Service: "main", User: "1002", Password: "secret2"})
		})
		d.awaitRow(2, "reg-ok:Activ Idle ON-HOOK", 100*time.Millisecond)

		bad := d.gw.Config().Clone()
		bad.Ports[0].Country, bad.Ports[1].User = "XX", "1009"
		if err := d.gw.Apply(bad); err == nil {
			t.Error("a country that does not exist was applied")
		}
		if worst := unbroken(<-recorded); worst > 1 {
			t.Errorf("the call was disturbed: a frame is %.1f dB off", worst)
		}
		d.wantRow(1, "reg-ok:Activ Talking OFF-HOOK 1003 in")
		for _, m := range d.messages(ours, began, "REGISTER") {
			if to := head(string(m.Payload), "To"); strings.Contains(to, "1001") || strings.Contains(to, "1003") {
				t.Errorf("a port without changes registered:\n%s", m.Payload)
			}
		}
		d.rest(3, 1)
		d.call(2, 1) // the port that came back is whole
		d.rest(1)
		d.wantHears(2, "busy")
		d.rest(2)
	})
}

// A new digit map waits until the telephone is at rest.
func TestApplyDigitMapAtRest(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("10")
		d.change(func(c *config.Config) { c.Ports[2].DigitMap = "9x" })
		d.phone(3).Dial("01")
		d.wantHears(1, "ring") // the number that was begun by the old map
		d.rest(3)
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		time.Sleep(time.Second)
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1")
		d.wantHears(3, "unobtainable")
		d.rest(3)
	})
}

// A port moves to another provider; a provider's settings change under a call, which ends; the rest is undisturbed.
func TestApplyServices(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.call(3, 1)
		d.change(func(c *config.Config) {
			second := c.Services[0]
			second.Name, second.Local = "second", addrPort("10.0.1.1:5062")
			second.Servers = []config.Server{{Host: "10.0.0.2", Port: 5060, Transport: "udp"}}
			c.Services = append(c.Services, second)
			c.Ports[1].Service = "second"
		})
		d.awaitRow(2, "reg-ok:Activ Idle ON-HOOK", 200*time.Millisecond)
		if r := d.status(2).Registration; r.Server != sbc2 {
			t.Errorf("port 2 registered with %s", r.Server)
		}
		for _, b := range d.x.Bindings() {
			if b.User == "1002" && b.Source.Port() != 5062 {
				t.Errorf("an old binding stayed: %+v", b)
			}
		}
		d.talks(3, 1, 1004)
		d.change(func(c *config.Config) { c.Services[0].Expires = 30 * time.Minute })
		d.wantHears(3, "congestion")
		d.wantHears(1, "congestion")
		for n := 1; n <= 3; n++ {
			d.wait(time.Second, "registrations", func() bool { return d.status(n).Registration.OK() })
		}
		if e := d.status(1).Registration.Expires; e != 30*time.Minute {
			t.Errorf("expires %v", e)
		}
		if out, in := d.lastCall(3), d.lastCall(1); out.Result() != "answered" || in.Result() != "answered" || len(d.gw.History()) != 2 {
			t.Errorf("%+v", d.gw.History())
		}
		d.rest(1, 3)
		d.call(2, 3) // from one provider to the other
		d.rest(2, 3)
		d.change(func(c *config.Config) { c.Services, c.Ports[1].Service = c.Services[:1], "main" })
		d.awaitRow(2, "reg-ok:Activ Idle ON-HOOK", time.Second)
		if n := len(d.gw.SIPStats()); n != 1 {
			t.Errorf("%d services", n)
		}
	})
}

// While a service cannot open its address the ports say why; when it can, they register.
func TestServiceAddressTaken(t *testing.T) {
	at(t, setup{cold: true, service: ", options_interval: 0s"}, func(d *desk) {
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		other := d.socket("10.0.1.1:5070")
		d.change(func(c *config.Config) { c.Services[0].Local = addrPort("10.0.1.1:5070") })
		time.Sleep(time.Second)
		r := d.status(1).Registration
		if r.State != sipua.Resolving || !strings.Contains(r.Reason, "10.0.1.1:5070") || r.NextTry.IsZero() {
			t.Errorf("%+v", r)
		}
		d.phone(1).Lift()
		d.wantHears(1, "dial")
		d.phone(1).Dial("1002")
		d.wantHears(1, "congestion")
		d.phone(1).Hangup()
		other.Close()
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Minute)
	})
}

// A port that was taken out is not called any more, neither by number nor by its Contact; the one that takes its place is.
func TestRemovedPortLeavesNoGhost(t *testing.T) {
	atFar(t, setup{ports: []string{portYAML(1, ""), portYAML(2, "")}}, func(f *far) {
		old := f.contactOf("1001")
		f.change(func(c *config.Config) { c.Ports = c.Ports[1:] })
		time.Sleep(time.Second)
		for _, target := range []string{old, "sip:1001@" + ours} {
			k := &talk{f: f, callID: target, local: "<sip:2001@example.net>;tag=far", remote: "<sip:1001@example.net>", target: target}
			k.request("INVITE", sdpAudio("8", "sendrecv"))
			k.hears(404)
			k.request("ACK", "")
		}
		f.change(func(c *config.Config) {
			c.Ports = append(c.Ports, config.Port{Port: 1, Enabled: true, Service: "main", User: "1001", Password: "x"})
		})
		time.Sleep(time.Second)
		k := &talk{f: f, callID: "new", local: "<sip:2001@example.net>;tag=far", remote: "<sip:1001@example.net>", target: "sip:1001@" + ours}
		k.request("INVITE", sdpAudio("8", "sendrecv"))
		k.hears(180)
		f.wantHears(1, "ring")
		k.request("CANCEL", "")
		k.hears(200)
		k.hears(487)
		k.request("ACK", "")
	})
}

// RTP ports come back, whatever became of the call; when there is none left, nobody rings and the caller can read why.
func TestRTPPortsComeBack(t *testing.T) {
	at(t, setup{more: "media: {rtp_ports: 51000-51003}\n"}, func(d *desk) {
		for range 3 {
			d.call(3, 1)
			d.phone(2).Lift()
			d.wantHears(2, "dial")
			d.phone(2).Dial("1001")
			d.wantHears(2, "congestion")
			if c := d.status(2).Call.Cause; !strings.Contains(c, "no RTP port") {
				t.Errorf("cause %q", c)
			}
			d.rest(1, 2, 3)
			d.phone(3).Lift()
			d.wantHears(3, "dial")
			d.phone(3).Dial("1001")
			d.wantHears(1, "ring")
			d.rest(3)
			d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		}
	})
}

// Ports and services that come and go a hundred times leave nothing behind and never miss each other.
func TestApplyManyTimes(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		for i := range 100 {
			d.change(func(c *config.Config) {
				switch i % 4 {
				case 0:
					c.Ports = c.Ports[:2]
				case 1:
					c.Ports = append(c.Ports, config.Port{Port: 3, Enabled: true, Service: "main", User: "1003", Password: "secret3", DigitMap: "1xxx"})
				case 2:
					c.Services[0].Expires += time.Second
				case 3:
					c.Ports[0].Enabled = !c.Ports[0].Enabled
				}
			})
			if i%3 == 0 {
				time.Sleep(time.Duration(i) * time.Millisecond)
			}
		}
		d.change(func(c *config.Config) { c.Ports[0].Enabled = true })
		for n := 1; n <= 3; n++ {
			d.awaitRow(n, "reg-ok:Activ Idle ON-HOOK", 5*time.Second)
		}
		if b := d.x.Bindings(); len(b) != 3 {
			t.Errorf("%d bindings: %+v", len(b), b)
		}
		d.call(3, 1)
		d.rest(3, 1)
	})
}
