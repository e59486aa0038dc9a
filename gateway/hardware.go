package gateway

import (
	"time"

	"tipring/board"
	"tipring/fxs"
)

const hardwareRetry = 5 * time.Second

// openHardware takes the line from the board, which goes on owning it: nobody else works it while the port runs. A line
// that is not there is a FAULT of this port only; it is tried again.
func (p *port) openHardware(now time.Time) {
	p.retryHW = time.Time{}
	hw, err := p.gw.opt.Board.Line(p.number)
	if err == nil {
		err = hw.SetFeed(board.FeedOff)
	}
	if err != nil {
		p.hardwareLost(now, err)
		return
	}
	p.hw, p.hook, p.feed = hw, hw.Hook(), board.FeedOff
	if p.voice.suspect {
		p.probe(now)
		return
	}
	for stale := true; stale; { // edges of a time when nobody took them
		select {
		case _, stale = <-p.hook:
		default:
			stale = false
		}
	}
	if p.fault != "" {
		p.log.Info("line is back")
		p.fault = ""
		p.line.Fault(now, false)
	}
}

// hardwareLost: the line failed. Its call ends, the port shows FAULT, the neighbours do not notice.
func (p *port) hardwareLost(now time.Time, err error) {
	if p.fault == "" {
		p.log.Error("line fault", "err", err)
	}
	p.fault = err.Error()
	p.hook = nil
	p.retryHW = now.Add(hardwareRetry)
	p.line.Fault(now, true)
	p.stopVoice()
	if p.state != Idle {
		p.take(now, evDisabled, "line fault")
	}
}

// drive makes the hardware look like out. It is a level: doing it twice changes nothing.
func (p *port) drive(now time.Time, out fxs.Output) {
	if p.fault != "" {
		return
	}
	if f := feedOf(out.Feed); f != p.feed {
		if err := p.hw.SetFeed(f); err != nil {
			p.hardwareLost(now, err)
			return
		}
		p.feed = f
	}
	p.driveVoice(now, out)
}

func feedOf(f fxs.Feed) board.Feed {
	switch f {
	case fxs.FeedActive:
		return board.FeedActive
	case fxs.FeedReversed:
		return board.FeedReversed
	case fxs.FeedRinging:
		return board.FeedRinging
	}
	return board.FeedOff
}
