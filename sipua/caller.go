package sipua

import "strings"

// callerOf finds who calls: what our server asserts (RFC 3325), else From. withheld: the caller does not want to be shown
// (RFC 3323), and nothing of him is.
func callerOf(m *message) (number, name string, withheld bool) {
	a := m.from
	if asserted := m.list("p-asserted-identity"); len(asserted) > 0 && m.trusted {
		for _, v := range asserted {
			if b, err := parseAddress(v); err == nil {
				a = b
				break
			}
		}
	}
	for _, v := range m.values("privacy") {
		for p := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if p = strings.ToLower(p); p == "id" || p == "user" || p == "header" && m.count("p-asserted-identity") > 0 {
				withheld = true
			}
		}
	}
	if u, err := parseURI(m.from.uri); err == nil {
		if strings.EqualFold(u.User, "anonymous") || strings.EqualFold(u.Host, "anonymous.invalid") {
			withheld = true
		}
	}
	if withheld {
		return "", "", true
	}
	if u, err := parseURI(a.uri); err == nil {
		number = userOf(u)
	}
	name = a.name
	if name == "" && a.uri != m.from.uri {
		name = m.from.name
	}
	return oneLine(number), oneLine(name), false
}
