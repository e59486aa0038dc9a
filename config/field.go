package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is one key of a section that is kept in a T.
type field[T any] struct {
	key, words, def, doc string
	required             bool

	reset func(*T)
	read  func(d *decoder, path string, n *yaml.Node, into *T)
	write func(*T) *yaml.Node // nil: not worth showing
	diff  func(a, b *T) (changed bool, e Effect)
	rows  func(prefix string) []row // a section's own keys
}

// row is one key as the documentation shows it.
type row struct {
	path, words, def, doc string
	required, section     bool
}

func (f field[T]) must() field[T] { f.required = true; f.def = ""; return f }

func value[T, V any](key string, k kind[V], def V, at func(*T) *V, e Effect, doc string) field[T] {
	return field[T]{
		key: key, words: k.words, def: k.format(def), doc: doc,
		reset: func(c *T) { *at(c) = def },
		read: func(d *decoder, path string, n *yaml.Node, into *T) {
			if v, ok := readScalar(d, path, n, k); ok {
				*at(into) = v
			}
		},
		write: func(c *T) *yaml.Node { return scalar(k, *at(c)) },
		diff:  func(a, b *T) (bool, Effect) { return !reflect.DeepEqual(*at(a), *at(b)), e },
	}
}

func list[T, V any](key string, k kind[V], least, most int, at func(*T) *[]V, e Effect, doc string, def ...V) field[T] {
	var words []string
	for _, v := range def {
		words = append(words, k.format(v))
	}
	return field[T]{
		key: key, words: fmt.Sprintf("list, %d to %d, of: %s", least, most, k.words), def: "[" + strings.Join(words, ", ") + "]", doc: doc,
		reset: func(c *T) { *at(c) = append([]V(nil), def...) },
		read: func(d *decoder, path string, n *yaml.Node, into *T) {
			items, ok := d.items(path, n, least, most)
			if !ok {
				return
			}
			all := make([]V, 0, len(items))
			seen := map[string]bool{}
			for i, item := range items {
				p := fmt.Sprintf("%s[%d]", path, i)
				v, ok := readScalar(d, p, item, k)
				if !ok {
					d.failed[path] = true
					continue
				}
				if seen[k.format(v)] {
					d.bad(p, item, shown(k.format(v))+" stands there twice", "remove one")
				}
				seen[k.format(v)] = true
				all = append(all, v)
			}
			*at(into) = all
		},
		write: func(c *T) *yaml.Node {
			n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
			for _, v := range *at(c) {
				n.Content = append(n.Content, scalar(k, v))
			}
			return n
		},
		diff: func(a, b *T) (bool, Effect) { return !reflect.DeepEqual(*at(a), *at(b)), e },
	}
}

func section[T, S any](key string, fields []field[S], at func(*T) *S, doc string) field[T] {
	return field[T]{
		key: key, doc: doc,
		reset: func(c *T) { reset(fields, at(c)) },
		read: func(d *decoder, path string, n *yaml.Node, into *T) {
			readMap(d, path, n, fields, at(into))
		},
		write: func(c *T) *yaml.Node { return writeMap(fields, at(c)) },
		diff: func(a, b *T) (bool, Effect) {
			keys, e := changedKeys(fields, at(a), at(b))
			return len(keys) > 0, e
		},
		rows: func(prefix string) []row { return rows(prefix, fields) },
	}
}

func sections[T, S any](key string, most int, fields []field[S], at func(*T) *[]S, doc string) field[T] {
	return field[T]{
		key: key, doc: doc,
		reset: func(c *T) { *at(c) = nil },
		read: func(d *decoder, path string, n *yaml.Node, into *T) {
			items, _ := d.items(path, n, 0, most)
			for i, item := range items {
				var s S
				reset(fields, &s)
				readMap(d, fmt.Sprintf("%s[%d]", path, i), item, fields, &s)
				*at(into) = append(*at(into), s)
			}
		},
		write: func(c *T) *yaml.Node {
			n := &yaml.Node{Kind: yaml.SequenceNode}
			for i := range *at(c) {
				n.Content = append(n.Content, writeMap(fields, &(*at(c))[i]))
			}
			if len(n.Content) == 0 {
				n.Style = yaml.FlowStyle
			}
			return n
		},
		diff: func(a, b *T) (bool, Effect) { return !reflect.DeepEqual(*at(a), *at(b)), 0 },
		rows: func(prefix string) []row { return rows(prefix+"[]", fields) },
	}
}

func reset[T any](fields []field[T], c *T) {
	for _, f := range fields {
		f.reset(c)
	}
}

func rows[T any](prefix string, fields []field[T]) []row {
	var all []row
	for _, f := range fields {
		r := row{path: join(prefix, f.key), words: f.words, def: f.def, doc: f.doc, required: f.required, section: f.rows != nil}
		all = append(all, r)
		if f.rows != nil {
			all = append(all, f.rows(r.path)...)
		}
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
