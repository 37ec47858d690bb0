package bucket_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/envelope"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const account = "111122223333"

var caller = arn.Caller{Principal: arn.Root("aws", account), Region: "us-east-1"}

// policies are the identity policies of everybody.
type policies []policy.Policy

func (p policies) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	if p == nil {
		p = policies{policy.FullAccess(caller.Principal.Account)}
	}
	return policy.Subject{Principal: caller.Principal, Identity: p, Mandate: caller.Mandate}, nil
}

// Nobody here has a unique id: a policy is stored as it is written.
func (policies) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (policies) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

// A world is a service over a real database.
type world struct {
	*bucket.Service
	db    *sqlstore.DB
	keys  *kms.Service
	blobs blob.Store
}

func open(t testing.TB, blobs blob.Store, p policies) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	w := &world{db: db, keys: kms.New(db.KMS(), envelope.NewKey(), policies(nil), time.Now), blobs: blobs}
	w.Service = w.as(p)
	if err := db.Buckets().InsertBucket(t.Context(), bucket.Bucket{Partition: "aws", Name: "bkt", Region: "us-east-1", Account: account}); err != nil {
		t.Fatal(err)
	}
	return w
}

// as returns a service that everybody uses under the given policies.
func (w *world) as(p policies) *bucket.Service {
	return bucket.New(w.db.Buckets(), w.blobs, w.keys, p, time.Now)
}

