package sipua

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

var local = LocalMedia{
	Addr: netip.MustParseAddrPort("192.0.2.1:51000"), Codecs: []string{"PCMA", "PCMU"}, EventPT: 101,
	Ptime: 20, Direction: "sendrecv", SessionID: 77, Version: 5,
}

func with(change func(*LocalMedia)) LocalMedia {
	l := local
	change(&l)
	return l
}

func TestMakeOffer(t *testing.T) {
	want := lines("v=0", "o=- 77 5 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 51000 RTP/AVP 8 0 101",
		"a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15",
		"a=ptime:20", "a=sendrecv")
	if got := MakeOffer(local); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	plain := LocalMedia{Addr: netip.MustParseAddrPort("[2001:db8::1]:51000"), Codecs: []string{"PCMU", "OPUS"}}
	want = lines("v=0", "o=- 0 0 IN IP6 2001:db8::1", "s=-", "c=IN IP6 2001:db8::1", "t=0 0", "m=audio 51000 RTP/AVP 0",
		"a=rtpmap:0 PCMU/8000", "a=ptime:20", "a=sendrecv")
	if got := MakeOffer(plain); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Answers to what boxes and programs of the field send.
func TestMakeAnswer(t *testing.T) {
	six := netip.MustParseAddrPort("[2001:db8::1]:51000")
	for _, c := range []struct {
		file   string
		local  LocalMedia
		media  string // the m= lines of the answer
		agreed Negotiated
	}{
		{"cisco.sdp", local, "m=audio 51000 RTP/AVP 8 101",
			Negotiated{netip.MustParseAddrPort("198.51.100.10:17390"), "PCMA", 8, 101, 8, 101, 20, "sendrecv"}},
		{"asterisk.sdp", local, "m=audio 51000 RTP/AVP 0 101",
			Negotiated{netip.MustParseAddrPort("192.0.2.20:14526"), "PCMU", 0, 101, 0, 101, 20, "sendrecv"}},
		{"asterisk.sdp", with(func(l *LocalMedia) { l.Codecs = []string{"PCMA"}; l.EventPT = 0 }), "m=audio 51000 RTP/AVP 8",
			Negotiated{netip.MustParseAddrPort("192.0.2.20:14526"), "PCMA", 8, 0, 8, 0, 20, "sendrecv"}},
		{"linphone-video.sdp", local, "m=audio 51000 RTP/AVPF 0 98|m=video 0 RTP/AVPF 96 97",
			Negotiated{netip.MustParseAddrPort("192.0.2.31:7078"), "PCMU", 0, 98, 0, 98, 20, "sendrecv"}},
		{"softswitch-mgw.sdp", local, "m=audio 51000 RTP/AVP 8 97",
			Negotiated{netip.MustParseAddrPort("203.0.113.5:30008"), "PCMA", 8, 97, 8, 97, 10, "sendrecv"}},
		{"ata-lf.sdp", local, "m=audio 51000 RTP/AVP 96 101",
			Negotiated{netip.MustParseAddrPort("10.0.0.8:16384"), "PCMA", 96, 101, 96, 101, 20, "recvonly"}},
		{"six.sdp", with(func(l *LocalMedia) { l.Addr = six }), "m=audio 51000 RTP/AVP 0",
			Negotiated{netip.MustParseAddrPort("[2001:db8::9]:40000"), "PCMU", 0, 0, 0, 0, 30, "sendrecv"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			answer, n, err := MakeAnswer(vendor(t, c.file), c.local)
			if err != nil {
				t.Fatal(err)
			}
			if n != c.agreed {
				t.Errorf("agreed %+v\nwant   %+v", n, c.agreed)
			}
			var media []string
			for _, l := range strings.Split(string(answer), "\r\n") {
				if strings.HasPrefix(l, "m=") {
					media = append(media, l)
				}
			}
			if got := strings.Join(media, "|"); got != c.media {
				t.Errorf("answered %s\nwant     %s", got, c.media)
			}
			checkAnswer(t, vendor(t, c.file))
		})
	}
}

func TestMakeAnswerNamesPayloads(t *testing.T) {
	answer, _, err := MakeAnswer(vendor(t, "ata-lf.sdp"), local)
	if err != nil {
		t.Fatal(err)
	}
	want := lines("v=0", "o=- 77 5 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 51000 RTP/AVP 96 101",
		"a=rtpmap:96 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=recvonly")
	if !bytes.Equal(answer, want) {
		t.Errorf("got\n%s\nwant\n%s", answer, want)
	}
}

func TestMakeAnswerRefuses(t *testing.T) {
	head := "v=0\r\nc=IN IP4 192.0.2.9\r\n"
	for _, c := range []struct {
		name  string
		offer string
		codec bool // 488, not 400
	}{
		{"fax only", string(vendor(t, "t38.sdp")), true},
		{"keys needed", string(vendor(t, "webrtc.sdp")), true},
		{"other family", string(vendor(t, "six.sdp")), true},
		{"other codecs", head + "m=audio 4000 RTP/AVP 18 9\r\n", true},
		{"wide band under a number of ours", head + "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMA/16000\r\n", true},
		{"stereo", head + "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMA/8000/2\r\n", true},
		{"static number with another meaning", head + "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 G726-32/8000\r\n", true},
		{"events only", head + "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", true},
		{"audio rejected by the offer itself", head + "m=audio 0 RTP/AVP 8\r\n", true},
		{"no medium", head, true},
		{"empty", "", false},
		{"no address", "v=0\r\nm=audio 4000 RTP/AVP 8\r\n", false},
		{"group address", "v=0\r\nc=IN IP4 224.1.1.1/32\r\nm=audio 4000 RTP/AVP 8\r\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := MakeAnswer([]byte(c.offer), local)
			if err == nil || errors.Is(err, ErrNoCommonCodec) != c.codec {
				t.Errorf("error %v, ErrNoCommonCodec wanted: %v", err, c.codec)
			}
		})
	}
}

