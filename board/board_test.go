package board

import "testing"

func TestFeedString(t *testing.T) {
	for f, want := range map[Feed]string{
		FeedOff: "off", FeedActive: "active", FeedReversed: "reversed", FeedRinging: "ringing", 9: "feed 9",
	} {
		if got := f.String(); got != want {
			t.Errorf("Feed(%d) = %q, want %q", uint8(f), got, want)
		}
	}
}
