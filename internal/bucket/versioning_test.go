package bucket_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/objects"
)

// A told is what the model knows of a version.
type told struct {
	key, version, text string
	marker             bool
}

// A model is the behaviour of versions as S3's user guide has it, on lists:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
type model struct {
	versioning bucket.Versioning
	keys       map[string][]told // the newest first
}

// write puts a version or a marker in front; the version null is there once.
func (m *model) write(v told) {
	if v.version == bucket.NullVersion {
		m.remove(v.key, bucket.NullVersion)
	}
	m.keys[v.key] = append([]told{v}, m.keys[v.key]...)
}

func (m *model) remove(key, version string) {
	m.keys[key] = slices.DeleteFunc(m.keys[key], func(v told) bool { return v.version == version })
}

// all is what ListObjectVersions shows.
func (m *model) all() (list []told) {
	for _, key := range slices.Sorted(maps.Keys(m.keys)) {
		list = append(list, m.keys[key]...)
	}
	return list
}

// TestVersionsAgainstModel does what comes by chance, and looks after each step
// that all versions are what the model says, by listing, by name and by version.
func TestVersionsAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			run := &versionRun{world: open(t, mem.New(), nil), random: rand.New(rand.NewPCG(seed, 0)), model: model{keys: map[string][]told{}}}
			for range 60 {
				run.step(t)
				run.check(t)
			}
			run.empty(t)
		})
	}
}

type versionRun struct {
	*world
	random *rand.Rand
	model  model
	writes int
}

var versionKeys = []string{"a", "a/b", "b"}

func (r *versionRun) step(t *testing.T) {
	t.Helper()
	key := versionKeys[r.random.IntN(len(versionKeys))]
	switch n := r.random.IntN(10); {
	case n < 4:
		r.writes++
		text := fmt.Sprint("text ", r.writes)
		o, err := r.PutObject(t.Context(), caller, bucket.PutRequest{Bucket: "bkt", NewObject: bucket.NewObject{Key: key, Body: bucket.Body{Reader: strings.NewReader(text), Size: -1}}})
		if err != nil {
			t.Fatal(err)
		}
		r.model.write(told{key: key, version: r.seen(o.Version), text: text})
	case n < 6:
		done, err := r.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if done.Marker {
			r.model.write(told{key: key, version: done.Version, marker: true})
		} else {
			r.model.remove(key, bucket.NullVersion)
		}
		if done.Marker == (r.model.versioning == bucket.Unversioned) {
			t.Errorf("a deletion in a bucket %q writes a marker: %v", r.model.versioning, done.Marker)
		}
	case n < 9:
		all := r.model.all()
		if len(all) == 0 {
			return
		}
		v := all[r.random.IntN(len(all))]
		done, err := r.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: v.key, Version: v.version})
		if err != nil || done.Marker != v.marker {
			t.Fatalf("delete %+v: %+v, %v", v, done, err)
		}
		r.model.remove(v.key, v.version)
	default:
		r.model.versioning = []bucket.Versioning{bucket.Enabled, bucket.Enabled, bucket.Suspended}[r.random.IntN(3)]
		if err := r.PutBucketVersioning(t.Context(), caller, "bkt", r.model.versioning); err != nil {
			t.Fatal(err)
		}
	}
}

// seen checks the version that a write is told, and returns the one it has.
func (r *versionRun) seen(version string) string {
	switch {
	case r.model.versioning == bucket.Unversioned && version == "":
		return bucket.NullVersion
	case (r.model.versioning == bucket.Suspended) == (version == bucket.NullVersion):
		return version
	}
	return "wrong: " + version
}

func (r *versionRun) check(t *testing.T) {
	t.Helper()
	want := r.model.all()
	listed := r.list(t, r.random.IntN(3)+1)
	var bare []told
	for _, v := range want {
		v.text = ""
		bare = append(bare, v)
	}
	if d := cmp.Diff(bare, listed, cmp.AllowUnexported(told{})); d != "" {
		t.Fatalf("listed (-want +got):\n%s", d)
	}
	for _, v := range want {
		r.checkVersion(t, v)
	}
	for _, key := range versionKeys {
		current := r.model.keys[key]
		text, err := r.get(t, key)
		switch there := len(current) > 0 && !current[0].marker; {
		case !there && !errors.Is(err, bucket.NoSuchKey):
			t.Fatalf("%s is deleted: %q, %v", key, text, err)
		case there && (err != nil || text != current[0].text):
			t.Fatalf("%s: %q, %v, want %q", key, text, err, current[0].text)
		}
	}
}

