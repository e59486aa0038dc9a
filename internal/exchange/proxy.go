package exchange

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	allow       = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY, MESSAGE"
	maxForwards = 70 // RFC 3261 section 8.1.1.6
)

// receive takes one datagram.
func (s *SBC) receive(now time.Time, data []byte, from netip.AddrPort) {
	if strings.Trim(string(data), "\r\n\x00") == "" {
		return // keep-alive
	}
	m, err := parse(data)
	if err != nil {
		s.x.counts.Garbage++
		return
	}
	top, ok := parseVia(m.get("via"))
	if !ok {
		s.x.counts.Garbage++
		return
	}
	if m.code > 0 {
		s.response(now, m, top)
		return
	}
	if slices.Contains(strings.Split(allow, ", "), m.method) {
		s.x.counts.Requests[m.method]++
	} else {
		s.x.counts.Requests["other"]++
	}
	top.stamp(from)
	m.replace("Via", top.String())
	back, ok := top.back()
	if !ok || m.get("from") == "" || m.get("to") == "" || m.get("call-id") == "" || m.get("cseq") == "" {
		s.x.counts.Garbage++
		return
	}
	s.request(&request{message: m, now: now, from: from, back: back, key: m.transaction(top, m.method), branch: m.branch(top)}, top)
}

// request finds the transaction that a request belongs to, or begins one.
func (s *SBC) request(r *request, top via) {
	invite := r.transaction(top, "INVITE")
	_, answered := s.answers.find(r.now, invite)
	relay := s.relays[invite]
	switch r.method {
	case "ACK":
		switch {
		case relay != nil:
			relay.ack(r.now)
		case answered:
			s.x.counts.Absorbed++ // it ends an answer of ours
		default:
			s.route(r)
		}
		return
	case "INVITE":
		if relay != nil {
			s.x.counts.Absorbed++
			relay.again(r.now)
			return
		}
	}
	if a, ok := s.answers.find(r.now, r.key); ok {
		s.x.counts.Absorbed++
		s.send(r.now, a.to, a.data)
		return
	}
	if code, why := r.judge(); code != 0 {
		s.refuse(r, code, why)
		return
	}
	switch {
	case r.method == "CANCEL" && relay == nil && !answered:
		s.refuse(r, 481, "")
	case r.method == "CANCEL":
		s.refuse(r, 200, "")
		if relay != nil {
			relay.cancel(r.now)
		}
	case s.failed(r):
	default:
		s.route(r)
	}
}

// judge finds what is wrong with a request before anybody looks at its meaning; 0: nothing. RFC 3261 sections 16.3, 21.4.
func (r *request) judge() (code int, why string) {
	if r.version != sip2 {
		return 505, ""
	}
	_, method, ok := r.cseq()
	if !ok || method != r.method {
		return 400, "Bad CSeq"
	}
	for _, key := range []string{"from", "to", "call-id", "cseq"} {
		if len(r.all(key)) > 1 {
			return 400, "Two " + key + " Headers"
		}
	}
	if _, ok := parseAddress(r.get("from")); !ok {
		return 400, "Bad From"
	}
	if _, ok := parseAddress(r.get("to")); !ok {
		return 400, "Bad To"
	}
	if scheme, _, ok := strings.Cut(r.uri, ":"); !ok || !slices.Contains([]string{"sip", "sips", "tel"}, strings.ToLower(scheme)) {
		return 416, ""
	}
	if _, ok := parseURI(r.uri); !ok {
		return 400, "Bad Request-URI"
	}
	return 0, ""
}

// ours says whether a URI names the exchange: its domain, or the address of one of the pair. Either may answer for both.
func (x *Exchange) ours(u uri) bool {
	if strings.EqualFold(u.host, x.cfg.Domain) || u.scheme == "tel" {
		return true
	}
	a, err := netip.ParseAddr(u.host)
	return err == nil && slices.ContainsFunc(x.sbcs, func(s *SBC) bool {
		return s.addr.Addr() == a.Unmap() && (u.port == s.addr.Port() || u.port == 0 && s.addr.Port() == 5060)
	})
}

