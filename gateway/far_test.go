package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"tipring/internal/memnet"
	"tipring/media/dsp"
)

// far is the other side as a script: the only SBC, which takes every REGISTER and OPTIONS by itself and leaves all else
// to the test, in plain text. It knows no SIP but what a test writes.
type far struct {
	*desk
	c       *memnet.Conn
	in      chan string
	contact map[string]string // number -> Contact URI
	calls   int
	gone    chan struct{}
}

const farMedia = "10.0.9.1:4000"

// atFar opens a desk whose provider is a script.
func atFar(t *testing.T, s setup, f func(f *far)) {
	t.Helper()
	s.servers, s.cold = []string{sbc1}, true
	at(t, s, func(d *desk) {
		f0 := &far{desk: d, c: d.socket(sbc1), in: make(chan string, 100), contact: map[string]string{}, gone: make(chan struct{})}
		go f0.read()
		defer func() { // the gateway's goodbye is answered, too
			d.quit()
			d.ended <- <-d.ended
			f0.c.Close()
			<-f0.gone
		}()
		d.wait(5*time.Second, "registration at the script", func() bool {
			for _, p := range d.gw.Status() {
				if !p.Registration.OK() {
					return false
				}
			}
			return true
		})
		time.Sleep(time.Second)
		f(f0)
	})
}

func (f *far) read() {
	defer close(f.gone)
	buf := make([]byte, 65536)
	for {
		n, _, err := f.c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		m := string(buf[:n])
		switch {
		case strings.HasPrefix(m, "REGISTER "):
			user := between(head(m, "To"), "sip:", "@")
			f.mu.Lock()
			f.contact[user] = between(head(m, "Contact"), "<", ">")
			f.mu.Unlock()
			f.send(response(m, 200, "OK", "reg", "", "Contact: "+strings.Split(head(m, "Contact"), ";expires")[0]+";expires=3600"))
		case strings.HasPrefix(m, "OPTIONS "):
			f.send(response(m, 200, "OK", "opt", ""))
		case strings.TrimSpace(m) != "":
			f.in <- m
		}
	}
}

func (f *far) send(m string) {
	if _, err := f.c.WriteToAddrPort([]byte(m), netip.MustParseAddrPort(ours)); err != nil {
		f.Error(err)
	}
}

// next is the next message of a kind; 100s are passed over, anything else is a surprise.
func (f *far) next(prefix string, within time.Duration) string {
	f.Helper()
	timeout := time.After(within)
	for {
		select {
		case m := <-f.in:
			if strings.HasPrefix(m, prefix) {
				return m
			}
			if !strings.HasPrefix(m, "SIP/2.0 100") {
				f.Fatalf("the far side heard, waiting for %q:\n%s", prefix, m)
			}
		case <-timeout:
			f.Fatalf("the far side has not heard %q within %v", prefix, within)
		}
	}
}

