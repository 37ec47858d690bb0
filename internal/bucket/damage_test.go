package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"mimeo/internal/blob"
	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/digest"
	"mimeo/internal/objects"
)

// damaging is a store that changes one byte of each blob it opens.
type damaging struct {
	blob.Store
	at int64
}

type damagedBlob struct {
	blob.Blob
	at int64
}

func (d *damaging) Open(ctx context.Context, name digest.Digest) (blob.Blob, error) {
	b, err := d.Store.Open(ctx, name)
	if err != nil || d.at < 0 {
		return b, err
	}
	return damagedBlob{b, d.at}, nil
}

func (b damagedBlob) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Blob.ReadAt(p, off)
	if at := b.at - off; at >= 0 && at < int64(n) {
		p[at] ^= 1
	}
	return n, err
}

func TestDamagedBlobsAreNotServed(t *testing.T) {
	t.Parallel()
	blobs := &damaging{Store: mem.New(), at: -1}
	w := open(t, blobs, nil)
	text := strings.Repeat("0123456789abcdef", 10_000)
	w.put(t, "k", text)
	for _, at := range []int64{0, 3, 20, 70_000, 150_000, 160_095} {
		blobs.at = at
		got, err := w.get(t, "k")
		if err == nil {
			t.Errorf("byte %d changed: no error", at)
		}
		if !strings.HasPrefix(text, got) || len(got) == len(text) {
			t.Errorf("byte %d changed: %d bytes were served, and not the first ones of the object", at, len(got))
		}
		d, err := w.GetObject(t.Context(), caller, bucket.GetRequest{Bucket: "bkt", Key: "k", Range: "bytes=69990-70010"})
		if err != nil {
			continue
		}
		if part, err := io.ReadAll(d.Body); err == nil && string(part) != text[69990:70011] {
			t.Errorf("byte %d changed: a range has other bytes", at)
		}
		_ = d.Body.Close()
	}
}

