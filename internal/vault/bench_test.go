package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
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
	for name, after := range map[string]func(vault.Sealing, customlabels.Artifact) error{
		"reseal": func(vault.Sealing, customlabels.Artifact) error { return nil },
		"reseal and read back": func(s vault.Sealing, made customlabels.Artifact) error {
			return errors.Join(f.Publish(b.Context(), s, made), f.ReadBack(b.Context(), made, 0))
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			before := resetPeak(b)
			for b.Loop() {
				s, err := f.NewSealing(to, a.Role)
				check(b, err)
				made, err := f.Reseal(b.Context(), vault.Reseal{
					From: from, To: to, Source: a, Sealing: s,
					Moved:   func(int64) {},
					Durable: func(context.Context, int64) error { return nil },
				})
				check(b, err)
				check(b, after(s, made))
				check(b, f.Discard(b.Context(), s, made.Digest))
			}
			peak := resident(b, "VmHWM")
			b.ReportMetric(float64(peak)/(1<<10), "MiB-peak")
			b.ReportMetric(float64(peak-before)/(1<<10), "MiB-extra")
		})
	}
}

// resetPeak lets the kernel count the peak of this process's memory anew, and
// returns what is resident now, in KiB.
func resetPeak(b *testing.B) int64 {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("the peak is that of the whole process: %v", err)
	}
	return resident(b, "VmRSS")
}

// resident reads a figure of this process from the kernel, in KiB: all that is
// resident, not the heap alone. Where there is none it is 0.
func resident(b *testing.B, field string) (kib int64) {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, at, _ := strings.Cut(string(status), field+":")
	_, err = fmt.Sscan(at, &kib)
	check(b, err)
	return kib
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
