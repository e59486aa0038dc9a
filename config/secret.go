package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Secret is a password. However it is printed, logged or encoded, it shows ********; string(s) is the only way to it.
type Secret string

const mask = "********"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString is for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format answers every verb, also those that fit no string and would print the plain value beside their complaint.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || f.Flag('#') {
		io.WriteString(f, s.GoString())
		return
	}
	io.WriteString(f, s.String())
}

func (s Secret) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", s.String()), nil }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }

const maxSecretBytes = 256

// readSecret reads a password file: one line, its end not part of the password. The warning is "" or says that others
// may read the file too.
func readSecret(path string) (s Secret, warning string, err error) {
	info, err := os.Stat(path) // before Open: a FIFO would wait for a writer
	if err != nil {
		var inPath *fs.PathError
		if errors.As(err, &inPath) {
			err = inPath.Err
		}
		return "", "", err
	}
	if !info.Mode().IsRegular() {
		return "", "", errors.New("is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		var inPath *fs.PathError
		if errors.As(err, &inPath) {
			err = inPath.Err
		}
		return "", "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+3))
	if err != nil {
		return "", "", errors.New("cannot be read")
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	switch {
	case len(b) == 0:
		return "", "", errors.New("is empty")
	case len(b) > maxSecretBytes:
		return "", "", fmt.Errorf("is longer than %d bytes", maxSecretBytes)
	case bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", "", errors.New("holds more than one line, or control characters")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		warning = fmt.Sprintf("%s may be read by others (mode %04o)", path, mode)
	}
	return Secret(b), warning, nil
}

// beside finds a file that is named relative to the configuration file.
func beside(config, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(config), name)
}
