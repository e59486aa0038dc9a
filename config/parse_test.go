package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var checks = Checks{
	Countries: []string{"CN", "DE", "GB", "US"},
	DigitMap: func(s string) error {
		if strings.Count(s, "(") != strings.Count(s, ")") {
			return errors.New("offset 3: the end, ) is missing")
		}
		return nil
	},
}

// One thoroughly broken file: everything is said at once, in order, and no password is shown.
func TestBrokenFile(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("testdata/broken.yaml", data, checks)
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("error %T %v", err, err)
	}
	if !slices.IsSortedFunc(all, func(a, b Problem) int { return a.Line - b.Line }) {
		t.Error("not in order of the lines")
	}
	for _, p := range all {
		if p.What == "" || p.Want == "" || p.Line == 0 {
			t.Errorf("incomplete: %+v", p)
		}
	}
	if strings.Contains(err.Error(), "secret-") {
		t.Error("a password is in the messages")
	}
	golden(t, "testdata/broken.golden", []byte(err.Error()+"\n"))
}

const head = "version: 1\nservices:\n  - {name: main, servers: [192.0.2.1]}\n"

// One fault at a time, in a file that is right otherwise.
func TestSingleFaults(t *testing.T) {
	two := "version: 1\nservices:\n  - {name: a, servers: [192.0.2.1], local: \"%s\"}\n  - {name: b, servers: [192.0.2.1], local: \"%s\"}\n"
	for _, c := range []struct {
		name, text string
		want       string // "line: key: beginning of what; hint", the hint may be cut too
	}{
		{"empty file", "", "1: version: is missing; write version: 1"},
		{"only comments", "# nothing\n", "1: version: is missing; write version: 1"},
		{"no version", "card: 1\n", "1: version: is missing; write version: 1"},
		{"newer version", "version: 2\n", "1: version: 2 is newer than this program, which reads version 1; use a newer tipring"},
		{"version zero", "version: 0\n", "1: version: 0 is out of range; write 1"},
		{"version as text", "version: \"1\"\n", "1: version: \"1\" is text; write 1"},
		{"not YAML", "version: 1\nports: [\n", "2: : is not YAML: did not find expected node content"},
		{"tab", "version: 1\nlog:\n\tlevel: info\n", "3: : is not YAML: found character that cannot start any token; indent with blanks"},
		{"unquoted star", "version: 1\nports:\n  - {port: 1,\n     password: *pa55}\n", "4: : a value begins with an unquoted *; put the value in quotes"},
		{"list at the top", "- version: 1\n", "1: : a list stands where a section is wanted"},
		{"text at the top", "hello\n", "1: : a single value stands where a section is wanted"},
		{"second document", "version: 1\n---\nversion: 1\n", "2: : is not YAML: a second document begins; keep one document"},
		{"alias", "version: 1\nmedia: &m {ptime: 20ms}\nlog: *m\n", "3: log: an alias (an unquoted *) stands where a section is wanted"},
		{"merge", "version: 1\nmedia: &m {ptime: 20ms}\nlog: {<<: *m}\n", "3: log: merged and compound keys are not used here"},
		{"compound key", "version: 1\n? [a, b]\n: c\n", "2: : merged and compound keys are not used here"},
		{"binary", "version: 1\nlog: {level: !!binary aW5mbw==}\n", "2: log.level: tags such as !!binary are not used here"},
		{"typing error in a key", "version: 1\ncuontry: CN\n", "2: cuontry: unknown key; did you mean country?"},
		{"shouted key", "version: 1\nCARD: 1\n", "2: CARD: unknown key; did you mean card?"},
		{"key in the wrong section", head + "expires: 1h\n", "4: expires: unknown key; expires belongs to services[]"},
		{"key of two sections", head + "log: {country: CN}\n", "4: log.country: unknown key; country belongs to the top of the file or ports[]"},
		{"key from nowhere", "version: 1\nlog: {colour: red}\n", "2: log.colour: unknown key; write level"},
		{"key that is no word", "version: 1\nlog: {\"a\\nb\": red}\n", `2: log.a\nb: unknown key; write level`},
		{"duplicate key", "version: 1\ncard: 1\ncard: 1\n", "3: card: is there twice, first in line 2; remove one"},
		{"duplicate in a port", head + "ports:\n  - {port: 1, port: 2}\n", "5: ports[0].port: is there twice, first in line 5"},
		{"section given as value", head + "media: yes\n", "4: media: a single value stands where a section is wanted; write its keys, such as rtp_ports: ..."},
		{"section given as list", head + "media: [1]\n", "4: media: a list stands where a section is wanted"},
		{"list given as section", head + "ports: {port: 1}\n", "4: ports: a section stands where a list is wanted; write [a, b]"},
		{"value given as list", "version: 1\ncard: [1]\n", "2: card: a list stands where one value is wanted; write whole number"},
		{"value given as section", "version: 1\ncountry: {a: b}\n", "2: country: a section stands where one value is wanted"},
		{"no value", "version: 1\ncard:\n", "2: card: has no value; write whole number, 0 to 255, or remove the key"},
		{"null", head + "ports: [{port: 1, user: ~}]\n", "4: ports[0].user: has no value"},
		{"card out of range", "version: 1\ncard: 256\n", "2: card: 256 is out of range; write whole number, 0 to 255"},
		{"negative card", "version: 1\ncard: -1\n", "2: card: -1 is out of range"},
		{"half a card", "version: 1\ncard: 1.5\n", `2: card: "1.5" is not a whole number`},
		{"card as text", "version: 1\ncard: \"2\"\n", `2: card: "2" is text; write whole number`},
		{"unknown country", "version: 1\ncountry: XX\n", `2: country: "XX" is not in the country table; write one of CN DE GB US`},
		{"country in small letters", "version: 1\ncountry: de\n", `2: country: "de" is not in the country table; write DE`},
		{"country by name", "version: 1\ncountry: China\n", `2: country: "China" is not a country code of two letters; write such as CN`},
		{"Norway", "version: 1\ncountry: NO\n", `2: country: "NO" is not in the country table`},
		{"empty country", "version: 1\ncountry: \"\"\n", "2: country: is empty; write such as CN"},

		{"service without name", "version: 1\nservices:\n  - {servers: [192.0.2.1]}\n", "3: services[0].name: is missing; write name: short word"},
		{"service without servers", "version: 1\nservices:\n  - name: main\n", "3: services[0].servers: is missing; write servers: list"},
		{"service name with blanks", "version: 1\nservices: [{name: a b, servers: [h]}]\n", `2: services[0].name: "a b" holds blanks`},
		{"two services of one name", "version: 1\nservices:\n  - {name: a, servers: [h]}\n  - {name: a, servers: [h], local: \":5062\"}\n", "4: services[1].name: a is the name of services[0] too, line 3; give each"},
		{"no server", "version: 1\nservices: [{name: a, servers: []}]\n", "2: services[0].servers: the list is empty; write at least 1"},
		{"one server without list", "version: 1\nservices: [{name: a, servers: 192.0.2.1}]\n", "2: services[0].servers: a single value stands where a list is wanted; write [192.0.2.1]"},
		{"too many servers", "version: 1\nservices: [{name: a, servers: [a, b, c, d, e, f, g, h, i]}]\n", "2: services[0].servers: the list has 9 members; write at most 8"},
		{"server twice", "version: 1\nservices: [{name: a, servers: [h, \"h:5060\"]}]\n", `2: services[0].servers[1]: "h:5060" stands there twice`},
		{"server port", "version: 1\nservices: [{name: a, servers: [\"h:70000\"]}]\n", `2: services[0].servers[0]: "h:70000": "70000" is not a port; write a port from 1`},
		{"server port zero", "version: 1\nservices: [{name: a, servers: [\"h:0\"]}]\n", "2: services[0].servers[0]: port 0 cannot be reached"},
		{"server transport of later", "version: 1\nservices: [{name: a, servers: [\"h;transport=tcp\"]}]\n", "2: services[0].servers[0]: tcp is not supported yet; write udp"},
		{"server transport unknown", "version: 1\nservices: [{name: a, servers: [\"h;transport=sctp\"]}]\n", `2: services[0].servers[0]: transport "sctp" is not known`},
		{"server parameter", "version: 1\nservices: [{name: a, servers: [\"h;lr\"]}]\n", `2: services[0].servers[0]: "h;lr": ;lr is not known; only ;transport=udp`},
		{"server URI", "version: 1\nservices: [{name: a, servers: [\"sip:h\"]}]\n", `2: services[0].servers[0]: "sip:h" is a SIP URI; write h`},
		{"server that is a broken address", "version: 1\nservices: [{name: a, servers: [192.0.2.300]}]\n", `2: services[0].servers[0]: "192.0.2.300" is neither a host name nor an IP address`},
		{"server name with blanks", "version: 1\nservices: [{name: a, servers: [\"my host\"]}]\n", `2: services[0].servers[0]: "my host" is neither`},
		{"domain", "version: 1\nservices: [{name: a, servers: [h], domain: \"a b\"}]\n", `2: services[0].domain: "a b" is neither a host name`},
		{"local name", "version: 1\nservices: [{name: a, servers: [h], local: eth0}]\n", `2: services[0].local: "eth0" is not an address of this device; write IP address, address:port, or :port`},
		{"local port", "version: 1\nservices: [{name: a, servers: [h], local: \":0\"}]\n", "2: services[0].local: port 0 cannot be reached"},
		{"local group", "version: 1\nservices: [{name: a, servers: [h], local: \"224.0.0.1:5060\"}]\n", `2: services[0].local: "224.0.0.1:5060" cannot be the address of a SIP socket`},
		{"local of the other family", "version: 1\nservices:\n  - name: a\n    servers: [192.0.2.1]\n    local: \"[2001:db8::1]:5060\"\n", "5: services[0].local: 2001:db8::1 cannot reach servers of the other address family"},
		{"local inside the RTP ports", "version: 1\nservices:\n  - name: a\n    servers: [192.0.2.1]\n    local: \":51060\"\n", "5: services[0].local: port 51060 lies in media.rtp_ports 51000-51999"},
		{"same local address", fmt.Sprintf(two, "192.0.2.9:5060", "192.0.2.9:5060"), "4: services[1].local: 192.0.2.9:5060 is in use by services[0], line 3; give it another port, such as :5062"},
		{"one local address for all", fmt.Sprintf(two, ":5060", "192.0.2.9:5060"), "4: services[1].local: 192.0.2.9:5060 is in use by services[0]"},
		{"the default address twice", fmt.Sprintf(two, "", ""), "4: services[1].local: port 5060 (the default) is in use by services[0]"},
		{"duration without unit", "version: 1\nservices: [{name: a, servers: [h], expires: 3600}]\n", "2: services[0].expires: 3600 has no unit; write 3600s for seconds"},
		{"no duration", "version: 1\nservices: [{name: a, servers: [h], expires: 1 hour}]\n", `2: services[0].expires: "1 hour" is not a duration; write such as`},
		{"duration out of range", "version: 1\nservices: [{name: a, servers: [h], expires: 1s}]\n", "2: services[0].expires: 1s is out of range; write duration, 10s to 24h"},
		{"negative duration", "version: 1\nservices: [{name: a, servers: [h], keepalive: -25s}]\n", "2: services[0].keepalive: -25s is out of range; write 0, or duration, 5s to 10m"},
		{"list of durations", "version: 1\nservices: [{name: a, servers: [h], expires: [1h]}]\n", "2: services[0].expires: a list stands where one value is wanted; write duration"},

		{"port without number", head + "ports:\n  - {enabled: false}\n", "5: ports[0].port: is missing; write port: whole number, 1 to 64"},
		{"port that is a number", head + "ports: [1]\n", "4: ports[0]: a single value stands where a section is wanted; write its keys, such as port: ..."},
		{"port zero", head + "ports: [{port: 0}]\n", "4: ports[0].port: 0 is out of range"},
		{"two ports of one number", head + "ports:\n  - {port: 1}\n  - {port: 1}\n", "6: ports[1].port: port 1 is there already as ports[0], line 5; give each port"},
		{"enabled: yes", head + "ports: [{port: 1, enabled: yes}]\n", `4: ports[0].enabled: "yes" is neither true nor false; write true`},
		{"enabled: off", head + "ports: [{port: 1, enabled: off}]\n", `4: ports[0].enabled: "off" is neither true nor false; write false`},
		{"enabled: maybe", head + "ports: [{port: 1, enabled: maybe}]\n", `4: ports[0].enabled: "maybe" is neither true nor false; write true or false`},
		{"enabled as text", head + "ports: [{port: 1, enabled: \"true\"}]\n", `4: ports[0].enabled: "true" is neither`},
		{"unknown service", head + "ports: [{port: 1, service: mian}]\n", `4: ports[0].service: there is no service "mian"; did you mean main?`},
		{"service without any", "version: 1\nports: [{port: 1, service: main}]\n", `2: ports[0].service: there is no service "main"; describe it under services`},
		{"which service", fmt.Sprintf(two, "", ":5062") + "ports: [{port: 1}]\n", "5: ports[0].service: is missing, and there are several services; write one of a b"},
		{"two ports of one user", head + "ports:\n  - {port: 1, user: \"7\"}\n  - {port: 2, service: main, user: 7}\n", "6: ports[1].user: 7 is the user of ports[0] too, line 5; give each"},
		{"user with domain", head + "ports: [{port: 1, user: 7@example.net}]\n", `4: ports[0].user: "7@example.net" holds blanks or one of @`},
		{"user with line end", head + "ports: [{port: 1, user: \"7\\r\\nX: y\"}]\n", "4: ports[0].user: holds control characters or line ends"},
		{"long user", head + "ports: [{port: 1, user: \"" + strings.Repeat("7", 65) + "\"}]\n", "4: ports[0].user: 65 bytes are too long; at most 64"},
		{"password in a list", head + "ports: [{port: 1, password: [hidden]}]\n", "4: ports[0].password: a list stands where one value is wanted"},
		{"password with line end", head + "ports: [{port: 1, password: \"a\\nb\"}]\n", "4: ports[0].password: holds control characters"},
		{"password twice", head + "ports:\n  - port: 1\n    password: hidden\n    password_file: x\n", "7: ports[0].password_file: stands beside password; keep one"},
		{"no password file", head + "ports:\n  - port: 1\n    password_file: none.secret\n", "6: ports[0].password_file: testdata/none.secret: no such file or directory; write the password into that file"},
		{"directory as password file", head + "ports: [{port: 1, password_file: .}]\n", "4: ports[0].password_file: testdata: is not a file"},
		{"digit map", head + "ports: [{port: 1, digit_map: (1x}]\n", "4: ports[0].digit_map: offset 3: the end, ) is missing; see RFC 3435"},
		{"country of a port", head + "ports: [{port: 1, country: FR}]\n", `4: ports[0].country: "FR" is not in the country table`},

		{"ports backwards", "version: 1\nmedia: {rtp_ports: 200-100}\n", "2: media.rtp_ports: 200-100 runs backwards; write 100-200"},
		{"one RTP port", "version: 1\nmedia: {rtp_ports: 51000-51000}\n", "2: media.rtp_ports: 51000-51000 holds no pair"},
		{"odd pair", "version: 1\nmedia: {rtp_ports: 51001-51002}\n", "2: media.rtp_ports: 51001-51002 holds no pair"},
		{"low RTP ports", "version: 1\nmedia: {rtp_ports: 100-2000}\n", "2: media.rtp_ports: 100-2000 reaches into"},
		{"no RTP range", "version: 1\nmedia: {rtp_ports: 51000}\n", `2: media.rtp_ports: "51000" is not a range of ports; write range of UDP ports`},
		{"RTP port too large", "version: 1\nmedia: {rtp_ports: 51000-70000}\n", `2: media.rtp_ports: "51000-70000" is not a range`},
		{"unknown codec", "version: 1\nmedia: {codecs: [PCMA, G729]}\n", `2: media.codecs[1]: "G729" is not known; write one of PCMA PCMU`},
		{"codec in small letters", "version: 1\nmedia: {codecs: [pcma]}\n", `2: media.codecs[0]: "pcma" is not known; did you mean PCMA?`},
		{"codec twice", "version: 1\nmedia: {codecs: [PCMA, PCMA]}\n", `2: media.codecs[1]: "PCMA" stands there twice`},
		{"no codec", "version: 1\nmedia: {codecs: []}\n", "2: media.codecs: the list is empty"},
		{"empty codecs", "version: 1\nmedia:\n  codecs:\n", "3: media.codecs: nothing stands where a list is wanted"},
		{"ptime between", "version: 1\nmedia: {ptime: 25ms}\n", "2: media.ptime: 25ms is no multiple of 10ms"},
		{"short below long", "version: 1\ntimers:\n  inter_digit: 2s\n  inter_digit_short: 3s\n", "4: timers.inter_digit_short: 3s is longer than inter_digit; write at most 2s"},
		{"short above the given long", "version: 1\ntimers: {inter_digit: 2s}\n", "2: timers.inter_digit_short: 4s is longer than inter_digit"},
		{"log level", "version: 1\nlog: {level: inf}\n", `2: log.level: "inf" is not known; did you mean info?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("testdata/x.yaml", []byte(c.text), checks)
			var all Errors
			if !errors.As(err, &all) {
				t.Fatalf("taken without complaint: %v", err)
			}
			p := all[0]
			if got := fmt.Sprintf("%d: %s: %s; %s", p.Line, p.Key, p.What, p.Want); len(all) != 1 || !strings.HasPrefix(got, c.want) {
				t.Errorf("got\n%s\nwant once\n%s", err, c.want)
			}
		})
	}
}

// What looks odd and is right.
func TestTaken(t *testing.T) {
	two := "version: 1\nservices:\n  - {name: a, servers: [192.0.2.1], local: \"%s\"}\n  - {name: b, servers: [192.0.2.1], local: \"%s\"}\n"
	for _, c := range []struct {
		name, text string
		see        func(*Config) any
		want       any
	}{
		{"user without quotes keeps its zeros", head + "ports: [{port: 1, user: 0017}]\n", func(c *Config) any { return c.Ports[0].User }, "0017"},
		{"password without quotes", head + "ports: [{port: 1, password: 0x10}]\n", func(c *Config) any { return string(c.Ports[0].Password) }, "0x10"},
		{"password true", head + "ports: [{port: 1, password: true}]\n", func(c *Config) any { return string(c.Ports[0].Password) }, "true"},
		{"password with everything", head + "ports: [{port: 1, password: 'p\"ä ss\\:#,@'}]\n", func(c *Config) any { return string(c.Ports[0].Password) }, `p"ä ss\:#,@`},
		{"date as name", head + "ports: [{port: 1, display_name: 2024-01-01}]\n", func(c *Config) any { return c.Ports[0].DisplayName }, "2024-01-01"},
		{"plus in a user", head + "ports: [{port: 1, user: +4930123}]\n", func(c *Config) any { return c.Ports[0].User }, "+4930123"},
		{"the only service", head + "ports: [{port: 1}]\n", func(c *Config) any { return c.Ports[0].Service }, "main"},
		{"empty sections", "version: 1\nservices:\nports:\nmedia:\nlog:\n", func(c *Config) any { return c.Log.Level }, "info"},
		{"heartbeat off", "version: 1\nservices: [{name: a, servers: [h], options_interval: 0, keepalive: 0s, start_jitter: 0}]\n", func(c *Config) any { return c.Services[0].OptionsInterval + c.Services[0].Keepalive }, Default().Timers.Busy * 0},
		{"two addresses, one port", fmt.Sprintf(two, "192.0.2.8", "192.0.2.9:5060"), func(c *Config) any { return local.format(c.Services[0].Local) }, "192.0.2.8:5060"},
		{"one user with two providers", fmt.Sprintf(two, ":5060", ":5062") + "ports: [{port: 1, service: a, user: 7}, {port: 2, service: b, user: 7}]\n", func(c *Config) any { return len(c.Ports) }, 2},
		{"IPv6 server", "version: 1\nservices: [{name: a, servers: [\"[2001:db8::1]:5070\"]}]\n", func(c *Config) any { return c.Services[0].Servers[0] }, Server{"2001:db8::1", 5070, "udp"}},
		{"IPv6 server, bare", "version: 1\nservices: [{name: a, servers: [\"2001:db8::1\", \"[2001:db8::2];transport=UDP\"]}]\n", func(c *Config) any { return c.Services[0].Servers[1] }, Server{"2001:db8::2", 5060, "udp"}},
		{"server name", "version: 1\nservices: [{name: a, servers: [Sip_1.example.net]}]\n", func(c *Config) any { return c.Services[0].Servers[0].String() }, "Sip_1.example.net:5060"},
		{"byte order mark and CRLF", "\ufeffversion: 1\r\ncard: 7\r\n", func(c *Config) any { return c.Card }, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("x.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if v := c.see(got); v != c.want {
				t.Errorf("%#v, want %#v", v, c.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"good.secret": 0o600, "open.secret": 0o640} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("pä ss\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"nothing odd", head + "ports: [{port: 1, enabled: true, user: 7, password_file: good.secret}]\n", ""},
		{"secret in the open", head + "ports:\n  - port: 1\n    password_file: open.secret\n", "6: ports[0].password_file: " + dir + "/open.secret may be read by others (mode 0640); chmod 600"},
		{"enabled without user", head + "ports: [{port: 1, enabled: true}]\n", "4: ports[0]: is enabled without a user"},
		{"enabled without service", "version: 1\nports: [{port: 1, enabled: true, user: 7}]\n", "2: ports[0]: is enabled without a service"},
		{"few RTP ports", head + "media: {rtp_ports: 51000-51003}\nports: [{port: 1}, {port: 2}]\n", "4: media.rtp_ports: 51000-51003 has room for 2 calls, and 2 ports may have 4; take a range of at least 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(filepath.Join(dir, "x.yaml"), []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, p := range got.Warnings {
				said += fmt.Sprintf("%d: %s: %s; %s\n", p.Line, p.Key, p.What, p.Want)
			}
			if len(got.Warnings) > 1 || !strings.HasPrefix(said, c.want) || (c.want == "") != (said == "") {
				t.Errorf("said\n%swant\n%s", said, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tipring.yaml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "tipring.yaml: no such file or directory; name the configuration file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a directory: %v", err)
	}
	if err := os.WriteFile(path, []byte(head+"ports: [{port: 1, password: p}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "everybody may read it (mode 0644)") {
		t.Errorf("an open file: %v %v", err, c)
	}
	os.Chmod(path, 0o600)
	if c, err := Load(path); err != nil || len(c.Warnings) != 0 {
		t.Errorf("a closed file: %v %v", err, c)
	}
	if err := os.WriteFile(path, []byte("#"+strings.Repeat("x", maxFileBytes)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v", err)
	}
}

func TestPasswordFiles(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want, fails string }{
		"plain":    {"secret", "secret", ""},
		"newline":  {"secret\n", "secret", ""},
		"dos":      {"secret\r\n", "secret", ""},
		"blanks":   {" se cret ", " se cret ", ""},
		"quotes":   {"\"ä'", "\"ä'", ""},
		"empty":    {"", "", "is empty"},
		"only end": {"\n", "", "is empty"},
		"two":      {"a\nb\n", "", "more than one line"},
		"long":     {strings.Repeat("x", 257), "", "longer than 256"},
		"just":     {strings.Repeat("x", 256) + "\r\n", strings.Repeat("x", 256), ""},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, err := readSecret(path)
		if string(s) != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %q, %v; want %q, %s", name, string(s), err, c.want, c.fails)
		}
	}
}

// No text panics; what is taken can be printed and the print is taken again and means the same.
func FuzzParse(f *testing.F) {
	// Short seeds: Go's fuzzer shortens every interesting input, and with the whole example it does nothing else.
	for _, seed := range []string{
		"version: 1\ncard: 2\nservices: [{name: a, servers: ['h:5070', '[::1]:5;transport=udp'], local: ':5062', expires: 1h, keepalive: 0}]\n",
		"version: 1\nports:\n - {port: 1, enabled: true, user: \"7\", password: x} # c\n - port: 2\n   country: CN\n   digit_map: (1x.T)\n",
		"version: 1\nmedia: {rtp_ports: 2000-2009, codecs: [PCMU], ptime: 30ms}\ntimers: {busy: 1m30s}\nlog:\n level: warn\n",
		"version: 1\nlog: &a {level: *a}\n", "? {a: b}\n: [c]\n", "version: 1\r\nports: [{port: 1, user: !!str 7}]", "a: 1\na: 2\n---\nb",
		"version: 2\nports: {}\nservices: [{name: a, local: eth0}, {name: a}]\nmedia: x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("x.yaml", data, checks)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		text, err := c.Masked()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ToJSON(text); err != nil {
			t.Fatal(err)
		}
		again, err := Parse("x.yaml", text, checks)
		if err != nil {
			t.Fatalf("%v\nin our own print\n%s", err, text)
		}
		for i := range c.Ports {
			c.Ports[i].Password, again.Ports[i].Password = "", ""
		}
		if changes := Diff(c, again); len(changes) > 0 {
			t.Fatalf("print and read changed %v\n%s", changes, text)
		}
	})
}
