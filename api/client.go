package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
)

// Client speaks to the daemon's local socket. It opens one connection per
// request and keeps none, so it needs no Close. It may be used from many
// goroutines.
//
// It reads answers with net/http's codec and writes its few requests itself:
// net/http's Transport would bring a TLS client into the firmware for a Unix
// socket, and its Request.Write the tables for host names in all the world's scripts.
type Client struct {
	socket string
}

// NewClient does not connect yet.
func NewClient(socket string) *Client { return &Client{socket: socket} }

// Socket is the path that the client speaks to.
func (c *Client) Socket() string { return c.socket }

// UnreachableError: nobody answers on the socket, or not in time.
type UnreachableError struct {
	Socket string
	Err    error
}

func (e *UnreachableError) Error() string {
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return fmt.Sprintf("no daemon: %s does not exist", e.Socket)
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return fmt.Sprintf("no daemon: nobody listens on %s", e.Socket)
	case errors.Is(e.Err, context.DeadlineExceeded):
		return fmt.Sprintf("the daemon on %s did not answer in time", e.Socket)
	}
	return fmt.Sprintf("the daemon on %s is not reachable: %v", e.Socket, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// PermissionError: the socket's file does not let this user in.
type PermissionError struct {
	Socket string
	Err    error
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("not permitted to use %s: it is for root and the daemon's group", e.Socket)
}

func (e *PermissionError) Unwrap() error { return e.Err }

// response is an answer whose connection lives as long as its body.
type response struct {
	*http.Response
	close func()
}

// open sends one request. Every failure of the connection is an
// UnreachableError or a PermissionError, every answer from 400 a *Problem.
func (c *Client) open(ctx context.Context, method, path, accept string, header http.Header, body any) (*response, error) {
	where, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	h := http.Header{"Host": {"localhost"}, "Accept": {accept}, "User-Agent": {"tipring-cli"}, "Connection": {"close"}}
	for k, v := range header {
		h[k] = v
	}
	var payload []byte
	if body != nil {
		if payload, err = json.Marshal(body); err != nil {
			return nil, err
		}
		h.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		h.Set("Content-Length", strconv.Itoa(len(payload)))
	}
	out.WriteString(method + " " + where.RequestURI() + " HTTP/1.1\r\n")
	_ = h.Write(&out) // a buffer takes everything
	out.WriteString("\r\n")
	out.Write(payload)

	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	end := func() { stop(); conn.Close() }
	if _, err := out.WriteTo(conn); err != nil {
		end()
		return nil, c.failed(ctx, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		end()
		return nil, c.failed(ctx, err)
	}
	if resp.StatusCode >= 400 {
		defer end()
		return nil, readProblem(resp)
	}
	return &response{resp, end}, nil
}

func (c *Client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err() // the connection was closed because of it
	}
	if errors.Is(err, fs.ErrPermission) {
		return &PermissionError{c.socket, err}
	}
	return &UnreachableError{c.socket, err}
}

// answerMax bounds what the client keeps of an answer.
const answerMax = 8 << 20

func readProblem(resp *http.Response) error {
	p := &Problem{}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if json.Unmarshal(body, p) != nil || p.Type == "" {
		return &Problem{Title: resp.Status, Status: resp.StatusCode} // not our daemon's
	}
	return p
}

// bytes makes one request and returns the whole answer.
func (c *Client) bytes(ctx context.Context, method, path, accept string, body any) ([]byte, error) {
	resp, err := c.open(ctx, method, path, accept, nil, body)
	if err != nil {
		return nil, err
	}
	defer resp.close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return b, nil
}

func call[T any](ctx context.Context, c *Client, method, path string, body any) (v T, err error) {
	b, err := c.bytes(ctx, method, path, "application/json", body)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, &UnreachableError{c.socket, fmt.Errorf("its answer is not understood: %v", err)}
	}
	return v, nil
}

// Version asks for GET /v1/version.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return call[Version](ctx, c, "GET", "/v1/version", nil)
}

// Status asks for GET /v1/status.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, "GET", "/v1/status", nil)
}

// Ports asks for GET /v1/ports.
func (c *Client) Ports(ctx context.Context) ([]Port, error) {
	return call[[]Port](ctx, c, "GET", "/v1/ports", nil)
}

// Port asks for GET /v1/ports/{n}.
func (c *Client) Port(ctx context.Context, n int) (Port, error) {
	return call[Port](ctx, c, "GET", "/v1/ports/"+strconv.Itoa(n), nil)
}

// Registrations asks for GET /v1/registrations.
func (c *Client) Registrations(ctx context.Context) ([]PortRegistration, error) {
	return call[[]PortRegistration](ctx, c, "GET", "/v1/registrations", nil)
}

// Calls asks for GET /v1/calls.
func (c *Client) Calls(ctx context.Context) ([]ActiveCall, error) {
	return call[[]ActiveCall](ctx, c, "GET", "/v1/calls", nil)
}

// History asks for GET /v1/calls/history; limit 0 is the daemon's default.
func (c *Client) History(ctx context.Context, limit int) ([]CallRecord, error) {
	path := "/v1/calls/history"
	if limit > 0 {
		path += "?limit=" + strconv.Itoa(limit)
	}
	return call[[]CallRecord](ctx, c, "GET", path, nil)
}

// Config asks for GET /v1/config, as YAML and as JSON.
func (c *Client) Config(ctx context.Context) (Config, error) {
	text, err := c.bytes(ctx, "GET", "/v1/config", "application/yaml", nil)
	if err != nil {
		return Config{}, err
	}
	obj, err := c.bytes(ctx, "GET", "/v1/config", "application/json", nil)
	if err != nil {
		return Config{}, err
	}
	return Config{YAML: string(text), JSON: obj}, nil
}

// SetEnabled posts /v1/ports/{n}/enable or disable.
func (c *Client) SetEnabled(ctx context.Context, n int, on bool) (Port, error) {
	word := "disable"
	if on {
		word = "enable"
	}
	return call[Port](ctx, c, "POST", "/v1/ports/"+strconv.Itoa(n)+"/"+word, nil)
}

// RefreshRegistrations posts /v1/registrations/refresh; no ports: all.
func (c *Client) RefreshRegistrations(ctx context.Context, ports ...int) (Refreshed, error) {
	return call[Refreshed](ctx, c, "POST", "/v1/registrations/refresh", RefreshRequest{Ports: list(ports)})
}

// Reload posts /v1/reload.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	return call[Reloaded](ctx, c, "POST", "/v1/reload", nil)
}

// Phone posts /v1/phones/{n}/{action}.
func (c *Client) Phone(ctx context.Context, n int, action string, args ...string) (PhoneResult, error) {
	return call[PhoneResult](ctx, c, "POST", "/v1/phones/"+strconv.Itoa(n)+"/"+action, PhoneRequest{Args: list(args)})
}

// Metrics asks for GET /metrics.
func (c *Client) Metrics(ctx context.Context) (string, error) {
	b, err := c.bytes(ctx, "GET", "/metrics", "text/plain", nil)
	return string(b), err
}