func (w *world) put(t testing.TB, key, text string) objects.Info {
	t.Helper()
	if err := w.Put(t.Context(), caller, "bkt", file(key, text), objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	info, err := w.Head(t.Context(), caller, objects.Ref{Bucket: "bkt", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// file is one file of a text.
func file(key, text string) []objects.File {
	return []objects.File{{Key: key, Body: strings.NewReader(text)}}
}

func (w *world) get(t testing.TB, key string) (string, error) {
	t.Helper()
	r, _, err := w.Get(t.Context(), caller, objects.Ref{Bucket: "bkt", Key: key})
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	return string(text), err
}

// blobCount returns how many blobs there are, and how many of them no row
// names.
func (w *world) blobCount(t testing.TB) (all, loose int) {
	t.Helper()
	for info, err := range w.blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		used, err := w.db.Buckets().Referenced(t.Context(), info.Digest)
		if err != nil {
			t.Fatal(err)
		}
		all++
		if !used {
			loose++
		}
	}
	return all, loose
}

// large repeats a text until its part is too large for a row.
func large(text string) string { return strings.Repeat(text, 70_000/len(text)) }

func TestObjectsStore(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	ref := objects.Ref{Bucket: "bkt", Key: "results/summary.json"}
	if _, err := w.CanPut(t.Context(), caller, "", ref); err != nil {
		t.Errorf("can put: %v", err)
	}
	if err := w.CanSeal(t.Context(), caller, "alias/none", ref); !errors.Is(err, bucket.KMSNotFound) {
		t.Errorf("can seal under no key: %v", err)
	}
	if _, err := w.CanPut(t.Context(), caller, "", objects.Ref{Bucket: "none", Key: "k"}); !errors.Is(err, objects.NoSuchBucket) {
		t.Errorf("can put into no bucket: %v", err)
	}
	first, second := large("{}"), large("[]")
	info := w.put(t, ref.Key, first)
	if head, err := w.Head(t.Context(), caller, ref); err != nil || head.ETag != info.ETag || head.Size != info.Size {
		t.Errorf("head: %+v, %v", head, err)
	}
	if text, err := w.get(t, ref.Key); text != first || err != nil {
		t.Errorf("get: %d bytes, %v", len(text), err)
	}
	for _, mark := range []string{"", "another's"} {
		if err := w.Put(t.Context(), caller, ref.Bucket, file(ref.Key, second), objects.PutOptions{Mark: mark}); err != nil {
			t.Fatal(err)
		}
		if err := w.DeleteIfMarked(t.Context(), caller, ref, "mine"); err != nil {
			t.Errorf("delete an object marked %q: %v", mark, err)
		}
		if text, err := w.get(t, ref.Key); text != second {
			t.Errorf("an object marked %q is deleted: %v", mark, err)
		}
	}
	if err := w.Put(t.Context(), caller, ref.Bucket, file(ref.Key, second), objects.PutOptions{Mark: "mine"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.DeleteIfMarked(t.Context(), caller, ref, "mine"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := w.get(t, ref.Key); !errors.Is(err, objects.NoSuchKey) {
		t.Errorf("get what is deleted: %v", err)
	}
	if owner, err := w.Owner(t.Context(), arn.Caller{Principal: arn.Root("aws", "555555555555")}, "bkt"); owner != account || err != nil {
		t.Errorf("owner: %q, %v", owner, err)
	}
	if all, loose := w.blobCount(t); all != 4 || loose != 4 {
		t.Errorf("%d blobs, %d without a reference; want all four", all, loose)
	}
}

// looking calls after when an object was looked at.
type looking struct {
	bucket.Store
	after func()
}

func (l looking) Object(ctx context.Context, n bucket.Name) (bucket.Object, error) {
	o, err := l.Store.Object(ctx, n)
	l.after()
	return o, err
}

// TestWhatReplacesAMarkedObjectStays: it comes between the look and the
// deletion, with the same bytes.
func TestWhatReplacesAMarkedObjectStays(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	ref := objects.Ref{Bucket: "bkt", Key: "results/summary.json"}
	if err := w.Put(t.Context(), caller, ref.Bucket, file(ref.Key, "{}"), objects.PutOptions{Mark: "mine"}); err != nil {
		t.Fatal(err)
	}
	racing := bucket.New(looking{w.db.Buckets(), func() { w.put(t, ref.Key, "{}") }}, w.blobs, w.keys, policies(nil), time.Now)
	if err := racing.DeleteIfMarked(t.Context(), caller, ref, "mine"); err != nil {
		t.Error(err)
	}
	if text, err := w.get(t, ref.Key); text != "{}" || err != nil {
		t.Errorf("what replaced the object: %q, %v", text, err)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	w.put(t, "a/k", "x")
	parse := func(text string) policies {
		doc, err := policy.Parse(`{"Version":"2012-10-17","Statement":[` + text + `]}`)
		if err != nil {
			t.Fatal(err)
		}
		return policies{{Name: "the identity policy p", Document: doc}}
	}
	reader := w.as(parse(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/a/*"}`))
	lister := w.as(parse(`{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::bkt/a/*"}`))
	for name, test := range map[string]struct {
		s    *bucket.Service
		key  string
		want error
	}{
		"allowed":              {reader, "a/k", nil},
		"elsewhere":            {reader, "b/k", bucket.AccessDenied},
		"not told of absence":  {reader, "a/none", bucket.AccessDenied},
		"denied":               {lister, "a/k", bucket.AccessDenied},
		"told, as it may list": {lister, "none", bucket.NoSuchKey},
	} {
		if _, err := test.s.Head(t.Context(), caller, objects.Ref{Bucket: "bkt", Key: test.key}); !errors.Is(err, test.want) && err != test.want { //nolint:errorlint // nil
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if err := reader.Put(t.Context(), caller, "bkt", file("a/k", "y"), objects.PutOptions{}); !errors.Is(err, bucket.AccessDenied) {
		t.Errorf("put: %v", err)
	}
	if _, err := reader.ListObjectsV2(t.Context(), caller, bucket.ListRequest{Bucket: "bkt", MaxKeys: 1}); !errors.Is(err, bucket.AccessDenied) {
		t.Errorf("list: %v", err)
	}
}

func TestARaceForANameHasOneWinner(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	const writers = 8
	won := make(chan bool, writers)
	for range writers {
		go func() {
			_, err := w.PutObject(t.Context(), caller, bucket.PutRequest{Bucket: "bkt", NewObject: bucket.NewObject{
				Key: "k", Body: bucket.Body{Reader: strings.NewReader("x"), Size: 1}, If: bucket.Condition{NoneMatch: "*"},
			}})
			if err != nil && !errors.Is(err, bucket.PreconditionFailed) {
				t.Error(err)
			}
			won <- err == nil
		}()
	}
	winners := 0
	for range writers {
		if <-won {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d writers made the object, want one", winners)
	}
}

func TestAReplacedPartIsNotCompleted(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	u, err := w.CreateMultipartUpload(t.Context(), caller, bucket.UploadRequest{Bucket: "bkt", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	part := func(text string) bucket.Part {
		_, p, err := w.UploadPart(t.Context(), caller, bucket.PartRequest{Bucket: "bkt", Key: "k", UploadID: u.ID, Number: 1, Body: bucket.Body{Reader: strings.NewReader(text), Size: -1}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second := part("one"), part("two")
	if err := w.db.Buckets().FinishUpload(t.Context(), u, []bucket.Part{first}, bucket.Condition{}); !errors.Is(err, bucket.InvalidPart) {
		t.Errorf("finish with a part that was replaced: %v", err)
	}
	if used, err := w.db.Buckets().Referenced(t.Context(), first.Digest); used || err != nil {
		t.Errorf("the replaced part is in use: %v, %v", used, err)
	}
	u.Size = second.Size
	if err := w.db.Buckets().FinishUpload(t.Context(), u, []bucket.Part{second}, bucket.Condition{}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.get(t, "k"); err != nil || got != "two" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnObjectIsBoundToItsName(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	w.put(t, "a", "of a")
	w.put(t, "b", "of b")
	store := w.db.Buckets()
	a, parts, err := store.Content(t.Context(), bucket.Name{Partition: "aws", Bucket: "bkt", Key: "a"}, "")
	if err != nil {
		t.Fatal(err)
	}
	// Somebody who may write the database gives the name b the row of a.
	if _, err := store.DeleteVersion(t.Context(), a.Name, bucket.NullVersion, bucket.Condition{}); err != nil {
		t.Fatal(err)
	}
	a.Key = "b"
	if err := store.InsertObjects(t.Context(), bucket.Write{Object: a, Parts: parts}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.get(t, "b"); err == nil {
		t.Errorf("the bytes of a are served as b: %q", got)
	}
}
