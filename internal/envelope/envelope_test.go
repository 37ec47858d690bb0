package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimeo/internal/envelope"
)

func sealed(t testing.TB, plain []byte, k envelope.Key) []byte {
	t.Helper()
	r, err := envelope.Seal(bytes.NewReader(plain), k)
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read sealed bytes: %v", err)
	}
	return b
}

// pattern returns n bytes that differ from package to package.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*17
	}
	return b
}

// openStream reads a whole stream with the sequential reader.
func openStream(b []byte, k envelope.Key) ([]byte, error) {
	r, err := envelope.OpenStream(bytes.NewReader(b), k)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// openAt reads a whole stream with random access, in pieces.
func openAt(b []byte, k envelope.Key) ([]byte, error) {
	p, err := envelope.Open(bytes.NewReader(b), int64(len(b)), k)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(p, 0, p.Size()))
}

// openRange reads a whole stream as one range.
func openRange(b []byte, k envelope.Key) ([]byte, error) {
	p, err := envelope.Open(bytes.NewReader(b), int64(len(b)), k)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(p.Range(0, p.Size()))
}

var openers = map[string]func([]byte, envelope.Key) ([]byte, error){
	"stream": openStream, "random access": openAt, "range": openRange,
}

const chunk = 64 << 10

var sizes = []int{0, 1, 2, 1000, chunk - 2, chunk - 1, chunk, chunk + 1, 2*chunk - 1, 2 * chunk, 3*chunk + 17}

func TestSealedIsOpenedByEveryReader(t *testing.T) {
	t.Parallel()
	for _, n := range sizes {
		k, want := envelope.NewKey(), pattern(n)
		b := sealed(t, want, k)
		for name, open := range openers {
			got, err := open(b, k)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes: got %d bytes, error %v", name, n, len(got), err)
			}
		}
	}
}

// Every single byte of a stream of one package is changed in turn, and of a
// longer one every byte that is no ciphertext, with samples of the rest.
func TestEveryChangedByteIsRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 40, 2*chunk + 100} {
		k := envelope.NewKey()
		b := sealed(t, pattern(n), k)
		for i := range b {
			if inside := i % (chunk + 32); n > 1000 && inside >= 16 && inside < chunk+16 && i%4099 != 0 {
				continue
			}
			bad := bytes.Clone(b)
			bad[i] ^= 1 << (i % 8)
			refused(t, bad, k, "byte %d of %d changed", i, len(b))
		}
	}
}

func TestEveryTruncationAndExtensionIsRefused(t *testing.T) {
	t.Parallel()
	const packages = chunk + 32
	k := envelope.NewKey()
	short := sealed(t, pattern(60), k)
	for i := range short {
		refused(t, short[:i], k, "cut to %d of %d bytes", i, len(short))
	}
	long := sealed(t, pattern(3*chunk+17), k)
	for _, i := range []int{0, 1, 15, 16, 31, 32, 33, packages - 1, packages, packages + 1, packages + 33, 2 * packages, 3 * packages, len(long) - 1} {
		refused(t, long[:i], k, "cut to %d of %d bytes", i, len(long))
	}
	last := long[3*packages:]
	for name, tail := range map[string][]byte{
		"one byte": {0}, "33 bytes": make([]byte, 33), "the last package again": last, "all of it again": long,
		"a sealed stream of the same key": short, "a whole package of zeroes": make([]byte, packages),
	} {
		refused(t, append(bytes.Clone(long), tail...), k, "extended by %s", name)
	}
	refused(t, bytes.Join([][]byte{long[packages : 2*packages], long[:packages], long[2*packages:]}, nil), k, "packages exchanged")
	refused(t, bytes.Join([][]byte{long[:packages], long[2*packages:]}, nil), k, "package left out")
	other := sealed(t, pattern(3*chunk+17), k)
	refused(t, bytes.Join([][]byte{long[:packages], other[packages:]}, nil), k, "stream spliced from two")
	refused(t, long, envelope.NewKey(), "another key")
}

func refused(t *testing.T, b []byte, k envelope.Key, format string, args ...any) {
	t.Helper()
	for name, open := range openers {
		if _, err := open(b, k); !errors.Is(err, envelope.ErrNotAuthentic) {
			t.Errorf(name+": "+format+": error %v, want ErrNotAuthentic", append(args, err)...)
		}
	}
}

func TestRangesAreThoseOfThePlainBytes(t *testing.T) {
	t.Parallel()
	k := envelope.NewKey()
	rapid.Check(t, func(t *rapid.T) {
		want := pattern(rapid.IntRange(0, 3*chunk).Draw(t, "size"))
		r, err := envelope.Seal(bytes.NewReader(want), k)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(iotest.HalfReader(r))
		if err != nil {
			t.Fatal(err)
		}
		p, err := envelope.Open(bytes.NewReader(b), int64(len(b)), k)
		if err != nil {
			t.Fatal(err)
		}
		off := rapid.IntRange(0, len(want)).Draw(t, "off")
		n := rapid.IntRange(0, len(want)-off).Draw(t, "n")
		got, err := io.ReadAll(p.Range(int64(off), int64(n)))
		if err != nil || !bytes.Equal(got, want[off:off+n]) {
			t.Fatalf("Range(%d, %d) of %d: %d bytes, error %v", off, n, len(want), len(got), err)
		}
		at := make([]byte, n)
		if m, err := p.ReadAt(at, int64(off)); m != n || err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(at, want[off:off+n]) {
			t.Fatalf("ReadAt(%d bytes, %d) of %d: %d, %v", n, off, len(want), m, err)
		}
	})
}

