package sipua

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// registration keeps one agent's binding at the registrar (RFC 3261 10). Call-ID is new in each boot and then stays;
// CSeq grows by one with every request, also with those that repeat for a challenge or a longer lifetime.
//
//	            want                     user or server missing
//	disabled ----------> registering <----------------------> misconfigured
//	   ^                  | ^   |  ^ \--------------------->  resolving
//	   |              2xx | |   |  |        name has no address
//	   |                  v |   |  +-- time to try again --+
//	   |            registered  |                          |
//	   |                  |     +-- 4xx 6xx, bad proof --> refused   60 s x3 ... 30 min
//	   |                  |     +-- silence 5xx 408 480 -> silent    2 4 8 ... 60 s, then up to 300 s
//	   |                leave
//	   +--- 2xx, end --- deregistering
//
// While a binding lives the state stays registered, whatever becomes of its refresh, until the lifetime ends or the
// server refuses.
type registration struct {
	a      *Agent
	callID string
	tag    string
	cseq   uint32

	state  RegState
	since  time.Time
	wanted bool
	shown  Registration // last event

	hop     *hop // asked last; holds the binding if there is one
	tx      *clientTx
	auth    auth
	ready   bool          // auth is that of the present account
	ask     time.Duration // lifetime to ask for: as configured, or what a 423 wanted
	brief   bool          // a 423 has been obeyed already
	granted time.Duration
	urgent  bool // asked for without jitter

	at    time.Time // next REGISTER
	until time.Time // end of the live binding; zero: none
	next  *Account  // identity to take after the old one's binding is removed

	fails    int // silences in a row
	refusals int // refusals in a row
	code     int
	reason   string
}

const (
	firstRefusal = time.Minute
	lastRefusal  = 30 * time.Minute
)

func (r *registration) deadline() time.Time { return earliest(r.at, r.until) }

// bound tells whether a binding lives.
func (r *registration) bound(now time.Time) bool { return !r.until.IsZero() && now.Before(r.until) }

// want is Register: at once when asked for or when a binding lives, else after the start jitter.
func (r *registration) want(now time.Time, immediate bool) {
	if r.state == Deregistering && r.next == nil { // too late to know whether the binding is still there
		r.drop()
		r.until, r.granted = time.Time{}, 0
	}
	if r.wanted && r.state != Disabled && r.next != nil {
		return // the new identity registers as soon as the old binding is gone
	}
	r.wanted, r.urgent = true, immediate
	r.fails, r.refusals = 0, 0 // whoever asks has a reason
	if !r.possible(now) {
		return
	}
	r.at = now
	if !immediate && !r.bound(now) && r.a.e.cfg.StartJitter > 0 {
		r.at = now.Add(spread(r.a.e.dice, 0, r.a.e.cfg.StartJitter))
	}
	r.drop()
	if r.bound(now) {
		r.setState(now, Registered, "refresh")
	} else {
		r.setState(now, Registering, "wanted")
	}
}

// possible checks what must be there before anything is sent (R1).
func (r *registration) possible(now time.Time) bool {
	missing := ""
	switch {
	case r.a.account.User == "":
		missing = "user missing"
	case len(r.a.e.cfg.Servers) == 0:
		missing = "server missing"
	case r.a.e.targets.current != nil:
		return true
	}
	r.at, r.until, r.code = time.Time{}, time.Time{}, 0
	r.drop()
	if missing != "" {
		r.reason = missing
		r.setState(now, Misconfigured, missing)
		return false
	}
	r.reason = "no address for the server yet"
	r.setState(now, Resolving, "wanted")
	return false
}

// leave is Unregister.
func (r *registration) leave(now time.Time) {
	if r.next != nil {
		r.a.account, r.next = *r.next, nil
	}
	r.wanted = false
	r.remove(now)
}

// rename is SetAccount.
func (r *registration) rename(now time.Time, acc Account) {
	if acc.User != r.a.account.User && (r.bound(now) || r.tx != nil) {
		r.next = &acc
		r.remove(now)
		return
	}
	r.take(now, acc)
}

func (r *registration) take(now time.Time, acc Account) {
	r.a.account, r.next, r.ready = acc, nil, false
	if r.wanted {
		r.want(now, true)
	}
}

// remove takes our own Contact away (never "*": RFC 3261 10.2.2 makes that everybody's).
func (r *registration) remove(now time.Time) {
	if r.state == Deregistering {
		return
	}
	had := r.bound(now) || r.tx != nil // one under way may have arrived
	r.drop()
	r.at = time.Time{}
	if !had || r.a.e.targets.current == nil {
		r.gone(now, "nothing to remove")
		return
	}
	r.setState(now, Deregistering, "not wanted")
	r.auth.begin()
	r.send(now)
}