// route is RFC 3261 section 16.4 to 16.6: where the request goes, and whether it may.
func (s *SBC) route(r *request) {
	hops, err := strconv.ParseUint(r.get("max-forwards"), 10, 8)
	if r.get("max-forwards") == "" {
		hops, err = maxForwards+1, nil
	}
	m := r.clone()
	target, _ := parseURI(m.uri)
	if m.get("route") != "" && s.x.ours(target) && target.loose() && target.user == "" {
		// A strict router before us took our Record-Route for the target: the last Route is the true one.
		routes := m.all("route")
		if last, ok := parseAddress(routes[len(routes)-1]); ok {
			m.uri, target = last.uri.raw, last.uri
		}
		m.headers = slices.DeleteFunc(m.headers, func(h header) bool { return h.key == "route" })
		for _, v := range routes[:len(routes)-1] {
			m.add("Route", v)
		}
	}
	for m.get("route") != "" {
		if a, ok := parseAddress(m.get("route")); !ok || !s.x.ours(a.uri) {
			break
		}
		m.pop("route")
	}
	routed := len(m.all("route")) < len(r.all("route"))
	inDialog := tag(r.get("to")) != ""
	home := m.get("route") == "" && s.x.ours(target)

	switch {
	case err != nil:
		s.refuse(r, 400, "Bad Max-Forwards")
	case home && r.method == "REGISTER":
		s.register(r)
	case home && target.user == "":
		s.ownRequest(r)
	case hops == 0:
		s.refuse(r, 483, "")
	case s.looped(r):
		s.refuse(r, 482, "")
	case len(r.list("proxy-require")) > 0:
		s.unsupported(r, r.list("proxy-require"))
	case r.method != "ACK" && r.method != "OPTIONS" && !inDialog && !s.known(r):
		// answered
	default:
		m.replace("Max-Forwards", strconv.Itoa(int(hops)-1))
		if to, ok := s.target(r, m, target, home, routed || inDialog); ok {
			s.forward(r, m, to)
		}
	}
}

// looped says whether the request has been here before in the same shape.
func (s *SBC) looped(r *request) bool {
	for _, value := range r.all("via") {
		if v, ok := parseVia(value); ok && v.sentBy == s.addr.String() && strings.HasSuffix(v.branch(), "."+r.loop()) {
			return true
		}
	}
	return false
}

// known authenticates the caller of a new request. A caller without a name of ours is judged by its digest alone.
func (s *SBC) known(r *request) bool {
	if slices.Contains(s.x.cfg.Trusted, r.from.Addr()) {
		return true
	}
	from, _ := parseAddress(r.get("from"))
	u := s.x.users[from.uri.user]
	if u == nil || !s.x.ours(from.uri) {
		u = &user{authName: "\x00"} // nobody: no digest can be right
		p, _ := s.x.auth.credentials(r.all("proxy-authorization"))
		for _, x := range s.x.users {
			if p != nil && p["username"] == x.authName && strings.EqualFold(from.uri.user, "anonymous") {
				u = x
			}
		}
	}
	return s.authenticated(r, u, 407)
}