func TestMakeAnswerTakesTheSecondAudio(t *testing.T) {
	offer := lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 4000 RTP/SAVP 8", "m=audio 4002 RTP/AVP 18", "m=audio 4004 RTP/AVP 8")
	answer, n, err := MakeAnswer(offer, local)
	if err != nil || n.Remote.Port() != 4004 {
		t.Fatalf("agreed %+v, %v", n, err)
	}
	want := "m=audio 0 RTP/SAVP 8\r\nm=audio 0 RTP/AVP 18\r\nm=audio 51000 RTP/AVP 8\r\n"
	if !strings.Contains(string(answer), want) {
		t.Errorf("answer\n%s\nlacks\n%s", answer, want)
	}
}

// RFC 3264 6.1 and 8.4: what they may do is mirrored, limited by what we want ourselves.
func TestHoldIsMirrored(t *testing.T) {
	for _, c := range []struct{ addr, offered, own, want string }{
		{"192.0.2.9", "", "", "sendrecv"},
		{"192.0.2.9", "sendrecv", "sendrecv", "sendrecv"},
		{"192.0.2.9", "sendonly", "sendrecv", "recvonly"},
		{"192.0.2.9", "recvonly", "sendrecv", "sendonly"},
		{"192.0.2.9", "inactive", "sendrecv", "inactive"},
		{"192.0.2.9", "sendrecv", "sendonly", "sendonly"},
		{"192.0.2.9", "sendrecv", "inactive", "inactive"},
		{"192.0.2.9", "sendonly", "sendonly", "inactive"},
		{"192.0.2.9", "recvonly", "sendonly", "sendonly"},
		{"0.0.0.0", "", "sendrecv", "recvonly"},
		{"0.0.0.0", "sendrecv", "sendrecv", "recvonly"},
		{"0.0.0.0", "recvonly", "sendrecv", "inactive"},
		{"0.0.0.0", "inactive", "sendrecv", "inactive"},
	} {
		offer := lines("v=0", "c=IN IP4 "+c.addr, "m=audio 4000 RTP/AVP 8", "a="+c.offered)
		answer, n, err := MakeAnswer(offer, with(func(l *LocalMedia) { l.Direction = c.own }))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if n.Direction != c.want || !bytes.Contains(answer, []byte("a="+c.want+"\r\n")) {
			t.Errorf("%+v: got %s in\n%s", c, n.Direction, answer)
		}
		if !bytes.Contains(answer, []byte("c=IN IP4 192.0.2.1\r\n")) {
			t.Errorf("%+v: our own address is lost\n%s", c, answer)
		}
		// and read from the other side, as the answer to an offer of the same words
		back, err := ReadAnswer(MakeOffer(with(func(l *LocalMedia) { l.Direction = c.own })), offer)
		if err != nil || back.Direction != c.want {
			t.Errorf("%+v as an answer: %s, %v", c, back.Direction, err)
		}
	}
}

