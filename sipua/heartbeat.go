package sipua

import (
	"time"
)

// beat asks a server whether it is there (RFC 3261 11).
func (h *hop) beat(now time.Time) {
	e := h.e
	every := e.cfg.OptionsInterval
	h.probeAt = now.Add(max(every, probeTimeout))
	h.sent = now
	h.probe.forget()
	uri := "sip:" + h.addr.String()
	o := &outgoing{
		method: "OPTIONS", uri: uri, branch: newBranch(),
		from: "<sip:" + e.cfg.Domain + ">;tag=" + e.identity, to: "<" + uri + ">",
		callID: newTag(), cseq: firstSeq, contact: "<sip:" + e.local.String() + ">",
		extra: []string{"Accept: " + sdpType},
	}
	limit := min(probeTimeout, max(every, time.Second))
	if h.lost > 0 && h.state != hopDead {
		limit = min(limit, doubtTimeout)
	}
	h.probe = e.ask(now, h, o, h.addr, limit)
}

// answered: any final answer is a sign of life, 405 and 481 too; only 503 says "not now".
func (h *hop) answered(now time.Time, tx *clientTx, m *message) {
	if tx != h.probe || m.code < 200 {
		return
	}
	h.rtt = now.Sub(h.sent)
	h.e.targets.dirty = true
	h.probeAt = h.sent.Add(h.e.cfg.OptionsInterval)
	if m.code == 503 {
		h.lost = 0
		h.bad(now, "503 to a heartbeat", h.shun)
		return
	}
	h.well(now, true)
}

// unanswered counts the silence. The next heartbeat follows at once until the verdict is clear: a dead server is found
// out in OptionsLost times the probe's timeout, not times the interval.
func (h *hop) unanswered(now time.Time, tx *clientTx, why error) {
	if tx != h.probe {
		return
	}
	h.lost++
	h.e.targets.dirty = true
	switch {
	case why == errUnreachable:
		h.bad(now, "unreachable", h.shun)
	case h.lost >= h.e.cfg.OptionsLost:
		h.bad(now, "silent", h.shun)
	default:
		h.probeAt = now
		return
	}
	h.probeAt = h.sent.Add(max(h.e.cfg.OptionsInterval, probeTimeout))
}

// keeper sends the CRLF that keeps a NAT binding open (RFC 5626 3.5.1 has it for streams; over UDP a server drops it).
type keeper Endpoint

func (k *keeper) deadline() time.Time { return k.keepAlive }

func (k *keeper) advance(now time.Time) {
	e := (*Endpoint)(k)
	done := map[*hop]bool{}
	for _, a := range e.agents {
		if h := a.reg.hop; h != nil && a.reg.bound(now) && !done[h] {
			done[h] = true
			e.send(h.addr, []byte("\r\n\r\n"), false)
		}
	}
	k.keepAlive = time.Time{}
	if len(done) > 0 {
		k.keepAlive = now.Add(e.cfg.KeepAlive)
	}
}

// keep starts the keep-alive with the first binding.
func (e *Endpoint) keep(now time.Time) {
	if e.cfg.KeepAlive > 0 && e.keepAlive.IsZero() {
		e.keepAlive = now.Add(e.cfg.KeepAlive)
	}
}