// target decides on the next hop, and puts the contact into the Request-URI; when there is none the request is answered.
func (s *SBC) target(r *request, m *message, target uri, home, trusted bool) (to netip.AddrPort, ok bool) {
	if next := m.get("route"); next != "" {
		a, _ := parseAddress(next)
		if to, ok = a.uri.destination(); !ok || !trusted {
			s.refuse(r, 404, "No Such Route")
			return to, false
		}
		if !a.uri.loose() { // section 16.6 item 6: a strict router wants to be the target
			m.pop("route")
			m.add("Route", "<"+m.uri+">")
			m.uri = a.uri.raw
		}
		return to, true
	}
	if !home {
		to, ok = target.destination()
		if s.x.cfg.NAT {
			if b := s.x.contact(r.now, target); b != nil {
				to, ok = b.Source, true
			}
		}
		switch {
		case !trusted:
			s.refuse(r, 403, "No Relaying")
		case !ok:
			s.refuse(r, 404, "No Such Address")
		}
		return to, ok && trusted
	}
	u := s.x.users[target.user]
	if u == nil {
		s.refuse(r, 404, "")
		return to, false
	}
	b := u.best(r.now)
	if b == nil {
		s.refuse(r, 480, "")
		return to, false
	}
	m.uri = b.Contact
	if to, ok = b.uri.destination(); s.x.cfg.NAT {
		to, ok = b.Source, true
	}
	if !ok {
		s.refuse(r, 480, "Contact Not Reachable")
	}
	return to, ok
}

// contact finds the binding whose contact a URI is.
func (x *Exchange) contact(now time.Time, target uri) *binding {
	for _, b := range bindingsOf(x.users[target.user]) {
		if b.key == target.key() && b.Expires.After(now) {
			return b
		}
	}
	return nil
}

func bindingsOf(u *user) []*binding {
	if u == nil {
		return nil
	}
	return u.bindings
}

// forward sends a request on: RFC 3261 section 16.6 items 2 to 10, with the state of an INVITE only.
func (s *SBC) forward(r *request, m *message, to netip.AddrPort) {
	m.headers = slices.DeleteFunc(m.headers, func(h header) bool {
		p, ok := parseDigest(h.value)
		return h.key == "proxy-authorization" && ok && p["realm"] == s.x.auth.realm // consumed: section 16.7 item 7
	})
	switch r.method {
	case "INVITE", "SUBSCRIBE", "NOTIFY", "REFER":
		m.push("Record-Route", "<sip:"+s.addr.String()+";lr>")
	}
	m.push("Via", "SIP/2.0/UDP "+s.addr.String()+";branch="+r.branch)
	s.x.counts.Relayed++
	if r.method == "INVITE" {
		s.relay(r, m, to)
		return
	}
	s.send(r.now, to, m.bytes())
}

// response sends an answer back the way that its Vias tell: RFC 3261 section 16.11 and 18.1.2.
func (s *SBC) response(now time.Time, m *message, top via) {
	if top.sentBy != s.addr.String() {
		s.x.counts.Garbage++ // not for us
		return
	}
	if leg := s.legs[top.branch()]; leg != nil {
		switch _, method, _ := m.cseq(); method {
		case "INVITE":
			leg.response(now, m)
			return
		case "CANCEL":
			leg.cancelHeard(now)
			return
		}
	}
	s.passBack(now, m)
}

// passBack takes our Via off and sends the response to the one below.
func (s *SBC) passBack(now time.Time, m *message) {
	m = m.clone()
	m.pop("via")
	next, ok := parseVia(m.get("via"))
	to, reachable := next.back()
	if !ok || !reachable {
		s.x.counts.Garbage++
		return
	}
	s.x.counts.Relayed++
	s.send(now, to, m.bytes())
}

// ownRequest answers what is meant for the exchange itself.
func (s *SBC) ownRequest(r *request) {
	switch r.method {
	case "OPTIONS":
		m := r.response(200)
		m.add("Allow", allow)
		m.add("Accept", "application/sdp")
		m.add("Supported", "")
		s.answer(r, m)
	case "INVITE":
		s.refuse(r, 484, "")
	default:
		m := r.response(405)
		m.add("Allow", "OPTIONS, REGISTER")
		s.answer(r, m)
	}
}

// unsupported is 420 with the options that we do not know: RFC 3261 section 8.2.2.3.
func (s *SBC) unsupported(r *request, options []string) {
	m := r.response(420)
	m.add("Unsupported", strings.Join(options, ", "))
	s.answer(r, m)
}
