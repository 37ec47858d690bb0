// Package disk keeps blobs as files: DIR/ab/abcd… is named by the digest of
// its bytes, DIR/tmp holds what is still being written, DIR/staged what is
// written in several goes. A blob is written to
// a temporary file, synced, renamed, and its directory synced; so a name that
// exists has all its bytes, whenever the power fails.
//
// One process at a time may use a directory; whoever opens it must have
// locked it.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
)

const (
	temporary = "tmp"
	staging   = "staged"
	dirMode   = 0o700
)

// A Store keeps blobs below one directory.
type Store struct {
	dir    string
	before func(effect string) error
}

// Options are what tests change. The zero value works.
type Options struct {
	// Before is called before each durable effect of a Put: "write", "sync",
	// "sync directory" and "rename". Its error is what the effect fails with.
	Before func(effect string) error
}

// Open is [OpenWith] the zero options.
func Open(dir string) (*Store, error) { return OpenWith(dir, Options{}) }

// OpenWith returns the store in dir, and makes dir where it is missing. Files
// that a killed process was writing are removed.
func OpenWith(dir string, o Options) (*Store, error) {
	s := &Store{dir: dir, before: o.Before}
	if s.before == nil {
		s.before = func(string) error { return nil }
	}
	if err := os.RemoveAll(s.path(temporary)); err != nil {
		return nil, fmt.Errorf("remove unfinished blobs: %w", err)
	}
	for _, d := range []string{temporary, staging} {
		if err := os.MkdirAll(s.path(d), dirMode); err != nil {
			return nil, fmt.Errorf("open blob directory: %w", err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := syncDir(d); err != nil {
			return nil, fmt.Errorf("open blob directory: %w", err)
		}
	}
	return s, nil
}

func (s *Store) path(elements ...string) string {
	return filepath.Join(append([]string{s.dir}, elements...)...)
}

func (s *Store) file(d digest.Digest) string {
	name := d.String()
	return s.path(name[:2], name)
}

// Put implements [blob.Store]. Bytes that are there already are written
// again: that mends a damaged file and makes the blob a new one for the sweep.
func (s *Store) Put(ctx context.Context, r io.Reader) (digest.Digest, int64, error) {
	f, err := os.CreateTemp(s.path(temporary), "")
	if err != nil {
		return digest.Digest{}, 0, fmt.Errorf("put blob: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // no effect once it is renamed
	w := digest.NewWriter(f)
	if err = s.before("write"); err == nil {
		_, err = io.Copy(w, blob.WithContext(ctx, r))
	}
	if err == nil {
		err = s.sync(f)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return digest.Digest{}, 0, fmt.Errorf("put blob: %w", err)
	}
	if err := s.publish(f.Name(), w.Digest()); err != nil {
		return digest.Digest{}, 0, fmt.Errorf("put blob %s: %w", w.Digest(), err)
	}
	return w.Digest(), w.Size(), nil
}

// publish gives a finished file its name, durably.
func (s *Store) publish(written string, d digest.Digest) error {
	file := s.file(d)
	switch err := os.Mkdir(filepath.Dir(file), dirMode); {
	case err == nil || errors.Is(err, fs.ErrExist):
	default:
		return err
	}
	// Also where the directory exists: whoever made it may not have synced
	// it yet.
	if err := s.syncDir(s.dir); err != nil {
		return err
	}
	if err := s.before("rename"); err != nil {
		return err
	}
	if err := os.Rename(written, file); err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(file))
}

func (s *Store) sync(f *os.File) error {
	if err := s.before("sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (s *Store) syncDir(dir string) error {
	if err := s.before("sync directory"); err != nil {
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

// Open implements [blob.Store].
func (s *Store) Open(_ context.Context, d digest.Digest) (blob.Blob, error) {
	f, err := os.Open(s.file(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open blob %s: %w", d, blob.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", d, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blob %s: %w", d, err), f.Close())
	}
	return opened{File: f, size: info.Size()}, nil
}

// An opened blob stays readable after it is deleted or put again.
type opened struct {
	*os.File
	size int64
}

func (o opened) Size() int64 { return o.size }

// Delete implements [blob.Store]. It does not sync: a file that comes back
// when the power fails is found by the next sweep.
func (s *Store) Delete(_ context.Context, d digest.Digest) error {
	if err := os.Remove(s.file(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob %s: %w", d, err)
	}
	return nil
}

// List implements [blob.Store]. Files that are no blobs are passed over.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		fans, err := os.ReadDir(s.dir)
		if err != nil {
			yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
			return
		}
		for _, fan := range fans {
			if fan.Name() == temporary || fan.Name() == staging || !fan.IsDir() {
				continue
			}
			if !s.listDir(ctx, fan.Name(), yield) {
				return
			}
		}
	}
}

// listDir yields the blobs of one directory; false ends the listing.
func (s *Store) listDir(ctx context.Context, fan string, yield func(blob.Info, error) bool) bool {
	files, err := os.ReadDir(s.path(fan))
	if err != nil {
		yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
		return false
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
			return false
		}
		d, err := digest.Parse(file.Name())
		if err != nil {
			continue
		}
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
			return false
		}
		if !yield(blob.Info{Digest: d, Size: info.Size(), StoredAt: info.ModTime()}, nil) {
			return false
		}
	}
	return true
}
