package fxs

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// in brings a line into each state by what a telephone and a call do.
func in(t *testing.T, s State) *desk {
	d := newDesk(t, Config{CallerID: true, Pulse: true})
	switch s {
	case StateDisabled:
		d.do(func(now time.Time) { d.l.SetEnabled(now, false) })
	case StateFault:
		d.do(func(now time.Time) { d.l.Fault(now, true) })
	case StateRinging:
		d.do(func(now time.Time) { d.l.Ring(now, CallerID{Number: "1003"}) })
	}
	if s.offHook() {
		d.lift()
	}
	switch s {
	case StateCollect:
		d.dial("1")
	case StateCalling:
		d.dial("1001#")
	case StateRingback:
		d.do(func(now time.Time) { d.l.Play(now, ToneRingback) })
	case StateTalk:
		d.do(d.l.Talk)
	case StateReorder:
		d.do(func(now time.Time) { d.l.Play(now, ToneBusy) })
	case StateHowler, StateLockout:
		d.do(func(now time.Time) { d.l.Play(now, ToneHowler) })
		if s == StateLockout {
			d.wait(DefaultTimers().Howler)
		}
	}
	d.events()
	d.wantState(s)
	return d
}

var signalNames = [signalCount]string{"enable", "disable", "fault", "repair", "lift", "hang", "flash", "pulse", "digit",
	"timer", "ring", "quiet", "talk", "silence", "ringback", "reorder", "beep", "howl", "collect"}

// The machine, cell by cell: the state that each signal leads to, and the event that the call is told. A dot is nothing.
const machine = `
state      enable disable           fault          repair lift              hang          flash         pulse   digit   timer            ring    quiet talk silence ringback reorder beep howl   collect
disabled   idle   .                 fault          .      .                 .             .             .       .       .                .       .     .    .       .        .       .    .      .
fault      .      .                 .              idle   .                 .             .             .       .       .                .       .     .    .       .        .       .    .      .
idle       .      disabled          fault          .      dialtone,Seized   .             .             .       .       .                ringing .     .    .       .        .       .    .      .
ringing    .      disabled          fault          .      talk,Answered     .             .             .       .       .                .       idle  .    .       .        .       .    .      .
dialtone   .      disabled,Released fault,Released .      .                 idle,Released .             collect collect reorder,Misdialed .      .     talk calling ringback reorder .    howler .
collect    .      disabled,Released fault,Released .      .                 idle,Released dialtone      .       .       calling,Dialed   .       .     talk calling ringback reorder .    howler dialtone
calling    .      disabled,Released fault,Released .      .                 idle,Released .,Flashed     .       .       .                .       .     talk .       ringback reorder .    howler dialtone
ringback   .      disabled,Released fault,Released .      .                 idle,Released .,Flashed     .       .       .                .       .     talk calling .        reorder .    howler dialtone
talk       .      disabled,Released fault,Released .      .                 idle,Released .,Flashed     .       .       .                .       .     .    calling ringback reorder .    howler dialtone
reorder    .      disabled,Released fault,Released .      .                 idle,Released .,Flashed     .       .       howler           .       .     talk calling ringback .       .    howler dialtone
howler     .      disabled,Released fault,Released .      .                 idle,Released .             .       .       lockout,Parked   .       .     talk calling ringback reorder .    .      dialtone
lockout    .      disabled,Released fault,Released .      .                 idle,Released .             .       .       .                .       .     .    .       .        .       .    .      .
`

func TestMachineEveryCell(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(machine), "\n")
	if len(rows) != int(stateCount)+1 {
		t.Fatalf("%d rows, want one for each of %d states", len(rows)-1, stateCount)
	}
	if head := strings.Fields(rows[0])[1:]; fmt.Sprint(head) != fmt.Sprint(signalNames[:]) {
		t.Fatalf("columns %v, want %v", head, signalNames)
	}
	for s := range stateCount {
		cells := strings.Fields(rows[s+1])
		if cells[0] != s.String() || len(cells) != int(signalCount)+1 {
			t.Fatalf("row %q, want one cell for each signal in %v", rows[s+1], s)
		}
		for k := range signalCount {
			t.Run(s.String()+"/"+signalNames[k], func(t *testing.T) {
				d := in(t, s)
				sig := signal{kind: k, digit: '5', caller: CallerID{Number: "1"}}
				switch k {
				case sigReorder:
					sig.tone = ToneBusy
				case sigCollect:
					sig.tone = ToneRecall
				}
				d.l.step(d.now, sig)
				d.look()
				got := "."
				if d.l.State() != s {
					got = d.l.State().String()
				}
				for _, e := range d.log {
					if _, digit := e.(Digited); !digit {
						got += "," + strings.FieldsFunc(sayEvent(e), func(r rune) bool { return r == '{' })[0]
					}
				}
				if want := cells[k+1]; got != want {
					t.Errorf("%v in %v: got %s, want %s", signalNames[k], s, got, want)
				}
			})
		}
	}
}

