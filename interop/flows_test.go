//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// The call flows of a carrier with SIPp as the network side, through Kamailio: each scenario itself checks what the
// agent sends, and the wire is judged at the end of each test.

// twoRings is long enough to hear the second pulse of ringback, should the machine have been too busy for the first.
const twoRings = "6500"

// network is a registrar, a capture and an agent with one port, registered.
func network(t *testing.T, s setup) (*capture, *agent) {
	t.Helper()
	startKamailio(t)
	c := startCapture(t)
	s.ports = 1
	a := startAgent(t, s)
	a.waitRegistered(t, 1)
	return c, a
}

// caller starts a scenario in which the network calls port 1.
func caller(t *testing.T, scenario string, keys map[string]string) *sippCall {
	t.Helper()
	all := map[string]string{"port": "5390", "remote": sbcAddr, "s": "1001"}
	for k, v := range keys {
		all[k] = v
	}
	return sipp(t, scenario, all)
}

// calls lifts port 1 and dials the scenario that waits on the trunk.
func (a *agent) calls(t *testing.T) {
	t.Helper()
	a.seize(t, 1)
	a.phone(t, 1, "dial 995301")
}

func (a *agent) hangsUp(t *testing.T) {
	t.Helper()
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
}

// The caller gives up while we ring: CANCEL, 200, 487, ACK, and the bell stops.
func TestCallerCancels(t *testing.T) {
	_, a := network(t, setup{})
	call := caller(t, "uac_cancel", map[string]string{"ringms": "2500"})
	a.hears(t, 1, "ring", 10)
	call.passed(t, 30*time.Second)
	a.waitState(t, 1, "Idle")
	until(t, 5*time.Second, "the bell to stop", func() bool { return a.port(t, 1).Line.Physical == "ON-HOOK" })
}

// The other side refuses: the caller hears what the code means, and is at rest after hanging up.
func TestCalleeRefuses(t *testing.T) {
	for _, tt := range []struct{ code, reason, tone string }{
		{"486", "Busy Here", "busy"},
		{"404", "Not Found", "unobtainable"},
		{"503", "Service Unavailable", "congestion"},
	} {
		t.Run(tt.code, func(t *testing.T) {
			_, a := network(t, setup{})
			far := sipp(t, "uas_final", map[string]string{"code": tt.code, "reason": tt.reason})
			a.calls(t)
			a.hears(t, 1, tt.tone, 15)
			if tt.code != "503" { // a proxy may hold a 503 back and try elsewhere (RFC 3261 16.7)
				far.passed(t, 15*time.Second)
			}
			a.hangsUp(t)
		})
	}
}

// The callee answers, talks and releases: the caller hears busy tone.
func TestCalleeAnswersAndReleases(t *testing.T) {
	c, a := network(t, setup{})
	far := sipp(t, "uas_answer_bye", map[string]string{"ringms": twoRings, "talkms": "3500"})
	a.calls(t)
	a.hears(t, 1, "ringback", 10)
	a.waitState(t, 1, "Talking")
	a.hears(t, 1, "busy", 15)
	far.passed(t, 15*time.Second)
	a.hangsUp(t)
	c.wantRTP(t, 1, 80)
}

// The callee answers, the caller releases. SIPp sends back what it gets: we hear ourselves.
func TestCallerReleases(t *testing.T) {
	c, a := network(t, setup{})
	far := sipp(t, "uas_answer", map[string]string{"ringms": "500"})
	a.calls(t)
	a.waitState(t, 1, "Talking")
	a.phone(t, 1, "tone 1004 3000")
	a.hears(t, 1, "tone 1004", 10)
	time.Sleep(2 * time.Second)
	a.hangsUp(t)
	far.passed(t, 15*time.Second)
	c.wantRTP(t, 1, 50)
}

// The caller hangs up while the far end rings: CANCEL after the 180.
func TestPortCancels(t *testing.T) {
	_, a := network(t, setup{})
	far := sipp(t, "uas_cancel", nil)
	a.calls(t)
	a.hears(t, 1, "ringback", 10)
	a.phone(t, 1, "hangup")
	far.passed(t, 15*time.Second)
	a.waitState(t, 1, "Idle")
}

// Nobody answers and the network ends the call.
func TestNoAnswerByNetwork(t *testing.T) {
	_, a := network(t, setup{})
	far := sipp(t, "uas_ring_final", map[string]string{"code": "480", "ringms": twoRings})
	a.calls(t)
	a.hears(t, 1, "ringback", 10)
	a.hears(t, 1, "congestion", 20)
	far.passed(t, 15*time.Second)
	a.hangsUp(t)
}

// Nobody answers and the terminal ends the call: CANCEL by its own timer.
func TestNoAnswerByTerminal(t *testing.T) {
	_, a := network(t, setup{timers: "caller_no_answer: 7s"})
	far := sipp(t, "uas_ring_forever", nil)
	a.calls(t)
	a.hears(t, 1, "ringback", 10)
	far.passed(t, 30*time.Second)
	a.hangsUp(t)
}

