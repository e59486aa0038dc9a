package sipua

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

func vendor(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sdp", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseSDPLenient(t *testing.T) {
	const audio = "m=audio 4000 RTP/AVP 8 101"
	for _, c := range []struct {
		name string
		in   string
		want string // kind/port/address/direction of each medium
	}{
		{"as the book has it", "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" + audio + "\r\na=sendonly\r\n", "audio 4000 192.0.2.1 sendonly"},
		{"no final line end", "v=0\r\nc=IN IP4 192.0.2.1\r\n" + audio, "audio 4000 192.0.2.1 sendrecv"},
		{"bare LF", "v=0\nc=IN IP4 192.0.2.1\n" + audio + "\n", "audio 4000 192.0.2.1 sendrecv"},
		{"bare CR", "v=0\rc=IN IP4 192.0.2.1\r" + audio + "\r", "audio 4000 192.0.2.1 sendrecv"},
		{"no v, o, s, t", "c=IN IP4 192.0.2.1\r\n" + audio, "audio 4000 192.0.2.1 sendrecv"},
		{"blank lines", "\r\n\r\nv=0\r\n\r\nc=IN IP4 192.0.2.1\r\n\r\n" + audio, "audio 4000 192.0.2.1 sendrecv"},
		{"unknown lines", "v=0\r\nx=1\r\nb=FOO:1\r\nnonsense\r\n=\r\nc=IN IP4 192.0.2.1\r\n" + audio + "\r\nZ=q", "audio 4000 192.0.2.1 sendrecv"},
		{"attribute before c=", "v=0\r\no=- x y IN IP4 h\r\na=inactive\r\nc=IN IP4 192.0.2.1\r\n" + audio, "audio 4000 192.0.2.1 inactive"},
		{"c= of the medium wins", "v=0\r\nc=IN IP4 192.0.2.1\r\n" + audio + "\r\nc=IN IP4 192.0.2.2", "audio 4000 192.0.2.2 sendrecv"},
		{"attribute before c= in the medium", "v=0\r\n" + audio + "\r\na=recvonly\r\nc=IN IP4 192.0.2.2", "audio 4000 192.0.2.2 recvonly"},
		{"direction of the medium wins", "v=0\r\nc=IN IP4 192.0.2.1\r\na=sendonly\r\n" + audio + "\r\na=sendrecv", "audio 4000 192.0.2.1 sendrecv"},
		{"shouted direction", "v=0\r\nc=IN IP4 192.0.2.1\r\n" + audio + "\r\na=SendOnly", "audio 4000 192.0.2.1 sendonly"},
		{"IPv6", "v=0\r\nc=IN IP6 2001:db8::1\r\n" + audio, "audio 4000 2001:db8::1 sendrecv"},
		{"mapped IPv4", "v=0\r\nc=IN IP6 ::ffff:192.0.2.1\r\n" + audio, "audio 4000 192.0.2.1 sendrecv"},
		{"bare address", "v=0\r\nc=192.0.2.1\r\n" + audio, "audio 4000 192.0.2.1 sendrecv"},
		{"blanks", "v= 0\r\nc= IN  IP4   192.0.2.1 \r\nm= audio  4000  RTP/AVP  8 ", "audio 4000 192.0.2.1 sendrecv"},
		{"number of ports", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000/2 RTP/AVP 8", "audio 4000 192.0.2.1 sendrecv"},
		{"no format", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP", "audio 0 192.0.2.1 sendrecv"},
		{"fax", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=image 4000 udptl t38", "image 4000 192.0.2.1 sendrecv"},
		{"hold of old", "v=0\r\nc=IN IP4 0.0.0.0\r\n" + audio, "audio 4000 0.0.0.0 sendrecv"},
		{"hold of old, IPv6", "v=0\r\nc=IN IP6 hold.invalid\r\n" + audio, "audio 4000 :: sendrecv"},
		{"two media", "v=0\r\nc=IN IP4 192.0.2.1\r\n" + audio + "\r\nm=video 4002 RTP/AVP 96\r\na=inactive", "audio 4000 192.0.2.1 sendrecv, video 4002 192.0.2.1 inactive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ParseSDP([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(s); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func summary(s *SDP) string {
	var all []string
	for i := range s.Media {
		m := &s.Media[i]
		to, err := s.address(m)
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, fmt.Sprintf("%s %d %s %s", m.Kind, to.Port(), to.Addr(), s.direction(m)))
	}
	return strings.Join(all, ", ")
}

func TestParseSDPRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, why string }{
		{"nothing", "", "not a session description"},
		{"garbage", "\x00\x01\x02garbage", "not a session description"},
		{"a SIP message", "BYE sip:a@b SIP/2.0\r\nTo: x\r\n", "not a session description"},
		{"too long", "v=0\r\n" + strings.Repeat("a=x\r\n", maxSDPBytes/5), "16384"},
		{"too many lines", "v=0\r\n" + strings.Repeat("a=\r\n", 600), "512 lines"},
		{"too many media", "v=0\r\n" + strings.Repeat("m=audio 1 RTP/AVP 0\r\n", 17), "16 media"},
		{"too many formats", "m=audio 1 RTP/AVP" + strings.Repeat(" 0", 65), "64 formats"},
		{"no port", "m=audio", "needs a medium"},
		{"port not a number", "m=audio x RTP/AVP 0", "0 to 65535"},
		{"port too large", "m=audio 65536 RTP/AVP 0", "0 to 65535"},
		{"negative port", "m=audio -1 RTP/AVP 0", "0 to 65535"},
		{"control characters", "m=au\x01dio 1 RTP/AVP 0", "printable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseSDP([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("error %v, want one with %q", err, c.why)
			}
		})
	}
}

