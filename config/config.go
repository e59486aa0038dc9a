// Package config turns the configuration file into typed, checked values, and writes changes back.
//
// The file is YAML with one schema (schema.go): every key stands there once, with its form, its default and its place
// in Config. Reading is strict and complete: every unknown key, wrong type, bad value and contradiction is reported in
// one go as `file:line: key.path: what is wrong; what would be right`. Nothing is guessed and nothing half applied.
//
// The package has no goroutines and no time of its own. It knows no other package of ours: which countries exist and
// what a digit map may hold is told to it (Checks). It does not decide what a running gateway does with a change; Diff
// only says what changed.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"time"
)

// Version of the file format that this package reads and writes.
const Version = 1

// Example is the manual: a complete, commented configuration.
//
//go:embed example.yaml
var Example []byte

// Factory is the configuration of a device that nobody has set up yet: no service, all ports disabled, no password.
//
//go:embed minimal.yaml
var Factory []byte

// Config is a whole configuration file with its defaults filled in.
type Config struct {
	Version  int
	Card     int    // first number of the [card:port] column
	Country  string // ISO 3166 alpha-2
	Services []Service
	Ports    []Port
	Media    Media
	Timers   Timers
	Log      Log

	Warnings []Problem // what is allowed and yet hardly wanted; not part of the file
}

// Service is one SIP provider: its servers and the local address that its ports use.
type Service struct {
	Name            string
	Domain          string   // right-hand side of the identities; "": host of the first server
	Servers         []Server // in order of preference
	Local           netip.AddrPort
	Expires         time.Duration
	StartJitter     time.Duration
	OptionsInterval time.Duration // 0: no heartbeat
	OptionsLost     int
	Keepalive       time.Duration // 0: none
}

// Server is one SBC, proxy or registrar.
type Server struct {
	Host      string // name or IP address, IPv6 without brackets
	Port      uint16 // 5060 where the file is silent
	Transport string // "udp"
}

// Port is one FXS port. It is comparable: equal ports need no reconfiguration.
type Port struct {
	Port         int // as printed on the box, from 1
	Enabled      bool
	Service      string // name of a Service; "" only while nothing can register
	User         string
	AuthUser     string // "": User
	Password     Secret // also when it was read from PasswordFile
	PasswordFile string // as written in the file
	DisplayName  string
	DigitMap     string // "": the gateway's own
	Pulse        bool
	CallerID     bool
	Country      string // "": Config.Country
}

// Media is the voice path of all ports.
type Media struct {
	RTPPorts PortRange
	Codecs   []string // PCMA, PCMU in order of preference
	Ptime    time.Duration
}

// PortRange is a range of UDP ports, both ends included.
type PortRange struct{ Low, High uint16 }

// Timers of the telephone line and of calls.
type Timers struct {
	FirstDigit      time.Duration // off-hook without a digit
	InterDigit      time.Duration // between digits while the number cannot be complete
	InterDigitShort time.Duration // between digits when the number may be complete
	NoAnswer        time.Duration // an incoming call rings
	CallerNoAnswer  time.Duration // an outgoing call is not answered
	Busy            time.Duration // busy and other end tones, then the howler
	Howler          time.Duration // then silence until on-hook
}

// Log is what is written to the system log.
type Log struct {
	Level string // debug info warn error
}

// Checks are what other rooms of the house know of values in the file. Zero fields check nothing.
type Checks struct {
	Countries []string
	DigitMap  func(string) error
}

const maxFileBytes = 1 << 20

// Load reads and checks a configuration file. Whatever is wrong is in the error, of type Errors.
func Load(path string, checks ...Checks) (*Config, error) {
	info, err := os.Stat(path) // before opening: a named pipe would be waited for
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, unreadable(path, errors.New("is not a file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	c, err := Parse(path, data, checks...)
	if err != nil {
		return nil, err
	}
	inline := slices.ContainsFunc(c.Ports, func(p Port) bool { return p.Password != "" && p.PasswordFile == "" })
	if mode := info.Mode().Perm(); inline && mode&0o007 != 0 {
		c.Warnings = append(c.Warnings, Problem{File: path, What: fmt.Sprintf("holds passwords and everybody may read it (mode %04o)", mode), Want: "chmod 640 " + path})
	}
	return c, nil
}

func unreadable(path string, err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		err = inPath.Err
	}
	return Errors{{File: path, What: err.Error(), Want: "name the configuration file with -c FILE"}}
}

// Parse reads and checks the text of a configuration file. name stands in the messages, and password files are looked
// for beside it.
func Parse(name string, data []byte, checks ...Checks) (*Config, error) {
	d := &decoder{file: name, lines: map[string]int{}, failed: map[string]bool{}}
	if len(checks) > 0 {
		d.checks = checks[0]
	}
	c := Default()
	if d.document(data, c) {
		d.validate(c)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	d.warnings.sort()
	c.Warnings = d.warnings
	return c, nil
}

// Default is what an empty file would mean, if the version need not be given: no service and no port.
func Default() *Config {
	c := &Config{}
	reset(schema, c)
	c.Version = Version
	return c
}

// Clone copies the configuration; changing the copy leaves the original alone.
func (c *Config) Clone() *Config {
	n := *c
	n.Services = slices.Clone(c.Services)
	for i := range n.Services {
		n.Services[i].Servers = slices.Clone(c.Services[i].Servers)
	}
	n.Ports = slices.Clone(c.Ports)
	n.Media.Codecs = slices.Clone(c.Media.Codecs)
	n.Warnings = slices.Clone(c.Warnings)
	return &n
}
