package s3api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func setVersioning(t *testing.T, c *s3.Client, name string, status types.BucketVersioningStatus) {
	t.Helper()
	_, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// write puts a text and returns the version that the answer tells.
func write(t *testing.T, c *s3.Client, name, key, text string) string {
	t.Helper()
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// TestVersions is the life of an object in a bucket that begins to keep
// versions.
func TestVersions(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c, ctx, bkt, key := s.client(mine), t.Context(), aws.String("bkt"), aws.String("k")
		create(t, c, "bkt")
		if v := write(t, c, "bkt", "k", "first"); v != "" {
			t.Errorf("a bucket that keeps no versions tells version %q", v)
		}
		if v, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bkt}); err != nil || v.Status != "" {
			t.Errorf("versioning %q, %v, want none", v.Status, err)
		}
		setVersioning(t, c, "bkt", "Enabled")
		if v, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bkt}); err != nil || v.Status != "Enabled" {
			t.Errorf("versioning %q, %v, want Enabled", v.Status, err)
		}
		second := write(t, c, "bkt", "k", "second")
		for version, want := range map[string]string{"null": "first", second: "second", "": "second"} {
			in := in("bkt", "k")
			if version != "" {
				in.VersionId = &version
			}
			text, out := get(t, c, in)
			if tells := aws.ToString(out.VersionId); text != want || version != "" && tells != version || version == "" && tells != second {
				t.Errorf("version %q: %q of version %q, want %q", version, text, tells, want)
			}
		}
		gone, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: key})
		if err != nil || !aws.ToBool(gone.DeleteMarker) || aws.ToString(gone.VersionId) == "" {
			t.Fatalf("deleted: %+v, %v, want a marker", gone, err)
		}
		marker := gone.VersionId
		for want, version := range map[int]*string{404: nil, 405: marker} {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bkt, Key: key, VersionId: version})
			var resp *awshttp.ResponseError
			if !errors.As(err, &resp) || resp.HTTPStatusCode() != want || resp.Response.Header.Get("x-amz-delete-marker") != "true" || resp.Response.Header.Get("x-amz-version-id") != *marker {
				t.Errorf("version %v: %v, want %d and the marker", version, err, want)
			}
		}
		if list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bkt}); err != nil || len(list.Contents) != 0 {
			t.Errorf("%d objects are listed, %v", len(list.Contents), err)
		}
		if got, want := versions(t, c, "bkt", 1), []string{"k " + *marker + " marker latest", "k " + second, "k null"}; !equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
		back, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: key, VersionId: marker})
		if err != nil || !aws.ToBool(back.DeleteMarker) || aws.ToString(back.VersionId) != *marker {
			t.Errorf("the marker deleted: %+v, %v", back, err)
		}
		if text, _ := get(t, c, in("bkt", "k")); text != "second" {
			t.Errorf("undeleted: %q", text)
		}
		for range 2 { // deleting twice is no error
			if out, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: key, VersionId: &second}); err != nil || aws.ToBool(out.DeleteMarker) {
				t.Errorf("a version deleted: %+v, %v", out, err)
			}
		}
		if text, _ := get(t, c, in("bkt", "k")); text != "first" {
			t.Errorf("without its newest version: %q", text)
		}
		if _, err := c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bkt}); code(err) != "BucketNotEmpty" {
			t.Errorf("a bucket with a version is deleted: %v", err)
		}
	})
}

func equal(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }

// versions lists all versions in pages of so many.
func versions(t *testing.T, c *s3.Client, name string, pageSize int32) (list []string) {
	t.Helper()
	pages := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: &name, MaxKeys: &pageSize})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		latest := map[bool]string{true: " latest"}
		for _, m := range page.DeleteMarkers {
			list = append(list, *m.Key+" "+*m.VersionId+" marker"+latest[*m.IsLatest])
		}
		for _, v := range page.Versions {
			list = append(list, *v.Key+" "+*v.VersionId+latest[*v.IsLatest])
		}
	}
	return list
}

