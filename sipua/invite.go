package sipua

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// dial starts a call as user agent client (RFC 3261 13.2).
func (c *Call) dial(now time.Time, number string, offer []byte) {
	a, e := c.agent, c.e
	c.localTag = newTag()
	uri := number
	if !strings.HasPrefix(number, "sip:") {
		uri = "sip:" + escapeUser(number) + "@" + e.cfg.Domain
	}
	c.setState(callInviting, "invite")
	e.calls[callKey(c.id, c.localTag)] = c
	hop := e.targets.current
	switch {
	case a.retired || e.closing != nil || a.account.User == "":
		c.end(now, Ended{Code: 480, Reason: "telephone out of service", Local: true})
		return
	case hop == nil:
		c.end(now, Ended{Code: 503, Reason: "no server address", Local: true})
		return
	}
	c.auth = a.auth()
	c.invite = &outgoing{
		method: "INVITE", uri: uri, from: nameAddr(a.account.DisplayName, a.aor()) + ";tag=" + c.localTag,
		to: "<" + uri + ">", callID: c.id, cseq: firstSeq - 1, contact: a.contact(), body: offer,
	}
	c.answerBy = now.Add(e.cfg.NoAnswer)
	c.auth.begin()
	c.sendInvite(now, hop)
}

// sendInvite sends the INVITE as a new request of the same call: first, with credentials, or to another server.
func (c *Call) sendInvite(now time.Time, hop *hop) {
	o := *c.invite // the transaction before still writes ACKs from its own
	o.cseq++
	o.branch = newBranch()
	o.extra = c.auth.lines(o.method, o.uri, o.body)
	c.invite, c.hop = &o, hop
	c.inviteTx = c.e.ask(now, c, c.invite, hop.addr, c.e.targets.patience())
}

// answered takes every response to a request of the call.
func (c *Call) answered(now time.Time, tx *clientTx, m *message) {
	if tx.method != "INVITE" { // CANCEL: whatever it says, the INVITE's own answer counts
		return
	}
	if tx == c.reoffer {
		c.reofferAnswered(now, tx, m)
		return
	}
	if m.code >= 200 && m.code < 300 {
		c.accepted(now, tx, m)
		return
	}
	if tx != c.inviteTx {
		return
	}
	if m.code < 200 {
		c.provisional(now, m)
		return
	}
	c.declined(now, m)
}

func (c *Call) provisional(now time.Time, m *message) {
	switch c.state {
	case callInviting:
		c.setState(callProceeding, "1xx")
	case callCancelling:
		c.sendCancel(now)
		return
	case callProceeding:
	default:
		return
	}
	c.hop.well(now, false)
	if m.code == 100 {
		return
	}
	if m.to.tag != "" && (c.dialog == nil || c.dialog.remoteTag != m.to.tag) { // forks: the one heard last
		c.adopt(c.e.callerDialog(c.invite, c.localTag, m, c.hop.addr))
	}
	c.tell(Progress{Call: c, Code: m.code, SDP: sdpOf(m)})
}

// accepted: 2xx. The first one makes the call; those of other forks, and those that come after we gave up, are
// acknowledged and released (13.2.2.4, 15).
func (c *Call) accepted(now time.Time, tx *clientTx, m *message) {
	o := c.invite
	d := c.e.callerDialog(o, c.localTag, m, c.hop.addr)
	ack := d.request("ACK", nil, c.credentialLines()...)
	ack.cseq = o.cseq // 13.2.2.4: that of the INVITE, whatever has been sent since
	tx.acknowledge(m.to.tag, c.e.write(ack), d.next)
	if c.state != callInviting && c.state != callProceeding {
		byeOnly(now, c, d)
		if c.state == callCancelling {
			c.end(now, Ended{Local: true})
		}
		return
	}
	c.answerBy = time.Time{}
	c.hop.well(now, false)
	c.auth.realm = cmp.Or(realmOf(&c.auth), c.agent.realm, c.e.cfg.Domain)
	c.adopt(d)
	c.setState(callConfirmed, "2xx")
	c.tell(Established{Call: c, SDP: sdpOf(m)})
	c.reofferNow(now)
}

