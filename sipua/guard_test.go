package sipua

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/memnet"
)

// broken are requests that break the rules, after the kinds of RFC 4475; what each is answered with, "" for nothing.
// VIA and CORE stand for headers that are right.
var broken = []struct{ name, text, want string }{
	{"no From, To, Call-ID", "INVITE sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCSeq: 1 INVITE\r\nContact: <sip:x@10.0.0.1>\r\n\r\n", "400"},
	{"no Via", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nCORE OPTIONS\r\n\r\n", ""},
	{"no CSeq", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\n\r\n", ""},
	{"CSeq of another method", "INVITE sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "400"},
	{"CSeq too large", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 4294967296 OPTIONS\r\n\r\n", "400"},
	{"two From", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\nf: <sip:z@z>;tag=9\r\n\r\n", "400"},
	{"two Call-ID", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\ni: other\r\n\r\n", "400"},
	{"SIP/7.0", "OPTIONS sip:1001@10.0.0.9 SIP/7.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "505"},
	{"unknown scheme", "OPTIONS nobody:1001 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "416"},
	{"sips without TLS", "OPTIONS sips:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "416"},
	{"body cut off", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\nContent-Length: 9999\r\n\r\nshort", "400"},
	{"negative length", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\nContent-Length: -5\r\n\r\n", ""},
	{"unclosed quote in To", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nFrom: <sip:a@b>;tag=1\r\nTo: \"open <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n", "400"},
	{"unclosed bracket", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nFrom: <sip:a@b;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n", "400"},
	{"long Request-URI", "OPTIONS sip:" + strings.Repeat("a", 2000) + "@b SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "414"},
	{"large body", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n" + strings.Repeat("x", 20000), "413"},
	{"long Call-ID", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: " + strings.Repeat("x", 5000) + "\r\nCSeq: 1 OPTIONS\r\n\r\n", ""},
	{"thousand headers", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n" + strings.Repeat("X-A: b\r\n", 1000) + "\r\n", ""},
	{"broken ACK", "ACK sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", ""},
	{"INVITE without Contact", "INVITE sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE INVITE\r\n\r\n", "400"},
	{"status 999", "SIP/2.0 999 Odd\r\nVIA\r\nCORE OPTIONS\r\n\r\n", ""},
	{"response to nobody", "SIP/2.0 200 OK\r\nVIA\r\nCORE OPTIONS\r\n\r\n", ""},
	{"response with a huge code", "SIP/2.0 4294967301 Bad\r\nVIA\r\nCORE OPTIONS\r\n\r\n", ""},
	{"no SIP", "GET / HTTP/1.1\r\n\r\n", ""},
	{"end in the start line", "INVITE sip:100", ""},
	// These are right, or nearly so, and are answered.
	{"compact, folded, odd blanks", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nv:  SIP / 2.0 / UDP\t10.0.0.1 ;branch = z9hG4bKok ; rport\r\nf:\r\n <sip:a@b> ;\r\n\tTAG = 1\r\nt: \"a, <b>\" <sip:a@b>\r\ni: x\r\nCSEQ:   7\t OPTIONS\r\nMax-Forwards: 0\r\n\r\n", "200"},
	{"bare LF", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKlf;rport\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: x\nCSeq: 1 OPTIONS\n\n", "200"},
	{"blank lines in front", "\r\n\r\nOPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "200"},
	{"bytes behind the body", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\nContent-Length: 0\r\n\r\nrubbish", "200"},
	{"escaped user", "OPTIONS sip:%31001@10.0.0.9 SIP/2.0\r\nVIA\r\nCORE OPTIONS\r\n\r\n", "200"},
	{"several Via in one header", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKtwo;rport;x=\"a,b\", SIP/2.0/TCP other.example;branch=z9hG4bKz\r\nCORE OPTIONS\r\n\r\n", "200"},
	{"RFC 2543 branch", "OPTIONS sip:1001@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nCORE OPTIONS\r\n\r\n", "200"},
}

func brokenText(text, name string) string {
	text = strings.Replace(text, "VIA", "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK"+strings.ReplaceAll(name, " ", "")+";rport", 1)
	if i := strings.Index(text, "CORE "); i >= 0 {
		method, _, _ := strings.Cut(text[i+5:], "\r\n")
		text = strings.Replace(text, "CORE "+method, "From: <sip:a@b>;tag=1\r\nTo: <sip:1001@b>\r\nCall-ID: "+name+"\r\nMax-Forwards: 70\r\nCSeq: 1 "+method, 1)
	}
	return text
}

func TestBadInput_BrokenRequestsGetTheirAnswerOrNone(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.register()
				r.sbc.raw(brokenText(c.text, c.name))
				m := r.sbc.recv(time.Second)
				switch {
				case m == nil && c.want != "":
					t.Errorf("no answer, want %s", c.want)
				case m != nil && m.code() != c.want:
					t.Errorf("want %q, got\n%s", c.want, m)
				case m != nil && c.name == "several Via in one header" && len(m.all("Via")) != 2:
					t.Errorf("%s", m)
				}
				quiet[Incoming](r.ev, time.Second)
				// It lives.
				r.sbc.callFrom("1001", "<sip:sbc@example.net>").send("OPTIONS")
				r.sbc.seek("200")
				if n := r.ep.Stats(); n.Calls != 0 {
					t.Errorf("%+v", n)
				}
			})
		})
	}
}

// S2, complaint 16: strangers are not answered, cost no memory, and ring nothing.
func TestC16_StrangersAreDroppedUnseen(t *testing.T) {
	bubble(t, func(r *rig) {
		r.register()
		text := []byte(r.sbc.callFrom("1001", "<sip:100@1.1.1.1>").request("INVITE", "SDP"+offerSDP))
		junk := bytes.Repeat([]byte("x"), 1200)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		dice := rand.New(rand.NewPCG(1, 2))
		for i := range 20000 {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(11 + dice.IntN(200)), byte(i), byte(i >> 8), 1}), uint16(1024+dice.IntN(60000)))
			if i%2 == 0 {
				r.net.Inject(text, from, ourAt)
			} else {
				r.net.Inject(junk, from, ourAt)
			}
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		runtime.GC()
		runtime.ReadMemStats(&after)
		s := r.ep.Stats()
		if s.Strangers != 20000 || s.Malformed != 0 || s.Calls != 0 || s.Transactions > 1 {
			t.Errorf("%+v", s)
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		quiet[Incoming](r.ev, time.Minute)
		if n := r.net.Stats().Unheard; n != 0 {
			t.Errorf("%d answers to strangers", n)
		}
	}, func(_ *Config, n *memnet.Options) { n.Queue = 1000 })
}

// mutate changes a message as a fuzzer would.
func mutate(dice *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + dice.IntN(6) {
		if len(b) == 0 {
			return b
		}
		i, j := dice.IntN(len(b)), dice.IntN(len(b))
		switch dice.IntN(6) {
		case 0:
			b[i] = byte(dice.IntN(256))
		case 1:
			b = append(b[:i:i], b[min(i+1+dice.IntN(30), len(b)):]...)
		case 2:
			b = append(b[:i:i], append(bytes.Repeat(b[i:min(i+1+dice.IntN(20), len(b))], 1+dice.IntN(4)), b[i:]...)...)
		case 3:
			b = b[:i]
		case 4:
			lines := bytes.SplitAfter(b, []byte("\r\n"))
			k, l := i%len(lines), j%len(lines)
			lines[k], lines[l] = lines[l], lines[k]
			b = bytes.Join(lines, nil)
		case 5:
			b[i], b[j] = b[j], b[i]
		}
	}
	return b
}

// S5: 20,000 mutated messages from the server's own address, in the middle of a call: the endpoint lives, the call lives,
// nothing is left, the log stays short.
func TestBadInput_TwentyThousandMutatedDatagrams(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		dice := rand.New(rand.NewPCG(42, 42))
		var seeds [][]byte
		for _, method := range []string{"INVITE", "BYE", "CANCEL", "ACK", "OPTIONS", "NOTIFY", "REFER", "UPDATE"} {
			q := r.sbc.callFrom("1001", `"x" <sip:1002@example.net>`)
			q.branch = "z9hG4bKseed"
			seeds = append(seeds, []byte(q.request(method, "Record-Route: <sip:10.0.0.1;lr>", "P-Asserted-Identity: <tel:1>", "SDP"+offerSDP)))
		}
		for _, b := range broken {
			seeds = append(seeds, []byte(brokenText(b.text, b.name)))
		}
		seeds = append(seeds, []byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\n\r\n"))
		for i := range 20000 {
			r.net.Inject(mutate(dice, seeds[dice.IntN(len(seeds))]), sbc1At, ourAt)
			if i%50 == 0 {
				time.Sleep(20 * time.Millisecond)
				for r.sbc.recv(0) != nil {
				}
				for len(r.ev.ch) > 0 {
					switch e := (<-r.ev.ch).(type) {
					case Incoming:
						e.Call.Reject(486, "Busy Here")
					case Ended:
						if e.Call == c {
							t.Fatalf("our call ended: %+v", e)
						}
					}
				}
			}
		}
		time.Sleep(5 * time.Minute)
		for r.sbc.recv(0) != nil {
		}
		s := r.ep.Stats()
		if s.Recovered != 0 || s.Calls != 1 || s.Transactions != 0 || s.Malformed == 0 {
			t.Errorf("%+v", s)
		}
		p.send("BYE")
		r.sbc.expect("200")
		warnings := 0
		for _, l := range strings.Split(r.logged.String(), "\n") {
			if strings.Contains(l, "level=WARN") {
				warnings++
			}
		}
		if warnings > 30 {
			t.Errorf("%d warnings", warnings)
		}
	}, func(_ *Config, n *memnet.Options) { n.Queue = 10000 })
}

// S11: one line a minute and class, with the number held back.
func TestBadInput_LogIsRateLimitedByClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out logBook
		g := guard{log: slog.New(slog.NewTextHandler(&out, nil))}
		for i := range 1000 {
			g.complain("a", "x")
			if i%100 == 0 {
				g.complain("b", "y")
			}
			time.Sleep(100 * time.Millisecond) // 100 s in all
		}
		text := out.String()
		if n := strings.Count(text, "sip: a"); n != 2 {
			t.Errorf("%d lines of class a\n%s", n, text)
		}
		if n := strings.Count(text, "sip: b"); n != 2 || !strings.Contains(text, "more=599") {
			t.Errorf("%d lines of class b\n%s", n, text)
		}
	})
}

// One agent's owner panics: his call is lost, the others live (R3 of reliability).
func TestBadInput_PanicOfOneOwnerHurtsNobodyElse(t *testing.T) {
	bubble(t, func(r *rig) {
		c, p := r.talking()
		bad := r.ep.Agent(Account{User: "1003"}, func(e Event) {
			if _, ok := e.(Incoming); ok {
				panic("owner")
			}
		})
		_ = bad
		r.sbc.callFrom("1003", "<sip:1002@example.net>").send("INVITE", "SDP"+offerSDP)
		r.sbc.expect("100")
		time.Sleep(time.Second)
		if s := r.ep.Stats(); s.Recovered != 1 {
			t.Errorf("%+v", s)
		}
		r.ep.count.recovered.Store(0)
		p.send("INFO")
		r.sbc.expect("200")
		c.Hangup()
		r.sbc.expect("BYE")
	})
}

func TestTrace_MasksCredentials(t *testing.T) {
	var out, in int
	var all strings.Builder
	bubble(t, func(r *rig) {
		r.a.Register(true)
		r.sbc.reply(r.sbc.expect("REGISTER"), "401 Unauthorized", "x", challenge401)
		m := r.sbc.expect("REGISTER")
		r.sbc.reply(m, "200 OK", "x")
		synctest.Wait()
		_, response, _ := strings.Cut(m.h("Authorization"), "response=")
		if response = strings.Trim(response[:34], `"`); len(response) != 32 || strings.Contains(all.String(), response) {
			t.Errorf("digest %q is in the trace", response)
		}
		if out != 2 || in != 2 || !strings.Contains(all.String(), "Authorization: ***") || !strings.Contains(all.String(), "Call-ID: "+m.h("Call-ID")) {
			t.Errorf("%d out, %d in:\n%s", out, in, &all)
		}
	}, func(c *Config, _ *memnet.Options) {
		c.Trace = func(o bool, peer string, b []byte) {
			if peer != "10.0.0.1:5060" {
				t.Errorf("peer %s", peer)
			}
			if o {
				out++
			} else {
				in++
			}
			fmt.Fprintf(&all, "%s\n", b)
		}
	})
}
