package fxs

import (
	"strings"
	"testing"
	"time"
)

func TestCollecting(t *testing.T) {
	const office = "110|119|1xxx|[2-9]xxxxxxx|0[1-9]x.T|*xx|#xx#|00T|9x.#"
	tests := []struct {
		name, rules, dial string
		after             time.Duration // since the last digit was put
		want              string
	}{
		{"unambiguous: at once", office, "1001", 0, "Dialed{1001}"},
		{"emergency: at once", office, "110", 0, "Dialed{110}"},
		{"short timer, early", office, "0123", ms(3999), ""},
		{"short timer", office, "0123", ms(4000), "Dialed{0123}"},
		{"long timer, early", office, "2123", ms(9999), ""},
		{"long timer: not complete", office, "2123", ms(10000), "Misdialed{2123 is not a complete number of the digit map}"},
		{"no rule: at once", office, "13", 0, ""},
		{"no rule", office, "0" + "0" + "1", 0, "Misdialed{no digit map rule takes 001}"},
		{"T of a fixed rule", office, "00", ms(4000), "Dialed{00}"},
		{"# sends", office, "0123#", 0, "Dialed{0123}"},
		{"# sends, though the map wants more", office, "112#", 0, "Dialed{112}"},
		{"# belongs to the rule", office, "9123#", 0, "Dialed{9123#}"},
		{"# in a service code", office, "#12#", 0, "Dialed{#12#}"},
		{"star code: at once", office, "*21", 0, "Dialed{*21}"},
		{"no map: short timer, early", "", "1001", ms(3999), ""},
		{"no map: short timer", "", "1001", ms(4000), "Dialed{1001}"},
		{"no map: # sends", "", "1001#", 0, "Dialed{1001}"},
		{"no map: # does not send a service code", "", "*21*1001#", 0, ""},
		{"no map: service code, short timer", "", "*21*1001#", ms(4000), "Dialed{*21*1001#}"},
		{"no map: # first", "", "#1#", ms(4000), "Dialed{#1#}"},
		{"no map: letters", "", "aB1", ms(4000), "Dialed{AB1}"},
		{"unknown keys are not heard", office, "1x0\x000z1", 0, "Dialed{1001}"},
		{"only unknown keys", office, "xyz", time.Second, ""},
		{"no map: as long as it gets", "", strings.Repeat("7", MaxDigits), 0, "Dialed{" + strings.Repeat("7", MaxDigits) + "}"},
		{"too long for any rule", "x.#", strings.Repeat("7", MaxDigits), 0, "Misdialed{more than 32 digits}"},
		{"endless rule", "x.T", strings.Repeat("7", MaxDigits), 0, "Dialed{" + strings.Repeat("7", MaxDigits) + "}"},
		{"digits after the number", office, "1001234", 0, "Dialed{1001}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, Config{DigitMap: digitmap(t, tt.rules)})
			d.lift()
			d.events()
			for i := range len(tt.dial) {
				d.wait(ms(100))
				d.l.Digit(d.now, tt.dial[i])
				d.look()
			}
			d.wait(tt.after)
			d.want("events", d.events(), tt.want)
			if strings.HasPrefix(tt.want, "Misdialed") {
				d.want("tone", d.l.Output().Tone, ToneUnobtainable)
			}
		})
	}
}

func TestTimersOfAnOperator(t *testing.T) {
	d := newDesk(t, Config{Timers: Timers{FirstDigit: 5 * time.Second, InterLong: 3 * time.Second, InterShort: time.Second, Reorder: 2 * time.Second, Howler: time.Second}, DigitMap: digitmap(t, "x.T|*xxx")})
	d.hook(true)
	d.wait(ms(40))
	d.wait(5 * time.Second)
	d.want("tone", d.l.Output().Tone, ToneBusy)
	d.wait(2 * time.Second)
	d.want("tone", d.l.Output().Tone, ToneHowler)
	d.wait(time.Second)
	d.wantState(StateLockout)
	d.hangup()
	d.lift()
	d.events()
	d.l.Digit(d.now, '*')
	d.wait(3*time.Second - ms(1))
	d.want("events", d.events(), "")
	d.wait(ms(1))
	d.want("events", d.events(), "Misdialed{* is not a complete number of the digit map}")
	d.hangup()
	d.lift()
	d.events()
	d.l.Digit(d.now, '5')
	d.wait(time.Second)
	d.want("events", d.events(), "Dialed{5}")
}

// Each digit is told as it comes; the # that sends is no digit of the number.
func TestDigited(t *testing.T) {
	d := newDesk(t, Config{})
	d.lift()
	d.dial("1a*#")
	var got []byte
	for _, e := range d.log {
		if n, ok := e.(Digited); ok {
			got = append(got, n.Digit)
		}
	}
	d.want("digits", string(got), "1A*")
	d.want("bad digits", d.l.Counts().BadDigits, 0)
	d.dial("?")
	d.want("bad digits", d.l.Counts().BadDigits, 1)
}
