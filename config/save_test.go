package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tipring.yaml")
	state := func() string {
		t.Helper()
		s := ""
		for _, p := range []string{path, path + ".prev"} {
			b, err := os.ReadFile(p)
			if err != nil {
				s += "none "
				continue
			}
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			s += fmt.Sprintf("%s:%o ", b, info.Mode().Perm())
		}
		return s
	}
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text    string
		changed bool
		want    string
	}{
		{"one", true, "one:600 none "},
		{"one", false, "one:640 none "},
		{"two", true, "two:640 one:640 "},
		{"two", false, "two:640 one:640 "},
		{"three", true, "three:640 two:640 "},
	} {
		changed, err := Save(path, []byte(c.text))
		if err != nil || changed != c.changed {
			t.Errorf("%s: changed %v, %v", c.text, changed, err)
		}
		if c.want[:7] != "one:600" {
			if got := state(); got != c.want {
				t.Errorf("%s: %s, want %s", c.text, got, c.want)
			}
		} else if got := state(); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
		if info, _ := os.Stat(path); !c.changed && !info.ModTime().Equal(long) {
			t.Errorf("%s: written though nothing changed", c.text)
		}
		os.Chmod(path, 0o640)
		os.Chtimes(path, long, long)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left)+len(hidden) != 2 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}

func TestSaveFails(t *testing.T) {
	if _, err := Save(filepath.Join(t.TempDir(), "no", "such", "place.yaml"), []byte("x")); err == nil {
		t.Error("saved into a directory that is not there")
	}
	if _, err := Save(t.TempDir(), []byte("x")); err == nil {
		t.Error("saved over a directory")
	}
}

func TestSetPort(t *testing.T) {
	block := `# mine
version: 1
ports:   # all of them
  # the first
  - port: 1   # lobby
    enabled: true    # since May
    user: '10''01'  # quoted
    display_name: "Ze \"Ö\" x" # name
  - enabled: false

    port: 2
    user: 1002
  - {port: 3, enabled: false , user: "ü"} # flow
  - { enabled: true,
      port: 4 }
`
	for _, c := range []struct {
		name     string
		port     int
		key      string
		value    any
		old, now string // the one difference
	}{
		{"block", 1, "enabled", false, "enabled: true    # since", "enabled: false    # since"},
		{"the same again", 1, "enabled", true, "", ""},
		{"single quotes", 1, "user", "17", `user: '10''01'  #`, `user: "17"  #`},
		{"double quotes and escapes", 1, "display_name", `a "b" \c`, `"Ze \"Ö\" x" # name`, `"a \"b\" \\c" # name`},
		{"before the number", 2, "enabled", true, "enabled: false\n\n", "enabled: true\n\n"},
		{"plain", 2, "user", "007", "user: 1002\n", "user: \"007\"\n"},
		{"flow", 3, "enabled", true, "enabled: false ,", "enabled: true ,"},
		{"flow, not ASCII", 3, "user", "é", `user: "ü"}`, `user: "é"}`},
		{"flow on two lines", 4, "enabled", false, "{ enabled: true,", "{ enabled: false,"},
		{"new in a block", 1, "pulse", false, "lobby\n", "lobby\n    pulse: false\n"},
		{"new below", 2, "country", "DE", "port: 2\n", "port: 2\n    country: \"DE\"\n"},
		{"new in a flow", 3, "password", "p", "{port: 3,", "{port: 3, password: \"p\","},
		{"new at the end of a flow", 4, "user", "9", "port: 4 }", "port: 4, user: \"9\" }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, eol := range []string{"\n", "\r\n"} {
				cr := func(s string) string { return strings.ReplaceAll(s, "\n", eol) }
				got, err := SetPort([]byte(cr(block)), c.port, c.key, c.value)
				if err != nil {
					t.Fatal(err)
				}
				want := block
				if c.old != "" {
					want = strings.Replace(block, c.old, c.now, 1)
					if want == block {
						t.Fatal("the test is wrong")
					}
				}
				if string(got) != cr(want) {
					t.Errorf("got\n%q\nwant\n%q", got, cr(want))
				}
			}
		})
	}
}

func TestSetPortRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text, key string
		value           any
		why             string
	}{
		{"no such port", "ports: [{port: 2}]", "enabled", true, "no port 1"},
		{"no ports", "version: 1", "enabled", true, "no port 1"},
		{"not YAML", "ports: [", "enabled", true, "not YAML"},
		{"no such key", "ports: [{port: 1}]", "enable", true, "did you mean enabled?"},
		{"line end in a value", "ports: [{port: 1}]", "user", "a\nb", "one line"},
		{"another type", "ports: [{port: 1}]", "user", 1.5, "float64"},
		{"text over lines", "ports:\n - port: 1\n   user: |\n     x\n", "user", "y", "line 3 is written in a way"},
		{"a list", "ports: [{port: 1, user: [x]}]", "user", "y", "is written in a way"},
		{"an anchor", "ports: [{port: 1, user: &a x}]", "user", "y", "is written in a way"},
		{"JSON", `{"ports": [{"port":1,"enabled":true}]}`, "enabled", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := SetPort([]byte(c.text), 1, c.key, c.value)
			if c.why == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%q, error %v, want %q", got, err, c.why)
			}
		})
	}
}

func TestSetPortInTheExample(t *testing.T) {
	text, err := SetPort(Example, 3, "enabled", true)
	if err != nil {
		t.Fatal(err)
	}
	now, err := Parse("example.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	was, err := Parse("example.yaml", Example)
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(was, now); len(d) != 1 || d[0].String() != "port 3: enabled" {
		t.Errorf("changed %v", d)
	}
	if strings.Count(string(text), "#") != strings.Count(string(Example), "#") {
		t.Error("a comment is lost")
	}
}

// No text panics, and what was set can be read.
func FuzzSetPort(f *testing.F) {
	for _, seed := range []string{"ports: [{port: 1}]", "ports:\n  - port: 1 # c\n    user: 'a''b'\n", "ports:\n- {user: \"\\\"\",\n  port: 1}", "\xff\xfep\x00:\x00", "ports:\n  - port: 1"} {
		f.Add([]byte(seed), "user", "x")
	}
	f.Fuzz(func(t *testing.T, text []byte, key, value string) {
		out, err := SetPort(text, 1, key, value)
		if err != nil {
			return
		}
		if _, v, err := findPort(out, 1, key); err != nil || v == nil || v.Value != value {
			t.Fatalf("%q is not %q in\n%s", key, value, out)
		}
	})
}
