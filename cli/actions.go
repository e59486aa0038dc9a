package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tipring/api"
)

// reply is what a command found out, for people and for programs.
type reply struct {
	text   string
	value  any  // printed by --json
	failed bool // it worked, and the answer is no: exit code 1
}

// action carries out one command of the grammar.
type action func(ctx context.Context, s *session, p parsed) (reply, error)

// actions are the commands by their key in the grammar.
var actions = map[string]action{
	"port-status":    showPortStatus,
	"port-detail":    showPortDetail,
	"card":           showCard,
	"registration":   showRegistration,
	"call-active":    showCallActive,
	"call-history":   showCallHistory,
	"line":           showLine,
	"config-running": showConfigRunning,
	"version":        showVersion,
	"enable":         setEnabled,
	"disable":        setEnabled,
	"register":       register,
	"reload":         reload,
	"phone":          phone,
	"help":           func(context.Context, *session, parsed) (reply, error) { return reply{text: overview()}, nil },
	"exit":           func(context.Context, *session, parsed) (reply, error) { return reply{}, errExit },
}

// absent is an answer of the daemon that has not what was asked for.
type absent struct{ text string }

func (a absent) Error() string { return a.text }

// ports fetches the ports that a command names by <card> and <ports>.
func (s *session) ports(ctx context.Context, p parsed) ([]api.Port, error) {
	all, err := s.client.Ports(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b api.Port) int { return a.Port - b.Port })
	return pick(all, p.args["card"], p.args["ports"])
}

// pick chooses ports, and says which exist when one of them does not.
func pick(all []api.Port, card, ports string) ([]api.Port, error) {
	if len(all) == 0 {
		return nil, absent{"this box has no ports"}
	}
	if card != "" && card != strconv.Itoa(all[0].Card) {
		return nil, absent{fmt.Sprintf("no card %s: this box has card %d", card, all[0].Card)}
	}
	if ports == "" {
		return all, nil
	}
	low, high, _ := portRange(ports)
	var some []api.Port
	for _, p := range all {
		if low <= p.Port && p.Port <= high {
			some = append(some, p)
		}
	}
	// A range that reaches over the end is a slip worth telling.
	for _, n := range []int{low, high} {
		if !slices.ContainsFunc(all, func(p api.Port) bool { return p.Port == n }) {
			return nil, absent{fmt.Sprintf("no port %d: card %d has %s", n, all[0].Card, existing(all))}
		}
	}
	return some, nil
}

// existing writes port numbers shortly: "ports 1-3, 5".
func existing(all []api.Port) string {
	var parts []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1].Port == all[j].Port+1 {
			j++
		}
		part := strconv.Itoa(all[i].Port)
		if j > i {
			part += "-" + strconv.Itoa(all[j].Port)
		}
		parts = append(parts, part)
		i = j + 1
	}
	word := "ports "
	if len(all) == 1 {
		word = "port "
	}
	return word + strings.Join(parts, ", ")
}

func showPortStatus(ctx context.Context, s *session, p parsed) (reply, error) {
	ports, err := s.ports(ctx, p)
	return reply{text: StatusTable(ports), value: ports}, err
}

func showPortDetail(ctx context.Context, s *session, p parsed) (reply, error) {
	ports, err := s.ports(ctx, p)
	var b strings.Builder
	for _, p := range ports {
		b.WriteString(s.portSheet(p))
	}
	return reply{text: b.String(), value: ports}, err
}

func showLine(ctx context.Context, s *session, p parsed) (reply, error) {
	ports, err := s.ports(ctx, p)
	return reply{text: lines(ports), value: ports}, err
}

func showCard(ctx context.Context, s *session, p parsed) (reply, error) {
	st, err := s.client.Status(ctx)
	if err != nil {
		return reply{}, err
	}
	if c := p.args["card"]; c != "" && c != strconv.Itoa(st.Card) {
		return reply{}, absent{fmt.Sprintf("no card %s: this box has card %d", c, st.Card)}
	}
	return reply{text: s.cardSheet(st), value: st}, nil
}

func showRegistration(ctx context.Context, s *session, p parsed) (reply, error) {
	ports, err := s.ports(ctx, p)
	if err != nil {
		return reply{}, err
	}
	all, err := s.client.Registrations(ctx)
	if err != nil {
		return reply{}, err
	}
	regs := slices.DeleteFunc(all, func(r api.PortRegistration) bool {
		return !slices.ContainsFunc(ports, func(p api.Port) bool { return p.Port == r.Port })
	})
	return reply{text: s.registrations(regs), value: regs}, nil
}

func showCallActive(ctx context.Context, s *session, _ parsed) (reply, error) {
	calls, err := s.client.Calls(ctx)
	return reply{text: s.calls(calls), value: calls}, err
}

func showCallHistory(ctx context.Context, s *session, p parsed) (reply, error) {
	limit, _ := strconv.Atoi(p.args["count"]) // absent: 0, the daemon's default
	calls, err := s.client.History(ctx, limit)
	return reply{text: s.history(calls), value: calls}, err
}

func showConfigRunning(ctx context.Context, s *session, _ parsed) (reply, error) {
	c, err := s.client.Config(ctx)
	return reply{text: cleanText(c.YAML), value: json.RawMessage(c.JSON)}, err
}

func showVersion(ctx context.Context, s *session, _ parsed) (reply, error) {
	v, err := s.client.Version(ctx)
	return reply{text: versionText(v), value: v}, err
}

func setEnabled(ctx context.Context, s *session, p parsed) (reply, error) {
	n, _ := strconv.Atoi(p.args["port"])
	port, err := s.client.SetEnabled(ctx, n, p.do == "enable")
	return reply{text: fmt.Sprintf("port %d %sd\n", n, p.do), value: port}, err
}

func register(ctx context.Context, s *session, p parsed) (reply, error) {
	var ports []int
	whom := "all enabled ports"
	if r := p.args["ports"]; r != "" {
		some, err := s.ports(ctx, p)
		if err != nil {
			return reply{}, err
		}
		for _, p := range some {
			ports = append(ports, p.Port)
		}
		whom = existing(some)
	}
	done, err := s.client.RefreshRegistrations(ctx, ports...)
	return reply{text: "registering " + whom + "\n", value: done}, err
}

func reload(ctx context.Context, s *session, _ parsed) (reply, error) {
	done, err := s.client.Reload(ctx)
	if err != nil {
		return reply{}, err
	}
	text := "configuration read again, nothing changed"
	if len(done.Changed) > 0 {
		text = "configuration applied, ports changed:"
		for _, n := range done.Changed {
			text += " " + strconv.Itoa(n)
		}
	}
	if done.Message != "" {
		text += " (" + clean(done.Message) + ")"
	}
	return reply{text: text + "\n", value: done}, nil
}
