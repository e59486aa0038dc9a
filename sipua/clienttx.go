package sipua

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"
)

// txState is the state of a transaction, of either side.
type txState uint8

const (
	txCalling    txState = iota // client: request sent, nothing heard (Trying of a non-INVITE)
	txTrying                    // server, non-INVITE: nothing answered yet
	txProceeding                // a provisional response came or went
	txCompleted                 // a final response, for INVITE other than 2xx
	txAccepted                  // INVITE and 2xx (RFC 6026)
	txConfirmed                 // server INVITE: ACK came for our refusal
	txTerminated
)

func (s txState) String() string {
	return [...]string{"calling", "trying", "proceeding", "completed", "accepted", "confirmed", "terminated"}[s]
}

// Why a request stays without an answer.
var (
	errTimeout     = errors.New("no answer")
	errUnreachable = errors.New("unreachable")
)

// wire is where transactions send; the endpoint, or a fake in tests. An error means that nothing can be sent to there now.
type wire interface {
	send(to netip.AddrPort, b []byte, repeat bool) error
}

// asker is who made a request: the transaction's user of RFC 3261 17.
type asker interface {
	answered(now time.Time, tx *clientTx, m *message)
	unanswered(now time.Time, tx *clientTx, why error)
}

// clientTx is a client transaction over UDP: RFC 3261 17.1 with the Accepted state of RFC 6026.
//
//	          INVITE                                   others
//	calling --1xx--> proceeding              calling --1xx--> proceeding
//	   | \--2xx--> accepted --M--> end          |                |
//	   |  3xx-6xx: ACK                          +----200-699-----+--> completed --K--> end
//	   +---------> completed --D--> end         +--F, unreachable--> end, unanswered
//	   +--B, unreachable--> end, unanswered
//
// Accepted passes every further 2xx of a fork up; a repeated one is met with the ACK that its dialog gave.
type clientTx struct {
	wire  wire
	asker asker
	log   *slog.Logger

	method string
	branch string
	to     netip.AddrPort
	raw    []byte
	ack    func(m *message) []byte // INVITE: the ACK for a refusal, made from its response
	acks   map[string][]byte       // INVITE: ACK for a 2xx, by To tag; where it goes is in ackTo
	ackTo  map[string]netip.AddrPort

	state    txState
	broken   bool          // the first send failed: end at the next turn of the loop
	interval time.Duration // pause before the next repeat
	repeat   time.Time     // timers A and E
	expire   time.Time     // timers B, F, D, K, M, and the limit after CANCEL (RFC 3261 9.1)
}

// start sends the request; limit is timer B or F.
func (tx *clientTx) start(now time.Time, limit time.Duration) {
	tx.state = txCalling
	tx.interval = t1
	tx.repeat, tx.expire = now.Add(t1), now.Add(limit)
	if tx.wire.send(tx.to, tx.raw, false) != nil {
		// Told from the loop, not from here: the asker is still in the middle of asking.
		tx.broken, tx.repeat, tx.expire = true, time.Time{}, now
	}
}

func (tx *clientTx) invite() bool { return tx.method == "INVITE" }

// forget cuts the tie to the asker: the transaction runs out by itself.
func (tx *clientTx) forget() {
	if tx != nil {
		tx.asker = nobody{}
	}
}

type nobody struct{}

func (nobody) answered(time.Time, *clientTx, *message) {}
func (nobody) unanswered(time.Time, *clientTx, error)  {}

func (tx *clientTx) deadline() time.Time { return earliest(tx.repeat, tx.expire) }

// receive takes a response that matched (RFC 3261 17.1.3).
func (tx *clientTx) receive(now time.Time, m *message) {
	switch tx.state {
	case txCalling, txProceeding:
		switch {
		case m.code < 200 && tx.state == txProceeding:
		case m.code < 200:
			tx.setState(txProceeding, "1xx")
			if tx.broken = false; tx.invite() {
				tx.repeat, tx.expire = time.Time{}, time.Time{} // how long it rings is the caller's affair
			} else {
				tx.interval, tx.repeat = t2, now.Add(t2)
			}
		case tx.invite() && m.code < 300:
			tx.setState(txAccepted, "2xx")
			tx.repeat, tx.expire = time.Time{}, now.Add(timeout64) // timer M
		case tx.invite():
			tx.setState(txCompleted, "refusal")
			tx.repeat, tx.expire = time.Time{}, now.Add(timeout64) // timer D
			tx.sendAck(m)
		default:
			tx.setState(txCompleted, "final")
			tx.repeat, tx.expire = time.Time{}, now.Add(t4) // timer K
		}
		tx.asker.answered(now, tx, m)
	case txAccepted:
		if m.code < 200 || m.code > 299 {
			return
		}
		if ack := tx.acks[m.to.tag]; ack != nil {
			tx.wire.send(tx.ackTo[m.to.tag], ack, true)
			return
		}
		tx.asker.answered(now, tx, m)
	case txCompleted:
		if tx.invite() && m.code >= 300 {
			tx.sendAck(m)
		}
	}
}

func (tx *clientTx) sendAck(m *message) {
	if tx.ack != nil {
		tx.wire.send(tx.to, tx.ack(m), false)
	}
}

// acknowledge sends the ACK of a 2xx and keeps it for the repeats of that 2xx (RFC 3261 13.2.2.4).
func (tx *clientTx) acknowledge(tag string, ack []byte, to netip.AddrPort) {
	if tx.acks == nil {
		tx.acks, tx.ackTo = map[string][]byte{}, map[string]netip.AddrPort{}
	}
	tx.acks[tag], tx.ackTo[tag] = ack, to
	tx.wire.send(to, ack, false)
}

// advance runs the timers that are due.
func (tx *clientTx) advance(now time.Time) {
	if due(now, tx.expire) {
		waiting := tx.state == txCalling || tx.state == txProceeding
		why := errTimeout
		if tx.broken {
			why = errUnreachable
		}
		tx.end("timeout")
		if waiting {
			tx.asker.unanswered(now, tx, why)
		}
		return
	}
	if due(now, tx.repeat) {
		tx.wire.send(tx.to, tx.raw, true)
		tx.interval *= 2
		if !tx.invite() {
			tx.interval = min(tx.interval, t2)
		}
		tx.repeat = now.Add(tx.interval)
	}
}

// unreachable is an ICMP error for the address that the request went to.
func (tx *clientTx) unreachable(now time.Time) {
	if tx.state == txCalling || tx.state == txProceeding && !tx.invite() {
		tx.end("unreachable")
		tx.asker.unanswered(now, tx, errUnreachable)
	}
}

func (tx *clientTx) end(cause string) {
	tx.setState(txTerminated, cause)
	tx.repeat, tx.expire = time.Time{}, time.Time{}
}

func (tx *clientTx) setState(s txState, cause string) {
	if tx.state != s {
		logState(tx.log, "client-"+tx.method, tx.state, s, cause)
		tx.state = s
	}
}
