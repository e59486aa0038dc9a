//go:build interop

package interop

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Levels: a telephone of the desk speaks at -16 dBm0; a sine of -10 dBFS is 3.14-10 dBm0.
const (
	spoken = -16.0
	played = 3.14 - 10
)

// Port to port through Kamailio, sound both ways, digits as telephone-events, the callee hangs up.
func TestPortToPort(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, setup{})
	a.waitRegistered(t, 1, 3)

	a.seize(t, 3)
	a.phone(t, 3, "dial 1001")
	a.hears(t, 1, "ring", 10)
	a.hears(t, 3, "ringback", 10)
	until(t, 10*time.Second, "the display of port 1", func() bool {
		d := a.phone(t, 1, "display").Display
		return d != nil && d.Number == "1003"
	})
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	a.waitState(t, 3, "Talking")
	if p := a.port(t, 1).Call; p.Peer != "1003" || p.Direction != "in" {
		t.Errorf("port 1 shows %+v, want a call from 1003", p)
	}
	a.phone(t, 3, "tone 1004 2500")
	a.hearsTone(t, 1, 1004, spoken)
	a.hears(t, 1, "silence", 10)
	a.phone(t, 1, "tone 700 2500")
	a.hearsTone(t, 3, 700, spoken)
	until(t, 10*time.Second, "the tone to end", func() bool { return a.phone(t, 1, "hears").Heard.Name == "silence" })
	a.phone(t, 3, "dial 159D")
	time.Sleep(500 * time.Millisecond)
	a.phone(t, 1, "hangup")
	a.hears(t, 3, "busy", 10)
	a.phone(t, 3, "hangup")
	a.waitState(t, 3, "Idle")

	c.wantRTP(t, 2, 100)
	c.wantDigits(t, "159D")
}

// A port calls baresip, which plays 1004 Hz and records; baresip hears our 700 Hz. We hang up.
func TestPortToBaresip(t *testing.T) {
	k := startKamailio(t)
	b := startBaresip(t, "2001", "auto", sine1004(t))
	k.waitContacts(t, "2001", 1)
	c := startCapture(t)
	a := startAgent(t, setup{})
	a.waitRegistered(t, 1)

	a.seize(t, 1)
	a.phone(t, 1, "dial 2001")
	a.waitState(t, 1, "Talking")
	a.hearsTone(t, 1, 1004, played)
	a.phone(t, 1, "tone 700 3000")
	time.Sleep(3500 * time.Millisecond)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	b.waitLog("terminated", 10*time.Second)
	b.stop(syscall.SIGTERM) // closes the recording

	wantTone(t, b.heard(t), 700, spoken)
	c.wantRTP(t, 1, 150)
}

// The recall button: baresip is held by us for an enquiry to another port, and taken back.
func TestPortHoldsBaresip(t *testing.T) {
	k := startKamailio(t)
	b := startBaresip(t, "2001", "auto", sine1004(t))
	k.waitContacts(t, "2001", 1)
	a := startAgent(t, setup{})
	a.waitRegistered(t, 1)
	a.waitRegistered(t, 3)

	a.seize(t, 1)
	a.phone(t, 1, "dial 2001")
	a.waitState(t, 1, "Talking")
	a.hearsTone(t, 1, 1004, played)
	a.phone(t, 1, "flash 200")
	a.hears(t, 1, "dial", 10)
	a.phone(t, 1, "dial 1003")
	a.hears(t, 3, "ring", 10)
	a.phone(t, 3, "lift")
	a.waitState(t, 3, "Talking")
	a.phone(t, 3, "tone 700 3000")
	a.hearsTone(t, 1, 700, spoken)
	a.phone(t, 1, "flash 200")
	a.waitState(t, 3, "Holding")
	a.hearsTone(t, 1, 1004, played)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	a.hears(t, 3, "busy", 10)
	a.phone(t, 3, "hangup")
	b.waitLog("terminated", 10*time.Second)
}

// baresip calls a port, holds and resumes it, and hangs up: the port hears it and then busy tone.
func TestBaresipToPort(t *testing.T) {
	k := startKamailio(t)
	b := startBaresip(t, "2001", "manual", sine1004(t))
	k.waitContacts(t, "2001", 1)
	c := startCapture(t)
	a := startAgent(t, setup{})
	a.waitRegistered(t, 1)

	b.command(t, "dial", "sip:1001@"+sbcAddr)
	a.hears(t, 1, "ring", 10)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	a.hearsTone(t, 1, 1004, played)
	a.phone(t, 1, "tone 700 3000")
	time.Sleep(3500 * time.Millisecond)
	b.command(t, "hold", "")
	a.waitState(t, 1, "Holding")
	a.hears(t, 1, "silence", 10)
	b.command(t, "resume", "")
	a.waitState(t, 1, "Talking")
	a.hearsTone(t, 1, 1004, played)
	b.command(t, "hangup", "")
	a.hears(t, 1, "busy", 10)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	b.stop(syscall.SIGTERM)

	wantTone(t, b.heard(t), 700, spoken)
	c.wantRTP(t, 1, 150)
	// Our answers follow the far end's wish: sendrecv, then recvonly (or inactive), then sendrecv again.
	var got []string
	for _, r := range c.fields(t, "sip.Status-Code == 200 and sdp and udp.srcport == 5060", "sdp.media_attr") {
		got = append(got, directions(r[0]))
	}
	if len(got) != 3 || got[0] != "sendrecv" || got[1] != "recvonly" && got[1] != "inactive" || got[2] != "sendrecv" {
		t.Errorf("our answers say %v, want sendrecv, recvonly, sendrecv", got)
	}
}

// sine1004 is a minute of 1004 Hz at -10 dBFS.
func sine1004(t *testing.T) string {
	t.Helper()
	wav := filepath.Join(t.TempDir(), "tone1004.wav")
	run(t, "sox", "-R", "-n", "-r", "8000", "-c", "1", "-b", "16", wav, "synth", "60", "sine", "1004", "gain", "-10")
	return wav
}
