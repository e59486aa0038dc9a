package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// Stream is an open event stream of the Client.
type Stream struct {
	resp   *response
	ctx    context.Context
	client *Client
	lastID string
}

// Events opens GET /v1/events after lastID ("": from now on) for the given
// types (none: all). When it returns without error the daemon has counted the
// reader in: what changes from here on will come.
func (c *Client) Events(ctx context.Context, lastID string, types ...string) (*Stream, error) {
	path := "/v1/events"
	if len(types) > 0 {
		path += "?types=" + url.QueryEscape(strings.Join(types, ","))
	}
	h := http.Header{}
	if lastID != "" {
		h.Set("Last-Event-ID", lastID)
	}
	resp, err := c.open(ctx, "GET", path, "text/event-stream", h, nil)
	if err != nil {
		return nil, err
	}
	return &Stream{resp: resp, ctx: ctx, client: c, lastID: lastID}, nil
}

// Close ends the stream.
func (s *Stream) Close() { s.resp.close() }

// LastID is what Events wants in order to go on where this stream ended.
func (s *Stream) LastID() string { return s.lastID }

// All yields the events as they come, and at the end one error.
func (s *Stream) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lines := bufio.NewScanner(s.resp.Body)
		lines.Buffer(make([]byte, 0, 4096), answerMax)
		var data strings.Builder
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "id":
				s.lastID = value
			case "data":
				data.WriteString(value)
			case "": // a blank line ends a block; a comment has a value
				if value != "" || data.Len() == 0 {
					continue
				}
				var e Event
				err := json.Unmarshal([]byte(data.String()), &e)
				data.Reset()
				if err == nil && !yield(e, nil) {
					return
				}
			}
		}
		err := lines.Err()
		if err == nil {
			err = io.EOF
		}
		yield(Event{}, s.client.failed(s.ctx, err))
	}
}
