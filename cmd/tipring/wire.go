package main

import (
	"cmp"
	"time"

	"tipring/api"
	"tipring/gateway"
	"tipring/media"
	"tipring/sipua"
)

func wirePort(s gateway.PortStatus) api.Port {
	return api.Port{
		Card: s.Card, Port: s.Port, Enabled: s.Enabled, Number: s.Number, Service: s.Service,
		Registration: wireRegistration(s.Registration),
		Call: api.Call{
			State: s.Call.State.String(), Direction: s.Call.Direction.String(), Peer: s.Call.Peer, Name: s.Call.PeerName,
			Codec: s.Call.Codec, Since: api.At(s.Call.Since),
		},
		Line: api.Line{Physical: s.Line.Physical.String(), State: s.Line.State.String()},
	}
}

func wireRegistration(r sipua.Registration) api.Registration {
	return api.Registration{
		OK: r.OK(), State: r.State.String(), Server: r.Server, Code: r.Code, Reason: r.Reason, ExpiresS: int(r.Expires / time.Second),
		Since: api.At(r.Since), NextTry: api.At(r.NextTry), Attempts: r.Attempts,
	}
}

func wireCall(s gateway.PortStatus) api.ActiveCall {
	p := wirePort(s)
	c := api.ActiveCall{ID: s.Call.ID, Card: s.Card, Port: s.Port, Call: p.Call, Started: api.At(s.Call.Started), Answered: api.At(s.Call.Answered)}
	if m := s.Media; m != nil {
		c.Media = wireMedia(m)
	}
	return c
}

func wireRecord(card int, r gateway.CallRecord) api.CallRecord {
	out := api.CallRecord{
		ID: r.ID, Card: card, Port: r.Port, Direction: r.Direction.String(), Peer: r.Peer, Name: r.PeerName, Codec: r.Codec,
		Started: api.At(r.Start), Answered: api.At(r.Answered), Ended: api.At(r.End), Code: r.Code, Reason: r.Reason,
		Result: r.Result(), ReleasedBy: "local",
	}
	if r.ByPeer {
		out.ReleasedBy = "remote"
	}
	if !r.Answered.IsZero() {
		out.DurationS = int(r.End.Sub(r.Answered).Round(time.Second) / time.Second)
	}
	return out
}

func wireMedia(m *media.Stats) *api.Media {
	return &api.Media{
		Sent: uint64(m.Sent), Received: uint64(m.Received), Lost: uint64(max(m.Lost, 0)), Late: uint64(m.Late),
		JitterMS: milliseconds(m.Jitter), BufferMS: milliseconds(m.Buffered), BufferForMS: milliseconds(m.Target),
	}
}

func wireServer(s gateway.ServerStatus) api.Server {
	// The wire's words are those of the other side of the cable: up and down.
	state := map[string]string{"alive": "up", "dead": "down", "unresolved": "down"}[s.State]
	return api.Server{Service: s.Service, Address: s.Server, State: cmp.Or(state, "unknown"), RTTms: milliseconds(s.RTT), Since: api.At(s.Since)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
