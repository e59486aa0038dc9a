package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// ask makes one raw request over the socket.
func ask(t testing.TB, socket, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	req, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Close = true
	go req.Write(conn) // an early answer must be readable while the body is still going out
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestEveryRouteAnswers(t *testing.T) {
	d := newDesk()
	socket := serve(t, d, nil)
	for _, c := range []struct {
		name, method, path, body string
		want                     []string
		asked                    string
	}{
		{"version", "GET", "/v1/version", "", []string{`"version":"1.2.3"`, `"api":"v1"`}, ""},
		{"status", "GET", "/v1/status", "", []string{`"registered":3`, `"problems":[]`}, ""},
		{"ports", "GET", "/v1/ports", "", []string{`[{"card":2,"port":1,`, `"port":3`}, ""},
		{"one port", "GET", "/v1/ports/3", "", []string{
			`{"card":2,"port":3,"enabled":true,"number":"1003","service":"main","registration":{"ok":true,"state":"registered","server":"127.0.0.1:5160","code":200,"reason":"OK","expires_s":3600,"since":"2026-11-24T21:07:00.000Z","next_try":"2026-11-24T22:07:00.000Z"`,
			`"call":{"state":"Talking","direction":"out","peer":"1001"`}, ""},
		{"never is empty", "GET", "/v1/ports/1", "", []string{`"call":{"state":"Idle","direction":"","peer":"","name":"","codec":"","since":""}`}, ""},
		{"enable", "POST", "/v1/ports/2/enable", "", []string{`"enabled":true`}, "port 2 enabled true"},
		{"disable", "POST", "/v1/ports/2/disable", "{}", []string{`"enabled":false`}, "port 2 enabled false"},
		{"registrations", "GET", "/v1/registrations", "", []string{`[{"card":2,"port":1,"enabled":true,"number":"1001"`}, ""},
		{"refresh all", "POST", "/v1/registrations/refresh", "", []string{`{"ports":[]}`}, "refresh []"},
		{"refresh some", "POST", "/v1/registrations/refresh", `{"ports":[1,3]}`, []string{`{"ports":[1,3]}`}, "refresh [1 3]"},
		{"calls", "GET", "/v1/calls", "", []string{`"id":"c1"`, `"state":"Talking"`, `"jitter_ms":0.5`}, ""},
		{"history", "GET", "/v1/calls/history?limit=2", "", []string{`"id":"h0"`, `"answered":""`}, ""},
		{"config", "GET", "/v1/config", "", []string{`{"version":1}`}, ""},
		{"reload", "POST", "/v1/reload", "", []string{`{"changed":[2],"message":"applied"}`}, "reload"},
		{"phone", "POST", "/v1/phones/1/dial", `{"args":["1002"]}`, []string{`"text":"done"`}, `phone 1 dial ["1002"]`},
		{"phone without body", "POST", "/v1/phones/1/hears", "", []string{`"level_dbm0":-10.1`}, `phone 1 hears []`},
		{"metrics", "GET", "/metrics", "", []string{`tipring_port_registered{port="1"} 1`}, ""},
		{"health", "GET", "/healthz", "", []string{`{"status":"ok"}`}, ""},
		{"openapi", "GET", "/openapi.yaml", "", []string{"openapi: 3.1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := ask(t, socket, c.method, c.path, c.body)
			if resp.StatusCode != 200 {
				t.Fatalf("%s: %s", resp.Status, body)
			}
			for _, w := range c.want {
				if !strings.Contains(body, w) {
					t.Errorf("answer lacks %s:\n%s", w, body)
				}
			}
			if c.asked != "" && (len(d.asked) == 0 || d.asked[len(d.asked)-1] != c.asked) {
				t.Errorf("backend was asked %q, want %q at the end", d.asked, c.asked)
			}
		})
	}
}

func TestHeadersOfAnswers(t *testing.T) {
	socket := serve(t, newDesk(), nil)
	for _, c := range []struct{ path, accept, contentType string }{
		{"/v1/ports", "", "application/json"},
		{"/v1/config", "", "application/json"},
		{"/v1/config", "*/*", "application/json"},
		{"/v1/config", "application/yaml", "application/yaml"},
		{"/metrics", "", "text/plain; version=0.0.4; charset=utf-8"},
		{"/openapi.yaml", "", "application/yaml"},
	} {
		resp, _ := ask(t, socket, "GET", c.path, "", "Accept", c.accept)
		if got := resp.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("%s (Accept %q): Content-Type %q, want %q", c.path, c.accept, got, c.contentType)
		}
		if resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", c.path)
		}
	}
	if resp, body := ask(t, socket, "HEAD", "/v1/ports", ""); resp.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %s %q", resp.Status, body)
	}
}

