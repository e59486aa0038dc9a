package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tipring/internal/exchange"
)

// desk is what one script plays with, beside the files in its folder.
type desk struct {
	home   string // this script's own loopback address: parallel scripts never meet
	x      *exchange.Exchange
	sbcs   []string // addresses, the same after `exchange down` and `up`
	daemon *exec.Cmd
	done   chan error
	log    string
}

var desks atomic.Int32

type deskKey struct{}

func openDesk(env *testscript.Env) error {
	n := int(desks.Add(1))
	d := &desk{
		home: fmt.Sprintf("127.%d.%d.%d", 1+os.Getpid()%200, os.Getpid()/200%250, n),
		log:  filepath.Join(env.WorkDir, "daemon.log"),
	}
	d.sbcs = []string{d.home + ":5160", d.home + ":5170"}
	env.Values[deskKey{}] = d
	env.Setenv("HOME_IP", d.home)
	env.Setenv("SBC1", d.sbcs[0])
	env.Setenv("SBC2", d.sbcs[1])
	env.Setenv("TIPRING_SOCKET", filepath.Join(env.WorkDir, "tipring.sock"))
	env.Setenv("ENABLED2", "true")
	env.Setenv("PASSWORD2", "secret2")
	env.Setenv("TZ", "UTC")
	env.Setenv("GORACE", os.Getenv("GORACE"))
	env.Defer(func() {
		if d.daemon != nil {
			d.daemon.Process.Kill()
			<-d.done
		}
		if d.x != nil {
			d.x.Close()
		}
	})
	return nil
}

func at(ts *testscript.TestScript) *desk { return ts.Value(deskKey{}).(*desk) }

func arg(ts *testscript.TestScript, args []string, i int, usage string) string {
	if i >= len(args) {
		ts.Fatalf("usage: %s", usage)
	}
	return args[i]
}

// exchange up|down|forget|mute|bindings, exchange password USER SECRET, [!] exchange bound USER:
// the registrar pair; 1001 to 1003 with secret1 to secret3.
func exchangeCmd(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "exchange up|down|forget|bindings|password USER SECRET|bound USER"
	d := at(ts)
	switch arg(ts, args, 0, usage) {
	case "up":
		d.x = exchange.New(exchange.Config{Users: map[string]string{"1001": "secret1", "1002": "secret2", "1003": "secret3"}})
		for _, a := range d.sbcs {
			pc, err := net.ListenPacket("udp", a)
			ts.Check(err)
			d.x.Serve(pc)
		}
	case "down":
		d.x.Close()
		d.x = nil
	case "forget":
		d.x.Forget()
	case "password":
		d.x.SetPassword(arg(ts, args, 1, usage), arg(ts, args, 2, usage))
	case "bindings":
		fmt.Fprint(ts.Stdout(), "") // none is an answer, too
		for _, b := range d.x.Bindings() {
			fmt.Fprintln(ts.Stdout(), b.User, b.Contact)
		}
	case "bound":
		bound := false
		for _, b := range d.x.Bindings() {
			bound = bound || b.User == arg(ts, args, 1, usage)
		}
		if bound == neg {
			ts.Fatalf("%s bound: %v", args[1], bound)
		}
	default:
		ts.Fatalf("usage: %s", usage)
	}
}

// standardConfig is the box that most scripts play with.
const standardConfig = `version: 1
card: 2
services:
  - {name: main, domain: example.net, servers: ["$SBC1", "$SBC2"], local: "$HOME_IP:5060", start_jitter: 0s}
ports:
  - {port: 1, enabled: true, user: "1001", password: secret1, display_name: Wang Wei, digit_map: "1xxx|x.T"}
  - {port: 2, enabled: $ENABLED2, user: "1002", password: $PASSWORD2, display_name: Li Na, digit_map: "1xxx|x.T"}
  - {port: 3, enabled: true, user: "1003", password: secret3, display_name: Zhang Min, digit_map: "1xxx|x.T"}
`

