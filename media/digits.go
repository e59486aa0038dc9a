package media

import (
	"strings"

	"tipring/media/dsp"
)

// keypad gives the event codes 0 to 15 (RFC 4733 3.2).
const keypad = "0123456789*#ABCD"

// eventCode is the event of a digit.
func eventCode(digit byte) (uint8, bool) {
	i := strings.IndexByte(keypad, digit)
	return uint8(i), i >= 0
}

// playLevel is what a digit that came as an event sounds like on the line: -8 dBm0 for each of its two tones.
const playLevel dsp.Level = -50

// digitPlans are the sixteen pairs of ITU-T Q.23, in the order of keypad.
var digitPlans = makeDigitPlans()

func makeDigitPlans() (plans [len(keypad)]*dsp.Plan) {
	rows := [4]string{"697", "770", "852", "941"}
	columns := [4]string{"1209", "1336", "1477", "1633"}
	for i, key := range keypad {
		at := strings.IndexRune("123A456B789C*0#D", key)
		plans[i], _ = dsp.ParseTone(rows[at/4]+"+"+columns[at%4], playLevel) // the notation is right: see the test
	}
	return plans
}

// digitPlan is the tone of a digit, nil for none.
func digitPlan(digit byte) *dsp.Plan {
	if i, ok := eventCode(digit); ok {
		return digitPlans[i]
	}
	return nil
}

// volume is a level in the terms of RFC 4733 2.3.4: dBm0 without the sign, 0 to 63.
func volume(l dsp.Level) uint8 { return uint8(min(max(-int(l)/10, 0), 63)) }
