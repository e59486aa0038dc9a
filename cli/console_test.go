package cli

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is a terminal without a tty: what a daemon-owned serial line is.
type wire struct {
	io.ReadWriteCloser
	mu   sync.Mutex
	seen bytes.Buffer // not yet expected
	all  bytes.Buffer
	more chan struct{}
}

func (w *wire) listen() {
	buf := make([]byte, 4096)
	for {
		n, err := w.Read(buf)
		w.mu.Lock()
		w.seen.Write(buf[:n])
		w.all.Write(buf[:n])
		w.mu.Unlock()
		select {
		case w.more <- struct{}{}:
		default:
		}
		if err != nil {
			close(w.more)
			return
		}
	}
}

// expect waits until the text was printed and forgets everything up to it.
func (w *wire) expect(t *testing.T, text string) {
	t.Helper()
	for {
		w.mu.Lock()
		all := w.seen.String()
		if i := strings.Index(all, text); i >= 0 {
			w.seen.Next(i + len(text))
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		select {
		case _, ok := <-w.more:
			if !ok {
				t.Fatalf("the console ended; expected %q in %q", text, all)
			}
		case <-time.After(20 * time.Second): // only a hang gets here
			t.Fatalf("expected %q in %q", text, all)
		}
	}
}

func (w *wire) transcript() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

func (w *wire) typeIn(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

func attach(t *testing.T, socket string) (*wire, <-chan int) {
	near, far := net.Pipe()
	w := &wire{ReadWriteCloser: near, more: make(chan struct{}, 1)}
	go w.listen()
	code := make(chan int, 1)
	go func() {
		code <- Console(t.Context(), far, far, far, Options{Socket: socket, Terminal: true, Location: time.UTC})
		far.Close()
	}()
	t.Cleanup(func() { near.Close() })
	return w, code
}

const crlfTable = "[2:3]       reg-ok:Activ    Talking     OFF-HOOK        1001        out\r\n"

func TestConsoleSession(t *testing.T) {
	d, socket := serve(t)
	w, code := attach(t, socket)
	w.expect(t, "tipring> ")

	w.typeIn(t, "sh po st\r")
	w.expect(t, header+"\r\n")
	w.expect(t, crlfTable+"tipring> ")

	w.typeIn(t, "show prot\r") // the marker stands under the word as it was typed
	w.expect(t, "show prot\r\n              ^\r\n% Unknown word \"prot\"")
	w.expect(t, "tipring> ")

	w.typeIn(t, "show c?") // no Enter; the line stays and can be finished
	w.expect(t, "tipring> show c?\r\n  card    the card")
	w.expect(t, "tipring> show c")
	w.typeIn(t, "onf\t") // TAB
	w.expect(t, "ig ")
	w.typeIn(t, "r\t\r")
	w.expect(t, "version: 1\r\n")
	w.expect(t, "tipring> ")

	w.typeIn(t, "port \t") // TAB knows the ports
	w.expect(t, "\r\n1  2  3\r\n")
	w.expect(t, "tipring> port ")
	w.typeIn(t, "2 en\r")
	w.expect(t, "port 2 enabled\r\n")

	w.typeIn(t, "\x1b[A\r") // history
	w.expect(t, "port 2 enabled\r\n")
	if len(d.asked) != 2 {
		t.Errorf("asked %q", d.asked)
	}

	w.typeIn(t, "reload\x1b[D\x1b[D\x03") // ^C with the cursor inside: nothing is obeyed
	w.expect(t, "tipring> ")
	w.typeIn(t, "! a comment\r\r   \rshow port 9\r")
	w.expect(t, "% no port 9: card 2 has ports 1-3\r\n")
	w.expect(t, "tipring> ")
	if len(d.asked) != 2 {
		t.Errorf("a dropped line was obeyed: %q", d.asked)
	}

	w.typeIn(t, "show version --json\r")
	w.expect(t, "{\r\n  \"name\": \"tipring\"")
	w.expect(t, "tipring> ")
	w.typeIn(t, "exit\r")
	if c := <-code; c != ExitOK {
		t.Errorf("exit code %d", c)
	}
}

// Line noise neither blocks nor ends the console.
func TestConsoleInNoise(t *testing.T) {
	_, socket := serve(t)
	w, code := attach(t, socket)
	w.expect(t, "tipring> ")
	for _, noise := range []string{
		"\xff\xfe\x80\x00\xc3", "\x1b[200~", "\x1b", "\x1b[", "\x1b[999", "\x03\x03\x1a", "\x1bO\xff", strings.Repeat("\x1b[200~\x00\xf0", 300),
		"\x1b" + strings.Repeat("7", 700),
	} {
		w.typeIn(t, noise+"\x03show version\r")
		w.expect(t, "tipring 1.2.3 (abc1234)")
		w.expect(t, "tipring> ")
	}
	w.typeIn(t, "\x03\x04") // ^D
	if c := <-code; c != ExitOK {
		t.Errorf("exit code %d", c)
	}
}

func TestConsoleIsHungUp(t *testing.T) {
	_, socket := serve(t)
	w, code := attach(t, socket)
	w.expect(t, "tipring> ")
	w.typeIn(t, "show ver")
	w.Close()
	if c := <-code; c != ExitOK {
		t.Errorf("exit code %d", c)
	}
}

func TestConsoleWithoutDaemon(t *testing.T) {
	w, _ := attach(t, "/nonexistent/tipring.sock")
	w.expect(t, "tipring> ")
	w.typeIn(t, "port \t") // TAB still works
	w.expect(t, "port ")
	w.typeIn(t, "\x03show port status\r")
	w.expect(t, "% no daemon: /nonexistent/tipring.sock does not exist\r\n")
	w.expect(t, "tipring> ")
	w.typeIn(t, "quit\r")
}

func TestScript(t *testing.T) {
	d, socket := serve(t)
	script := "! saved\r\n\nport 1 enable\nshow prot\n  show port 3 status\nport 9 enable\n" + strings.Repeat("x", 9000) + "\nport 2 disable"
	var out, errout bytes.Buffer
	code := ConsoleCommand(t.Context(), nil, strings.NewReader(script), &out, &errout, Options{Socket: socket})
	if code != ExitUsage { // the first failure
		t.Errorf("exit %d", code)
	}
	wantErr := "show prot\n     ^\n% line 4: Unknown word \"prot\": port, card, registration, call, line, config or version can stand here\n" +
		"% line 6: port 9: card 2 has ports 1-3\n" +
		strings.Repeat("x", 40) + "...\n" + strings.Repeat(" ", 43) + "^\n% line 7: The line is longer than 4096 bytes\n"
	if errout.String() != wantErr {
		t.Errorf("stderr\n%s\nwant\n%s", &errout, wantErr)
	}
	if want := "port 1 enabled\n" + header + "\n" + strings.ReplaceAll(crlfTable, "\r", "") + "port 2 disabled\n"; out.String() != want {
		t.Errorf("stdout\n%s\nwant\n%s", &out, want)
	}
	if len(d.asked) != 2 {
		t.Errorf("asked %q", d.asked)
	}
}

func TestScriptEnds(t *testing.T) {
	d, socket := serve(t)
	var out, errout bytes.Buffer
	code := Console(t.Context(), strings.NewReader("exit\nreload\n"), &out, &errout, Options{Socket: socket})
	if code != ExitOK || len(d.asked) != 0 || out.Len()+errout.Len() != 0 {
		t.Errorf("exit %d, asked %q, %s%s", code, d.asked, &out, &errout)
	}
}

func TestConsoleCommandLine(t *testing.T) {
	_, socket := serve(t)
	for _, c := range []struct {
		args []string
		code int
		out  string
		err  string
	}{
		{[]string{"-c", "show port 3 status"}, ExitOK, header + "\n" + strings.ReplaceAll(crlfTable, "\r", ""), ""},
		{[]string{"-c", "show version --json"}, ExitOK, "{\n  \"name\": \"tipring\",\n  \"version\": \"1.2.3\",\n  \"commit\": \"abc1234\",\n  \"go\": \"go1.26.8\",\n  \"platform\": \"linux/mipsle\",\n  \"api\": \"v1\"\n}\n", ""},
		{[]string{"-c", "show prot"}, ExitUsage, "", "show prot\n     ^\n% Unknown word \"prot\": port, card, registration, call, line, config or version can stand here\n"},
		{[]string{"-c", "show ?"}, ExitOK, help("show "), ""},
		{[]string{"-c", "show version", "--socket", "/nonexistent/x"}, ExitUnreachable, "", "% no daemon: /nonexistent/x does not exist\n"},
		{[]string{"--sockt", "x"}, ExitUsage, "", "--sockt x\n^\n% Unknown flag \"--sockt\": --json, --watch, --socket or --timeout\n"},
		{[]string{"show", "version"}, ExitUsage, "", "show version\n^\n% the console takes -c \"COMMAND\", --socket, --timeout and --json\n"},
	} {
		var out, errout bytes.Buffer
		code := ConsoleCommand(t.Context(), c.args, strings.NewReader(""), &out, &errout, Options{Socket: socket})
		if code != c.code || out.String() != c.out || errout.String() != c.err {
			t.Errorf("%q: exit %d\n%s%s", c.args, code, &out, &errout)
		}
	}
}
