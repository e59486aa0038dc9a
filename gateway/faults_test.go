package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tipring/board"
	"tipring/internal/memnet"
)

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// brittle is a board whose line 1 fails as a test wants.
type brittle struct {
	board.Board
	feed  atomic.Pointer[func(board.Feed) error] // before each SetFeed of line 1
	read  atomic.Pointer[func() error]           // before each ReadPCM
	audio atomic.Pointer[func(bool) error]
	open  atomic.Pointer[func() error]
}

type brittleLine struct {
	board.Line
	b *brittle
}

func (b *brittle) Line(n int) (board.Line, error) {
	l, err := b.Board.Line(n)
	if n != 1 || err != nil {
		return l, err
	}
	if f := b.open.Load(); f != nil {
		if err := (*f)(); err != nil {
			return nil, err
		}
	}
	return &brittleLine{l, b}, nil
}

func (l *brittleLine) SetFeed(x board.Feed) error {
	if f := l.b.feed.Load(); f != nil {
		if err := (*f)(x); err != nil {
			return err
		}
	}
	return l.Line.SetFeed(x)
}

func (l *brittleLine) SetAudio(on bool) error {
	if f := l.b.audio.Load(); f != nil {
		if err := (*f)(on); err != nil {
			return err
		}
	}
	return l.Line.SetAudio(on)
}

func (l *brittleLine) ReadPCM(frame []int16) error {
	if f := l.b.read.Load(); f != nil {
		if err := (*f)(); err != nil {
			return err
		}
	}
	return l.Line.ReadPCM(frame)
}

// atBrittle opens a desk with a call between 2 and 3, which must not notice anything.
func atBrittle(t *testing.T, f func(d *desk, b *brittle)) {
	t.Helper()
	b := &brittle{}
	at(t, setup{board: func(x board.Board) board.Board { b.Board = x; return b }}, func(d *desk) {
		d.call(3, 2)
		d.phone(3).Tone(1004, -10, 0)
		time.Sleep(2 * time.Second)
		recorded := make(chan []int16, 1)
		go func() { recorded <- d.phone(2).Record(20 * time.Second) }()
		f(d, b)
		if worst := unbroken(<-recorded); worst > 1 {
			t.Errorf("the neighbours were disturbed: a frame is %.1f dB off", worst)
		}
		d.wantRow(3, "reg-ok:Activ Talking OFF-HOOK 1002 out")
		d.rest(2, 3)
	})
}

// calls lets telephone 1 be called from outside of the board's other calls.
const fault = "reg-ok:Activ Idle FAULT"

// The codec stops: for a moment the call lives through it; for longer the line is at fault until samples come again.
func TestFaultCodecStalls(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.call(3, 1)
		d.phone(1).Stall(true)
		time.Sleep(300 * time.Millisecond)
		d.phone(1).Stall(false)
		time.Sleep(time.Second)
		d.wantRow(1, "reg-ok:Activ Talking OFF-HOOK 1003 in")
		d.talks(3, 1, 1004)
		d.talks(1, 3, 804)

		d.phone(1).Stall(true)
		stalled := time.Now()
		d.awaitRow(1, fault, 500*time.Millisecond)
		t.Logf("codec stopped -> FAULT: %v", time.Since(stalled))
		d.wantHears(3, "busy")
		d.rest(3)
		if d.status(1).Line.Fault == "" {
			t.Error("the fault has no words")
		}
		time.Sleep(20 * time.Second)
		d.wantRow(1, fault) // it does not flicker while the codec is tried
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		d.wantHears(3, "congestion") // 480
		d.rest(3)
		d.phone(1).Stall(false)
		d.awaitRow(1, "reg-ok:Activ Dialing OFF-HOOK", hardwareRetry+time.Second) // the handset still lies beside it
		d.wantHears(1, "dial")
		d.rest(1)
		d.call(3, 1)
		d.rest(3, 1)
	})
}

// The line is closed under the port: FAULT, and nothing spins.
func TestFaultLineGone(t *testing.T) {
	at(t, setup{}, func(d *desk) {
		d.call(3, 1)
		l, _ := d.board.Line(1)
		l.Close()
		d.awaitRow(1, fault, time.Second)
		d.wantHears(3, "busy")
		d.rest(3)
		d.call(3, 2)
		d.rest(3, 2)
		time.Sleep(time.Hour)
		d.wantRow(1, fault)
	})
}

