package dsp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var someTime = time.Date(2026, 11, 24, 21, 7, 0, 0, time.UTC)

func TestMDMF(t *testing.T) {
	cases := []struct {
		name string
		id   CallID
		want string // type, parameters; without length and checksum
	}{
		{"all", CallID{Number: "1003", Name: "Wang Wei", Time: someTime}, "80 01 08 '11242107' 02 04 '1003' 07 08 'Wang Wei'"},
		{"no time", CallID{Number: "1003"}, "80 02 04 '1003'"},
		{"private", CallID{NumberAbsent: Private, NameAbsent: Private, Time: someTime}, "80 01 08 '11242107' 04 01 'P' 08 01 'P'"},
		{"private wins over a number", CallID{Number: "1003", NumberAbsent: Private}, "80 04 01 'P'"},
		{"nothing known", CallID{}, "80 04 01 'O'"},
		{"number is no number", CallID{Number: "alice", Name: "Alice"}, "80 04 01 'O' 07 05 'Alice'"},
		{"number dressed up", CallID{Number: "+49 (30) 123-45"}, "80 02 09 '493012345'"},
		{"name with accents", CallID{Number: "1", Name: "Jürgen Müßig"}, "80 02 01 '1' 07 0c 'Jurgen Musig'"},
		{"name in Chinese", CallID{Number: "1", Name: "王伟"}, "80 02 01 '1' 07 02 '??'"},
		{"long", CallID{Number: strings.Repeat("1234567890", 3), Name: "Bartholomew Cubbins"},
			"80 02 14 '12345678901234567890' 07 0f 'Bartholomew Cub'"},
		{"control characters", CallID{Number: "1", Name: "a\x00b\n"}, "80 02 01 '1' 07 03 'a?b'"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var want []byte
			for rest := c.want; rest != ""; {
				if rest[0] == '\'' {
					text, after, _ := strings.Cut(rest[1:], "'")
					want = append(want, text...)
					rest = strings.TrimSpace(after)
					continue
				}
				word, after, _ := strings.Cut(rest, " ")
				b, err := hex.DecodeString(word)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, b...)
				rest = after
			}
			got := MDMF(c.id)
			if int(got[1]) != len(got)-3 {
				t.Errorf("length %d of %d bytes", got[1], len(got))
			}
			var sum byte
			for _, b := range got {
				sum += b
			}
			if sum != 0 {
				t.Errorf("sum of all bytes is %02x", sum)
			}
			body := append([]byte{got[0]}, got[2:len(got)-1]...)
			if !bytes.Equal(body, want) {
				t.Errorf("% x\nwant % x", body, want)
			}
		})
	}
}

func TestSDMFAndVMWI(t *testing.T) {
	if got := SDMF(CallID{Number: "6095551212", Time: someTime}); string(got[2:len(got)-1]) != "112421076095551212" || got[0] != 4 || got[1] != 18 {
		t.Errorf("% x", got)
	}
	if got := SDMF(CallID{NumberAbsent: Private}); string(got[2:len(got)-1]) != "01010000P" {
		t.Errorf("% x", got)
	}
	if got := VMWI(true); !bytes.Equal(got, []byte{0x82, 3, 0x0b, 1, 0xff, 0x70}) {
		t.Errorf("% x", got)
	}
	if got := VMWI(false); !bytes.Equal(got, []byte{0x82, 3, 0x0b, 1, 0x00, 0x6f}) {
		t.Errorf("% x", got)
	}
}

// render plays a burst to its end in frames and checks that its length is what it says.
func render(t *testing.T, b *Burst) []int16 {
	t.Helper()
	var p BurstPlayer
	p.Start(b)
	var pcm []int16
	for frame := make([]int16, FrameSamples); p.Fill(frame); {
		pcm = append(pcm, frame...)
		if len(pcm) > 80*8000 {
			t.Fatal("does not end")
		}
	}
	if n := int(b.Duration().Seconds()*8000 + 0.5); len(pcm) < n || len(pcm) >= n+FrameSamples {
		t.Errorf("played %d samples, Duration says %d", len(pcm), n)
	}
	return pcm
}