// credentialLines are those of the INVITE, for its ACK (22.1).
func (c *Call) credentialLines() (all []string) {
	for _, l := range c.invite.extra {
		if strings.Contains(l, "uthorization: ") {
			all = append(all, l)
		}
	}
	return all
}

// declined: 3xx to 6xx; the transaction has sent the ACK.
func (c *Call) declined(now time.Time, m *message) {
	if c.state == callCancelling {
		c.end(now, Ended{Local: true})
		return
	}
	reason := m.reason
	switch {
	case m.code == 401 || m.code == 407:
		err := errForeign
		if m.trusted {
			err = c.auth.challenged(m)
		}
		if err == nil {
			c.dialog = nil
			c.setState(callInviting, "challenge")
			c.sendInvite(now, c.hop)
			return
		}
		reason += " (" + err.Error() + ")"
	case m.code == 503:
		c.hop.bad(now, "503 to an INVITE", now.Add(max(penalty, retryAfter(m))))
		if c.elsewhere(now) {
			return
		}
	}
	c.end(now, Ended{Code: m.code, Reason: reason})
}

// elsewhere tries the next server that has not failed this call (RFC 3263 4.3), with the next CSeq: a call that leaves by
// two doors is still one call, and its numbers only grow.
func (c *Call) elsewhere(now time.Time) bool {
	if c.state != callInviting && c.state != callProceeding {
		return false
	}
	c.tried = append(c.tried, c.hop)
	for _, h := range c.e.targets.hops {
		if h.state != hopDead && !slices.Contains(c.tried, h) {
			c.dialog = nil
			c.setState(callInviting, "next server")
			c.sendInvite(now, h)
			return true
		}
	}
	return false
}

func (c *Call) unanswered(now time.Time, tx *clientTx, why error) {
	switch {
	case tx.method != "INVITE":
	case tx == c.reoffer:
		c.reofferLost(now)
	case tx != c.inviteTx:
	case c.state == callCancelling:
		c.end(now, Ended{Local: true})
	case c.state == callInviting || c.state == callProceeding:
		c.hop.bad(now, why.Error(), c.hop.shun)
		if !c.elsewhere(now) {
			code := 408
			if why == errUnreachable {
				code = 503
			}
			c.end(now, Ended{Code: code, Reason: "server " + why.Error()})
		}
	}
}

// giveUp stops an INVITE: CANCEL at once if something was heard, else with the first 1xx (9.1). The owner is free.
func (c *Call) giveUp(now time.Time, code int, why string) {
	if c.state != callInviting && c.state != callProceeding {
		return
	}
	heard := c.state == callProceeding
	c.answerBy = time.Time{}
	c.setState(callCancelling, cmp.Or(why, "hangup"))
	c.tell(Ended{Code: code, Reason: why, Local: true})
	if heard {
		c.sendCancel(now)
	}
}

// sendCancel takes the INVITE back: same Request-URI, Via, Route, From, To, Call-ID and CSeq number, to the same server.
// If no final response comes in 64*T1, the INVITE counts as dead (9.1).
func (c *Call) sendCancel(now time.Time) {
	tx, o := c.inviteTx, c.invite
	if tx.state != txProceeding || !tx.expire.IsZero() {
		return // sent already
	}
	tx.expire = now.Add(timeout64)
	c.e.ask(now, nobody{}, &outgoing{
		method: "CANCEL", uri: o.uri, branch: o.branch, routes: o.routes, from: o.from, to: o.to, callID: o.callID, cseq: o.cseq,
	}, tx.to, timeout64)
}

// sdpOf is the session description in a message, nil if there is none.
func sdpOf(m *message) []byte {
	if kind, _, _ := strings.Cut(m.value("content-type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), sdpType) {
		return nil
	}
	return m.body
}
