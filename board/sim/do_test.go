package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/board"
)

func TestDo(t *testing.T) {
	dir := t.TempDir()
	say := filepath.Join(dir, "say.wav")
	var wav bytes.Buffer
	if err := WriteWAV(&wav, render(t, "700", -12, 8000)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(say, wav.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.wav")
	if err := os.WriteFile(bad, []byte("no music"), 0o600); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(dir, "record.wav")
	tones := countries(t)["CN"]
	desk(t, Options{Tones: tones}, func(t *testing.T, p *Phone, a *agent) {
		a.start()
		for _, c := range []struct {
			words string
			want  string
			err   error
			part  string // of the error's text
		}{
			{"hears", "silence", nil, ""},
			{"dial 1", "", ErrOnHook, "dial: the handset is on the hook"},
			{"tone 1004", "", ErrOnHook, ""},
			{"flash", "", ErrOnHook, ""},
			{"say " + say, "", ErrOnHook, ""},
			{"pulse 1", "", ErrOnHook, ""},
			{"lift", "", nil, ""},
			{"lift", "", nil, ""},
			{"lift up", "", ErrUsage, "lift"},
			{"jump", "", ErrUsage, "unknown action \"jump\": lift | hangup"},
			{"dial", "", ErrUsage, "dial <digits>"},
			{"dial 12x4", "", nil, "a digit is one of"},
			{"dial 123", "", nil, ""},
			{"pulse 12#", "", nil, "only 0-9"},
			{"pulse 3", "", nil, ""},
			{"flash 0", "", ErrUsage, "no number of ms"},
			{"flash 120", "", nil, ""},
			{"tone high", "", ErrUsage, "whole number of Hz"},
			{"tone 9000", "", nil, "1 to 3999 Hz"},
			{"tone 1004 -5", "", ErrUsage, "no number of ms"},
			{"tone 1004 200", "", nil, ""},
			{"say " + say, "", nil, ""},
			{"say " + bad, "", nil, "not a RIFF WAVE file"},
			{"say " + filepath.Join(dir, "none.wav"), "", os.ErrNotExist, ""},
			{"record " + record + " 0.5", "", nil, ""},
			{"record " + record, "", ErrUsage, "record <file.wav> <seconds>"},
			{"record " + filepath.Join(dir, "no", "x.wav") + " 1", "", os.ErrNotExist, ""},
			{"wait silence", "silence", nil, ""},
			{"wait dial 0.5", "", ErrTimeout, "wait: dial did not happen within 500ms; the ear hears silence"},
			{"wait tone 1004 0.1", "", ErrTimeout, ""},
			{"wait tone 1", "", ErrTimeout, "within 1s"},
			{"wait tone x1004 1", "", ErrUsage, "no frequency"},
			{"wait godot", "", ErrUsage, "it knows ring, call, silence, speech, tone [Hz], dial, busy"},
			{"wait ring soon", "", ErrUsage, "no number of seconds"},
			{"wait ring 1 2", "", ErrUsage, ""},
			{"display", "", nil, ""},
			{"hangup", "", nil, ""},
		} {
			words := strings.Fields(c.words)
			got, err := p.Do(context.Background(), words[0], words[1:]...)
			failed := c.err != nil || c.part != ""
			if (err != nil) != failed || c.err != nil && !errors.Is(err, c.err) || got.Text != c.want {
				t.Errorf("%s: %q, %v; want %q, %v", c.words, got.Text, err, c.want, c.err)
			}
			if err != nil && !strings.Contains(err.Error(), c.part) {
				t.Errorf("%s: error %q lacks %q", c.words, err, c.part)
			}
		}
		a.stop()
	})
	f, err := os.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pcm, err := ReadWAV(f)
	if err != nil || len(pcm) != 4000 {
		t.Errorf("recorded %d samples, %v", len(pcm), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".record-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestWaitEnds(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, ok := p.Wait(ctx, "ring", time.Hour); ok || time.Since(start) != 300*time.Millisecond {
			t.Errorf("ended %v after %v", ok, time.Since(start))
		}
		if _, err := p.Do(ctx, "wait", "ring"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do with a context that is over: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			a.line.Close()
		}()
		start = time.Now()
		if _, ok := p.Wait(context.Background(), "ring", time.Hour); ok || time.Since(start) != time.Second {
			t.Errorf("ended %v after %v", ok, time.Since(start))
		}
	})
}

// TestRecordHears: what was played is recorded sample for sample.
func TestRecordHears(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		p.Lift()
		a.start()
		time.Sleep(30 * time.Millisecond)
		pcm := speechlike(100000, 5)
		a.play <- pcm
		got := p.Record(13 * time.Second)
		a.stop()
		at := slices.IndexFunc(got, func(s int16) bool { return s != 0 })
		first := slices.IndexFunc(pcm, func(s int16) bool { return s != 0 })
		if at < first || len(got) != 104000 || !slices.Equal(got[at-first:at-first+len(pcm)], pcm) {
			t.Errorf("%d samples from %d on are not what was played", len(got), at)
		}
	})
}

