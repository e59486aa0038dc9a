//go:build interop

package interop

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// The judges must be able to find something: here they see a wire on which nearly everything is wrong.
func TestJudges(t *testing.T) {
	c := listen(t)
	send := func(from string, packets ...[]byte) {
		conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from)), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.9:40000")))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		sink, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.9:40000")))
		if err != nil {
			t.Fatal(err)
		}
		defer sink.Close()
		for _, p := range packets {
			if _, err := conn.Write(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(agentAddr, []byte("INVITE sip:1@127.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK\r\nFrom: <sip:2@127.0.0.1>\r\n"+
		"To: <sip:1@127.0.0.9>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: 7\r\n\r\nv=0\r\n"))
	// Sequence 3 is missing, 6 and 5 are swapped, the step is wrong once; an event without marker, with one end, shrinking; one cut short.
	send("127.0.0.1:51000", rtp(8, false, 1, 0), rtp(8, false, 2, 160), rtp(8, false, 4, 480), rtp(8, false, 6, 640), rtp(8, false, 5, 720),
		rtp(101, false, 7, 880, 5, 10, 0, 160), rtp(101, false, 8, 880, 5, 10, 0, 80), rtp(101, false, 9, 880, 5, 0x8a, 0, 240), rtp(101, true, 10, 1120, 6))
	for judge, tt := range map[string]struct{ found, want []string }{
		"linter":    {c.lint(t, agentAddr), []string{"empty branch", "From without tag", "CSeq method", "Content-Length", "no Contact", "no Max-Forwards"}},
		"RTP":       {c.rtp(t, 2, 100), []string{"sequence 4 after 2", "sequence 6 after 4", "sequence 5 after 6", "1 RTP streams", "only", "Wireshark counts", "timestamp step 320"}},
		"digits":    {c.digits(t, "6"), []string{"duration 80 after 160", "0 marker(s), 1 end", "cut short", `"5", want "6"`}},
		"Wireshark": {c.malformed(t), []string{"malformed"}},
	} {
		all := strings.Join(tt.found, "\n")
		for _, want := range tt.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s does not find %q:\n%s", judge, want, all)
			}
		}
	}
}

// rtp is a packet of silence in A-law, or of what is given.
func rtp(pt byte, marker bool, seq uint16, stamp uint32, payload ...byte) []byte {
	p := []byte{0x80, pt}
	if marker {
		p[1] |= 0x80
	}
	p = binary.BigEndian.AppendUint16(p, seq)
	p = binary.BigEndian.AppendUint32(p, stamp)
	p = append(p, 1, 2, 3, 4)
	if payload == nil {
		payload = []byte(strings.Repeat("\xd5", 160))
	}
	return append(p, payload...)
}
