package api

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *site) status(w http.ResponseWriter, _ *http.Request) error {
	st := s.b.Status()
	st.Servers, st.Problems = list(st.Servers), list(st.Problems)
	return answer(w, st)
}

func (s *site) port(w http.ResponseWriter, r *http.Request) error {
	n, err := portNumber(r.PathValue("n"))
	if err != nil {
		return err
	}
	p, err := s.b.Port(n)
	if err != nil {
		return err
	}
	return answer(w, p)
}

func (s *site) setEnabled(w http.ResponseWriter, r *http.Request, on bool) error {
	n, err := portNumber(r.PathValue("n"))
	if err != nil {
		return err
	}
	if err := read(r, &struct{}{}); err != nil {
		return err
	}
	p, err := s.b.SetEnabled(r.Context(), n, on)
	if err != nil {
		return err
	}
	return answer(w, p)
}

func (s *site) refresh(w http.ResponseWriter, r *http.Request) error {
	var q RefreshRequest
	if err := read(r, &q); err != nil {
		return err
	}
	if err := s.b.RefreshRegistrations(r.Context(), q.Ports); err != nil {
		return err
	}
	return answer(w, Refreshed{Ports: list(q.Ports)})
}

// historyMax is also the default of ?limit=.
const historyMax = 100

func (s *site) history(w http.ResponseWriter, r *http.Request) error {
	limit := historyMax
	if q := r.URL.Query().Get("limit"); q != "" {
		n, err := strconv.Atoi(q)
		if err != nil || n < 1 || n > historyMax {
			return Invalid("limit: %q is no number from 1 to %d", q, historyMax)
		}
		limit = n
	}
	return answer(w, list(s.b.History(limit)))
}

func (s *site) config(w http.ResponseWriter, r *http.Request) error {
	c, err := s.b.Config()
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if wantsYAML(r.Header.Get("Accept")) {
		return send(w, "application/yaml", []byte(c.YAML))
	}
	return send(w, "application/json", c.JSON)
}

// wantsYAML: JSON is the default, also for */*.
func wantsYAML(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		t, _, err := mime.ParseMediaType(part)
		if err == nil && (t == "application/yaml" || t == "text/yaml" || t == "text/plain") {
			return true
		}
	}
	return false
}

func (s *site) reload(w http.ResponseWriter, r *http.Request) error {
	if err := read(r, &struct{}{}); err != nil {
		return err
	}
	done, err := s.b.Reload(r.Context())
	if err != nil {
		return err
	}
	done.Changed = list(done.Changed)
	return answer(w, done)
}

func (s *site) phone(w http.ResponseWriter, r *http.Request) error {
	n, err := portNumber(r.PathValue("n"))
	if err != nil {
		return err
	}
	action := r.PathValue("action")
	if !slices.Contains(PhoneActions, action) {
		return NotFound("a phone has no %q; it has %s", action, strings.Join(PhoneActions, ", "))
	}
	var q PhoneRequest
	if err := read(r, &q); err != nil {
		return err
	}
	// A phone dials and waits in its own time.
	c := http.NewResponseController(w)
	endless(c)
	_ = c.SetWriteDeadline(time.Now().Add(phoneTime + writeTime))
	ctx, cancel := context.WithTimeout(r.Context(), phoneTime)
	defer cancel()
	defer context.AfterFunc(s.hub.life, cancel)() // a wait does not hold up the daemon's end
	res, err := s.b.Phone(ctx, n, action, q.Args)
	if err != nil {
		return err
	}
	if res.Heard != nil {
		res.Heard.Hz = list(res.Heard.Hz)
	}
	return answer(w, res)
}

func (s *site) metrics(w http.ResponseWriter, _ *http.Request) error {
	var b bytes.Buffer
	if err := s.b.Metrics(&b); err != nil {
		return err
	}
	return send(w, "text/plain; version=0.0.4; charset=utf-8", b.Bytes())
}

// Health answers GET /healthz.
type Health struct {
	Status string `json:"status"` // "ok"
}

func (s *site) healthz(w http.ResponseWriter, _ *http.Request) error {
	st := s.b.Status()
	if !st.Healthy {
		return Unavailable("%s", strings.Join(st.Problems, "; "))
	}
	return answer(w, Health{Status: "ok"})
}