// TestSuspendedVersions replaces the version null, and no other.
func TestSuspendedVersions(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c, bkt := s.client(mine), aws.String("bkt")
	create(t, c, "bkt")
	setVersioning(t, c, "bkt", "Enabled")
	kept := write(t, c, "bkt", "k", "kept")
	setVersioning(t, c, "bkt", "Suspended")
	for _, text := range []string{"one", "two"} {
		if v := write(t, c, "bkt", "k", text); v != "null" {
			t.Errorf("version %q, want null", v)
		}
	}
	if got, want := versions(t, c, "bkt", 10), []string{"k null latest", "k " + kept}; !equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	out, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bkt, Key: aws.String("k")})
	if err != nil || !aws.ToBool(out.DeleteMarker) || aws.ToString(out.VersionId) != "null" {
		t.Errorf("deleted: %+v, %v, want the marker null", out, err)
	}
	if got, want := versions(t, c, "bkt", 10), []string{"k null marker latest", "k " + kept}; !equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

// TestCopiesOfVersions restores an old version by copying it over the newest,
// and copies a part from one.
func TestCopiesOfVersions(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c, ctx, bkt, key := s.client(mine), t.Context(), aws.String("bkt"), aws.String("k")
	create(t, c, "bkt")
	setVersioning(t, c, "bkt", "Enabled")
	old := write(t, c, "bkt", "k", "old")
	write(t, c, "bkt", "k", "new")
	source := aws.String("bkt/k?versionId=" + old)
	copied, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bkt, Key: key, CopySource: source})
	if err != nil || aws.ToString(copied.CopySourceVersionId) != old || aws.ToString(copied.VersionId) == "" || *copied.VersionId == old {
		t.Fatalf("%+v, %v", copied, err)
	}
	if text, out := get(t, c, in("bkt", "k")); text != "old" || *out.VersionId != *copied.VersionId {
		t.Errorf("restored: %q of version %s", text, *out.VersionId)
	}
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bkt, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	part, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: bkt, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), CopySource: source})
	if err != nil || aws.ToString(part.CopySourceVersionId) != old {
		t.Fatalf("%+v, %v", part, err)
	}
	done, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bkt, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
		Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.CopyPartResult.ETag}},
	}})
	if err != nil || aws.ToString(done.VersionId) == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	if text, out := get(t, c, in("bkt", "k")); text != "old" || *out.VersionId != *done.VersionId {
		t.Errorf("uploaded: %q of version %s", text, *out.VersionId)
	}
	if _, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bkt, Key: key, CopySource: aws.String("bkt/k?versionId=")}); code(err) != "InvalidArgument" {
		t.Errorf("a source of no version: %v", err)
	}
	gone, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{"bkt/k": "NoSuchKey", "bkt/k?versionId=" + *gone.VersionId: "InvalidRequest"} {
		if _, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bkt, Key: aws.String("copy"), CopySource: &source}); code(err) != want {
			t.Errorf("copied from %s: %v, want %s", source, err, want)
		}
	}
}

// TestDeleteVersionsTogether deletes a name, a version and a marker in one
// request.
func TestDeleteVersionsTogether(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c, bkt := s.client(mine), aws.String("bkt")
	create(t, c, "bkt")
	setVersioning(t, c, "bkt", "Enabled")
	hidden, dropped := aws.String("hidden"), aws.String("dropped")
	write(t, c, "bkt", "hidden", "x")
	version := write(t, c, "bkt", "dropped", "x")
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bkt, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: hidden}, {Key: dropped, VersionId: &version}, {Key: dropped, VersionId: aws.String("no version")},
	}}})
	if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	first, second := out.Deleted[0], out.Deleted[1]
	if !aws.ToBool(first.DeleteMarker) || aws.ToString(first.DeleteMarkerVersionId) == "" || first.VersionId != nil {
		t.Errorf("hidden: %+v", first)
	}
	if aws.ToBool(second.DeleteMarker) || aws.ToString(second.VersionId) != version || second.DeleteMarkerVersionId != nil {
		t.Errorf("dropped: %+v", second)
	}
	if code := aws.ToString(out.Errors[0].Code); code != "NoSuchVersion" {
		t.Errorf("of no version: %s", code)
	}
	again, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bkt, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: hidden, VersionId: first.DeleteMarkerVersionId}}}})
	if err != nil || len(again.Deleted) != 1 || !aws.ToBool(again.Deleted[0].DeleteMarker) || aws.ToString(again.Deleted[0].DeleteMarkerVersionId) != *first.DeleteMarkerVersionId {
		t.Errorf("the marker: %+v, %v", again, err)
	}
	if text, _ := get(t, c, in("bkt", "hidden")); text != "x" {
		t.Errorf("undeleted: %q", text)
	}
}

