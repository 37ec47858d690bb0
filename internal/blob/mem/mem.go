// Package mem keeps blobs in memory: for tests, and where nothing has to
// last.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
)

// A Store keeps blobs in memory. The zero value is not usable: see [New].
type Store struct {
	mu     sync.Mutex
	blobs  map[digest.Digest]stored
	staged map[digest.Digest]stored
}

type stored struct {
	bytes []byte
	at    time.Time
}

// New returns an empty store.
func New() *Store {
	return &Store{blobs: map[digest.Digest]stored{}, staged: map[digest.Digest]stored{}}
}

// Put implements [blob.Store].
func (s *Store) Put(ctx context.Context, r io.Reader) (digest.Digest, int64, error) {
	var b bytes.Buffer
	w := digest.NewWriter(&b)
	if _, err := io.Copy(w, blob.WithContext(ctx, r)); err != nil {
		return digest.Digest{}, 0, fmt.Errorf("put blob: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[w.Digest()] = stored{bytes: b.Bytes(), at: time.Now()}
	return w.Digest(), w.Size(), nil
}

// Open implements [blob.Store].
func (s *Store) Open(_ context.Context, d digest.Digest) (blob.Blob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[d]
	if !ok {
		return nil, fmt.Errorf("open blob %s: %w", d, blob.ErrNotFound)
	}
	return opened{bytes.NewReader(b.bytes)}, nil
}

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

// Delete implements [blob.Store].
func (s *Store) Delete(_ context.Context, d digest.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, d)
	return nil
}

// List implements [blob.Store]. It yields the blobs that were there when it
// began.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] { return s.list(ctx, s.blobs) }

// Staged implements [blob.Stager], as List does.
func (s *Store) Staged(ctx context.Context) iter.Seq2[blob.Info, error] {
	return s.list(ctx, s.staged)
}

func (s *Store) list(ctx context.Context, of map[digest.Digest]stored) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for _, info := range s.snapshot(of) {
			if err := ctx.Err(); err != nil {
				yield(blob.Info{}, fmt.Errorf("list blobs: %w", err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (s *Store) snapshot(of map[digest.Digest]stored) []blob.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]blob.Info, 0, len(of))
	for d, b := range of {
		infos = append(infos, blob.Info{Digest: d, Size: int64(len(b.bytes)), StoredAt: b.at})
	}
	return infos
}
