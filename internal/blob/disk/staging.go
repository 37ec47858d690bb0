package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
)

func (s *Store) stagedFile(name digest.Digest) string { return s.path(staging, name.String()) }

// Stage implements [blob.Stager]. The kept bytes are read, for the digest.
func (s *Store) Stage(ctx context.Context, name digest.Digest, keep int64) (_ blob.Staging, err error) {
	flags := os.O_RDWR
	if keep == 0 {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(s.stagedFile(name), flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("stage %s: %w", name, blob.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", name, err)
	}
	w := &stagingFile{store: s, file: f, kept: digest.NewWriter(io.Discard)}
	if err := w.keep(ctx, keep); err != nil {
		return nil, errors.Join(fmt.Errorf("stage %s: %w", name, err), f.Close())
	}
	return w, nil
}

// A stagingFile is written by one writer.
type stagingFile struct {
	store *Store
	file  *os.File
	kept  *digest.Writer
	named bool // the file's name is durable
	err   error
}

func (f *stagingFile) keep(ctx context.Context, n int64) error {
	read, err := io.CopyN(f.kept, blob.WithContext(ctx, f.file), n)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: of %d bytes %d are there", blob.ErrNotFound, n, read)
	}
	if err != nil {
		return err
	}
	return f.file.Truncate(n)
}

func (f *stagingFile) Write(p []byte) (n int, err error) {
	if f.err == nil {
		f.err = f.store.before("write")
	}
	if f.err == nil {
		n, f.err = f.file.Write(p)
		_, _ = f.kept.Write(p[:n]) // a hash never fails
	}
	return n, f.err
}

func (f *stagingFile) Sync() error {
	if f.err == nil {
		f.err = f.store.sync(f.file)
	}
	if f.err == nil && !f.named {
		f.err = f.store.syncDir(f.store.path(staging))
		f.named = f.err == nil
	}
	return f.err
}

func (f *stagingFile) Digest() digest.Digest { return f.kept.Digest() }
func (f *stagingFile) Size() int64           { return f.kept.Size() }
func (f *stagingFile) Close() error          { return f.file.Close() }

// Publish implements [blob.Stager].
func (s *Store) Publish(_ context.Context, name, d digest.Digest) error {
	err := s.publish(s.stagedFile(name), d)
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(s.file(d)); missing == nil {
			return nil // a run that was cut has done it
		}
		err = blob.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("publish blob %s: %w", d, err)
	}
	return nil
}

// Discard implements [blob.Stager].
func (s *Store) Discard(_ context.Context, name digest.Digest) error {
	if err := os.Remove(s.stagedFile(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard %s: %w", name, err)
	}
	return nil
}

// Staged implements [blob.Stager].
func (s *Store) Staged(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) { s.listDir(ctx, staging, yield) }
}
