package fxs

import (
	"testing"
	"time"
)

func TestCallerIDBurst(t *testing.T) {
	fsk := CallerIDRule{Standard: Bell202}
	dtmf := CallerIDRule{Standard: DTMFAC, BeforeRing: true}
	unset := time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC)
	tests := []struct {
		name string
		now  time.Time
		rule CallerIDRule
		id   CallerID
		want CallerIDBurst
	}{
		{"number and name", t0, fsk, CallerID{Number: "1003", Name: "Wang Wei"}, CallerIDBurst{Number: "1003", Name: "Wang Wei", When: t0}},
		{"clock never set", unset, fsk, CallerID{Number: "1003"}, CallerIDBurst{Number: "1003"}},
		{"first day that counts", clockSet, fsk, CallerID{Number: "1003"}, CallerIDBurst{Number: "1003", When: clockSet}},
		{"withheld", t0, fsk, CallerID{Number: "1003", Name: "Wang Wei", Withheld: true}, CallerIDBurst{Absent: Withheld, When: t0}},
		{"nothing known", t0, fsk, CallerID{}, CallerIDBurst{Absent: Unavailable, When: t0}},
		{"name only", t0, fsk, CallerID{Name: "Front door"}, CallerIDBurst{Absent: Unavailable, Name: "Front door", When: t0}},
		{"user part of letters", t0, fsk, CallerID{Number: "alice"}, CallerIDBurst{Absent: Unavailable, Name: "alice", When: t0}},
		{"international", t0, fsk, CallerID{Number: "+49 (30) 123-456"}, CallerIDBurst{Number: "+4930123456", When: t0}},
		{"too long", t0, fsk, CallerID{Number: "123456789012345678901234", Name: "A name that no display has room for"},
			CallerIDBurst{Number: "12345678901234567890", Name: "A name that no", When: t0}},
		{"control characters", t0, fsk, CallerID{Number: "10\x0003", Name: "\x80\x04Wa\nng\x7f"}, CallerIDBurst{Absent: Unavailable, Name: "Wang", When: t0}},
		{"tone digits carry no plus and no keys", t0, dtmf, CallerID{Number: "+86*10#1"}, CallerIDBurst{Standard: DTMFAC, Number: "86101", When: t0}},
		{"tone digits, nothing left", t0, dtmf, CallerID{Number: "*#"}, CallerIDBurst{Standard: DTMFAC, Absent: Unavailable, When: t0}},
		{"tone digits carry no name", t0, dtmf, CallerID{Number: "1003", Name: "Wang Wei"}, CallerIDBurst{Standard: DTMFAC, Number: "1003", When: t0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want.Standard == NoCallerID {
				tt.want.Standard = Bell202
			}
			if got := *newCallerIDBurst(tt.now, tt.rule, tt.id); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// The length by hand: GR-30 MDMF of date (10), number (6), name (10), type, length and checksum: 29 octets.
func TestBurstDuration(t *testing.T) {
	b := &CallerIDBurst{Standard: Bell202, Number: "1003", Name: "Wang Wei", When: t0}
	if got, want := b.Duration(), (300+180+29*10+10)*time.Second/1200; got != want {
		t.Errorf("FSK: %v, want %v", got, want)
	}
	b.Alert = true
	if got, want := b.Duration(), 200*time.Millisecond+780*time.Second/1200; got != want {
		t.Errorf("with DT-AS: %v, want %v", got, want)
	}
	b = &CallerIDBurst{Standard: DTMFAC, Number: "1003"} // A1003C: six digits of 140 ms
	if got := b.Duration(); got != 6*140*time.Millisecond-70*time.Millisecond {
		t.Errorf("DTMF: %v", got)
	}
}

func TestBurstFitsItsPause(t *testing.T) {
	b := &CallerIDBurst{Standard: Bell202, Number: "1003", Name: "Wäng Wei", When: t0}
	full := b.Duration()
	if !b.fit(full) || b.Name != "Wäng Wei" {
		t.Errorf("fits, but name became %q", b.Name)
	}
	if !b.fit(full-10*time.Second/1200) || b.Name != "Wäng We" {
		t.Errorf("one character less, got %q", b.Name)
	}
	if b.fit(100*time.Millisecond) || b.Name != "" {
		t.Errorf("cannot fit, name %q", b.Name)
	}
}
