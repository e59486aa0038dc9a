package cli

import (
	"fmt"
	"strings"
	"testing"
)

// The table itself: every command can be carried out, every action has a
// command, every argument is described.
func TestGrammarIsWhole(t *testing.T) {
	used := map[string]bool{}
	seen := map[string]bool{}
	for _, c := range grammar {
		if seen[c.words] {
			t.Errorf("%q stands twice", c.words)
		}
		seen[c.words] = true
		if c.do != "" && actions[c.do] == nil {
			t.Errorf("%q: no action %q", c.words, c.do)
		}
		if (c.do == "") != (c.needs == onTheWay) {
			t.Errorf("%q: action %q does not go with need %d", c.words, c.do, c.needs)
		}
		used[c.do] = true
		if c.help == "" || len(c.help) > 70 {
			t.Errorf("%q: help %q", c.words, c.help)
		}
		for _, w := range strings.Fields(c.words) {
			if name := strings.Trim(w, "<>"); name != w {
				if a, ok := arguments[name]; !ok || a.help == "" || (a.ok == nil) == (a.values == nil) {
					t.Errorf("%q: argument %s is not described", c.words, w)
				}
			}
		}
	}
	for k := range actions {
		if !used[k] {
			t.Errorf("action %q has no command", k)
		}
	}
	var check func(n *node, path string)
	check = func(n *node, path string) {
		args := 0
		for _, k := range n.kids {
			if k.arg {
				args++
			}
			if k.row == nil {
				t.Errorf("%q has no row and so no help", path+" "+k.String())
			}
			if !k.command() && len(k.kids) == 0 {
				t.Errorf("%q leads nowhere", path+" "+k.String())
			}
			check(k, path+" "+k.String())
		}
		if args > 1 {
			t.Errorf("%q: two arguments side by side", path)
		}
	}
	check(root, "")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"show port status", "show port status"},
		{"sh po st", "show port status"},
		{"  SHOW   Port\tSTATUS ", "show port status"},
		{"show port 1 status", "show port <ports> status ports=1"},
		{"show port 1-3 status", "show port <ports> status ports=1-3"},
		{"show port 2", "show port <ports> ports=2"},
		{"show card", "show card"},
		{"show card 2 port status", "show card <card> port status card=2"},
		{"sh car 2 p 3 s", "show card <card> port <ports> status card=2 ports=3"},
		{"show r 2", "show registration <ports> ports=2"},
		{"show call h 5", "show call history <count> count=5"},
		{"port 2 e", "port <port> enable port=2"},
		{"register all", "register all"},
		{"register 1-2", "register <ports> ports=1-2"},
		{"reg a", "register all"},
		{"phone 3 lift", "phone <port> lift port=3"},
		{"phone 3 dial *21*1002#", "phone <port> dial <digits> digits=*21*1002# port=3"},
		{"phone 3 wait ring 5", "phone <port> wait <what> <seconds> port=3 seconds=5 what=ring"},
		{"phone 3 wait sp", "phone <port> wait <what> port=3 what=speech"},
		{"phone 3 wait dial", "phone <port> wait <what> port=3 what=dial"},
		{"phone 3 wait tone 1004 2", "phone <port> wait tone <hz> <seconds> hz=1004 port=3 seconds=2"},
		{`phone 1 say "my file.wav"`, "phone <port> say <file> file=my file.wav port=1"},
		{"quit", "quit"},
	} {
		p, m := parse(split(c.line))
		if m != nil {
			t.Errorf("%q: %s", c.line, m.Text)
			continue
		}
		got := p.words
		for _, name := range []string{"card", "count", "digits", "file", "hz", "ms", "port", "ports", "seconds", "what"} {
			if v, ok := p.args[name]; ok {
				got += " " + name + "=" + v
			}
		}
		if got != c.want {
			t.Errorf("%q is %q, want %q", c.line, got, c.want)
		}
	}
}

func TestMistakesPointAtTheWord(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"show prot 1 status", `
show prot 1 status
     ^
% Unknown word "prot": port, card, registration, call, line, config or version can stand here
`},
		{"s", `
s
  ^
% Incomplete command: port, card, registration, call, line, config or version must follow
`},
		{"", "\n\n^\n% Incomplete command: show, port, register, reload, phone, help, exit or quit must follow\n"},
		{"p 1", `
p 1
^
% Ambiguous word "p": port or phone
`},
		{"show c", `
show c
     ^
% Ambiguous word "c": card, call or config
`},
		{"show port", `
show port
          ^
% Incomplete command: status or <ports> must follow
`},
		{"show port 0 status", `
show port 0 status
          ^
% Unknown word "0": status or <ports> can stand here
`},
		{"show port 3-1 status", `
show port 3-1 status
          ^
% Unknown word "3-1": status or <ports> can stand here
`},
		{"port x enable", `
port x enable
     ^
% "x" is not a port number
`},
		{"show port status now", `
show port status now
                 ^
% Nothing can follow "status"
`},
		{"phone 1 wait r", `
phone 1 wait r
             ^
% Ambiguous word "r": ring, recall or ringback
`},
		{"phone 1 dial 12x", `
phone 1 dial 12x
             ^
% "12x" is not a number to dial: up to 64 of 0-9 * # A-D, a comma waits a second
`},
		{"phone 1 record x.wav 500", `
phone 1 record x.wav 500
                     ^
% "500" is not a number of seconds, 1 to 120
`},
		{`phone 1 say "x.wav`, `
phone 1 say "x.wav
            ^
% The quotes are not closed
`},
		{"show\tport\x1b[2J é x", `
show?port?[2J ? x
     ^
% Unknown word "port?[2J": port, card, registration, call, line, config or version can stand here
`},
		{"show é x", `
show ? x
     ^
% Unknown word "?": port, card, registration, call, line, config or version can stand here
`},
	} {
		_, m := parse(split(c.line))
		if m == nil {
			t.Errorf("%q is a command", c.line)
			continue
		}
		if got := "\n" + m.Caret(true, 0); got != c.want {
			t.Errorf("%q: got%s\nwant%s", c.line, got, c.want)
		}
	}
}

