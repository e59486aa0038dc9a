package sipua

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Bounds of what a challenge may make us read.
const (
	maxChallenges     = 16
	maxChallengeBytes = 4096
	maxNonces         = 4 // nonces remembered for counting: registrar and proxy, each with one that is just going stale
)

// challenge is one usable Digest challenge of a WWW-Authenticate or Proxy-Authenticate header (RFC 3261 22.4).
type challenge struct {
	realm, nonce, opaque string
	algorithm            string   // as the server wrote it; "" means MD5
	qop                  []string // lower case; only auth and auth-int; nil: the server knows no qop (RFC 2069)
	stale                bool     // the nonce was too old, the password right: a new nonce is worth another try
}

// parseChallenges reads the values of one or more challenge headers, each of which may hold several challenges. Basic,
// unknown schemes, unknown algorithms and challenges without a realm or nonce are left out; userhash and charset are ignored.
// The strongest comes first, otherwise the order is the server's (RFC 8760 2.4).
func parseChallenges(headerValues []string) []challenge {
	var all []challenge
	for _, h := range headerValues[:min(len(headerValues), maxChallenges)] {
		all = append(all, parseChallengeHeader(h)...)
	}
	all = slices.DeleteFunc(all, func(c challenge) bool { return !c.usable() })
	if len(all) > maxChallenges {
		all = all[:maxChallenges]
	}
	slices.SortStableFunc(all, func(a, b challenge) int { return b.strength() - a.strength() })
	return all
}

func (c challenge) usable() bool {
	return c.realm != "" && c.nonce != "" && c.strength() > 0 && !slices.Contains(c.qop, "?")
}

func (c challenge) strength() int {
	switch strings.ToUpper(c.algorithm) {
	case "SHA-256", "SHA-256-SESS":
		return 2
	case "", "MD5", "MD5-SESS":
		return 1
	}
	return 0
}

// parseChallengeHeader tells a new challenge from a parameter by what follows the word: a parameter has "=".
// Challenges of other schemes come back without a nonce.
func parseChallengeHeader(h string) []challenge {
	if len(h) > maxChallengeBytes {
		return nil
	}
	var all []challenge
	digest := false
	seen := map[string]bool{}
	for h != "" {
		h = strings.TrimLeft(h, " \t\r\n,")
		word, rest := cutWord(h)
		if word == "" {
			if h != "" {
				h = h[1:] // a stray quote or equals sign
			}
			continue
		}
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !strings.HasPrefix(rest, "=") {
			digest = strings.EqualFold(word, "Digest")
			all = append(all, challenge{})
			clear(seen)
			h = rest
			continue
		}
		var value string
		value, h = cutValue(strings.TrimLeft(rest[1:], " \t\r\n"))
		key := strings.ToLower(word)
		if !digest || seen[key] {
			continue
		}
		seen[key] = true
		all[len(all)-1].set(key, value)
	}
	return all
}

func (c *challenge) set(key, value string) {
	switch key {
	case "realm":
		c.realm = value
	case "nonce":
		c.nonce = value
	case "opaque":
		c.opaque = value
	case "algorithm":
		c.algorithm = value
	case "stale":
		c.stale = strings.EqualFold(value, "true")
	case "qop":
		unknown := false
		for _, q := range strings.Split(value, ",") {
			switch q = strings.ToLower(strings.TrimSpace(q)); q {
			case "auth", "auth-int":
				c.qop = append(c.qop, q)
			case "":
			default:
				unknown = true
			}
		}
		if unknown && c.qop == nil {
			c.qop = []string{"?"} // it insists on a protection that we do not have
		}
	}
}

func cutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t\r\n,=\"")
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// cutValue takes a quoted string without its quotes and escapes, or a token up to the next comma or blank. A quoted
// string that does not end takes the rest.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, " \t\r\n,")
		if i < 0 {
			return s, ""
		}
		return s[:i], s[i:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// credentials of one port, with the count of how often each nonce was used. Owned by one goroutine.
type credentials struct {
	user, password string

	uses   []nonceUse
	cnonce func() string // nil: random; tests give the standard's
}

type nonceUse struct {
	realm, nonce, cnonce string
	count                uint32
}

// authorize is the value of the Authorization or Proxy-Authorization header for one request. Each call counts one use
// of the nonce (nc), so a challenge may be kept and used for the following requests too. uri is the Request-URI as it
// stands in the request; body matters for qop auth-int only.
func (d *credentials) authorize(ch challenge, method, uri string, body []byte) string {
	hash := hashMD5
	if ch.strength() == 2 {
		hash = hashSHA256
	}
	use := d.use(ch)
	secret := hash(d.user + ":" + ch.realm + ":" + d.password)
	if strings.HasSuffix(strings.ToUpper(ch.algorithm), "-SESS") {
		secret = hash(secret + ":" + ch.nonce + ":" + use.cnonce) // RFC 7616 3.4.2
	}
	qop := ""
	if len(ch.qop) > 0 {
		qop = "auth-int"
		if slices.Contains(ch.qop, "auth") {
			qop = "auth"
		}
	}
	request := method + ":" + uri
	if qop == "auth-int" {
		request += ":" + hash(string(body))
	}
	nc := fmt.Sprintf("%08x", use.count)
	var response string
	if qop == "" {
		response = hash(secret + ":" + ch.nonce + ":" + hash(request)) // RFC 2617 3.2.2.1
	} else {
		response = hash(secret + ":" + ch.nonce + ":" + nc + ":" + use.cnonce + ":" + qop + ":" + hash(request))
	}

	h := "Digest username=" + quote(d.user) + ", realm=" + quote(ch.realm) + ", nonce=" + quote(ch.nonce) +
		", uri=" + quote(uri) + ", response=" + quote(response)
	if ch.algorithm != "" {
		h += ", algorithm=" + ch.algorithm
	}
	if qop != "" {
		h += ", qop=" + qop + ", nc=" + nc
	}
	if qop != "" || strings.HasSuffix(strings.ToUpper(ch.algorithm), "-SESS") {
		h += ", cnonce=" + quote(use.cnonce)
	}
	if ch.opaque != "" {
		h += ", opaque=" + quote(ch.opaque)
	}
	return h
}

// use counts one more use of the challenge's nonce. The client nonce stays the same as long as the nonce does: the
// session key of the -sess algorithms is made from the first, and servers differ in which one they take.
func (d *credentials) use(ch challenge) nonceUse {
	i := slices.IndexFunc(d.uses, func(u nonceUse) bool { return u.nonce == ch.nonce && u.realm == ch.realm })
	if i < 0 {
		if len(d.uses) == maxNonces {
			d.uses = slices.Delete(d.uses, 0, 1)
		}
		fresh := randomNonce
		if d.cnonce != nil {
			fresh = d.cnonce
		}
		d.uses = append(d.uses, nonceUse{realm: ch.realm, nonce: ch.nonce, cnonce: fresh()})
		i = len(d.uses) - 1
	}
	d.uses[i].count++
	return d.uses[i]
}

func randomNonce() string { return rand.Text()[:16] } // 80 bits

func hashMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hashSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// quote writes a quoted-string (RFC 3261 25.1). Control characters have no place in a header and are left out.
func quote(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' && c != '\t' || c == 0x7f:
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