func head(m, name string) string {
	for line := range strings.SplitSeq(m, "\r\n") {
		if k, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func body(m string) string { _, b, _ := strings.Cut(m, "\r\n\r\n"); return b }

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func message(start string, lines []string, sdp string) string {
	if sdp != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	return start + "\r\n" + strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
}

func response(m string, code int, reason, tag, sdp string, extra ...string) string {
	to := head(m, "To")
	if !strings.Contains(to, "tag=") && code > 100 {
		to += ";tag=" + tag
	}
	lines := []string{"Via: " + head(m, "Via"), "From: " + head(m, "From"), "To: " + to, "Call-ID: " + head(m, "Call-ID"), "CSeq: " + head(m, "CSeq")}
	return message(fmt.Sprintf("SIP/2.0 %d %s", code, reason), append(lines, extra...), sdp)
}

// talk is a dialog of the script.
type talk struct {
	f                      *far
	callID, local, remote  string
	target, branch, invite string
	cseq                   int
	in                     string // the last request of the gateway
}

func (f *far) contactOf(user string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.contact[user]
}

// call sends an INVITE to a telephone.
func (f *far) call(user, sdp string, extra ...string) *talk {
	f.calls++
	k := &talk{f: f, callID: fmt.Sprintf("far-%d", f.calls), local: "\"Far End\" <sip:2001@example.net>;tag=far", remote: "<sip:" + user + "@example.net>",
		target: f.contactOf(user)}
	k.request("INVITE", sdp, extra...)
	return k
}

func (k *talk) request(method, sdp string, extra ...string) {
	if method != "ACK" && method != "CANCEL" {
		k.cseq++
		k.f.calls++
		k.branch = fmt.Sprintf("z9hG4bKfar%d", k.f.calls)
	}
	lines := []string{"Via: SIP/2.0/UDP " + sbc1 + ";branch=" + k.branch + ";rport", "Max-Forwards: 70", "From: " + k.local, "To: " + k.remote,
		"Call-ID: " + k.callID, fmt.Sprintf("CSeq: %d %s", k.cseq, method), "Contact: <sip:2001@" + sbc1 + ">"}
	k.f.send(message(method+" "+k.target+" SIP/2.0", append(lines, extra...), sdp))
}

// hears waits for a response and learns the dialog from it.
func (k *talk) hears(code int) string {
	k.f.Helper()
	m := k.f.next(fmt.Sprintf("SIP/2.0 %d", code), 5*time.Second)
	if code > 100 && code < 300 {
		k.remote = head(m, "To")
		if c := between(head(m, "Contact"), "<", ">"); c != "" {
			k.target = c
		}
	}
	return m
}

// called waits for an INVITE of a telephone.
func (f *far) called() *talk {
	f.Helper()
	m := f.next("INVITE ", 5*time.Second)
	f.calls++
	return &talk{f: f, in: m, invite: m, callID: head(m, "Call-ID"), remote: head(m, "From"), local: head(m, "To") + fmt.Sprintf(";tag=far%d", f.calls),
		target: between(head(m, "Contact"), "<", ">"), cseq: 100}
}

func (k *talk) answers(code int, reason, sdp string) {
	k.f.send(response(k.in, code, reason, strings.TrimPrefix(k.local[strings.LastIndex(k.local, ";tag="):], ";tag="), sdp, "Contact: <sip:2001@"+sbc1+">"))
}

// takes waits for a request in the dialog.
func (k *talk) takes(method string, within time.Duration) string {
	k.f.Helper()
	k.in = k.f.next(method+" ", within)
	return k.in
}

// sdpAudio is a description of the far side: codecs as in "8 0 101".
func sdpAudio(formats, direction string, more ...string) string {
	at := netip.MustParseAddrPort(farMedia)
	s := fmt.Sprintf("v=0\r\no=far 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP %[3]s\r\n", at.Addr(), at.Port(), formats)
	if strings.Contains(formats, "101") {
		s += "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
	}
	return s + "a=" + direction + "\r\n" + strings.Join(more, "")
}

// mediaOf is where a description of ours wants to be sent to.
func mediaOf(sdp string) netip.AddrPort {
	port := strings.Fields(between(sdp, "m=audio ", "\r\n"))
	return netip.MustParseAddrPort(between(sdp, "c=IN IP4 ", "\r\n") + ":" + port[0])
}

// voice9 is the far side's media, packet by packet.
type voice9 struct {
	f         *far
	c         *memnet.Conn
	to        netip.AddrPort
	seq       uint16
	stamp     uint32
	pt        byte
	heard     int
	types     map[byte]int
	last      time.Time
	eventSeen []eventPacket
}

type eventPacket struct {
	marker   bool
	stamp    uint32
	event    byte
	end      bool
	duration uint16
}

func (f *far) media(to netip.AddrPort) *voice9 {
	f.Helper()
	return &voice9{f: f, c: f.socket(farMedia), to: to, seq: 65000, stamp: 1<<32 - 2000, pt: 8, types: map[byte]int{}}
}

// packet sends one RTP packet.
func (v *voice9) packet(marker bool, pt byte, seq uint16, stamp uint32, payload []byte) {
	b := []byte{0x80, pt, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78}
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], stamp)
	v.c.WriteToAddrPort(append(b, payload...), v.to)
}

// speaks sends a tone of 1004 Hz in 20 ms packets for a time, and meanwhile takes what comes.
func (v *voice9) speaks(d time.Duration) {
	gen := dsp.ToneGen{}
	plan, _ := dsp.ParseTone("1004", dsp.LevelTone)
	gen.Start(plan)
	for end := time.Now().Add(d); time.Now().Before(end); {
		pcm, wire := make([]int16, 160), make([]byte, 160)
		gen.Fill(pcm[:80])
		gen.Fill(pcm[80:])
		if v.pt == 0 {
			dsp.EncodeULaw(wire, pcm)
		} else {
			dsp.EncodeALaw(wire, pcm)
		}
		v.packet(false, v.pt, v.seq, v.stamp, wire)
		v.seq++
		v.stamp += 160
		time.Sleep(20 * time.Millisecond)
		v.takes()
	}
}

// takes counts what has come.
func (v *voice9) takes() {
	b := make([]byte, 2000)
	for {
		n, from, err := v.c.TryRead(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil || n < 12 || from != v.to {
			v.f.Errorf("far media: %v, %d bytes from %v", err, n, from)
			return
		}
		v.heard++
		v.last = time.Now()
		v.types[b[1]&0x7f]++
		if b[1]&0x7f == 101 && n == 16 {
			v.eventSeen = append(v.eventSeen, eventPacket{b[1]&0x80 != 0, binary.BigEndian.Uint32(b[4:]), b[12], b[13]&0x80 != 0, binary.BigEndian.Uint16(b[14:])})
		}
	}
}
