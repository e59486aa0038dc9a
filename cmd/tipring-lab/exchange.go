package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tipring/internal/exchange"
)

const defaultListen = "127.0.0.1:5160,127.0.0.2:5160"

// exchangeCommand runs the pair until ctx ends. One line on out for each socket, each change of a binding, and with
// --trace each datagram.
func exchangeCommand(ctx context.Context, args []string, out, errOut io.Writer) int {
	cfg := exchange.Config{Users: make(map[string]string)}
	flags := flag.NewFlagSet("tipring-lab exchange", flag.ContinueOnError)
	flags.SetOutput(errOut)
	listen := flags.String("listen", defaultListen, "UDP addresses `HOST:PORT,...`, one SBC each")
	flags.StringVar(&cfg.Domain, "domain", "example.net", "SIP domain and digest realm")
	flags.DurationVar(&cfg.Expires, "expires", time.Hour, "longest registration that is granted")
	flags.DurationVar(&cfg.NonceLife, "nonce-life", 5*time.Minute, "after this a nonce is stale")
	flags.BoolVar(&cfg.NAT, "nat", false, "call the address that the REGISTER came from, not the Contact")
	flags.Func("trust", "callers from this `ADDRESS` need no digest; repeat it", func(s string) error {
		a, err := netip.ParseAddr(s)
		cfg.Trusted = append(cfg.Trusted, a)
		return err
	})
	algorithms := flags.String("algorithms", "MD5", "digest challenges in this order, of MD5 and SHA-256")
	trace := flags.Bool("trace", false, "print the first line of every datagram")
	flags.Func("user", "a subscriber `NAME:PASSWORD`; repeat it (default 1001:secret1, 1002:secret2, 1003:secret3)", func(s string) error {
		name, password, ok := strings.Cut(s, ":")
		if !ok || name == "" || password == "" {
			return errors.New("wants NAME:PASSWORD")
		}
		cfg.Users[name] = password
		return nil
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(errOut, "tipring-lab exchange: what is %q?\n", flags.Arg(0))
		return exitUsage
	}
	cfg.Algorithms = strings.Split(*algorithms, ",")
	for _, a := range cfg.Algorithms {
		if a != "MD5" && a != "SHA-256" {
			fmt.Fprintf(errOut, "tipring-lab exchange: --algorithms: %q is not one of MD5, SHA-256\n", a)
			return exitUsage
		}
	}
	if len(cfg.Users) == 0 {
		cfg.Users = map[string]string{"1001": "secret1", "1002": "secret2", "1003": "secret3"}
	}
	sockets, err := openAll(*listen)
	if err != nil {
		fmt.Fprintln(errOut, "tipring-lab exchange:", err)
		return exitFailed
	}

	var mu sync.Mutex // the SBCs print from their own goroutines
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
	x := exchange.New(cfg)
	x.OnChange(func(c exchange.Change) {
		say("%s %s %s %s for %ds from %s at sbc %d", c.At.Format(time.TimeOnly), c.User, c.What, c.Contact,
			max(0, int(c.Expires.Sub(c.At)/time.Second)), c.Source, c.SBC)
	})
	if *trace {
		x.OnPacket(func(p exchange.Packet) {
			arrow := "<-"
			if p.Out {
				arrow = "->"
			}
			line, _, _ := strings.Cut(string(p.Data), "\n") // the first line holds no secret
			say("%s sbc %d %s %s %q", p.At.Format("15:04:05.000"), p.SBC, arrow, p.Peer, strings.TrimRight(line, "\r"))
		})
	}
	say("domain %s, users %s", cfg.Domain, strings.Join(slices.Sorted(maps.Keys(cfg.Users)), " "))
	for i, pc := range sockets {
		say("sbc %d at %s", i+1, x.Serve(pc).Addr())
	}
	<-ctx.Done()
	x.Close()
	return exitOK
}

// openAll opens a UDP socket for each address of a comma list, or none.
func openAll(list string) (sockets []net.PacketConn, err error) {
	for at := range strings.SplitSeq(list, ",") {
		addr, e := netip.ParseAddrPort(strings.TrimSpace(at))
		if e != nil {
			err = fmt.Errorf("--listen: %q is not an address and a port, like 127.0.0.1:5160", at)
		}
		var pc *net.UDPConn
		if err == nil {
			pc, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		}
		if err != nil {
			for _, open := range sockets {
				open.Close()
			}
			return nil, err
		}
		sockets = append(sockets, pc)
	}
	return sockets, nil
}
