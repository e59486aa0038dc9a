package exchange

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// auth verifies digests: RFC 3261 section 22, RFC 2617, RFC 7616 and RFC 8760. A nonce carries its number and its time
// under a signature, so that only those in use are remembered. It belongs to Exchange.mu.
type auth struct {
	key         []byte
	realm       string
	qop         string
	algorithms  []string
	life        time.Duration
	issued      uint64 // number of the last nonce
	staleBefore uint64 // nonces up to this number are stale
	used        map[string]uint32
	wrong       map[attempt]wrongs
}

// attempt is where wrong passwords are counted: one agent's series of requests.
type attempt struct{ user, callID string }

type wrongs struct {
	count int
	last  time.Time
}

const (
	maxNonces   = 1 << 15
	maxAttempts = 1 << 14
	forgetWrong = 5 * time.Minute
)

type verdict uint8

const (
	absent verdict = iota // no credentials for our realm
	right
	stale  // the password is right, the nonce is not
	faulty // the password is wrong
	broken // cannot be judged: 400
)

func newAuth(cfg Config, key []byte) auth {
	return auth{key: key, realm: cfg.Domain, qop: cfg.Qop, algorithms: cfg.Algorithms, life: cfg.NonceLife,
		used: make(map[string]uint32), wrong: make(map[attempt]wrongs)}
}

func (a *auth) sign(b []byte) []byte {
	h := hmac.New(sha256.New, a.key)
	h.Write(b)
	return h.Sum(nil)[:8]
}

func (a *auth) nonce(now time.Time) string {
	a.issued++
	b := binary.BigEndian.AppendUint64(nil, a.issued)
	b = binary.BigEndian.AppendUint64(b, uint64(now.UnixNano()))
	return hex.EncodeToString(append(b, a.sign(b)...))
}

func (a *auth) opaque(nonce string) string { return hex.EncodeToString(a.sign([]byte(nonce))) }

// fresh says whether a nonce is ours and alive.
func (a *auth) fresh(now time.Time, nonce string, staleBefore uint64) bool {
	b, err := hex.DecodeString(nonce)
	if err != nil || len(b) != 24 || !hmac.Equal(b[16:], a.sign(b[:16])) {
		return false
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(b[8:])))
	return binary.BigEndian.Uint64(b) > max(a.staleBefore, staleBefore) && now.Sub(at) < a.life
}

// challenges are the values of WWW-Authenticate or Proxy-Authenticate, one for each algorithm, over one nonce.
func (a *auth) challenges(now time.Time, isStale, noQop bool) (values []string) {
	nonce := a.nonce(now)
	for _, algorithm := range a.algorithms {
		v := fmt.Sprintf(`Digest realm="%s", nonce="%s", opaque="%s", algorithm=%s`, a.realm, nonce, a.opaque(nonce), algorithm)
		if !noQop {
			v += `, qop="` + a.qop + `"`
		}
		if isStale {
			v += ", stale=true"
		}
		values = append(values, v)
	}
	return values
}

// parseDigest reads credentials: `Digest a="b", c=d`. Names are lower case.
func parseDigest(value string) (p map[string]string, ok bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return nil, false
	}
	p = make(map[string]string)
	for _, part := range splitList(rest) {
		k, v, found := strings.Cut(part, "=")
		if k = strings.ToLower(strings.TrimSpace(k)); !found || !isToken(k) {
			return nil, false
		}
		if _, twice := p[k]; twice {
			return nil, false
		}
		p[k] = unquote(strings.TrimSpace(v))
	}
	return p, true
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var w strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		w.WriteByte(s[i])
	}
	return w.String()
}

// credentials finds those for our realm among the values of Authorization or Proxy-Authorization.
func (a *auth) credentials(values []string) (p map[string]string, v verdict) {
	for _, value := range values {
		if p, ok := parseDigest(value); !ok {
			v = broken
		} else if p["realm"] == a.realm {
			return p, right
		}
	}
	return nil, v
}

