//go:build interop

package interop

import (
	"testing"
	"time"
)

// The course's call flows with SIPp as the network side: each scenario itself checks what the agent sends.

// C6: the caller gives up while we ring: CANCEL, 200, 487, ACK, and the bell stops.
func TestCallerCancels(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	call := sipp(t, "uac_cancel", map[string]string{"port": "5390", "remote": sbcAddr, "s": "1001", "ringms": "1500"})
	a.hears(t, 1, "ring", 5)
	call.passed(t, 20*time.Second)
	a.waitState(t, 1, "Idle")
	if p := a.port(t, 1); p.Line.Physical != "ON-HOOK" {
		t.Errorf("after CANCEL the line is %s", p.Line.Physical)
	}
	c.close()
	c.wantClean(t, agentAddr)
}

// C5 and the other refusals: the caller hears what the code means, and is at rest after hanging up.
func TestCalleeRefuses(t *testing.T) {
	for _, tt := range []struct{ code, reason, tone string }{
		{"486", "Busy Here", "busy"},
		{"404", "Not Found", "unobtainable"},
		{"503", "Service Unavailable", "congestion"},
	} {
		t.Run(tt.code, func(t *testing.T) {
			startKamailio(t)
			c := startCapture(t)
			a := startAgent(t, nil)
			a.waitRegistered(t, 1)
			far := sipp(t, "uas_final", map[string]string{"code": tt.code, "reason": tt.reason})
			a.phone(t, 1, "lift")
			a.hears(t, 1, "dial", 3)
			a.phone(t, 1, "dial 995301")
			a.hears(t, 1, tt.tone, 8)
			if tt.code != "503" { // a proxy may hold a 503 back and try elsewhere (RFC 3261 16.7)
				far.passed(t, 15*time.Second)
			}
			a.phone(t, 1, "hangup")
			a.waitState(t, 1, "Idle")
			c.close()
			c.wantClean(t, agentAddr)
		})
	}
}

// The callee answers, talks and releases: D3, the caller hears busy tone.
func TestCalleeAnswersAndReleases(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	far := sipp(t, "uas_answer_bye", map[string]string{"ringms": "1500", "talkms": "2500"})
	a.phone(t, 1, "lift")
	a.hears(t, 1, "dial", 3)
	a.phone(t, 1, "dial 995301")
	a.hears(t, 1, "ringback", 5)
	a.waitState(t, 1, "Talking")
	a.hears(t, 1, "busy", 8)
	far.passed(t, 15*time.Second)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	c.close()
	c.wantClean(t, agentAddr)
	c.wantRTP(t, 80)
}

// C8: the caller hangs up while the far end rings: CANCEL after the 180.
func TestPortCancels(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	far := sipp(t, "uas_cancel", nil)
	a.phone(t, 1, "lift")
	a.hears(t, 1, "dial", 3)
	a.phone(t, 1, "dial 995301")
	a.hears(t, 1, "ringback", 5)
	a.phone(t, 1, "hangup")
	far.passed(t, 15*time.Second)
	a.waitState(t, 1, "Idle")
	c.close()
	c.wantClean(t, agentAddr)
}

// C6 as caller: the network ends a call that nobody answers.
func TestNoAnswerByNetwork(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	far := sipp(t, "uas_ring_final", map[string]string{"code": "480"})
	a.phone(t, 1, "lift")
	a.hears(t, 1, "dial", 3)
	a.phone(t, 1, "dial 995301")
	a.hears(t, 1, "ringback", 5)
	a.hears(t, 1, "congestion", 15)
	far.passed(t, 15*time.Second)
	a.phone(t, 1, "hangup")
	a.waitState(t, 1, "Idle")
	c.close()
	c.wantClean(t, agentAddr)
}

// D1, D3: the network calls, we answer, our side releases.
func TestAnsweredHereReleasedHere(t *testing.T) {
	startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	call := sipp(t, "uac_call_agent_bye", map[string]string{"port": "5390", "remote": sbcAddr, "s": "1001"})
	a.hears(t, 1, "ring", 5)
	a.phone(t, 1, "lift")
	a.waitState(t, 1, "Talking")
	time.Sleep(time.Second)
	a.phone(t, 1, "hangup")
	call.passed(t, 20*time.Second)
	a.waitState(t, 1, "Idle")
	c.close()
	c.wantClean(t, agentAddr)
}

// D2: a second call to a telephone in use is refused by 486.
func TestBusyHere(t *testing.T) {
	startKamailio(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	a.phone(t, 1, "lift")
	a.hears(t, 1, "dial", 3)
	call := sipp(t, "uac_final", map[string]string{"port": "5390", "remote": sbcAddr, "s": "1001", "code": "486"})
	call.passed(t, 20*time.Second)
	a.phone(t, 1, "hangup")
}

// C10: 100rel is off: a caller that requires it gets 420.
func TestRequire100relRefused(t *testing.T) {
	startKamailio(t)
	a := startAgent(t, nil)
	a.waitRegistered(t, 1)
	call := sipp(t, "uac_require_100rel_off", map[string]string{"port": "5390", "remote": sbcAddr, "s": "1001"})
	call.passed(t, 20*time.Second)
}
