package cli

import (
	"strings"
	"testing"

	"tipring/api"
)

// The example of the vendor's manual, byte for byte.
func TestVendorsRow(t *testing.T) {
	want := `[card:port] register-status call-status physical-status peer-number call-direction
[2:1]       reg-fail:Activ  Idle        ON-HOOK
[2:2]       reg-fail:Deact  Idle        ON-HOOK
[2:3]       reg-ok:Activ    Talking     OFF-HOOK        1001        out
`
	if got := StatusTable(vendorPorts()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRowsOfAllStates(t *testing.T) {
	base := vendorPorts()[2]
	for _, c := range []struct {
		name   string
		change func(*api.Port)
		want   string
	}{
		{"idle hides a peer", func(p *api.Port) { p.Call.State = "Idle" },
			"[2:3]       reg-ok:Activ    Idle        OFF-HOOK"},
		{"ringing in", func(p *api.Port) {
			p.Call = api.Call{State: "Ringing", Direction: "in", Peer: "1002"}
			p.Line.Physical = "RINGING"
		}, "[2:3]       reg-ok:Activ    Ringing     RINGING         1002        in"},
		{"dialing, no number yet", func(p *api.Port) { p.Call = api.Call{State: "Dialing", Direction: "out"} },
			"[2:3]       reg-ok:Activ    Dialing     OFF-HOOK                    out"},
		{"busy", func(p *api.Port) { p.Call = api.Call{State: "Busy"} },
			"[2:3]       reg-ok:Activ    Busy        OFF-HOOK"},
		{"holding", func(p *api.Port) { p.Call.State = "Holding" },
			"[2:3]       reg-ok:Activ    Holding     OFF-HOOK        1001        out"},
		{"fault", func(p *api.Port) { p.Call.State = "Idle"; p.Line.Physical = "FAULT" },
			"[2:3]       reg-ok:Activ    Idle        FAULT"},
		{"peer as wide as its header", func(p *api.Port) { p.Call.Peer = "12345678901" },
			"[2:3]       reg-ok:Activ    Talking     OFF-HOOK        12345678901 out"},
		{"peer wider than its header", func(p *api.Port) { p.Call.Peer = "+8613800138000" },
			"[2:3]       reg-ok:Activ    Talking     OFF-HOOK        +8613800138000 out"},
		{"card and port wider", func(p *api.Port) { p.Card = 65535; p.Port = 65535 },
			"[65535:65535] reg-ok:Activ    Talking     OFF-HOOK        1001        out"},
		{"a peer that would move the cursor", func(p *api.Port) { p.Call.Peer = "1\x1b[2J\r\n" },
			"[2:3]       reg-ok:Activ    Talking     OFF-HOOK        1?[2J??     out"},
		{"a peer with a blank", func(p *api.Port) { p.Call.Peer = "a b" },
			"[2:3]       reg-ok:Activ    Talking     OFF-HOOK        a_b         out"},
	} {
		p := base
		c.change(&p)
		if got := statusRow(p); got != c.want {
			t.Errorf("%s: got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestRowsFitTheTerminal(t *testing.T) {
	for l := range strings.Lines(StatusTable(vendorPorts())) {
		l = strings.TrimSuffix(l, "\n")
		if l != header && len(l) > 80 {
			t.Errorf("%d columns: %q", len(l), l)
		}
		if l != strings.TrimRight(l, " ") {
			t.Errorf("blanks at the end of %q", l)
		}
	}
	if StatusTable(nil) != header+"\n" {
		t.Error("no ports: the header alone")
	}
}

func TestTable(t *testing.T) {
	got := table([]string{"port", "peer", "cause"}, [][]string{{"[2:1]", "", "487 Request Terminated"}, {"[2:10]", "+49 30", ""}})
	want := "port   peer   cause\n[2:1]  -      487 Request Terminated\n[2:10] +49_30\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
