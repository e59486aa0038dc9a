package gateway

import (
	"errors"
	"time"

	"tipring/board"
	"tipring/fxs"
)

// openHardware takes the line from the board. A line that is not there is a FAULT of this port only; it is tried again.
func (p *port) openHardware(now time.Time) {
	hw, err := p.gw.opt.Board.Line(p.number)
	if err != nil {
		p.hardwareLost(now, err)
		return
	}
	p.hw, p.hook, p.feed = hw, hw.Hook(), board.FeedOff
	if err := hw.SetFeed(board.FeedOff); err != nil {
		p.hardwareLost(now, err)
		return
	}
	if p.fault != "" {
		p.log.Info("line is back")
		p.fault = ""
		p.line.Fault(now, false)
	}
	if hw.OffHook() {
		p.line.Hook(now, true)
	}
}

// hardwareLost: the line failed. Its call ends, the port shows FAULT, the neighbours do not notice.
func (p *port) hardwareLost(now time.Time, err error) {
	if p.fault == "" {
		p.log.Error("line fault", "err", err)
	}
	p.fault = err.Error()
	p.retryHW = now.Add(hardwareRetry)
	p.line.Fault(now, true)
	p.stopVoice()
	if hw := p.hw; hw != nil {
		p.hw, p.hook = nil, nil
		go hw.Close() // a dead driver may take its time; the actor may not
	}
	if p.state != Idle {
		p.take(now, evDisabled, "line fault")
	}
}

// drive makes the hardware look like out. It is a level: doing it twice changes nothing.
func (p *port) drive(now time.Time, out fxs.Output) {
	if p.hw == nil {
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

// lineGone tells a line that was closed or pulled from one that only has no samples.
func lineGone(err error) bool { return errors.Is(err, board.ErrClosed) }
