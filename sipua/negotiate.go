package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ErrNoCommonCodec: the other side's description holds no audio that we can take: no codec of ours, a transport other
// than plain RTP, another address family, or port 0. The SIP answer to such an offer is 488 (RFC 3261 21.4.26).
var ErrNoCommonCodec = errors.New("no common codec")

// LocalMedia is what we want to say about ourselves in an offer or an answer.
type LocalMedia struct {
	Addr      netip.AddrPort // where our RTP socket is reached
	Codecs    []string       // "PCMA", "PCMU" in order of preference
	EventPT   uint8          // telephone-event (RFC 4733) in our offers; 0: none, also not when it is offered to us
	Ptime     int            // milliseconds of audio in a packet; 0: 20
	Direction string         // sendrecv (also ""), sendonly, recvonly, inactive
	SessionID uint64         // o= of a new session; not used when Last is given
	Version   uint64

	// Last is our previous description of the same session, nil for the first. Then the session id of its o= line is
	// kept, the version grows by one if anything else changed and stays if nothing did, the m= lines keep their
	// number and order, and payload types their meaning (RFC 3264 8).
	Last []byte
}

// Negotiated is what both sides agreed on, seen from here.
type Negotiated struct {
	Remote      netip.AddrPort // where to send; the address is unspecified while held in the manner of RFC 2543
	Codec       string         // "PCMA" or "PCMU"
	PayloadType uint8          // of Codec in what we send
	EventPT     uint8          // telephone-event in what we send; 0: the peer takes none
	RecvPT      uint8          // of Codec in what the peer sends; nearly always PayloadType
	RecvEventPT uint8          // telephone-event in what the peer sends
	Ptime       int            // ms in the packets that we send
	Direction   string         // ours: sendrecv sendonly recvonly inactive
}

// staticCodecs are the payload types that need no rtpmap (RFC 3551 table 4).
var staticCodecs = map[string]uint8{"PCMU": 0, "PCMA": 8}

const eventName = "telephone-event"

// MakeOffer describes what we can do. With Last it is a re-offer: media that the peer brought in stay rejected in
// their places.
func MakeOffer(l LocalMedia) []byte {
	s := l.session()
	codecs, event, proto := l.codecPTs(), l.EventPT, "RTP/AVP"
	at := 0
	if last, err := ParseSDP(l.Last); err == nil {
		if at = slices.IndexFunc(last.Media, func(m Media) bool { return m.Kind == "audio" }); at < 0 {
			at = len(last.Media)
		}
		for i, m := range last.Media {
			s.Media = append(s.Media, rejected(m))
			if i != at {
				continue
			}
			proto = m.Proto
			for _, f := range formatsOf(&m) {
				for j := range codecs {
					if codecs[j].name == f.name {
						codecs[j].pt = f.pt
					}
				}
				if f.name == eventName && event != 0 {
					event = f.pt
				}
			}
		}
	}
	ours := l.audio(proto, codecs, event, l.ptime(), l.direction())
	if at == len(s.Media) {
		s.Media = append(s.Media, ours)
	}
	s.Media[at] = ours
	return l.numbered(s)
}

// MakeAnswer answers an offer (RFC 3264 6): the m= lines in the offer's order, the first audio that we can take with
// one codec (the first of the offer that is ours) and the offer's telephone-event, everything else in place with
// port 0. Hold is mirrored.
func MakeAnswer(offer []byte, l LocalMedia) ([]byte, Negotiated, error) {
	o, err := ParseSDP(offer)
	if err != nil {
		return nil, Negotiated{}, err
	}
	at, n, err := l.choose(o)
	if err != nil {
		return nil, Negotiated{}, err
	}
	s := l.session()
	for i, m := range o.Media {
		if i != at {
			s.Media = append(s.Media, rejected(m))
			continue
		}
		s.Media = append(s.Media, l.audio(m.Proto, []format{{n.PayloadType, n.Codec, ""}}, n.EventPT, n.Ptime, n.Direction))
	}
	return l.numbered(s), n, nil
}

// choose finds the offer's medium that we take and what is agreed on it.
func (l LocalMedia) choose(o *SDP) (at int, n Negotiated, err error) {
	var why error
	for i := range o.Media {
		m := &o.Media[i]
		if m.Kind != "audio" || m.Port == 0 {
			continue
		}
		if !plainRTP(m.Proto) {
			why = fmt.Errorf("%w: %s is not plain RTP", ErrNoCommonCodec, m.Proto)
			continue
		}
		formats := formatsOf(m)
		k := slices.IndexFunc(formats, func(f format) bool { return slices.Contains(l.Codecs, f.name) })
		if k < 0 {
			why = fmt.Errorf("%w: %s offered, %s wanted", ErrNoCommonCodec, names(formats), strings.Join(l.Codecs, " "))
			continue
		}
		n = Negotiated{Codec: formats[k].name, PayloadType: formats[k].pt}
		if n.Remote, n.Direction, err = l.meet(o, m); err != nil {
			why = err
			continue
		}
		if e, ok := eventOf(formats); ok && l.EventPT != 0 {
			n.EventPT = e
		}
		n.RecvPT, n.RecvEventPT = n.PayloadType, n.EventPT
		n.Ptime = ptimeFor(m, l.ptime())
		return i, n, nil
	}
	if why == nil {
		why = fmt.Errorf("%w: no audio offered", ErrNoCommonCodec)
	}
	return 0, n, why
}

