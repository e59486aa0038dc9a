// Package arch holds the house rules as a test: which room may call which, how large a file may grow, what every
// package must say about itself. It has no code of its own; docs/ARCHITECTURE.md gives the reasons.
package arch
