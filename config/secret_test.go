package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverShown(t *testing.T) {
	const s = Secret("hunter2")
	p := Port{Port: 1, Password: s}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", s, "b", p, "c", &p, slog.Any("d", []Secret{s}))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "a", s, "b", p)
	inJSON, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(inJSON) + string(inYAML)
	// %p is answered by fmt itself before any method is asked; nobody prints the address of a password.
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t", "10s", "T"} {
		for _, v := range []any{s, &p, p, []Secret{s}, map[string]Secret{"a": s}, struct{ S Secret }{s}} {
			all += fmt.Sprintf("%"+verb, v) + "\n"
		}
	}
	for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232"} {
		if i := strings.Index(all, leak); i >= 0 {
			t.Errorf("shown: ...%s", all[max(0, i-60):i+len(leak)])
		}
	}
	if fmt.Sprint(s) != mask || fmt.Sprintf("%#v", s) != `"********"` || fmt.Sprint(Secret("")) != "" {
		t.Errorf("%v %#v %v", s, s, Secret(""))
	}
	if string(inJSON) == "" || !strings.Contains(string(inJSON), mask) || !strings.Contains(string(inYAML), mask) {
		t.Errorf("%s %s", inJSON, inYAML)
	}
}

func TestMasked(t *testing.T) {
	c, err := Parse("example.yaml", Example, checks)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Masked()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "change-me") {
		t.Error("a password is shown")
	}
	golden(t, "testdata/masked.golden", text)

	object, err := ToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Card  int
		Ports []struct {
			Port     int
			Enabled  bool
			User     string
			Password string
		}
	}
	if err := json.Unmarshal(object, &v); err != nil {
		t.Fatal(err)
	}
	if v.Card != 2 || len(v.Ports) != 3 || v.Ports[0].User != "1001" || v.Ports[0].Password != mask || !v.Ports[0].Enabled || v.Ports[2].Password != "" {
		t.Errorf("%+v", v)
	}
}
