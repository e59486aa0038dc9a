package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write golden files and docs/configuration.md anew")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is said now (go test ./config -update writes it):\n%s", path, got)
	}
}

func TestExampleIsRight(t *testing.T) {
	c, err := Parse("example.yaml", Example)
	if err != nil {
		t.Fatalf("example.yaml:\n%v", err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if len(c.Services) != 2 || len(c.Ports) != 3 || c.Card != 2 {
		t.Errorf("read %+v", c)
	}
	want := Port{Port: 2, Enabled: true, Service: "main", User: "1002", Password: "change-me-too", Pulse: true, CallerID: true}
	if c.Ports[1] != want {
		t.Errorf("the short form is\n%+v, want\n%+v", c.Ports[1], want)
	}
	if d := Default(); !reflect.DeepEqual(c.Media, d.Media) || c.Timers != d.Timers || c.Log != d.Log {
		t.Error("media, timers and log are not the defaults, as is said there")
	}
}

// Each key of the schema stands in the example, and where a default is given, it is the default and the value shown.
func TestExampleIsTheManual(t *testing.T) {
	root, err := parseYAML(Example)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Split(string(Example), "\n")
	shown := map[string]bool{"ports[].password_file": true} // stands in a comment: the file would have to be there
	walk(root, "", func(path string, k, v *yaml.Node) {
		first := !shown[path]
		shown[path] = true
		r := rowOf(t, path)
		_, def, said := strings.Cut(text[k.Line-1], "Default: ")
		switch {
		case said && def != r.def:
			t.Errorf("line %d: %s: the default is %s, not %s", k.Line, path, r.def, def)
		case said && path != "card" && path != "ports[].enabled" && written(v) != r.def:
			t.Errorf("line %d: %s shows %s and calls %s the default", k.Line, path, written(v), def)
		case !said && first && r.def != "" && !r.required && !r.section:
			t.Errorf("line %d: %s has the default %s, which is not given", k.Line, path, r.def)
		case first && r.required && !strings.Contains(text[k.Line-1]+text[k.Line-3], "required"):
			t.Errorf("line %d: %s is required, which is not said", k.Line, path)
		}
	})
	for _, r := range rows("", schema) {
		if !shown[r.path] {
			t.Errorf("%s is missing in the example", r.path)
		}
	}
	if !bytes.Contains(Example, []byte("password_file: ")) {
		t.Error("password_file is missing in the example")
	}
}

func walk(n *yaml.Node, path string, visit func(path string, k, v *yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			p := join(path, n.Content[i].Value)
			visit(p, n.Content[i], n.Content[i+1])
			walk(n.Content[i+1], p, visit)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			walk(item, path+"[]", visit)
		}
	}
}

func written(n *yaml.Node) string {
	if n.Kind != yaml.SequenceNode {
		return n.Value
	}
	var all []string
	for _, c := range n.Content {
		all = append(all, c.Value)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func rowOf(t *testing.T, path string) row {
	for _, r := range rows("", schema) {
		if r.path == path {
			return r
		}
	}
	t.Errorf("no key %s", path)
	return row{}
}

func TestFactoryDefault(t *testing.T) {
	c, err := Parse("minimal.yaml", Factory)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 || len(c.Services) > 0 || len(c.Ports) == 0 {
		t.Errorf("read %+v", c)
	}
	for _, p := range c.Ports {
		if p.Enabled || p.Password != "" || p.User != "" {
			t.Errorf("port %d is not as it leaves the factory: %+v", p.Port, p)
		}
	}
}

// The figures that the product promises for a silent file.
func TestDefaults(t *testing.T) {
	c, err := Parse("x.yaml", []byte("version: 1\nservices: [{name: a, servers: [192.0.2.1]}]\nports: [{port: 1}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Version: 1, Card: 1, Country: "CN",
		Services: []Service{{
			Name: "a", Servers: []Server{{"192.0.2.1", 5060, "udp"}}, Expires: time.Hour, StartJitter: 3 * time.Second,
			OptionsInterval: 30 * time.Second, OptionsLost: 3, Keepalive: 25 * time.Second,
		}},
		Ports: []Port{{Port: 1, Service: "a", Pulse: true, CallerID: true}},
		Media: Media{PortRange{51000, 51999}, []string{"PCMA", "PCMU"}, 20 * time.Millisecond},
		Timers: Timers{
			FirstDigit: 15 * time.Second, InterDigit: 10 * time.Second, InterDigitShort: 4 * time.Second, NoAnswer: time.Minute,
			CallerNoAnswer: 3 * time.Minute, Busy: 30 * time.Second, Howler: time.Minute,
		},
		Log: Log{"info"},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c, want)
	}
}

// Every default that the schema prints is what it means: read back, it gives the same configuration.
func TestPrintedDefaultsRead(t *testing.T) {
	var b strings.Builder
	for _, section := range []string{"media", "timers", "log"} {
		fmt.Fprintf(&b, "%s:\n", section)
		for _, r := range rows("", schema) {
			if key, ok := strings.CutPrefix(r.path, section+"."); ok {
				fmt.Fprintf(&b, "  %s: %s\n", key, r.def)
			}
		}
	}
	c, err := Parse("x.yaml", []byte("version: 1\n"+b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("got %+v from\n%s", c, b.String())
	}
}

// docs/configuration.md is written by the schema.
func TestReference(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`# Configuration: short reference

Written by ` + "`go test ./config -update`" + ` from config/schema.go; a test keeps it true. The manual with examples is
[config/example.yaml](../config/example.yaml).

- The file is YAML, by default ` + "`/etc/tipring/tipring.yaml`" + `. Durations have a unit: 500ms, 30s, 2m, 1h30m.
- ` + "`tipring check -c FILE`" + ` reports every error at once as ` + "`file:line: key: what is wrong; what would be right`" + `
  and exits with 5. Aliases, merged keys and a second document are not used.
- On SIGHUP the daemon reads the file again. A file with errors changes nothing. What a changed key does to a running
  gateway stands in the last column: R the port registers anew; L the line is set up anew when it is idle; S the SIP
  socket is opened anew and calls on it end; nothing: it holds from the next call on, or at once.
- Passwords are shown as ` + "`********`" + ` wherever the configuration is printed.
`)
	table := func(title, doc string, fields []entry) {
		fmt.Fprintf(&b, "\n## %s\n%s\n\n| key | form | default | meaning | change |\n|---|---|---|---|---|\n", title, doc)
		for _, f := range fields {
			def := f.def
			switch {
			case f.required:
				def = "required"
			case def != "":
				def = "`" + def + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.key, strings.ReplaceAll(f.words, "|", "\\|"), def, f.doc, f.effect)
		}
	}
	table("Top of the file", "Beside the sections below.", entries(schema))
	for _, f := range schema {
		if f.rows == nil {
			continue
		}
		name := f.key
		var inner []entry
		switch f.key {
		case "services":
			name, inner = "services[]", entries(serviceFields)
		case "ports":
			name, inner = "ports[]", entries(portFields)
		case "media":
			inner = entries(mediaFields)
		case "timers":
			inner = entries(timerFields)
		case "log":
			inner = entries(logFields)
		default:
			t.Fatalf("section %s is not described", f.key)
		}
		table(name, f.doc, inner)
	}
	golden(t, filepath.Join("..", "docs", "configuration.md"), b.Bytes())
}

type entry struct {
	key, words, def, doc, effect string
	required                     bool
}

func entries[T any](fields []field[T]) []entry {
	var all []entry
	for _, f := range fields {
		if f.rows != nil {
			continue
		}
		var a, b T
		_, e := f.diff(&a, &b)
		var marks []string
		for _, m := range []struct {
			e    Effect
			mark string
		}{{Registers, "R"}, {Line, "L"}, {EndsCalls, "S"}} {
			if e&m.e != 0 {
				marks = append(marks, m.mark)
			}
		}
		all = append(all, entry{f.key, f.words, f.def, f.doc, strings.Join(marks, " "), f.required})
	}
	return all
}
