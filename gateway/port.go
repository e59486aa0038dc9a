package gateway

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"tipring/board"
	"tipring/fxs"
	"tipring/sipua"
)

// port is the actor of one FXS port. Fields below "owned" belong to run's goroutine alone.
type port struct {
	gw     *Gateway
	log    *slog.Logger
	number int
	inbox  chan event
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	want   atomic.Pointer[settings] // as last configured; the actor follows
	status atomic.Pointer[PortStatus]

	// owned
	set     *settings
	line    *fxs.Line
	stale   bool // line was built from older settings; rebuilt when the telephone is at rest
	digits  int  // of the number that is being dialled
	hw      board.Line
	hook    <-chan board.HookEvent
	feed    board.Feed
	fault   string
	retryHW time.Time

	service   *serviceState // as last looked at; nil: not yet
	agent     *sipua.Agent  // nil: the service is not open
	agentNo   int           // tells the events of this agent from those of its predecessors
	immediate bool          // the next agent registers without start jitter
	reg       sipua.Registration

	state  CallState
	since  time.Time
	cause  string // why the state is Busy
	code   int    // the SIP response behind it
	tone   fxs.Tone
	ringBy time.Time // our own no-answer time
	active *leg
	held   *leg // put on hold here for an enquiry
	voice  voice
}

// newPort makes the actor; begin starts it, once it is in the gateway's list.
func (g *Gateway) newPort(set *settings, immediate bool) *port {
	p := &port{
		gw: g, log: g.log.With("port", set.port.Port), number: set.port.Port,
		inbox: make(chan event, inboxSize), done: make(chan struct{}), set: set, immediate: immediate,
	}
	p.ctx, p.cancel = context.WithCancel(g.ctx)
	p.want.Store(set)
	p.since = time.Now()
	p.reg.Since = p.since
	p.line = p.newLine()
	p.publish()
	return p
}

func (p *port) begin() {
	p.gw.wg.Go(func() {
		defer close(p.done)
		p.run()
	})
}

// post hands an event to the actor. It never blocks: a full inbox is a fault that is counted and logged.
func (p *port) post(e event) bool {
	select {
	case p.inbox <- e:
		return true
	default:
		p.gw.dropped.Add(1)
		p.log.Error("inbox full, event lost", "event", e)
		return false
	}
}

func (p *port) configure(set *settings) {
	p.want.Store(set)
	p.post(look{})
}

func (p *port) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	p.step("start", func(now time.Time) {
		p.unregistered(now)
		p.openHardware(now)
	})
	for {
		timer.Reset(p.untilDeadline())
		select {
		case <-p.ctx.Done():
			p.step("end", p.close)
			return
		case h, ok := <-p.hook:
			p.step("hook", func(now time.Time) {
				if ok {
					p.edges(&h)
				} else {
					p.hardwareLost(now, board.ErrClosed)
				}
			})
		case e := <-p.inbox:
			p.step("event", func(now time.Time) {
				p.edges(nil)
				p.listen(now)
				p.handle(now, e)
			})
		case <-timer.C:
			p.step("time", func(time.Time) { p.edges(nil) })
		}
	}
}

// step is one turn of the actor. It keeps a fault in this port's code from stopping its neighbours: the call is dropped,
// the line starts anew.
func (p *port) step(what string, f func(now time.Time)) {
	defer func() {
		if r := recover(); r != nil {
			p.restart(what, r)
		}
	}()
	now := time.Now()
	f(now)
	p.settle(now)
}

func (p *port) restart(what string, fault any) {
	defer func() {
		if r := recover(); r != nil {
			p.log.Error("fault again", "in", what, "fault", r)
		}
	}()
	p.log.Error("fault in port, its calls are dropped", "in", what, "fault", fault, "stack", string(debug.Stack()))
	now := time.Now()
	l := p.active
	p.active = nil
	p.line = p.newLine()
	p.setState(now, Idle, "fault")
	p.post(look{}) // for a step that brings the outside into line
	p.dropHeld(now, "internal fault")
	if l != nil {
		p.letGo(now, l, "internal fault")
	}
}

// edges hands over the hook edges that wait, and first the one that was taken already. That comes before the clock is
// looked at: an actor that was late for both ends of a flash must not take the first end for a hang-up.
func (p *port) edges(first *board.HookEvent) {
	if first != nil {
		p.line.Hook(first.At, first.OffHook)
	}
	for {
		select {
		case h, ok := <-p.hook:
			if !ok {
				return // run sees it, too
			}
			p.line.Hook(h.At, h.OffHook)
		default:
			return
		}
	}
}

// listen takes what the telephone did until now, so that it comes before what the network did later.
func (p *port) listen(now time.Time) {
	p.line.Advance(now)
	for {
		e, ok := p.line.Next()
		if !ok {
			return
		}
		p.lineEvent(now, e)
	}
}

func (p *port) handle(now time.Time, e event) {
	switch e := e.(type) {
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

// settle follows what was configured, lets time pass, and brings everything outside into line with what has become of
// the port.
func (p *port) settle(now time.Time) {
	p.follow(now)
	p.listen(now)
	if due(now, p.ringBy) {
		p.take(now, evNoAnswer, "not answered at this telephone")
	}
	if due(now, p.retryHW) {
		p.openHardware(now)
	}
	if p.stale && p.state == Idle && p.line.Physical() == fxs.OnHook {
		p.stale = false
		p.line = p.newLine()
	}
	p.drive(now, p.line.Output())
	p.listen(now) // a fault that showed while driving
	p.publish()
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

func (p *port) untilDeadline() time.Duration {
	var first time.Time
	for _, t := range []time.Time{p.line.Deadline(), p.ringBy, p.retryHW, p.voice.deadline()} {
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
		p.digits = 0
		p.take(now, evSeized, "")
	case fxs.Digited:
		p.digits++
	case fxs.Dialed:
		p.active = &leg{direction: Out, peer: e.Number, start: now}
		p.take(now, evDialed, "")
	case fxs.Misdialed:
		p.cause, p.code = e.Why, 0
		p.take(now, evMisdialed, e.Why)
	case fxs.Answered:
		p.take(now, evAnswered, "")
	case fxs.Released:
		p.take(now, evReleased, "")
	case fxs.Flashed:
		p.flash(now)
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
	if p.state == Dialing {
		st.Line.Digits = p.digits
	}
	if l := p.active; l != nil && p.state != Idle {
		st.Call.Direction, st.Call.Peer, st.Call.PeerName, st.Call.Codec = l.direction, l.peer, l.name, l.agreed.Codec
		if l.call != nil {
			st.Call.ID, st.Call.Started, st.Call.Answered = l.call.ID(), l.start, l.answered
		}
		st.stream = l.stream
	}
	if l := p.held; l != nil {
		st.Held = CallStatus{ID: l.call.ID(), State: Holding, Direction: l.direction, Peer: l.peer, PeerName: l.name,
			Codec: l.agreed.Codec, Since: l.heldAt, Started: l.start, Answered: l.answered}
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
	if old.Call != st.Call || old.Held != st.Held {
		p.gw.notify("call", st)
	}
	if old.Line != st.Line {
		p.gw.notify("line", st)
	}
}

// close leaves the line safe: no call, no audio, no ringing, feed off.
func (p *port) close(now time.Time) {
	p.drop(now, "the gateway is going down")
	p.dropHeld(now, "the gateway is going down")
	p.loseAgent(now, "")
	p.line.SetEnabled(now, false)
	p.stopVoice()
	if p.voice.running {
		<-p.voice.ended
	}
}
