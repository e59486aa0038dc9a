package config

import (
	"net/netip"
	"strconv"
	"time"
)

// Effect is what a change of a value means for a running gateway.
type Effect uint8

const (
	Registers Effect = 1 << iota // the port's registration is renewed, made or removed
	Line                         // the telephone line is set up again when it is idle
	EndsCalls                    // the SIP socket is opened anew: calls on it end
)

// schema is the file: every key with its form, its default and its place. Reading, defaults, printing, comparing and
// docs/configuration.md all follow it, so a new key is one line here and its explanation in example.yaml.
var schema = []field[Config]{
	value("version", fileVersion, 0, func(c *Config) *int { return &c.Version }, 0,
		"Version of the file format.").must(),
	value("card", number(0, 255), 1, func(c *Config) *int { return &c.Card }, 0,
		"Number of this card, the first in the `[card:port]` column."),
	value("country", countryCode, "CN", func(c *Config) *string { return &c.Country }, Line,
		"Whose tones, ring cadence, hook times and caller ID the telephones get: ISO 3166 code."),
	sections("services", 16, serviceFields, func(c *Config) *[]Service { return &c.Services },
		"SIP providers."),
	sections("ports", 64, portFields, func(c *Config) *[]Port { return &c.Ports },
		"FXS ports, one for each telephone socket in use."),
	section("media", mediaFields, func(c *Config) *Media { return &c.Media },
		"The voice path of all ports. Calls that are up keep what they have agreed on."),
	section("timers", timerFields, func(c *Config) *Timers { return &c.Timers },
		"Times of the telephone line and of calls."),
	section("log", logFields, func(c *Config) *Log { return &c.Log },
		"The system log."),
}

var serviceFields = []field[Service]{
	value("name", word(32, "short word such as main", "write a short word such as main"), "", func(s *Service) *string { return &s.Name }, Registers|EndsCalls,
		"By this name `ports[].service` refers to it.").must(),
	value("domain", domain, "", func(s *Service) *string { return &s.Domain }, Registers|EndsCalls,
		"Right-hand side of the SIP identities, user@domain. Empty: the host of the first server."),
	list("servers", server, 1, 8, func(s *Service) *[]Server { return &s.Servers }, Registers|EndsCalls,
		"SBCs, proxies or registrars in order of preference; the port is 5060 if not given.").must(),
	value("local", local, netip.AddrPort{}, func(s *Service) *netip.AddrPort { return &s.Local }, Registers|EndsCalls,
		"Our own SIP address. Empty: the address of the route to the first server, port 5060."),
	value("expires", duration(10*time.Second, 24*time.Hour, false), time.Hour, func(s *Service) *time.Duration { return &s.Expires }, Registers|EndsCalls,
		"Lifetime of a registration as we ask for it; the registrar may grant another. It is renewed in time."),
	value("start_jitter", duration(0, 5*time.Minute, false), 3*time.Second, func(s *Service) *time.Duration { return &s.StartJitter }, Registers|EndsCalls,
		"At start-up each port waits a random time up to this before it registers, so that after a power cut not all devices come at once."),
	value("options_interval", duration(time.Second, time.Hour, true), 30*time.Second, func(s *Service) *time.Duration { return &s.OptionsInterval }, Registers|EndsCalls,
		"Heartbeat: OPTIONS to each server at this interval. 0: none."),
	value("options_lost", number(1, 20), 3, func(s *Service) *int { return &s.OptionsLost }, Registers|EndsCalls,
		"So many heartbeats in a row without any answer: the server counts as dead."),
	value("keepalive", duration(5*time.Second, 10*time.Minute, true), 25*time.Second, func(s *Service) *time.Duration { return &s.Keepalive }, Registers|EndsCalls,
		"An empty datagram to the server at this interval keeps NAT and firewall bindings open. 0: none."),
}

var portFields = []field[Port]{
	value("port", number(1, 64), 0, func(p *Port) *int { return &p.Port }, Registers|Line,
		"Number of the socket as printed on the box.").must(),
	value("enabled", boolean, false, func(p *Port) *bool { return &p.Enabled }, Registers|Line,
		"A disabled port has no line voltage and does not register."),
	value("service", word(32, "name of a service", "write the name of a service"), "", func(p *Port) *string { return &p.Service }, Registers,
		"The service that it registers with. Empty: the only one there is."),
	value("user", word(64, "number or name without domain", "write only what stands before the @; the rest is services[].domain"), "", func(p *Port) *string { return &p.User }, Registers,
		"Subscriber number: left-hand side of the SIP identity. Without it an enabled port counts as misconfigured."),
	value("auth_user", text(128, "text"), "", func(p *Port) *string { return &p.AuthUser }, Registers,
		"User name for authentication. Empty: the same as `user`."),
	value("password", secret, "", func(p *Port) *Secret { return &p.Password }, Registers,
		"Password for authentication. Never printed."),
	value("password_file", text(4096, "path"), "", func(p *Port) *string { return &p.PasswordFile }, Registers,
		"File that holds the password in one line, instead of `password`; relative to the configuration file. It should be readable by the daemon only (mode 0600)."),
	value("display_name", text(64, "text"), "", func(p *Port) *string { return &p.DisplayName }, Registers,
		"Name shown to those who are called."),
	value("digit_map", text(2048, "RFC 3435 digit map such as (110|119|1xx|[2-9]xxxxxxx|0x.T)"), "", func(p *Port) *string { return &p.DigitMap }, Line,
		"Which numbers are complete, so that they are sent without delay. Empty: any number, sent by `#` or after the inter-digit time."),
	value("pulse", boolean, true, func(p *Port) *bool { return &p.Pulse }, Line,
		"Understand pulse (rotary) dialling beside tones."),
	value("caller_id", boolean, true, func(p *Port) *bool { return &p.CallerID }, Line,
		"Send the caller's number and name to the telephone's display."),
	value("country", countryCode, "", func(p *Port) *string { return &p.Country }, Line,
		"Another country's telephone on this port. Empty: the `country` above."),
}

