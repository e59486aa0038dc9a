package cli

import (
	"context"
	"io"
)

// watch prints an answer again whenever something has changed it, until ctx
// ends. On a terminal it is drawn anew; elsewhere each answer is printed below
// the last, with --json one line each.
func (s *session) watch(ctx context.Context, p parsed) error {
	ctx, cancel := context.WithCancel(ctx)
	// The stream first: so nothing falls between the answer and the first event.
	stream, err := s.client.Events(ctx, "")
	if err != nil {
		cancel()
		return err
	}
	changed := make(chan struct{}, 1) // many changes at once are one
	ended := make(chan error, 1)
	go func() {
		defer stream.Close()
		for _, err := range stream.All() {
			if err != nil {
				ended <- err
				break
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
		close(changed)
	}()
	defer func() {
		cancel()
		for range changed { // until the reader is gone
		}
	}()

	over := func(err error) error { // a watch that the user ends has done its work
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	last := ""
	for {
		r, err := s.ask(ctx, p)
		if err != nil {
			return over(err)
		}
		text, err := s.form(r, "")
		if err != nil {
			return err
		}
		if text != last {
			last = text
			if s.screen && !s.o.JSON {
				text = "\x1b[H\x1b[J" + text
			}
			if _, err := io.WriteString(s.out, text); err != nil {
				return err
			}
		}
		if _, more := <-changed; !more {
			return over(<-ended)
		}
	}
}
