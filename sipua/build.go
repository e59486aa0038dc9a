package sipua

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
)

// What we understand, in every message that may say so (RFC 3261 20.5). No extension is supported: the list is empty.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"

const sdpType = "application/sdp"

const magicCookie = "z9hG4bK" // RFC 3261 8.1.1.7

// Random identifiers: 80 bits, nobody guesses them.
func newBranch() string { return magicCookie + rand.Text()[:16] }
func newTag() string    { return strings.ToLower(rand.Text()[:16]) }

// outgoing is a request that is to be written.
type outgoing struct {
	method, uri string
	branch      string
	routes      []string // values of Route
	from, to    string   // values, with their tags
	callID      string
	cseq        uint32
	contact     string   // value; "" for none
	extra       []string // further header lines
	body        []byte
}

// write puts a request into bytes (RFC 3261 8.1.1); rport asks the server to answer to where it came from (RFC 3581).
func (e *Endpoint) write(o *outgoing) []byte {
	b := make([]byte, 0, 512+len(o.body))
	line := func(parts ...string) {
		for _, p := range parts {
			b = append(b, p...)
		}
		b = append(b, '\r', '\n')
	}
	line(o.method, " ", o.uri, " SIP/2.0")
	line("Via: SIP/2.0/UDP ", e.local.String(), ";branch=", o.branch, ";rport")
	for _, r := range o.routes {
		line("Route: ", r)
	}
	line("Max-Forwards: 70")
	line("From: ", o.from)
	line("To: ", o.to)
	line("Call-ID: ", o.callID)
	line("CSeq: ", strconv.FormatUint(uint64(o.cseq), 10), " ", o.method)
	if o.contact != "" {
		line("Contact: ", o.contact)
	}
	for _, x := range o.extra {
		line(x)
	}
	switch o.method {
	case "INVITE", "UPDATE":
		line("Allow: ", allowed)
	}
	if e.cfg.UserAgent != "" && o.method != "ACK" && o.method != "CANCEL" {
		line("User-Agent: ", e.cfg.UserAgent)
	}
	if len(o.body) > 0 {
		line("Content-Type: ", sdpType)
	}
	line("Content-Length: ", strconv.Itoa(len(o.body)))
	line()
	return append(b, o.body...)
}

// reply puts a response into bytes (RFC 3261 8.2.6): what identifies the request goes back to the letter.
func (e *Endpoint) reply(m *message, code int, reason, tag string, extra []string, body []byte) []byte {
	b := make([]byte, 0, 512+len(body))
	line := func(parts ...string) {
		for _, p := range parts {
			b = append(b, p...)
		}
		b = append(b, '\r', '\n')
	}
	line("SIP/2.0 ", strconv.Itoa(code), " ", reason)
	for i, v := range m.list("via") {
		if i == 0 {
			v = answeredVia(m.via, m.source)
		}
		line("Via: ", v)
	}
	if (code > 100 && code < 300) && m.method == "INVITE" { // RFC 3261 12.1.1
		for _, r := range m.list("record-route") {
			line("Record-Route: ", r)
		}
	}
	if m.from.text != "" {
		line("From: ", m.from.text)
	}
	if m.to.text != "" {
		if m.to.tag == "" && code > 100 && tag != "" {
			line("To: ", m.to.text, ";tag=", tag)
		} else {
			line("To: ", m.to.text)
		}
	}
	if m.callID != "" {
		line("Call-ID: ", m.callID)
	}
	line("CSeq: ", m.value("cseq"))
	for _, x := range extra {
		line(x)
	}
	if e.cfg.UserAgent != "" && code > 100 {
		line("Server: ", e.cfg.UserAgent)
	}
	if len(body) > 0 {
		line("Content-Type: ", sdpType)
	}
	line("Content-Length: ", strconv.Itoa(len(body)))
	line()
	return append(b, body...)
}

// answeredVia notes where the request really came from (RFC 3261 18.2.1, RFC 3581 4).
func answeredVia(v via, source netip.AddrPort) string {
	text := v.text
	if v.rport {
		if i := indexParam(text, "rport"); i >= 0 {
			end := i + len("rport")
			if j := end; j < len(text) && text[j] == '=' {
				end++
			}
			text = text[:i] + "rport=" + strconv.Itoa(int(source.Port())) + text[end:]
		}
	}
	if host, err := netip.ParseAddr(v.host); v.rport || err != nil || host.Unmap() != source.Addr() {
		if _, there := param(v.params, "received"); !there {
			text += ";received=" + source.Addr().String()
		}
	}
	return text
}

// indexParam finds where a parameter's name begins, -1: nowhere.
func indexParam(s, key string) int {
	for i := 0; ; {
		j := indexUnquoted(s[i:], ';')
		if j < 0 {
			return -1
		}
		i += j + 1
		for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
			i++
		}
		rest := s[i:]
		if len(rest) >= len(key) && strings.EqualFold(rest[:len(key)], key) && (len(rest) == len(key) || strings.IndexByte("=; \t,", rest[len(key)]) >= 0) {
			return i
		}
	}
}

// replyTo is where the response to a request goes: the port it came from if the client asked for that, else the port of
// its Via; always the address it came from (RFC 3261 18.2.2, RFC 3581 4).
func replyTo(m *message) netip.AddrPort {
	if m.via.rport {
		return m.source
	}
	return netip.AddrPortFrom(m.source.Addr(), m.via.port)
}

// bracketed writes a host for a URI: IPv6 literals in brackets.
func bracketed(host string) string {
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "[" + host + "]"
	}
	return host
}

// nameAddr writes an address with an optional display name.
func nameAddr(display, uri string) string {
	if display == "" {
		return "<" + uri + ">"
	}
	return quote(display) + " <" + uri + ">"
}

// masked hides digest answers from traces: with the nonce beside it, a response can be attacked at leisure.
func masked(b []byte) []byte {
	if !bytes.Contains(b, []byte("uthorization:")) {
		return b
	}
	lines := bytes.Split(b, crlf)
	for i, l := range lines {
		name, _, ok := bytes.Cut(l, []byte(":"))
		if n := strings.ToLower(strings.TrimSpace(string(name))); ok && (n == "authorization" || n == "proxy-authorization") {
			lines[i] = append(bytes.Clone(name), ": ***"...)
		}
		if len(l) == 0 {
			break
		}
	}
	return bytes.Join(lines, crlf)
}

// logState is the one line that every state machine writes at its door.
func logState(log *slog.Logger, machine string, from, to interface{ String() string }, cause string, more ...any) {
	if log == nil || !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	log.Debug("state", append([]any{"machine", machine, "from", from.String(), "to", to.String(), "cause", cause}, more...)...)
}