// TestSmallObjectsLieInTheirRows: they make no blob, whatever their size up to
// the limit, and what is larger makes one.
func TestSmallObjectsLieInTheirRows(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	for size, blobs := range map[int]int{0: 0, 1: 0, 65_000: 0, 66_000: 1} {
		key := fmt.Sprint(size)
		text := strings.Repeat("x", size)
		before, _ := w.blobCount(t)
		w.put(t, key, text)
		if after, _ := w.blobCount(t); after-before != blobs {
			t.Errorf("%d bytes make %d blobs, want %d", size, after-before, blobs)
		}
		if got, err := w.get(t, key); got != text || err != nil {
			t.Errorf("%d bytes come back as %d, %v", size, len(got), err)
		}
		if size < 2 {
			continue
		}
		d, err := w.GetObject(t.Context(), caller, bucket.GetRequest{Bucket: "bkt", Key: key, Range: "bytes=64990-64999"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(d.Body); string(got) != text[64990:65000] || err != nil {
			t.Errorf("a range of %d bytes: %q, %v", size, got, err)
		}
		_ = d.Body.Close()
	}
}

// TestADamagedRowIsNotServed changes each byte of a small object in turn.
func TestADamagedRowIsNotServed(t *testing.T) {
	t.Parallel()
	store := &damagedRows{}
	w := open(t, mem.New(), nil)
	store.Store = w.db.Buckets()
	s := bucket.New(store, w.blobs, w.keys, policies(nil), time.Now)
	w.put(t, "k", "a small text")
	for at := range len("a small text") + 32 {
		store.at = at
		d, err := s.GetObject(t.Context(), caller, bucket.GetRequest{Bucket: "bkt", Key: "k"})
		if err != nil {
			continue
		}
		if got, err := io.ReadAll(d.Body); err == nil {
			t.Errorf("byte %d changed: %q is served", at, got)
		}
		_ = d.Body.Close()
	}
}

// damagedRows changes one byte of what lies in a row.
type damagedRows struct {
	bucket.Store
	at int
}

func (d *damagedRows) Content(ctx context.Context, n bucket.Name, version string) (bucket.Object, []bucket.Part, error) {
	o, parts, err := d.Store.Content(ctx, n, version)
	if err == nil {
		parts[0].Sealed[d.at] ^= 1
	}
	return o, parts, err
}

// TestAMissingPartIsNotPassedOver reads on after the error, as nobody should.
func TestAMissingPartIsNotPassedOver(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	u, err := w.CreateMultipartUpload(t.Context(), caller, bucket.UploadRequest{Bucket: "bkt", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	complete := bucket.CompleteRequest{Bucket: "bkt", Key: "k", UploadID: u.ID}
	var missing digest.Digest
	for i, text := range []string{strings.Repeat("1", 5<<20), strings.Repeat("2", 5<<20), "3"} {
		_, p, err := w.UploadPart(t.Context(), caller, bucket.PartRequest{Bucket: "bkt", Key: "k", UploadID: u.ID, Number: i + 1, Body: bucket.Body{Reader: strings.NewReader(text), Size: -1}})
		if err != nil {
			t.Fatal(err)
		}
		complete.Parts = append(complete.Parts, bucket.CompletedPart{Number: i + 1, ETag: p.ETag})
		if i == 1 {
			missing = p.Digest
		}
	}
	if _, err := w.CompleteMultipartUpload(t.Context(), caller, complete); err != nil {
		t.Fatal(err)
	}
	if err := w.blobs.Delete(t.Context(), missing); err != nil {
		t.Fatal(err)
	}
	d, err := w.GetObject(t.Context(), caller, bucket.GetRequest{Bucket: "bkt", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Body.Close() }()
	if got, err := io.ReadAll(d.Body); len(got) != 5<<20 || !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("%d bytes, %v; want the first part and ErrNotFound", len(got), err)
	}
	if got, err := io.ReadAll(d.Body); len(got) != 0 || !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("reading on: %d bytes, %v; want ErrNotFound again", len(got), err)
	}
}

// failing is a store whose writes end with an error after n bytes.
type failing struct {
	blob.Store
	n int64
}

var errDiskFull = errors.New("no space left on device")

func (f failing) Put(ctx context.Context, r io.Reader) (digest.Digest, int64, error) {
	return f.Store.Put(ctx, io.MultiReader(io.LimitReader(r, f.n), broken{}))
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errDiskFull }

func TestNothingStaysOfAFailedWrite(t *testing.T) {
	t.Parallel()
	store := mem.New()
	w := open(t, store, nil)
	old := large("old")
	w.put(t, "k", old)
	text := strings.Repeat("x", 200_000)
	for _, n := range []int64{0, 1, 31, 65_536, 131_072, 200_000} {
		w.blobs = failing{store, n}
		if err := w.as(nil).Put(t.Context(), caller, "bkt", file("k", text), objects.PutOptions{}); !errors.Is(err, errDiskFull) {
			t.Errorf("write of %d bytes: %v", n, err)
		}
	}
	w.blobs = store
	errCut := errors.New("connection reset")
	for _, n := range []int{0, 1, 100_000} {
		body := io.MultiReader(strings.NewReader(text[:n]), failingReader{errCut})
		if _, err := w.PutObject(t.Context(), caller, bucket.PutRequest{Bucket: "bkt", NewObject: bucket.NewObject{Key: "k", Body: bucket.Body{Reader: body, Size: 200_000}}}); !errors.Is(err, errCut) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
		short := bucket.Body{Reader: strings.NewReader(text[:n]), Size: 200_000}
		if _, err := w.PutObject(t.Context(), caller, bucket.PutRequest{Bucket: "bkt", NewObject: bucket.NewObject{Key: "k", Body: short}}); !errors.Is(err, bucket.IncompleteBody) {
			t.Errorf("ended after %d bytes: %v", n, err)
		}
	}
	if got, err := w.get(t, "k"); got != old || err != nil {
		t.Errorf("the object is now %d bytes, %v", len(got), err)
	}
	if all, loose := w.blobCount(t); all != 1 || loose != 0 {
		t.Errorf("%d blobs, %d without a reference; want one, in use", all, loose)
	}
}

// forgetful is a store that fails where rows are written.
type forgetful struct{ bucket.Store }

var errDatabase = errors.New("database is gone")

func (forgetful) InsertObjects(context.Context, ...bucket.Write) error { return errDatabase }

func (forgetful) InsertPart(context.Context, string, bucket.Part) error { return errDatabase }

func (forgetful) FinishUpload(context.Context, bucket.Object, []bucket.Part, bucket.Condition) error {
	return errDatabase
}

// TestARowThatIsNotWrittenLeavesALooseBlob cuts each write between the blob
// and its row: what was there stays, and the blob is for the sweep.
func TestARowThatIsNotWrittenLeavesALooseBlob(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	old, fresh := large("old"), large("new")
	w.put(t, "k", old)
	u, err := w.CreateMultipartUpload(t.Context(), caller, bucket.UploadRequest{Bucket: "bkt", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	part := bucket.PartRequest{Bucket: "bkt", Key: "k", UploadID: u.ID, Number: 1, Body: bucket.Body{Reader: strings.NewReader(fresh), Size: int64(len(fresh))}}
	_, p, err := w.UploadPart(t.Context(), caller, part)
	if err != nil {
		t.Fatal(err)
	}
	s := bucket.New(forgetful{w.db.Buckets()}, w.blobs, w.keys, policies(nil), time.Now)
	if err := s.Put(t.Context(), caller, "bkt", file("k", fresh), objects.PutOptions{}); !errors.Is(err, errDatabase) {
		t.Errorf("put: %v", err)
	}
	part.Body = bucket.Body{Reader: strings.NewReader(fresh), Size: int64(len(fresh))}
	if _, _, err := s.UploadPart(t.Context(), caller, part); !errors.Is(err, errDatabase) {
		t.Errorf("part: %v", err)
	}
	complete := bucket.CompleteRequest{Bucket: "bkt", Key: "k", UploadID: u.ID, Parts: []bucket.CompletedPart{{Number: 1, ETag: p.ETag}}}
	if _, err := s.CompleteMultipartUpload(t.Context(), caller, complete); !errors.Is(err, errDatabase) {
		t.Errorf("complete: %v", err)
	}
	if got, err := w.get(t, "k"); got != old || err != nil {
		t.Errorf("the object is now %d bytes, %v", len(got), err)
	}
	if all, loose := w.blobCount(t); all != 4 || loose != 2 {
		t.Errorf("%d blobs, %d without a reference; want 4 and 2", all, loose)
	}
	if _, err := w.CompleteMultipartUpload(t.Context(), caller, complete); err != nil {
		t.Errorf("complete again: %v", err)
	}
	if got, err := w.get(t, "k"); got != fresh || err != nil {
		t.Errorf("the object is then %d bytes, %v", len(got), err)
	}
}

type failingReader struct{ err error }

func (e failingReader) Read([]byte) (int, error) { return 0, e.err }
