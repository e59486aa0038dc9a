package config

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// SetPort changes one key of one port in the text of a configuration file and leaves every other byte as it is:
// comments, order and quotes are the author's. value is a bool, an int or a string. The result is not checked beyond
// that it says what was asked for; Parse it before it is used.
func SetPort(text []byte, port int, key string, value any) ([]byte, error) {
	if !slices.Contains(fieldKeys(portFields), key) {
		return nil, fmt.Errorf("config: ports have no key %s; %s", printable(key), meant(key, fieldKeys(portFields)))
	}
	want, err := literal(value)
	if err != nil {
		return nil, err
	}
	number, old, err := findPort(text, port, key)
	if err != nil {
		return nil, err
	}
	var out []byte
	if old != nil {
		out, err = splice(text, old, want)
	} else {
		out, err = insertAfter(text, number, key+": "+want)
	}
	if err != nil {
		return nil, err
	}
	if _, now, err := findPort(out, port, key); err != nil || now == nil || now.Value != plain(value) {
		return nil, fmt.Errorf("config: cannot change %s of port %d in the text as it is written; change it by hand", key, port)
	}
	return out, nil
}

func literal(value any) (string, error) {
	switch v := value.(type) {
	case bool, int:
		return fmt.Sprint(v), nil
	case string:
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("config: a value of one line is wanted")
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`, nil
	}
	return "", fmt.Errorf("config: a value of type %T has no place in the file", value)
}

func plain(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return fmt.Sprint(value)
}

// findPort returns the nodes of the port's number and of the value of key, nil if the key is not there.
func findPort(text []byte, port int, key string) (number, value *yaml.Node, err error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, nil, fmt.Errorf("config: the file is not YAML: %v", err)
	}
	if ports := child(root, "ports"); ports != nil && ports.Kind == yaml.SequenceNode {
		for _, p := range ports.Content {
			if n := child(p, "port"); n != nil && n.Value == strconv.Itoa(port) {
				return n, child(p, key), nil
			}
		}
	}
	return nil, nil, fmt.Errorf("config: the file has no port %d", port)
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// splice puts want in the place of the scalar n.
func splice(text []byte, n *yaml.Node, want string) ([]byte, error) {
	_, from := place(text, n)
	to := from + scalarLength(text[from:], n)
	if n.Kind != yaml.ScalarNode || n.Anchor != "" || to == from {
		return nil, fmt.Errorf("config: line %d is written in a way that is not changed by machine", n.Line)
	}
	return slices.Concat(text[:from], []byte(want), text[to:]), nil
}

// insertAfter adds a pair behind the scalar n: on the same line in a {flow: mapping}, else on a line of its own below.
func insertAfter(text []byte, n *yaml.Node, pair string) ([]byte, error) {
	line, from := place(text, n)
	end := from + scalarLength(text[from:], n)
	before, after := string(text[line:from]), bytes.TrimLeft(text[end:], " ")
	if strings.Contains(before, "{") || bytes.HasPrefix(after, []byte(",")) || bytes.HasPrefix(after, []byte("}")) {
		return slices.Concat(text[:end], []byte(", "+pair), text[end:]), nil
	}
	indent := strings.LastIndex(before, "port:")
	if indent < 0 || end == from {
		return nil, fmt.Errorf("config: line %d is written in a way that is not changed by machine", n.Line)
	}
	at, eol := len(text), "\n"
	if i := bytes.IndexByte(text[end:], '\n'); i >= 0 {
		at = end + i + 1
		if at >= 2 && text[at-2] == '\r' {
			eol = "\r\n"
		}
	}
	added := strings.Repeat(" ", indent) + pair + eol
	if at == len(text) && !bytes.HasSuffix(text, []byte("\n")) {
		added = eol + added
	}
	return slices.Concat(text[:at], []byte(added), text[at:]), nil
}

// place of a node in the text, and of the beginning of its line. The node's column counts characters, not bytes.
func place(text []byte, n *yaml.Node) (line, at int) {
	for range n.Line - 1 {
		line += bytes.IndexByte(text[line:], '\n') + 1
	}
	at = line
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return line, at
}

// scalarLength is the length of a scalar of one line as it is written; 0 for others.
func scalarLength(text []byte, n *yaml.Node) int {
	switch n.Style {
	case 0:
		if bytes.HasPrefix(text, []byte(n.Value)) {
			return len(n.Value)
		}
	case yaml.SingleQuotedStyle:
		for i := 1; i < len(text) && text[i] != '\n'; i++ {
			if text[i] != '\'' {
				continue
			}
			if i+1 < len(text) && text[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	case yaml.DoubleQuotedStyle:
		for i := 1; i < len(text) && text[i] != '\n'; i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
	}
	return 0
}