// configure [FROM [TO]]: writes a configuration with its $VARIABLES filled in, tipring.yaml of the standard box by default.
func configureCmd(ts *testscript.TestScript, _ bool, args []string) {
	text, to := standardConfig, "tipring.yaml"
	if len(args) > 0 {
		text = ts.ReadFile(args[0])
	}
	if len(args) > 1 {
		to = args[1]
	}
	ts.Check(os.WriteFile(ts.MkAbs(to), []byte(os.Expand(text, ts.Getenv)), 0o600))
}

// serve [ARG...]: starts the daemon with tipring.yaml in the background and waits until its socket answers. Its standard
// error is added to daemon.log.
func serveCmd(ts *testscript.TestScript, _ bool, args []string) {
	d := at(ts)
	f, err := os.OpenFile(d.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	defer f.Close()
	d.daemon = command(ts, "tipring", append([]string{"serve", "-c", "tipring.yaml"}, args...)...)
	d.daemon.Stdout, d.daemon.Stderr = f, f
	ts.Check(d.daemon.Start())
	d.done = make(chan error, 1)
	cmd, done := d.daemon, d.done
	go func() { done <- cmd.Wait() }()
	for range 1000 {
		c, err := net.Dial("unix", ts.Getenv("TIPRING_SOCKET"))
		if err == nil {
			c.Close()
			return
		}
		select {
		case err := <-d.done:
			d.daemon = nil
			ts.Fatalf("the daemon ended: %v\n%s", err, ts.ReadFile(d.log))
		case <-time.After(10 * time.Millisecond):
		}
	}
	ts.Fatalf("the daemon does not answer\n%s", ts.ReadFile(d.log))
}

// command is a program of the script's path with the environment of the desk.
func command(ts *testscript.TestScript, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(strings.Split(ts.Getenv("PATH"), ":")[0], program), args...)
	cmd.Env = append(os.Environ(), "TIPRING_SOCKET="+ts.Getenv("TIPRING_SOCKET"), "TZ=UTC")
	cmd.Dir = ts.MkAbs(".")
	return cmd
}

// signal TERM|INT|HUP|KILL: to the daemon.
func signalCmd(ts *testscript.TestScript, _ bool, args []string) {
	const usage = "signal TERM|INT|HUP|KILL"
	s, ok := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[arg(ts, args, 0, usage)]
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
	ts.Check(at(ts).daemon.Process.Signal(s))
}

// ended CODE: waits for the daemon's end. It has promised to be gone after two seconds; a loaded machine gets more.
func endedCmd(ts *testscript.TestScript, _ bool, args []string) {
	d := at(ts)
	select {
	case <-d.done:
	case <-time.After(10 * time.Second):
		ts.Fatalf("the daemon goes on")
	}
	code := d.daemon.ProcessState.ExitCode()
	d.daemon = nil
	if want := arg(ts, args, 0, "ended CODE"); strconv.Itoa(code) != want {
		ts.Fatalf("the daemon ended with %d, not %s\n%s", code, want, ts.ReadFile(d.log))
	}
}

// exits CODE PROGRAM ARG...: runs a program that ends with this code.
func exitsCmd(ts *testscript.TestScript, _ bool, args []string) {
	want := arg(ts, args, 0, "exits CODE PROGRAM ARG...")
	err := ts.Exec(arg(ts, args, 1, "exits CODE PROGRAM ARG..."), args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, not %s", code, want)
	}
}

// waitfor PATTERN PROGRAM ARG...: runs a program again and again until its standard output matches.
func waitforCmd(ts *testscript.TestScript, _ bool, args []string) {
	const usage = "waitfor PATTERN PROGRAM ARG..."
	want, err := regexp.Compile("(?m)" + arg(ts, args, 0, usage))
	ts.Check(err)
	program := arg(ts, args, 1, usage)
	for over := time.Now().Add(30 * time.Second); time.Now().Before(over); time.Sleep(100 * time.Millisecond) {
		if program == "cat" {
			if want.MatchString(ts.ReadFile(args[2])) {
				return
			}
			continue
		}
		if out, _ := command(ts, program, args[2:]...).Output(); want.Match(out) {
			return
		}
	}
	ts.Exec(program, args[2:]...)
	ts.Fatalf("waited in vain for %s", args[0])
}

