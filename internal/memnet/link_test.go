package memnet

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestLatencyAndOrder(t *testing.T) {
	for _, c := range []struct {
		name     string
		link     Link
		min, max time.Duration
	}{
		{"fixed", Link{Latency: 40 * time.Millisecond}, 40 * time.Millisecond, 40 * time.Millisecond},
		{"jitter", Link{Latency: 40 * time.Millisecond, Jitter: 60 * time.Millisecond}, 40 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, a, b := pair(t, Options{Seed: 7, Link: c.link})
				const count = 200
				var spread []time.Duration
				done := make(chan bool)
				go func() {
					defer close(done)
					buf := make([]byte, 64)
					for want := range count {
						k, _, err := b.ReadFromUDPAddrPort(buf)
						if err != nil {
							t.Error(err)
							return
						}
						var i int
						var at int64
						fmt.Sscan(string(buf[:k]), &i, &at)
						if i != want {
							t.Errorf("datagram %d came at place %d", i, want)
						}
						spread = append(spread, time.Duration(time.Now().UnixNano()-at))
					}
				}()
				for i := range count {
					send(t, a, bob, fmt.Sprint(i, time.Now().UnixNano()))
					time.Sleep(20 * time.Millisecond)
				}
				<-done
				if lo, hi := slices.Min(spread), slices.Max(spread); lo < c.min || hi > c.max || c.link.Jitter > 0 && hi-lo < c.link.Jitter/2 {
					t.Errorf("took %v to %v", lo, hi)
				}
				if n.Pending() != 0 {
					t.Errorf("%d under way", n.Pending())
				}
			})
		})
	}
}

// A link that becomes fast must not let its new datagrams overtake the old ones, not even in the instant of their arrival.
func TestOrderSurvivesAChangeOfLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t, Options{Link: Link{Latency: time.Second}})
		send(t, a, bob, "slow")
		n.SetLink(Any, Any, Link{})
		send(t, a, bob, "queued")
		if got := drain(b); got != nil {
			t.Fatalf("overtaken by %q", got)
		}
		time.Sleep(time.Second)
		send(t, a, bob, "fast")
		synctest.Wait()
		if got := fmt.Sprint(drain(b)); got != "[slow queued fast]" {
			t.Error(got)
		}
	})
}

func TestReorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t, Options{Seed: 3, Queue: 2000, Link: Link{Latency: 5 * time.Millisecond, Reorder: 10}})
		const count = 1000
		for i := range count {
			send(t, a, bob, strconv.Itoa(i))
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Second)
		got := drain(b)
		back := 0
		for i := 1; i < len(got); i++ {
			x, _ := strconv.Atoi(got[i-1])
			y, _ := strconv.Atoi(got[i])
			if y < x {
				back++
			}
		}
		if s := n.Stats(); s.Reordered < 60 || s.Reordered > 140 || back < 60 || len(got) != count {
			t.Errorf("%d of %d went back, %+v", back, len(got), s)
		}
	})
}

// run sends count datagrams over a bad link from each of two senders and says which arrived, in order.
func run(t *testing.T, seed int64, count int) (got [2][]string, s Stats) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t, Options{Seed: seed, Queue: 1 << 20,
			Link: Link{Loss: 5, Duplicate: 2, Reorder: 3, Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond}})
		third := listen(t, n, netip.MustParseAddrPort("10.0.0.3:5060"))
		done := make(chan bool)
		for _, c := range []*Conn{a, third} {
			go func() {
				for i := range count {
					send(t, c, bob, strconv.Itoa(i))
					time.Sleep(time.Millisecond)
				}
				done <- true
			}()
		}
		<-done
		<-done
		time.Sleep(time.Second)
		buf := make([]byte, 64)
		for {
			k, from, err := b.TryRead(buf)
			if err != nil {
				break
			}
			who := 0
			if from != alice {
				who = 1
			}
			got[who] = append(got[who], string(buf[:k]))
		}
		s = n.Stats()
	})
	return got, s
}

func TestSameSeedSameFate(t *testing.T) {
	first, s := run(t, 1, 5000)
	again, _ := run(t, 1, 5000)
	other, _ := run(t, 2, 5000)
	for who := range 2 {
		if !slices.Equal(first[who], again[who]) {
			t.Errorf("sender %d: the same seed gave another fate", who)
		}
		if slices.Equal(first[who], other[who]) {
			t.Errorf("sender %d: another seed gave the same fate", who)
		}
	}
	if slices.Equal(first[0], first[1]) {
		t.Error("two links threw the same dice")
	}
	within := func(name string, n uint64, lo, hi uint64) {
		if n < lo || n > hi {
			t.Errorf("%s: %d, want %d to %d of %d", name, n, lo, hi, s.Sent)
		}
	}
	within("lost", s.Lost, 400, 600)
	within("duplicated", s.Duplicated, 140, 260)
	within("reordered", s.Reordered, 200, 400)
	if s.Sent != 10000 || s.Delivered != s.Sent-s.Lost+s.Duplicated {
		t.Errorf("does not add up: %+v", s)
	}
}