// ReadAnswer reads the answer to an offer of ours. Formats that we did not offer are passed over.
func ReadAnswer(offer, answer []byte) (Negotiated, error) {
	o, err := ParseSDP(offer)
	if err != nil {
		return Negotiated{}, err
	}
	a, err := ParseSDP(answer)
	if err != nil {
		return Negotiated{}, err
	}
	at := slices.IndexFunc(o.Media, func(m Media) bool { return m.Kind == "audio" && m.Port != 0 })
	if at < 0 {
		return Negotiated{}, errors.New("sdp: our own offer holds no audio")
	}
	if at >= len(a.Media) || a.Media[at].Kind != "audio" {
		return Negotiated{}, errors.New("sdp: the answer does not have the media of our offer in their places")
	}
	ours, theirs := &o.Media[at], &a.Media[at]
	if theirs.Port == 0 || !plainRTP(theirs.Proto) {
		return Negotiated{}, fmt.Errorf("%w: the audio was rejected", ErrNoCommonCodec)
	}
	own, err := o.address(ours)
	if err != nil {
		return Negotiated{}, err
	}
	l := LocalMedia{Addr: own, Direction: o.direction(ours)}
	var n Negotiated
	if n.Remote, n.Direction, err = l.meet(a, theirs); err != nil {
		return n, err
	}
	offered, formats := formatsOf(ours), formatsOf(theirs)
	for _, f := range formats {
		i := slices.IndexFunc(offered, func(g format) bool { return g.name == f.name })
		switch {
		case i < 0:
		case f.name == eventName:
			n.EventPT, n.RecvEventPT = f.pt, offered[i].pt
		case n.Codec == "":
			n.Codec, n.PayloadType, n.RecvPT = f.name, f.pt, offered[i].pt
		}
	}
	if n.Codec == "" {
		return n, fmt.Errorf("%w: %s answered, %s offered", ErrNoCommonCodec, names(formats), names(offered))
	}
	n.Ptime = ptimeFor(theirs, ptimeFor(ours, defaultPtime))
	return n, nil
}

// meet joins our address and direction with the peer's.
func (l LocalMedia) meet(s *SDP, m *Media) (netip.AddrPort, string, error) {
	to, err := s.address(m)
	if err != nil {
		return to, "", err
	}
	theirs := s.direction(m)
	if to.Addr().IsUnspecified() { // RFC 3264 8.4: hold of old; they may still play music to us
		theirs = both(theirs, "sendonly")
	} else if to.Addr().Is4() != l.Addr.Addr().Unmap().Is4() {
		return to, "", fmt.Errorf("%w: their address is %s and ours is %s", ErrNoCommonCodec, to.Addr(), l.Addr.Addr())
	}
	return to, both(mirror(theirs), l.direction()), nil
}

// mirror turns the peer's direction into the one that fits on our side (RFC 3264 6.1).
func mirror(d string) string {
	switch d {
	case "sendonly":
		return "recvonly"
	case "recvonly":
		return "sendonly"
	}
	return d
}

// both is what two directions of the same side allow together.
func both(a, b string) string {
	send := (a == "sendrecv" || a == "sendonly") && (b == "sendrecv" || b == "sendonly")
	recv := (a == "sendrecv" || a == "recvonly") && (b == "sendrecv" || b == "recvonly")
	switch {
	case send && recv:
		return "sendrecv"
	case send:
		return "sendonly"
	case recv:
		return "recvonly"
	}
	return "inactive"
}

func (l LocalMedia) direction() string { return or(l.Direction, "sendrecv") }

const defaultPtime = 20 // RFC 3551 4.2

func (l LocalMedia) ptime() int {
	if l.Ptime == 0 {
		return defaultPtime
	}
	return l.Ptime
}

