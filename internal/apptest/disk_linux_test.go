package apptest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
)

const smallDisk = "MIMEO_TEST_SMALL_DISK"

func TestFullDisk(t *testing.T) {
	t.Parallel()
	onOwnDisk(t, onFullDisk)
}

func TestCopyOnAFullDisk(t *testing.T) {
	t.Parallel()
	onOwnDisk(t, copyOnFullDisk)
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	onOwnDisk(t, onReadOnlyDisk)
}

// onOwnDisk runs the test again in a process that has a disk of 16 MiB of its
// own: a tmpfs in a namespace, for which no privilege is needed. There it
// calls run.
func onOwnDisk(t *testing.T, run func(t *testing.T, dir string)) {
	t.Helper()
	if dir := os.Getenv(smallDisk); dir != "" {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
			t.Fatal(err)
		}
		run(t, dir)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), smallDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		// Not a clone flag: this way the mount stays in the namespace.
		Unshareflags: syscall.CLONE_NEWNS,
	}
	out, err := cmd.CombinedOutput()
	if refused := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC); refused && os.Getenv("CI") == "" {
		t.Skipf("this machine lets nobody have a namespace: %v", err)
	}
	if err != nil {
		t.Errorf("on a small disk: %v\n%s", err, out)
	}
}

// onFullDisk fills the disk below a server: what does not fit is refused as
// an internal error, what was there stays whole, and with room all goes on.
func onFullDisk(t *testing.T, dir string) {
	t.Helper()
	s := apptest.Start(t, apptest.Options{DataDir: filepath.Join(dir, "data")})
	c := s.Client(t, "111122223333")
	name, key, other, project := "images", "k", "too-large", "p"
	text := bytes.Repeat([]byte("kept"), 1<<18)
	if _, err := c.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
	before := files(t, s.DataDir)
	filler := filepath.Join(dir, "filler")
	size := fill(t, filler)
	if err := os.Truncate(filler, size-64<<10); err != nil { // room for the beginning of an object
		t.Fatal(err)
	}
	for range 3 {
		_, err := c.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &other, Body: bytes.NewReader(make([]byte, 200<<10))})
		refusedInternally(t, err, "InternalError")
	}
	if after := files(t, s.DataDir); after != before {
		t.Errorf("of the objects that did not fit is left:\n%s\nbefore there was:\n%s", after, before)
	}

	fill(t, filler)
	_, err := c.Rekognition.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: &project})
	refusedInternally(t, err, "InternalServerError")
	_, err = c.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	refusedInternally(t, err, "KMSInternalException")
	kept(t, c, name, key, text)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rekognition.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: &project}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	kept(t, c, name, key, text)
}

// copyOnFullDisk fills the disk but for some room and asks for a copy. It is
// refused as an internal error, or begun; with room again, what was begun is
// finished, and what was refused is done.
func copyOnFullDisk(t *testing.T, dir string) {
	t.Helper()
	s := newStageIn(t, filepath.Join(dir, "data"))
	server := apptest.Start(t, apptest.Options{DataDir: s.dir, Families: light})
	b := s.b.on(t, server)
	filler := filepath.Join(dir, "filler")
	refused, begun := 0, 0
	for _, room := range []int64{0, 8 << 10, 32 << 10, 48 << 10, 64 << 10, 96 << 10, 128 << 10, 256 << 10} {
		if err := os.Truncate(filler, max(0, fill(t, filler)-room)); err != nil {
			t.Fatal(err)
		}
		copied, err := s.copyOn(t, server)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		begun++
		if err != nil {
			refusedInternally(t, err, "InternalServerError")
			refused, begun = refused+1, begun-1
			if copied, err = s.copyOn(t, server); err != nil {
				t.Fatalf("with room again: %v", err)
			}
		}
		checkCopied(t, b, b.reach("c1", types.ProjectVersionStatusCopyingCompleted), s.files)
		b.await("the end of the job", func() (bool, string) { // those of refused requests are the sweep's
			live := grantNames(t, b.Client, s.key)
			return !slices.Contains(live, "mimeo-job:"+copied), fmt.Sprint(live)
		})
		if _, err := b.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &copied}); err != nil {
			t.Fatal(err)
		}
		b.await("the deletion", func() (bool, string) { return len(b.versions()) == 0, "there" })
	}
	if refused == 0 || begun == 0 {
		t.Errorf("%d copies were refused and %d begun on a disk that was full, want some of both", refused, begun)
	}
	if _, err := server.App.Sweep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	checkNothingIsLeft(t, server, s.key)
}

// onReadOnlyDisk starts a server on a data directory that cannot be written:
// it says so, and changes nothing.
func onReadOnlyDisk(t *testing.T, dir string) {
	t.Helper()
	s := newStageIn(t, filepath.Join(dir, "data"))
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=16m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	_, err := app.New(t.Context(), app.Config{DataDir: s.dir, Listen: "127.0.0.1:0"}, slog.New(slog.DiscardHandler), app.Extras{})
	if err == nil || !strings.Contains(err.Error(), "read-only file system") {
		t.Errorf("on a read-only disk the server says: %v", err)
	}
	remount(0)
	server := apptest.Start(t, apptest.Options{DataDir: s.dir, Families: light})
	if _, err := s.copyOn(t, server); err != nil {
		t.Errorf("on a disk that can be written again: %v", err)
	}
	s.b.on(t, server).reach("c1", types.ProjectVersionStatusCopyingCompleted)
}

func refusedInternally(t *testing.T, err error, want string) {
	t.Helper()
	if refusal := smithy.APIError(nil); !errors.As(err, &refusal) || refusal.ErrorCode() != want {
		t.Errorf("on a full disk: %v, want %s", err, want)
	}
}

func kept(t *testing.T, c *apptest.Client, name, key string, want []byte) {
	t.Helper()
	out, err := c.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
	if err != nil {
		t.Errorf("what was there before: %v", err)
		return
	}
	defer func() { _ = out.Body.Close() }()
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what was there before is %d bytes, %v", len(got), err)
	}
}

// fill writes to a file until no byte fits any more, and returns its size.
func fill(t *testing.T, file string) int64 {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var size int64
	for block := make([]byte, 4096); err == nil; {
		var n int
		n, err = f.Write(block)
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return size
}

// files lists the blobs of a data directory, also those that are half written.
func files(t *testing.T, dir string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, "\n")
}
