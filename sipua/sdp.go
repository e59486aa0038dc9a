package sipua

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Bounds of a session description. Real ones stay under 4 KB and 100 lines, also with video and ICE.
const (
	maxSDPBytes   = 16 << 10
	maxSDPLines   = 512
	maxSDPMedia   = 16
	maxSDPFormats = 64
)

// SDP is a session description (RFC 8866), as far as an audio gateway must understand it. Lines of other types
// (b=, i=, k=, r= ...) are read over and not written again.
type SDP struct {
	Origin Origin
	Name   string // s=; "" is written as "-"
	Conn   string // c= of the session without "IN IPx" and TTL; "" none
	Attrs  []Attr
	Media  []Media
}

// Origin is the o= line. ID and Version are decimal by the standard, yet some senders write other things.
type Origin struct {
	User, ID, Version, Addr string
}

// Attr is one a= line: "rtpmap" and "8 PCMA/8000", or "sendrecv" and "".
type Attr struct {
	Key, Value string
}

// Media is one m= line with the lines that belong to it.
type Media struct {
	Kind    string   // audio, video, image, application ...
	Port    uint16   // 0: rejected
	Proto   string   // RTP/AVP, udptl ...
	Formats []string // payload types, or words such as t38
	Conn    string   // c= of this medium; "" the session's
	Attrs   []Attr
}

// ParseSDP reads leniently what peers really send: lines that end in LF alone or not at all, unknown lines, missing
// v=, s= and t=, attributes before c=, origins that are not numbers. It refuses what has no meaning for a call: no
// m= and no v= line, an m= line that cannot be mirrored in an answer, and whatever is out of bounds.
func ParseSDP(b []byte) (*SDP, error) {
	if len(b) > maxSDPBytes {
		return nil, fmt.Errorf("sdp: %d bytes, at most %d are read", len(b), maxSDPBytes)
	}
	s := &SDP{}
	var m *Media // nil while the session part is read
	known := false
	rest, n := string(b), 0
	for rest != "" {
		var line string
		if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			line, rest = rest, ""
		}
		if line == "" {
			continue
		}
		if n++; n > maxSDPLines {
			return nil, fmt.Errorf("sdp: more than %d lines", maxSDPLines)
		}
		if len(line) < 2 || line[1] != '=' {
			continue
		}
		value := strings.TrimSpace(line[2:])
		switch line[0] {
		case 'v':
			known = true
		case 'o':
			if m == nil {
				s.Origin = parseOrigin(value)
			}
		case 's':
			if m == nil {
				s.Name = value
			}
		case 'c':
			conn := &s.Conn
			if m != nil {
				conn = &m.Conn
			}
			if *conn == "" { // several c= lines are layered multicast: nothing for a telephone
				*conn = parseConn(value)
			}
		case 'a':
			key, val, _ := strings.Cut(value, ":")
			a := Attr{strings.TrimSpace(key), strings.TrimSpace(val)}
			if a.Key == "" {
				continue
			}
			if m != nil {
				m.Attrs = append(m.Attrs, a)
			} else {
				s.Attrs = append(s.Attrs, a)
			}
		case 'm':
			next, err := parseMedia(value)
			if err != nil {
				return nil, err
			}
			if len(s.Media) == maxSDPMedia {
				return nil, fmt.Errorf("sdp: more than %d media", maxSDPMedia)
			}
			known = true
			s.Media = append(s.Media, next)
			m = &s.Media[len(s.Media)-1]
		}
	}
	if !known {
		return nil, errors.New("sdp: neither a v= nor an m= line: this is not a session description")
	}
	return s, nil
}

func parseOrigin(value string) Origin {
	f := strings.Fields(value)
	for len(f) < 6 {
		f = append(f, "")
	}
	return Origin{User: f[0], ID: f[1], Version: f[2], Addr: f[5]}
}

