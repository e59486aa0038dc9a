package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"tipring/gateway"
	"tipring/sipua"
)

// writeMetrics prints the Prometheus text format, version 0.0.4.
func writeMetrics(w io.Writer, g *gateway.Gateway) error {
	m := metrics{w: w}
	ports := g.Status()
	m.family("tipring_port_enabled", "gauge", "1: the port is activated")
	for _, p := range ports {
		m.port("tipring_port_enabled", p.Port, number(p.Enabled))
	}
	m.family("tipring_port_registered", "gauge", "1: the registrar holds our binding")
	for _, p := range ports {
		m.port("tipring_port_registered", p.Port, number(p.Registration.OK()))
	}
	m.family("tipring_call_active", "gauge", "1: the port is in a call")
	for _, p := range ports {
		m.port("tipring_call_active", p.Port, number(p.Call.ID != ""))
	}
	m.family("tipring_line_offhook", "gauge", "1: the telephone is off-hook")
	for _, p := range ports {
		m.port("tipring_line_offhook", p.Port, number(p.Line.Physical.String() == "OFF-HOOK"))
	}
	m.family("tipring_line_fault", "gauge", "1: the line hardware does not answer")
	for _, p := range ports {
		m.port("tipring_line_fault", p.Port, number(p.Line.Fault != ""))
	}
	m.family("tipring_rtp_lost_packets", "gauge", "packets of the present call that never came")
	m.family("tipring_rtp_jitter_seconds", "gauge", "interarrival jitter of the present call, RFC 3550 6.4.1")
	for _, p := range ports {
		if p.Media != nil {
			m.port("tipring_rtp_lost_packets", p.Port, float64(p.Media.Lost))
			m.port("tipring_rtp_jitter_seconds", p.Port, p.Media.Jitter.Seconds())
		}
	}
	m.family("tipring_events_lost_total", "counter", "events that found a port's inbox full; should stay 0")
	m.line("tipring_events_lost_total %d\n", g.EventsLost())
	stats := g.SIPStats()
	for _, c := range sipCounters {
		m.family("tipring_sip_"+c.name+"_total", "counter", c.help)
		for _, service := range slices.Sorted(maps.Keys(stats)) {
			m.line("tipring_sip_%s_total{service=%q} %d\n", c.name, service, c.of(stats[service]))
		}
	}
	return m.err
}

var sipCounters = []struct {
	name, help string
	of         func(sipua.Stats) uint64
}{
	{"received", "datagrams accepted", func(s sipua.Stats) uint64 { return s.Received }},
	{"sent", "datagrams sent", func(s sipua.Stats) uint64 { return s.Sent }},
	{"retransmitted", "of those sent, repeats", func(s sipua.Stats) uint64 { return s.Retransmitted }},
	{"strangers", "datagrams from addresses that are none of our servers", func(s sipua.Stats) uint64 { return s.Strangers }},
	{"malformed", "datagrams that are no SIP", func(s sipua.Stats) uint64 { return s.Malformed }},
	{"overflow", "datagrams dropped because too many came at once", func(s sipua.Stats) uint64 { return s.Overflow }},
	{"socket_errors", "errors of the socket", func(s sipua.Stats) uint64 { return s.SocketErrors }},
}

type metrics struct {
	w   io.Writer
	err error
}

func (m *metrics) line(format string, a ...any) {
	if m.err == nil {
		_, m.err = fmt.Fprintf(m.w, format, a...)
	}
}

func (m *metrics) family(name, kind, help string) {
	m.line("# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (m *metrics) port(name string, port int, v float64) {
	m.line("%s{port=\"%d\"} %g\n", name, port, v)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