// gone: no binding of ours is left, as far as we can tell.
func (r *registration) gone(now time.Time, cause string) {
	r.drop()
	r.at, r.until, r.granted = time.Time{}, time.Time{}, 0
	r.setState(now, Disabled, cause)
	if r.next != nil {
		r.take(now, *r.next)
		return
	}
	if r.wanted {
		r.want(now, true)
		return
	}
	r.a.left()
}

// drop leaves a transaction that is under way to itself: what comes now supersedes it.
func (r *registration) drop() {
	r.tx.forget()
	r.tx = nil
}

func (r *registration) advance(now time.Time) {
	if due(now, r.until) {
		r.until = time.Time{}
		if r.state == Registered {
			r.setState(now, Silent, "lifetime ended")
		}
	}
	if due(now, r.at) {
		r.at = time.Time{}
		if r.tx != nil || !r.wanted || !r.possible(now) {
			return
		}
		if !r.bound(now) {
			r.setState(now, Registering, "time to try")
		}
		r.brief = false
		r.auth.begin()
		r.send(now)
	}
}

// send writes the next REGISTER: with Expires 0 while deregistering.
func (r *registration) send(now time.Time) {
	a, e := r.a, r.a.e
	if !r.ready {
		r.auth, r.ready, r.ask = a.auth(), true, e.cfg.Expires
	}
	r.cseq++
	// A binding is removed where it is, all others go to the server of the day.
	if r.state != Deregistering || r.hop == nil || r.hop.state == hopDead {
		r.hop = e.targets.current
	}
	seconds := int(r.ask / time.Second)
	if r.state == Deregistering {
		seconds = 0
	}
	expires := fmt.Sprint(seconds)
	uri := "sip:" + e.cfg.Domain
	aor := nameAddr(a.account.DisplayName, a.aor())
	r.tx = e.ask(now, r, &outgoing{
		method: "REGISTER", uri: uri, branch: newBranch(), from: aor + ";tag=" + r.tag, to: aor,
		callID: r.callID, cseq: r.cseq, contact: a.contact() + ";expires=" + expires,
		extra: append(r.auth.lines("REGISTER", uri, nil), "Expires: "+expires),
	}, r.hop.addr, e.targets.patience())
	r.show(now)
}

// answered takes what the registrar says.
func (r *registration) answered(now time.Time, tx *clientTx, m *message) {
	if tx != r.tx || m.code < 200 {
		return
	}
	r.tx = nil
	r.code, r.reason = m.code, m.reason
	if m.code != 503 {
		r.hop.well(now, false)
	}
	switch {
	case m.code == 401 || m.code == 407:
		if err := r.auth.challenged(m); err != nil {
			r.auth.known = [2]*challenge{}
			r.reason = strings.TrimSpace(m.reason + " (" + err.Error() + ")")
			r.refused(now, m)
			return
		}
		r.send(now)
	case r.state == Deregistering:
		r.gone(now, fmt.Sprint(m.code))
	case m.code < 300:
		r.accepted(now, m)
	case m.code == 423 && !r.brief:
		least, ok := m.number("min-expires")
		if !ok || time.Duration(least)*time.Second <= r.ask || least > 30*24*3600 {
			r.refused(now, m)
			return
		}
		r.ask, r.brief = time.Duration(least)*time.Second, true
		r.send(now)
	case m.code == 408 || m.code == 480 || m.code/100 == 5:
		if m.code == 503 {
			r.hop.bad(now, "503 to a REGISTER", now.Add(max(penalty, retryAfter(m))))
		}
		r.failed(now, retryAfter(m))
	default:
		r.refused(now, m)
	}
}

func realmOf(a *auth) string {
	for _, ch := range a.known {
		if ch != nil {
			return ch.realm
		}
	}
	return ""
}

// accepted reads the lifetime granted: that of our own Contact among all that the registrar lists, then Expires, then
// what we asked for (RFC 3261 10.2.4).
func (r *registration) accepted(now time.Time, m *message) {
	granted := r.ask
	if n, ok := m.number("expires"); ok {
		granted = time.Duration(n) * time.Second
	}
	for _, v := range m.list("contact") {
		c, err := parseAddress(v)
		if err != nil {
			continue
		}
		if u, err := parseURI(c.uri); err != nil || u.User != r.a.token {
			continue
		}
		if v, ok := param(c.params, "expires"); ok {
			var n uint32
			if _, err := fmt.Sscan(v, &n); err == nil {
				granted = time.Duration(n) * time.Second
			}
		}
		break
	}
	if granted <= 0 {
		r.reason = "registered for 0 s"
		r.until = time.Time{}
		r.failed(now, 0)
		return
	}
	r.fails, r.refusals = 0, 0
	r.a.realm = realmOf(&r.auth)
	r.granted = granted
	r.until = now.Add(granted)
	r.at = now.Add(spread(r.a.e.dice, granted*80/100, granted*90/100)) // 85 % +-5 %
	r.a.e.keep(now)
	r.setState(now, Registered, fmt.Sprint(m.code))
	if r.hop != r.a.e.targets.current { // the servers changed places in the meantime
		r.at = now
	}
}

