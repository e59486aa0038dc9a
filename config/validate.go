package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// line of a key, or of the section that it would stand in.
func (d *decoder) line(path string) int {
	for {
		if n, ok := d.lines[path]; ok {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return d.lines[""]
		}
		path = path[:i]
	}
}

func (d *decoder) badAt(path, what, want string) { d.add(d.line(path), path, what, want) }

func (d *decoder) warn(path, what, want string) {
	d.warnings = append(d.warnings, Problem{File: d.file, Line: d.line(path), Key: path, What: what, Want: want})
}

// read tells whether the value of a key was understood; one that was not, or whose section was not, has been reported.
func (d *decoder) read(path string) bool {
	for !d.failed[path] {
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return true
		}
		path = path[:i]
	}
	return false
}

// validate finds what is wrong between values that are right in themselves.
func (d *decoder) validate(c *Config) {
	d.country("country", c.Country)
	d.services(c)
	d.ports(c)
	d.media(c)
	if t := c.Timers; t.InterDigitShort > t.InterDigit && d.read("timers.inter_digit") && d.read("timers.inter_digit_short") {
		d.badAt("timers.inter_digit_short", spoken(t.InterDigitShort)+" is longer than inter_digit", "write at most "+spoken(t.InterDigit))
	}
}

func (d *decoder) country(path, code string) {
	if code == "" && path == "country" && d.read(path) {
		d.badAt(path, "is empty", "write such as CN, DE or US")
	}
	if code == "" || !d.read(path) || len(d.checks.Countries) == 0 || slices.Contains(d.checks.Countries, code) {
		return
	}
	want := "write " + oneOf(slices.Sorted(slices.Values(d.checks.Countries)))
	if slices.Contains(d.checks.Countries, strings.ToUpper(code)) {
		want = "write " + strings.ToUpper(code)
	}
	d.badAt(path, shown(code)+" is not in the country table", want)
}

func (d *decoder) services(c *Config) {
	for i, s := range c.Services {
		path := fmt.Sprintf("services[%d]", i)
		for j, other := range c.Services[:i] {
			if s.Name != "" && s.Name == other.Name && d.read(path+".name") {
				d.badAt(path+".name", fmt.Sprintf("%s is the name of services[%d] too, line %d", s.Name, j, d.line(fmt.Sprintf("services[%d].name", j))), "give each service a name of its own")
			}
			if d.read(path+".local") && d.read(fmt.Sprintf("services[%d].local", j)) && overlap(s.Local, other.Local) {
				d.badAt(path+".local", fmt.Sprintf("%s is in use by services[%d], line %d", spokenLocal(s.Local), j, d.line(fmt.Sprintf("services[%d].local", j))),
					fmt.Sprintf("give it another port, such as :%d", freePort(c)))
			}
		}
		if d.read(path+".local") && d.read(path+".servers") && otherFamily(s) {
			d.badAt(path+".local", fmt.Sprintf("%s cannot reach servers of the other address family", s.Local.Addr()), "use IPv4 or IPv6 for both")
		}
		if d.read(path+".local") && d.read("media.rtp_ports") {
			if p, r := localPort(s.Local), c.Media.RTPPorts; p >= r.Low && p <= r.High {
				d.badAt(path+".local", fmt.Sprintf("port %d lies in media.rtp_ports %s", p, r), "move one of them")
			}
		}
	}
}

// localPort is the SIP port that an empty or unspecified local address means.
func localPort(a netip.AddrPort) uint16 {
	if a.Port() == 0 {
		return sipPort
	}
	return a.Port()
}

func spokenLocal(a netip.AddrPort) string {
	if !a.IsValid() {
		return fmt.Sprintf("port %d (the default)", sipPort)
	}
	return local.format(a)
}

// overlap tells whether two sockets cannot be open at once. Services whose address follows the route may get the same.
func overlap(a, b netip.AddrPort) bool {
	any := func(x netip.AddrPort) bool { return !x.IsValid() || x.Addr().IsUnspecified() }
	return localPort(a) == localPort(b) && (any(a) || any(b) || a.Addr() == b.Addr())
}

func freePort(c *Config) uint16 {
	for p := uint16(sipPort + 2); ; p += 2 {
		if !slices.ContainsFunc(c.Services, func(s Service) bool { return localPort(s.Local) == p }) {
			return p
		}
	}
}

