package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tipring/api"
	"tipring/board"
	"tipring/board/sim"
	"tipring/config"
	"tipring/gateway"
)

// daemon is the api's backend: it translates between the wire's words and the gateway's.
type daemon struct {
	file    string
	board   board.Board
	desk    *sim.Board // nil: real telephones
	gateway *gateway.Gateway
	log     *slog.Logger
	level   *slog.LevelVar
	started time.Time
	feed    *feed
}

var _ api.Backend = (*daemon)(nil)

func (d *daemon) Version() api.Version { return thisVersion() }

func (d *daemon) Ports() []api.Port {
	all := []api.Port{}
	for _, s := range d.gateway.Status() {
		all = append(all, wirePort(s))
	}
	return all
}

func (d *daemon) Port(n int) (api.Port, error) {
	all := d.Ports()
	var have []int
	for _, p := range all {
		if p.Port == n {
			return p, nil
		}
		have = append(have, p.Port)
	}
	if cfg := d.gateway.Config(); len(have) == 0 && (cfg == nil || len(cfg.Ports) > 0) { // the local socket is the first to live
		return api.Port{}, api.Unavailable("the gateway is starting")
	}
	return api.Port{}, api.NotFound("there is no port %d; the ports are %s", n, numbers(have))
}

func (d *daemon) Registrations() []api.PortRegistration {
	all := []api.PortRegistration{}
	for _, p := range d.Ports() {
		all = append(all, api.PortRegistration{
			Card: p.Card, Port: p.Port, Enabled: p.Enabled, Number: p.Number, Service: p.Service, Registration: p.Registration,
		})
	}
	return all
}

func (d *daemon) Calls() []api.ActiveCall {
	all := []api.ActiveCall{}
	for _, s := range d.gateway.Status() {
		if s.Call.ID != "" {
			all = append(all, wireCall(s))
		}
		if s.Held.ID != "" { // its voice path is not in use
			s.Call, s.Media = s.Held, nil
			all = append(all, wireCall(s))
		}
	}
	return all
}

func (d *daemon) History(limit int) []api.CallRecord {
	all := []api.CallRecord{}
	card := d.card()
	for _, r := range d.gateway.History() {
		if len(all) == limit {
			break
		}
		all = append(all, wireRecord(card, r))
	}
	return all
}

func (d *daemon) card() int {
	if cfg := d.gateway.Config(); cfg != nil {
		return cfg.Card
	}
	return 0
}

func (d *daemon) Status() api.Status {
	st := api.Status{
		Version: version, Started: api.At(d.started), UptimeS: int64(time.Since(d.started).Seconds()), Board: d.board.Name(),
		Healthy: true, Problems: []string{}, Servers: []api.Server{},
	}
	if cfg := d.gateway.Config(); cfg != nil {
		st.Card, st.Country = cfg.Card, cfg.Country
	}
	for _, s := range d.gateway.Status() {
		st.Ports.Total++
		if s.Enabled {
			st.Ports.Enabled++
		}
		if s.Registration.OK() {
			st.Ports.Registered++
		}
		if s.Call.ID != "" {
			st.Ports.InCall++
		}
		if s.Line.Fault != "" {
			st.Healthy = false
			st.Problems = append(st.Problems, fmt.Sprintf("port %d: line fault: %s", s.Port, s.Line.Fault))
		}
	}
	for _, s := range d.gateway.Servers() {
		st.Servers = append(st.Servers, wireServer(s))
	}
	return st
}

func (d *daemon) Config() (api.Config, error) {
	cfg := d.gateway.Config()
	if cfg == nil {
		return api.Config{}, api.Unavailable("the gateway is starting")
	}
	text, err := cfg.Masked()
	if err != nil {
		return api.Config{}, err
	}
	object, err := config.ToJSON(text)
	if err != nil {
		return api.Config{}, err
	}
	if !json.Valid(object) {
		return api.Config{}, errors.New("the configuration has no JSON form")
	}
	return api.Config{YAML: string(text), JSON: object}, nil
}

func (d *daemon) SetEnabled(_ context.Context, n int, on bool) (api.Port, error) {
	if err := d.gateway.SetEnabled(n, on); err != nil {
		return api.Port{}, d.wireError(err)
	}
	p, err := d.Port(n)
	p.Enabled = on // the actor follows; its snapshot may be a moment behind
	return p, err
}

func (d *daemon) RefreshRegistrations(_ context.Context, ports []int) error {
	return d.wireError(d.gateway.Register(ports...))
}

func (d *daemon) Reload(context.Context) (api.Reloaded, error) {
	cfg, err := config.Load(d.file, configChecks())
	if err != nil {
		return api.Reloaded{}, api.ConfigInvalid(errorLines(err))
	}
	old := d.gateway.Config()
	if err := d.gateway.Apply(cfg); err != nil {
		return api.Reloaded{}, d.wireError(err)
	}
	setLevel(d.level, cfg)
	out := api.Reloaded{Changed: []int{}, Message: "nothing changed"}
	var words []string
	for _, c := range config.Diff(old, cfg) {
		words = append(words, c.String())
		if c.Port != 0 {
			out.Changed = append(out.Changed, c.Port)
		}
	}
	if len(words) > 0 {
		out.Message = strings.Join(words, "; ")
	}
	d.log.Info("configuration reloaded", "file", d.file, "changed", out.Message)
	d.feed.publish(api.Event{Type: api.EventConfig, Message: out.Message})
	return out, nil
}

func (d *daemon) Subscribe(types ...string) (<-chan api.Event, func()) {
	return d.feed.subscribe(types)
}

func (d *daemon) Metrics(w io.Writer) error { return writeMetrics(w, d.gateway) }

// changed is told of every visible change of a port by its actor; it never blocks.
func (d *daemon) changed(c gateway.Change) {
	p := wirePort(c.Port)
	d.feed.publish(api.Event{Type: c.Kind, Port: &p})
}

func (d *daemon) wireError(err error) error {
	var busy *gateway.BusyError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gateway.ErrNoPort):
		return api.NotFound("%s", err)
	case errors.As(err, &busy), errors.Is(err, gateway.ErrDisabled):
		return api.Refused("%s", err)
	case errors.Is(err, gateway.ErrNotRunning):
		return api.Unavailable("%s", err)
	}
	return api.Refused("%s", err)
}

func numbers(n []int) string {
	if len(n) == 0 {
		return "(none)"
	}
	s := ""
	for i, v := range slices.Sorted(slices.Values(n)) {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(v)
	}
	return s
}
