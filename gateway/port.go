package gateway

import (
	"cmp"
	"context"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"tipring/board"
	"tipring/fxs"
	"tipring/media"
	"tipring/sipua"
)

// port is the actor of one FXS port. Fields below "owned" belong to run's goroutine alone.
type port struct {
	gw     *Gateway
	log    *slog.Logger
	number int
	inbox  chan event
	cancel context.CancelFunc
	done   chan struct{}
	want   atomic.Pointer[settings] // as last configured; the actor follows
	status atomic.Pointer[PortStatus]

	// owned
	set      settings
	line     *fxs.Line
	stale    bool // line was built from older settings; rebuilt when the telephone is at rest
	hw       board.Line
	hook     <-chan board.HookEvent
	feed     board.Feed
	fault    string
	retryHW  time.Time
	endpoint *sipua.Endpoint
	agent    *sipua.Agent
	local    serviceUp
	reg      sipua.Registration

	state   CallState
	since   time.Time
	cause   string
	code    int
	ringBy  time.Time // our own no-answer time
	active  *leg
	waiting *leg
	voice   voice
}

const hardwareRetry = 5 * time.Second

func (g *Gateway) startPort(set settings, immediate bool) *port {
	ctx, cancel := context.WithCancel(g.ctx)
	p := &port{
		gw: g, log: g.log.With("port", set.port.Port), number: set.port.Port,
		inbox: make(chan event, inboxSize), cancel: cancel, done: make(chan struct{}),
		set: set, feed: board.FeedOff,
	}
	p.want.Store(&set)
	p.reg.State = sipua.Disabled
	p.since = time.Now()
	p.line = p.newLine()
	p.publish()
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		defer close(p.done)
		p.run(ctx, immediate)
	}()
	return p
}

func (p *port) settings() *settings { return p.want.Load() }

// post hands an event to the actor. It never blocks: a full inbox is a fault that is counted and logged.
func (p *port) post(e event) {
	select {
	case p.inbox <- e:
	default:
		p.gw.dropped.Add(1)
		p.log.Error("inbox full, event lost", "event", e)
	}
}

func (p *port) configure(set settings) {
	p.want.Store(&set)
	p.post(configure{set})
}

func (p *port) stop() { p.cancel() }

func (p *port) run(ctx context.Context, immediate bool) {
	defer p.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	p.safely("start", func(now time.Time) { p.start(now, immediate) })
	for {
		p.safely("settle", p.settle)
		timer.Reset(p.untilDeadline())
		select {
		case <-ctx.Done():
			return
		case h, ok := <-p.hook:
			if !ok {
				p.hook = nil
				p.hardwareLost(time.Now(), board.ErrClosed)
				continue
			}
			p.safely("hook", func(time.Time) { p.hookEdges(h) })
		case e := <-p.inbox:
			p.safely("event", func(now time.Time) { p.handle(now, e) })
		case <-timer.C:
		}
	}
}

// hookEdges takes every edge that is waiting before the clock is looked at: an actor that was late for both ends of a
// flash must not take the first end for a hang-up.
func (p *port) hookEdges(h board.HookEvent) {
	for {
		p.line.Hook(h.At, h.OffHook)
		select {
		case next, ok := <-p.hook:
			if !ok {
				return // run sees it, too
			}
			h = next
		default:
			return
		}
	}
}

// safely keeps a fault in this port's code from stopping its neighbours: the call is dropped, the line starts anew.
func (p *port) safely(what string, f func(now time.Time)) {
	defer func() {
		if r := recover(); r != nil {
			p.log.Error("fault in port, its calls are dropped", "in", what, "fault", r, "stack", string(debug.Stack()))
			p.dropCalls("internal fault")
			p.line = p.newLine()
			p.setState(time.Now(), Idle, "fault")
		}
	}()
	f(time.Now())
}

func (p *port) start(now time.Time, immediate bool) {
	p.openHardware(now)
	if p.set.service != nil {
		if e := p.set.service.last.Load(); e != nil {
			p.serviceEvent(now, *e, immediate)
		}
	}
}

func (p *port) handle(now time.Time, e event) {
	switch e := e.(type) {
	case configure:
		p.reconfigure(now, e.set)
	case serviceUp, serviceDown:
		p.serviceEvent(now, e, false)
	case registerNow:
		if p.agent != nil && p.set.port.Enabled {
			p.agent.Register(true)
		}
	case fromSIP:
		p.sipEvent(now, e.agent, e.event)
	case fromVoice:
		p.voiceEvent(now, e.event)
	case voiceEnded:
		p.voiceEnded(now, e.err)
	}
}

// settle brings everything outside into line with what the event just handled has made of the port.
func (p *port) settle(now time.Time) {
	p.line.Advance(now)
	if !p.ringBy.IsZero() && !now.Before(p.ringBy) {
		p.take(now, evNoAnswer, "not answered at this telephone")
	}
	if !p.retryHW.IsZero() && !now.Before(p.retryHW) {
		p.retryHW = time.Time{}
		p.openHardware(now)
	}
	for {
		e, ok := p.line.Next()
		if !ok {
			break
		}
		p.lineEvent(now, e)
	}
	if p.stale && p.state == Idle && p.line.Physical() == fxs.OnHook {
		p.stale = false
		p.line = p.newLine()
	}
	p.drive(now, p.line.Output())
	p.publish()
}

