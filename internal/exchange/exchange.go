// Package exchange is a small telephone exchange in one process: a registrar and a pair of proxies ("SBC 1, SBC 2") which
// share users and bindings. It is the far side for the demo and for tests in virtual time, never part of the firmware.
//
// It is an independent second opinion: its SIP text code (message, address, via, digest) shares nothing with the agent's, and
// it is honest about failing: wrong password 401, then 403; unknown user 404; known and unregistered 480.
//
// Time is plain package time. Each SBC has one goroutine: it reads its socket, and the socket's read deadline is the next
// deadline of the state behind it. All state belongs to Exchange.mu; sockets are written and hooks are called without it.
//
// It speaks UDP only, resolves no names (targets are address literals), does not fork (the best contact gets the call), and
// carries no media: voice goes from telephone to telephone.
package exchange

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config of an exchange. Only Users is needed.
type Config struct {
	Domain     string            // domain and digest realm, default "example.net"
	Users      map[string]string // user -> password
	Algorithms []string          // digest challenges in this order, "MD5" and "SHA-256", default MD5
	Qop        string            // "auth" (default), "auth-int" or "auth,auth-int"
	NonceLife  time.Duration     // afterwards stale=true, default 5 minutes
	Expires    time.Duration     // granted when none is asked for, and the most that is granted; default 1 hour
	NAT        bool              // send calls to the address that the REGISTER came from, not to the Contact
	Trusted    []netip.Addr      // trunks: callers from these addresses need no digest
	Seed       int64             // makes nonces repeatable; 0: random
	Log        *slog.Logger      // state changes of calls, at debug; default none
}

const (
	defaultDomain    = "example.net"
	defaultNonceLife = 5 * time.Minute
	defaultExpires   = time.Hour
)

// Exchange is the pair's common memory. Safe for concurrent use.
type Exchange struct {
	cfg Config
	log *slog.Logger

	mu       sync.Mutex
	users    map[string]*user
	sbcs     []*SBC
	auth     auth
	expiry   time.Time // no binding ends before; zero: there is none
	counts   Counts
	onPacket func(Packet)
	onChange func(Change)
}

// user is one subscriber.
type user struct {
	name     string
	authName string // digest user name: name, unless SetAuthName
	password string
	bindings []*binding
}

// New makes an exchange without a socket: see Serve.
func New(cfg Config) *Exchange {
	cfg.Domain = cmp.Or(cfg.Domain, defaultDomain)
	cfg.Qop = cmp.Or(cfg.Qop, "auth")
	cfg.NonceLife = cmp.Or(cfg.NonceLife, defaultNonceLife)
	cfg.Expires = cmp.Or(cfg.Expires, defaultExpires)
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{"MD5"}
	}
	x := &Exchange{cfg: cfg, log: cfg.Log, users: make(map[string]*user)}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	x.counts.Requests = make(map[string]int)
	x.counts.Answers = make(map[int]int)
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("nonce"), uint64(cfg.Seed)))
	if cfg.Seed == 0 {
		rand.Read(key[:]) // cannot fail
	}
	x.auth = newAuth(cfg, key[:])
	for name, password := range cfg.Users {
		x.AddUser(name, password)
	}
	return x
}

// Serve makes the socket one more SBC of the exchange, with a goroutine of its own until Close or Kill. The socket's
// LocalAddr is what Via and Record-Route carry; the SBC closes it.
func (x *Exchange) Serve(pc net.PacketConn) *SBC {
	x.mu.Lock()
	s := newSBC(x, len(x.sbcs)+1)
	x.sbcs = append(x.sbcs, s)
	x.mu.Unlock()
	s.start(pc)
	return s
}

// Close stops every SBC and waits for them.
func (x *Exchange) Close() {
	x.mu.Lock()
	all := slices.Clone(x.sbcs)
	x.mu.Unlock()
	for _, s := range all {
		s.Kill()
	}
}

// AddUser adds a subscriber, or changes the password of one.
func (x *Exchange) AddUser(name, password string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if u := x.users[name]; u != nil {
		u.password = password
		x.auth.forgive(name)
		return
	}
	x.users[name] = &user{name: name, authName: name, password: password}
}

// SetPassword changes a password; bindings stay until they are refreshed with it. An unknown user becomes a known one.
func (x *Exchange) SetPassword(name, password string) { x.AddUser(name, password) }

// SetAuthName gives a user another name for the digest, as some carriers do.
func (x *Exchange) SetAuthName(name, authName string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if u := x.users[name]; u != nil {
		u.authName = authName
	}
}

// RemoveUser forgets a subscriber and its bindings: 404 from now on.
func (x *Exchange) RemoveUser(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.users, name)
}

// Forget drops all bindings and nonces, as a registrar does that restarts without a database.
func (x *Exchange) Forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, u := range x.users {
		u.bindings = nil
	}
	x.auth.staleBefore = x.auth.issued
}

// Binding is a snapshot of one registered contact.
type Binding struct {
	User    string
	Contact string         // the URI as it was given
	Expires time.Time      // when it ends
	CallID  string         // of the REGISTER
	CSeq    uint32         // of the last REGISTER
	Source  netip.AddrPort // where the REGISTER came from
	SBC     int            // which SBC it came through, from 1
	Agent   string         // User-Agent
}

// Bindings is a snapshot of what is registered now, ordered by user and contact.
func (x *Exchange) Bindings() []Binding {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Binding
	now := time.Now()
	for _, u := range x.users {
		for _, b := range u.bindings {
			if b.Expires.After(now) {
				all = append(all, b.Binding)
			}
		}
	}
	slices.SortFunc(all, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Contact, b.Contact))
	})
	return all
}

// Counts since New.
type Counts struct {
	In, Out  int            // datagrams
	Garbage  int            // not SIP, or without what an answer needs
	Dropped  int            // by Mute or DropNext
	Absorbed int            // retransmissions that got the same answer again, and ACKs to our own answers
	Relayed  int            // requests and responses that were passed on
	Requests map[string]int // by method, retransmissions included; unusual methods as "other"
	Answers  map[int]int    // by code: those that the exchange made itself, once per request
}

// Counts is a snapshot of the counters.
func (x *Exchange) Counts() Counts {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.counts
	c.Requests, c.Answers = make(map[string]int), make(map[int]int)
	for k, v := range x.counts.Requests {
		c.Requests[k] = v
	}
	for k, v := range x.counts.Answers {
		c.Answers[k] = v
	}
	return c
}

// Packet is what the trace hook sees: a datagram as it came in or goes out.
type Packet struct {
	At   time.Time
	SBC  int
	Out  bool
	Peer netip.AddrPort
	Data []byte // the hook's to keep
}

// OnPacket sets the trace hook. It is called from the goroutines of the SBCs, without a lock; it must not block, nor
// close or kill. Set it before Serve.
func (x *Exchange) OnPacket(f func(Packet)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onPacket = f
}

// Change is what happened to a binding: "added", "refreshed", "removed" or "expired".
type Change struct {
	At   time.Time
	What string
	Binding
}

// OnChange sets the hook for bindings, with the rules of OnPacket.
func (x *Exchange) OnChange(f func(Change)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onChange = f
}
