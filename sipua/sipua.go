// Package sipua is the SIP brain: it keeps the registration of every telephone, watches the servers, and makes and takes
// calls, as a user agent client and server (RFC 3261).
//
// The nouns: an Endpoint is one local UDP address with its servers; an Agent is one telephone's identity on it; a Call is
// what an agent makes (Invite) or is offered (Incoming). Everything that happens is told as an Event.
//
// One goroutine, the endpoint's loop, owns all of it: agents, registrations, transactions, dialogs, server health. A
// second one only reads the socket. Every call from outside is a post to the loop and never blocks; every answer is an
// Event, given in order to the agent's notify function, which runs on the loop and must not block. Time is deadlines kept
// as data: the loop arms one timer, for the earliest of them, and an endpoint with nothing due sleeps.
//
// Messages are parsed by sipgo/sip; transactions, dialogs, digest and targets are ours, because a datagram must be handled
// in the order in which it came. Only UDP for now; no PRACK, session timers or SRV look-up; session descriptions are
// carried, not understood (see MakeOffer, MakeAnswer and ReadAnswer for those).
package sipua

import (
	"context"
	"net/netip"
	"time"
)

// Server is one SBC, proxy or registrar of the provider, in order of preference.
type Server struct {
	Host      string // name or IP literal; names go through Config.Resolve
	Port      uint16 // 0: 5060
	Transport string // "" or "udp"
}

// Config is what an Endpoint needs to know; zero durations take the defaults given.
type Config struct {
	UserAgent string // User-Agent and Server header; "" sends none
	Domain    string // right-hand side of the identities; "": host of the first server
	Servers   []Server

	Expires         time.Duration // lifetime asked for in REGISTER, default 1 h
	OptionsInterval time.Duration // heartbeat; 0: none
	OptionsLost     int           // silent heartbeats until a server counts as dead, default 3
	StartJitter     time.Duration // first REGISTER of an agent comes 0 to StartJitter after Register
	KeepAlive       time.Duration // CRLF to the server that holds a binding (RFC 5626 3.5.1); 0: none
	NoAnswer        time.Duration // a caller waits this long for an answer, then cancels; default 180 s

	// Resolve gives the addresses of a name. It runs off the loop. nil: only IP literals are understood.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Trace sees every datagram that is sent or accepted, with the digest credentials masked. It must not block.
	Trace func(out bool, peer string, msg []byte)
	// Seed fixes jitter and phases for tests; 0 draws them. Tags, branches and tokens are always unpredictable.
	Seed uint64
}

// Account is the identity of an agent and its proof.
type Account struct {
	User        string // the number: left-hand side of the identity
	AuthUser    string // user name in digest, "" means User
	Password    string
	DisplayName string
}

// ServerHealth is one row of the health table that registrations, heartbeats and calls share.
type ServerHealth struct {
	Server  string         // as configured, host:port
	Addr    netip.AddrPort // zero while the name is not resolved
	State   string         // "unknown", "alive", "dead", "unresolved"
	Current bool           // the one that new requests go to
	Since   time.Time      // of State
	Lost    int            // heartbeats in a row without an answer
	RTT     time.Duration  // of the last heartbeat
	Reason  string         // why it is dead or unresolved
}

// Stats counts since the endpoint was opened.
type Stats struct {
	Received, Sent  uint64 // datagrams accepted and written
	Retransmitted   uint64 // of Sent, repeats by timers
	Strangers       uint64 // datagrams from addresses that are none of our servers
	Malformed       uint64 // datagrams that are no SIP, or break its rules
	Overflow        uint64 // datagrams dropped because the inbox was full
	Recovered       uint64 // panics caught
	SocketErrors    uint64
	Transactions    int // alive now
	Calls, Bindings int // alive now
}
