package sipua

import (
	"log/slog"
	"net/netip"
	"time"
)

// serverTx is a server transaction over UDP: RFC 3261 17.2 with the Accepted state of RFC 6026. It keeps the last
// response, not the request.
//
//	        INVITE                                         others
//	proceeding --2xx--> accepted --L--> end         trying --1xx--> proceeding
//	    |                                              |               |
//	    +--3xx-6xx--> completed --ACK--> confirmed     +---200-699-----+--> completed --J--> end
//	                      | H                | I
//	                      +-----> end <------+
type serverTx struct {
	wire wire
	log  *slog.Logger

	method string
	key    string
	to     netip.AddrPort // where responses go (RFC 3261 18.2.2, RFC 3581)
	call   *Call          // of an INVITE or UPDATE that a call answers

	state    txState
	last     []byte // the response that a repeated request gets
	code     int    // of last
	interval time.Duration
	repeat   time.Time // timer G
	expire   time.Time // timers H, I, J, L
}

func (tx *serverTx) invite() bool { return tx.method == "INVITE" }

func (tx *serverTx) deadline() time.Time { return earliest(tx.repeat, tx.expire) }

// final tells whether a final response has gone out.
func (tx *serverTx) final() bool { return tx.state > txProceeding }

// respond sends a response; a second final one is ignored, and so is any after the end.
func (tx *serverTx) respond(now time.Time, code int, raw []byte) {
	if tx.final() {
		return
	}
	tx.last, tx.code = raw, code
	switch {
	case code < 200:
		tx.setState(txProceeding, "1xx")
	case tx.invite() && code < 300:
		tx.setState(txAccepted, "2xx")
		tx.expire = now.Add(timeout64) // timer L
	case tx.invite():
		tx.setState(txCompleted, "refusal")
		tx.interval = t1
		tx.repeat, tx.expire = now.Add(t1), now.Add(timeout64) // timers G, H
	default:
		tx.setState(txCompleted, "final")
		tx.expire = now.Add(timeout64) // timer J
	}
	tx.wire.send(tx.to, raw, false)
}

// again is the request once more: the last response answers it. In Accepted the 2xx is the call's to repeat (RFC 6026 7.1).
func (tx *serverTx) again() {
	if tx.last != nil && (tx.state == txProceeding || tx.state == txCompleted) {
		tx.wire.send(tx.to, tx.last, true)
	}
}

// acked is the ACK of a refusal.
func (tx *serverTx) acked(now time.Time) {
	if tx.state == txCompleted && tx.invite() {
		tx.setState(txConfirmed, "ACK")
		tx.repeat, tx.expire = time.Time{}, now.Add(t4) // timer I
	}
}

// advance runs the timers that are due.
func (tx *serverTx) advance(now time.Time) {
	if due(now, tx.expire) {
		tx.setState(txTerminated, "timeout")
		tx.repeat, tx.expire = time.Time{}, time.Time{}
		return
	}
	if due(now, tx.repeat) {
		tx.wire.send(tx.to, tx.last, true)
		tx.interval = min(2*tx.interval, t2)
		tx.repeat = now.Add(tx.interval)
	}
}

func (tx *serverTx) setState(s txState, cause string) {
	if tx.state != s {
		logState(tx.log, "server-"+tx.method, tx.state, s, cause)
		tx.state = s
	}
}
