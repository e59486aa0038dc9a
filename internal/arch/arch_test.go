package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tipring"

// arrows: what each room may import of ours. Absent means nothing. Arrows point down only.
var arrows = map[string][]string{
	"cmd/tipring":      {"*"},
	"cmd/tipring-lab":  {"*"},
	"gateway":          {"sipua", "fxs", "media", "media/dsp", "board", "config"},
	"cli":              {"api"},
	"media":            {"media/dsp"},
	"board/sim":        {"board"},
	"board/boardtest":  {"board"},
	"interop":          {"api"},
	"internal/arch":    {},
	"internal/memnet":  {},
	"internal/netboot": {},
}

// borrowed: the one room that may import each library of another house.
var borrowed = map[string][]string{
	"github.com/emiago/sipgo/sip":       {"sipua"},
	"github.com/emiago/sipgo":           {},
	"github.com/pion/rtp":               {"media"},
	"github.com/warthog618/go-gpiocdev": {"board"},
	"go.bug.st/serial":                  {"board"},
	"go.yaml.in/yaml/v3":                {"config"},
	"github.com/google/renameio/v2":     {"config"},
	"golang.org/x/term":                 {"cli", "cmd/tipring"},
	"golang.org/x/sys/unix":             {"api", "media", "cli", "cmd/tipring"},
	"github.com/google/go-cmp/cmp":      {}, // tests only
	"github.com/creack/pty":             {}, // tests only
	"github.com/rogpeppe/go-internal":   {}, // tests only
}

type source struct {
	dir, name string
	file      *ast.File
	lines     int
	text      string
}

// tree reads every Go file of the module that is not a test.
func tree(t *testing.T, tests bool) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "testdata" || n == "bin" || n == "dist" || strings.HasPrefix(n, ".") && n != ".." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") != tests {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, b, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		all = append(all, source{path.Dir(rel), path.Base(rel), f, strings.Count(string(b), "\n"), string(b)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go files found")
	}
	return all
}

func TestArrowsPointDown(t *testing.T) {
	for _, s := range tree(t, false) {
		for _, im := range s.file.Imports {
			p, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if room, ok := strings.CutPrefix(p, module+"/"); ok {
				allowed := arrows[s.dir]
				if !slices.Contains(allowed, room) && !slices.Contains(allowed, "*") {
					t.Errorf("%s/%s imports %s: that arrow is not in the house", s.dir, s.name, room)
				}
				continue
			}
			if !strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
				continue // the standard library
			}
			rooms, known := borrowed[p]
			if !known {
				t.Errorf("%s/%s imports %s: no room is named for it", s.dir, s.name, p)
			} else if !slices.ContainsFunc(rooms, func(r string) bool { return s.dir == r || r == "board" && strings.HasPrefix(s.dir, "board/") }) {
				t.Errorf("%s/%s imports %s: only %v may", s.dir, s.name, p, rooms)
			}
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	for _, s := range tree(t, false) {
		if s.lines > 500 {
			t.Errorf("%s/%s has %d lines: two rooms in one", s.dir, s.name, s.lines)
		}
	}
}

// A package says what it is in the file named like it (main packages in main.go).
func TestPackagesIntroduceThemselves(t *testing.T) {
	said := map[string]bool{}
	for _, s := range tree(t, false) {
		want := path.Base(s.dir) + ".go"
		if s.file.Name.Name == "main" {
			want = "main.go"
		}
		said[s.dir] = said[s.dir] || s.name == want && s.file.Doc != nil
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s: no package comment in the file named like the package", dir)
		}
	}
}

func TestExportedNamesAreExplained(t *testing.T) {
	for _, s := range tree(t, false) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				// Methods that satisfy a well-known interface explain themselves.
				known := []string{"String", "Error", "Unwrap", "MarshalJSON", "MarshalText", "LogValue", "GoString", "Is", "Network"}
				if d.Name.IsExported() && d.Doc == nil && receiverExported(d) && !slices.Contains(known, d.Name.Name) {
					t.Errorf("%s/%s: %s has no comment", s.dir, s.name, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, sp := range d.Specs {
					if ts, ok := sp.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil && ts.Comment == nil {
						t.Errorf("%s/%s: type %s has no comment", s.dir, s.name, ts.Name.Name)
					}
				}
			}
		}
	}
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	ty := d.Recv.List[0].Type
	if st, ok := ty.(*ast.StarExpr); ok {
		ty = st.X
	}
	id, ok := ty.(*ast.Ident)
	return ok && id.IsExported()
}

// Names that say nothing, and calls that do not belong in a firmware's daemon.
func TestNamesAndCalls(t *testing.T) {
	dull := regexp.MustCompile(`(Manager|Helper|Util)s?$`)
	for _, s := range tree(t, false) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if dull.MatchString(n.Name.Name) {
					t.Errorf("%s/%s: type %s: use the trade's word", s.dir, s.name, n.Name.Name)
				}
			case *ast.CallExpr:
				switch f := n.Fun.(type) {
				case *ast.Ident:
					if f.Name == "panic" {
						t.Errorf("%s/%s: panic: a failing port must not stop its neighbours", s.dir, s.name)
					}
				case *ast.SelectorExpr:
					if x, ok := f.X.(*ast.Ident); ok && x.Name == "time" && (f.Sel.Name == "Tick" || f.Sel.Name == "NewTicker") {
						t.Errorf("%s/%s: time.%s: deadlines are data, see docs/ARCHITECTURE.md", s.dir, s.name, f.Sel.Name)
					}
				}
			}
			return true
		})
	}
}

// docs/rfc.md has a row for every standard that the code cites.
func TestCitedStandardsHaveARow(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "rfc.md"))
	if err != nil {
		t.Fatal(err)
	}
	cite := regexp.MustCompile(`RFC ?([0-9]{4})`)
	row := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| RFC ([0-9]{4}) \|`).FindAllStringSubmatch(string(doc), -1) {
		row[m[1]] = true
	}
	for _, s := range tree(t, false) {
		for _, m := range cite.FindAllStringSubmatch(s.text, -1) {
			if !row[m[1]] {
				t.Errorf("%s/%s cites RFC %s, which has no row in docs/rfc.md", s.dir, s.name, m[1])
			}
		}
	}
}

// docs/requirements.md names tests; each of them exists.
func TestRequirementsNameRealTests(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "requirements.md"))
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range tree(t, true) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				have[s.dir+"."+f.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(string(doc), -1)
	if len(named) == 0 {
		t.Error("docs/requirements.md names no test")
	}
	for _, m := range named {
		if !have[m[1]+"."+m[2]] {
			t.Errorf("docs/requirements.md names %s.%s, which does not exist", m[1], m[2])
		}
	}
}
