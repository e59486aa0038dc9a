package sipua

import "errors"

// Why a challenge is not answered.
var (
	errNoPassword  = errors.New("password missing")
	errNoChallenge = errors.New("no challenge that we can answer")
	errRefused     = errors.New("credentials refused")
	errForeign     = errors.New("challenge of a foreign realm")
)

// auth answers challenges for one line of requests: a registration, or one call. It keeps the last challenge of the
// registrar (401) and of the proxy (407), so that following requests carry credentials with a growing nonce count.
type auth struct {
	credentials
	realm string        // the only realm to answer to; "" while none is known
	known [2]*challenge // 401, 407
	sent  [2]bool       // the request that is under way carried credentials
	tries int           // challenges answered for the present request
}

var authHeaders = [2]struct{ ask, answer string }{
	{"www-authenticate", "Authorization"},
	{"proxy-authenticate", "Proxy-Authorization"},
}

// begin is called for each new request (not for its repetition with credentials).
func (a *auth) begin() { a.tries = 0 }

// lines are the header lines for a request, from what is known.
func (a *auth) lines(method, uri string, body []byte) (all []string) {
	for i, ch := range a.known {
		if a.sent[i] = ch != nil; ch != nil {
			all = append(all, authHeaders[i].answer+": "+a.authorize(*ch, method, uri, body))
		}
	}
	return all
}

// challenged takes a 401 or 407. nil: send the request again, with lines. A nonce from an earlier request may have run
// out, so a fresh one is worth a try even when the server forgot to say stale; credentials for a nonce that was given out
// a moment ago are refused because they are wrong, unless the server says stale.
func (a *auth) challenged(m *message) error {
	i := m.code - 401
	if m.code == 407 {
		i = 1
	}
	all := parseChallenges(m.values(authHeaders[i].ask))
	if len(all) == 0 {
		return errNoChallenge
	}
	ch := all[0]
	if a.realm != "" && ch.realm != a.realm {
		return errForeign
	}
	if a.password == "" {
		return errNoPassword
	}
	if a.tries >= 2 || a.sent[i] && !ch.stale && (a.tries > 0 || a.known[i].nonce == ch.nonce) {
		a.known = [2]*challenge{}
		return errRefused
	}
	a.tries++
	a.known[i] = &ch
	return nil
}
