package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"
)

// Save puts data in the place of the file at once and completely, with the mode that the file has (0600 for a new
// one), and keeps the old text as path.prev. When nothing changed, nothing is written: flash wears out.
// It does not check data; Parse does.
func Save(path string, data []byte) (changed bool, err error) {
	old, err := os.ReadFile(path)
	mode := fs.FileMode(0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, fmt.Errorf("config: %w", err)
	case bytes.Equal(old, data):
		return false, nil
	default:
		info, err := os.Stat(path)
		if err != nil {
			return false, fmt.Errorf("config: %w", err)
		}
		mode = info.Mode().Perm()
		if err := replace(path+".prev", old, mode); err != nil {
			return false, err
		}
	}
	if err := replace(path, data, mode); err != nil {
		return false, err
	}
	return true, nil
}

func replace(path string, data []byte, mode fs.FileMode) error {
	if err := renameio.WriteFile(path, data, mode, renameio.WithStaticPermissions(mode)); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}