func TestPtime(t *testing.T) {
	for _, c := range []struct {
		attrs string
		want  int
	}{
		{"", 20}, {"a=ptime:30", 30}, {"a=ptime:60", 60}, {"a=ptime:10", 10}, {"a=ptime:25", 20}, {"a=ptime:0", 20}, {"a=ptime:200", 20},
		{"a=ptime:x", 20}, {"a=maxptime:10", 10}, {"a=maxptime:15", 10}, {"a=maxptime:5", 20}, {"a=maxptime:240", 20}, {"a=ptime:60\r\na=maxptime:40", 40},
	} {
		offer := lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 4000 RTP/AVP 8", c.attrs)
		if _, n, err := MakeAnswer(offer, local); err != nil || n.Ptime != c.want {
			t.Errorf("%q: %d ms, %v, want %d", c.attrs, n.Ptime, err, c.want)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	offer := MakeOffer(local)
	at := netip.MustParseAddrPort("198.51.100.7:6000")
	for _, c := range []struct {
		name, media string
		want        Negotiated
	}{
		{"one codec", "m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000", Negotiated{at, "PCMU", 0, 101, 0, 101, 20, "sendrecv"}},
		{"first of two", "m=audio 6000 RTP/AVP 0 8", Negotiated{at, "PCMU", 0, 0, 0, 0, 20, "sendrecv"}},
		{"codec that we did not offer first", "m=audio 6000 RTP/AVP 18 8", Negotiated{at, "PCMA", 8, 0, 8, 0, 20, "sendrecv"}},
		{"events under its own number", "m=audio 6000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000", Negotiated{at, "PCMA", 8, 96, 8, 101, 20, "sendrecv"}},
		{"events first", "m=audio 6000 RTP/AVP 101 8\r\na=rtpmap:101 telephone-event/8000", Negotiated{at, "PCMA", 8, 101, 8, 101, 20, "sendrecv"}},
		{"slower packets", "m=audio 6000 RTP/AVP 8\r\na=ptime:40", Negotiated{at, "PCMA", 8, 0, 8, 0, 40, "sendrecv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := ReadAnswer(offer, []byte("v=0\r\nc=IN IP4 198.51.100.7\r\n"+c.media))
			if err != nil || n != c.want {
				t.Errorf("got  %+v, %v\nwant %+v", n, err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name, media string
		codec       bool
	}{
		{"rejected", "m=audio 0 RTP/AVP 8", true},
		{"no codec of the offer", "m=audio 6000 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000", true},
		{"keys", "m=audio 6000 RTP/SAVP 8", true},
		{"another medium in its place", "m=image 6000 udptl t38", false},
		{"no medium", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadAnswer(offer, []byte("v=0\r\nc=IN IP4 198.51.100.7\r\n"+c.media))
			if err == nil || errors.Is(err, ErrNoCommonCodec) != c.codec {
				t.Errorf("error %v, ErrNoCommonCodec wanted: %v", err, c.codec)
			}
		})
	}
}

// RFC 3264 8: the session keeps its id, and its version counts changes, not messages.
func TestVersionCountsChanges(t *testing.T) {
	first := MakeOffer(local)
	same := MakeOffer(with(func(l *LocalMedia) { l.Last = first; l.SessionID = 1; l.Version = 1 }))
	if !bytes.Equal(first, same) {
		t.Errorf("nothing changed, yet\n%s\nbecame\n%s", first, same)
	}
	held := MakeOffer(with(func(l *LocalMedia) { l.Last = first; l.Direction = "sendonly" }))
	if !bytes.Contains(held, []byte("o=- 77 6 IN IP4")) || !bytes.Contains(held, []byte("a=sendonly")) {
		t.Errorf("held:\n%s", held)
	}
	hold := lines("v=0", "c=IN IP4 192.0.2.9", "m=audio 4000 RTP/AVP 8", "a=sendonly")
	answer, _, err := MakeAnswer(hold, with(func(l *LocalMedia) { l.Last = first }))
	if err != nil || !bytes.Contains(answer, []byte("o=- 77 6 IN IP4")) {
		t.Errorf("%v\n%s", err, answer)
	}
	again, _, err := MakeAnswer(hold, with(func(l *LocalMedia) { l.Last = answer }))
	if err != nil || !bytes.Equal(again, answer) {
		t.Errorf("a refresh changed the answer: %v\n%s", err, again)
	}
}

// A re-offer in a session that the peer began with video: the places stay, the numbers keep their meaning.
func TestReofferKeepsPlaces(t *testing.T) {
	offer := lines("v=0", "c=IN IP4 192.0.2.9", "m=video 4002 RTP/AVP 96", "m=audio 4000 RTP/AVP 97 99",
		"a=rtpmap:97 PCMA/8000", "a=rtpmap:99 telephone-event/8000")
	answer, _, err := MakeAnswer(offer, local)
	if err != nil {
		t.Fatal(err)
	}
	re := MakeOffer(with(func(l *LocalMedia) { l.Last = answer; l.Direction = "sendonly" }))
	want := "m=video 0 RTP/AVP 96\r\nm=audio 51000 RTP/AVP 97 0 99\r\n"
	if !strings.Contains(string(re), want) {
		t.Errorf("re-offer\n%s\nlacks\n%s", re, want)
	}
	n, err := ReadAnswer(re, lines("v=0", "c=IN IP4 192.0.2.9", "m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 97 99",
		"a=rtpmap:97 PCMA/8000", "a=rtpmap:99 telephone-event/8000", "a=recvonly"))
	if err != nil || n.Direction != "sendonly" || n.PayloadType != 97 || n.EventPT != 99 {
		t.Errorf("agreed %+v, %v", n, err)
	}
}
