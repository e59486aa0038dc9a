package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what a message may make us keep.
const (
	maxBody      = 16 << 10 // a session description of 16 KiB is no telephone's
	maxHeaders   = 256
	maxFieldSize = 1 << 10 // of what a dialog or transaction keeps: Call-ID, tags, URIs
)

// guard stands before the parser: strangers cost nothing, and nobody can fill the log.
type guard struct {
	log     *slog.Logger
	known   atomic.Pointer[map[netip.Addr]bool] // true: a server; false: the far end of a dialog
	mu      sync.Mutex
	classes map[string]*complaint
}

// complaint is one class of log line: the first is written, then one a minute with the number of those held back.
type complaint struct {
	last time.Time
	held int
}

// allow replaces the set of addresses that may speak to us.
func (g *guard) allow(known map[netip.Addr]bool) { g.known.Store(&known) }

func (g *guard) knows(a netip.Addr) bool {
	known := g.known.Load()
	if known == nil {
		return false
	}
	_, ok := (*known)[a]
	return ok
}

func (g *guard) trusts(a netip.Addr) bool {
	known := g.known.Load()
	return known != nil && (*known)[a]
}

// complain logs what went wrong with the world, at most once a minute and class. Class is one of our own words: the set
// is small.
func (g *guard) complain(class, what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.classes[class]
	if c == nil {
		if g.classes == nil {
			g.classes = map[string]*complaint{}
		}
		c = &complaint{}
		g.classes[class] = c
	}
	now := time.Now()
	if !c.last.IsZero() && now.Sub(c.last) < time.Minute {
		c.held++
		return
	}
	g.log.Warn("sip: "+class, "what", what, "more", c.held)
	c.last, c.held = now, 0
}

var crlf = []byte("\r\n")

// normalise makes a datagram what the parser wants, where intention is beyond doubt: line ends of bare LF, blank lines
// in front, a status line without its last blank, bytes behind the body. nil: nothing in it, a keep-alive.
func normalise(b []byte) []byte {
	b = bytes.TrimLeft(b, "\r\n\x00 \t")
	if len(b) == 0 {
		return nil
	}
	if !bytes.Contains(b, []byte("\r\n\r\n")) {
		head, body, ok := bytes.Cut(b, []byte("\n\n"))
		if !ok {
			return b // no end of headers: the parser says so
		}
		head = bytes.ReplaceAll(bytes.ReplaceAll(head, crlf, []byte("\n")), []byte("\n"), crlf)
		b = append(append(bytes.Clone(head), "\r\n\r\n"...), body...)
	}
	if end := bytes.Index(b, crlf); end == len("SIP/2.0 200") && bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		b = append(append(bytes.Clone(b[:end]), ' '), b[end:]...)
	}
	return b
}

// refusal is what a request that breaks the rules is answered with.
type refusal struct {
	code   int
	reason string
	extra  []string // header lines
}

// inspect checks a request before any machine sees it (RFC 3261 8.2, 16.3 and 18.3). Max-Forwards 0 is no fault of a
// request that has arrived where it wants to be (RFC 4475 3.3.11).
func inspect(m *message, fault error) *refusal {
	uri := m.uri.String()
	switch {
	case !strings.EqualFold(m.version, "SIP/2.0"):
		return &refusal{code: 505, reason: "Version Not Supported"}
	case fault != nil:
		return &refusal{code: 400, reason: "Bad Request"}
	case len(uri) > maxFieldSize:
		return &refusal{code: 414, reason: "Request-URI Too Long"}
	case m.uri.Scheme != "sip" && m.uri.Scheme != "tel":
		return &refusal{code: 416, reason: "Unsupported URI Scheme"}
	case m.uri.Scheme == "sip" && m.uri.Host == "":
		return &refusal{code: 400, reason: "Bad Request-URI"}
	case len(m.body) > maxBody:
		return &refusal{code: 413, reason: "Request Entity Too Large"}
	}
	if m.method == "ACK" || m.method == "CANCEL" {
		return nil
	}
	if wanted := m.list("require"); len(wanted) > 0 { // RFC 3261 8.2.2.3; we have no extension at all
		return &refusal{420, "Bad Extension", []string{"Unsupported: " + strings.Join(wanted, ", ")}}
	}
	return nil
}

// unreadable tells why a message cannot even be answered: no way back, or nothing that we want to keep.
func unreadable(m *message) error {
	if len(m.headers) > maxHeaders {
		return fmt.Errorf("%d headers", len(m.headers))
	}
	for _, f := range []string{m.via.text, m.from.text, m.to.text, m.callID} {
		if len(f) > maxFieldSize {
			return errors.New("a header that identifies it is too long")
		}
	}
	if m.via.host == "" || m.value("cseq") == "" {
		return errors.New("no Via or no CSeq")
	}
	return nil
}