// verify judges credentials of our realm for a user, and says why they cannot be judged.
func (a *auth) verify(now time.Time, p map[string]string, m *message, u *user, staleBefore uint64) (verdict, string) {
	algorithm := p["algorithm"]
	if algorithm == "" {
		algorithm = "MD5"
	}
	count, err := strconv.ParseUint(p["nc"], 16, 32)
	qop := p["qop"]
	switch {
	case p["nonce"] == "" || p["response"] == "":
		return broken, "No Nonce Or Response"
	case !sameTarget(p["uri"], m.uri):
		return broken, "Digest URI Is Not The Request-URI"
	case !slices.ContainsFunc(a.algorithms, func(s string) bool { return strings.EqualFold(s, algorithm) }):
		return broken, "Algorithm Was Not Offered"
	case qop != "" && !slices.Contains(strings.Split(a.qop, ","), qop):
		return broken, "Qop Was Not Offered"
	case qop != "" && (err != nil || len(p["nc"]) != 8 || p["cnonce"] == ""):
		return broken, "Qop Without Nc And Cnonce"
	}
	want := response(algorithm, u, p, m.method, m.body)
	if u.authName != p["username"] ||
		subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(p["response"]))) == 0 {
		return faulty, ""
	}
	if !a.fresh(now, p["nonce"], staleBefore) {
		return stale, ""
	}
	if o, given := p["opaque"]; given && o != a.opaque(p["nonce"]) {
		return broken, "Opaque Was Changed" // it comes back as it was, or not at all
	}
	if qop != "" { // a count that was seen already is a replay
		if uint32(count) <= a.used[p["nonce"]] {
			return stale, ""
		}
		if len(a.used) >= maxNonces {
			for n := range a.used {
				if !a.fresh(now, n, 0) || len(a.used) >= maxNonces {
					delete(a.used, n)
				}
			}
		}
		a.used[p["nonce"]] = uint32(count)
	}
	return right, ""
}

// sameTarget compares the digest's uri with the Request-URI; parameters may differ, as proxies may change them.
func sameTarget(digest, request string) bool {
	if digest == request {
		return true
	}
	a, ok1 := parseURI(digest)
	b, ok2 := parseURI(request)
	return ok1 && ok2 && a.user == b.user && a.host == b.host && a.port == b.port
}

// response computes what the client must have computed: RFC 2617 section 3.2.2, RFC 7616 section 3.4.
func response(algorithm string, u *user, p map[string]string, method string, body []byte) string {
	var h hash.Hash = md5.New()
	algorithm = strings.ToUpper(algorithm)
	if strings.HasPrefix(algorithm, "SHA-256") {
		h = sha256.New()
	}
	sum := func(s string) string {
		h.Reset()
		h.Write([]byte(s))
		return hex.EncodeToString(h.Sum(nil))
	}
	secret := sum(u.authName + ":" + p["realm"] + ":" + u.password)
	if strings.HasSuffix(algorithm, "-SESS") {
		secret = sum(secret + ":" + p["nonce"] + ":" + p["cnonce"])
	}
	what := method + ":" + p["uri"]
	if p["qop"] == "auth-int" {
		what += ":" + sum(string(body))
	}
	if p["qop"] == "" {
		return sum(secret + ":" + p["nonce"] + ":" + sum(what))
	}
	return sum(strings.Join([]string{secret, p["nonce"], p["nc"], p["cnonce"], p["qop"], sum(what)}, ":"))
}

// failedAgain counts a wrong password; true from the second one in a series on, and the series begins anew.
func (a *auth) failedAgain(now time.Time, user, callID string) bool {
	k := attempt{user, callID}
	w := a.wrong[k]
	if now.Sub(w.last) > forgetWrong {
		w.count = 0
	}
	if w.count++; w.count >= 2 {
		delete(a.wrong, k)
		return true
	}
	if len(a.wrong) >= maxAttempts {
		clear(a.wrong)
	}
	w.last = now
	a.wrong[k] = w
	return false
}

// forgive forgets the wrong passwords of a user.
func (a *auth) forgive(user string) {
	for k := range a.wrong {
		if k.user == user {
			delete(a.wrong, k)
		}
	}
}

// authenticated lets a request of a user pass, or answers it: code 401 or 407 with a challenge, 403, 400.
func (s *SBC) authenticated(r *request, u *user, code int) bool {
	ask, give := "WWW-Authenticate", "authorization"
	if code == 407 {
		ask, give = "Proxy-Authenticate", "proxy-authorization"
	}
	a := &s.x.auth
	p, v := a.credentials(r.all(give))
	why := "Not Digest Credentials"
	if v == right {
		v, why = a.verify(r.now, p, r.message, u, s.faults.staleBefore)
	}
	switch v {
	case right:
		delete(a.wrong, attempt{u.name, r.get("call-id")})
		return true
	case broken:
		s.refuse(r, 400, why)
		return false
	case faulty:
		if a.failedAgain(r.now, u.name, r.get("call-id")) {
			s.refuse(r, 403, "")
			return false
		}
	}
	m := r.response(code)
	for _, value := range a.challenges(r.now, v == stale, s.faults.noQop) {
		m.add(ask, value)
	}
	s.answer(r, m)
	return false
}
