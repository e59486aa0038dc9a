package sipua

import "time"

// capabilities answer "what can you do" (RFC 3261 11.2, 20.37: an empty Supported means no extensions).
var capabilities = []string{"Allow: " + allowed, "Accept: " + sdpType, "Accept-Encoding: identity", "Accept-Language: en", "Supported:"}

// options is answered without a transaction, also by a busy telephone: a server's heartbeat must cost nothing.
func (e *Endpoint) options(m *message) {
	if user := userOf(m.uri); user != "" && e.agentFor(user) == nil {
		e.stateless(m, 404, "Not Found")
		return
	}
	e.stateless(m, 200, "OK", capabilities...)
}

// outOfDialog takes the requests that begin something, and refuses politely what we do not do.
func (e *Endpoint) outOfDialog(now time.Time, m *message) {
	switch m.method {
	case "INVITE":
		e.invited(now, m)
	case "OPTIONS":
		e.options(m)
	case "BYE", "INFO", "UPDATE", "PRACK", "NOTIFY":
		e.stateless(m, 481, "Call/Transaction Does Not Exist") // RFC 6665 4.1.3 for NOTIFY: we subscribe to nothing
	case "SUBSCRIBE":
		e.stateless(m, 489, "Bad Event")
	default: // RFC 3261 8.2.1; REFER, MESSAGE and the like are nothing that we do for somebody who just comes along
		e.stateless(m, 405, "Method Not Allowed", "Allow: "+allowed)
	}
}

// inDialog takes the requests that name a dialog (RFC 3261 12.2.2).
func (e *Endpoint) inDialog(now time.Time, m *message) {
	c := e.callOf(m)
	if c == nil {
		if m.method == "OPTIONS" && m.trusted {
			e.options(m)
			return
		}
		e.stateless(m, 481, "Call/Transaction Does Not Exist")
		return
	}
	tx := e.serve(m)
	if tx == nil {
		return
	}
	answer := func(code int, reason string, extra ...string) {
		tx.respond(now, code, e.reply(m, code, reason, "", extra, nil))
	}
	d := c.dialog
	if d.remoteSeq != 0 && m.cseq < d.remoteSeq {
		answer(500, "Server Internal Error", "Retry-After: 0") // RFC 3261 12.2.2: out of order
		return
	}
	d.remoteSeq = m.cseq
	switch m.method {
	case "BYE":
		answer(200, "OK")
		c.released(now, m)
	case "INVITE", "UPDATE":
		c.reoffered(now, tx, m)
	case "OPTIONS":
		answer(200, "OK", capabilities...)
	case "INFO":
		answer(200, "OK") // a keep-alive or a digit: nothing for a telephone to do
	case "NOTIFY", "PRACK":
		answer(481, "Call/Transaction Does Not Exist")
	case "SUBSCRIBE":
		answer(489, "Bad Event")
	case "REFER":
		answer(603, "Decline")
	default:
		answer(405, "Method Not Allowed", "Allow: "+allowed)
	}
}
