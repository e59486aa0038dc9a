package config

import (
	"fmt"
	"slices"
)

// Change is one part of the configuration that is not as it was. Nothing in the file needs a restart of the daemon.
type Change struct {
	What    string   // "port 2", "service main", "media", "country" ...
	Port    int      // number of the port; 0: not a port
	Service string   // name of the service; "": not a service
	Keys    []string // the changed keys in the order of the schema; nil when the part was added or removed
	Added   bool
	Removed bool
	Effect  Effect // what it asks of a running gateway
}

// String reads "port 2: user password" or "service main: removed".
func (c Change) String() string {
	switch {
	case c.Added:
		return c.What + ": added"
	case c.Removed:
		return c.What + ": removed"
	case len(c.Keys) == 0:
		return c.What
	}
	s := c.What + ":"
	for _, k := range c.Keys {
		s += " " + k
	}
	return s
}

// Diff lists what is different in b: ports by number, services by name, wherever they stand in the file. Ports come
// first, by number, then services in the order of a and of b, then all else. A port that uses a changed service is
// not listed for that.
func Diff(a, b *Config) []Change {
	var all []Change
	all = append(all, compare(a.Ports, b.Ports, portFields, func(p Port) int { return p.Port }, func(p Port) Change {
		return Change{What: fmt.Sprintf("port %d", p.Port), Port: p.Port, Effect: Registers | Line}
	})...)
	slices.SortStableFunc(all, func(x, y Change) int { return x.Port - y.Port })
	all = append(all, compare(a.Services, b.Services, serviceFields, func(s Service) string { return s.Name }, func(s Service) Change {
		return Change{What: "service " + s.Name, Service: s.Name, Effect: Registers | EndsCalls}
	})...)
	for _, f := range schema {
		if f.key == "ports" || f.key == "services" {
			continue
		}
		if changed, e := f.diff(a, b); changed {
			all = append(all, Change{What: f.key, Effect: e, Keys: innerKeys(f.key, a, b)})
		}
	}
	return all
}

func innerKeys(section string, a, b *Config) []string {
	var keys []string
	switch section {
	case "media":
		keys, _ = changedKeys(mediaFields, &a.Media, &b.Media)
	case "timers":
		keys, _ = changedKeys(timerFields, &a.Timers, &b.Timers)
	case "log":
		keys, _ = changedKeys(logFields, &a.Log, &b.Log)
	}
	return keys
}

func compare[T any, K comparable](a, b []T, fields []field[T], key func(T) K, describe func(T) Change) []Change {
	var all []Change
	find := func(in []T, k K) *T {
		for i := range in {
			if key(in[i]) == k {
				return &in[i]
			}
		}
		return nil
	}
	for i := range a {
		c := describe(a[i])
		now := find(b, key(a[i]))
		if now == nil {
			c.Removed = true
			all = append(all, c)
		} else if c.Keys, c.Effect = changedKeys(fields, &a[i], now); len(c.Keys) > 0 {
			all = append(all, c)
		}
	}
	for i := range b {
		if find(a, key(b[i])) == nil {
			c := describe(b[i])
			c.Added = true
			all = append(all, c)
		}
	}
	return all
}

func changedKeys[T any](fields []field[T], a, b *T) (keys []string, e Effect) {
	for _, f := range fields {
		if changed, effect := f.diff(a, b); changed {
			keys = append(keys, f.key)
			e |= effect
		}
	}
	return keys, e
}