// otherFamily: no server is a name, and none has an address that the local one can send to.
func otherFamily(s Service) bool {
	if !s.Local.IsValid() || s.Local.Addr().IsUnspecified() || len(s.Servers) == 0 {
		return false
	}
	for _, v := range s.Servers {
		if a, err := netip.ParseAddr(v.Host); err != nil || a.Is4() == s.Local.Addr().Is4() {
			return false
		}
	}
	return true
}

func (d *decoder) ports(c *Config) {
	names := serviceNames(c)
	for i := range c.Ports {
		p := &c.Ports[i]
		path := fmt.Sprintf("ports[%d]", i)
		for j := range c.Ports[:i] {
			if p.Port == c.Ports[j].Port && d.read(path+".port") && d.read(fmt.Sprintf("ports[%d].port", j)) {
				d.badAt(path+".port", fmt.Sprintf("port %d is there already as ports[%d], line %d", p.Port, j, d.line(fmt.Sprintf("ports[%d].port", j))), "give each port its own number, or remove one")
			}
		}
		d.country(path+".country", p.Country)
		if d.checks.DigitMap != nil && p.DigitMap != "" && d.read(path+".digit_map") {
			if err := d.checks.DigitMap(p.DigitMap); err != nil {
				d.badAt(path+".digit_map", err.Error(), "see RFC 3435 2.1.5, such as (1xx|[2-9]xxxxxxx|0x.T)")
			}
		}
		d.service(path, p, names)
		d.password(path, p)
	}
	d.users(c)
}

func serviceNames(c *Config) []string {
	var names []string
	for _, s := range c.Services {
		if s.Name != "" && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// service finds the port's service and says when an enabled port cannot register.
func (d *decoder) service(path string, p *Port, names []string) {
	switch {
	case !d.read(path + ".service"):
		return
	case p.Service == "" && len(names) == 1:
		p.Service = names[0]
	case p.Service == "" && len(names) > 1:
		d.badAt(path+".service", "is missing, and there are several services", "write "+oneOf(names))
	case p.Service != "" && !slices.Contains(names, p.Service):
		if len(names) == 0 {
			d.badAt(path+".service", "there is no service "+shown(p.Service), "describe it under services")
		} else {
			d.badAt(path+".service", "there is no service "+shown(p.Service), meant(p.Service, names))
		}
	}
	if !p.Enabled {
		return
	}
	if p.Service == "" && len(names) == 0 {
		d.warn(path, "is enabled without a service: it will not register", "describe one under services, or write enabled: false")
	}
	if p.User == "" && d.read(path+".user") {
		d.warn(path, "is enabled without a user: it counts as misconfigured and will not register", "write user: and the subscriber number")
	}
}

func (d *decoder) password(path string, p *Port) {
	if !d.read(path+".password") || !d.read(path+".password_file") || p.PasswordFile == "" {
		return
	}
	if p.Password != "" {
		d.badAt(path+".password_file", "stands beside password", "keep one of the two")
		return
	}
	file := beside(d.file, p.PasswordFile)
	secret, warning, err := readSecret(file)
	switch {
	case err != nil:
		d.badAt(path+".password_file", fmt.Sprintf("%s: %v", file, err), "write the password into that file, in one line")
	case warning != "":
		d.warn(path+".password_file", warning, "chmod 600 "+file)
	}
	p.Password = secret
}

// users: two ports with one identity would take each other's calls.
func (d *decoder) users(c *Config) {
	type identity struct{ service, user string }
	first := map[identity]int{}
	for i, p := range c.Ports {
		id := identity{p.Service, p.User}
		path := fmt.Sprintf("ports[%d].user", i)
		if p.User == "" || !d.read(path) {
			continue
		}
		if j, taken := first[id]; taken {
			d.badAt(path, fmt.Sprintf("%s is the user of ports[%d] too, line %d", p.User, j, d.line(fmt.Sprintf("ports[%d].user", j))), "give each port of a service its own user")
			continue
		}
		first[id] = i
	}
}

func (d *decoder) media(c *Config) {
	if !d.read("media.rtp_ports") {
		return
	}
	r := c.Media.RTPPorts
	have, need := (int(r.High)+1)/2-(int(r.Low)+1)/2, 2*len(c.Ports)
	if have < need {
		d.warn("media.rtp_ports", fmt.Sprintf("%s has room for %d calls, and %d ports may have %d", r, have, len(c.Ports), need),
			fmt.Sprintf("take a range of at least %d", 2*need))
	}
}
