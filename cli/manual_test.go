package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/cli.md has a row for each command of the grammar and for no other, and
// every example in it is a command.
func TestManual(t *testing.T) {
	b, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	known := map[string]bool{}
	for _, c := range grammar {
		known[c.words] = true
		if c.do != "" && !strings.Contains(text, "| `"+c.words+"` |") {
			t.Errorf("docs/cli.md has no row for %q", c.words)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z][^`]*)` \\|").FindAllStringSubmatch(text, -1) {
		if !known[m[1]] && !strings.Contains(m[1], "-") { // the columns of the row have hyphens
			t.Errorf("docs/cli.md explains %q, which is no command", m[1])
		}
	}
	for _, v := range arguments["what"].values {
		if !strings.Contains(text, "`"+v+"`") {
			t.Errorf("docs/cli.md does not name %q", v)
		}
	}
	for _, m := range regexp.MustCompile(`tipring ((?:show|phone|port|reload)[^#&|\n]*)`).FindAllStringSubmatch(text, -1) {
		if _, mistake := parse(split(m[1])); mistake != nil {
			t.Errorf("the example %q: %s", m[1], mistake.Text)
		}
	}
	if !strings.Contains(text, vendorTable) {
		t.Error("docs/cli.md does not show the vendor's rows")
	}
}
