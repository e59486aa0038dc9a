package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tipring/api"
	"tipring/internal/exchange"
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

// patience is how long anything may take on a slow machine. It is not a figure that is promised: those are measured
// where time is virtual.
const patience = 15 * time.Second

// boot: every enabled port registers; the one with the wrong password says so.
func (d *demo) boot(ctx context.Context) error {
	err := until(ctx, patience, "reg-ok, reg-fail, reg-ok", func() (bool, error) {
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
	d.say("boot", "ports 1 and 3 are registered, port 2 was refused: %d %s", p.Registration.Code, p.Registration.Reason)
	d.say("registrar", "its table holds %s", d.table())
	if d.bound("1002") || !d.bound("1001") || !d.bound("1003") {
		return fmt.Errorf("the registrar's table holds %s", d.table())
	}
	return d.row(ctx)
}

// bound asks the registrar, which is the other side of the cable.
func (d *demo) bound(user string) bool {
	return slices.ContainsFunc(d.x.Bindings(), func(b exchange.Binding) bool { return b.User == user })
}

func (d *demo) table() string {
	var users []string
	for _, b := range d.x.Bindings() {
		users = append(users, b.User)
	}
	return strings.Join(users, ", ")
}

// dial: phone 3 is lifted, hears dial tone and dials.
func (d *demo) dial(ctx context.Context) error {
	if _, err := d.phone(ctx, 3, "lift"); err != nil {
		return err
	}
	h, err := d.hears(ctx, 3, "dial")
	if err != nil {
		return err
	}
	d.say("phone 3", "lifts, and hears %s", h.Text)
	if err := d.row(ctx); err != nil {
		return err
	}
	d.say("phone 3", "dials 1001 in tones")
	_, err = d.phone(ctx, 3, "dial", "1001")
	return err
}

// ring: phone 1 rings in the country's cadence and its display shows who calls; phone 3 hears ringback.
func (d *demo) ring(ctx context.Context) error {
	first, err := d.hears(ctx, 1, "ring")
	if err != nil {
		return err
	}
	d.say("phone 1", "rings")
	back, err := d.hears(ctx, 3, "ringback")
	if err != nil {
		return err
	}
	d.say("phone 3", "hears %s", back.Text)
	if err := d.row(ctx); err != nil {
		return err
	}
	var shown string
	err = until(ctx, patience, "the caller on the display of phone 1", func() (bool, error) {
		r, err := d.phone(ctx, 1, "display")
		if err != nil || r.Display == nil {
			return false, err
		}
		shown = fmt.Sprintf("%q, sent as %s", r.Text, r.Display.Standard)
		// Some countries' caller ID has no room for a name.
		return r.Display.Number == "1003" && (r.Display.Name == "" || strings.EqualFold(r.Display.Name, "Zhang Min")), nil
	})
	if err != nil {
		return err
	}
	d.say("phone 1", "shows on its display %s", shown)
	var second api.PhoneResult
	err = until(ctx, patience, "the second ring", func() (bool, error) {
		second, err = d.hears(ctx, 1, "ring")
		return err == nil && second.Heard.Since.After(first.Heard.Since.Time) && strings.Contains(second.Heard.Cadence, "/"), err
	})
	if err != nil {
		return err
	}
	d.say("phone 1", "rings again; the bell's cadence is %s ms", second.Heard.Cadence)
	return nil
}

// answer: phone 1 is lifted while it rings.
func (d *demo) answer(ctx context.Context) error {
	if _, err := d.phone(ctx, 1, "lift"); err != nil {
		return err
	}
	err := until(ctx, patience, "both ports to be Talking", func() (bool, error) {
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
	d.say("phone 1", "answers")
	return d.row(ctx)
}

// talk: a tone each way, its level and how long it was under way.
func (d *demo) talk(ctx context.Context) error {
	for _, way := range []struct{ from, to, hz int }{{3, 1, 1004}, {1, 3, 804}} {
		if err := d.speak(ctx, way.from, way.to, way.hz); err != nil {
			return err
		}
	}
	calls, err := d.client.Calls(ctx)
	if err != nil {
		return err
	}
	for _, c := range calls {
		if c.Media == nil || c.Media.Lost > 0 {
			return fmt.Errorf("port %d: RTP %+v", c.Port, c.Media)
		}
		d.say(fmt.Sprintf("port %d", c.Port), "%s: %d packets out, %d in, none lost, jitter %.1f ms", c.Codec, c.Media.Sent, c.Media.Received, c.Media.JitterMS)
	}
	return nil
}

// speak sends a tone from one telephone to the other.
func (d *demo) speak(ctx context.Context, from, to, hz int) error {
	sent, err := d.phone(ctx, from, "tone", fmt.Sprint(hz), fmt.Sprint(toneTime.Milliseconds()))
	if err != nil {
		return err
	}
	h, err := d.hears(ctx, to, fmt.Sprintf("tone %d", hz))
	if err != nil {
		return err
	}
	buffer, err := d.buffer(ctx, to)
	if err != nil {
		return err
	}
	delay := h.Heard.Since.Sub(sent.At.Time).Milliseconds()
	if delay <= 0 || delay > 1000 { // no machine is that slow
		return fmt.Errorf("%d ms from phone %d to phone %d", delay, from, to)
	}
	// The level is that of the tone's middle: its first moment may have met an empty buffer.
	err = until(ctx, toneTime, fmt.Sprintf("%d Hz at %.0f dBm0 at phone %d", hz, toneLevel, to), func() (bool, error) {
		now, err := d.phone(ctx, to, "hears")
		if err != nil || now.Heard == nil || now.Heard.Name != "tone" {
			return false, err
		}
		h = now
		return math.Abs(h.Heard.Level-toneLevel) <= 1, nil
	})
	if err != nil {
		return fmt.Errorf("%w; it heard %s", err, h.Text)
	}
	d.say(fmt.Sprintf("phone %d", from), "speaks %d Hz at %.0f dBm0", hz, toneLevel)
	d.say(fmt.Sprintf("phone %d", to), "hears %s after %d ms (%s)", h.Text, delay, parts(delay, buffer))
	_, err = d.hears(ctx, to, "silence") // the tone's own echo would mix with the next one
	return err
}

// buffer is for how many milliseconds of speech the port's jitter buffer waits now.
func (d *demo) buffer(ctx context.Context, port int) (int64, error) {
	calls, err := d.client.Calls(ctx)
	for _, c := range calls {
		if c.Port == port && c.Media != nil {
			return int64(c.Media.BufferForMS), nil
		}
	}
	if err == nil {
		err = fmt.Errorf("port %d is in no call", port)
	}
	return 0, err
}

// parts takes a delay to pieces. The buffer's target counts from the packet's first sample, so the packet is in it. The
// rest are both codecs, both voice pumps, and how long this machine lets them wait: on a busy one that is most of it.
func parts(delay, buffer int64) string {
	const packet = 20
	if rest := delay - buffer; rest >= 0 {
		return fmt.Sprintf("%d packet + %d jitter buffer + %d codecs, pumps and this machine's load", packet, max(buffer-packet, 0), rest)
	}
	return fmt.Sprintf("%d packet + %d all the rest; this machine's load has made the jitter buffer grow to %d since", packet, delay-packet, buffer)
}

// release: the callee hangs up, the caller hears busy tone and hangs up, too.
func (d *demo) release(ctx context.Context) error {
	if _, err := d.phone(ctx, 1, "hangup"); err != nil {
		return err
	}
	d.say("phone 1", "hangs up")
	var h api.PhoneResult
	err := until(ctx, patience, "busy tone at phone 3", func() (bool, error) {
		var err error
		h, err = d.hears(ctx, 3, "busy")
		return err == nil && strings.Contains(h.Heard.Cadence, "/"), err // a whole period
	})
	if err != nil {
		return err
	}
	d.say("phone 3", "hears %s in the cadence %s ms", h.Text, h.Heard.Cadence)
	if err := d.row(ctx); err != nil {
		return err
	}
	if _, err := d.phone(ctx, 3, "hangup"); err != nil {
		return err
	}
	d.say("phone 3", "hangs up")
	return until(ctx, patience, "port 3 to be Idle", func() (bool, error) {
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
	d.say("repair", "the right password is in the file, which the running daemon reads again; changed: %s", r.Message)
	err = until(ctx, patience, "the binding of 1002 at the registrar", func() (bool, error) { return d.bound("1002"), nil })
	if err != nil {
		return err
	}
	took := time.Since(start)
	err = until(ctx, patience, "port 2 to be registered", func() (bool, error) {
		p, err := d.client.Port(ctx, 2)
		return p.Registration.OK, err
	})
	if err != nil {
		return err
	}
	d.say("registrar", "its table holds %s; the new one came %d ms after the reload was asked for", d.table(), took.Milliseconds())
	return d.row(ctx)
}

// toneLevel is how loud `phone N tone` speaks, in dBm0; toneTime how long it does here.
const (
	toneLevel = -16.0
	toneTime  = 1200 * time.Millisecond
)

func (d *demo) phone(ctx context.Context, n int, action string, args ...string) (api.PhoneResult, error) {
	r, err := d.client.Phone(ctx, n, action, args...)
	if err != nil {
		return r, fmt.Errorf("phone %d %s: %w", n, action, err)
	}
	return r, nil
}

// hears waits until the ear at the telephone measures what.
func (d *demo) hears(ctx context.Context, n int, what string) (api.PhoneResult, error) {
	r, err := d.phone(ctx, n, "wait", what, fmt.Sprint(int(patience.Seconds())))
	if err != nil {
		return r, err
	}
	if !r.OK || r.Heard == nil {
		return r, fmt.Errorf("phone %d should hear %s: %s", n, what, r.Text)
	}
	return r, nil
}