var mediaFields = []field[Media]{
	value("rtp_ports", portRange, PortRange{51000, 51999}, func(m *Media) *PortRange { return &m.RTPPorts }, 0,
		"UDP ports for speech. A call takes two, an even one for RTP and the next for RTCP; a port may have two calls."),
	list("codecs", choice("PCMA", "PCMU"), 1, 2, func(m *Media) *[]string { return &m.Codecs }, 0,
		"Offered codecs in order of preference (G.711 A-law and u-law).", "PCMA", "PCMU"),
	value("ptime", steps(duration(10*time.Millisecond, 60*time.Millisecond, false), 10*time.Millisecond), 20*time.Millisecond, func(m *Media) *time.Duration { return &m.Ptime }, 0,
		"Length of speech in one RTP packet, unless the other side asks for another."),
}

var timerFields = []field[Timers]{
	value("first_digit", duration(time.Second, 2*time.Minute, false), 15*time.Second, func(t *Timers) *time.Duration { return &t.FirstDigit }, Line,
		"Dial tone without a digit, then busy tone."),
	value("inter_digit", duration(time.Second, time.Minute, false), 10*time.Second, func(t *Timers) *time.Duration { return &t.InterDigit }, Line,
		"Longest pause between digits while the number cannot be complete."),
	value("inter_digit_short", duration(500*time.Millisecond, time.Minute, false), 4*time.Second, func(t *Timers) *time.Duration { return &t.InterDigitShort }, Line,
		"Pause after which a number that may be complete is sent."),
	value("no_answer", duration(time.Second, 10*time.Minute, false), time.Minute, func(t *Timers) *time.Duration { return &t.NoAnswer }, Line,
		"An incoming call rings so long, then it is refused with 480."),
	value("caller_no_answer", duration(time.Second, 10*time.Minute, false), 3*time.Minute, func(t *Timers) *time.Duration { return &t.CallerNoAnswer }, Registers|EndsCalls,
		"An outgoing call waits so long for an answer, then it is cancelled."),
	value("busy", duration(time.Second, 10*time.Minute, false), 30*time.Second, func(t *Timers) *time.Duration { return &t.Busy }, Line,
		"Busy tone at the end of a call, then the howler: the receiver was left off."),
	value("howler", duration(time.Second, 10*time.Minute, false), time.Minute, func(t *Timers) *time.Duration { return &t.Howler }, Line,
		"Howler, then silence until the receiver is put down."),
}

var logFields = []field[Log]{
	value("level", choice("debug", "info", "warn", "error"), "info", func(l *Log) *string { return &l.Level }, 0,
		"The least important thing that is still written."),
}

var fileVersion = kind[int]{
	words: strconv.Itoa(Version),
	parse: func(s, tag string) (int, *flaw) {
		n, f := number(1, 1<<30).parse(s, tag)
		if f == nil && n > Version {
			f = wrong("%d is newer than this program, which reads version %d", n, Version).but("use a newer tipring, or a file of version %d", Version)
		}
		return n, f
	},
	format: strconv.Itoa,
}

// countryCode: whether the country is known is asked of Checks, in validate.go.
var countryCode = kind[string]{
	words: "ISO 3166 code",
	parse: func(s, tag string) (string, *flaw) {
		if s == "" && tag == "!!str" || len(s) == 2 {
			return s, nil
		}
		return "", wrong("%s is not a country code of two letters", shown(s)).but("write such as CN, DE or US")
	},
	format: func(s string) string { return s },
	quoted: true, // YAML 1.1 takes a bare NO (Norway) for false
}

var domain = kind[string]{
	words: "host name or IP address",
	parse: func(s, tag string) (string, *flaw) {
		if _, err := netip.ParseAddr(s); err == nil || hostName(s) || s == "" && tag == "!!str" {
			return s, nil
		}
		return "", wrong("%s is neither a host name nor an IP address", shown(s)).but("write such as sip.example.net")
	},
	format: func(s string) string { return s },
}