func TestCallerIDBursts(t *testing.T) {
	id := CallID{Number: "1003", Name: "Wang Wei", Time: someTime}
	for std, m := range modems {
		for _, c := range []struct {
			name          string
			opts          []BurstOption
			want          []byte
			seizure, mark int
		}{
			{"on hook", nil, MDMF(id), 300, 180},
			{"number only", []BurstOption{NumberOnly}, SDMF(id), 300, 180},
			{"with alert", []BurstOption{WithAlert}, MDMF(id), 300, 180},
			{"call waiting", []BurstOption{CallWaiting}, MDMF(id), 0, 80},
		} {
			t.Run(std.String()+" "+c.name, func(t *testing.T) {
				pcm := render(t, CallerIDBurst(std, id, c.opts...))
				data := pcm
				if has(c.opts, WithAlert) {
					checkAlert(t, toFloat(pcm[:800]))
					for i, v := range pcm[800:1600] {
						if v != 0 {
							t.Fatalf("sample %d of the pause after the alert is %d", i, v)
						}
					}
					data = pcm[1600:]
				}
				got, seizure, mark := m.receive(append(data, make([]int16, 80)...))
				if !bytes.Equal(got, c.want) {
					t.Errorf("received % x, want % x", got, c.want)
				}
				if math.Abs(float64(seizure-c.seizure)) > 3 || math.Abs(float64(mark-c.mark)) > 2 {
					t.Errorf("seizure %d, mark %d bits; want %d, %d", seizure, mark, c.seizure, c.mark)
				}
			})
		}
	}
	checkAlert(t, toFloat(render(t, CASBurst())[:640]))
}

func checkAlert(t *testing.T, s sound) {
	t.Helper()
	for _, hz := range []float64{2130, 2750} {
		if got := s[40 : len(s)-40].at(hz); math.Abs(got+15) > 0.5 {
			t.Errorf("alert has %.2f dBm0 at %v Hz, want -15", got, hz)
		}
		if got := s[40:len(s)-40].peak(hz, 20); math.Abs(got-hz) > 2 {
			t.Errorf("alert has %.1f Hz, want %v within 0.5 %%", got, hz)
		}
	}
	if s[:16].level() < -50 || s[len(s)-16:].level() < -50 {
		t.Error("alert does not fill its time")
	}
}

func TestDTMFCallerID(t *testing.T) {
	number, private, unknown := CallID{Number: "0441234567"}, CallID{NumberAbsent: Private}, CallID{}
	cases := []struct {
		std  Standard
		id   CallID
		want string
	}{
		{DTMFAC, number, "A0441234567C"}, {DTMFAC, private, "B10C"}, {DTMFAC, unknown, "B00C"},
		{DTMFAHash, number, "A0441234567#"}, {DTMFAHash, private, "D1#"}, {DTMFAHash, unknown, "D2#"},
		{DTMFDC, number, "D0441234567C"}, {DTMFDC, private, ""}, {DTMFDC, unknown, ""},
		{DTMFHash, number, "0441234567#"}, {DTMFHash, private, ""},
		{DTMFAC, CallID{Number: "*#"}, "B00C"},
		{DTMFAC, CallID{Number: "#31#5"}, "A315C"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.std, " ", c.want), func(t *testing.T) {
			b := CallerIDBurst(c.std, c.id)
			pcm := append(render(t, b), make([]int16, 800)...)
			if h := listen(new(DTMFDetector), pcm); h.digits != c.want {
				t.Errorf("heard %q, want %q", h.digits, c.want)
			}
			if want := time.Duration(max(len(c.want)*140-70, 0)) * time.Millisecond; b.Duration() != want {
				t.Errorf("takes %v, want %v", b.Duration(), want)
			}
		})
	}
}

func TestBurstPlayerStops(t *testing.T) {
	var p BurstPlayer
	frame := make([]int16, 80)
	frame[0] = 1
	if p.Fill(frame) || frame[0] != 0 {
		t.Error("plays without a burst")
	}
	p.Start(CASBurst())
	for range 2 {
		if !p.Fill(frame) {
			t.Error("does not play")
		}
	}
	if p.Start(nil); p.Fill(frame) || frame[10] != 0 {
		t.Error("plays on after Start(nil)")
	}
	p.Start(&Burst{})
	if p.Fill(frame) {
		t.Error("plays an empty burst")
	}
}

func FuzzCallID(f *testing.F) {
	f.Add("1003", "Wang Wei", byte(0), byte(0), int64(0))
	f.Add("+4930", "\xff\xfe", byte('P'), byte('O'), int64(1e18))
	f.Fuzz(func(t *testing.T, number, name string, a, b byte, unix int64) {
		id := CallID{Number: number, Name: name, NumberAbsent: Absence(a), NameAbsent: Absence(b), Time: time.Unix(unix%4e9, 0)}
		for _, m := range [][]byte{MDMF(id), SDMF(id)} {
			var sum byte
			for _, c := range m {
				sum += c
			}
			if sum != 0 || int(m[1]) != len(m)-3 {
				t.Fatalf("% x: sum %d", m, sum)
			}
		}
		for std := Bell202; std <= DTMFHash+1; std++ {
			CallerIDBurst(std, id, WithAlert)
		}
	})
}