// What each state looks like on the wires.
func TestOutputOfEveryState(t *testing.T) {
	want := map[State]string{
		StateDisabled: "off  audio=false collect=false ON-HOOK",
		StateFault:    "off  audio=false collect=false FAULT",
		StateIdle:     "active  audio=false collect=false ON-HOOK",
		StateRinging:  "ringing  audio=true collect=false RINGING",
		StateDialTone: "active dial audio=true collect=true OFF-HOOK",
		StateCollect:  "active  audio=true collect=true OFF-HOOK",
		StateCalling:  "active  audio=true collect=false OFF-HOOK",
		StateRingback: "active ringback audio=true collect=false OFF-HOOK",
		StateTalk:     "active  audio=true collect=false OFF-HOOK",
		StateReorder:  "active busy audio=true collect=false OFF-HOOK",
		StateHowler:   "active howler audio=true collect=false OFF-HOOK",
		StateLockout:  "active  audio=false collect=false OFF-HOOK",
	}
	for s := range stateCount {
		d := in(t, s)
		o := d.l.Output()
		if got := fmt.Sprintf("%v %v audio=%v collect=%v %v", o.Feed, o.Tone, o.Audio, o.Collect, d.l.Physical()); got != want[s] {
			t.Errorf("%v: got %q, want %q", s, got, want[s])
		}
	}
}

// The package comment's diagram and the trace show the same words: a state has one name.
func TestTraceTellsEveryChange(t *testing.T) {
	d := newDesk(t, Config{})
	d.lift()
	d.dial("1001#")
	d.do(func(now time.Time) { d.l.Play(now, ToneRingback) })
	d.do(d.l.Talk)
	d.do(func(now time.Time) { d.l.Play(now, ToneBusy) })
	d.hangup()
	d.want("trace", strings.Join(d.trace, " "), "disabled>idle idle>dialtone dialtone>collect collect>calling "+
		"calling>ringback ringback>talk talk>reorder reorder>idle")
	src, err := os.ReadFile("line.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`\.state = `).FindAll(src, -1)); n != 1 {
		t.Errorf("the state is set in %d places, want 1: setState", n)
	}
}

func TestOutgoingCall(t *testing.T) {
	d := newDesk(t, Config{DigitMap: digitmap(t, "1xxx|x.T")})
	d.hook(true)
	d.wait(ms(39))
	d.want("tone while the contact is not trusted", d.l.Output().Tone, ToneNone)
	d.wait(ms(1))
	d.want("tone at validation", d.l.Output().Tone, ToneDial)
	d.want("events", d.events(), "Seized")
	d.dial("1")
	d.want("tone after the first digit", d.l.Output().Tone, ToneNone)
	d.dial("00")
	d.l.Digit(d.now, '1')
	e, ok := d.l.Next()
	for ok {
		if n, is := e.(Dialed); is {
			d.want("number", n.Number, "1001")
			break
		}
		e, ok = d.l.Next()
	}
	if !ok {
		t.Error("the last digit did not bring Dialed in the same call")
	}
	d.do(func(now time.Time) { d.l.Play(now, ToneRingback) })
	d.do(d.l.Talk)
	d.want("tone", d.l.Output().Tone, ToneNone)
	d.events()
	d.hangup()
	d.want("events", d.events(), "Released")
	d.wantState(StateIdle)
}

func TestIncomingCall(t *testing.T) {
	d := newDesk(t, Config{})
	if !d.l.Ring(d.now, CallerID{Number: "1003"}) {
		t.Fatal("an idle line does not ring")
	}
	d.want("feed in the same call", d.l.Output().Feed, FeedRinging)
	if d.l.Ring(d.now, CallerID{}) {
		t.Error("a ringing line takes a second call")
	}
	d.look()
	d.wait(ms(300))
	d.hook(true)
	d.want("feed when the loop closes", d.l.Output().Feed, FeedActive)
	d.wait(ms(39))
	d.want("events", d.events(), "")
	d.wait(ms(1))
	d.want("events", d.events(), "Answered")
	d.wantState(StateTalk)
	d.wait(time.Minute)
	d.want("ring bursts", d.rings, []span{{0, 300}})
}

