package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads one file. It never stops at the first problem.
type decoder struct {
	file     string
	checks   Checks
	problems Errors
	warnings Errors
	lines    map[string]int  // where each key and section stands
	failed   map[string]bool // keys whose value could not be read: nothing more is said about them
	homes    map[string][]string
}

const maxProblems = 200

func (d *decoder) add(line int, path, what, want string) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, Problem{File: d.file, Line: line, Key: path, What: what, Want: want})
	}
}

// bad notes that the value of a key is wrong where it stands.
func (d *decoder) bad(path string, n *yaml.Node, what, want string) {
	d.failed[path] = true
	d.add(n.Line, path, what, want)
}

// document reads the whole text into c. It is false when the text is not even YAML with keys.
func (d *decoder) document(data []byte, c *Config) (ok bool) {
	if len(data) > maxFileBytes {
		d.add(0, "", fmt.Sprintf("is larger than %d bytes", maxFileBytes), "a configuration is a few KB")
		return false
	}
	root, err := parseYAML(data)
	if err != nil {
		line, what, want := d.syntax(data, err)
		d.add(line, "", what, want)
		return false
	}
	d.homes = map[string][]string{}
	for _, r := range rows("", schema) {
		home, key := "the top of the file", r.path
		if i := strings.LastIndex(r.path, "."); i >= 0 {
			home, key = r.path[:i], r.path[i+1:]
		}
		d.homes[key] = append(d.homes[key], home)
	}
	readMap(d, "", root, schema, c)
	return true
}

// parseYAML returns the top node of the only document in the text.
func parseYAML(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // a fault in the YAML reader must not take the telephones down
			root, err = nil, fmt.Errorf("yaml: the text confuses the reader: %.60v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1}, nil
	case err != nil:
		return nil, err
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("yaml: line %d: a second document begins", second.Line)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(doc.Content) != 1 {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1}, nil
	}
	return doc.Content[0], nil
}

// syntax tells the line of a YAML error. The reader quotes what follows an unquoted * or &, which may be the beginning
// of a password, so those words are not passed on.
func (d *decoder) syntax(data []byte, err error) (line int, what, want string) {
	what = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(what, "line "); ok {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			line, _ = strconv.Atoi(number)
			what = text
		}
	}
	if name, ok := strings.CutPrefix(what, "unknown anchor '"); ok {
		name = strings.TrimSuffix(name, "' referenced")
		if i := bytes.Index(data, []byte("*"+name)); i >= 0 {
			line = 1 + bytes.Count(data[:i], []byte("\n"))
		}
		return line, "a value begins with an unquoted *", "put the value in quotes"
	}
	switch {
	case strings.Contains(what, "second document"):
		want = "keep one document, without --- between"
	case strings.Contains(what, "tab"), bytes.Contains(data, []byte("\n\t")):
		want = "indent with blanks, not with tabs"
	default:
		want = "write YAML: key: value, sections indented by blanks, text with : or # in quotes"
	}
	return line, "is not YAML: " + what, want
}

// readMap reads a section: known keys into into, all others are problems.
func readMap[T any](d *decoder, path string, n *yaml.Node, fields []field[T], into *T) {
	d.lines[path] = n.Line
	if empty(n) {
		n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line} // only a heading
	}
	if n.Kind != yaml.MappingNode {
		d.bad(path, n, describe(n)+" stands where a section is wanted", "write its keys, such as "+fields[0].key+": ...")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			d.add(k.Line, path, "merged and compound keys are not used here", "write every key out")
			continue
		}
		p := join(path, printable(k.Value))
		if line, dup := first[k.Value]; dup {
			d.add(k.Line, p, fmt.Sprintf("is there twice, first in line %d", line), "remove one")
			continue
		}
		first[k.Value] = k.Line
		at := slices.IndexFunc(fields, func(f field[T]) bool { return f.key == k.Value })
		if at < 0 {
			d.add(k.Line, p, "unknown key", d.hint(path, k.Value, fieldKeys(fields)))
			continue
		}
		d.lines[p] = k.Line
		fields[at].read(d, p, v, into)
	}
	for _, f := range fields {
		if _, there := first[f.key]; f.required && !there {
			p := join(path, f.key)
			d.failed[p] = true
			d.add(n.Line, p, "is missing", "write "+f.key+": "+f.words)
		}
	}
}

func fieldKeys[T any](fields []field[T]) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.key)
	}
	return all
}

// hint for an unknown key: the section where it is at home, a near one, or all that there are.
func (d *decoder) hint(path, key string, among []string) string {
	if homes := d.homes[key]; len(homes) > 0 {
		return key + " belongs to " + strings.Join(homes, " or ")
	}
	return meant(key, among)
}

// items are the members of a list. A lone value or section is not taken for a list of one.
func (d *decoder) items(path string, n *yaml.Node, least, most int) ([]*yaml.Node, bool) {
	if empty(n) && least == 0 {
		return nil, true
	}
	switch {
	case n.Kind != yaml.SequenceNode:
		want := "write [a, b], or each on a line of its own after a dash"
		if least == 1 && n.Kind == yaml.ScalarNode && !empty(n) {
			want = "write [" + printable(n.Value) + "]"
		}
		d.bad(path, n, describe(n)+" stands where a list is wanted", want)
		return nil, false
	case len(n.Content) < least:
		d.bad(path, n, "the list is empty", fmt.Sprintf("write at least %d", least))
		return nil, false
	case len(n.Content) > most:
		d.bad(path, n, fmt.Sprintf("the list has %d members", len(n.Content)), fmt.Sprintf("write at most %d", most))
		return n.Content[:most], true
	}
	return n.Content, true
}

func readScalar[V any](d *decoder, path string, n *yaml.Node, k kind[V]) (v V, ok bool) {
	if n.Kind != yaml.ScalarNode {
		d.bad(path, n, describe(n)+" stands where one value is wanted", "write "+k.words)
		return v, false
	}
	tag := n.ShortTag()
	switch tag {
	case "!!str", "!!int", "!!bool", "!!float", "!!null", "!!timestamp":
	default:
		d.bad(path, n, "tags such as !!binary are not used here", "write "+k.words)
		return v, false
	}
	if empty(n) {
		d.bad(path, n, "has no value", "write "+k.words+", or remove the key")
		return v, false
	}
	v, f := k.parse(n.Value, tag)
	if f == nil {
		return v, true
	}
	if f.want == "" {
		f.want = "write " + k.words
	}
	d.bad(path, n, f.what, f.want)
	return v, false
}

// empty tells a key without value. A written null is one too.
func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe names what stands there without showing it: it may be a secret in the wrong place.
func describe(n *yaml.Node) string {
	switch {
	case empty(n):
		return "nothing"
	case n.Kind == yaml.ScalarNode:
		return "a single value"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a section"
	}
	return "an alias (an unquoted *)"
}

// printable is a key of the user's in a message.
func printable(s string) string {
	q := strconv.Quote(s)
	if q = q[1 : len(q)-1]; len(q) > 40 {
		q = q[:40] + "..."
	}
	if q == "" {
		return `""`
	}
	return q
}