func TestFaultFeedFails(t *testing.T) {
	atBrittle(t, func(d *desk, b *brittle) {
		fails := func(board.Feed) error { return errors.New("SPI: no answer") }
		b.feed.Store(&fails)
		d.phone(1).Lift() // nothing of that is driven; the feed stays
		d.wantHears(1, "dial")
		d.rest(1)
		d.change2(t, 1, false)
		d.wait(time.Second, "fault", func() bool { return d.status(1).Line.Fault == "SPI: no answer" })
		d.change2(t, 1, true)
		d.awaitRow(1, fault, time.Second)
		b.feed.Store(nil)
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", hardwareRetry+time.Second)
	})
}

func (d *desk) change2(t *testing.T, port int, on bool) {
	t.Helper()
	if err := d.gw.SetEnabled(port, on); err != nil {
		t.Fatal(err)
	}
}

// A codec that does not start: FAULT, tried again, healed.
func TestFaultCodecDoesNotStart(t *testing.T) {
	atBrittle(t, func(d *desk, b *brittle) {
		fails := func(on bool) error {
			if on {
				return errors.New("codec does not start")
			}
			return nil
		}
		b.audio.Store(&fails)
		d.phone(1).Lift()
		d.awaitRow(1, fault, time.Second)
		d.phone(1).Hangup()
		time.Sleep(12 * time.Second)
		d.wantRow(1, fault)
		b.audio.Store(nil)
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", hardwareRetry+time.Second)
		d.phone(1).Lift()
		d.wantHears(1, "dial")
		d.rest(1)
	})
}

// The feed fails between two rings: the caller ID, the ring and the codec stop, the caller is told.
func TestFaultWhileRinging(t *testing.T) {
	b := &brittle{}
	at(t, setup{board: func(x board.Board) board.Board { b.Board = x; return b }}, func(d *desk) {
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		d.wantHears(1, "ring")
		time.Sleep(2 * time.Second)
		fails := func(board.Feed) error { return errors.New("SPI: no answer") }
		b.feed.Store(&fails)
		d.wantHears(3, "congestion")
		d.wantRow(1, fault)
		if c := d.status(3).Call.Code; c != 480 {
			t.Errorf("code %d", c)
		}
		time.Sleep(time.Second)
		read := d.phone(1).Codec().Read
		time.Sleep(time.Minute)
		if n := d.phone(1).Codec().Read - read; n > 0 {
			t.Errorf("the codec of a line at fault ran for %d frames", n)
		}
		d.rest(3)
	})
}

// A line that is not there at boot comes later.
func TestFaultLineLate(t *testing.T) {
	b := &brittle{}
	missing := func() error { return errors.New("no such device") }
	b.open.Store(&missing)
	at(t, setup{board: func(x board.Board) board.Board { b.Board = x; return b }}, func(d *desk) {
		d.wantRow(1, fault)
		d.call(3, 2)
		d.rest(3, 2)
		b.open.Store(nil)
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", hardwareRetry+time.Second)
		d.call(3, 1)
		d.rest(3, 1)
	})
}

// A panic in the actor or in the voice path of a port drops its call and nothing else.
func TestPanicIsOnePortsBusiness(t *testing.T) {
	atBrittle(t, func(d *desk, b *brittle) {
		once := func(board.Feed) error { b.feed.Store(nil); panic("driver bug") }
		d.phone(1).Lift()
		d.wantHears(1, "dial")
		voice := func() error { b.read.Store(nil); panic("codec bug") }
		b.read.Store(&voice)
		time.Sleep(500 * time.Millisecond)
		d.wantRow(1, "reg-ok:Activ Dialing OFF-HOOK")
		d.wantHears(1, "dial") // the voice path came back
		d.rest(1)
		d.phone(1).Lift()
		d.wantHears(1, "dial")
		b.read.Store(&voice)
		d.rest(1) // on-hook before it is tried again: nothing to do any more
		time.Sleep(5 * time.Second)

		b.feed.Store(&once)
		d.change2(t, 1, false)
		time.Sleep(time.Second)
		d.wantRow(1, "reg-fail:Deact Idle ON-HOOK")
		d.change2(t, 1, true)
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
	})
	// In the middle of a call set-up: the caller is not left ringing for ever.
	b := &brittle{}
	at(t, setup{board: func(x board.Board) board.Board { b.Board = x; return b }}, func(d *desk) {
		ring := func(f board.Feed) error {
			if f == board.FeedRinging {
				b.feed.Store(nil)
				panic("driver bug")
			}
			return nil
		}
		b.feed.Store(&ring)
		d.phone(3).Lift()
		d.wantHears(3, "dial")
		d.phone(3).Dial("1001")
		d.wantHears(3, "congestion")
		d.wantRow(1, "reg-ok:Activ Idle ON-HOOK")
		if r := d.lastCall(1); r.Code != 480 || r.Reason != "internal fault" {
			t.Errorf("%+v", r)
		}
		d.rest(3)
		d.call(3, 1)
		d.rest(3, 1)
	})
}