// Nobody lifts here: 480 by our own timer, and the bell stops.
func TestNobodyLifts(t *testing.T) {
	_, a := network(t, setup{timers: "no_answer: 4s"})
	call := caller(t, "uac_final", map[string]string{"code": "480"})
	a.hears(t, 1, "ring", 10)
	call.passed(t, 30*time.Second)
	a.waitState(t, 1, "Idle")
}

// The network calls, we answer, our side releases.
func TestAnsweredHereReleasedHere(t *testing.T) {
	c, a := network(t, setup{})
	call := caller(t, "uac_call_agent_bye", nil)
	a.hears(t, 1, "ring", 10)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	time.Sleep(1500 * time.Millisecond)
	a.hangsUp(t)
	call.passed(t, 20*time.Second)
	c.wantRTP(t, 1, 30)
}

// The network calls, we answer, the caller releases: busy tone.
func TestAnsweredHereReleasedThere(t *testing.T) {
	c, a := network(t, setup{})
	call := caller(t, "uac_call", map[string]string{"talkms": "2500"})
	a.hears(t, 1, "ring", 10)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	a.hears(t, 1, "busy", 15)
	call.passed(t, 20*time.Second)
	a.hangsUp(t)
	c.wantRTP(t, 1, 50)
}

// A second call to a telephone in use is refused by 486.
func TestBusyHere(t *testing.T) {
	_, a := network(t, setup{})
	a.seize(t, 1)
	caller(t, "uac_final", map[string]string{"code": "486"}).passed(t, 20*time.Second)
	a.hangsUp(t)
}

// 100rel is off: a caller that requires it gets 420.
func TestRequire100relRefused(t *testing.T) {
	network(t, setup{})
	caller(t, "uac_require_100rel_off", nil).passed(t, 20*time.Second)
}

// Only G.729 is offered: 488, and no bell.
func TestNoCommonCodec(t *testing.T) {
	_, a := network(t, setup{})
	caller(t, "uac_bad_codec", nil).passed(t, 20*time.Second)
	if p := a.port(t, 1); p.Call.State != "Idle" || p.Line.Physical != "ON-HOOK" {
		t.Errorf("after 488 the port is %s, %s", p.Call.State, p.Line.Physical)
	}
}

// OPTIONS from the network: 200 with Allow.
func TestOptionsAnswered(t *testing.T) {
	network(t, setup{})
	caller(t, "uac_options", nil).passed(t, 20*time.Second)
}

// INVITE without SDP: our offer is in the 200, theirs in the ACK.
func TestDelayedOffer(t *testing.T) {
	c, a := network(t, setup{})
	call := caller(t, "uac_delayed_offer", map[string]string{"talkms": "2000"})
	a.hears(t, 1, "ring", 10)
	a.phone(t, 1, "lift")
	call.passed(t, 30*time.Second)
	a.hears(t, 1, "busy", 10)
	a.hangsUp(t)
	c.wantRTP(t, 1, 30)
}

// The caller holds (sendonly, then inactive) and resumes.
func TestHeldByNetwork(t *testing.T) {
	_, a := network(t, setup{})
	call := caller(t, "uac_hold_resume", nil)
	a.hears(t, 1, "ring", 10)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	call.passed(t, 30*time.Second)
	a.hears(t, 1, "busy", 10)
	a.hangsUp(t)
}

// 183 with sound: the caller hears the network's own tone, not ours, and the conversation afterwards.
func TestEarlyMedia(t *testing.T) {
	c, a := network(t, setup{})
	far := sipp(t, "uas_early_media", map[string]string{"file": alaw(t, 600), "ringms": "4000", "talkms": "1500"})
	a.calls(t)
	a.hearsTone(t, 1, 600, played)
	a.waitState(t, 1, "Talking")
	far.passed(t, 20*time.Second)
	a.hears(t, 1, "busy", 10)
	a.hangsUp(t)
	c.wantRTP(t, 1, 30)
}

// The callee plays A-law that sox made: frequency and level as sox made them.
func TestMediaOfNetwork(t *testing.T) {
	_, a := network(t, setup{})
	far := sipp(t, "uas_answer_media", map[string]string{"file": alaw(t, 1004), "talkms": "4000"})
	a.calls(t)
	a.hearsTone(t, 1, 1004, played)
	far.passed(t, 20*time.Second)
	a.hangsUp(t)
}

// alaw is ten seconds of a sine at -10 dBFS as raw A-law.
func alaw(t *testing.T, hz int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tone.al")
	run(t, "sox", "-R", "-n", "-r", "8000", "-c", "1", "-t", "al", file, "synth", "10", "sine", fmt.Sprint(hz), "gain", "-10")
	return file
}
