package vault_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"mimeo/internal/blob"
	"mimeo/internal/blob/disk"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
	"mimeo/internal/vault"
)

// BenchmarkReseal1GiB reseals an artifact of 1 GiB, beside the machine's limit:
// one pass of read, open, seal, hash and write, with a sync at the end and
// nothing else.
//
//	go test ./internal/vault -run '^$' -bench Reseal1GiB -benchtime 3x
func BenchmarkReseal1GiB(b *testing.B) {
	const size = 1 << 30
	f := newFixture(b)
	store, err := disk.Open(filepath.Join(b.TempDir(), "blobs"))
	check(b, err)
	f.Blobs = store
	v, copied := version(source, "v1"), version(source, "v2")
	from := f.newKey(b, v, f.prepare(b, source, "", v))
	to := f.newKey(b, copied, f.prepare(b, source, "", copied))
	a, err := f.Seal(b.Context(), from, customlabels.Weights, io.LimitReader(rand.NewChaCha8([32]byte{}), size))
	check(b, err)
	plain := envelope.NewKey()
	stream, err := envelope.Seal(io.LimitReader(rand.NewChaCha8([32]byte{}), size), plain)
	check(b, err)
	alike, _, err := store.Put(b.Context(), stream)
	check(b, err)
	b.Run("limit", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			check(b, pass(b, store, alike, plain))
		}
	})
	b.Run("reseal", func(b *testing.B) {
		b.SetBytes(size)
		peak := uint64(0)
		for b.Loop() {
			s, err := f.NewSealing(to, a.Role)
			check(b, err)
			made, err := f.Reseal(b.Context(), vault.Reseal{
				From: from, To: to, Source: a, Sealing: s,
				Moved: func(int64) {},
				Durable: func(context.Context, int64) error {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapInuse)
					return nil
				},
			})
			check(b, err)
			check(b, f.Discard(b.Context(), s, made.Digest))
		}
		b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
	})
}

// pass is the limit: what any reseal must do, as plainly as it can be written.
func pass(b *testing.B, store *disk.Store, d digest.Digest, key envelope.Key) (err error) {
	b.Helper()
	sealed, err := store.Open(b.Context(), d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sealed.Close()) }()
	plain, err := envelope.OpenStream(blob.Verified(sealed, d), key)
	if err != nil {
		return err
	}
	again, err := envelope.Seal(plain, envelope.NewKey())
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(b.TempDir(), "out"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close(), os.Remove(out.Name())) }()
	if _, err := io.CopyBuffer(digest.NewWriter(out), again, make([]byte, 1<<20)); err != nil {
		return err
	}
	return out.Sync()
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
