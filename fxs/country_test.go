package fxs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// checkTone reads a tone string by the notation that countries.json explains.
func checkTone(s string) error {
	elements := strings.Split(s, ",")
	for i, e := range elements {
		e = strings.TrimPrefix(e, "!")
		freq, length, timed := strings.Cut(e, "/")
		if !timed && i < len(elements)-1 {
			return fmt.Errorf("%q never ends, but %d elements follow", e, len(elements)-1-i)
		}
		if timed {
			if n, err := strconv.Atoi(length); err != nil || n < 10 || n > 20000 {
				return fmt.Errorf("length of %q", e)
			}
		}
		if freq == "0" {
			continue
		}
		parts := strings.FieldsFunc(freq, func(r rune) bool { return r == '+' || r == '*' })
		if len(parts) > 4 || strings.Contains(freq, "*") && len(parts) != 2 {
			return fmt.Errorf("frequencies of %q", e)
		}
		for j, p := range parts {
			f, err := strconv.Atoi(p)
			low := 200
			if j == 1 && strings.Contains(freq, "*") {
				low = 10
			}
			if err != nil || f < low || f > 3400 {
				return fmt.Errorf("frequency %q of %q", p, e)
			}
		}
	}
	return nil
}

func TestEveryCountry(t *testing.T) {
	if n := len(Countries()); n != 38 {
		t.Errorf("%d countries, want 38", n)
	}
	for _, iso := range Countries() {
		c := country(t, iso)
		if c.ISO != iso || len(iso) != 2 || c.Name == "" || c.Impedance == "" {
			t.Errorf("%s: name %q, impedance %q", c.ISO, c.Name, c.Impedance)
		}
		if c.Law != "alaw" && c.Law != "ulaw" {
			t.Errorf("%s: law %q", iso, c.Law)
		}
		if c.Style != "us" && c.Style != "etsi" {
			t.Errorf("%s: style %q", iso, c.Style)
		}
		if c.RingHz < 16 || c.RingHz > 50 || c.RingHzSLIC < 20 || c.RingHzSLIC > 25 {
			t.Errorf("%s: rings with %d or %d Hz", iso, c.RingHz, c.RingHzSLIC)
		}
		if c.FlashMin < ms(50) || c.FlashMin >= c.FlashNominal || c.FlashNominal >= c.FlashMax || c.FlashMax > ms(1000) {
			t.Errorf("%s: flash %v, %v, %v", iso, c.FlashMin, c.FlashNominal, c.FlashMax)
		}
		rings := c.RingCadence()
		total := time.Duration(0)
		for i, d := range rings {
			if total += d; d < ms(200) || d > 5*time.Second {
				t.Errorf("%s: cadence element %d is %v", iso, i, d)
			}
		}
		if len(rings) == 0 || len(rings)%2 != 0 || total < 3*time.Second || total > 6*time.Second {
			t.Errorf("%s: cadence %v", iso, rings)
		}
		rings[0] = 0
		if c.RingCadence()[0] == 0 {
			t.Errorf("%s: the caller can change the cadence", iso)
		}
		for _, tone := range Tones() {
			s := c.Tone(tone)
			if err := checkTone(s); err != nil {
				t.Errorf("%s %v %q: %v", iso, tone, s, err)
			}
			if tone != ToneNone && strings.Trim(s, "0/,!") == "" {
				t.Errorf("%s: no %v tone", iso, tone)
			}
		}
		if c.Tone(ToneNone) != "" || c.Tone(toneCount) != "" {
			t.Errorf("%s: a tone for nothing", iso)
		}
		if s := c.CallerID.Standard; s == NoCallerID || s >= standardCount {
			t.Errorf("%s: caller ID %v", iso, s)
		}
		if c.CallerID.Reversal && !c.CallerID.BeforeRing {
			t.Errorf("%s: reversal announces nothing", iso)
		}
	}
}

