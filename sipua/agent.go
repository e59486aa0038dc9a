package sipua

import (
	"slices"
	"time"
)

// Agent is one telephone's identity on an endpoint. Its methods post to the endpoint's loop and never block.
type Agent struct {
	e *Endpoint
	// Owned by the loop:
	account Account
	notify  func(Event)
	token   string // user part of our Contact: random, so that nobody who was not told can ring
	realm   string // that the registrar challenged for
	reg     registration
	retired bool
}

// Agent adds a telephone. notify is called from the loop, in order, and must not block; nil: calls are refused with 480.
func (e *Endpoint) Agent(acc Account, notify func(Event)) *Agent {
	a := &Agent{e: e, account: acc, notify: notify, token: newTag()}
	a.reg = registration{a: a, callID: newTag(), tag: newTag(), cseq: firstSeq - 1}
	e.post(func(now time.Time) {
		a.reg.since = now
		e.agents = append(e.agents, a)
		if e.closing != nil {
			a.retire(now)
		}
	})
	return a
}

// Register keeps the binding from now on; immediate skips the start jitter. It also refreshes a binding that lives, and
// cuts a back-off short.
func (a *Agent) Register(immediate bool) {
	a.e.post(func(now time.Time) {
		if !a.retired {
			a.reg.want(now, immediate)
		}
	})
}

// Unregister removes our own Contact, and no other.
func (a *Agent) Unregister() {
	a.e.post(func(now time.Time) { a.reg.leave(now) })
}

// SetAccount changes the identity or its proof; a registration that is wanted starts over with it, after the old binding
// has been removed if the identity is another.
func (a *Agent) SetAccount(acc Account) {
	a.e.post(func(now time.Time) {
		if !a.retired && acc != a.account {
			a.reg.rename(now, acc)
		}
	})
}

// Invite calls a number of our domain with an offer, which must not be empty. A SIP URI is taken as it is. It returns at
// once; progress comes as Events.
func (a *Agent) Invite(number string, offer []byte) *Call {
	c := &Call{e: a.e, agent: a, id: newTag()}
	offer = slices.Clone(offer)
	a.e.post(func(now time.Time) { c.dial(now, number, offer) })
	return c
}

// Close releases the agent's calls, removes its binding and takes it off the endpoint.
func (a *Agent) Close() {
	a.e.post(func(now time.Time) { a.retire(now) })
}

// retire lets everything go; the agent leaves when its binding is gone.
func (a *Agent) retire(now time.Time) {
	if a.retired {
		return
	}
	a.retired = true
	for _, c := range a.e.calls {
		if c.agent == a {
			c.release(now)
		}
	}
	a.reg.leave(now)
}

// left takes a retired agent off the endpoint once nothing is registered any more.
func (a *Agent) left() {
	if a.retired && a.e.closing == nil {
		a.e.agents = slices.DeleteFunc(a.e.agents, func(b *Agent) bool { return b == a })
	}
}

func (a *Agent) tell(ev Event) {
	if a.notify != nil {
		a.notify(ev)
	}
}

// aor is the address of record; contact is where requests reach us (R10: the socket's own address).
func (a *Agent) aor() string {
	return "sip:" + escapeUser(a.account.User) + "@" + a.e.cfg.Domain
}

func (a *Agent) contactURI() string { return "sip:" + a.token + "@" + a.e.local.String() }

func (a *Agent) contact() string { return "<" + a.contactURI() + ">" }

// auth makes the credentials for one line of requests.
func (a *Agent) auth() auth {
	user := a.account.AuthUser
	if user == "" {
		user = a.account.User
	}
	return auth{credentials: credentials{user: user, password: a.account.Password}}
}

// agentFor finds whom a Request-URI means: our Contact's token, or a telephone's number (D8).
func (e *Endpoint) agentFor(user string) *Agent {
	if user == "" {
		return nil
	}
	for _, a := range e.agents {
		if a.token == user {
			return a
		}
	}
	for _, a := range e.agents {
		if a.account.User == user && !a.retired {
			return a
		}
	}
	return nil
}
