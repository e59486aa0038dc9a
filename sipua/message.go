package sipua

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// message is a datagram that the parser understood, with the fields that every machine asks for. Header values stay as
// they came, so that a response echoes them to the letter.
type message struct {
	source  netip.AddrPort
	trusted bool // source is one of our servers, not merely the far end of a dialog

	code    int    // of a response; 0: request
	reason  string // of a response
	version string
	uri     sip.Uri // of a request
	method  string  // of the request; a response has that of its CSeq
	headers []sip.Header
	body    []byte

	via      via // topmost
	from, to address
	callID   string
	cseq     uint32
}

var errShort = errors.New("body shorter than Content-Length")

// parser leaves every header but Content-Length as text: the values that we need are read by this file, which folds the
// case of parameters and splits lists; the rest is never looked at.
var parser = func() *sip.Parser {
	length := sip.DefaultHeadersParser()["content-length"]
	return sip.NewParser(sip.WithHeadersParsers(map[string]sip.HeaderParser{"content-length": length, "l": length}))
}()

// parseMessage reads a datagram. A message whose start line and headers could be read comes back even with an error, so
// that a request can be refused by name.
func parseMessage(data []byte, source netip.AddrPort) (*message, error) {
	parsed, err := parser.ParseSIP(data)
	if errors.Is(err, sip.ErrParseReadBodyIncomplete) {
		err = errShort
	}
	m := &message{source: source}
	switch p := parsed.(type) {
	case *sip.Request:
		if p == nil {
			return nil, err
		}
		m.uri, m.method, m.version, m.headers, m.body = p.Recipient, string(p.Method), p.SipVersion, p.Headers(), p.Body()
	case *sip.Response:
		if p == nil {
			return nil, err
		}
		m.code, m.reason, m.version, m.headers, m.body = p.StatusCode, p.Reason, p.SipVersion, p.Headers(), p.Body()
		if m.code < 100 || m.code > 699 {
			return nil, fmt.Errorf("status code %d", m.code)
		}
	default:
		if err == nil {
			err = errors.New("neither request nor response")
		}
		return nil, err
	}
	if err != nil && !errors.Is(err, errShort) {
		return nil, err // the headers after the broken one are missing: whom should we answer?
	}
	if e := m.readCore(); err == nil {
		err = e
	}
	return m, err
}

// readCore reads the headers that RFC 3261 8.1.1 makes mandatory. The first fault is the error; the others are read anyway.
func (m *message) readCore() (fault error) {
	note := func(name string, err error) {
		if err != nil && fault == nil {
			fault = fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range []string{"from", "to", "call-id", "cseq", "max-forwards", "content-length"} {
		if m.count(name) > 1 {
			note(name, errors.New("more than once"))
		}
	}
	var err error
	vias := m.list("via")
	if len(vias) == 0 {
		note("via", errors.New("missing"))
	} else {
		m.via, err = parseVia(vias[0])
		note("via", err)
	}
	m.from, err = parseAddress(m.value("from"))
	note("from", err)
	m.to, err = parseAddress(m.value("to"))
	note("to", err)
	if m.callID = m.value("call-id"); m.callID == "" {
		note("call-id", errors.New("missing"))
	}
	number, method, _ := strings.Cut(strings.ReplaceAll(m.value("cseq"), "\t", " "), " ")
	seq, err := strconv.ParseUint(number, 10, 32)
	if err != nil || seq > 1<<31-1 { // RFC 3261 8.1.1.5
		note("cseq", fmt.Errorf("%q is no sequence number", number))
	}
	m.cseq = uint32(seq)
	method = strings.TrimSpace(method)
	if m.code > 0 {
		m.method = method
	} else if method != m.method {
		note("cseq", fmt.Errorf("method %q in a %s", method, m.method))
	}
	return fault
}

// fullNames of the compact forms (RFC 3261 7.3.3, 3265, 3515, 3892, 4028 ...).
var fullNames = map[string]string{
	"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
	"e": "content-encoding", "k": "supported", "s": "subject", "o": "event", "u": "allow-events", "r": "refer-to",
	"b": "referred-by", "x": "session-expires", "j": "reject-contact", "a": "accept-contact", "d": "request-disposition",
}

func named(h sip.Header, name string) bool {
	n := h.Name()
	if len(n) == 1 {
		return fullNames[strings.ToLower(n)] == name
	}
	return strings.EqualFold(n, name)
}

// value is the first header of that (full, lower-case) name, or "".
func (m *message) value(name string) string {
	for _, h := range m.headers {
		if named(h, name) {
			return h.Value()
		}
	}
	return ""
}

// values are all headers of that name, not split.
func (m *message) values(name string) (all []string) {
	for _, h := range m.headers {
		if named(h, name) {
			all = append(all, h.Value())
		}
	}
	return all
}

func (m *message) count(name string) (n int) {
	for _, h := range m.headers {
		if named(h, name) {
			n++
		}
	}
	return n
}

// list are the elements of all headers of that name (RFC 3261 7.3.1), in order.
func (m *message) list(name string) (all []string) {
	for _, v := range m.values(name) {
		all = append(all, splitList(v)...)
	}
	return all
}

// number reads a header that is a count of seconds; a comment or parameters behind it are passed over (RFC 3261 20.33).
func (m *message) number(name string) (int, bool) {
	v := strings.TrimSpace(m.value(name))
	if i := strings.IndexAny(v, " \t;("); i >= 0 {
		v = v[:i]
	}
	n, err := strconv.ParseUint(v, 10, 31)
	return int(n), err == nil
}

// contact is the first Contact, as an address.
func (m *message) contact() (address, bool) {
	for _, v := range m.list("contact") {
		if a, err := parseAddress(v); err == nil {
			return a, true
		}
	}
	return address{}, false
}
