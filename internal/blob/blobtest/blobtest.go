// Package blobtest is the suite of the contract in package blob. Every
// implementation passes it.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
)

// Run checks the sentences of [blob.Store] one by one. newStore returns an
// empty store that lives as long as its test.
func Run(t *testing.T, newStore func(t *testing.T) blob.Store) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, blob.Store){
		"put stores all and names it":               putStoresAll,
		"putting twice is no error":                 putTwice,
		"putting again makes it new for the sweep":  putRenews,
		"put leaves nothing when the reader fails":  putOfFailingReader,
		"put leaves nothing when the context ends":  putOfEndedContext,
		"concurrent puts":                           concurrentPuts,
		"open fails for what is not there":          openOfMissing,
		"an open blob reads at any place":           readAt,
		"an open blob outlives its deletion":        readAfterDelete,
		"a verified read refuses another digest":    verifiedRead,
		"delete removes, and twice is no error":     deleteTwice,
		"list yields every blob":                    listAll,
		"list ends when told, or when context ends": listEnds,
		"a cut writer goes on where it was synced":  stageResumes,
		"more than is staged cannot be kept":        stageKeepsNoMore,
		"publish names the bytes, and twice":        publishTwice,
		"what is staged is listed until it is gone": stagedIsListed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, newStore(t))
		})
	}
}

// sample returns n bytes that depend on the seed.
func sample(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	_, _ = r.Read(b) // never fails
	return b
}

func put(t *testing.T, s blob.Store, b []byte) digest.Digest {
	t.Helper()
	d, n, err := s.Put(t.Context(), bytes.NewReader(b))
	if err != nil || d != digest.Of(b) || n != int64(len(b)) {
		t.Fatalf("Put of %d bytes = %s, %d, %v; want %s", len(b), d, n, err, digest.Of(b))
	}
	return d
}

func open(t *testing.T, s blob.Store, d digest.Digest) blob.Blob {
	t.Helper()
	b, err := s.Open(t.Context(), d)
	if err != nil {
		t.Fatalf("Open(%s): %v", d, err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

func read(t *testing.T, s blob.Store, d digest.Digest) []byte {
	t.Helper()
	got, err := io.ReadAll(blob.Verified(open(t, s, d), d))
	if err != nil {
		t.Fatalf("read %s: %v", d, err)
	}
	return got
}

func list(t *testing.T, s blob.Store) map[digest.Digest]blob.Info {
	t.Helper()
	infos := map[digest.Digest]blob.Info{}
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if _, twice := infos[info.Digest]; twice {
			t.Errorf("List yields %s twice", info.Digest)
		}
		infos[info.Digest] = info
	}
	return infos
}

func empty(t *testing.T, s blob.Store) {
	t.Helper()
	if got := list(t, s); len(got) != 0 {
		t.Errorf("the store holds %v, want nothing", got)
	}
}

func putStoresAll(t *testing.T, s blob.Store) {
	for i, n := range []int{0, 1, 1000, 64 << 10, 300_000} {
		want := sample(uint64(i), n)
		if got := read(t, s, put(t, s, want)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d others", n, len(got))
		}
	}
	if d, _, err := s.Put(t.Context(), iotest.OneByteReader(bytes.NewReader([]byte("slow")))); err != nil || d != digest.Of([]byte("slow")) {
		t.Errorf("Put of a slow reader = %s, %v", d, err)
	}
}

func putTwice(t *testing.T, s blob.Store) {
	want := sample(1, 5000)
	d := put(t, s, want)
	if again := put(t, s, want); again != d || !bytes.Equal(read(t, s, d), want) {
		t.Errorf("putting again gives %s, want %s", again, d)
	}
	if got := list(t, s); len(got) != 1 {
		t.Errorf("the store holds %d blobs, want 1", len(got))
	}
}

func putRenews(t *testing.T, s blob.Store) {
	d := put(t, s, sample(1, 10))
	first := list(t, s)[d].StoredAt
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		put(t, s, sample(1, 10))
		if list(t, s)[d].StoredAt.After(first) {
			return
		}
	}
	t.Errorf("StoredAt stays %v however often the blob is put", first)
}

var errSource = errors.New("the source failed")

func putOfFailingReader(t *testing.T, s blob.Store) {
	for _, n := range []int{0, 1, 100_000} {
		r := io.MultiReader(bytes.NewReader(sample(1, n)), iotest.ErrReader(errSource))
		if d, _, err := s.Put(t.Context(), r); !errors.Is(err, errSource) || d != (digest.Digest{}) {
			t.Errorf("Put of a reader that fails after %d bytes = %s, %v", n, d, err)
		}
	}
	empty(t, s)
}

// cancelling ends a context when it has been read up to some byte.
type cancelling struct {
	r      io.Reader
	after  int
	cancel context.CancelFunc
}

func (c *cancelling) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(len(p), 4096)])
	if c.after -= n; c.after <= 0 {
		c.cancel()
	}
	return n, err
}

