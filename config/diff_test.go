package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func example(t *testing.T) *Config {
	t.Helper()
	c, err := Parse("example.yaml", Example, checks)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string // each change, its effect in letters
	}{
		{"nothing", func(c *Config) {}, ""},
		{"order of ports and services", func(c *Config) { slices.Reverse(c.Ports); slices.Reverse(c.Services) }, ""},
		{"warnings", func(c *Config) { c.Warnings = []Problem{{}} }, ""},
		{"password", func(c *Config) { c.Ports[0].Password = "x" }, "port 1: password (R)"},
		{"enabled", func(c *Config) { c.Ports[2].Enabled = true }, "port 3: enabled (RL)"},
		{"digit map and name", func(c *Config) { c.Ports[1].DigitMap = "x.T"; c.Ports[1].DisplayName = "n" }, "port 2: display_name digit_map (RL)"},
		{"telephone only", func(c *Config) { c.Ports[0].Pulse = false }, "port 1: pulse (L)"},
		{"renumbered", func(c *Config) { c.Ports[1].Port = 9 }, "port 2: removed (RL), port 9: added (RL)"},
		{"gone", func(c *Config) { c.Ports = c.Ports[1:] }, "port 1: removed (RL)"},
		{"in order of the numbers", func(c *Config) { c.Ports[2].User = "x"; c.Ports[0].User = "y"; c.Ports[1].Port = 8 }, "port 1: user (R), port 2: removed (RL), port 3: user (R), port 8: added (RL)"},
		{"server", func(c *Config) { c.Services[0].Servers[1].Port = 5080 }, "service main: servers (RE)"},
		{"service renamed", func(c *Config) { c.Services[1].Name = "spare" }, "service backup: removed (RE), service spare: added (RE)"},
		{"country", func(c *Config) { c.Country = "DE" }, "country (L)"},
		{"card", func(c *Config) { c.Card = 3 }, "card ()"},
		{"sections", func(c *Config) { c.Media.Codecs = c.Media.Codecs[1:]; c.Timers.Busy++; c.Log.Level = "debug" }, "media: codecs (), timers: busy (L), log: level ()"},
		{"no-answer of callers", func(c *Config) { c.Timers.CallerNoAnswer = time.Second }, "timers: caller_no_answer (RE)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := example(t), example(t)
			c.change(b)
			var said []string
			for _, d := range Diff(a, b) {
				letters := ""
				for _, l := range []struct {
					e Effect
					s string
				}{{Registers, "R"}, {Line, "L"}, {EndsCalls, "E"}} {
					if d.Effect&l.e != 0 {
						letters += l.s
					}
				}
				said = append(said, fmt.Sprintf("%s (%s)", d, letters))
			}
			if got := strings.Join(said, ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Every field of every type is one of the schema: a value that is changed anywhere is a difference.
func TestDiffSeesEveryField(t *testing.T) {
	for _, target := range []func(*Config) reflect.Value{
		func(c *Config) reflect.Value { return reflect.ValueOf(c).Elem() },
		func(c *Config) reflect.Value { return reflect.ValueOf(&c.Services[0]).Elem() },
		func(c *Config) reflect.Value { return reflect.ValueOf(&c.Ports[0]).Elem() },
		func(c *Config) reflect.Value { return reflect.ValueOf(&c.Media).Elem() },
		func(c *Config) reflect.Value { return reflect.ValueOf(&c.Timers).Elem() },
		func(c *Config) reflect.Value { return reflect.ValueOf(&c.Log).Elem() },
	} {
		for i := range target(example(t)).NumField() {
			a, b := example(t), example(t)
			f := target(b).Field(i)
			name := target(b).Type().Name() + "." + target(b).Type().Field(i).Name
			if name == "Config.Warnings" {
				continue
			}
			switch f.Kind() {
			case reflect.Bool:
				f.SetBool(!f.Bool())
			case reflect.Int, reflect.Int64:
				f.SetInt(f.Int() + 1)
			case reflect.String:
				f.SetString(f.String() + "x")
			default:
				if f.IsZero() { // services[0].local
					f.Set(reflect.ValueOf(b.Services[1].Local))
				} else {
					f.SetZero()
				}
			}
			if len(Diff(a, b)) == 0 {
				t.Errorf("%s was changed and nobody noticed", name)
			}
		}
	}
}

func TestCloneIsACopy(t *testing.T) {
	a := example(t)
	b := a.Clone()
	if !reflect.DeepEqual(a, b) {
		t.Fatal("not the same")
	}
	b.Ports[0].User, b.Services[0].Name, b.Services[0].Servers[0].Host, b.Media.Codecs[0] = "x", "x", "x", "x"
	if want := example(t); !reflect.DeepEqual(a, want) {
		t.Error("changing the copy changed the original")
	}
}
