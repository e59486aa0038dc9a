package config

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Masked writes the configuration as YAML, complete with defaults, and passwords as ********: what people may see.
func (c *Config) Masked() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(writeMap(schema, c)); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return b.Bytes(), enc.Close()
}

// ToJSON turns YAML text, such as Masked gives, into JSON with the same keys.
func ToJSON(text []byte) ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return json.Marshal(v)
}

func writeMap[T any](fields []field[T], c *T) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		if v := f.write(c); v != nil {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: f.key}, v)
		}
	}
	return n
}

// scalar is a value as the file would have it; an empty one is not worth a line.
func scalar[V any](k kind[V], v V) *yaml.Node {
	text := k.format(v)
	if text == "" {
		return nil
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if k.quoted {
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	return n
}
