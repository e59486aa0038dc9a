package fxs

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultCountry is the country of a line that was given none.
const DefaultCountry = "CN"

// Country is how telephones ring, hear and flash in one country. It comes from countries.json, where each value has its
// source and how far it may be trusted. A Country never changes.
type Country struct {
	ISO, Name  string
	Law        string // "alaw" or "ulaw": the codec law of the country's network
	Style      string // "us" or "etsi": what a flash means during a call
	RingHz     int    // of the country's network
	RingHzSLIC int    // the nearest that a line circuit of 20 to 25 Hz makes
	Impedance  string // of the line, ohms: "600", "200+680||100n"

	FlashMin, FlashMax, FlashNominal time.Duration // loop open for a flash: accepted, and as telephones make it

	CallerID CallerIDRule
	Pulse    PulseCode

	cadence []time.Duration
	tones   [toneCount]string
}

// CallerIDRule is when and how the caller is sent.
type CallerIDRule struct {
	Standard   Standard
	BeforeRing bool // before the first ring; else in the first long pause
	Reversal   bool // the polarity is reversed from the announcement to the first ring
	Alert      bool // DT-AS first
}

//go:embed countries.json
var countriesJSON []byte

// countryRow is a country as it stands in the file.
type countryRow struct {
	ISO       string            `json:"iso"`
	Name      string            `json:"name"`
	Law       string            `json:"law"`
	Style     string            `json:"style"`
	Tones     map[string]string `json:"tones"`
	Cadence   []int             `json:"ring_cadence_ms"`
	RingHz    int               `json:"ring_hz"`
	RingSLIC  int               `json:"ring_hz_gpio"`
	Impedance string            `json:"impedance_ohm"`
	Pulse     string            `json:"pulse"`
	Flash     struct {
		Min, Max, Nominal int
	} `json:"flash_ms"`
	CID struct {
		Method   string `json:"method"`
		FSK      string `json:"fsk"`
		When     string `json:"when"`
		Reversal bool   `json:"reversal"`
		DTAS     bool   `json:"dtas"`
		Variant  int    `json:"dtmf_variant"`
	} `json:"cid"`
}

var countries = sync.OnceValues(func() (map[string]*Country, error) {
	var file struct{ Countries []countryRow }
	if err := json.Unmarshal(countriesJSON, &file); err != nil {
		return nil, fmt.Errorf("embedded country table: %v", err)
	}
	all := make(map[string]*Country, len(file.Countries))
	for _, r := range file.Countries {
		all[r.ISO] = r.country()
	}
	return all, nil
})

// LookupCountry finds a country by its ISO 3166 code of two letters, in either case.
func LookupCountry(iso string) (*Country, error) {
	all, err := countries()
	if err != nil {
		return nil, err
	}
	code := strings.ToUpper(strings.TrimSpace(iso))
	if code == "UK" {
		code = "GB"
	}
	if c := all[code]; c != nil {
		return c, nil
	}
	for _, c := range all {
		if strings.EqualFold(c.Name, strings.TrimSpace(iso)) {
			return nil, fmt.Errorf("unknown country %q: write its code, %s", iso, c.ISO)
		}
	}
	return nil, fmt.Errorf("unknown country %q: one of %s", iso, strings.Join(Countries(), " "))
}

// Countries lists the codes of all countries, sorted.
func Countries() []string {
	all, _ := countries() // a table that cannot be read has no countries; LookupCountry says why
	codes := make([]string, 0, len(all))
	for iso := range all {
		codes = append(codes, iso)
	}
	slices.Sort(codes)
	return codes
}

// Tone is how t sounds, in the notation of countries.json: "450/350,0/350". Empty for ToneNone.
func (c *Country) Tone(t Tone) string {
	if t >= toneCount {
		return ""
	}
	return c.tones[t]
}

// RingCadence is the ringing rhythm: on, off, on, off ...; it repeats.
func (c *Country) RingCadence() []time.Duration { return slices.Clone(c.cadence) }

// howler is the receiver-off-hook tone where the country names none.
const howler = "1400+2060+2450+2600/100,0/100"

func (r countryRow) country() *Country {
	c := &Country{
		ISO: r.ISO, Name: r.Name, Law: r.Law, Style: r.Style, RingHz: r.RingHz, RingHzSLIC: r.RingSLIC, Impedance: r.Impedance,
		FlashMin: ms(r.Flash.Min), FlashMax: ms(r.Flash.Max), FlashNominal: ms(r.Flash.Nominal),
		CallerID: r.callerID(),
	}
	switch r.Pulse {
	case "one_is_zero":
		c.Pulse = PulseOneIsZero
	case "ten_minus":
		c.Pulse = PulseTenMinus
	}
	for _, d := range r.Cadence {
		c.cadence = append(c.cadence, ms(d))
	}
	tone := func(names ...string) string {
		for _, n := range names {
			if s := r.Tones[n]; s != "" {
				return s
			}
		}
		return ""
	}
	recall := tone("dial")
	if r.Style == "us" { // three breaks, then dial tone; elsewhere the plain one returns
		recall = tone("stutter", "dial")
	}
	c.tones = [toneCount]string{
		ToneDial: tone("dial"), ToneStutter: tone("stutter", "dial"), ToneRecall: recall, ToneBusy: tone("busy"),
		ToneCongestion: tone("congestion", "busy"), ToneRingback: tone("ringback"),
		ToneUnobtainable: tone("unobtainable", "info", "congestion"), ToneCallWaiting: tone("callwaiting"),
		ToneHowler: cmp.Or(tone("howler"), howler),
	}
	return c
}

func (r countryRow) callerID() CallerIDRule {
	rule := CallerIDRule{BeforeRing: r.CID.When == "before_first_ring", Reversal: r.CID.Reversal, Alert: r.CID.DTAS}
	switch r.CID.Method {
	case "fsk":
		rule.Standard = V23
		if r.CID.FSK == "bell202" {
			rule.Standard = Bell202
		}
	case "dtmf":
		switch r.CID.Variant {
		case 1:
			rule.Standard = DTMFAC
		case 2:
			rule.Standard = DTMFAHash
		case 3:
			rule.Standard = DTMFDC
		case 4:
			rule.Standard = DTMFHash
		}
	case "ntt":
		rule.Standard = NTT
	}
	return rule
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
