package main

import (
	"context"
	"errors"
	"strings"

	"tipring/api"
	"tipring/board/sim"
)

// Phone moves a telephone of the simulated board.
func (d *daemon) Phone(ctx context.Context, n int, action string, args []string) (api.PhoneResult, error) {
	if d.desk == nil {
		return api.PhoneResult{}, api.Refused("the board is %s: its telephones are real, move them by hand", d.board.Name())
	}
	if _, err := d.Port(n); err != nil {
		return api.PhoneResult{}, err
	}
	phone := d.desk.Phone(n)
	if phone == nil {
		return api.PhoneResult{}, api.Refused("the simulated board has no socket %d: it got those of the configuration that it started with, at least %d", n, sockets)
	}
	if action == "wait" { // "tone 1004" may come as one argument
		args = strings.Fields(strings.Join(args, " "))
	}
	r, err := phone.Do(ctx, action, args...)
	out := api.PhoneResult{Port: n, Action: action, OK: true, Text: r.Text, At: api.At(r.At)}
	if r.Heard != nil {
		out.Heard = wireHeard(*r.Heard)
	}
	if c := r.Caller; c != nil {
		out.Display = &api.Display{Number: c.Number, Name: c.Name, Time: c.Time, Standard: c.Standard}
	}
	switch {
	case errors.Is(err, sim.ErrTimeout):
		out.OK, out.Text = false, err.Error()
	case errors.Is(err, sim.ErrUsage):
		return out, api.Invalid("%s", err)
	case err != nil:
		return out, api.Refused("phone %d: %s", n, err)
	}
	return out, nil
}

func wireHeard(h sim.Heard) *api.Heard {
	hz := h.Hz
	if hz == nil {
		hz = []float64{}
	}
	return &api.Heard{Name: h.Name, Hz: hz, Level: h.Level, Cadence: h.Cadence, Since: api.At(h.Since)}
}
