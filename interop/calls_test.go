//go:build interop

package interop

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Three ports register with digest; Kamailio's own table is the proof. On shutdown the table is empty again.
func TestRegister(t *testing.T) {
	k := startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	for _, user := range []string{"1001", "1002", "1003"} {
		k.waitContacts(t, user, 1)
		if got := k.contacts(t, user)[0]; !strings.Contains(got, agentAddr) {
			t.Errorf("binding of %s is %s, want one at %s", user, got, agentAddr)
		}
	}
	for n := 1; n <= 3; n++ {
		a.waitRegistered(t, n)
	}
	// Disabling removes the binding, enabling brings it back at once.
	if _, err := a.api.SetEnabled(context.Background(), 2, false); err != nil {
		t.Fatal(err)
	}
	k.waitContacts(t, "1002", 0)
	if _, err := a.api.SetEnabled(context.Background(), 2, true); err != nil {
		t.Fatal(err)
	}
	k.waitContacts(t, "1002", 1)
	a.stop(syscall.SIGTERM)
	for _, user := range []string{"1001", "1002", "1003"} {
		k.waitContacts(t, user, 0)
	}
	c.close()
	c.wantClean(t, agentAddr)
}

// A wrong password is refused and shown, the neighbours do not notice; put right, the port registers at once.
func TestWrongPassword(t *testing.T) {
	k := startKamailio(t)
	a := startAgent(t, map[int]string{2: "wrong"})
	a.waitRegistered(t, 1)
	a.waitRegistered(t, 3)
	until(t, 10*time.Second, "the refusal to be shown", func() bool { return a.port(t, 2).Registration.State == "refused" })
	if r := a.port(t, 2).Registration; r.Code != 401 || r.OK {
		t.Errorf("port 2: %+v, want refused by 401", r)
	}
	a.write(t, nil)
	if _, err := a.api.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	k.waitContacts(t, "1002", 1)
	a.waitRegistered(t, 2)
	if log := a.text(); strings.Contains(log, "pw1001") || strings.Contains(log, "wrong") {
		t.Error("a password stands in the log")
	}
}

// Kamailio dies and comes back with an empty table: the ports notice and register again by themselves.
func TestRegistrarRestart(t *testing.T) {
	k := startKamailio(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	k.stop(syscall.SIGKILL)
	if _, err := a.api.RefreshRegistrations(context.Background()); err != nil {
		t.Fatal(err)
	}
	until(t, 60*time.Second, "the silence to be counted", func() bool { return a.port(t, 1).Registration.Attempts > 0 })
	k.boot(t)
	until(t, 90*time.Second, "the binding to come back", func() bool { return len(k.contacts(t, "1001")) == 1 })
}

// Port to port through Kamailio, sound both ways, digits as telephone-events, the callee hangs up.
func TestPortToPort(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	a.waitRegistered(t, 3)

	a.phone(t, 3, "lift")
	a.hears(t, 3, "dial", 3)
	a.phone(t, 3, "dial 1001")
	a.hears(t, 1, "ring", 5)
	a.hears(t, 3, "ringback", 5)
	until(t, 5*time.Second, "the display of port 1", func() bool {
		d := a.phone(t, 1, "display").Display
		return d != nil && d.Number == "1003"
	})
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	a.waitState(t, 3, "Talking")
	a.phone(t, 3, "tone 1004 4000")
	a.hears(t, 1, "tone 1004", 3)
	a.phone(t, 1, "tone 700 2000")
	a.hears(t, 3, "tone 700", 3)
	until(t, 10*time.Second, "the tone to end", func() bool { return a.phone(t, 1, "hears").Heard.Name == "silence" })
	a.phone(t, 3, "dial 159D")
	time.Sleep(500 * time.Millisecond)
	a.phone(t, 1, "hangup")
	a.hears(t, 3, "busy", 5)
	a.phone(t, 3, "hangup")
	a.waitState(t, 3, "Idle")

	c.close()
	c.wantClean(t, agentAddr)
	c.wantRTP(t, 100)
	c.wantDigits(t, "159D")
}

// A port calls baresip, which plays 1004 Hz and records; baresip hears our 700 Hz.
func TestPortToBaresip(t *testing.T) {
	startKamailio(t)
	wav := filepath.Join(t.TempDir(), "tone1004.wav")
	run(t, "sox", "-R", "-n", "-r", "8000", "-c", "1", "-b", "16", wav, "synth", "30", "sine", "1004", "gain", "-10")
	b := startBaresip(t, "2001", "auto", wav)
	b.waitLog("200 OK", 10*time.Second)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)

	a.phone(t, 1, "lift")
	a.hears(t, 1, "dial", 3)
	a.phone(t, 1, "dial 2001")
	a.waitState(t, 1, "Talking")
	a.hears(t, 1, "tone 1004", 5)
	a.phone(t, 1, "tone 700 4000")
	time.Sleep(4 * time.Second)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	b.waitLog("terminated", 5*time.Second)
	b.stop(syscall.SIGTERM) // closes the recording

	wantTone(t, b.heard(t), 700)
	c.close()
	c.wantClean(t, agentAddr)
	c.wantRTP(t, 150)
}

// baresip calls a port, holds and resumes it, and hangs up: the port hears it and then busy tone.
func TestBaresipToPort(t *testing.T) {
	startKamailio(t)
	wav := filepath.Join(t.TempDir(), "tone1004.wav")
	run(t, "sox", "-R", "-n", "-r", "8000", "-c", "1", "-b", "16", wav, "synth", "60", "sine", "1004", "gain", "-10")
	b := startBaresip(t, "2001", "manual", wav)
	b.waitLog("200 OK", 10*time.Second)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)

	b.command(t, "dial", "sip:1001@"+sbcAddr)
	a.hears(t, 1, "ring", 5)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	a.hears(t, 1, "tone 1004", 5)
	a.phone(t, 1, "tone 700 3000")
	time.Sleep(3 * time.Second)
	wantTone(t, b.heard(t), 700)
	b.command(t, "hold", "")
	a.waitState(t, 1, "Holding")
	b.command(t, "resume", "")
	a.waitState(t, 1, "Talking")
	a.hears(t, 1, "tone 1004", 5)
	b.command(t, "hangup", "")
	a.hears(t, 1, "busy", 5)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")

	c.close()
	c.wantClean(t, agentAddr)
}