// An actor that is late, its driver being slow, still takes what happened in the order in which it happened: the
// lift, then the CANCEL. The telephone is told that nobody is there any more.
func TestLateActorKeepsTheOrder(t *testing.T) {
	for range 6 { // which queue is looked at first is chance
		b := &brittle{}
		s := one
		s.board = func(x board.Board) board.Board { b.Board = x; return b }
		atFar(t, s, func(f *far) {
			slow := func(x board.Feed) error {
				if x == board.FeedActive {
					b.feed.Store(nil)
					time.Sleep(600 * time.Millisecond)
				}
				return nil
			}
			k := f.call("1001", sdpAudio("8", "sendrecv"))
			k.hears(180)
			b.feed.Store(&slow)
			time.Sleep(1100 * time.Millisecond) // the ring is over, the driver hangs
			f.phone(1).Lift()
			time.Sleep(200 * time.Millisecond)
			k.request("CANCEL", "")
			k.hears(200)
			k.hears(487)
			k.request("ACK", "")
			f.wantHears(1, "busy")
			f.wantRow(1, "reg-ok:Activ Busy OFF-HOOK 2001 in")
			if r := f.lastCall(1); r.Result() != "missed" {
				t.Errorf("%+v", r)
			}
			f.rest(1)
		})
	}
}

// An inbox that overflows while the actor is held up is counted, and settings are not lost by it.
func TestInboxFlood(t *testing.T) {
	b := &brittle{}
	at(t, setup{lossy: true, board: func(x board.Board) board.Board { b.Board = x; return b }}, func(d *desk) {
		release := make(chan struct{})
		slow := func(board.Feed) error { <-release; return nil }
		b.feed.Store(&slow)
		d.change2(t, 1, false) // the actor hangs in the driver
		synctest.Wait()
		p := d.gw.port(1)
		for range 2 * inboxSize {
			p.post(registerNow{})
		}
		if n := d.gw.EventsLost(); n < inboxSize || n > inboxSize+8 { // and some of the registration
			t.Errorf("%d events counted as lost, want %d", n, inboxSize)
		}
		d.change2(t, 1, true) // finds no room in the inbox
		b.feed.Store(nil)
		close(release)
		d.awaitRow(1, "reg-ok:Activ Idle ON-HOOK", time.Second)
		d.call(3, 1)
		d.rest(3, 1)
	})
}

// Garbage, truncated and oversized datagrams at both sockets during a call: counted, and the call goes on.
func TestGarbageDuringACall(t *testing.T) {
	atFar(t, one, func(f *far) {
		k, answer := f.answered(sdpAudio("8 101", "sendrecv"))
		to := mediaOf(answer)
		v := f.media(to)
		v.speaks(time.Second)
		dice := rand.New(rand.NewPCG(1, 1))
		noise := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(dice.Uint32())
			}
			return b
		}
		sip, media := addrPort(ours), addrPort(farMedia)
		stranger := addrPort("203.0.113.9:5060")
		oversize := memnet.MaxPayload
		round := func() {
			for range 100 {
				f.net.Inject(noise(dice.IntN(1500)), addrPort(sbc1), sip)
				f.net.Inject([]byte(k.in)[:dice.IntN(len(k.in)+1)], addrPort(sbc1), sip)
				invite := fmt.Sprintf("INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%x\r\n", f.contactOf("1001"), sbc1, dice.Uint32())
				f.net.Inject([]byte(invite), addrPort(sbc1), sip)
				f.net.Inject([]byte(invite), stranger, sip)
				f.net.Inject(noise(dice.IntN(1500)), media, to)
				f.net.Inject(noise(dice.IntN(200)), addrPort("203.0.113.9:4000"), to)
				f.net.Inject([]byte{0x80, 8, 0, 1}, media, to)
			}
			f.net.Inject(noise(oversize), addrPort(sbc1), sip)
			f.net.Inject(noise(oversize), media, to)
			v.speaks(200 * time.Millisecond)
			for len(f.in) > 0 { // 400s to what could be answered
				<-f.in
			}
		}
		measure := func() (int, uint64) {
			synctest.Wait()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return runtime.NumGoroutine(), m.HeapAlloc
		}
		f.mu.Lock()
		f.quietTap = true
		f.mu.Unlock()
		for range 3 {
			round()
		}
		oversize = 3000       // the network keeps the buffers of the large ones
		v.speaks(time.Minute) // transactions of the first rounds are forgotten
		goroutines, heap := measure()
		rounds := 30
		if testing.Short() {
			rounds = 5
		}
		for range rounds {
			round()
		}
		v.speaks(time.Minute)
		g, h := measure()
		t.Logf("%d datagrams of garbage: goroutines %d -> %d, heap %d -> %d KB", rounds*702, goroutines, g, heap>>10, h>>10)
		if g > goroutines || h > heap+1536<<10 {
			t.Errorf("growth: goroutines %d -> %d, heap %d -> %d KB", goroutines, g, heap>>10, h>>10)
		}
		f.wantRow(1, "reg-ok:Activ Talking OFF-HOOK 2001 in")
		v.speaks(2 * time.Second)
		if h := f.phone(1).Hears(); h.Name != "tone" {
			t.Errorf("%s", h)
		}
		st, m := f.gw.SIPStats()["main"], f.status(1).Media
		t.Logf("SIP: strangers %d, malformed %d, overflow %d, panics %d; RTP: garbage %d, wrong type %d, strangers %d",
			st.Strangers, st.Malformed, st.Overflow, st.Recovered, m.Garbage, m.WrongType, m.Strangers)
		if st.Strangers == 0 || st.Malformed == 0 || st.Recovered > 0 || m.Garbage == 0 || m.WrongType == 0 {
			t.Errorf("not counted: %+v %+v", st, m)
		}
		f.phone(1).Hangup()
		k.takes("BYE", time.Second)
		k.answers(200, "OK", "")
		f.rest(1)
	})
}

