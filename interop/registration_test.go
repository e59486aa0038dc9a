//go:build interop

package interop

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Three ports register with digest; Kamailio's own table is the proof. On shutdown the table is empty again.
func TestRegister(t *testing.T) {
	k := startKamailio(t)
	c := startCapture(t)
	a := startAgent(t, setup{})
	seen := map[string]bool{}
	for _, user := range []string{"1001", "1002", "1003"} {
		k.waitContacts(t, user, 1)
		got := k.contacts(t, user)[0]
		if !strings.HasSuffix(got, "@"+agentAddr) || seen[got] {
			t.Errorf("binding of %s is %s, want one of its own at %s", user, got, agentAddr)
		}
		seen[got] = true
	}
	a.waitRegistered(t, 1, 2, 3)
	// Disabling removes the binding, enabling brings it back at once.
	if _, err := a.api.SetEnabled(context.Background(), 2, false); err != nil {
		t.Fatal(err)
	}
	k.waitContacts(t, "1002", 0)
	if n := len(k.contacts(t, "1001")); n != 1 {
		t.Errorf("disabling port 2 left %d bindings to port 1", n)
	}
	if _, err := a.api.SetEnabled(context.Background(), 2, true); err != nil {
		t.Fatal(err)
	}
	k.waitContacts(t, "1002", 1)
	a.stop(syscall.SIGTERM)
	for _, user := range []string{"1001", "1002", "1003"} {
		k.waitContacts(t, user, 0)
	}
	// Each port: 401 once, then digest; nobody begins without having been asked.
	if n := len(c.fields(t, "sip.Status-Code == 401", "frame.number")); n < 3 {
		t.Errorf("Kamailio challenged %d times, want each of three ports", n)
	}
}

// A wrong password is refused and shown, the neighbours do not notice; put right, the port registers at once.
func TestWrongPassword(t *testing.T) {
	k := startKamailio(t)
	startCapture(t)
	a := startAgent(t, setup{passwords: map[int]string{2: "notTheRightOne"}})
	a.waitRegistered(t, 1, 3)
	until(t, 20*time.Second, "the refusal to be shown", func() bool { return a.port(t, 2).Registration.State == "refused" })
	if r := a.port(t, 2).Registration; r.Code != 401 || r.OK || r.NextTry.Before(time.Now()) {
		t.Errorf("port 2: %+v, want refused by 401 and tried again later", r)
	}
	if got := k.contacts(t, "1002"); len(got) != 0 {
		t.Errorf("a wrong password is bound at %v", got)
	}
	a.passwords = nil
	a.write(t)
	if _, err := a.api.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	k.waitContacts(t, "1002", 1)
	a.waitRegistered(t, 1, 2, 3)
	if strings.Contains(a.text(), "notTheRightOne") {
		t.Error("the wrong password stands in the log")
	}
}

// Kamailio dies and comes back with an empty table: nobody touches the agent, all ports are bound again.
func TestRegistrarRestart(t *testing.T) {
	k := startKamailio(t)
	startCapture(t)
	a := startAgent(t, setup{heartbeat: "2s"})
	a.waitRegistered(t, 1, 2, 3)
	server := func() string {
		st, err := a.api.Status(context.Background())
		if err != nil || len(st.Servers) != 1 {
			t.Fatalf("servers: %+v, %v", st.Servers, err)
		}
		return st.Servers[0].State
	}
	until(t, 20*time.Second, "the server to be shown as up", func() bool { return server() == "up" })
	k.kill()
	until(t, 60*time.Second, "the silence to be noticed", func() bool { return server() == "down" })
	k.boot(t)
	if got := k.contacts(t, "1001"); len(got) > 1 {
		t.Fatalf("after its restart the registrar knows %v", got)
	}
	for _, user := range []string{"1001", "1002", "1003"} {
		k.waitContacts(t, user, 1)
	}
	a.waitRegistered(t, 1, 2, 3)
	// And a call goes through.
	a.seize(t, 3)
	a.phone(t, 3, "dial 1001")
	a.hears(t, 1, "ring", 10)
	a.phone(t, 3, "hangup")
	a.waitState(t, 1, "Idle")
}

// B1 to B3 with SIPp as registrar: every digest recomputed, Call-ID kept, CSeq by one, refresh in time, removal.
func TestRegistrationCycle(t *testing.T) {
	startCapture(t)
	far := sipp(t, "reg_auth_cycle", map[string]string{"exp": "12", "realm": "127.0.0.1"})
	a := startAgent(t, setup{server: trunkAddr + ":5301", ports: 1, heartbeat: "0s"})
	a.waitRegistered(t, 1)
	until(t, 30*time.Second, "the refresh", func() bool {
		messages, err := os.ReadFile(far.log)
		return err == nil && strings.Count(string(messages), "\nREGISTER sip:") >= 3
	})
	a.stop(syscall.SIGTERM)
	far.passed(t, 15*time.Second)
}

// 423: what the registrar wants is asked for.
func TestIntervalTooBrief(t *testing.T) {
	startCapture(t)
	far := sipp(t, "reg_423", map[string]string{"minexp": "7200"})
	a := startAgent(t, setup{server: trunkAddr + ":5301", ports: 1, heartbeat: "0s"})
	a.waitRegistered(t, 1)
	if s := a.port(t, 1).Registration.ExpiresS; s != 7200 {
		t.Errorf("granted %d s, want 7200", s)
	}
	far.passed(t, 15*time.Second)
}

// Credentials refused twice: no hammering.
func TestRefusalIsNoHammer(t *testing.T) {
	startCapture(t)
	far := sipp(t, "reg_badpw", map[string]string{"quietms": "4000"})
	a := startAgent(t, setup{server: trunkAddr + ":5301", ports: 1, heartbeat: "0s"})
	until(t, 20*time.Second, "the refusal to be shown", func() bool { return a.port(t, 1).Registration.State == "refused" })
	far.passed(t, 20*time.Second)
}
