package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed openapi.yaml
var openAPI []byte

// site is what the handlers of one socket share.
type site struct {
	b         Backend
	hub       *hub
	log       *slog.Logger
	keepAlive time.Duration
}

// route is one row of the table that the server, its Allow headers and the
// check of openapi.yaml are made from.
type route struct {
	method, path string
	serve        func(*site, http.ResponseWriter, *http.Request) error
}

var routes = []route{
	{"GET", "/v1/version", func(s *site, w http.ResponseWriter, _ *http.Request) error { return answer(w, s.b.Version()) }},
	{"GET", "/v1/status", (*site).status},
	{"GET", "/v1/ports", func(s *site, w http.ResponseWriter, _ *http.Request) error { return answer(w, list(s.b.Ports())) }},
	{"GET", "/v1/ports/{n}", (*site).port},
	{"POST", "/v1/ports/{n}/enable", func(s *site, w http.ResponseWriter, r *http.Request) error { return s.setEnabled(w, r, true) }},
	{"POST", "/v1/ports/{n}/disable", func(s *site, w http.ResponseWriter, r *http.Request) error { return s.setEnabled(w, r, false) }},
	{"GET", "/v1/registrations", func(s *site, w http.ResponseWriter, _ *http.Request) error {
		return answer(w, list(s.b.Registrations()))
	}},
	{"POST", "/v1/registrations/refresh", (*site).refresh},
	{"GET", "/v1/calls", func(s *site, w http.ResponseWriter, _ *http.Request) error { return answer(w, list(s.b.Calls())) }},
	{"GET", "/v1/calls/history", (*site).history},
	{"GET", "/v1/events", (*site).events},
	{"GET", "/v1/config", (*site).config},
	{"POST", "/v1/reload", (*site).reload},
	{"POST", "/v1/phones/{n}/{action}", (*site).phone},
	{"GET", "/metrics", (*site).metrics},
	{"GET", "/healthz", (*site).healthz},
	{"GET", "/openapi.yaml", func(_ *site, w http.ResponseWriter, _ *http.Request) error {
		return send(w, "application/yaml", openAPI)
	}},
}

// handler builds what one socket serves.
func handler(b Backend, h *hub, o Options, readOnly bool) http.Handler {
	s := &site{b: b, hub: h, log: o.Log, keepAlive: o.KeepAlive}
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range routes {
		mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) {
			s.finish(w, req, r.serve(s, w, req))
		})
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, m := range methods {
		if slices.Contains(m, http.MethodGet) {
			m = append(m, http.MethodHead)
		}
		allow := strings.Join(m, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", allow)
			s.finish(w, req, errorf(KindMethod, "%s is not possible here, only %s", req.Method, allow))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		s.finish(w, req, NotFound("no such path; GET /openapi.yaml lists them"))
	})

	// A page of another origin must not push buttons through the user's proxy.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.finish(w, req, errorf(KindForbidden, "changes are not taken from a page of another origin"))
	}))
	return audit(o.Log, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if readOnly && !reads(req.Method) {
			w.Header().Set("Allow", "GET, HEAD")
			s.finish(w, req, errorf(KindForbidden, "this is the read-only socket; changes go through the full one"))
			return
		}
		req.Body = http.MaxBytesReader(w, req.Body, bodyMax)
		guard.Handler(mux).ServeHTTP(w, req)
	}))
}

// NewHandler serves the backend without a socket, for embedding and for tests.
// stop ends its event streams.
func NewHandler(b Backend, o Options, readOnly bool) (h http.Handler, stop func()) {
	o = o.filled()
	hub := newHub(b, o.Ring)
	return handler(b, hub, o, readOnly), hub.close
}

// finish turns a handler's error into a problem document.
func (s *site) finish(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	p := problemOf(err)
	p.Instance = r.URL.EscapedPath()
	if p.Kind() == KindInternal {
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// answer sends a value as JSON.
func answer(w http.ResponseWriter, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return send(w, "application/json", b.Bytes())
}

func send(w http.ResponseWriter, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may be gone
	return nil
}

// list makes an empty list of none, never null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// portNumber reads a decimal port number of a path.
func portNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, NotFound("%q is no port number", s)
	}
	return int(n), nil
}

// read decodes an optional JSON body strictly; without one v stays as it is.
func read(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errorf(KindTooLarge, "the body may have %d bytes", tooLarge.Limit)
	case err != nil:
		return errorf(KindMalformed, "the body did not arrive whole")
	case len(bytes.TrimSpace(body)) == 0:
		return nil
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return errorf(KindMedia, "the body must be application/json")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return errorf(KindMalformed, "body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return errorf(KindMalformed, "body: more than one JSON value")
	}
	return nil
}
