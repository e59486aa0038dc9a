package sipua

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const maxInbound = 1000 // server transactions alive; our servers do not send more in half a minute

// receive takes one datagram through the guard to the machine that it is for.
func (e *Endpoint) receive(now time.Time, data []byte, from netip.AddrPort) {
	data = normalise(data)
	if data == nil {
		return // a keep-alive, or the answer to ours
	}
	m, err := parseMessage(data, from)
	if e.cfg.Trace != nil {
		e.cfg.Trace(false, from.String(), masked(data))
	}
	if m == nil {
		e.malformed(from, err)
		return
	}
	if bad := unreadable(m); bad != nil {
		e.malformed(from, bad)
		return
	}
	m.trusted = e.guard.trusts(from.Addr())
	if m.code > 0 {
		if err != nil {
			e.malformed(from, err) // RFC 3261 18.3, 8.1.3.3: such a response is discarded
			return
		}
		if tx := e.outbound[m.via.branch+" "+m.method]; tx != nil {
			tx.receive(now, m)
		}
		return
	}
	if r := inspect(m, err); r != nil {
		if err != nil {
			e.malformed(from, err)
		}
		if m.method != "ACK" {
			e.stateless(m, r.code, r.reason, r.extra...)
		}
		return
	}
	e.request(now, m)
}

func (e *Endpoint) malformed(from netip.AddrPort, err error) {
	e.count.malformed.Add(1)
	e.guard.complain("malformed", fmt.Sprintf("from %s: %.200v", from, err))
}

// stateless answers without a transaction: a repetition of the request gets the same answer again.
func (e *Endpoint) stateless(m *message, code int, reason string, extra ...string) {
	e.send(replyTo(m), e.reply(m, code, reason, e.identity, extra, nil), false)
}

// ask sends a request in a transaction of its own.
func (e *Endpoint) ask(now time.Time, who asker, o *outgoing, to netip.AddrPort, limit time.Duration) *clientTx {
	tx := &clientTx{wire: e, asker: who, log: e.log, method: o.method, branch: o.branch, to: to, raw: e.write(o)}
	if o.method == "INVITE" {
		tx.ack = func(m *message) []byte { return e.write(refusalAck(o, m)) }
	}
	e.outbound[o.branch+" "+o.method] = tx
	tx.start(now, limit)
	return tx
}

// refusalAck is the ACK of 3xx to 6xx (RFC 3261 17.1.1.3): the INVITE's Via, Route, From, Call-ID and CSeq number.
func refusalAck(o *outgoing, m *message) *outgoing {
	return &outgoing{
		method: "ACK", uri: o.uri, branch: o.branch, routes: o.routes, from: o.from, to: m.to.text, callID: o.callID, cseq: o.cseq,
	}
}

// serverKey is what RFC 3261 17.2.3 matches by; requests of RFC 2543 clients, without the cookie, by what identifies them
// there.
func serverKey(m *message, method string) string {
	sentBy := m.via.host + ":" + strconv.Itoa(int(m.via.port))
	if strings.HasPrefix(m.via.branch, magicCookie) && len(m.via.branch) > len(magicCookie) {
		return strings.Join([]string{m.via.branch, sentBy, method}, "|")
	}
	return strings.Join([]string{m.callID, m.from.tag, strconv.FormatUint(uint64(m.cseq), 10), sentBy, m.uri.String(), method}, "|")
}

// serve opens the transaction of a request; nil when there are too many, the request having been answered then.
func (e *Endpoint) serve(m *message) *serverTx {
	if len(e.inbound) >= maxInbound {
		e.guard.complain("too busy", fmt.Sprintf("%d transactions", len(e.inbound)))
		e.stateless(m, 503, "Service Unavailable", "Retry-After: 5")
		return nil
	}
	tx := &serverTx{wire: e, log: e.log, method: m.method, key: serverKey(m, m.method), to: replyTo(m), state: txTrying}
	if tx.invite() {
		tx.state = txProceeding
	}
	e.inbound[tx.key] = tx
	return tx
}

// request finds the machine for a request that kept the rules.
func (e *Endpoint) request(now time.Time, m *message) {
	if m.method == "ACK" {
		if tx := e.inbound[serverKey(m, "INVITE")]; tx != nil && tx.state != txAccepted {
			tx.acked(now)
		} else if c := e.callOf(m); c != nil {
			c.acked(now, m)
		}
		return
	}
	if tx := e.inbound[serverKey(m, m.method)]; tx != nil {
		tx.again()
		return
	}
	if m.method == "CANCEL" {
		e.cancel(now, m)
		return
	}
	if m.to.tag != "" {
		e.inDialog(now, m)
		return
	}
	if !m.trusted { // the far end of a dialog may speak in that dialog only
		e.count.strangers.Add(1)
		return
	}
	e.outOfDialog(now, m)
}

func callKey(callID, tag string) string { return callID + " " + tag }

// callOf finds the call that a request belongs to: Call-ID, our tag and the peer's must agree (RFC 3261 12.2.2).
func (e *Endpoint) callOf(m *message) *Call {
	c := e.calls[callKey(m.callID, m.to.tag)]
	if c == nil || c.dialog == nil || c.dialog.remoteTag != m.from.tag {
		return nil
	}
	return c
}

// unreachable is an ICMP error for an address.
func (e *Endpoint) unreachable(now time.Time, at netip.AddrPort) {
	for _, tx := range e.outbound {
		if tx.to == at {
			tx.unreachable(now)
		}
	}
	for _, h := range e.targets.hops {
		if h.addr == at {
			h.bad(now, "unreachable", h.shun)
		}
	}
}

// publishKnown tells the guard whom to listen to: all servers, and the far ends of dialogs that go past them.
func (e *Endpoint) publishKnown() {
	known := map[netip.Addr]bool{}
	for _, c := range e.calls {
		if c.dialog != nil {
			known[c.dialog.next.Addr()] = false
		}
	}
	for f := range e.farewells {
		known[f.d.next.Addr()] = false
	}
	for _, h := range e.targets.hops {
		known[h.addr.Addr()] = true
	}
	e.guard.allow(known)
}

// orphans remembers CANCELs that came without their INVITE: on a network that reorders, the INVITE follows, and must not
// ring.
type orphans struct {
	keys [16]string
	next int
}

func (o *orphans) add(key string) {
	o.keys[o.next] = key
	o.next = (o.next + 1) % len(o.keys)
}

func (o *orphans) take(key string) bool {
	for i, k := range o.keys {
		if k == key {
			o.keys[i] = ""
			return true
		}
	}
	return false
}