// A lossy network costs time, not calls.
func TestLossyNetwork(t *testing.T) {
	seeds := int64(4)
	if testing.Short() || raced {
		seeds = 2
	}
	for _, loss := range []float64{1, 5} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%v%%/%d", loss, seed), func(t *testing.T) {
				wire := memnet.Options{Seed: seed + 1, Link: memnet.Link{Latency: 20 * time.Millisecond, Jitter: 15 * time.Millisecond, Loss: loss, Duplicate: 1, Reorder: 1}}
				at(t, setup{wire: wire}, func(d *desk) {
					for range 3 {
						d.phone(3).Lift()
						d.wantHears(3, "dial")
						d.phone(3).Dial("1001")
						d.wait(10*time.Second, "ring", func() bool { return len(d.phone(1).Rings()) > 0 && d.status(1).Call.State == Ringing })
						d.phone(1).Lift()
						d.awaitRow(3, "reg-ok:Activ Talking OFF-HOOK 1001 out", 10*time.Second)
						time.Sleep(2 * time.Second)
						d.talks(3, 1, 1004)
						d.phone(1).Hangup()
						d.wait(20*time.Second, "release", func() bool { return d.status(3).Call.State == Busy })
						d.rest(3)
					}
					for _, r := range d.gw.History() {
						if r.Result() != "answered" {
							t.Errorf("%s: %+v", r.Result(), r)
						}
					}
				})
			})
		}
	}
}

// Both SBCs die during a call and come back: the conversation goes on, the row says that nobody can call, and both
// registration and calls come back by themselves.
func TestBothServersDieAndReturn(t *testing.T) {
	at(t, setup{service: ", expires: 5m"}, func(d *desk) {
		d.call(3, 1)
		d.sbc[0].Kill()
		d.sbc[1].Kill()
		died := time.Now()
		d.wait(10*time.Minute, "reg-fail", func() bool { return !d.status(2).Registration.OK() })
		t.Logf("port 2 shows reg-fail %v after the death of both", time.Since(died))
		d.talks(3, 1, 1004)
		d.phone(2).Lift()
		d.wantHears(2, "dial")
		d.phone(2).Dial("1001")
		d.wantHears(2, "congestion")
		d.phone(2).Hangup()
		d.phone(3).Hangup() // BYE goes nowhere; this end is free all the same
		d.wait(time.Second, "3 idle", func() bool { return d.status(3).Call.State == Idle })
		d.wait(2*time.Minute, "1 released by silence", func() bool { return d.status(1).Call.State == Busy })
		d.phone(1).Hangup()
		time.Sleep(10 * time.Minute)
		d.x.Serve(d.socket(sbc1))
		d.x.Serve(d.socket(sbc2))
		back := time.Now()
		for n := 1; n <= 3; n++ {
			d.awaitRow(n, "reg-ok:Activ Idle ON-HOOK", 10*time.Minute)
		}
		t.Logf("all registered %v after their return", time.Since(back))
		d.call(3, 1)
		d.talks(3, 1, 1004)
		d.rest(3, 1)
	})
}
