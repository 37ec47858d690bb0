package s3api_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mimeo/internal/blob/disk"
)

// zeros is a body of size bytes that costs no memory.
type zeros struct{ size, at int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.at == z.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.size-z.at)
	clear(p[:n])
	z.at += n
	return int(n), nil
}

func (z *zeros) Seek(offset int64, whence int) (int64, error) {
	z.at = map[int]int64{io.SeekStart: 0, io.SeekCurrent: z.at, io.SeekEnd: z.size}[whence] + offset
	return z.at, nil
}

// onDisk is a server that keeps its blobs in files.
func onDisk(t testing.TB) *server {
	t.Helper()
	blobs, err := disk.Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, blobs, plain)
}

// pass puts an object and reads it back.
func pass(t testing.TB, c *s3.Client, size int64) {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("volume"), Key: aws.String("k"), Body: &zeros{size: size}, ContentLength: &size},
		s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(t.Context(), in("volume", "k"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, out.Body); err != nil || n != size {
		t.Fatalf("%d bytes of %d, %v", n, size, err)
	}
}

// peak returns the highest number of bytes that were in use on the heap while
// do ran, beyond those before.
func peak(do func()) uint64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var highest atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			runtime.ReadMemStats(&now)
			highest.Store(max(highest.Load(), now.HeapInuse))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	do()
	close(stop)
	<-stopped
	return max(highest.Load(), before.HeapInuse) - before.HeapInuse
}

// TestMemoryDoesNotGrowWithTheObject passes an object of 128 MiB, client and
// server in one process. It runs alone, because it looks at the whole heap.
// BenchmarkPass1GiB is the same with 1 GiB.
func TestMemoryDoesNotGrowWithTheObject(t *testing.T) { //nolint:paralleltest // see above
	s := onDisk(t)
	c := s.client(mine)
	create(t, c, "volume")
	pass(t, c, 1<<20)
	if grown := peak(func() { pass(t, c, 128<<20) }); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB, want 32 or less", grown>>20)
	}
}

func BenchmarkPass1GiB(b *testing.B) {
	s := onDisk(b)
	c := s.client(mine)
	create(b, c, "volume")
	b.SetBytes(2 << 30)
	var highest uint64
	for b.Loop() {
		highest = max(highest, peak(func() { pass(b, c, 1<<30) }))
	}
	b.ReportMetric(float64(highest>>20), "peak-MiB")
}

const benchSize = 64 << 20

func BenchmarkPutObject(b *testing.B) {
	s := onDisk(b)
	c := s.client(mine)
	create(b, c, "volume")
	text := bytes.Repeat([]byte("0123456789abcdef"), benchSize/16)
	b.SetBytes(benchSize)
	for b.Loop() {
		put(b, c, "volume", "k", text)
	}
}

func BenchmarkGetObject(b *testing.B) {
	s := onDisk(b)
	c := s.client(mine)
	create(b, c, "volume")
	put(b, c, "volume", "k", bytes.Repeat([]byte("0123456789abcdef"), benchSize/16))
	b.SetBytes(benchSize)
	for b.Loop() {
		out, err := c.GetObject(b.Context(), in("volume", "k"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out.Body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRawWrite is what the disk does in the same run: written and synced.
func BenchmarkRawWrite(b *testing.B) {
	text := bytes.Repeat([]byte("0123456789abcdef"), benchSize/16)
	file := filepath.Join(b.TempDir(), "raw")
	b.SetBytes(benchSize)
	for b.Loop() {
		f, err := os.Create(file)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Write(text); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestACutConnectionLeavesNothing ends connections in the middle of a body.
func TestACutConnectionLeavesNothing(t *testing.T) {
	t.Parallel()
	s := onDisk(t)
	c := s.client(mine)
	create(t, c, "volume")
	old := strings.Repeat("old", 30_000)
	put(t, c, "volume", "k", []byte(old))
	for _, n := range []int{0, 1, 100_000} {
		resp, body := s.sendCut(t, call{"PUT", "/volume/k", []string{"-", "Content-Length", "Content-Length", "300000"}, string(make([]byte, n))})
		// Which one depends on who notices first, the reader or the connection.
		code := between(body, "<Code>", "</Code>")
		if resp.StatusCode != http.StatusBadRequest || code != "IncompleteBody" && code != "RequestTimeout" {
			t.Errorf("cut after %d bytes: %d %s", n, resp.StatusCode, body)
		}
	}
	if got, _ := get(t, c, in("volume", "k")); got != old {
		t.Errorf("the object is now %d bytes", len(got))
	}
	blobs := 0
	for _, err := range s.blobs.List(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		blobs++
	}
	if blobs != 1 {
		t.Errorf("%d blobs are there, want one", blobs)
	}
}