// request opens the local socket ($HTTP_SOCKET: another one) without our own client, asks, and prints the answer's head.
func request(ts *testscript.TestScript, method, path, body string) (resp *http.Response, end func()) {
	c, err := net.Dial("unix", cmp.Or(ts.Getenv("HTTP_SOCKET"), ts.Getenv("TIPRING_SOCKET")))
	ts.Check(err)
	c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: tipring\r\nConnection: close\r\n", method, path)
	if body != "" {
		fmt.Fprintf(c, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	fmt.Fprintf(c, "\r\n%s", body)
	resp, err = http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		c.Close()
		ts.Fatalf("%s %s: %v", method, path, err)
	}
	fmt.Fprintf(ts.Stdout(), "%s %s\n", resp.Proto, resp.Status)
	ts.Check(resp.Header.Write(ts.Stdout()))
	return resp, func() { c.Close() }
}

// http METHOD PATH [BODY]: what curl -i does.
func httpCmd(ts *testscript.TestScript, _ bool, args []string) {
	const usage = "http METHOD PATH [BODY]"
	body := ""
	if len(args) > 2 {
		body = args[2]
	}
	resp, end := request(ts, arg(ts, args, 0, usage), arg(ts, args, 1, usage), body)
	defer end()
	_, err := io.Copy(ts.Stdout(), resp.Body)
	ts.Check(err)
}

// stream PATH PROGRAM ARG...: opens an event stream, then runs the program, and prints the stream up to its first event.
func streamCmd(ts *testscript.TestScript, _ bool, args []string) {
	const usage = "stream PATH PROGRAM ARG..."
	resp, end := request(ts, "GET", arg(ts, args, 0, usage), "")
	defer end()
	cause := command(ts, arg(ts, args, 1, usage), args[2:]...)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		fmt.Fprintln(ts.Stdout(), lines.Text())
		if strings.HasPrefix(lines.Text(), "data:") {
			return
		}
		if strings.HasPrefix(lines.Text(), "id:") && cause != nil { // it is open: what changes from here on will come
			ts.Check(cause.Run())
			cause = nil
		}
	}
	ts.Fatalf("the stream ended")
}

// login FILE: the login shell of a serial console, with FILE typed in.
func loginCmd(ts *testscript.TestScript, _ bool, args []string) {
	cmd := command(ts, "tipring")
	cmd.Args = []string{"-tipring"} // so does login(1) call a shell
	cmd.Stdin = strings.NewReader(ts.ReadFile(arg(ts, args, 0, "login FILE")))
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Run())
}

// nobody CODE PROGRAM ARG...: like exits, as a user who may do nothing.
func nobodyCmd(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "nobody CODE PROGRAM ARG..."
	program := filepath.Join(strings.Split(ts.Getenv("PATH"), ":")[0], arg(ts, args, 1, usage))
	work := ts.Getenv("WORK")
	for _, dir := range []string{work, filepath.Dir(work)} { // temporary folders are their owner's
		ts.Check(os.Chmod(dir, 0o711))
	}
	exitsCmd(ts, neg, append([]string{arg(ts, args, 0, usage), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program}, args[2:]...))
}

// garbage ADDRESS COUNT: sends datagrams that mean nothing.
func garbageCmd(ts *testscript.TestScript, _ bool, args []string) {
	const usage = "garbage ADDRESS COUNT"
	c, err := net.Dial("udp", arg(ts, args, 0, usage))
	ts.Check(err)
	defer c.Close()
	n, err := strconv.Atoi(arg(ts, args, 1, usage))
	ts.Check(err)
	junk := make([]byte, 1400)
	for i := range n {
		for j := range junk {
			junk[j] = byte(i*31 + j*i)
		}
		c.Write(junk[:(i*37)%len(junk)]) // a refused datagram is no matter
	}
}