func (p *port) untilDeadline() time.Duration {
	var first time.Time
	for _, t := range []time.Time{p.line.Deadline(), p.ringBy, p.retryHW, p.voice.retry} {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		return 24 * time.Hour
	}
	return max(0, time.Until(first))
}

func (p *port) newLine() *fxs.Line {
	l := fxs.NewLine(fxs.Config{
		Country: p.set.plan.country, DigitMap: p.set.digits, Pulse: p.set.port.Pulse, CallerID: p.set.port.CallerID,
		Timers: lineTimers(p.set.timers),
		Trace: func(from, to fxs.State, cause string) {
			p.log.Info("line", "machine", "line", "from", from.String(), "to", to.String(), "cause", cause)
		},
	})
	now := time.Now()
	l.SetEnabled(now, p.set.port.Enabled)
	if p.fault != "" {
		l.Fault(now, true)
	}
	if p.hw != nil && p.hw.OffHook() {
		l.Hook(now, true)
	}
	return l
}

// lineEvent takes what the telephone did.
func (p *port) lineEvent(now time.Time, e fxs.Event) {
	switch e := e.(type) {
	case fxs.Seized:
		p.take(now, evSeized, "")
	case fxs.Dialed:
		p.dial(now, e.Number)
	case fxs.Misdialed:
		p.cause, p.code = e.Why, 0
		p.take(now, evMisdialed, e.Why)
	case fxs.Answered:
		p.take(now, evAnswered, "")
	case fxs.Released:
		p.take(now, evReleased, "")
	case fxs.Flashed:
		// The services behind the recall button (hold, enquiry, waiting) are not built yet: the flash is only seen.
		p.log.Info("flash", "state", p.state.String())
	}
}

// take feeds the call machine and carries its action out.
func (p *port) take(now time.Time, e callEvent, why string) callAction {
	to, do := next(p.state, e)
	if do == doIgnore {
		p.log.Debug("call event without meaning here", "state", p.state.String(), "event", e.String())
		return do
	}
	if to != p.state {
		p.setState(now, to, cmp.Or(why, e.String()))
	}
	p.act(now, do, why)
	return do
}

// setState is the only door by which the call-status column changes.
func (p *port) setState(now time.Time, to CallState, cause string) {
	peer := ""
	if p.active != nil {
		peer = p.active.peer
	}
	p.log.Info("call", "machine", "call", "from", p.state.String(), "to", to.String(), "cause", cause, "peer", peer)
	p.state, p.since = to, now
	if to != Ringing {
		p.ringBy = time.Time{}
	}
	if to != Busy {
		p.cause, p.code = "", 0
	}
}

func (p *port) publish() {
	st := PortStatus{
		Card: p.set.card, Port: p.number, Enabled: p.set.port.Enabled, Service: p.set.port.Service,
		Number: p.set.port.User, Name: p.set.port.DisplayName, Country: p.set.plan.country.ISO,
		Registration: p.reg,
		Call:         CallStatus{State: p.state, Since: p.since, Cause: p.cause, Code: p.code},
		Line:         LineStatus{Physical: p.line.Physical(), State: p.line.State(), Fault: p.fault},
	}
	if l := p.active; l != nil && p.state != Idle {
		st.Call.Direction, st.Call.Peer, st.Call.PeerName, st.Call.Codec = l.direction, l.peer, l.name, l.agreed.Codec
		if l.call != nil {
			st.Call.ID, st.Call.Started, st.Call.Answered = l.call.ID(), l.start, l.answered
		}
		st.stream = l.stream
	}
	old := p.status.Load()
	if old != nil && *old == st {
		return
	}
	p.status.Store(&st)
	if old == nil {
		return
	}
	if old.Registration != st.Registration || old.Enabled != st.Enabled {
		p.gw.notify("registration", st)
	}
	if old.Call != st.Call {
		p.gw.notify("call", st)
	}
	if old.Line != st.Line {
		p.gw.notify("line", st)
	}
}

// close leaves the line safe: no call, no audio, no ringing, feed off.
func (p *port) close() {
	p.dropCalls("the gateway is going down")
	p.stopVoice()
	if p.voice.running {
		<-p.voice.ended
	}
	if p.agent != nil {
		p.agent.Unregister()
	}
	if p.hw != nil {
		if err := p.hw.SetFeed(board.FeedOff); err != nil {
			p.log.Error("line could not be put into its safe state", "err", err)
		}
		p.hw.Close()
	}
}

func (p *port) voiceEvent(now time.Time, e media.Event) {
	switch e := e.(type) {
	case media.Digit:
		if e.On {
			p.line.Digit(now, e.Digit)
		}
	case media.MediaTimeout:
		if l := p.active; l != nil && l.stream == e.Stream && p.state == Talking {
			p.log.Warn("no audio from the far end, the call is released")
			l.call.Hangup()
		}
	}
}