// Arguments of one shot come as words; blanks and emptiness must still be seen.
func TestMistakesInArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"phone", "1", "wait", "tone 1004", "x"}, "phone 1 wait \"tone 1004\" x\n             ^\n% Unknown word \"tone 1004\": "},
		{[]string{"show", "", "status"}, "show \"\" status\n     ^\n% Unknown word \"\": "},
	} {
		_, m := parse(join(c.args))
		if m == nil || !strings.HasPrefix(m.Caret(true, 0), c.want) {
			t.Errorf("%q: %v", c.args, m)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct{ before, want string }{
		{"sh", "  show  display state\n"},
		{"show po", "  port  telephone ports\n"},
		{"show c", "  card    the card: board, country, ports, servers\n  call    calls\n  config  configuration\n"},
		{"show port ", "  status   all ports, one row each\n  <ports>  a port number or a range like 1-4\n"},
		{"show port 1", "  <ports>  a port number or a range like 1-4\n"},
		{"show port 1 ", "  <cr>    all that is known about a port\n  status  the row of a port or a range\n"},
		{"show port status ", "  <cr>  all ports, one row each\n"},
		{"show port status x", "% No word begins with \"x\"\n"},
		{"show xyz ", "% Unknown word \"xyz\": port, card, registration, call, line, config or version can stand here\n"},
		{"phone 1 wait r", "  ring\n  recall\n  ringback\n"},
		{"phone 1 tone ", "  <hz>  a frequency, 1 to 3999 Hz\n"},
	} {
		if got := help(c.before); got != c.want {
			t.Errorf("%q: got\n%s\nwant\n%s", c.before, got, c.want)
		}
	}
	if got := help(""); strings.Count(got, "\n") != len(root.kids) || !strings.Contains(got, "  show      display state\n") {
		t.Errorf("? alone:\n%s", got)
	}
}

func TestComplete(t *testing.T) {
	ports := known{"port": {"1", "2", "3"}, "ports": {"1", "2", "3"}, "card": {"2"}}
	for _, c := range []struct{ before, after, choices string }{
		{"sh", "show ", ""},
		{"show p", "show port ", ""},
		{"sh p", "sh port ", ""},
		{"SH", "show ", ""},
		{"p", "p", "port phone"},
		{"r", "re", ""}, // register, reload
		{"re", "re", "register reload"},
		{"show c", "show c", "card call config"},
		{"show ca", "show ca", "card call"},
		{"show card ", "show card 2 ", ""},
		{"show port ", "show port ", "status 1 2 3"},
		{"show port s", "show port status ", ""},
		{"port 2", "port 2 ", ""},
		{"port 2 ", "port 2 ", "enable disable"},
		{"phone 1 wait rin", "phone 1 wait ring", ""},
		{"phone 1 wait ring", "phone 1 wait ring", "ring ringback"},
		{"phone 1 wait t", "phone 1 wait tone ", ""},
		{"show xyz", "show xyz", ""},
		{"xyz ", "xyz ", ""},
		{"show port status ", "show port status ", ""},
		{`phone 1 say "a`, `phone 1 say "a`, ""},
		{`"sh"`, `"sh"`, ""},
		{"", "", "show port register reload phone help exit quit"},
	} {
		after, choices := complete(c.before, ports)
		if after != c.after || strings.Join(choices, " ") != c.choices {
			t.Errorf("%q: got %q %q, want %q %q", c.before, after, choices, c.after, c.choices)
		}
	}
}

// Whatever is typed: no panic, and what is accepted can be carried out; help and
// completion agree with the parser about what a word may be.
func FuzzCommand(f *testing.F) {
	for _, c := range grammar {
		f.Add(strings.NewReplacer("<ports>", "1-2", "<what>", "ring", "<digits>", "12", "<", "", ">", "").Replace(c.words))
	}
	f.Add("sh po 1 st")
	f.Add("\x00\xff\"")
	f.Add("show port 99999999999999999999 status")
	f.Fuzz(func(t *testing.T, text string) {
		l := split(text)
		p, m := parse(l)
		if m == nil {
			if actions[p.do] == nil {
				t.Fatalf("%q is accepted and does nothing: %+v", text, p)
			}
			if strings.Contains(p.words, "<") != (len(p.args) > 0) {
				t.Errorf("%q: arguments %v of %q", text, p.args, p.words)
			}
			ownTime(p)
		} else {
			if m.At < 0 || m.At > len([]rune(text))+1 || m.Text == "" {
				t.Errorf("%q: caret at %d, %q", text, m.At, m.Text)
			}
			if s := m.Caret(true, 0); strings.ContainsAny(s, "\x1b\x00\r\t") {
				t.Errorf("%q: the message is not clean: %q", text, s)
			}
		}
		if s := help(text); s == "" || strings.ContainsAny(s, "\x1b\x00\r\t") {
			t.Errorf("%q: help %q", text, s)
		}
		after, choices := complete(text, nil)
		if len(choices) == 1 {
			t.Errorf("%q: one choice is no choice: %q", text, choices)
		}
		if again, _ := complete(after, nil); len(again) < len(after) {
			t.Errorf("%q: TAB twice: %q then %q", text, after, again)
		}
		words, _, _ := flags(l, Options{})
		if len(words.tokens) > len(l.tokens) {
			t.Error(fmt.Sprint("flags made words of ", text))
		}
	})
}
