package exchange

import (
	"net/netip"
	"time"
)

// RFC 3261 section 17.1.1.1 and table 4.
const (
	t1       = 500 * time.Millisecond
	t2       = 4 * time.Second
	t4       = 5 * time.Second
	lifetime = 64 * t1 // timers B, F, H, J, L, M
	timerC   = 3*time.Minute + time.Second
)

// request is one that came in, with what its answer needs.
type request struct {
	*message
	now    time.Time
	from   netip.AddrPort // where the datagram came from
	back   netip.AddrPort // where answers go
	key    string         // transaction
	branch string         // of the Via that we put on it when we pass it on
}

var reasons = map[int]string{
	100: "Trying", 200: "OK", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 413: "Request Entity Too Large",
	415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
	423: "Interval Too Brief", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
	491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere",
	606: "Not Acceptable",
}

// response makes an answer to the request: RFC 3261 section 8.2.6.
func (r *request) response(code int) *message {
	m := &message{code: code, reason: reasons[code], version: sip2}
	for _, h := range r.headers {
		switch h.key {
		case "to":
			if code > 100 && tag(h.value) == "" {
				h.value += ";tag=" + digestOf("tag", r.key)
			}
			m.headers = append(m.headers, h)
		case "via", "from", "call-id", "cseq":
			m.headers = append(m.headers, h)
		}
	}
	if code > 100 {
		m.add("Server", "tipring-exchange")
	}
	return m
}

// answer is a final answer of our own that is kept for retransmissions of its request.
type answer struct {
	data  []byte
	to    netip.AddrPort
	until time.Time
}

// answers keeps them for as long as a client may repeat itself. All live equally long, so the queue is in order of their ends.
type answers struct {
	byKey map[string]answer
	queue []string
}

const maxAnswers = 20000

func (a *answers) keep(now time.Time, key string, data []byte, to netip.AddrPort) {
	for len(a.queue) > 0 && (len(a.queue) >= maxAnswers || !a.byKey[a.queue[0]].until.After(now)) {
		delete(a.byKey, a.queue[0])
		a.queue = a.queue[1:]
	}
	if _, known := a.byKey[key]; !known {
		a.queue = append(a.queue, key)
	}
	a.byKey[key] = answer{data, to, now.Add(lifetime)}
}

func (a *answers) find(now time.Time, key string) (answer, bool) {
	x, ok := a.byKey[key]
	return x, ok && x.until.After(now)
}

// answer sends a response of our own; a final one is kept.
func (s *SBC) answer(r *request, m *message) {
	if r.method == "ACK" {
		return // section 17: nobody answers an ACK
	}
	s.x.counts.Answers[m.code]++
	data := m.bytes()
	if m.code >= 200 {
		s.answers.keep(r.now, r.key, data, r.back)
	}
	s.send(r.now, r.back, data)
}

// refuse answers without further headers; why replaces the usual phrase.
func (s *SBC) refuse(r *request, code int, why string) {
	m := r.response(code)
	if why != "" {
		m.reason = why
	}
	s.answer(r, m)
}