// TestRecordOnHook: a recorder is on the line also while the handset is down; the ear is not.
func TestRecordOnHook(t *testing.T) {
	desk(t, Options{}, func(t *testing.T, p *Phone, a *agent) {
		a.start()
		time.Sleep(30 * time.Millisecond)
		pcm := bell202(-13.5).send(300, 180, wangWei, 0)
		a.play <- pcm
		got := p.Record(2 * time.Second)
		at := slices.IndexFunc(got, func(s int16) bool { return s != 0 })
		first := slices.IndexFunc(pcm, func(s int16) bool { return s != 0 })
		if at < first || len(got) < at-first+len(pcm) || !slices.Equal(got[at-first:at-first+len(pcm)], pcm) {
			t.Errorf("%d samples from %d on are not what was played", len(got), at)
		}
		if d := p.Display(); d != "1003 Wang Wei 11-24 21:07" {
			t.Errorf("the display shows %q beside a recorder", d)
		}
		// Nobody records: what is played now is nowhere to be heard, and a lifted ear begins anew.
		a.play <- pcm
		time.Sleep(500 * time.Millisecond)
		p.Lift()
		time.Sleep(2 * time.Second)
		if h := p.Hears(); h.Name != "silence" {
			t.Errorf("the ear hears %v", h)
		}
		a.stop()
	})
}

// TestCloseUnderLoad closes a board whose lines and telephones are all busy.
func TestCloseUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{Ports: []int{1, 2, 3, 4}, Tones: map[string]string{"dial": "450"}, HookBounce: time.Millisecond})
		var work sync.WaitGroup
		for _, port := range b.Ports() {
			p, a := b.Phone(port), newAgent(t, b, port)
			a.start()
			work.Go(func() {
				for range a.line.Hook() {
				}
			})
			work.Go(func() {
				for p.Dial("1234567890") != board.ErrClosed {
					p.Lift()
				}
			})
			work.Go(func() {
				for !p.line.isClosed() {
					p.Hears()
					p.Display()
					p.Rings()
					p.Wait(context.Background(), "dial", 100*time.Millisecond)
				}
			})
			work.Go(func() {
				if n := len(p.Record(time.Hour)); n > 2*8000 {
					t.Errorf("recorded %d samples in a second", n)
				}
			})
			work.Go(func() {
				for a.line.SetFeed(board.FeedReversed) == nil && a.line.SetFeed(board.FeedActive) == nil {
					time.Sleep(7 * time.Millisecond)
				}
			})
		}
		time.Sleep(time.Second)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		work.Wait()
		if _, err := b.Line(1); !errors.Is(err, board.ErrClosed) {
			t.Errorf("Line after Close: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestWAV(t *testing.T) {
	pcm := speechlike(1000, 2)
	var b bytes.Buffer
	if err := WriteWAV(&b, pcm); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	if got, err := ReadWAV(bytes.NewReader(whole)); err != nil || !slices.Equal(got, pcm) {
		t.Errorf("round trip: %d samples, %v", len(got), err)
	}
	change := func(at int, v ...byte) []byte {
		c := slices.Clone(whole)
		copy(c[at:], v)
		return c
	}
	list := append(slices.Clone(whole[:12]), append([]byte("LIST\x03\x00\x00\x00abc\x00"), whole[12:]...)...)
	for _, c := range []struct {
		name string
		data []byte
		want string // of the error; "" for none
	}{
		{"another chunk first", list, ""},
		{"unknown size", change(40, 0xff, 0xff, 0xff, 0xff), ""},
		{"empty", nil, "not a RIFF WAVE file"},
		{"16 kHz", change(24, 0x80, 0x3e), "16000 Hz, 1 channels, 16 bits; it must be PCM, 8000 Hz"},
		{"stereo", change(22, 2), "2 channels"},
		{"A-law", change(20, 6), "A-law"},
		{"8 bits", change(34, 8), "8 bits"},
		{"no data", whole[:36], "no data chunk"},
		{"data first", append(slices.Clone(whole[:12]), whole[36:]...), "before the fmt chunk"},
		{"huge fmt", change(16, 0, 0, 0, 0x70), "fmt chunk of"},
	} {
		_, err := ReadWAV(bytes.NewReader(c.data))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	var b bytes.Buffer
	if err := WriteWAV(&b, []int16{1, -2, 3}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:40])
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pcm, err := ReadWAV(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := WriteWAV(&again, pcm); err != nil {
			t.Fatal(err)
		}
		got, err := ReadWAV(&again)
		if err != nil || !slices.Equal(got, pcm) {
			t.Fatalf("%d samples became %d, %v", len(pcm), len(got), err)
		}
		if rest, _ := io.ReadAll(&again); len(rest) != 0 {
			t.Fatal("bytes left over")
		}
	})
}

func FuzzParseTone(f *testing.F) {
	for _, tones := range countries(f) {
		for _, spec := range tones {
			f.Add(spec)
		}
	}
	f.Add("400*25/100,!0")
	f.Fuzz(func(t *testing.T, spec string) {
		tone, err := parseTone("x", spec)
		if err != nil {
			return
		}
		if len(tone.cycle) == 0 {
			t.Fatal("no cycle")
		}
		n := parseNames(map[string]string{"x": spec})
		for i := range len(tone.once) + len(tone.cycle) {
			if e := tone.element(i); len(e.hz) > maxComponents || e.len < 0 {
				t.Fatalf("element %+v", e)
			}
		}
		n.judge([]run{{kind: silent, to: 800}, {kind: tonal, hz: []float64{450}, from: 800, to: 1600}})
	})
}
