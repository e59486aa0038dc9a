package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

var portRange = kind[PortRange]{
	words: "range of UDP ports above 1023 such as 51000-51999",
	parse: func(s, _ string) (PortRange, *flaw) {
		lowText, highText, ok := strings.Cut(s, "-")
		low, err1 := strconv.ParseUint(strings.TrimSpace(lowText), 10, 16)
		high, err2 := strconv.ParseUint(strings.TrimSpace(highText), 10, 16)
		switch {
		case !ok || err1 != nil || err2 != nil:
			return PortRange{}, wrong("%s is not a range of ports", shown(s))
		case low > high:
			return PortRange{}, wrong("%d-%d runs backwards", low, high).but("write %d-%d", high, low)
		case low < 1024:
			return PortRange{}, wrong("%d-%d reaches into the ports of the system", low, high)
		case high < (low+1)&^1+1:
			return PortRange{}, wrong("%d-%d holds no pair of an even port for RTP and the next one for RTCP", low, high)
		}
		return PortRange{uint16(low), uint16(high)}, nil
	},
	format: PortRange.String,
}

func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.Low, r.High) }

const sipPort = 5060

// local is the address of our own SIP socket. Without an address it is a port only; without a port it is 5060.
var local = kind[netip.AddrPort]{
	words: "IP address, address:port, or :port",
	parse: func(s, tag string) (netip.AddrPort, *flaw) {
		if s == "" && tag == "!!str" {
			return netip.AddrPort{}, nil
		}
		var at netip.AddrPort
		if p, ok := strings.CutPrefix(s, ":"); ok {
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil {
				return at, wrong("%s is not a port", shown(s))
			}
			at = netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(n))
		} else if a, err := netip.ParseAddr(s); err == nil {
			at = netip.AddrPortFrom(a, sipPort)
		} else if at, err = netip.ParseAddrPort(s); err != nil {
			return at, wrong("%s is not an address of this device", shown(s))
		}
		switch a := at.Addr(); {
		case at.Port() == 0:
			return netip.AddrPort{}, wrong("port 0 cannot be reached").but("write a port from 1 to 65535, usually 5060")
		case a.IsMulticast() || a.Zone() != "":
			return netip.AddrPort{}, wrong("%s cannot be the address of a SIP socket", shown(s))
		}
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
	},
	format: func(a netip.AddrPort) string {
		switch {
		case !a.IsValid():
			return ""
		case a.Addr() == netip.IPv4Unspecified():
			return fmt.Sprintf(":%d", a.Port())
		}
		return a.String()
	},
	quoted: true,
}

var server = kind[Server]{
	words:  "host[:port][;transport=udp]",
	parse:  func(s, _ string) (Server, *flaw) { return parseServer(s) },
	format: Server.String,
}

func parseServer(s string) (Server, *flaw) {
	v := Server{Port: sipPort, Transport: "udp"}
	host, param, has := strings.Cut(s, ";")
	if has {
		switch name, t, _ := strings.Cut(param, "="); {
		case !strings.EqualFold(name, "transport"):
			return v, wrong("%s: ;%s is not known", shown(s), name).but("only ;transport=udp may follow")
		case strings.EqualFold(t, "tcp"), strings.EqualFold(t, "tls"):
			return v, wrong("%s is not supported yet", strings.ToLower(t)).but("write udp, or leave the transport out")
		case !strings.EqualFold(t, "udp"):
			return v, wrong("transport %s is not known", shown(t)).but("write udp, or leave the transport out")
		}
	}
	if rest, ok := strings.CutPrefix(host, "sip:"); ok {
		return v, wrong("%s is a SIP URI", shown(host)).but("write %s", rest)
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Zone() == "" {
		v.Host = a.String() // also an IPv6 address without brackets, which cannot have a port
	} else if ap, err := netip.ParseAddrPort(host); err == nil && ap.Addr().Zone() == "" {
		v.Host, v.Port = ap.Addr().String(), ap.Port()
	} else if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")); err == nil && a.Is6() && a.Zone() == "" {
		v.Host = a.String()
	} else {
		name, p, has := strings.Cut(host, ":")
		if has {
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil {
				return v, wrong("%s: %s is not a port", shown(s), shown(p)).but("write a port from 1 to 65535, usually 5060")
			}
			v.Port = uint16(n)
		}
		if !hostName(name) {
			return v, wrong("%s is neither a host name nor an IP address", shown(name))
		}
		v.Host = name
	}
	if v.Port == 0 {
		return v, wrong("port 0 cannot be reached").but("write a port from 1 to 65535, usually 5060")
	}
	return v, nil
}

// hostName checks the letters of RFC 1123 2.1, with the underscore that some providers use. A name of digits alone
// is a broken address.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return strings.Trim(s, "0123456789.") != ""
}

// String writes the server as the file would have it.
func (v Server) String() string {
	host := v.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	s := fmt.Sprintf("%s:%d", host, v.Port)
	if v.Transport != "" && v.Transport != "udp" {
		s += ";transport=" + v.Transport
	}
	return s
}