// parseConn takes the address of "IN IP4 192.0.2.1/127". A bare address, as some boxes send it, is taken too.
func parseConn(value string) string {
	f := strings.Fields(value)
	if len(f) == 0 {
		return ""
	}
	addr, _, _ := strings.Cut(f[len(f)-1], "/")
	return addr
}

func parseMedia(value string) (Media, error) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return Media{}, fmt.Errorf("sdp: m=%.80q needs a medium, a port and a transport", value)
	}
	for _, word := range f {
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return Media{}, fmt.Errorf("sdp: m=%.80q holds characters that are not printable ASCII", value)
		}
	}
	if len(f)-3 > maxSDPFormats {
		return Media{}, fmt.Errorf("sdp: more than %d formats in one m= line", maxSDPFormats)
	}
	number, _, _ := strings.Cut(f[1], "/") // "49170/2": a number of ports follows
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return Media{}, fmt.Errorf("sdp: m=%.80q: the port must be 0 to 65535", value)
	}
	return Media{Kind: f[0], Port: uint16(port), Proto: f[2], Formats: f[3:]}, nil
}

// Bytes writes the description as RFC 8866 section 9 orders it, every line ended by CRLF.
func (s *SDP) Bytes() []byte {
	var b []byte
	line := func(kind byte, words ...string) {
		b = append(b, kind, '=')
		b = append(b, strings.Join(words, " ")...)
		b = append(b, '\r', '\n')
	}
	attrs := func(all []Attr) {
		for _, a := range all {
			if a.Value == "" {
				line('a', a.Key)
			} else {
				line('a', a.Key+":"+a.Value)
			}
		}
	}
	o := s.Origin
	line('v', "0")
	line('o', or(o.User, "-"), or(o.ID, "0"), or(o.Version, "0"), "IN", family(o.Addr), or(o.Addr, "0.0.0.0"))
	line('s', or(s.Name, "-"))
	if s.Conn != "" {
		line('c', "IN", family(s.Conn), s.Conn)
	}
	line('t', "0", "0")
	attrs(s.Attrs)
	for _, m := range s.Media {
		line('m', m.Kind, strconv.Itoa(int(m.Port)), m.Proto, or(strings.Join(m.Formats, " "), "0"))
		if m.Conn != "" {
			line('c', "IN", family(m.Conn), m.Conn)
		}
		attrs(m.Attrs)
	}
	return b
}

// family names the address type of RFC 8866 5.7. Only an IPv6 address holds a colon; names count as IPv4.
func family(addr string) string {
	if strings.Contains(addr, ":") {
		return "IP6"
	}
	return "IP4"
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// attr returns the first value of an attribute of the medium.
func (m *Media) attr(key string) (string, bool) {
	for _, a := range m.Attrs {
		if a.Key == key {
			return a.Value, true
		}
	}
	return "", false
}

// direction of the medium as its sender sees it; the medium's own attribute wins over the session's (RFC 8866 6.7).
func (s *SDP) direction(m *Media) string {
	for _, all := range [][]Attr{m.Attrs, s.Attrs} {
		for _, a := range all {
			switch d := strings.ToLower(a.Key); d {
			case "sendrecv", "sendonly", "recvonly", "inactive":
				return d
			}
		}
	}
	return "sendrecv"
}

// address of the medium. An unspecified address is the hold of RFC 2543 B.5, for IPv6 also a name under ".invalid"
// (RFC 6157 3.1): valid, but nothing may be sent to it.
func (s *SDP) address(m *Media) (netip.AddrPort, error) {
	host := or(m.Conn, s.Conn)
	if host == "" {
		return netip.AddrPort{}, errors.New("sdp: no c= line says where to send the audio")
	}
	if strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".invalid") {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), m.Port), nil
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return netip.AddrPort{}, fmt.Errorf("sdp: c=%.80q is not an IP address", host)
	}
	if addr = addr.Unmap(); addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.AddrPort{}, fmt.Errorf("sdp: c=%s is a group, not a telephone", addr)
	}
	return netip.AddrPortFrom(addr, m.Port), nil
}
