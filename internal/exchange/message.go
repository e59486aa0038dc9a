package exchange

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// header is one header field. Lists of Via, Route and Record-Route are taken apart at parsing, one value a header.
type header struct {
	key   string // canonical: lower case, long form
	name  string // as it was written, for passing it on untouched
	value string // unfolded, without surrounding blanks
}

// message is a request (method set) or a response (code set).
type message struct {
	method, uri string
	code        int
	reason      string
	version     string // upper case; anything but SIP/2.0 is answered 505
	headers     []header
	body        []byte
}

const (
	sip2       = "SIP/2.0"
	maxHeaders = 200
)

var (
	errStart  = errors.New("start line is not SIP")
	errHeader = errors.New("header line is malformed")
	errMany   = errors.New("too many headers")
	errLength = errors.New("Content-Length does not fit the datagram")
)

// compact names: RFC 3261 section 7.3.3 and the IANA table of later ones.
var compact = map[string]string{
	"a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition", "e": "content-encoding",
	"f": "from", "i": "call-id", "j": "reject-contact", "k": "supported", "l": "content-length", "m": "contact", "n": "identity-info",
	"o": "event", "r": "refer-to", "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
}

func canonical(name string) string {
	k := strings.ToLower(name)
	if long, ok := compact[k]; ok {
		return long
	}
	return k
}

// parse reads one datagram: RFC 3261 section 7. Bare LF line ends and folded lines are taken; the body is cut to
// Content-Length.
func parse(b []byte) (*message, error) {
	b = bytes.TrimLeft(b, "\r\n") // section 7.5: empty lines before the start line
	m := &message{}
	line, rest, ok := cutLine(b)
	if !ok || !m.start(line) {
		return nil, errStart
	}
	for {
		line, rest, ok = cutLine(rest)
		if !ok {
			return nil, errHeader // the empty line is missing: cut off
		}
		if line == "" {
			break
		}
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') { // folded
			var more string
			if more, rest, ok = cutLine(rest); !ok {
				return nil, errHeader
			}
			line += " " + strings.Trim(more, " \t")
		}
		name, value, found := strings.Cut(line, ":")
		name = strings.TrimRight(name, " \t")
		if !found || !isToken(name) || strings.ContainsAny(value, "\r\x00") {
			return nil, errHeader
		}
		h := header{canonical(name), name, strings.Trim(value, " \t")}
		switch h.key {
		case "via", "route", "record-route":
			for _, v := range splitList(h.value) {
				m.headers = append(m.headers, header{h.key, name, v})
			}
		default:
			m.headers = append(m.headers, h)
		}
		if len(m.headers) > maxHeaders {
			return nil, errMany
		}
	}
	m.body = rest
	if l := m.get("content-length"); l != "" {
		n, err := strconv.ParseUint(l, 10, 31)
		if err != nil || int(n) > len(rest) {
			return nil, errLength
		}
		m.body = rest[:n] // section 18.3: what follows is discarded
	}
	m.body = bytes.Clone(m.body)
	return m, nil
}

// cutLine takes a line up to LF or CR LF.
func cutLine(b []byte) (line string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return "", nil, false
	}
	return strings.TrimSuffix(string(b[:i]), "\r"), b[i+1:], true
}

// start reads the start line.
func (m *message) start(line string) bool {
	a, rest, ok := strings.Cut(line, " ")
	if !ok || strings.ContainsAny(line, "\r\x00") {
		return false
	}
	b, c, ok := strings.Cut(rest, " ")
	if up := strings.ToUpper(a); strings.HasPrefix(up, "SIP/") {
		n, err := strconv.ParseUint(b, 10, 16)
		m.version, m.code, m.reason = up, int(n), c
		return up == sip2 && err == nil && len(b) == 3 && n >= 100 && n < 700
	}
	m.method, m.uri, m.version = a, b, strings.ToUpper(c)
	return ok && isToken(a) && b != "" && strings.HasPrefix(m.version, "SIP/") && !strings.Contains(m.version, " ")
}

// isToken: RFC 3261 section 25.1.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-.!%*_+`'~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// bytes writes the message, with the Content-Length that is true.
func (m *message) bytes() []byte {
	var w bytes.Buffer
	if m.method != "" {
		w.WriteString(m.method + " " + m.uri + " " + sip2 + "\r\n")
	} else {
		w.WriteString(sip2 + " " + strconv.Itoa(m.code) + " " + m.reason + "\r\n")
	}
	for _, h := range m.headers {
		if h.key != "content-length" {
			w.WriteString(h.name + ": " + h.value + "\r\n")
		}
	}
	w.WriteString("Content-Length: " + strconv.Itoa(len(m.body)) + "\r\n\r\n")
	w.Write(m.body)
	return w.Bytes()
}

// get is the first value of a header, "" for none. Names of all of these are canonical.
func (m *message) get(key string) string {
	for _, h := range m.headers {
		if h.key == key {
			return h.value
		}
	}
	return ""
}

// all values of a header, in order; one header line is one value.
func (m *message) all(key string) (values []string) {
	for _, h := range m.headers {
		if h.key == key {
			values = append(values, h.value)
		}
	}
	return values
}

// list is all with comma lists taken apart.
func (m *message) list(key string) (values []string) {
	for _, v := range m.all(key) {
		values = append(values, splitList(v)...)
	}
	return values
}

// add appends a header under its written name.
func (m *message) add(name, value string) {
	m.headers = append(m.headers, header{canonical(name), name, value})
}

// push puts a header in front of the first one of its kind, or behind the Vias.
func (m *message) push(name, value string) {
	h := header{canonical(name), name, value}
	at := 0
	for i := range m.headers {
		if m.headers[i].key == h.key {
			at = i
			break
		}
		if m.headers[i].key == "via" {
			at = i + 1
		}
	}
	m.headers = append(m.headers[:at], append([]header{h}, m.headers[at:]...)...)
}

// pop removes the first header of its kind.
func (m *message) pop(key string) {
	for i := range m.headers {
		if m.headers[i].key == key {
			m.headers = append(m.headers[:i:i], m.headers[i+1:]...)
			return
		}
	}
}

// replace changes the value of the first header of its kind, or adds it.
func (m *message) replace(name, value string) {
	for i := range m.headers {
		if m.headers[i].key == canonical(name) {
			m.headers[i].value = value
			return
		}
	}
	m.add(name, value)
}

// clone copies what push, pop and replace may touch.
func (m *message) clone() *message {
	c := *m
	c.headers = append([]header(nil), m.headers...)
	return &c
}

// cseq reads CSeq: RFC 3261 section 8.1.1.5, a number below 2^31 and a method.
func (m *message) cseq() (n uint32, method string, ok bool) {
	f := strings.Fields(m.get("cseq"))
	if len(f) != 2 {
		return 0, "", false
	}
	v, err := strconv.ParseUint(f[0], 10, 31)
	return uint32(v), f[1], err == nil
}

// splitList takes a comma list apart; commas in quotes and in angle brackets do not count.
func splitList(s string) (parts []string) {
	quoted, angle, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			parts = append(parts, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}