func TestPermanentSignal(t *testing.T) {
	tests := []struct {
		name  string
		start func(d *desk)
		tone  Tone
	}{
		{"no digits", func(d *desk) { d.wait(15*time.Second - ms(60)) }, ToneBusy},
		{"busy", func(d *desk) { d.do(func(now time.Time) { d.l.Play(now, ToneBusy) }) }, ToneBusy},
		{"congestion", func(d *desk) { d.do(func(now time.Time) { d.l.Play(now, ToneCongestion) }) }, ToneCongestion},
		{"unobtainable", func(d *desk) { d.do(func(now time.Time) { d.l.Play(now, ToneUnobtainable) }) }, ToneUnobtainable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{})
			d.lift()
			d.events()
			tt.start(d)
			d.want("tone", d.l.Output().Tone, tt.tone)
			d.events()
			d.wait(30*time.Second - ms(1))
			d.want("tone", d.l.Output().Tone, tt.tone)
			d.wait(ms(1))
			d.want("tone", d.l.Output().Tone, ToneHowler)
			d.wait(60*time.Second - ms(1))
			d.want("tone", d.l.Output().Tone, ToneHowler)
			d.want("events", d.events(), "")
			d.wait(ms(1))
			d.want("events", d.events(), "Parked")
			d.want("output", d.l.Output(), Output{Feed: FeedActive})
			d.do(d.l.Talk)
			d.wantState(StateLockout)
			if d.l.Ring(d.now, CallerID{}) {
				t.Error("a parked line rings")
			}
			d.wait(24 * time.Hour)
			d.want("physical", d.l.Physical(), OffHook)
			d.hangup()
			d.want("events", d.events(), "Released")
			d.lift()
			d.want("tone", d.l.Output().Tone, ToneDial)
		})
	}
}

func TestNoDigits(t *testing.T) {
	d := newDesk(t, Config{})
	d.hook(true)
	d.wait(ms(40) + 15*time.Second - ms(1))
	d.want("tone", d.l.Output().Tone, ToneDial)
	d.wait(ms(1))
	d.want("tone", d.l.Output().Tone, ToneBusy)
	d.want("events", d.events(), "Seized Misdialed{no digits dialled}")
}

// Orders that do not fit the state change nothing on the wires.
func TestCallWaitingTone(t *testing.T) {
	d := in(t, StateTalk)
	d.do(func(now time.Time) { d.l.Play(now, ToneCallWaiting) })
	d.want("tone", d.l.Output().Tone, ToneCallWaiting)
	d.wantState(StateTalk)
	d.do(d.l.Talk)
	d.want("tone", d.l.Output().Tone, ToneNone)
	d = in(t, StateRingback)
	d.do(func(now time.Time) { d.l.Play(now, ToneCallWaiting) })
	d.want("tone", d.l.Output().Tone, ToneRingback)
	d.do(func(now time.Time) { d.l.Play(now, toneCount) })
	d.want("tone", d.l.Output().Tone, ToneRingback)
}

func TestRecallDialTone(t *testing.T) {
	d := in(t, StateTalk)
	d.open(ms(100))
	d.want("events", d.events(), "Flashed")
	d.do(func(now time.Time) { d.l.Collect(now, ToneRecall) })
	d.want("tone", d.l.Output().Tone, ToneRecall)
	d.dial("10")
	d.open(ms(200)) // the line counts pulses, so a flash is longer than any of them
	d.want("events: back to the held call", d.events(), "Flashed")
	d.do(func(now time.Time) { d.l.Collect(now, ToneRecall) })
	d.hangup()
	d.lift()
	d.events()
	d.open(ms(200))
	d.want("events: a new call knows nothing of the recall", d.events(), "")
	d.do(d.l.Talk)
	d.do(func(now time.Time) { d.l.Collect(now, ToneStutter) })
	d.want("tone", d.l.Output().Tone, ToneStutter)
	d.open(ms(200))
	d.want("events: dial again", d.events(), "")
	d.want("tone", d.l.Output().Tone, ToneDial)
}