// ptimeFor is the packet time for sending to m: what its sender asks for in steps of 10 ms up to 60, otherwise own;
// never more than its maxptime (RFC 8866 6.3, 6.4).
func ptimeFor(m *Media, own int) int {
	p := own
	if v, ok := m.attr("ptime"); ok {
		if n, err := strconv.Atoi(v); err == nil && n >= 10 && n <= 60 && n%10 == 0 {
			p = n
		}
	}
	if v, ok := m.attr("maxptime"); ok {
		if n, err := strconv.Atoi(v); err == nil && n >= 10 && n < p {
			p = n / 10 * 10
		}
	}
	return p
}

// plainRTP: AVPF only adds feedback that may be left out (RFC 4585 5.1); SAVP needs keys.
func plainRTP(proto string) bool {
	return strings.EqualFold(proto, "RTP/AVP") || strings.EqualFold(proto, "RTP/AVPF")
}

// session is an empty description of ours.
func (l LocalMedia) session() *SDP {
	addr := l.Addr.Addr().Unmap().String()
	return &SDP{Origin: Origin{User: "-", Addr: addr}, Conn: addr}
}

// audio is our m= line.
func (l LocalMedia) audio(proto string, codecs []format, event uint8, ptime int, direction string) Media {
	m := Media{Kind: "audio", Port: l.Addr.Port(), Proto: proto}
	for _, c := range codecs {
		pt := strconv.Itoa(int(c.pt))
		m.Formats = append(m.Formats, pt)
		m.Attrs = append(m.Attrs, Attr{"rtpmap", pt + " " + c.name + "/8000"})
	}
	if event != 0 {
		pt := strconv.Itoa(int(event))
		m.Formats = append(m.Formats, pt)
		m.Attrs = append(m.Attrs, Attr{"rtpmap", pt + " " + eventName + "/8000"}, Attr{"fmtp", pt + " 0-15"})
	}
	m.Attrs = append(m.Attrs, Attr{"ptime", strconv.Itoa(ptime)}, Attr{direction, ""})
	return m
}

// rejected keeps the place of a medium that we do not want (RFC 3264 6).
func rejected(m Media) Media { return Media{Kind: m.Kind, Proto: m.Proto, Formats: m.Formats} }

// numbered writes s with its o= numbers.
func (l LocalMedia) numbered(s *SDP) []byte {
	id, version := l.SessionID, l.Version
	if last, err := ParseSDP(l.Last); err == nil {
		id, _ = strconv.ParseUint(last.Origin.ID, 10, 64)
		version, _ = strconv.ParseUint(last.Origin.Version, 10, 64)
	}
	s.Origin.ID, s.Origin.Version = strconv.FormatUint(id, 10), strconv.FormatUint(version, 10)
	b := s.Bytes()
	if len(l.Last) > 0 && !bytes.Equal(b, l.Last) {
		s.Origin.Version = strconv.FormatUint(version+1, 10)
		b = s.Bytes()
	}
	return b
}

// format is one payload type of an m= line with the name of its rtpmap, upper case for codecs.
type format struct {
	pt   uint8
	name string // PCMA, PCMU, telephone-event, or what it says
	rate string
}

func (l LocalMedia) codecPTs() []format {
	var all []format
	for _, c := range l.Codecs {
		if pt, ok := staticCodecs[c]; ok {
			all = append(all, format{pt, c, "8000"})
		}
	}
	return all
}

// formatsOf reads the payload types in the order of the m= line. Names of another clock than 8 kHz are left out, so
// that telephone-event/48000 beside Opus is not mistaken for ours.
func formatsOf(m *Media) []format {
	var all []format
	for _, text := range m.Formats {
		pt, err := strconv.ParseUint(text, 10, 7)
		if err != nil {
			continue
		}
		f := format{pt: uint8(pt)}
		for name, static := range staticCodecs {
			if static == f.pt {
				f.name, f.rate = name, "8000"
			}
		}
		for _, a := range m.Attrs {
			number, mapping, _ := strings.Cut(a.Value, " ")
			if a.Key != "rtpmap" || number != text {
				continue
			}
			parts := strings.Split(strings.TrimSpace(mapping), "/")
			f.name, f.rate = strings.ToUpper(parts[0]), "8000" // a missing clock rate is a fault of the sender, not another codec
			if len(parts) > 1 {
				f.rate = parts[1]
			}
			if len(parts) > 2 && parts[2] != "1" {
				f.rate = "" // stereo is no telephone
			}
			if strings.EqualFold(f.name, eventName) {
				f.name = eventName
			}
			break
		}
		if f.rate == "8000" {
			all = append(all, f)
		}
	}
	return all
}

func eventOf(all []format) (uint8, bool) {
	for _, f := range all {
		if f.name == eventName {
			return f.pt, true
		}
	}
	return 0, false
}

func names(all []format) string {
	if len(all) == 0 {
		return "nothing of 8 kHz"
	}
	var words []string
	for _, f := range all {
		words = append(words, f.name)
	}
	return strings.Join(words, " ")
}
