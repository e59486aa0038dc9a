package sipua

import (
	"fmt"
	"strings"
	"testing"
)

func fields(t *testing.T, header string) map[string]string {
	t.Helper()
	if !strings.HasPrefix(header, "Digest ") {
		t.Fatalf("not a Digest header: %s", header)
	}
	all := map[string]string{}
	for rest := header[len("Digest "):]; rest != ""; {
		var word, value string
		word, rest = cutWord(strings.TrimLeft(rest, " ,"))
		value, rest = cutValue(strings.TrimPrefix(rest, "="))
		all[word] = value
	}
	return all
}

// The worked examples of the standards.
func TestDigestVectors(t *testing.T) {
	const nonce7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
	const cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	for _, c := range []struct {
		name, challenge, user, password, cnonce, want string
	}{
		{"RFC 2617 3.5", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1"},
		{"RFC 2617 without qop, as RFC 2069", `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Mufasa", "Circle Of Life", "", "670fd8c2df070c60b045671b8b24ff02"},
		{"RFC 7616 3.9.1 MD5", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="` + nonce7616 + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			"Mufasa", "Circle of Life", cnonce7616, "8ca523f5e9506fed4657c9700eebdbec"},
		{"RFC 7616 3.9.1 SHA-256", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="` + nonce7616 + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			"Mufasa", "Circle of Life", cnonce7616, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := parseChallenges([]string{c.challenge})
			if len(all) != 1 {
				t.Fatalf("%d challenges", len(all))
			}
			d := credentials{user: c.user, password: c.password, cnonce: func() string { return c.cnonce }}
			f := fields(t, d.authorize(all[0], "GET", "/dir/index.html", nil))
			if f["response"] != c.want {
				t.Errorf("response %s, want %s", f["response"], c.want)
			}
			if f["opaque"] != all[0].opaque || f["realm"] != all[0].realm || f["uri"] != "/dir/index.html" || f["username"] != "Mufasa" {
				t.Errorf("header %v", f)
			}
		})
	}
}

// Independent arithmetic: the formula of RFC 7616 3.4 written out, for what the standards give no example of.
func TestDigestAlgorithms(t *testing.T) {
	const uri, body = "sip:1002@example.net;transport=udp", "v=0\r\n"
	for _, c := range []struct{ algorithm, qop string }{
		{"MD5-sess", "auth"}, {"SHA-256-sess", "auth"}, {"sha-256-SESS", "auth"}, {"MD5-sess", ""}, {"md5", "auth-int"}, {"SHA-256", "auth-int"}, {"SHA-256", "auth-int, auth"}, {"", "auth-int"},
	} {
		t.Run(c.algorithm+" "+c.qop, func(t *testing.T) {
			h := `Digest realm="r", nonce="n"`
			if c.algorithm != "" {
				h += ", algorithm=" + c.algorithm
			}
			if c.qop != "" {
				h += `, qop="` + c.qop + `"`
			}
			all := parseChallenges([]string{h})
			if len(all) != 1 {
				t.Fatalf("%d challenges", len(all))
			}
			d := credentials{user: "u", password: "p", cnonce: func() string { return "cn" }}
			f := fields(t, d.authorize(all[0], "INVITE", uri, []byte(body)))

			sum := hashMD5
			if strings.HasPrefix(strings.ToUpper(c.algorithm), "SHA-256") {
				sum = hashSHA256
			}
			a1 := sum("u:r:p")
			if strings.HasSuffix(strings.ToLower(c.algorithm), "-sess") {
				a1 = sum(sum("u:r:p") + ":n:cn")
			}
			a2, qop := "INVITE:"+uri, c.qop
			if c.qop == "auth-int, auth" {
				qop = "auth"
			}
			if qop == "auth-int" {
				a2 += ":" + sum(body)
			}
			want := sum(a1 + ":n:" + sum(a2))
			if qop != "" {
				want = sum(a1 + ":n:00000001:cn:" + qop + ":" + sum(a2))
			}
			if f["response"] != want || f["qop"] != qop || f["algorithm"] != c.algorithm {
				t.Errorf("header %v, want response %s", f, want)
			}
			if _, has := f["cnonce"]; has != (qop != "" || strings.HasSuffix(strings.ToLower(c.algorithm), "-sess")) {
				t.Errorf("cnonce in %v", f)
			}
		})
	}
}

