package gateway

import "testing"

// TestCallMachine walks every (state, event) pair: a cell that is not written here has no meaning and must change nothing.
func TestCallMachine(t *testing.T) {
	type cell struct {
		to CallState
		do callAction
	}
	want := map[CallState]map[callEvent]cell{
		Idle: {
			evSeized:   {Dialing, doNothing},
			evIncoming: {Ringing, doAlert},
			evDisabled: {Idle, doNothing},
		},
		Dialing: {
			evDialed:    {Calling, doInvite},
			evMisdialed: {Busy, doNothing},
			evReleased:  {Idle, doNothing},
			evIncoming:  {Dialing, doRefuse},
			evDisabled:  {Idle, doRelease},
			evRetrieved: {Talking, doRejoin},
		},
		Calling: {
			evReleased:    {Idle, doRelease},
			evIncoming:    {Calling, doRefuse},
			evRings:       {Ringback, doRingback},
			evEarly:       {Ringback, doEarly},
			evHeard:       {Ringback, doEarly},
			evEstablished: {Talking, doTalk},
			evEnded:       {Busy, doTone},
			evDisabled:    {Idle, doRelease},
			evRetrieved:   {Talking, doRejoin},
		},
		Ringback: {
			evReleased:    {Idle, doRelease},
			evIncoming:    {Ringback, doRefuse},
			evRings:       {Ringback, doRingback},
			evEarly:       {Ringback, doEarly},
			evHeard:       {Ringback, doEarly},
			evEstablished: {Talking, doTalk},
			evEnded:       {Busy, doTone},
			evDisabled:    {Idle, doRelease},
			evRetrieved:   {Talking, doRejoin},
		},
		Ringing: {
			evAnswered: {Talking, doAnswer},
			evIncoming: {Ringing, doRefuse},
			evEnded:    {Idle, doQuiet},
			evNoAnswer: {Idle, doTimeOut},
			evDisabled: {Idle, doRelease},
		},
		Talking: {
			evReleased:    {Idle, doRelease},
			evIncoming:    {Talking, doRefuse},
			evEstablished: {Talking, doNothing},
			evHeld:        {Holding, doNothing},
			evResumed:     {Talking, doNothing},
			evEnded:       {Busy, doTone},
			evDisabled:    {Idle, doRelease},
			evEnquiry:     {Dialing, doRecall},
			evRetrieved:   {Talking, doRejoin},
		},
		Holding: {
			evReleased:    {Idle, doRelease},
			evIncoming:    {Holding, doRefuse},
			evEstablished: {Holding, doNothing},
			evHeld:        {Holding, doNothing},
			evResumed:     {Talking, doNothing},
			evEnded:       {Busy, doTone},
			evDisabled:    {Idle, doRelease},
			evEnquiry:     {Dialing, doRecall},
			evRetrieved:   {Talking, doRejoin},
		},
		Busy: {
			evMisdialed: {Busy, doNothing},
			evReleased:  {Idle, doNothing},
			evIncoming:  {Busy, doRefuse},
			evDisabled:  {Idle, doRelease},
			evRetrieved: {Talking, doRejoin},
		},
	}
	for s := Idle; s <= Busy; s++ {
		for e := range callEvents {
			w, written := want[s][e]
			if !written {
				w = cell{s, doIgnore}
			}
			if to, do := next(s, e); to != w.to || do != w.do {
				t.Errorf("%s + %s: %s, action %d; want %s, action %d", s, e, to, do, w.to, w.do)
			}
		}
	}
}

// A telephone that is hung up is at rest, whatever went before; a ringing one keeps ringing.
func TestOnHookLeadsToIdle(t *testing.T) {
	for s := Idle; s <= Busy; s++ {
		if s == Ringing {
			continue
		}
		if to, _ := next(s, evReleased); to != Idle {
			t.Errorf("%s: on-hook leads to %s", s, to)
		}
	}
}
