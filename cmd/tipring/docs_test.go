package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tipring/api"
	"tipring/cli"
	"tipring/config"
)

const root = "../.."

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fences are the code blocks of a language in a page.
func fences(page, language string) (all []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		all = append(all, m[1])
	}
	return all
}

// TestReadmeCommands: the two commands that the README promises are make's, and do what stands beside them. (TestDemo of
// tipring-lab plays the demonstration itself.)
func TestReadmeCommands(t *testing.T) {
	_, section, ok := strings.Cut(text(t, "README.md"), "\n## Two commands\n")
	if !ok {
		t.Fatal("README.md has no section of the two commands")
	}
	block := fences(section, "")[0]
	does := map[string]string{"make demo": "bin/tipring-lab demo", "make test": "./..."}
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 2 {
		t.Fatalf("two commands: %q", lines)
	}
	for _, l := range lines {
		command, _, _ := strings.Cut(l, "#")
		command = strings.TrimSpace(command)
		want, known := does[command]
		if !known {
			t.Errorf("%q is none of the two", command)
			continue
		}
		make, err := exec.LookPath("make")
		if err != nil {
			t.Fatal("make is missing, and the README's commands need it")
		}
		cmd := exec.Command(make, append([]string{"-n"}, strings.Fields(command)[1:]...)...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, no %q in\n%s", command, err, want, out)
		}
	}
}

// TestRowsInTheManual: wherever the pages show the vendor's row, it is printed as the command prints it.
func TestRowsInTheManual(t *testing.T) {
	found := 0
	for _, page := range []string{"README.md", "docs/cli.md", "docs/ARCHITECTURE.md"} {
		var rows []string
		for l := range strings.Lines(text(t, page)) {
			l = strings.TrimSpace(l)
			switch {
			case strings.HasPrefix(l, "[card:port]"):
				rows = []string{l}
			case len(rows) > 0 && strings.HasPrefix(l, "["):
				rows = append(rows, l)
			case len(rows) > 0:
				var ports []api.Port
				for _, r := range rows[1:] {
					ports = append(ports, portOf(t, page, r))
				}
				if want := cli.StatusTable(ports); want != strings.Join(rows, "\n")+"\n" {
					t.Errorf("%s shows\n%s\nthe command prints\n%s", page, strings.Join(rows, "\n"), want)
				}
				found++
				rows = nil
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d tables found", found)
	}
}

func portOf(t *testing.T, page, row string) api.Port {
	t.Helper()
	m := regexp.MustCompile(`^\[(2):(\d)\] +reg-(ok|fail):(Activ|Deact) +(\w+) +([A-Z-]+)(?: +(\d+) +(in|out))?$`).FindStringSubmatch(row)
	if m == nil {
		t.Fatalf("%s: what is %q?", page, row)
	}
	return api.Port{
		Card: 2, Port: int(m[2][0] - '0'), Enabled: m[4] == "Activ", Registration: api.Registration{OK: m[3] == "ok"},
		Call: api.Call{State: m[5], Peer: m[7], Direction: m[8]}, Line: api.Line{Physical: m[6]},
	}
}

// TestReadmeConfiguration: the first configuration of the README is correct, and so is the example.
func TestReadmeConfiguration(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "port1.secret"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, y := range fences(text(t, "README.md"), "yaml") {
		file := filepath.Join(dir, "tipring.yaml")
		if err := os.WriteFile(file, []byte(y), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(file, configChecks())
		if err != nil {
			t.Errorf("block %d: %v", i, err)
		} else if len(cfg.Warnings) > 0 {
			t.Errorf("block %d: %v", i, cfg.Warnings)
		}
	}
	var out, errOut strings.Builder
	if code := check([]string{"-c", filepath.Join(root, "config/example.yaml")}, &out, &errOut); code != 0 {
		t.Errorf("config/example.yaml: exit code %d: %s", code, errOut.String())
	}
}

// TestManualNamesExist: files, make targets and subcommands that the pages name are there.
func TestManualNamesExist(t *testing.T) {
	makefile := text(t, "Makefile")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal(err, pages)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(page)
		for _, m := range regexp.MustCompile("`make ([a-z-]+)`").FindAllStringSubmatch(string(b), -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s names make %s", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(string(b), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, m := range regexp.MustCompile("`((?:api|board|cli|cmd|config|fxs|gateway|internal|media|sipua|scripts)/[a-z0-9_/-]+(?:\\.[a-z]+)?)`").FindAllStringSubmatch(string(b), -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
