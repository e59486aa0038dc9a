package exchange

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Every event in every state: the state that follows, and what goes to the caller (^) and to the callee (v).
func TestRelayEveryStateAndEvent(t *testing.T) {
	states := []relayState{calling, proceeding, accepted, completed, confirmed}
	type row map[relayState]string
	for _, c := range []struct {
		event string
		want  row
	}{
		{"100", row{calling: "proceeding", proceeding: "proceeding", accepted: "accepted", completed: "completed", confirmed: "confirmed"}},
		{"180", row{calling: "proceeding ^180", proceeding: "proceeding ^180", accepted: "accepted", completed: "completed", confirmed: "confirmed"}},
		{"200", row{calling: "accepted ^200", proceeding: "accepted ^200", accepted: "accepted ^200", completed: "completed ^200", confirmed: "confirmed ^200"}},
		{"486", row{calling: "completed vACK ^486", proceeding: "completed vACK ^486", accepted: "accepted vACK", completed: "completed vACK", confirmed: "confirmed vACK"}},
		{"INVITE", row{calling: "calling ^100", proceeding: "proceeding ^180", accepted: "accepted", completed: "completed ^404", confirmed: "confirmed"}},
		{"ACK", row{calling: "calling", proceeding: "proceeding", accepted: "accepted", completed: "confirmed", confirmed: "confirmed"}},
		{"CANCEL", row{calling: "calling", proceeding: "proceeding vCANCEL", accepted: "accepted", completed: "completed", confirmed: "confirmed"}},
		{"CANCEL, 180", row{calling: "proceeding vCANCEL", proceeding: "proceeding vCANCEL", accepted: "accepted", completed: "completed", confirmed: "confirmed"}},
		{"CANCEL, repeat", row{calling: "calling vINVITE", proceeding: "proceeding vCANCEL vCANCEL", accepted: "accepted", completed: "completed ^404", confirmed: "confirmed"}},
		{"CANCEL, heard, repeat", row{calling: "calling vINVITE", proceeding: "proceeding vCANCEL", accepted: "accepted", completed: "completed ^404", confirmed: "confirmed"}},
		{"CANCEL, over", row{calling: "completed ^487", proceeding: "completed vCANCEL ^487", accepted: "gone", completed: "gone", confirmed: "gone"}},
		{"repeat", row{calling: "calling vINVITE", proceeding: "proceeding", accepted: "accepted", completed: "completed ^404", confirmed: "confirmed"}},
		{"over", row{calling: "completed ^408", proceeding: "completed vCANCEL ^408", accepted: "gone", completed: "gone", confirmed: "gone"}},
	} {
		for _, state := range states {
			t.Run(c.event+"/"+state.String(), func(t *testing.T) {
				l, now := relayIn(t, state)
				for event := range strings.SplitSeq(c.event, ", ") {
					now = l.happen(now, event)
				}
				got := l.state.String() + sentBy(l)
				if got != c.want[state] {
					t.Errorf("%s, want %s", got, c.want[state])
				}
				if d := l.deadline(); (l.state == gone) != d.IsZero() {
					t.Errorf("deadline %v in %s", d, l.state)
				}
				if known := l.sbc.relays[l.req.key] != nil; known == (l.state == gone) {
					t.Errorf("known to the SBC: %v", known)
				}
			})
		}
	}
}

// relayIn makes a relay and brings it into a state, with what was sent on the way forgotten.
func relayIn(t *testing.T, state relayState) (*relay, time.Time) {
	x := New(Config{Seed: 1, Log: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	s := newSBC(x, 1)
	s.addr = sbc1Addr
	now := time.Unix(1000, 0)
	m := mustParse(t, "INVITE sip:b@10.0.1.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n\r\n")
	top, _ := parseVia(m.get("via"))
	r := &request{message: m, now: now, back: netip.MustParseAddrPort("10.0.1.1:5060"), key: m.transaction(top, "INVITE"), branch: m.branch(top)}
	s.forward(r, m.clone(), netip.MustParseAddrPort("10.0.1.2:5060"))
	l := s.relays[r.key]
	for _, event := range map[relayState][]string{calling: nil, proceeding: {"180"}, accepted: {"200"}, completed: {"404"}, confirmed: {"404", "ACK"}}[state] {
		l.happen(now, event)
	}
	if l.state != state {
		t.Fatalf("is %s", l.state)
	}
	s.out = nil
	return l, now
}

// happen gives the relay an event; the clock moves for those that are deadlines.
func (l *relay) happen(now time.Time, event string) time.Time {
	switch event {
	case "INVITE":
		l.again(now)
	case "ACK":
		l.ack(now)
	case "CANCEL":
		l.cancel(now)
	case "heard":
		l.cancelHeard(now)
	case "repeat":
		now = now.Add(t1)
		l.tick(now)
	case "over":
		now = l.over
		l.tick(now)
	default:
		var code int
		fmt.Sscan(event, &code)
		m := &message{code: code, reason: "x", headers: l.invite.clone().headers}
		l.response(now, m)
	}
	return now
}

func sentBy(l *relay) (sent string) {
	for _, o := range l.sbc.out {
		m, err := parse(o.data)
		if err != nil {
			return err.Error()
		}
		if o.to == l.to {
			sent += " v" + m.String()
		} else {
			sent += " ^" + m.String()
		}
	}
	return sent
}

func TestTooManyRelays(t *testing.T) {
	l, now := relayIn(t, calling)
	s := l.sbc
	for i := range maxRelays {
		s.relays[fmt.Sprint(i)] = l
	}
	r := *l.req
	r.key, r.now = "one more", now
	s.relay(&r, l.invite, l.to)
	if got := sentBy(l); got != " ^503" || s.relays["one more"] != nil {
		t.Errorf("sent%s", got)
	}
}
