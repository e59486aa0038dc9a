package sipua

import "sync/atomic"

// counters of an endpoint; written by the reader and the loop, read by anybody.
type counters struct {
	received, sent, retransmitted, strangers, malformed, overflow, recovered, socketErrors atomic.Uint64
	transactions, calls                                                                    atomic.Int64
	bindings                                                                               atomic.Int64
	turns                                                                                  atomic.Uint64 // of the loop
}

// Stats is a snapshot of the counters.
func (e *Endpoint) Stats() Stats {
	c := &e.count
	return Stats{
		Received: c.received.Load(), Sent: c.sent.Load(), Retransmitted: c.retransmitted.Load(),
		Strangers: c.strangers.Load(), Malformed: c.malformed.Load(), Overflow: c.overflow.Load(),
		Recovered: c.recovered.Load(), SocketErrors: c.socketErrors.Load(),
		Transactions: int(c.transactions.Load()), Calls: int(c.calls.Load()), Bindings: int(c.bindings.Load()),
	}
}
