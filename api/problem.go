package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Kind says what sort of error the daemon's answer is.
type Kind string

// Kinds with the HTTP status of their problem document.
const (
	KindNotFound      Kind = "not-found"      // 404 no such port, call, path
	KindRefused       Kind = "refused"        // 409 understood, but not now or not here
	KindInvalid       Kind = "invalid"        // 422 a value is wrong
	KindConfigInvalid Kind = "config-invalid" // 422 the configuration does not pass; the old one goes on
	KindUnavailable   Kind = "unavailable"    // 503 starting, stopping, too busy
	KindMalformed     Kind = "malformed"      // 400 not JSON, unknown field
	KindForbidden     Kind = "forbidden"      // 403 read-only socket, foreign web page
	KindMethod        Kind = "method"         // 405 with Allow
	KindTooLarge      Kind = "too-large"      // 413 body over the limit
	KindMedia         Kind = "media-type"     // 415 body is not application/json
	KindInternal      Kind = "internal"       // 500 a fault of the daemon; its log says more
)

var kinds = map[Kind]struct {
	status int
	title  string
}{
	KindNotFound:      {http.StatusNotFound, "Not found"},
	KindRefused:       {http.StatusConflict, "Refused"},
	KindInvalid:       {http.StatusUnprocessableEntity, "Invalid value"},
	KindConfigInvalid: {http.StatusUnprocessableEntity, "Invalid configuration"},
	KindUnavailable:   {http.StatusServiceUnavailable, "Unavailable"},
	KindMalformed:     {http.StatusBadRequest, "Malformed request"},
	KindForbidden:     {http.StatusForbidden, "Forbidden"},
	KindMethod:        {http.StatusMethodNotAllowed, "Method not allowed"},
	KindTooLarge:      {http.StatusRequestEntityTooLarge, "Body too large"},
	KindMedia:         {http.StatusUnsupportedMediaType, "Unsupported media type"},
	KindInternal:      {http.StatusInternalServerError, "Internal error"},
}

// Error is what a Backend returns for the client to read. Any other error
// becomes an internal one: it is logged, and its text stays in the log.
type Error struct {
	Kind   Kind
	Detail string
	List   []string // config-invalid: each error as file:line: key: what would be right
}

func (e *Error) Error() string { return e.Detail }

// NotFound says that the thing does not exist, and in detail which ones do.
func NotFound(format string, a ...any) *Error { return errorf(KindNotFound, format, a...) }

// Refused says that the request was understood but cannot be done now or here.
func Refused(format string, a ...any) *Error { return errorf(KindRefused, format, a...) }

// Invalid says which value is wrong and what would be right.
func Invalid(format string, a ...any) *Error { return errorf(KindInvalid, format, a...) }

// Unavailable says that the daemon cannot answer for the moment.
func Unavailable(format string, a ...any) *Error { return errorf(KindUnavailable, format, a...) }

// ConfigInvalid lists what is wrong with a configuration that was refused.
func ConfigInvalid(list []string) *Error {
	e := errorf(KindConfigInvalid, "%d error(s); the running configuration goes on", len(list))
	e.List = list
	return e
}

func errorf(k Kind, format string, a ...any) *Error {
	return &Error{Kind: k, Detail: fmt.Sprintf(format, a...)}
}

// problemURN is the prefix of Problem.Type; the Kind follows.
const problemURN = "urn:tipring:problem:"

// Problem is the error document of RFC 9457, application/problem+json.
// https://www.rfc-editor.org/rfc/rfc9457#section-3.1
type Problem struct {
	Type     string         `json:"type"` // urn:tipring:problem:<kind>
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail,omitempty"`
	Instance string         `json:"instance,omitempty"` // path of the request
	Errors   []ProblemError `json:"errors,omitempty"`
}

// ProblemError is one of several errors in a Problem.
type ProblemError struct {
	Detail string `json:"detail"`
}

// Kind is the last word of the problem's type.
func (p *Problem) Kind() Kind { return Kind(strings.TrimPrefix(p.Type, problemURN)) }

// Error makes a Problem an error on the client's side.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// problemOf translates any error; only an *Error shows its text.
func problemOf(err error) *Problem {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: KindInternal, Detail: "the daemon's log says more"}
	}
	k, ok := kinds[e.Kind]
	if !ok {
		k = kinds[KindInternal]
	}
	p := &Problem{Type: problemURN + string(e.Kind), Title: k.title, Status: k.status, Detail: e.Detail}
	for _, s := range e.List {
		p.Errors = append(p.Errors, ProblemError{Detail: s})
	}
	return p
}
