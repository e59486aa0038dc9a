package exchange

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// param is one ;name=value; bare says that there was no "=".
type param struct {
	name, value string
	bare        bool
}

type params []param

// get finds a parameter; names are compared without case.
func (p params) get(name string) (value string, ok bool) {
	for _, x := range p {
		if strings.EqualFold(x.name, name) {
			return x.value, true
		}
	}
	return "", false
}

func (p params) set(name, value string) params {
	for i := range p {
		if strings.EqualFold(p[i].name, name) {
			p[i] = param{name: p[i].name, value: value}
			return p
		}
	}
	return append(p, param{name: name, value: value})
}

func (p params) String() string {
	var w strings.Builder
	for _, x := range p {
		w.WriteString(";" + x.name)
		if !x.bare {
			w.WriteString("=" + x.value)
		}
	}
	return w.String()
}

// parseParams reads what follows the first ";": "a=b;c". Quoted values stay as they are.
func parseParams(s string) (all params) {
	for s != "" {
		end, quoted := len(s), false
		for i := 0; i < len(s); i++ {
			if c := s[i]; c == '"' {
				quoted = !quoted
			} else if c == '\\' && quoted {
				i++
			} else if c == ';' && !quoted {
				end = i
				break
			}
		}
		name, value, found := strings.Cut(s[:end], "=")
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, param{name, strings.TrimSpace(value), !found})
		}
		s = s[min(end+1, len(s)):]
	}
	return all
}

// uri is a SIP, SIPS or tel URI: RFC 3261 section 19.1. raw is how it was written.
type uri struct {
	raw    string
	scheme string // lower case
	user   string // unescaped; the number of a tel URI
	host   string // lower case, IPv6 without brackets; empty for tel
	port   uint16 // 0: none was written
	params params
}

func parseURI(s string) (u uri, ok bool) {
	u.raw = s
	scheme, rest, found := strings.Cut(s, ":")
	u.scheme = strings.ToLower(scheme)
	if !found || rest == "" || strings.ContainsAny(s, " \t<>\"") {
		return u, false
	}
	if u.scheme == "tel" {
		number, tail, _ := strings.Cut(rest, ";")
		u.user, u.params = number, parseParams(tail)
		return u, number != ""
	}
	if u.scheme != "sip" && u.scheme != "sips" {
		return u, false
	}
	if who, where, found := strings.Cut(rest, "@"); found {
		name, _, _ := strings.Cut(who, ":") // a password in a URI is history
		if u.user = name; strings.Contains(name, "%") {
			plain, err := url.PathUnescape(name)
			if err != nil {
				return u, false
			}
			u.user = plain
		}
		rest = where
	}
	rest, _, _ = strings.Cut(rest, "?")
	where, tail, _ := strings.Cut(rest, ";")
	u.params = parseParams(tail)
	u.host, u.port, ok = splitHostPort(where)
	return u, ok
}

// splitHostPort reads host[:port]; the host comes back in lower case and without brackets.
func splitHostPort(s string) (host string, port uint16, ok bool) {
	s = strings.TrimSpace(s)
	host, tail := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, false
		}
		host, tail = s[1:end], s[end+1:]
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", 0, false
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, tail = strings.TrimSpace(s[:i]), s[i:]
	}
	if tail != "" {
		n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(tail, ":")), 10, 16)
		if err != nil || n == 0 || tail[0] != ':' {
			return "", 0, false
		}
		port = uint16(n)
	}
	if host == "" || strings.ContainsAny(host, "@/ \t") {
		return "", 0, false
	}
	return strings.ToLower(host), port, true
}

// destination is where UDP reaches the URI; false for a name, for tel, and for another transport.
func (u uri) destination() (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(u.host)
	if t, ok := u.params.get("transport"); err != nil || u.scheme != "sip" || ok && !strings.EqualFold(t, "udp") {
		return netip.AddrPort{}, false
	}
	if u.port == 0 {
		u.port = 5060
	}
	return netip.AddrPortFrom(a.Unmap(), u.port), true
}

// key compares contacts, as RFC 3261 section 19.1.4 does for what matters here.
func (u uri) key() string {
	t, _ := u.params.get("transport")
	return u.scheme + ":" + u.user + "@" + u.host + ":" + strconv.Itoa(int(u.port)) + ";" + strings.ToLower(t)
}

// loose says that the URI is a loose router's: RFC 3261 section 16.12.1.1.
func (u uri) loose() bool {
	_, lr := u.params.get("lr")
	return lr
}

// address is a name-addr or addr-spec with header parameters: From, To, Contact, Route.
type address struct {
	uri    uri
	params params
}

func parseAddress(s string) (a address, ok bool) {
	s = strings.TrimSpace(s)
	open := -1
	for i, quoted := 0, false; i < len(s) && open < 0; i++ { // the display name may hold quoted brackets
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			open = i
		}
	}
	spec, tail := s, ""
	if open >= 0 {
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			return a, false
		}
		spec, tail = s[open+1:open+end], s[open+end+1:]
	} else {
		spec, tail, _ = strings.Cut(s, ";") // section 20.10: without brackets the parameters are the header's
	}
	a.params = parseParams(strings.TrimPrefix(strings.TrimSpace(tail), ";"))
	a.uri, ok = parseURI(strings.TrimSpace(spec))
	return a, ok
}

// tag of a From or To value, "" for none.
func tag(value string) string {
	a, _ := parseAddress(value)
	t, _ := a.params.get("tag")
	return t
}
