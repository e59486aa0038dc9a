package exchange

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// binding is one contact of a user.
type binding struct {
	Binding
	key string // the contact's URI, for comparison
	uri uri
	q   int // thousandths
}

const maxBindings = 10 // contacts of one user

// register is the registrar: RFC 3261 section 10.3, steps in its order.
func (s *SBC) register(r *request) {
	if unknown := r.list("require"); len(unknown) > 0 {
		s.unsupported(r, unknown)
		return
	}
	to, ok := parseAddress(r.get("to"))
	u := s.x.users[to.uri.user]
	switch {
	case !ok:
		s.refuse(r, 400, "Bad To")
	case u == nil || !s.x.ours(to.uri):
		s.refuse(r, 404, "")
	case s.authenticated(r, u, 401):
		s.bind(r, u)
	}
}

// bind is steps 6 to 8: all contacts of the request, or none.
func (s *SBC) bind(r *request, u *user) {
	s.changes = append(s.changes, s.x.expire(r.now)...)
	number, _, _ := r.cseq()
	asked, hasExpires := seconds(r.get("expires"))
	contacts := r.list("contact")
	next := slices.Clone(u.bindings)
	var changes []Change
	note := func(what string, b *binding) {
		changes = append(changes, Change{r.now, what, b.Binding})
	}
	// outdated: a late request of the same series must not undo a later one.
	outdated := func(b *binding) bool { return b.CallID == r.get("call-id") && number <= b.CSeq }

	for _, value := range contacts {
		if value == "*" {
			if len(contacts) != 1 || !hasExpires || asked != 0 {
				s.refuse(r, 400, "Bad Wildcard")
				return
			}
			if slices.ContainsFunc(next, outdated) {
				s.refuse(r, 500, "CSeq Out Of Order")
				return
			}
			for _, b := range next {
				note("removed", b)
			}
			next = nil
			continue
		}
		c, ok := parseAddress(value)
		if !ok || c.uri.scheme == "tel" {
			s.refuse(r, 400, "Bad Contact")
			return
		}
		expires := s.x.cfg.Expires
		if v, ok := c.params.get("expires"); ok {
			if d, ok := seconds(v); ok {
				expires = d
			}
		} else if hasExpires {
			expires = asked
		}
		if low := s.faults.minExpires; expires > 0 && expires < low {
			m := r.response(423)
			m.add("Min-Expires", strconv.Itoa(int((low+time.Second-1)/time.Second)))
			s.answer(r, m)
			return
		}
		expires = min(expires, s.x.cfg.Expires)
		if s.faults.maxExpires > 0 {
			expires = min(expires, s.faults.maxExpires)
		}
		at := slices.IndexFunc(next, func(b *binding) bool { return b.key == c.uri.key() })
		if at >= 0 && outdated(next[at]) {
			s.refuse(r, 500, "CSeq Out Of Order")
			return
		}
		if expires == 0 {
			if at >= 0 {
				note("removed", next[at])
				next = slices.Delete(next, at, at+1)
			}
			continue
		}
		b := &binding{key: c.uri.key(), uri: c.uri, q: quality(c.params), Binding: Binding{User: u.name, Contact: c.uri.raw,
			Expires: r.now.Add(expires), CallID: r.get("call-id"), CSeq: number, Source: r.from, SBC: s.number, Agent: r.get("user-agent")}}
		if at >= 0 {
			next[at] = b
			note("refreshed", b)
		} else if len(next) >= maxBindings {
			s.refuse(r, 503, "Too Many Contacts")
			return
		} else {
			next = append(next, b)
			note("added", b)
		}
	}
	u.bindings = next
	s.changes = append(s.changes, changes...)
	m := r.response(200)
	for _, b := range u.bindings {
		s.x.expiry = earliest(s.x.expiry, b.Expires)
		m.add("Contact", "<"+b.Contact+">;expires="+strconv.Itoa(int(b.Expires.Sub(r.now)/time.Second)))
	}
	m.add("Date", r.now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")) // section 10.3 step 8
	s.answer(r, m)
}

// expire takes out the bindings that have ended, and finds the next end.
func (x *Exchange) expire(now time.Time) (changes []Change) {
	if x.expiry.IsZero() || x.expiry.After(now) {
		return nil
	}
	x.expiry = time.Time{}
	for _, u := range x.users {
		u.bindings = slices.DeleteFunc(u.bindings, func(b *binding) bool {
			if b.Expires.After(now) {
				x.expiry = earliest(x.expiry, b.Expires)
				return false
			}
			changes = append(changes, Change{now, "expired", b.Binding})
			return true
		})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.User+a.Contact, b.User+b.Contact) })
	return changes
}

// best is the binding that gets the call: highest q, then the latest.
func (u *user) best(now time.Time) (best *binding) {
	for _, b := range u.bindings {
		if b.Expires.After(now) && (best == nil || b.q > best.q || b.q == best.q && b.Expires.After(best.Expires)) {
			best = b
		}
	}
	return best
}

// seconds reads a delta-seconds; larger than 2^32-1 is taken as that: RFC 3261 section 20.19.
func seconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, 1<<32-1)) * time.Second, true
}

// quality reads q, 0 to 1 with three digits; absent is 1.
func quality(p params) int {
	if v, ok := p.get("q"); ok {
		if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 && f <= 1 {
			return int(f*1000 + 0.5)
		}
	}
	return 1000
}
