package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// cookie starts every branch that is unique: RFC 3261 section 8.1.1.7.
const cookie = "z9hG4bK"

// via is one hop of the way back: RFC 3261 section 20.42.
type via struct {
	transport string // upper case
	sentBy    string // as written
	host      string
	port      uint16 // 0: none was written
	params    params
}

func parseVia(s string) (v via, ok bool) {
	head, tail, _ := strings.Cut(s, ";")
	proto, version, ok1 := cutSlash(head)
	version, rest, ok2 := cutSlash(version)
	if !ok1 || !ok2 || !strings.EqualFold(proto, "SIP") || version != "2.0" {
		return v, false
	}
	f := strings.Fields(rest)
	if len(f) < 2 || !isToken(f[0]) {
		return v, false
	}
	v.transport, v.sentBy = strings.ToUpper(f[0]), strings.Join(f[1:], "") // blanks may stand around the colon
	v.host, v.port, ok = splitHostPort(v.sentBy)
	v.params = parseParams(tail)
	return v, ok
}

func cutSlash(s string) (before, after string, ok bool) {
	before, after, ok = strings.Cut(s, "/")
	return strings.TrimSpace(before), strings.TrimSpace(after), ok
}

func (v via) String() string {
	return "SIP/2.0/" + v.transport + " " + v.sentBy + v.params.String()
}

func (v via) branch() string {
	b, _ := v.params.get("branch")
	return b
}

// stamp writes down where the request came from: RFC 3261 section 18.2.1, RFC 3581 section 4.
func (v *via) stamp(from netip.AddrPort) {
	a, err := netip.ParseAddr(v.host)
	_, rport := v.params.get("rport")
	if rport {
		v.params = v.params.set("rport", strconv.Itoa(int(from.Port())))
	}
	if rport || err != nil || a.Unmap() != from.Addr() {
		v.params = v.params.set("received", from.Addr().String())
	}
}

// back is where responses go: RFC 3261 section 18.2.2, RFC 3581 section 4.
func (v via) back() (netip.AddrPort, bool) {
	host := v.host
	if r, ok := v.params.get("received"); ok {
		host = strings.Trim(r, "[]")
	}
	port := v.port
	if r, ok := v.params.get("rport"); ok && r != "" {
		n, err := strconv.ParseUint(r, 10, 16)
		if err != nil {
			return netip.AddrPort{}, false
		}
		port = uint16(n)
	}
	if port == 0 {
		port = 5060
	}
	a, err := netip.ParseAddr(host)
	return netip.AddrPortFrom(a.Unmap(), port), err == nil
}

// digestOf is a short hash of strings, which are kept apart.
func digestOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// transaction names the server transaction of a request: RFC 3261 section 17.2.3. ACK and CANCEL are looked up under
// INVITE by their caller.
func (m *message) transaction(top via, method string) string {
	if b := top.branch(); strings.HasPrefix(b, cookie) && len(b) > len(cookie) {
		return digestOf(b, strings.ToLower(top.sentBy), method)
	}
	n, _, _ := m.cseq()
	return digestOf(m.uri, tag(m.get("from")), m.get("call-id"), strconv.Itoa(int(n)), top.String(), method)
}

// branch of our own Via: the same for every retransmission and for the ACK and CANCEL that belong to an INVITE (RFC 3261
// section 16.11), so it hashes what these have in common. Its second half changes with whatever routing looks at, and
// tells a loop from a spiral (section 16.6 item 8).
func (m *message) branch(top via) string {
	return cookie + m.transaction(top, "INVITE") + "." + m.loop()
}

func (m *message) loop() string {
	n, _, _ := m.cseq()
	return digestOf(append([]string{m.uri, tag(m.get("from")), m.get("call-id"), strconv.Itoa(int(n))}, m.all("route")...)...)
}