func putOfEndedContext(t *testing.T, s blob.Store) {
	for _, after := range []int{0, 1, 50_000, 100_000} {
		ctx, cancel := context.WithCancel(t.Context())
		r := &cancelling{r: bytes.NewReader(sample(1, 100_000)), after: after, cancel: cancel}
		if _, _, err := s.Put(ctx, r); !errors.Is(err, context.Canceled) {
			t.Errorf("Put with a context that ends after %d bytes: %v", after, err)
		}
		cancel()
	}
	empty(t, s)
}

func concurrentPuts(t *testing.T, s blob.Store) {
	const writers, blobs = 8, 6
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range blobs {
				want := sample(uint64((i+w)%blobs), 20_000)
				d, _, err := s.Put(t.Context(), bytes.NewReader(want))
				if err != nil || d != digest.Of(want) {
					t.Errorf("writer %d: Put = %s, %v", w, d, err)
					continue
				}
				if err := readBack(t.Context(), s, d); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	wait.Wait()
	if got := list(t, s); len(got) != blobs {
		t.Errorf("the store holds %d blobs, want %d", len(got), blobs)
	}
}

func readBack(ctx context.Context, s blob.Store, d digest.Digest) (err error) {
	b, err := s.Open(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	_, err = io.Copy(io.Discard, blob.Verified(b, d))
	return err
}

func openOfMissing(t *testing.T, s blob.Store) {
	put(t, s, sample(1, 10))
	if _, err := s.Open(t.Context(), digest.Of([]byte("missing"))); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open of what is not there: %v", err)
	}
}

func readAt(t *testing.T, s blob.Store) {
	want := sample(1, 10_000)
	b := open(t, s, put(t, s, want))
	if b.Size() != int64(len(want)) {
		t.Errorf("Size = %d, want %d", b.Size(), len(want))
	}
	if err := iotest.TestReader(io.NewSectionReader(b, 0, b.Size()), want); err != nil {
		t.Errorf("section of the blob: %v", err)
	}
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			p := make([]byte, 100)
			if n, err := b.ReadAt(p, int64(i*1000)); n != 100 || err != nil || !bytes.Equal(p, want[i*1000:i*1000+100]) {
				t.Errorf("ReadAt(%d) = %d, %v", i*1000, n, err)
			}
		})
	}
	wait.Wait()
	if n, err := b.ReadAt(make([]byte, 10), b.Size()-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt over the end = %d, %v; want 4, EOF", n, err)
	}
}

func readAfterDelete(t *testing.T, s blob.Store) {
	want := sample(1, 200_000)
	d := put(t, s, want)
	b := open(t, s, d)
	if err := s.Delete(t.Context(), d); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if got, err := io.ReadAll(blob.Verified(b, d)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read after the deletion: %d bytes, %v", len(got), err)
	}
}

func verifiedRead(t *testing.T, s blob.Store) {
	want := sample(1, 70_000)
	b := open(t, s, put(t, s, want))
	if _, err := io.ReadAll(blob.Verified(b, digest.Of([]byte("other")))); !errors.Is(err, digest.ErrMismatch) {
		t.Errorf("read under another digest: %v", err)
	}
}

func deleteTwice(t *testing.T, s blob.Store) {
	d, other := put(t, s, sample(1, 10)), put(t, s, sample(2, 10))
	for range 2 {
		if err := s.Delete(t.Context(), d); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if _, err := s.Open(t.Context(), d); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Open after Delete: %v", err)
		}
	}
	if err := s.Delete(t.Context(), digest.Of([]byte("never there"))); err != nil {
		t.Errorf("Delete of what never was there: %v", err)
	}
	if got := read(t, s, other); !bytes.Equal(got, sample(2, 10)) {
		t.Errorf("the other blob holds %x", got)
	}
	put(t, s, sample(1, 10))
	if got := read(t, s, d); !bytes.Equal(got, sample(1, 10)) {
		t.Errorf("put again after Delete, the blob holds %x", got)
	}
}

func listAll(t *testing.T, s blob.Store) {
	empty(t, s)
	began := time.Now().Add(-2 * time.Second) // file systems round
	want := map[digest.Digest]int64{}
	for i := range 40 {
		want[put(t, s, sample(uint64(i), i))] = int64(i)
	}
	got := list(t, s)
	for d, size := range want {
		if info, ok := got[d]; !ok || info.Size != size || info.StoredAt.Before(began) || info.StoredAt.After(time.Now().Add(2*time.Second)) {
			t.Errorf("List has %+v for %s, want size %d and the time of now", info, d, size)
		}
	}
	if len(got) != len(want) {
		t.Errorf("List yields %d blobs, want %d", len(got), len(want))
	}
}

func listEnds(t *testing.T, s blob.Store) {
	for i := range 5 {
		put(t, s, sample(uint64(i), 10))
	}
	var seen int
	for range s.List(t.Context()) {
		seen++
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs []error
	for _, err := range s.List(ctx) {
		errs = append(errs, err)
	}
	if seen != 1 || !slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, context.Canceled) }) {
		t.Errorf("saw %d blobs; with an ended context: %v", seen, fmt.Sprint(errs))
	}
}