// TestVersionsNeedTheirOwnActions allows another account one action after the
// other: each allows its operation and none of the rest.
func TestVersionsNeedTheirOwnActions(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c, other, ctx, bkt, key := s.client(mine), s.client(theirs), t.Context(), aws.String("bkt"), aws.String("k")
	create(t, c, "bkt")
	setVersioning(t, c, "bkt", "Enabled")
	version := aws.String(write(t, c, "bkt", "k", "x"))
	operations := map[string]func() error{
		"s3:GetObject": func() error { _, err := other.GetObject(ctx, in("bkt", "k")); return err },
		"s3:GetObjectVersion": func() error {
			_, err := other.GetObject(ctx, &s3.GetObjectInput{Bucket: bkt, Key: key, VersionId: version})
			return err
		},
		"s3:DeleteObject": func() error {
			_, err := other.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: aws.String("other")})
			return err
		},
		"s3:DeleteObjectVersion": func() error {
			_, err := other.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: aws.String("other"), VersionId: version})
			return err
		},
		"s3:ListBucket": func() error { _, err := other.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bkt}); return err },
		"s3:ListBucketVersions": func() error {
			_, err := other.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bkt})
			return err
		},
		"s3:GetBucketVersioning": func() error {
			_, err := other.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bkt})
			return err
		},
		"s3:PutBucketVersioning": func() error {
			_, err := other.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bkt, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
			return err
		},
	}
	for allowed := range operations {
		putPolicy(t, c, "bkt", fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"%s","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]}`, theirs, allowed))
		for action, call := range operations {
			err := call()
			if action == allowed && err != nil {
				t.Errorf("%s is allowed: %v", action, err)
			}
			if action != allowed && code(err) != "AccessDenied" {
				t.Errorf("%s with %s: %v, want AccessDenied", action, allowed, err)
			}
		}
	}
	// Who may not list is not told which versions there are.
	putPolicy(t, c, "bkt", fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"s3:GetObjectVersion","Resource":"arn:aws:s3:::bkt/*"}`, theirs))
	_, err := other.GetObject(ctx, &s3.GetObjectInput{Bucket: bkt, Key: key, VersionId: aws.String("null")})
	if code(err) != "AccessDenied" {
		t.Errorf("a version that is not there: %v", err)
	}
}

// TestVersionsOnTheWire looks at the documents: AWS's namespace, and no member
// that is not there.
func TestVersionsOnTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	create(t, s.client(mine), "bkt")
	for _, c := range []struct{ method, target, body, want string }{
		{"GET", "/bkt?versioning", "", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></VersioningConfiguration>`},
		{"PUT", "/bkt?versioning", versioningOf("Suspended", "<MfaDelete>Disabled</MfaDelete>"), ``},
		{"GET", "/bkt?versioning", "", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status></VersioningConfiguration>`},
		{"GET", "/bkt?versions&prefix=p&max-keys=7", "", `<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bkt</Name><Prefix>p</Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><MaxKeys>7</MaxKeys><IsTruncated>false</IsTruncated></ListVersionsResult>`},
	} {
		resp, body := s.send(t, mine, call{c.method, c.target, nil, c.body})
		_, document, found := strings.Cut(body, "?>\n")
		if resp.StatusCode != http.StatusOK || document != c.want || found != (c.want != "") {
			t.Errorf("%s %s: %d %s, want %s", c.method, c.target, resp.StatusCode, body, c.want)
		}
	}
}
