package media

import "testing"

func TestSequenceOrder(t *testing.T) {
	type packet struct {
		ssrc    uint32
		seq     uint16
		want    order
		restart bool
	}
	tests := []struct {
		name string
		in   []packet
		lost int32
	}{
		{"in order", []packet{{1, 10, inOrder, true}, {1, 11, inOrder, false}, {1, 12, inOrder, false}}, 0},
		{"one lost", []packet{{1, 10, inOrder, true}, {1, 12, inOrder, false}}, 1},
		{"late one is no longer lost", []packet{{1, 10, inOrder, true}, {1, 12, inOrder, false}, {1, 11, reordered, false}}, 0},
		{"duplicates", []packet{{1, 10, inOrder, true}, {1, 10, duplicate, false}, {1, 12, inOrder, false}, {1, 11, reordered, false}, {1, 11, duplicate, false}}, 0},
		{"wrap", []packet{{1, 65534, inOrder, true}, {1, 65535, inOrder, false}, {1, 1, inOrder, false}, {1, 0, reordered, false}}, 0},
		{"wrap with loss", []packet{{1, 65534, inOrder, true}, {1, 2, inOrder, false}}, 3},
		{"too old to tell", []packet{{1, 100, inOrder, true}, {1, 30, duplicate, false}}, 0},
		{"new source needs two", []packet{{1, 10, inOrder, true}, {2, 500, strange, false}, {2, 501, inOrder, true}, {2, 502, inOrder, false}}, 0},
		{"one stray changes nothing", []packet{{1, 10, inOrder, true}, {2, 500, strange, false}, {1, 11, inOrder, false}, {2, 501, strange, false}}, 0},
		{"leap forward needs two", []packet{{1, 10, inOrder, true}, {1, 20000, strange, false}, {1, 20001, inOrder, true}}, 0},
		{"leap back needs two", []packet{{1, 20000, inOrder, true}, {1, 10, strange, false}, {1, 11, inOrder, true}}, 0},
		{"losses of the old source are kept", []packet{{1, 10, inOrder, true}, {1, 14, inOrder, false}, {2, 7, strange, false}, {2, 8, inOrder, true}, {2, 10, inOrder, false}}, 4},
		{"burst loss beyond the window", []packet{{1, 10, inOrder, true}, {1, 110, inOrder, false}, {1, 109, reordered, false}}, 98},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s sequence
			for i, p := range tt.in {
				if got, restart := s.accept(p.ssrc, p.seq); got != p.want || restart != p.restart {
					t.Errorf("packet %d (%d/%d): got %d, restarted %t; want %d, %t", i, p.ssrc, p.seq, got, restart, p.want, p.restart)
				}
			}
			if got := s.lost(); got != tt.lost {
				t.Errorf("lost %d, want %d", got, tt.lost)
			}
		})
	}
}

// RFC 3550 A.8: for transit times that alternate by D the estimate settles at D.
func TestSequenceJitter(t *testing.T) {
	tests := []struct {
		name           string
		swing          uint32
		atLeast, below uint32
	}{
		{"none", 0, 0, 1},
		{"one frame each time", 80, 75, 81},
		{"40 ms", 320, 310, 321},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s sequence
			for i := range uint32(400) {
				s.clock(i*160, 1000+i*160+i%2*tt.swing)
			}
			if got := s.jitter >> 4; got < tt.atLeast || got >= tt.below {
				t.Errorf("jitter %d samples, want %d to %d", got, tt.atLeast, tt.below-1)
			}
		})
	}
}
