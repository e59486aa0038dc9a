package sipua

import (
	"net/netip"
	"slices"
	"strings"
)

// dialog is the peer relationship of RFC 3261 12: who says what to whom, by which way, with which number.
type dialog struct {
	e         *Endpoint
	callID    string
	localTag  string
	remoteTag string
	local     string   // our From value, with tag
	remote    string   // our To value, with the peer's tag
	contact   string   // ours
	target    string   // the peer's Contact URI
	routes    []string // route set, in the order of sending
	localSeq  uint32
	remoteSeq uint32 // 0: nothing heard in that direction

	source netip.AddrPort // where the peer's message came from
	next   netip.AddrPort // where requests go
}

// callerDialog is made from a response to our INVITE (12.1.2): the route set is Record-Route reversed.
func (e *Endpoint) callerDialog(o *outgoing, localTag string, m *message, to netip.AddrPort) *dialog {
	d := &dialog{
		e: e, callID: o.callID, localTag: localTag, remoteTag: m.to.tag, local: o.from, remote: m.to.text,
		contact: o.contact, target: o.uri, localSeq: o.cseq, source: to, routes: m.list("record-route"),
	}
	slices.Reverse(d.routes)
	d.refresh(m)
	return d
}

// calledDialog is made from an INVITE (12.1.1). Our first request will have the number after firstSeq, whatever the
// caller counts (D4).
func (e *Endpoint) calledDialog(m *message, localTag, contact string) *dialog {
	d := &dialog{
		e: e, callID: m.callID, localTag: localTag, remoteTag: m.from.tag, local: m.to.text + ";tag=" + localTag,
		remote: m.from.text, contact: contact, target: m.from.uri, localSeq: firstSeq, remoteSeq: m.cseq,
		source: m.source, routes: m.list("record-route"),
	}
	d.refresh(m)
	return d
}

// refresh takes the peer's Contact as the new remote target (12.2.1.2), and finds the way there.
func (d *dialog) refresh(m *message) {
	if c, ok := m.contact(); ok {
		if u, err := parseURI(c.uri); err == nil && u.Scheme == "sip" && u.Host != "" && len(c.uri) <= maxFieldSize {
			d.target = c.uri
		}
	}
	first := d.target
	if len(d.routes) > 0 {
		if a, err := parseAddress(d.routes[0]); err == nil {
			first = a.uri
		}
	}
	// A name is not looked up on the loop: the server that brought the dialog knows the way.
	d.next = d.source
	if u, err := parseURI(first); err == nil {
		if at, ok := hostPort(u); ok && at.Addr().Is4() == d.e.local.Addr().Is4() && !at.Addr().IsUnspecified() {
			d.next = at
		}
	}
}

// request prepares the next request of the dialog (12.2.1.1). ACK and CANCEL do not count.
func (d *dialog) request(method string, body []byte, extra ...string) *outgoing {
	if method != "ACK" {
		d.localSeq++
	}
	o := &outgoing{
		method: method, uri: d.target, branch: newBranch(), routes: d.routes, from: d.local, to: d.remote,
		callID: d.callID, cseq: d.localSeq, extra: extra, body: body,
	}
	if method == "INVITE" || method == "UPDATE" {
		o.contact = d.contact
	}
	if len(d.routes) > 0 && !loose(d.routes[0]) {
		// A strict router of RFC 2543 wants itself as Request-URI and the target as the last Route.
		if a, err := parseAddress(d.routes[0]); err == nil {
			o.uri = a.uri
			o.routes = append(slices.Clone(d.routes[1:]), "<"+d.target+">")
		}
	}
	return o
}

// loose tells whether a Route's URI has the lr parameter.
func loose(route string) bool {
	a, err := parseAddress(route)
	if err != nil {
		return true
	}
	_, params, _ := strings.Cut(a.uri, ";")
	_, lr := param(params, "lr")
	return lr
}

// trusted tells whether requests of the dialog go to one of our servers: only there a challenge may be answered.
func (d *dialog) trusted() bool { return d.e.guard.trusts(d.next.Addr()) }
