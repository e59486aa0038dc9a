package sipua

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// address is a name-addr or addr-spec (RFC 3261 20.10), its URI as text.
type address struct {
	text   string // as it came
	name   string // display name, without quotes and escapes
	uri    string
	params string // behind the URI, without the first semicolon
	tag    string
}

var errNoAddress = errors.New("no address")

func parseAddress(s string) (address, error) {
	a := address{text: strings.TrimSpace(s)}
	s = a.text
	open := indexUnquoted(s, '<')
	if open < 0 {
		// RFC 3261 20.10: without angle brackets every parameter belongs to the header.
		a.uri, a.params, _ = strings.Cut(s, ";")
		a.uri = strings.TrimSpace(a.uri)
	} else {
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			return a, fmt.Errorf("no > in %.60q", s)
		}
		a.name = unquote(strings.TrimSpace(s[:open]))
		a.uri = strings.TrimSpace(s[open+1 : open+end])
		rest := strings.TrimSpace(s[open+end+1:])
		if rest != "" && rest[0] != ';' {
			return a, fmt.Errorf("%.20q behind the address", rest)
		}
		a.params = strings.TrimPrefix(rest, ";")
	}
	if a.uri == "" || strings.ContainsAny(a.uri, " \t\"<") || !strings.Contains(a.uri, ":") {
		return a, errNoAddress
	}
	a.tag, _ = param(a.params, "tag")
	return a, nil
}

// param finds a parameter whatever its case and blanks are; its value comes without quotes.
func param(params, key string) (string, bool) {
	for params != "" {
		var p string
		if i := indexUnquoted(params, ';'); i >= 0 {
			p, params = params[:i], params[i+1:]
		} else {
			p, params = params, ""
		}
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), key) {
			return unquote(strings.TrimSpace(v)), true
		}
	}
	return "", false
}

// indexUnquoted is strings.IndexByte outside quoted strings.
func indexUnquoted(s string, c byte) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted && s[i] == '\\':
			i++
		case !quoted && s[i] == c:
			return i
		}
	}
	return -1
}

// splitList splits a header at the commas that are outside quotes and angle brackets; empty elements fall away.
func splitList(s string) (all []string) {
	quoted, inside, start := false, false, 0
	add := func(e string) {
		if e = strings.TrimSpace(e); e != "" {
			all = append(all, e)
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '<':
			inside = true
		case c == '>':
			inside = false
		case c == ',' && !inside:
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[min(start, len(s)):])
	return all
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// via is the topmost Via of a message (RFC 3261 20.42, RFC 3581).
type via struct {
	text   string
	host   string
	port   uint16 // 5060 when it has none
	params string
	branch string
	rport  bool // asked for by the client
}

func parseVia(s string) (via, error) {
	v := via{text: s, port: 5060}
	proto, rest, ok := cutBlank(strings.TrimSpace(s))
	// "SIP / 2.0 / UDP" may have blanks (RFC 3261 20.42).
	for ok && strings.Count(proto, "/") < 2 || strings.HasSuffix(proto, "/") || strings.HasPrefix(rest, "/") {
		var more string
		if more, rest, ok = cutBlank(rest); more == "" {
			break
		}
		proto += more
	}
	if p := strings.Split(proto, "/"); len(p) != 3 || !strings.EqualFold(p[0], "SIP") || p[1] != "2.0" || p[2] == "" {
		return v, fmt.Errorf("protocol %.20q", proto)
	}
	sentBy, params, _ := strings.Cut(rest, ";")
	v.params = params
	sentBy = strings.ReplaceAll(strings.ReplaceAll(sentBy, " ", ""), "\t", "")
	host, port, err := cutPort(sentBy)
	if err != nil {
		return v, err
	}
	v.host = host
	if port != 0 {
		v.port = port
	}
	v.branch, _ = param(params, "branch")
	r, asked := param(params, "rport")
	v.rport = asked && r == ""
	return v, nil
}

func cutBlank(s string) (word, rest string, ok bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}

// cutPort splits host[:port], the host without the brackets of IPv6; port 0: none given.
func cutPort(s string) (host string, port uint16, err error) {
	rest := ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, fmt.Errorf("host %.40q", s)
		}
		host, rest = s[1:end], s[end+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, rest = s[:i], s[i:]
	} else {
		host = s
	}
	if host == "" {
		return "", 0, errors.New("no host")
	}
	if rest != "" {
		p, err := strconv.ParseUint(strings.TrimPrefix(rest, ":"), 10, 16)
		if err != nil || rest[0] != ':' || p == 0 {
			return "", 0, fmt.Errorf("port %.20q", rest)
		}
		port = uint16(p)
	}
	return host, port, nil
}

// parseURI reads a SIP or other URI; other schemes keep only Scheme and Raw.
func parseURI(s string) (sip.Uri, error) {
	var u sip.Uri
	err := sip.ParseUri(s, &u)
	return u, err
}

// userOf is the telephone number in a URI: the user part of sip:, what stands before the parameters of tel:.
func userOf(u sip.Uri) string {
	user := u.User
	if u.Scheme == "tel" {
		user = u.Raw()
	}
	user, _, _ = strings.Cut(user, ";") // sip:1001;phone-context=...@host, tel:1001;npdi
	return unescape(user)
}

// hostPort is where a URI points when its host is an IP literal.
func hostPort(u sip.Uri) (netip.AddrPort, bool) {
	host, _ := param(joinParams(u.UriParams), "maddr")
	if host == "" {
		host = u.Host
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil || u.Port < 0 || u.Port > 65535 {
		return netip.AddrPort{}, false
	}
	port := uint16(u.Port)
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(a.Unmap(), port), true
}

func joinParams(p sip.HeaderParams) string { return p.ToString(';') }

// unescape undoes %HH; what is no escape stays.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapeUser writes a number or name as the user part of a SIP URI (RFC 3261 25.1). Of what may stand there plainly, only
// what numbers are made of does: parsers differ about the rest.
func escapeUser(s string) string {
	const plain = "-_.!~*'()+"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
