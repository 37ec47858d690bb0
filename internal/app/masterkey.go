package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mimeo/internal/envelope"
)

// loadMasterKey reads the key under which all secrets at rest are wrapped, or
// makes it where the file is not there. A file that others may read is
// refused: what it protects must be taken for known.
func loadMasterKey(file string) (envelope.Key, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createMasterKey(file)
	}
	if err != nil {
		return envelope.Key{}, fmt.Errorf("master key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return envelope.Key{}, fmt.Errorf("master key: %s has mode %04o, others can read it: run chmod 600 on it, if nobody has", file, mode)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return envelope.Key{}, fmt.Errorf("master key: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return envelope.Key{}, fmt.Errorf("master key: %s does not hold hexadecimal digits", file)
	}
	key, err := envelope.KeyFrom(raw)
	if err != nil {
		return envelope.Key{}, fmt.Errorf("master key: %s: %w", file, err)
	}
	return key, nil
}

func createMasterKey(file string) (envelope.Key, error) {
	key := envelope.NewKey()
	if err := replaceFile(file, []byte(hex.EncodeToString(key.Reveal())+"\n")); err != nil {
		return envelope.Key{}, fmt.Errorf("create master key: %w", err)
	}
	return key, nil
}

// replaceFile writes a file of mode 0600 so that it is there whole or not at
// all, also after a power cut.
func replaceFile(file string, content []byte) (err error) {
	dir := filepath.Dir(file)
	written, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(written.Name()))
		}
	}()
	_, err = written.Write(content)
	if err := errors.Join(err, written.Sync(), written.Close()); err != nil {
		return err
	}
	if err := os.Rename(written.Name(), file); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