func TestReadAtKeepsTheContractOfReaderAt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 1000} { // it reads byte by byte
		k, want := envelope.NewKey(), pattern(n)
		b := sealed(t, want, k)
		p, err := envelope.Open(bytes.NewReader(b), int64(len(b)), k)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if err := iotest.TestReader(io.NewSectionReader(p, 0, p.Size()), want); err != nil {
			t.Errorf("section of %d bytes: %v", n, err)
		}
		if m, err := p.ReadAt(make([]byte, 5), p.Size()); m != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("ReadAt the end of %d bytes = %d, %v; want 0, EOF", n, m, err)
		}
		if _, err := p.ReadAt(make([]byte, 1), -1); err == nil {
			t.Errorf("ReadAt(-1) of %d bytes: no error", n)
		}
	}
}

// damaged fails once, and would go on afterwards.
type damaged struct {
	r    io.Reader
	done bool
}

var errDisk = errors.New("the disk has gone")

func (d *damaged) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err == io.EOF && !d.done {
		d.done = true
		return n, errDisk
	}
	return n, err
}

func TestErrorsOfTheSourceAreKept(t *testing.T) {
	t.Parallel()
	for _, n := range sizes {
		k := envelope.NewKey()
		r, err := envelope.Seal(&damaged{r: bytes.NewReader(pattern(n))}, k)
		if err != nil {
			t.Fatalf("Seal: %v", err)
		}
		b, err := io.ReadAll(r)
		if !errors.Is(err, errDisk) {
			t.Errorf("seal %d bytes of a failing source: %v", n, err)
		}
		if _, err := r.Read(make([]byte, 10)); !errors.Is(err, errDisk) {
			t.Errorf("read after the error: %v, want it again", err)
		}
		refused(t, b, k, "what was sealed of %d bytes before the error", n)

		plain, err := envelope.OpenStream(&damaged{r: bytes.NewReader(sealed(t, pattern(n), k))}, k)
		if err == nil {
			_, err = io.ReadAll(plain)
		}
		if !errors.Is(err, errDisk) {
			t.Errorf("open %d bytes of a failing source: %v", n, err)
		}
	}
}

func TestTwoSealingsDiffer(t *testing.T) {
	t.Parallel()
	k := envelope.NewKey()
	if cmp.Equal(sealed(t, pattern(100), k), sealed(t, pattern(100), k)) {
		t.Error("one payload sealed twice has the same bytes: the nonce is not random")
	}
}

func TestNothingIsSealedUnderTheZeroKey(t *testing.T) {
	t.Parallel()
	var zero envelope.Key
	if _, err := envelope.Seal(bytes.NewReader(nil), zero); !errors.Is(err, envelope.ErrEmptyKey) {
		t.Errorf("Seal: %v", err)
	}
	if _, err := envelope.Open(bytes.NewReader(make([]byte, 40)), 40, zero); !errors.Is(err, envelope.ErrEmptyKey) {
		t.Errorf("Open: %v", err)
	}
	if _, err := envelope.OpenStream(bytes.NewReader(make([]byte, 40)), zero); !errors.Is(err, envelope.ErrEmptyKey) {
		t.Errorf("OpenStream: %v", err)
	}
	if _, err := envelope.Wrap(zero, envelope.NewKey(), nil); !errors.Is(err, envelope.ErrEmptyKey) {
		t.Errorf("Wrap under the zero key: %v", err)
	}
	if _, err := envelope.Wrap(envelope.NewKey(), zero, nil); !errors.Is(err, envelope.ErrEmptyKey) {
		t.Errorf("Wrap of the zero key: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	k, err := envelope.KeyFrom(bytes.Repeat([]byte{7}, envelope.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	whole := sealed(f, pattern(90), k)
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		want, streamErr := openStream(b, k)
		for name, open := range openers {
			got, err := open(b, k)
			if (err == nil) != (streamErr == nil) || err == nil && !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v; the stream: %d bytes, %v", name, len(got), err, len(want), streamErr)
			}
			if err != nil && !errors.Is(err, envelope.ErrNotAuthentic) {
				t.Errorf("%s: error %v, want ErrNotAuthentic", name, err)
			}
		}
	})
}

func BenchmarkOpenStream(b *testing.B) {
	k := envelope.NewKey()
	data := sealed(b, pattern(16<<20), k)
	b.SetBytes(16 << 20)
	for b.Loop() {
		r, err := envelope.OpenStream(bytes.NewReader(data), k)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
