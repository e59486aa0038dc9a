package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type object = map[string]any

func described(t *testing.T) object {
	t.Helper()
	var doc object
	if err := yaml.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestEveryRouteIsDescribedAndEveryPathServed(t *testing.T) {
	var in, out []string
	for path, item := range described(t)["paths"].(object) {
		for _, m := range []string{"get", "post", "put", "patch", "delete"} {
			if _, ok := item.(object)[m]; ok {
				in = append(in, strings.ToUpper(m)+" "+path)
			}
		}
	}
	for _, r := range routes {
		out = append(out, r.method+" "+r.path)
	}
	slices.Sort(in)
	slices.Sort(out)
	if !slices.Equal(in, out) {
		t.Errorf("openapi.yaml describes\n%s\nthe server serves\n%s", strings.Join(in, "\n"), strings.Join(out, "\n"))
	}
}

// Real answers are held against the schemas, both ways: what is required is
// there, and what is there is described.
func TestAnswersHaveTheDescribedShape(t *testing.T) {
	d := newDesk()
	h, stop := NewHandler(d, Options{}, false)
	defer stop()
	doc := described(t)
	seen := map[string]bool{}
	for _, c := range []struct{ method, path, at, body string }{
		{"GET", "/v1/version", "/v1/version", ""},
		{"GET", "/v1/status", "/v1/status", ""},
		{"GET", "/v1/ports", "/v1/ports", ""},
		{"GET", "/v1/ports/3", "/v1/ports/{n}", ""},
		{"POST", "/v1/ports/3/enable", "/v1/ports/{n}/enable", ""},
		{"POST", "/v1/ports/3/disable", "/v1/ports/{n}/disable", ""},
		{"GET", "/v1/registrations", "/v1/registrations", ""},
		{"POST", "/v1/registrations/refresh", "/v1/registrations/refresh", `{"ports":[1]}`},
		{"GET", "/v1/calls", "/v1/calls", ""},
		{"GET", "/v1/calls/history", "/v1/calls/history", ""},
		{"GET", "/v1/config", "/v1/config", ""},
		{"POST", "/v1/reload", "/v1/reload", ""},
		{"POST", "/v1/phones/1/hears", "/v1/phones/{n}/{action}", `{"args":[]}`},
		{"POST", "/v1/phones/1/display", "/v1/phones/{n}/{action}", ""},
		{"GET", "/healthz", "/healthz", ""},
		{"GET", "/v1/ports/9", "/v1/ports/{n}", ""},
		{"POST", "/v1/phones/1/dial", "/v1/phones/{n}/{action}", ""},
	} {
		req := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		op := dig(doc, "paths", c.at, strings.ToLower(c.method))
		status := fmt.Sprint(w.Code)
		if dig(op, "responses", status) == nil {
			status = "default"
		}
		resp := resolve(doc, dig(op, "responses", status))
		schema := dig(resp, "content", w.Header().Get("Content-Type"), "schema")
		if schema == nil {
			t.Errorf("%s %s: %d %s is not described", c.method, c.path, w.Code, w.Header().Get("Content-Type"))
			continue
		}
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		for _, e := range mismatch(doc, schema, v, c.path, seen) {
			t.Error(e)
		}
		if c.body != "" {
			var v any
			if err := json.Unmarshal([]byte(c.body), &v); err != nil {
				t.Fatal(err)
			}
			for _, e := range mismatch(doc, dig(op, "requestBody", "content", "application/json", "schema"), v, c.path+" body", seen) {
				t.Error(e)
			}
		}
	}
	for _, e := range []Event{{Seq: 1, Type: EventCall, Port: &d.ports[0], Record: &d.History(1)[0], Message: "x"}} {
		b, _ := json.Marshal(e)
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		for _, m := range mismatch(doc, object{"$ref": "#/components/schemas/Event"}, v, "event", seen) {
			t.Error(m)
		}
	}
	b, _ := json.Marshal(problemOf(ConfigInvalid([]string{"x"})))
	var v any
	json.Unmarshal(b, &v)
	for _, m := range mismatch(doc, object{"$ref": "#/components/schemas/Problem"}, v, "problem", seen) {
		t.Error(m)
	}
	for name := range dig(doc, "components", "schemas").(object) {
		if !seen["#/components/schemas/"+name] {
			t.Errorf("schema %s was held against nothing", name)
		}
	}
}

// The check itself must be able to fail.
func TestShapeCheckSeesDifferences(t *testing.T) {
	doc := described(t)
	for name, text := range map[string]string{
		"unknown field":    `{"state":"Idle","direction":"","peer":"","name":"","codec":"","since":"","x":1}`,
		"missing field":    `{"state":"Idle","direction":"","peer":"","name":"","codec":""}`,
		"wrong type":       `{"state":"Idle","direction":"","peer":7,"name":"","codec":"","since":""}`,
		"word not in enum": `{"state":"idle","direction":"","peer":"","name":"","codec":"","since":""}`,
		"null":             `null`,
	} {
		var v any
		if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&v); err != nil {
			t.Fatal(err)
		}
		if len(mismatch(doc, object{"$ref": "#/components/schemas/Call"}, v, "call", map[string]bool{})) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}

func dig(v any, keys ...string) any {
	for _, k := range keys {
		o, _ := v.(object)
		v = o[k]
	}
	return v
}

func resolve(doc object, v any) any {
	if ref, ok := dig(v, "$ref").(string); ok {
		return dig(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return v
}

func mismatch(doc object, schema, v any, at string, seen map[string]bool) (errs []string) {
	if ref, ok := dig(schema, "$ref").(string); ok {
		seen[ref] = true
	}
	schema = resolve(doc, schema)
	bad := func(format string, a ...any) { errs = append(errs, at+": "+fmt.Sprintf(format, a...)) }
	if enum, ok := dig(schema, "enum").([]any); ok && !slices.Contains(enum, v) {
		bad("%v is none of %v", v, enum)
	}
	if c := dig(schema, "const"); c != nil && c != v {
		bad("%v is not %v", v, c)
	}
	ok := true
	switch kind := dig(schema, "type"); kind {
	case "object":
		var o object
		if o, ok = v.(object); !ok {
			break
		}
		required, _ := dig(schema, "required").([]any)
		for _, k := range required {
			if _, there := o[k.(string)]; !there {
				bad("%s is missing", k)
			}
		}
		props, closed := dig(schema, "properties").(object)
		for k, x := range o {
			if p, known := props[k]; known {
				errs = append(errs, mismatch(doc, p, x, at+"."+k, seen)...)
			} else if closed {
				bad("%s is not described", k)
			}
		}
	case "array":
		var l []any
		if l, ok = v.([]any); !ok {
			break
		}
		for i, x := range l {
			errs = append(errs, mismatch(doc, dig(schema, "items"), x, fmt.Sprintf("%s[%d]", at, i), seen)...)
		}
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer":
		var f float64
		f, ok = v.(float64)
		ok = ok && f == float64(int64(f))
	case "number":
		_, ok = v.(float64)
	default:
		bad("the schema has type %v", kind)
	}
	if !ok {
		bad("%v is no %v", v, dig(schema, "type"))
	}
	return errs
}

func TestPhoneActionsAreDescribed(t *testing.T) {
	params := dig(described(t), "paths", "/v1/phones/{n}/{action}", "parameters").([]any)
	var enum []string
	for _, a := range dig(params[1], "schema", "enum").([]any) {
		enum = append(enum, a.(string))
	}
	if !slices.Equal(enum, PhoneActions) {
		t.Errorf("openapi.yaml has %v, the server %v", enum, PhoneActions)
	}
}

// docs/api.md shows every path.
func TestManualShowsEveryRoute(t *testing.T) {
	b, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if !strings.Contains(string(b), "`"+r.method+" "+r.path+"`") {
			t.Errorf("docs/api.md does not show `%s %s`", r.method, r.path)
		}
	}
}

// Whatever is asked, the answer is JSON, YAML or text with a right status, and
// an error is a whole problem document.
func FuzzRequest(f *testing.F) {
	for _, r := range routes {
		if r.path != "/v1/events" {
			f.Add(r.method, strings.NewReplacer("{n}", "1", "{action}", "dial").Replace(r.path), `{"args":["1"]}`)
		}
	}
	f.Add("POST", "/v1/ports/99999999999999999999/enable", "[")
	f.Add("GET", "/v1/ports/%2e%2e/1", "")
	f.Add("PATCH", "//v1//ports", "{}")
	h, stop := NewHandler(newDesk(), Options{}, false)
	f.Cleanup(stop)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if strings.Contains(path, "events") {
			t.Skip() // ends only with its reader
		}
		req, err := http.NewRequest(method, "http://x", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		if req.URL, err = req.URL.Parse(path); err != nil {
			t.Skip()
		}
		req.RequestURI = path
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code >= 300 && w.Code < 400 {
			return // net/http cleans //
		}
		if w.Code >= 400 {
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Kind() == KindInternal {
				t.Errorf("%s %q: %d %s", method, path, w.Code, w.Body)
			}
		} else if w.Code != 200 || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s %q: %d %v", method, path, w.Code, w.Header())
		}
	})
}