func TestProblems(t *testing.T) {
	d := newDesk()
	d.sick = []string{"port 2: its actor does not answer"}
	d.badConf = []string{"tipring.yaml:4: country: no such country"}
	d.conf = errors.New("password123")
	socket := serve(t, d, nil)
	ro := ReadOnlySocket(socket)
	big := `{"args":["` + strings.Repeat("1", bodyMax) + `"]}`
	for _, c := range []struct {
		name, socket, method, path, body string
		header                           []string
		status                           int
		kind                             Kind
		detail                           string
	}{
		{"no such path", socket, "GET", "/v2", "", nil, 404, KindNotFound, "openapi"},
		{"no such port", socket, "GET", "/v1/ports/7", "", nil, 404, KindNotFound, "card 2 has ports 1-3"},
		{"port zero", socket, "GET", "/v1/ports/0", "", nil, 404, KindNotFound, "no port number"},
		{"port with sign", socket, "GET", "/v1/ports/+1", "", nil, 404, KindNotFound, "no port number"},
		{"port with zeros", socket, "POST", "/v1/ports/01/enable", "", nil, 404, KindNotFound, "no port number"},
		{"enable no such port", socket, "POST", "/v1/ports/9/enable", "", nil, 404, KindNotFound, "1-3"},
		{"no such phone action", socket, "POST", "/v1/phones/1/throw", "", nil, 404, KindNotFound, "hangup"},
		{"method", socket, "GET", "/v1/ports/1/enable", "", nil, 405, KindMethod, "POST"},
		{"method of a list", socket, "DELETE", "/v1/ports", "", nil, 405, KindMethod, "GET, HEAD"},
		{"refused", socket, "POST", "/v1/phones/3/lift", "", nil, 409, KindRefused, "lifted already"},
		{"invalid", socket, "POST", "/v1/phones/1/dial", "", nil, 422, KindInvalid, "which digits"},
		{"limit", socket, "GET", "/v1/calls/history?limit=x", "", nil, 422, KindInvalid, "1 to 100"},
		{"event types", socket, "GET", "/v1/events?types=call,rain", "", nil, 422, KindInvalid, "rain"},
		{"bad configuration", socket, "POST", "/v1/reload", "", nil, 422, KindConfigInvalid, "goes on"},
		{"not JSON", socket, "POST", "/v1/phones/1/dial", "args", nil, 400, KindMalformed, "invalid character"},
		{"unknown field", socket, "POST", "/v1/phones/1/dial", `{"arg":["1"]}`, nil, 400, KindMalformed, "arg"},
		{"wrong type", socket, "POST", "/v1/registrations/refresh", `{"ports":"all"}`, nil, 400, KindMalformed, "ports"},
		{"two values", socket, "POST", "/v1/reload", `{}{}`, nil, 400, KindMalformed, "more than one"},
		{"form", socket, "POST", "/v1/phones/1/dial", "args=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, KindMedia, "application/json"},
		{"oversized", socket, "POST", "/v1/phones/1/dial", big, nil, 413, KindTooLarge, "65536"},
		{"foreign page", socket, "POST", "/v1/ports/1/disable", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, KindForbidden, "origin"},
		{"read-only socket", ro, "POST", "/v1/ports/1/disable", "", nil, 403, KindForbidden, "read-only"},
		{"read-only socket, any path", ro, "PUT", "/v1/config", "", nil, 403, KindForbidden, "read-only"},
		{"unwell", socket, "GET", "/healthz", "", nil, 503, KindUnavailable, "actor"},
		{"internal", socket, "GET", "/v1/config", "", nil, 500, KindInternal, "log"},
		{"internal metrics", socket, "GET", "/metrics", "", nil, 500, KindInternal, "log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := ask(t, c.socket, c.method, c.path, c.body, c.header...)
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%v in %q", err, body)
			}
			if resp.StatusCode != c.status || p.Status != c.status || p.Kind() != c.kind {
				t.Errorf("got %s, %s: want %d, %s", resp.Status, body, c.status, c.kind)
			}
			if !strings.Contains(p.Detail, c.detail) || p.Title == "" || p.Instance == "" {
				t.Errorf("%s lacks %q, title or instance", body, c.detail)
			}
			if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type %q", got)
			}
			if c.kind == KindMethod && resp.Header.Get("Allow") == "" {
				t.Error("no Allow")
			}
			if c.kind == KindConfigInvalid && (len(p.Errors) != 1 || p.Errors[0].Detail != d.badConf[0]) {
				t.Errorf("errors %v", p.Errors)
			}
			if strings.Contains(body, "password123") || strings.Contains(body, "secret") {
				t.Error("the text of an internal error leaked")
			}
		})
	}
	if len(d.asked) != 0 {
		t.Errorf("refused requests changed something: %q", d.asked)
	}
	if _, body := ask(t, ro, "GET", "/v1/ports/1", ""); !strings.Contains(body, `"number":"1001"`) {
		t.Errorf("the read-only socket does not read: %s", body)
	}
}

// lines hands each log line to the test.
type lines chan string

func (l lines) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }

func TestChangesAreAudited(t *testing.T) {
	log := make(lines, 16)
	socket := serve(t, newDesk(), slog.New(slog.NewJSONHandler(log, nil)))
	ask(t, socket, "GET", "/v1/ports", "") // reading is not logged
	ask(t, socket, "POST", "/v1/ports/1/disable", "")
	ask(t, ReadOnlySocket(socket), "POST", "/v1/reload", "")
	for _, want := range []struct {
		path   string
		status int
	}{{"/v1/ports/1/disable", 200}, {"/v1/reload", 403}} {
		var got struct {
			Method, Path string
			Status       int
			Peer         struct{ UID, GID, PID *int }
		}
		if err := json.Unmarshal([]byte(<-log), &got); err != nil {
			t.Fatal(err)
		}
		if got.Method != "POST" || got.Path != want.path || got.Status != want.status {
			t.Errorf("logged %+v, want %+v", got, want)
		}
		if p := got.Peer; p.PID == nil || *p.PID != os.Getpid() || p.UID == nil || *p.UID != os.Getuid() || p.GID == nil {
			t.Errorf("%s: the peer is not this process: %+v", got.Path, p)
		}
	}
}

// A client that sends half a request, and one that takes no answer, cost the
// others nothing.
func TestSlowClientsDoNotDisturb(t *testing.T) {
	socket := serve(t, newDesk(), nil)
	for _, text := range []string{
		"",
		"GET /v1/po",
		"POST /v1/phones/1/dial HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{",
		strings.Repeat("GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n", 64), // and reads nothing
	} {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if resp, _ := ask(t, socket, "GET", "/v1/ports", ""); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
}

func TestGarbageGetsA4xx(t *testing.T) {
	socket := serve(t, newDesk(), nil)
	for _, text := range []string{
		"\x00\x01\x02\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET /v1/ports HTTP/1.1\r\n\r\n", // no Host
		"GET /v1/ports HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 3*headerMax) + "\r\n\r\n",
	} {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, text)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%.20q: %v", text, err)
		} else if resp.StatusCode < 400 || resp.StatusCode > 505 {
			t.Errorf("%.20q: %s", text, resp.Status)
		}
		conn.Close()
	}
}

func TestClientReadsWhatTheServerWrites(t *testing.T) {
	d := newDesk()
	c := NewClient(serve(t, d, nil))
	ctx := t.Context()
	check := func(name string, got any, err error, want any) {
		t.Helper()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v\nwant %v", name, got, err, want)
		}
	}
	v, err := c.Version(ctx)
	check("version", v, err, d.Version())
	st, err := c.Status(ctx)
	check("status", st, err, d.Status())
	ps, err := c.Ports(ctx)
	check("ports", ps, err, d.Ports())
	p, err := c.Port(ctx, 3)
	check("port", p, err, d.ports[2])
	rs, err := c.Registrations(ctx)
	check("registrations", rs, err, d.Registrations())
	cs, err := c.Calls(ctx)
	check("media", *cs[0].Media, err, *d.Calls()[0].Media)
	check("call", cs[0].Call, err, d.ports[2].Call)
	h, err := c.History(ctx, 3)
	check("history", h, err, d.History(3))
	conf, err := c.Config(ctx)
	check("config", conf.YAML+string(conf.JSON), err, "version: 1\n{\"version\":1}")
	p, err = c.SetEnabled(ctx, 2, false)
	check("disable", p.Enabled, err, false)
	r, err := c.RefreshRegistrations(ctx, 1)
	check("refresh", r, err, Refreshed{[]int{1}})
	rl, err := c.Reload(ctx)
	check("reload", rl, err, Reloaded{[]int{2}, "applied"})
	ph, err := c.Phone(ctx, 1, "display")
	check("phone", *ph.Display, err, Display{"1003", "Wang Wei", "11-24 21:07", "fsk bell202 mdmf"})
	if want := []string{"port 2 enabled false", "refresh [1]", "reload", "phone 1 display []"}; !slices.Equal(d.asked, want) {
		t.Errorf("asked %q, want %q", d.asked, want)
	}
	_, err = c.Port(ctx, 9)
	var prob *Problem
	if !errors.As(err, &prob) || prob.Kind() != KindNotFound || err.Error() != "port 9: card 2 has ports 1-3" {
		t.Errorf("problem: %v", err)
	}
}

func TestClientWithoutDaemon(t *testing.T) {
	dir := shortDir(t)
	_, err := NewClient(dir + "/none.sock").Ports(t.Context())
	var gone *UnreachableError
	if !errors.As(err, &gone) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("no socket: %v", err)
	}
	// Somebody accepts and says nothing: the context ends the wait.
	l, err := net.Listen("unix", dir+"/mute.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, _ := l.Accept()
		cancel()
		t.Cleanup(func() { conn.Close() })
	}()
	if _, err = NewClient(dir + "/mute.sock").Ports(ctx); !errors.As(err, &gone) || !errors.Is(err, context.Canceled) {
		t.Errorf("mute daemon: %v", err)
	}
}