// Facts of the table, taken by hand, so that a slip in reading it shows.
func TestCountryFacts(t *testing.T) {
	cn := country(t, "cn")
	for tone, want := range map[Tone]string{
		ToneDial: "450", ToneBusy: "450/350,0/350", ToneCongestion: "450/700,0/700", ToneRingback: "450/1000,0/4000",
		ToneCallWaiting: "450/400,0/4000", ToneRecall: "450", ToneHowler: howler,
		ToneUnobtainable: "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400",
	} {
		if got := cn.Tone(tone); got != want {
			t.Errorf("CN %v: %q, want %q", tone, got, want)
		}
	}
	for iso, want := range map[string]CallerIDRule{
		"CN": {Standard: Bell202},
		"US": {Standard: Bell202},
		"DE": {Standard: V23},
		"GB": {Standard: V23, BeforeRing: true, Reversal: true, Alert: true},
		"SE": {Standard: DTMFAC, BeforeRing: true, Reversal: true},
		"IN": {Standard: DTMFAC, BeforeRing: true, Reversal: true},
		"DK": {Standard: DTMFAHash, BeforeRing: true},
		"TW": {Standard: V23, BeforeRing: true, Alert: true},
		"RU": {Standard: V23},
		"JP": {Standard: NTT, BeforeRing: true, Reversal: true},
	} {
		if got := country(t, iso).CallerID; got != want {
			t.Errorf("%s: %+v, want %+v", iso, got, want)
		}
	}
	if got := country(t, "GB").Tone(ToneUnobtainable); got != "400" {
		t.Errorf("GB unobtainable: %q", got)
	}
	if got := country(t, "AU").Tone(ToneHowler); got != "1500" {
		t.Errorf("AU howler: %q", got)
	}
	if got := country(t, "US").Tone(ToneRecall); !strings.HasPrefix(got, "!350+440/100") {
		t.Errorf("US recall: %q", got)
	}
}

func TestLookupCountry(t *testing.T) {
	for in, want := range map[string]string{"CN": "CN", " de ": "DE", "uk": "GB"} {
		if c, err := LookupCountry(in); err != nil || c.ISO != want {
			t.Errorf("%q: %v, %v", in, c, err)
		}
	}
	for in, want := range map[string]string{
		"XX": "one of AR AT AU", "": "one of AR AT AU", "china": "write its code, CN",
	} {
		if _, err := LookupCountry(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", in, err, want)
		}
	}
}

// The table is data for people, too: no field of it may be misspelt.
func TestCountryTableIsStrict(t *testing.T) {
	var file struct {
		Countries []map[string]json.RawMessage
		Sources   map[string]string
	}
	if err := json.Unmarshal(countriesJSON, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Countries {
		for k := range c {
			switch k {
			case "iso", "name", "law", "style", "style_confidence", "tones", "tones_confidence", "ring_cadence_ms", "ring_hz",
				"ring_hz_gpio", "ring_hz_confidence", "flash_ms", "cid", "impedance_ohm", "impedance_confidence", "pulse",
				"pulse_confidence", "sources", "note":
			default:
				t.Errorf("%s: unknown key %q", c["iso"], k)
			}
		}
		var cited map[string][]string
		if err := json.Unmarshal(c["sources"], &cited); err != nil {
			t.Errorf("%s: sources: %v", c["iso"], err)
		}
		for what, list := range cited {
			for _, s := range list {
				if file.Sources[s] == "" {
					t.Errorf("%s: %s cites %q, which is not in the list of sources", c["iso"], what, s)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		ToneCallWaiting.String(): "callwaiting", FeedRinging.String(): "ringing", OffHook.String(): "OFF-HOOK",
		Fault.String(): "FAULT", StateLockout.String(): "lockout", State(200).String(): "unknown", Tone(200).String(): "unknown",
		Physical(99).String(): "unknown", Feed(99).String(): "unknown", NTT.String(): "ntt", FullAmbiguous.String(): "full, ambiguous",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if len(Tones()) != int(toneCount)-1 || len(stateNames) != int(stateCount) || len(standardNames) != int(standardCount) {
		t.Error("a list of names is incomplete")
	}
}
