package mem

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
)

// Stage implements [blob.Stager].
func (s *Store) Stage(_ context.Context, name digest.Digest, keep int64) (blob.Staging, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.staged[name].bytes
	if int64(len(there)) < keep {
		return nil, fmt.Errorf("stage %s: %w: of %d bytes %d are there", name, blob.ErrNotFound, keep, len(there))
	}
	b := &stagingBuffer{store: s, name: name, bytes: slices.Clone(there[:keep])}
	b.digest = digest.NewWriter(io.Discard)
	_, _ = b.digest.Write(b.bytes) // a hash never fails
	s.staged[name] = stored{bytes: b.bytes, at: time.Now()}
	return b, nil
}

// A stagingBuffer keeps what was written; nothing is lost before it is synced,
// as it may be on a disk.
type stagingBuffer struct {
	store  *Store
	name   digest.Digest
	bytes  []byte
	digest *digest.Writer
}

func (b *stagingBuffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return b.digest.Write(p)
}

func (b *stagingBuffer) Sync() error {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.store.staged[b.name] = stored{bytes: slices.Clip(b.bytes), at: time.Now()}
	return nil
}

func (b *stagingBuffer) Digest() digest.Digest { return b.digest.Digest() }
func (b *stagingBuffer) Size() int64           { return b.digest.Size() }
func (b *stagingBuffer) Close() error          { return nil }

// Publish implements [blob.Stager].
func (s *Store) Publish(_ context.Context, name, d digest.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.staged[name]
	if _, there := s.blobs[d]; !ok && !there {
		return fmt.Errorf("publish blob %s: %w", d, blob.ErrNotFound)
	}
	if ok {
		s.blobs[d] = stored{bytes: b.bytes, at: time.Now()}
		delete(s.staged, name)
	}
	return nil
}

// Discard implements [blob.Stager].
func (s *Store) Discard(_ context.Context, name digest.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.staged, name)
	return nil
}