// retryAfter is what the server asks for, 0 for nothing; nonsense is bounded.
func retryAfter(m *message) time.Duration {
	n, ok := m.number("retry-after")
	if !ok {
		return 0
	}
	return min(max(time.Duration(n)*time.Second, minRetryAfter), maxRetryAfter)
}

// refused: the server knows us and says no. Tried again, but so rarely that no server bans us.
func (r *registration) refused(now time.Time, m *message) {
	if r.state == Deregistering {
		r.gone(now, fmt.Sprint(m.code))
		return
	}
	wait := firstRefusal
	for range min(r.refusals, 4) {
		wait *= 3
	}
	wait = min(wait, lastRefusal)
	r.refusals++
	r.until, r.granted = time.Time{}, 0
	r.at = now.Add(cmp.Or(retryAfter(m), wait))
	r.setState(now, Refused, fmt.Sprint(m.code))
}

// failed: nobody answered, or nobody was able to. Another server is tried at once; else the pauses grow.
func (r *registration) failed(now time.Time, after time.Duration) {
	r.fails++
	e := r.a.e
	if h := e.targets.current; h != r.hop && h.state != hopDead && r.fails <= 2*len(e.targets.hops) {
		r.at = now
	} else if after > 0 {
		r.at = now.Add(after)
	} else {
		r.at = now.Add(backOff(r.fails, func(low, high time.Duration) time.Duration { return spread(e.dice, low, high) }))
	}
	if r.bound(now) {
		r.show(now)
		return
	}
	r.setState(now, Silent, cmp.Or(r.reason, "failure"))
}

// backOff is 2, 4, 8 ... 60 s for the first attempts, then up to 300 s, times 0.5 to 1.
func backOff(fails int, draw func(low, high time.Duration) time.Duration) time.Duration {
	top := time.Minute
	if fails > 8 {
		top = 5 * time.Minute
	}
	wait := min(2*time.Second<<min(fails-1, 9), top)
	return draw(wait/2, wait)
}

func (r *registration) unanswered(now time.Time, tx *clientTx, why error) {
	if tx != r.tx {
		return
	}
	r.tx = nil
	r.code, r.reason = 0, why.Error()
	leaving := r.state == Deregistering
	r.hop.bad(now, why.Error(), r.hop.shun) // may move us to another server
	if leaving {
		r.gone(now, why.Error())
		return
	}
	if r.state != Deregistering && r.tx == nil {
		r.failed(now, 0)
	}
}

// setState is the one door; it tells the owner.
func (r *registration) setState(now time.Time, s RegState, cause string) {
	if s != r.state {
		logState(r.a.e.log, "registration", r.state, s, cause, "user", r.a.account.User)
		if (s == Registered) != (r.state == Registered) {
			r.a.e.count.bindings.Add(map[bool]int64{true: 1, false: -1}[s == Registered])
		}
		r.state, r.since = s, now
	}
	r.show(now)
}

// show tells the owner what changed; an attempt that changes nothing he can see is no news.
func (r *registration) show(time.Time) {
	ev := Registration{
		State: r.state, Code: r.code, Reason: r.reason, Expires: r.granted, Since: r.since, NextTry: r.at,
		Attempts: r.fails + r.refusals,
	}
	if r.hop != nil {
		ev.Server = r.hop.String()
	}
	if ev != r.shown {
		r.shown = ev
		r.a.tell(ev)
	}
}

// moved: another server is in charge. Bindings follow, a little spread; those without one try there now.
func (e *Endpoint) moved(now time.Time) {
	for _, a := range e.agents {
		r := &a.reg
		if !r.wanted || r.state == Deregistering || r.tx != nil && r.hop == e.targets.current {
			continue
		}
		switch r.state {
		case Resolving:
			r.want(now, r.urgent)
		case Registered, Silent, Registering:
			if r.state == Registering && r.tx == nil {
				continue // about to try anyway
			}
			r.drop()
			r.at = now.Add(spread(e.dice, 0, moveSpread))
			r.show(now)
		}
	}
}

// revived: the server in use was dead and answers again. Nobody waits for his back-off, and bindings are renewed: it may
// have forgotten them.
func (e *Endpoint) revived(now time.Time) {
	for _, a := range e.agents {
		if r := &a.reg; (r.state == Silent || r.state == Registered) && r.tx == nil && r.wanted {
			r.at = now.Add(spread(e.dice, 0, max(e.cfg.StartJitter, moveSpread)))
			r.show(now)
		}
	}
}

// resolveFailed shows the trouble with a name to those who wait for it.
func (e *Endpoint) resolveFailed(now time.Time, n *name) {
	for _, a := range e.agents {
		if r := &a.reg; r.state == Resolving {
			r.reason = n.host + ": " + n.trouble
			r.show(now)
		}
	}
}
