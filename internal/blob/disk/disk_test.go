package disk_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/blob"
	"mimeo/internal/blob/blobtest"
	"mimeo/internal/blob/disk"
	"mimeo/internal/digest"
	"mimeo/internal/faults"
)

func TestContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Store { return store(t, t.TempDir()) })
}

func store(t *testing.T, dir string) *disk.Store {
	t.Helper()
	s, err := disk.Open(dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

// files returns the files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	found := []string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBlobsAreFilesNamedByTheirDigest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "blobs")
	d, _, err := store(t, dir).Put(t.Context(), bytes.NewReader([]byte("abc")))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(d.String()[:2], d.String())}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(dir, want[0]))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if got, err := readAll(t, store(t, dir), d); err != nil || string(got) != "abc" {
		t.Errorf("opened again, the store has %q, %v", got, err)
	}
}

func TestNothingIsLeftOfAFailedPut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := io.MultiReader(bytes.NewReader(make([]byte, 100_000)), iotest.ErrReader(errors.New("cut")))
	if _, _, err := store(t, dir).Put(t.Context(), r); err == nil {
		t.Fatal("Put: no error")
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestUnfinishedFilesAreRemovedAtOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := store(t, dir)
	d, _, err := s.Put(t.Context(), bytes.NewReader([]byte("kept")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tmp", "123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.List(t.Context()) {
		if err != nil {
			t.Errorf("List with an unfinished file: %v", err)
		}
	}
	s = store(t, dir)
	if diff := cmp.Diff([]string{filepath.Join(d.String()[:2], d.String())}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader([]byte("more"))); err != nil {
		t.Errorf("Put after the clean-up: %v", err)
	}
}

func TestAnyDamageIsFoundByAVerifiedRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := store(t, dir)
	want := make([]byte, 5000)
	_, _ = rand.Read(want)
	d, _, err := s.Put(t.Context(), bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, d.String()[:2], d.String())
	flipped := bytes.Clone(want)
	flipped[1234] ^= 4
	for name, damaged := range map[string][]byte{
		"a bit": flipped, "cut": want[:4999], "emptied": {}, "longer": append(bytes.Clone(want), 0),
	} {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(t, s, d); !errors.Is(err, digest.ErrMismatch) {
			t.Errorf("%s: error %v, want a mismatch", name, err)
		}
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(t, s, d); err != nil {
		t.Errorf("putting the blob again did not mend it: %v", err)
	}
}

func readAll(t *testing.T, s blob.Store, d digest.Digest) ([]byte, error) {
	t.Helper()
	b, err := s.Open(t.Context(), d)
	if err != nil {
		t.Fatalf("Open(%s): %v", d, err)
	}
	defer func() { _ = b.Close() }()
	return io.ReadAll(blob.Verified(b, d))
}

// TestFullDisk runs itself in a process whose files cannot grow beyond 64
// KiB: writing more fails in the middle, as on a full disk.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("DISK_TEST_DIR"); dir != "" {
		fillDisk(t, dir)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.count=1")
	cmd.Env = append(os.Environ(), "DISK_TEST_DIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with files of at most 64 KiB: %v\n%s", err, out)
	}
}

func fillDisk(t *testing.T, dir string) {
	t.Helper()
	s := store(t, dir)
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader(make([]byte, 200_000))); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("Put of too much: %v", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if _, _, err := s.Put(t.Context(), bytes.NewReader(make([]byte, 1000))); err != nil {
		t.Errorf("Put of what fits, afterwards: %v", err)
	}
}

// TestNoFaultLeavesHalfABlob makes each step of a Put fail. What failed is
// never taken for good: the bytes are written anew to another file, for a
// failed sync may have dropped what it was to write.
func TestNoFaultLeavesHalfABlob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for at := int64(1); ; at++ {
		fault := faults.New(faults.Once, at)
		fault.Arm()
		written := 0
		s, err := disk.OpenWith(dir, disk.Options{Before: func(effect string) error {
			if effect == "write" {
				written++
			}
			return fault.Before(effect)
		}})
		if err != nil {
			t.Fatal(err)
		}
		content := fmt.Appendf(nil, "content %d", at)
		d, _, err := s.Put(t.Context(), bytes.NewReader(content))
		if fault.Struck() == "" {
			if at < 5 {
				t.Errorf("a Put has %d effects, want 5 and more", at-1)
			}
			return
		}
		if !errors.Is(err, faults.ErrInjected) {
			t.Errorf("with a failing %s, Put returned %v, %v", fault.Struck(), d, err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "tmp", "*")); err != nil || len(left) > 0 {
			t.Errorf("a failing %s left %q, %v", fault.Struck(), left, err)
		}
		if d, _, err = s.Put(t.Context(), bytes.NewReader(content)); err != nil {
			t.Errorf("after a failing %s, Put returned %v", fault.Struck(), err)
		}
		if at > 1 && written != 2 {
			t.Errorf("after a failing %s the bytes were written %d times, want twice", fault.Struck(), written)
		}
		if got, err := readAll(t, s, d); err != nil || !bytes.Equal(got, content) {
			t.Errorf("after a failing %s the blob is %q, %v", fault.Struck(), got, err)
		}
	}
}
