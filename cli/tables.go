package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tipring/api"
)

// place is a port as the vendor writes it.
func place(p api.Port) string { return fmt.Sprintf("[%d:%d]", p.Card, p.Port) }

// moment prints a time in the user's zone, "" for never.
func (s *session) moment(t api.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.zone()).Format("2006-01-02 15:04:05")
}

func (s *session) clock(t api.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.zone()).Format("15:04:05")
}

// answerText is the registrar's last word: "403 Forbidden", "no answer".
func answerText(r api.Registration) string {
	if r.Code == 0 {
		return r.Reason
	}
	return strings.TrimSpace(strconv.Itoa(r.Code) + " " + r.Reason)
}

func (s *session) registrations(regs []api.PortRegistration) string {
	var rows [][]string
	for _, r := range regs {
		g := r.Registration
		rows = append(rows, []string{fmt.Sprintf("[%d:%d]", r.Card, r.Port), r.Number, g.State, g.Server,
			s.clock(g.Since), s.clock(g.NextTry), answerText(g)})
	}
	return table([]string{"port", "number", "state", "server", "since", "next-try", "answer"}, rows)
}

func (s *session) portSheet(p api.Port) string {
	g, c := p.Registration, p.Call
	enabled := "disabled"
	if p.Enabled {
		enabled = "enabled"
	}
	expires, attempts := "", ""
	if g.ExpiresS > 0 {
		expires = fmt.Sprintf("%d s", g.ExpiresS)
	}
	if g.Attempts > 0 {
		attempts = strconv.Itoa(g.Attempts)
	}
	line := p.Line.Physical + ", " + p.Line.State
	if p.Line.Feed != "" {
		line += ", feed " + p.Line.Feed
	}
	if p.Line.Tone != "" {
		line += ", tone " + p.Line.Tone
	}
	return place(p) + "\n" + sheet(
		"service", enabled,
		"number", p.Number,
		"account", p.Service,
		"registration", g.State,
		"server", g.Server,
		"answer", answerText(g),
		"granted", expires,
		"since", s.moment(g.Since),
		"next try", s.moment(g.NextTry),
		"failed tries", attempts,
		"call", c.State,
		"direction", c.Direction,
		"peer", strings.TrimSpace(c.Peer+" "+c.Name),
		"codec", c.Codec,
		"call since", s.moment(c.Since),
		"line", line,
	)
}

func (s *session) calls(calls []api.ActiveCall) string {
	if len(calls) == 0 {
		return "no calls\n"
	}
	var rows [][]string
	for _, c := range calls {
		media := ""
		if m := c.Media; m != nil {
			media = fmt.Sprintf("%d/%d lost %d jitter %.1f ms", m.Sent, m.Received, m.Lost, m.JitterMS)
		}
		rows = append(rows, []string{fmt.Sprintf("[%d:%d]", c.Card, c.Port), c.State, c.Direction, c.Peer, c.Codec,
			s.clock(c.Started), s.clock(c.Answered), media})
	}
	return table([]string{"port", "state", "dir", "peer", "codec", "started", "answered", "sent/received"}, rows)
}

func (s *session) history(calls []api.CallRecord) string {
	if len(calls) == 0 {
		return "no calls\n"
	}
	var rows [][]string
	for _, c := range calls {
		cause := c.Reason
		if c.Code != 0 {
			cause = strings.TrimSpace(strconv.Itoa(c.Code) + " " + cause)
		}
		rows = append(rows, []string{fmt.Sprintf("[%d:%d]", c.Card, c.Port), s.started(c), c.Direction, c.Peer,
			(time.Duration(c.DurationS) * time.Second).String(), c.Result, cause})
	}
	return table([]string{"port", "started", "dir", "peer", "talked", "result", "cause"}, rows)
}

// started has no blank, so that the columns of the history stay countable.
func (s *session) started(c api.CallRecord) string {
	return strings.ReplaceAll(s.moment(c.Started), " ", "T")
}

func lines(ports []api.Port) string {
	var rows [][]string
	for _, p := range ports {
		rows = append(rows, []string{place(p), p.Line.Physical, p.Line.State, p.Line.Feed, dash(p.Line.Tone)})
	}
	return table([]string{"port", "physical-status", "state", "feed", "tone"}, rows)
}

func (s *session) cardSheet(st api.Status) string {
	health := "ok"
	if !st.Healthy {
		health = strings.Join(st.Problems, "; ")
	}
	pairs := []string{
		"board", st.Board,
		"country", st.Country,
		"ports", fmt.Sprintf("%d, %d enabled, %d registered, %d in call", st.Ports.Total, st.Ports.Enabled, st.Ports.Registered, st.Ports.InCall),
		"version", st.Version,
		"up since", s.moment(st.Started),
		"health", health,
	}
	for _, v := range st.Servers {
		text := v.Address + " " + v.State
		if v.RTTms > 0 {
			text += fmt.Sprintf(", %.1f ms", v.RTTms)
		}
		pairs = append(pairs, "server of "+cell(v.Service), text)
	}
	return fmt.Sprintf("card %d\n", st.Card) + sheet(pairs...)
}

func versionText(v api.Version) string {
	text := v.Name + " " + v.Version
	if v.Commit != "" {
		text += " (" + v.Commit + ")"
	}
	return clean(fmt.Sprintf("%s %s %s, api %s", text, v.Go, v.Platform, v.API)) + "\n"
}
