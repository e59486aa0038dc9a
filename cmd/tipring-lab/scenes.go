package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"tipring/api"
)

// play is the demonstration, scene by scene.
func (d *demo) play(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{d.boot, d.dial, d.ring, d.answer, d.talk, d.release, d.repair} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// boot: every enabled port registers; the one with the wrong password says so.
func (d *demo) boot(ctx context.Context) error {
	err := until(ctx, 5*time.Second, "reg-ok, reg-fail, reg-ok", func() (bool, error) {
		all, err := d.client.Ports(ctx)
		if err != nil || len(all) != 3 {
			return false, err
		}
		return all[0].Registration.OK && all[1].Registration.State == "refused" && all[2].Registration.OK, nil
	})
	if err != nil {
		return err
	}
	p, err := d.client.Port(ctx, 2)
	if err != nil {
		return err
	}
	d.say("ports 1 and 3 are registered; port 2 was refused: %d %s", p.Registration.Code, p.Registration.Reason)
	return d.row(ctx)
}

// dial: phone 3 is lifted, hears dial tone and dials.
func (d *demo) dial(ctx context.Context) error {
	if _, err := d.phone(ctx, 3, "lift"); err != nil {
		return err
	}
	h, err := d.hears(ctx, 3, "dial", 3)
	if err != nil {
		return err
	}
	d.say("phone 3 lifts and hears %s", h.Text)
	if err := d.row(ctx); err != nil {
		return err
	}
	d.say("phone 3 dials 1001")
	_, err = d.phone(ctx, 3, "dial", "1001")
	return err
}

// ring: phone 1 rings in the country's cadence and its display shows who calls; phone 3 hears ringback.
func (d *demo) ring(ctx context.Context) error {
	first, err := d.hears(ctx, 1, "ring", 3)
	if err != nil {
		return err
	}
	d.say("phone 1 rings")
	back, err := d.hears(ctx, 3, "ringback", 3)
	if err != nil {
		return err
	}
	d.say("phone 3 hears %s", back.Text)
	if err := d.row(ctx); err != nil {
		return err
	}
	var shown string
	err = until(ctx, 5*time.Second, "the caller on the display of phone 1", func() (bool, error) {
		r, err := d.phone(ctx, 1, "display")
		if err != nil || r.Display == nil {
			return false, err
		}
		shown = fmt.Sprintf("%s  (%s)", r.Text, r.Display.Standard)
		return r.Display.Number == "1003" && strings.EqualFold(r.Display.Name, "Zhang Min"), nil
	})
	if err != nil {
		return err
	}
	d.say("the display of phone 1 shows %s", shown)
	var second api.PhoneResult
	err = until(ctx, 8*time.Second, "the second ring", func() (bool, error) {
		second, err = d.hears(ctx, 1, "ring", 7)
		return err == nil && second.Heard.Since.After(first.Heard.Since.Time), err
	})
	if err != nil {
		return err
	}
	d.say("phone 1 rings again: cadence %s ms", second.Heard.Cadence)
	return nil
}

// answer: phone 1 is lifted while it rings.
func (d *demo) answer(ctx context.Context) error {
	if _, err := d.phone(ctx, 1, "lift"); err != nil {
		return err
	}
	err := until(ctx, 3*time.Second, "both ports to be Talking", func() (bool, error) {
		a, err := d.client.Port(ctx, 1)
		if err != nil {
			return false, err
		}
		b, err := d.client.Port(ctx, 3)
		return a.Call.State == "Talking" && b.Call.State == "Talking", err
	})
	if err != nil {
		return err
	}
	d.say("phone 1 answers")
	return d.row(ctx)
}

// talk: a tone each way, its level and how long it was under way.
func (d *demo) talk(ctx context.Context) error {
	for _, way := range []struct{ from, to, hz int }{{3, 1, 1004}, {1, 3, 804}} {
		sent, err := d.phone(ctx, way.from, "tone", fmt.Sprint(way.hz), "1200")
		if err != nil {
			return err
		}
		h, err := d.hears(ctx, way.to, fmt.Sprintf("tone %d", way.hz), 3)
		if err != nil {
			return err
		}
		if math.Abs(h.Heard.Level-toneLevel) > 1 {
			return fmt.Errorf("phone %d hears %s; %d Hz was sent at %.0f dBm0", way.to, h.Text, way.hz, toneLevel)
		}
		delay := h.Heard.Since.Sub(sent.At.Time)
		if delay <= 0 || delay > 400*time.Millisecond { // ITU-T G.114: the planning limit
			return fmt.Errorf("one-way delay %v from phone %d to phone %d", delay, way.from, way.to)
		}
		if _, err := d.hears(ctx, way.to, "silence", 5); err != nil { // its own echo would mix with the next tone
			return err
		}
		d.say("phone %d speaks %d Hz at %.0f dBm0, phone %d hears %s; one-way delay %d ms", way.from, way.hz, toneLevel, way.to, h.Text, delay.Milliseconds())
	}
	calls, err := d.client.Calls(ctx)
	if err != nil {
		return err
	}
	for _, c := range calls {
		if c.Media == nil || c.Media.Lost > 0 {
			return fmt.Errorf("port %d: RTP %+v", c.Port, c.Media)
		}
		d.say("port %d: %s, %d packets out, %d in, none lost, jitter buffer %.0f ms (20 ms of it are the packet)", c.Port, c.Codec, c.Media.Sent, c.Media.Received, c.Media.BufferForMS)
	}
	return nil
}

// release: the callee hangs up, the caller hears busy tone and hangs up, too.
func (d *demo) release(ctx context.Context) error {
	if _, err := d.phone(ctx, 1, "hangup"); err != nil {
		return err
	}
	var h api.PhoneResult
	err := until(ctx, 5*time.Second, "busy tone at phone 3", func() (bool, error) {
		var err error
		h, err = d.hears(ctx, 3, "busy", 5)
		return err == nil && strings.Contains(h.Heard.Cadence, "/"), err // a whole period
	})
	if err != nil {
		return err
	}
	d.say("phone 1 hangs up, phone 3 hears %s, cadence %s ms", h.Text, h.Heard.Cadence)
	if err := d.row(ctx); err != nil {
		return err
	}
	if _, err := d.phone(ctx, 3, "hangup"); err != nil {
		return err
	}
	return until(ctx, 3*time.Second, "port 3 to be Idle", func() (bool, error) {
		p, err := d.client.Port(ctx, 3)
		return p.Call.State == "Idle" && p.Line.Physical == "ON-HOOK", err
	})
}

// repair: port 2 gets the right password by a reload, and registers at once.
func (d *demo) repair(ctx context.Context) error {
	if err := d.configure("secret2"); err != nil {
		return err
	}
	start := time.Now()
	r, err := d.client.Reload(ctx)
	if err != nil {
		return err
	}
	d.say("the right password is written and the configuration reloaded: %s", r.Message)
	err = until(ctx, 3*time.Second, "the binding of 1002 at the registrar", func() (bool, error) {
		for _, b := range d.x.Bindings() {
			if b.User == "1002" {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	took := time.Since(start)
	err = until(ctx, 2*time.Second, "port 2 to be registered", func() (bool, error) {
		p, err := d.client.Port(ctx, 2)
		return p.Registration.OK, err
	})
	if err != nil {
		return err
	}
	d.say("port 2 is registered, %d ms after the reload", took.Milliseconds())
	return d.row(ctx)
}

// toneLevel is how loud `phone N tone` speaks, in dBm0.
const toneLevel = -16.0

func (d *demo) phone(ctx context.Context, n int, action string, args ...string) (api.PhoneResult, error) {
	r, err := d.client.Phone(ctx, n, action, args...)
	if err != nil {
		return r, fmt.Errorf("phone %d %s: %w", n, action, err)
	}
	return r, nil
}

// hears waits until the ear at the telephone measures what.
func (d *demo) hears(ctx context.Context, n int, what string, seconds int) (api.PhoneResult, error) {
	r, err := d.phone(ctx, n, "wait", what, fmt.Sprint(seconds))
	if err != nil {
		return r, err
	}
	if !r.OK || r.Heard == nil {
		return r, fmt.Errorf("phone %d should hear %s within %d s: %s", n, what, seconds, r.Text)
	}
	return r, nil
}
