package sim

import (
	"runtime"
	"testing"
	"time"

	"tipring/board"
	"tipring/board/boardtest"
)

func rig(o Options) func(t *testing.T) boardtest.Rig {
	return func(t *testing.T) boardtest.Rig {
		b := New(o)
		return boardtest.Rig{
			Board:  b,
			Lift:   func(port int) { b.Phone(port).Lift() },
			Hangup: func(port int) { b.Phone(port).Hangup() },
			Feed:   func(port int) board.Feed { return b.Phone(port).Feed() },
			Rung: func(port int) (rung []time.Duration) {
				for _, r := range b.Phone(port).Rings() {
					rung = append(rung, r.Length)
				}
				return rung
			},
			Speak: func(port int, pcm []int16) {
				if _, err := b.Phone(port).Say(pcm); err != nil {
					t.Error(err)
				}
			},
			Listen:   func(port, n int) []int16 { return b.Phone(port).Record(span(int64(n))) },
			Stall:    func(port int, on bool) { b.Phone(port).Stall(on) },
			ClockPPM: o.ClockPPM,
		}
	}
}

func TestContractVirtual(t *testing.T) {
	boardtest.TestVirtual(t, rig(Options{Ports: []int{1, 2}}))
}

func TestContractFastClock(t *testing.T) {
	boardtest.TestVirtual(t, rig(Options{Ports: []int{3}, ClockPPM: 200}))
}

func TestContractBouncing(t *testing.T) {
	boardtest.TestVirtual(t, rig(Options{Ports: []int{1, 2}, HookBounce: 5 * time.Millisecond, Seed: 1}))
}

func TestContractRealTime(t *testing.T) {
	if testing.Short() {
		t.Skip("real time")
	}
	before := runtime.NumGoroutine()
	t.Run("suite", func(t *testing.T) {
		boardtest.Test(t, func(t *testing.T) boardtest.Rig {
			t.Parallel()
			return rig(Options{Ports: []int{1, 2}})(t)
		})
	})
	// The test framework's own goroutines take a moment to end.
	now := runtime.NumGoroutine()
	for range 100 {
		if now <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
		now = runtime.NumGoroutine()
	}
	t.Errorf("%d goroutines, %d before", now, before)
}
