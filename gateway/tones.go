package gateway

import (
	"fmt"

	"tipring/config"
	"tipring/fxs"
	"tipring/media/dsp"
)

// countryPlan is a country's tones, compiled for the tone generator.
type countryPlan struct {
	country *fxs.Country
	tones   map[fxs.Tone]*dsp.Plan
}

// plan compiles a country once; the pointer is the country's identity from then on. g.mu is held.
func (g *Gateway) plan(iso string) (*countryPlan, error) {
	if p := g.plans[iso]; p != nil {
		return p, nil
	}
	c, err := fxs.LookupCountry(iso)
	if err != nil {
		return nil, err
	}
	p := &countryPlan{c, map[fxs.Tone]*dsp.Plan{}}
	for _, t := range fxs.Tones() {
		if p.tones[t], err = compile(c, t); err != nil {
			return nil, fmt.Errorf("country %s, %s tone: %w", iso, t, err)
		}
	}
	g.plans[iso] = p
	return p, nil
}

// compile gives a country's tone its level. A tone that the country does not have is silence.
func compile(c *fxs.Country, t fxs.Tone) (*dsp.Plan, error) {
	spec := c.Tone(t)
	if t == fxs.ToneHowler {
		return dsp.Howler(spec)
	}
	if spec == "" {
		return nil, nil
	}
	level := dsp.LevelTone
	switch {
	case t == fxs.ToneUnobtainable:
		level = dsp.LevelInfo
	case t == fxs.ToneCallWaiting:
		level = dsp.LevelCallWait
	case c.ISO == "US" && t == fxs.ToneRingback:
		level = dsp.LevelUSRingback
	case c.ISO == "US" && (t == fxs.ToneBusy || t == fxs.ToneCongestion):
		level = dsp.LevelUSBusy
	}
	return dsp.ParseTone(spec, level)
}

func lineTimers(t config.Timers) fxs.Timers {
	return fxs.Timers{
		FirstDigit: t.FirstDigit, InterLong: t.InterDigit, InterShort: t.InterDigitShort, Reorder: t.Busy, Howler: t.Howler,
	}
}
