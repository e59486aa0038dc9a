package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// page is an http.ResponseWriter that a test can look into while the handler
// still writes, and that can block like a reader who takes nothing.
type page struct {
	mu     sync.Mutex
	head   http.Header
	status int
	text   strings.Builder
	hold   chan struct{} // not nil: writes wait for it
}

func (p *page) Header() http.Header { return p.head }
func (p *page) WriteHeader(s int)   { p.status = s }
func (p *page) Flush()              {}
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	hold := p.hold
	p.mu.Unlock()
	if hold != nil {
		<-hold
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.text.String()
	p.text.Reset()
	return s
}

func (p *page) block(hold chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
}

// listen opens an event stream in the bubble.
func listen(t *testing.T, h http.Handler, url, lastID string) (p *page, leave func()) {
	p = &page{head: http.Header{}}
	ctx, cancel := context.WithCancel(context.Background())
	req := httptest.NewRequestWithContext(ctx, "GET", url, nil)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(p, req)
	}()
	synctest.Wait()
	return p, func() { cancel(); <-done }
}

// said sums up a stream: "3 call", "resync", ":" for a keep-alive.
func said(text string) (l []string, lastID string) {
	for block := range strings.SplitSeq(text, "\n\n") {
		var id, kind string
		for line := range strings.SplitSeq(block, "\n") {
			switch k, v, _ := strings.Cut(line, ": "); k {
			case "id":
				id, lastID = v[strings.Index(v, "-")+1:], v
			case "event":
				kind = v
			case "":
				if v == "keep-alive" {
					l = append(l, ":")
				}
			}
		}
		switch {
		case kind == EventResync:
			l = append(l, kind)
		case kind != "":
			l = append(l, id+" "+kind)
		}
	}
	return l, lastID
}

func want(t *testing.T, p *page, want ...string) (lastID string) {
	t.Helper()
	synctest.Wait()
	got, lastID := said(p.take())
	if !slices.Equal(got, want) {
		t.Errorf("stream said %q, want %q", got, want)
	}
	return lastID
}

func bubble(t *testing.T, f func(d *desk, h http.Handler)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		h, stop := NewHandler(d, Options{Ring: 4}, true)
		f(d, h)
		stop()
		synctest.Wait()
	})
}

func TestStreamIsFramed(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		p, leave := listen(t, h, "/v1/events", "")
		defer leave()
		if p.head.Get("Content-Type") != "text/event-stream" || p.head.Get("X-Accel-Buffering") != "no" {
			t.Errorf("headers %v", p.head)
		}
		p.take()
		d.events <- Event{Type: EventLine, Port: &d.ports[0], Time: At(evening)}
		synctest.Wait()
		got := p.take()
		id := strings.SplitN(got, "\n", 2)[0]
		wantText := id + "\nevent: line\ndata: {\"seq\":1,\"type\":\"line\",\"time\":\"2026-11-24T21:07:00.000Z\",\"port\":{\"card\":2,\"port\":1,"
		if !strings.HasPrefix(got, wantText) || !strings.HasSuffix(got, "}\n\n") || !strings.HasSuffix(id, "-1") {
			t.Errorf("got %q\nwant prefix %q", got, wantText)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		p, leave := listen(t, h, "/v1/events", "")
		defer leave()
		time.Sleep(14 * time.Second)
		want(t, p)
		time.Sleep(time.Second)
		want(t, p, ":")
		time.Sleep(10 * time.Second)
		d.events <- Event{Type: EventCall} // an event is a sign of life too
		want(t, p, "1 call")
		time.Sleep(14 * time.Second)
		want(t, p)
		time.Sleep(time.Second)
		want(t, p, ":")
	})
}

func TestTypesAreChosen(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		p, leave := listen(t, h, "/v1/events?types=call,line", "")
		defer leave()
		for _, kind := range []string{EventCall, EventRegistration, EventLine} {
			d.events <- Event{Type: kind}
		}
		want(t, p, "1 call", "3 line")
		d.events <- Event{Type: EventResync} // the backend itself lost some
		want(t, p, "resync")
	})
}

