//go:build !linux

package cli

func signalKeys(int) (restore func()) { return func() {} }