func (r *versionRun) checkVersion(t *testing.T, v told) {
	t.Helper()
	d, err := r.GetObject(t.Context(), caller, bucket.GetRequest{Bucket: "bkt", Key: v.key, Version: v.version})
	if v.marker {
		if !errors.Is(err, bucket.MethodNotAllowed) || !d.Marker {
			t.Fatalf("a marker is read: %+v, %v", d, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	if text, err := io.ReadAll(d.Body); err != nil || string(text) != v.text {
		t.Fatalf("%+v: %q, %v", v, text, err)
	}
	_ = d.Body.Close()
}

// list reads all pages of the versions, and looks that the newest of each key is
// said to be it.
func (r *versionRun) list(t *testing.T, pageSize int) (list []told) {
	t.Helper()
	req := bucket.VersionsRequest{Bucket: "bkt", MaxKeys: pageSize}
	for {
		page, err := r.ListObjectVersions(t.Context(), caller, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			if first := len(list) == 0 || list[len(list)-1].key != v.Key; first != v.Latest {
				t.Fatalf("version %s of %s is the latest: %v", v.Version, v.Key, v.Latest)
			}
			list = append(list, told{key: v.Key, version: v.Version, marker: v.Marker})
		}
		if !page.Truncated {
			return list
		}
		req.AfterKey, req.AfterVersion = page.LastKey, page.LastVersion
	}
}

// empty deletes all versions: only then is the bucket empty, and nothing is
// left of them.
func (r *versionRun) empty(t *testing.T) {
	t.Helper()
	for _, v := range r.model.all() {
		if err := r.DeleteBucket(t.Context(), caller, "bkt"); !errors.Is(err, bucket.BucketNotEmpty) {
			t.Fatalf("a bucket with versions is deleted: %v", err)
		}
		if _, err := r.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: v.key, Version: v.version}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DeleteBucket(t.Context(), caller, "bkt"); err != nil {
		t.Error(err)
	}
}

// TestListingGroupsVersions lists with a prefix and a delimiter, page by page.
func TestListingGroupsVersions(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	if err := w.PutBucketVersioning(t.Context(), caller, "bkt", bucket.Enabled); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"p/a", "p/a", "p/d/1", "p/d/1", "p/d/2", "p/z", "q"} {
		w.put(t, key, key)
	}
	var got []string
	req := bucket.VersionsRequest{Bucket: "bkt", Prefix: "p/", Delimiter: "/", MaxKeys: 1}
	for {
		page, err := w.ListObjectVersions(t.Context(), caller, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			got = append(got, v.Key)
		}
		got = append(got, page.Prefixes...)
		if !page.Truncated {
			break
		}
		req.AfterKey, req.AfterVersion = page.LastKey, page.LastVersion
	}
	if want := []string{"p/a", "p/a", "p/d/", "p/z"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := w.ListObjectVersions(t.Context(), caller, bucket.VersionsRequest{Bucket: "bkt", AfterVersion: "x", MaxKeys: 1}); !errors.Is(err, bucket.InvalidArgument) {
		t.Errorf("a version marker without a key: %v", err)
	}
	page, err := w.ListObjectVersions(t.Context(), caller, bucket.VersionsRequest{Bucket: "bkt", AfterKey: "p/z", AfterVersion: "gone", MaxKeys: 10})
	if err != nil || len(page.Versions) != 2 {
		t.Errorf("behind a version that is gone: %+v, %v; want its key anew, and q", page, err)
	}
}

// TestUploadsMakeVersions completes an upload over an object, and the same
// upload again.
func TestUploadsMakeVersions(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	w.put(t, "k", "before")
	if err := w.PutBucketVersioning(t.Context(), caller, "bkt", bucket.Enabled); err != nil {
		t.Fatal(err)
	}
	u, err := w.CreateMultipartUpload(t.Context(), caller, bucket.UploadRequest{Bucket: "bkt", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	_, p, err := w.UploadPart(t.Context(), caller, bucket.PartRequest{Bucket: "bkt", Key: "k", UploadID: u.ID, Number: 1, Body: bucket.Body{Reader: strings.NewReader("after"), Size: -1}})
	if err != nil {
		t.Fatal(err)
	}
	complete := bucket.CompleteRequest{Bucket: "bkt", Key: "k", UploadID: u.ID, Parts: []bucket.CompletedPart{{Number: 1, ETag: p.ETag}}}
	o, err := w.CompleteMultipartUpload(t.Context(), caller, complete)
	if err != nil || o.Version == "" || o.Version == bucket.NullVersion {
		t.Fatalf("version %q, %v", o.Version, err)
	}
	if again, err := w.CompleteMultipartUpload(t.Context(), caller, complete); err != nil || again.Version != o.Version {
		t.Errorf("completed again: version %q, %v", again.Version, err)
	}
	for version, want := range map[string]string{o.Version: "after", bucket.NullVersion: "before", "": "after"} {
		body, _, err := w.Get(t.Context(), caller, objects.Ref{Bucket: "bkt", Key: "k", Version: version})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != want {
			t.Errorf("version %q: %q, %v, want %q", version, text, err, want)
		}
		_ = body.Close()
	}
}

// TestConditionsMeetTheCurrentVersion: a delete marker is no object.
func TestConditionsMeetTheCurrentVersion(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	if err := w.PutBucketVersioning(t.Context(), caller, "bkt", bucket.Enabled); err != nil {
		t.Fatal(err)
	}
	write := func(c bucket.Condition) error {
		_, err := w.PutObject(t.Context(), caller, bucket.PutRequest{Bucket: "bkt", NewObject: bucket.NewObject{Key: "k", Body: bucket.Body{Reader: strings.NewReader("x"), Size: -1}, If: c}})
		return err
	}
	if err := write(bucket.Condition{NoneMatch: "*"}); err != nil {
		t.Fatal(err)
	}
	if err := write(bucket.Condition{NoneMatch: "*"}); !errors.Is(err, bucket.PreconditionFailed) {
		t.Errorf("written over an object: %v", err)
	}
	if _, err := w.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: "k", If: bucket.Condition{Match: "other"}}); !errors.Is(err, bucket.PreconditionFailed) {
		t.Errorf("deleted as another: %v", err)
	}
	if _, err := w.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if err := write(bucket.Condition{Match: "*"}); !errors.Is(err, bucket.NoSuchKey) {
		t.Errorf("a marker matches: %v", err)
	}
	if err := write(bucket.Condition{NoneMatch: "*"}); err != nil {
		t.Errorf("written over a marker: %v", err)
	}
}

// TestBlobsOfAllVersionsAreKept: the sweep asks for the blobs that no row
// names, and those of versions that are not current are not among them.
func TestBlobsOfAllVersionsAreKept(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	if err := w.PutBucketVersioning(t.Context(), caller, "bkt", bucket.Enabled); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"x", "y"} {
		w.put(t, "k", strings.Repeat(c, 100_000))
	}
	if _, err := w.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if all, loose := w.blobCount(t); all != 2 || loose != 0 {
		t.Fatalf("of %d blobs %d are named by no row, want 2 and 0", all, loose)
	}
	page, err := w.ListObjectVersions(t.Context(), caller, bucket.VersionsRequest{Bucket: "bkt", MaxKeys: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.Versions {
		if _, err := w.DeleteObject(t.Context(), caller, bucket.DeleteRequest{Bucket: "bkt", Key: "k", Version: v.Version}); err != nil {
			t.Fatal(err)
		}
	}
	if all, loose := w.blobCount(t); all != 2 || loose != 2 {
		t.Errorf("of %d blobs %d are named by no row, want both", all, loose)
	}
}

// TestMarkedObjectsAreHidden: where versions are kept, what a failed copy takes
// back is hidden, and what was there before is not touched.
func TestMarkedObjectsAreHidden(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	if err := w.PutBucketVersioning(t.Context(), caller, "bkt", bucket.Enabled); err != nil {
		t.Fatal(err)
	}
	w.put(t, "k", "theirs")
	if err := w.Put(t.Context(), caller, "bkt", file("k", "ours"), objects.PutOptions{Mark: "job"}); err != nil {
		t.Fatal(err)
	}
	ref := objects.Ref{Bucket: "bkt", Key: "k"}
	if err := w.DeleteIfMarked(t.Context(), caller, ref, "job"); err != nil {
		t.Fatal(err)
	}
	if text, err := w.get(t, "k"); !errors.Is(err, bucket.NoSuchKey) {
		t.Errorf("still there: %q, %v", text, err)
	}
	page, err := w.ListObjectVersions(t.Context(), caller, bucket.VersionsRequest{Bucket: "bkt", MaxKeys: 10})
	if err != nil || len(page.Versions) != 3 || !page.Versions[0].Marker {
		t.Errorf("%+v, %v; want a marker and two versions", page.Versions, err)
	}
	if time.Since(page.Versions[0].ModifiedAt) > time.Hour {
		t.Errorf("the marker is of %v", page.Versions[0].ModifiedAt)
	}
}
