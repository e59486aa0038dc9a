package cli

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// waitDefault is how long `phone wait` waits when nothing is said.
const waitDefault = "10"

// phoneCall is what a phone command asks of the daemon.
func phoneCall(p parsed) (verb string, args []string, err error) {
	verb = strings.Fields(p.words)[2]
	for _, name := range []string{"digits", "file", "hz", "ms", "what", "seconds"} {
		v, ok := p.args[name]
		if !ok {
			continue
		}
		if name == "file" { // the daemon has another working directory
			if v, err = filepath.Abs(v); err != nil {
				return "", nil, err
			}
		}
		args = append(args, v)
	}
	if verb != "wait" {
		return verb, args, nil
	}
	// wait tone 1004: the frequency belongs to what is waited for.
	what := p.args["what"]
	if what == "" {
		what = strings.TrimSpace("tone " + p.args["hz"])
	}
	seconds := p.args["seconds"]
	if seconds == "" {
		seconds = waitDefault
	}
	return verb, []string{what, seconds}, nil
}

func phone(ctx context.Context, s *session, p parsed) (reply, error) {
	verb, args, err := phoneCall(p)
	if err != nil {
		return reply{}, err
	}
	n, _ := strconv.Atoi(p.args["port"])
	res, err := s.client.Phone(ctx, n, verb, args...)
	text := clean(res.Text)
	if text != "" {
		text += "\n"
	}
	return reply{text: text, value: res, failed: !res.OK}, err
}

// ownTime is how long a phone command takes by itself, beside the daemon's
// answer: a person's fingers are slow.
func ownTime(p parsed) time.Duration {
	if p.do != "phone" {
		return 0
	}
	var d time.Duration
	digits := p.args["digits"]
	pauses := strings.Count(digits, ",")
	each := 200 * time.Millisecond // 100 ms tone, 100 ms pause
	if strings.Contains(p.words, " pulse") {
		each = 2 * time.Second // ten pulses and the pause between digits
	}
	d += time.Duration(len(digits)-pauses)*each + time.Duration(pauses)*time.Second
	ms, _ := strconv.Atoi(p.args["ms"])
	d += time.Duration(ms) * time.Millisecond
	seconds := p.args["seconds"]
	if seconds == "" && strings.Contains(p.words, " wait") {
		seconds = waitDefault
	}
	sec, _ := strconv.Atoi(seconds)
	return d + time.Duration(sec)*time.Second
}