func TestReplayAfterReconnect(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		p, leave := listen(t, h, "/v1/events", "")
		_, fresh := said(p.take()) // cut off before any event came
		d.events <- Event{Type: EventCall}
		last := want(t, p, "1 call")
		leave()
		for range 3 {
			d.events <- Event{Type: EventLine}
		}
		synctest.Wait()
		for _, c := range []struct {
			name, id string
			want     []string
		}{
			{"goes on", last, []string{"2 line", "3 line", "4 line"}},
			{"from the start", fresh, []string{"1 call", "2 line", "3 line", "4 line"}},
			{"begins now", "", nil},
			{"of another life of the daemon", "00000000-1", []string{"resync"}},
			{"from the future", strings.TrimSuffix(last, "1") + "99", []string{"resync"}},
			{"garbage", "hello", []string{"resync"}},
			{"negative", strings.TrimSuffix(last, "1") + "-1", []string{"resync"}},
		} {
			p, leave := listen(t, h, "/v1/events", c.id)
			if got, _ := said(p.take()); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			leave()
		}
		d.events <- Event{Type: EventLine} // the ring of four has lost number 1
		synctest.Wait()
		p, leave = listen(t, h, "/v1/events?last_event_id="+fresh, "")
		now := want(t, p, "resync")
		d.events <- Event{Type: EventLine}
		want(t, p, "6 line")
		leave()
		if !strings.HasSuffix(now, "-5") {
			t.Errorf("resync continues at %s, want 5", now)
		}
	})
}

// A reader that takes nothing is overtaken by the ring, costs the others
// nothing, and is told to fetch everything again.
func TestSlowReaderGetsResync(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		slow, leaveSlow := listen(t, h, "/v1/events", "")
		quick, leaveQuick := listen(t, h, "/v1/events", "")
		defer leaveQuick()
		defer leaveSlow()
		hold := make(chan struct{})
		slow.block(hold)
		for i := range 9 {
			d.events <- Event{Type: EventLine}
			want(t, quick, fmt.Sprint(i+1, " line"))
		}
		slow.block(nil)
		close(hold)
		want(t, slow, "1 line", "resync")
		d.events <- Event{Type: EventCall}
		want(t, slow, "10 call")
	})
}

func TestStreamsAreCounted(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		var leaves []func()
		for range readersMax {
			_, leave := listen(t, h, "/v1/events", "")
			leaves = append(leaves, leave)
		}
		p, done := listen(t, h, "/v1/events", "")
		done()
		if p.status != 503 || p.head.Get("Retry-After") == "" {
			t.Errorf("one too many: status %d", p.status)
		}
		leaves[0]()
		p, leave := listen(t, h, "/v1/events", "")
		if p.status != 0 && p.status != 200 {
			t.Errorf("after one left: status %d", p.status)
		}
		leave()
		for _, leave := range leaves[1:] {
			leave()
		}
	})
}

// When the daemon ends, its streams end by themselves.
func TestStreamEndsWithTheBackend(t *testing.T) {
	bubble(t, func(d *desk, h http.Handler) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(&page{head: http.Header{}}, httptest.NewRequest("GET", "/v1/events", nil))
		}()
		synctest.Wait()
		d.mu.Lock()
		events := d.events
		d.events = make(chan Event)
		d.mu.Unlock()
		close(events)
		<-done
	})
}

// A request that waits for a telephone does not hold up the end either, and a
// stream that comes too late is told so.
func TestLongRequestsEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := NewHandler(newDesk(), Options{}, false)
		done := make(chan int)
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/phones/1/record", nil))
			done <- w.Code
		}()
		synctest.Wait()
		stop()
		if code := <-done; code != 503 {
			t.Errorf("the waiting request got %d", code)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/v1/events", nil))
		if w.Code != 503 || !strings.Contains(w.Body.String(), "stopping") {
			t.Errorf("a late stream got %d %s", w.Code, w.Body)
		}
	})
}

func TestHeadOfAStreamEnds(t *testing.T) {
	h, stop := NewHandler(newDesk(), Options{}, true)
	defer stop()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("HEAD", "/v1/events", nil))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestClientFollowsEvents(t *testing.T) {
	d := newDesk()
	c := NewClient(serve(t, d, nil))
	s, err := c.Events(t.Context(), "", EventCall)
	if err != nil {
		t.Fatal(err)
	}
	d.events <- Event{Type: EventLine}
	d.events <- Event{Type: EventCall, Port: &d.ports[2]}
	for e, err := range s.All() {
		if err != nil || e.Seq != 2 || e.Port == nil || e.Port.Call.Peer != "1001" {
			t.Errorf("event %+v, %v", e, err)
		}
		break
	}
	s.Close()
	d.events <- Event{Type: EventCall, Message: "missed"}
	s, err = c.Events(t.Context(), s.LastID())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for e, err := range s.All() {
		if err != nil || e.Seq != 3 || e.Message != "missed" {
			t.Errorf("after reconnect: %+v, %v", e, err)
		}
		break
	}
}