func TestSDPAddressRefuses(t *testing.T) {
	for _, conn := range []string{"", "c=IN IP4 pbx.example.net", "c=IN IP4 239.1.1.1/127", "c=IN IP4 255.255.255.255", "c=IN IP6 ff02::1", "c=IN IP6 fe80::1%eth0", "c=IN IP4 1.2.3"} {
		s, err := ParseSDP([]byte("v=0\r\n" + conn + "\r\nm=audio 4000 RTP/AVP 0\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if to, err := s.address(&s.Media[0]); err == nil {
			t.Errorf("%q gives %s, want an error", conn, to)
		}
	}
}

func TestSDPBytesAreStrict(t *testing.T) {
	s, err := ParseSDP([]byte("a=tool:x\no=Some Body\ns=Call\nc=IN IP6 ::1/3\nk=clear:1\nm=audio 9/2 RTP/AVP\na=ptime:20\na=sendrecv\nm=image 7 udptl t38\nc=IN IP4 192.0.2.9\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := lines("v=0", "o=Some Body 0 IN IP4 0.0.0.0", "s=Call", "c=IN IP6 ::1", "t=0 0", "a=tool:x",
		"m=audio 9 RTP/AVP 0", "a=ptime:20", "a=sendrecv", "m=image 7 udptl t38", "c=IN IP4 192.0.2.9")
	if got := s.Bytes(); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzParseSDP: no input panics; what is read can be written, read again and is then the same; and no offer makes an
// answer that breaks RFC 3264 6.
func FuzzParseSDP(f *testing.F) {
	files, _ := filepath.Glob("testdata/sdp/*.sdp")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000/2 RTP/AVP 96 8\na=rtpmap:96 PCMA/8000/1\na=ptime:30\na=maxptime:5\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ParseSDP(in)
		if err != nil {
			return
		}
		out := s.Bytes()
		again, err := ParseSDP(out)
		if err != nil {
			if len(out) > maxSDPBytes {
				return // the lines that were missing made it longer than is read
			}
			t.Fatalf("our own text is refused: %v\n%q", err, out)
		}
		if twice := again.Bytes(); !bytes.Equal(out, twice) {
			t.Fatalf("not stable:\n%q\n%q", out, twice)
		}
		checkAnswer(t, in)
	})
}

func checkAnswer(t *testing.T, offer []byte) {
	answer, n, err := MakeAnswer(offer, local)
	if err != nil {
		return
	}
	o, _ := ParseSDP(offer)
	a, err := ParseSDP(answer)
	if err != nil {
		t.Fatalf("our answer is refused: %v\n%q", err, answer)
	}
	if len(a.Media) != len(o.Media) {
		t.Fatalf("%d media answered, %d offered", len(a.Media), len(o.Media))
	}
	open := 0
	for i := range a.Media {
		if a.Media[i].Kind != o.Media[i].Kind || a.Media[i].Proto != o.Media[i].Proto {
			t.Fatalf("medium %d is another one", i)
		}
		if a.Media[i].Port != 0 {
			open++
		}
	}
	if open != 1 || n.Codec == "" || n.Ptime < 10 || n.Ptime > 60 {
		t.Fatalf("%d media taken, agreed %+v", open, n)
	}
}