func TestRules(t *testing.T) {
	carol := netip.MustParseAddrPort("10.0.0.3:5060")
	dead := Link{Loss: 100}
	for _, c := range []struct {
		name  string
		rules func(n *Network)
		want  string // what passes: ab ba ac
	}{
		{"none", func(*Network) {}, "ab ba ac "},
		{"one way", func(n *Network) { n.SetLink(alice, bob, dead) }, "ba ac "},
		{"any to bob", func(n *Network) { n.SetLink(Any, Host("10.0.0.2"), dead) }, "ba ac "},
		{"from alice", func(n *Network) { n.SetLink(Host("10.0.0.1"), Any, dead) }, "ba "},
		{"last wins", func(n *Network) { n.SetLink(Any, Any, dead); n.SetLink(alice, carol, Link{}) }, "ac "},
		{"same pair replaces", func(n *Network) { n.SetLink(Any, Any, dead); n.SetLink(Any, Any, Link{}) }, "ab ba ac "},
		{"cleared", func(n *Network) { n.SetLink(Any, Any, dead); n.ClearLinks() }, "ab ba ac "},
		{"other port", func(n *Network) { n.SetLink(Any, netip.MustParseAddrPort("10.0.0.2:5061"), dead) }, "ab ba ac "},
		{"blackhole host", func(n *Network) { n.Blackhole(Host("10.0.0.2"), true) }, "ac "},
		{"blackhole port", func(n *Network) { n.Blackhole(bob, true) }, "ac "},
		{"blackhole other port", func(n *Network) { n.Blackhole(netip.MustParseAddrPort("10.0.0.2:1"), true) }, "ab ba ac "},
		{"back again", func(n *Network) { n.Blackhole(bob, true); n.Blackhole(bob, false) }, "ab ba ac "},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, a, b := pair(t, Options{})
			k := listen(t, n, carol)
			c.rules(n)
			got := ""
			for _, way := range []struct {
				name     string
				from, to *Conn
			}{{"ab ", a, b}, {"ba ", b, a}, {"ac ", a, k}} {
				send(t, way.from, way.to.LocalAddrPort(), "x")
				if len(drain(way.to)) == 1 {
					got += way.name
				}
			}
			if got != c.want {
				t.Errorf("passed: %q, want %q", got, c.want)
			}
		})
	}
}

func TestManySourcesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, b := pair(t, Options{Link: Link{Loss: 50}})
		for i := range 3 * maxPaths {
			n.Inject([]byte("x"), netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 5060), bob)
			drain(b)
			time.Sleep(time.Microsecond)
		}
		if len(n.paths) > maxPaths {
			t.Errorf("%d paths are remembered", len(n.paths))
		}
	})
}

func TestCloseLeavesNothing(t *testing.T) {
	// The bubble itself is the judge: a goroutine that is left deadlocks it.
	synctest.Test(t, func(t *testing.T) {
		n, a, _ := pair(t, Options{Link: Link{Latency: time.Hour}})
		send(t, a, bob, "x")
		a.SetReadDeadline(time.Now().Add(time.Hour))
		if n.Pending() != 1 {
			t.Fatal("nothing under way")
		}
		n.Close()
		if n.Pending() != 0 {
			t.Error("something is still under way")
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestVoiceDoesNotAllocate(t *testing.T) {
	for _, c := range []struct {
		name string
		link Link
	}{{"perfect", Link{}}, {"delayed", Link{Latency: time.Nanosecond, Jitter: time.Nanosecond, Loss: 1}}} {
		t.Run(c.name, func(t *testing.T) {
			_, a, b := pair(t, Options{Link: c.link})
			packet, buf := make([]byte, 172), make([]byte, 2048)
			if got := testing.AllocsPerRun(1000, func() {
				a.WriteToAddrPort(packet, bob)
				b.TryRead(buf)
			}); got >= 1 {
				t.Errorf("%v allocations a packet", got)
			}
		})
	}
}

func BenchmarkVoice(b *testing.B) {
	n := New(Options{})
	defer n.Close()
	x, _ := n.Listen(alice)
	y, _ := n.Listen(bob)
	packet, buf := make([]byte, 172), make([]byte, 2048)
	b.ReportAllocs()
	for b.Loop() {
		x.WriteToAddrPort(packet, bob)
		y.TryRead(buf)
	}
}
