package exchange

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A refresh as a gateway sends it, without digest cost on its side: 20000 users are bound.
func BenchmarkRefresh(b *testing.B) {
	const users = 20000
	x := New(Config{Seed: 1, Users: map[string]string{}, NonceLife: 1000 * time.Hour})
	s := newSBC(x, 1)
	s.addr = sbc1Addr
	x.sbcs = append(x.sbcs, s)
	now := time.Unix(1000, 0)
	from := netip.MustParseAddrPort("10.0.1.1:5060")
	p := &phone{alg: "MD5", qop: "auth", password: "pw", nonce: x.auth.nonce(now)}
	p.opaque = x.auth.opaque(p.nonce)
	for i := range users {
		x.AddUser(fmt.Sprint(i), "pw")
	}
	cseq := 0
	refresh := func() {
		cseq++
		p.user = fmt.Sprint(cseq % users)
		s.receive(now, fmt.Appendf(nil, "REGISTER sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1;branch=z9hG4bK%d;rport\r\n"+
			"From: <sip:%s@example.net>;tag=a\r\nTo: <sip:%s@example.net>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\nContact: <sip:%s@10.0.1.1>\r\n%s\r\n\r\n",
			cseq, p.user, p.user, p.user, cseq, p.user, p.digest("Authorization", "REGISTER", domain)), from)
		now = now.Add(10 * time.Millisecond)
		s.tick(now)
		s.ready(now)
		s.changes = s.changes[:0]
	}
	for range users {
		refresh()
	}
	if len(x.users["7"].bindings) != 1 {
		b.Fatal("not registered")
	}
	b.ReportAllocs()
	for b.Loop() {
		refresh()
	}
}