func TestParseChallenges(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		want    string // realm/nonce/algorithm/qop/stale of each
	}{
		{"no realm", []string{`Digest nonce="b"`, `Digest realm="", nonce="b"`}, ""},
		{"plain", []string{`Digest realm="a", nonce="b"`}, "a/b//[]/false"},
		{"everything", []string{`Digest realm="a",domain="sip:x",nonce="b",opaque="c",stale=TRUE,algorithm=MD5,qop="auth",charset=UTF-8,userhash=true`}, "a/b/MD5/[auth]/true"},
		{"trailing commas", []string{`Digest realm="a", nonce="b",,`, `,Digest realm="c",,nonce="d",`}, "a/b//[]/false c/d//[]/false"},
		{"blanks", []string{"  digest   realm = \"a\" ,\r\n nonce\t=\t\"b\" , qop = auth "}, "a/b//[auth]/false"},
		{"commas and escapes in quotes", []string{`Digest realm="a, \"b\" \\ Digest", nonce="n=,"`}, `a, "b" \ Digest/n=,//[]/false`},
		{"two in one header", []string{`Digest realm="a", nonce="b", algorithm=MD5, Digest realm="a", nonce="c", algorithm=SHA-256`}, "a/c/SHA-256/[]/false a/b/MD5/[]/false"},
		{"two headers, stronger first", []string{`Digest realm="a", nonce="b"`, `Digest realm="a", nonce="c", algorithm=sha-256-sess`}, "a/c/sha-256-sess/[]/false a/b//[]/false"},
		{"Basic first", []string{`Basic realm="x", Digest realm="a", nonce="b"`}, "a/b//[]/false"},
		{"Basic and Bearer only", []string{`Basic realm="x"`, `Bearer authz_server="y", nonce="z"`}, ""},
		{"token68", []string{`Negotiate YWJjZA==, Digest realm="a", nonce="b"`}, "a/b//[]/false"},
		{"unknown algorithm", []string{`Digest realm="a", nonce="b", algorithm=AKAv1-MD5`, `Digest realm="c", nonce="d", algorithm="MD5"`}, "c/d/MD5/[]/false"},
		{"unknown protection beside one of ours", []string{`Digest realm="a", nonce="b", qop="auth-conf,AUTH"`}, "a/b//[auth]/false"},
		{"unknown protection only", []string{`Digest realm="a", nonce="b", qop="auth-conf"`}, ""},
		{"empty qop", []string{`Digest realm="a", nonce="b", qop=""`}, "a/b//[]/false"},
		{"no nonce", []string{`Digest realm="a"`}, ""},
		{"said twice: the first counts", []string{`Digest realm="a", realm="x", nonce="b", nonce="y"`}, "a/b//[]/false"},
		{"quote never closed", []string{`Digest nonce="b", realm="a`}, "a/b//[]/false"},
		{"garbage", []string{`"`, `=`, `Digest`, ``, `,`, `Digest =x`, `realm="a", nonce="b"`}, ""},
		{"too long", []string{`Digest realm="a", nonce="` + strings.Repeat("n", maxChallengeBytes) + `"`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, ch := range parseChallenges(c.headers) {
				got = append(got, fmt.Sprintf("%s/%s/%s/%v/%v", ch.realm, ch.nonce, ch.algorithm, ch.qop, ch.stale))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// A nonce may be used for many requests; each use is counted, each nonce for itself (RFC 7616 3.4).
func TestNonceCount(t *testing.T) {
	made := 0
	d := credentials{user: "u", password: "p", cnonce: func() string { made++; return fmt.Sprint("c", made) }}
	registrar := challenge{realm: "a", nonce: "1", qop: []string{"auth"}}
	proxy := challenge{realm: "b", nonce: "1", qop: []string{"auth"}}
	var got []string
	for _, ch := range []challenge{registrar, registrar, proxy, registrar, {realm: "a", nonce: "2", qop: []string{"auth"}}, registrar} {
		f := fields(t, d.authorize(ch, "REGISTER", "sip:a", nil))
		got = append(got, f["nc"]+f["cnonce"])
	}
	const want = "00000001c1 00000002c1 00000001c2 00000003c1 00000001c3 00000004c1"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	for i := range 100 {
		d.authorize(challenge{realm: "a", nonce: fmt.Sprint("n", i)}, "REGISTER", "sip:a", nil)
	}
	if len(d.uses) > maxNonces {
		t.Errorf("%d nonces are remembered", len(d.uses))
	}
}

func TestDigestWordsOfPeople(t *testing.T) {
	ch := challenge{realm: `The "Office", \1`, nonce: "n"}
	d := credentials{user: `Zoë "Z" \`, password: "pä\"ss\\wörd€:,"}
	h := d.authorize(ch, "REGISTER", "sip:example.net", nil)
	f := fields(t, h)
	if f["username"] != d.user || f["realm"] != ch.realm {
		t.Errorf("words changed on the way: %s", h)
	}
	want := hashMD5(hashMD5(d.user+":"+ch.realm+":"+d.password) + ":n:" + hashMD5("REGISTER:sip:example.net"))
	if f["response"] != want {
		t.Errorf("response %s, want %s", f["response"], want)
	}
	if strings.Contains(h, "pä") {
		t.Errorf("the password is in the header: %s", h)
	}
	evil := credentials{user: "a\r\nRoute: <sip:evil>\x00"}
	if h := evil.authorize(ch, "REGISTER", "sip:example.net", nil); strings.ContainsAny(h, "\r\n\x00") {
		t.Errorf("a line end in %q", h)
	}
}

func TestRandomClientNonce(t *testing.T) {
	d := credentials{}
	a := fields(t, d.authorize(challenge{nonce: "1", qop: []string{"auth"}}, "A", "b", nil))["cnonce"]
	b := fields(t, d.authorize(challenge{nonce: "2", qop: []string{"auth"}}, "A", "b", nil))["cnonce"]
	if len(a) < 16 || a == b {
		t.Errorf("client nonces %q and %q", a, b)
	}
}

// FuzzParseChallenge: no header panics, all that comes back is usable, and an answer to it is one line.
func FuzzParseChallenge(f *testing.F) {
	f.Add(`Digest realm="a, \"b\"", nonce="b", qop="auth,auth-int", algorithm=SHA-256-sess, stale=true,`)
	f.Add(`Basic realm="x", Digest realm=a nonce=b, Digest realm="c`)
	f.Add(`Negotiate a==,Digest nonce="\`)
	f.Fuzz(func(t *testing.T, header string) {
		d := credentials{user: "u", password: "p", cnonce: func() string { return "c" }}
		for _, ch := range parseChallenges([]string{header, header}) {
			if ch.nonce == "" || ch.strength() == 0 {
				t.Fatalf("unusable challenge %+v", ch)
			}
			h := d.authorize(ch, "REGISTER", "sip:x", nil)
			if strings.ContainsAny(h, "\r\n") {
				t.Fatalf("a line end in %q", h)
			}
		}
	})
}
