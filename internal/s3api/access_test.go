package s3api_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"mimeo/internal/kms"
)

// TestAnotherAccount does all that there is to another account's bucket.
func TestAnotherAccount(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	owner, other := s.client(mine), s.client(theirs)
	create(t, owner, "secret")
	create(t, other, "mine")
	put(t, owner, "secret", "k", []byte("x"))
	put(t, other, "mine", "k", []byte("x"))
	id, _ := upload(t, owner, &s3.CreateMultipartUploadInput{Bucket: aws.String("secret"), Key: aws.String("u")}, twoParts)
	bkt, k, ctx := aws.String("secret"), aws.String("k"), t.Context()
	for name, try := range map[string]func() error{
		"ListObjectsV2": func() error { _, err := other.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bkt}); return err },
		"GetBucketLocation": func() error {
			_, err := other.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bkt})
			return err
		},
		"DeleteBucket": func() error { _, err := other.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bkt}); return err },
		"GetObject":    func() error { _, err := other.GetObject(ctx, in("secret", "k")); return err },
		"GetObject of no key": func() error {
			_, err := other.GetObject(ctx, in("secret", "none"))
			return err
		},
		"GetObject of a version": func() error {
			_, err := other.GetObject(ctx, &s3.GetObjectInput{Bucket: bkt, Key: k, VersionId: aws.String("null")})
			return err
		},
		"DeleteObject of a version": func() error {
			_, err := other.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: k, VersionId: aws.String("null")})
			return err
		},
		"ListObjectVersions": func() error {
			_, err := other.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bkt})
			return err
		},
		"GetBucketVersioning": func() error {
			_, err := other.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bkt})
			return err
		},
		"PutBucketVersioning": func() error {
			_, err := other.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bkt, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
			return err
		},
		"PutObject": func() error { _, err := other.PutObject(ctx, &s3.PutObjectInput{Bucket: bkt, Key: k}); return err },
		"DeleteObject": func() error {
			_, err := other.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: k})
			return err
		},
		"copy from": func() error {
			_, err := other.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("mine"), Key: k, CopySource: aws.String("secret/k")})
			return err
		},
		"copy to": func() error {
			_, err := other.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bkt, Key: k, CopySource: aws.String("mine/k")})
			return err
		},
		"CreateMultipartUpload": func() error {
			_, err := other.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bkt, Key: k})
			return err
		},
		"UploadPart": func() error {
			_, err := other.UploadPart(ctx, &s3.UploadPartInput{Bucket: bkt, Key: aws.String("u"), UploadId: &id, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
			return err
		},
		"ListParts": func() error {
			_, err := other.ListParts(ctx, &s3.ListPartsInput{Bucket: bkt, Key: aws.String("u"), UploadId: &id})
			return err
		},
		"ListMultipartUploads": func() error {
			_, err := other.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bkt})
			return err
		},
		"AbortMultipartUpload": func() error {
			_, err := other.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bkt, Key: aws.String("u"), UploadId: &id})
			return err
		},
	} {
		if err := try(); code(err) != "AccessDenied" {
			t.Errorf("%s: %v, want AccessDenied", name, err)
		}
	}
	if _, err := other.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bkt}); !strings.Contains(err.Error(), "403") {
		t.Errorf("HeadBucket: %v, want 403", err)
	}
	out, err := other.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bkt, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: k}}}})
	if err != nil || len(out.Deleted) != 0 || len(out.Errors) != 1 || *out.Errors[0].Code != "AccessDenied" {
		t.Errorf("DeleteObjects: %+v, %v", out, err)
	}
	if _, err := other.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bkt}); code(err) != "BucketAlreadyExists" {
		t.Errorf("CreateBucket: %v", err)
	}
	if got, _ := get(t, owner, in("secret", "k")); got != "x" {
		t.Errorf("the object is now %q", got)
	}
	buckets, err := other.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "mine" {
		t.Errorf("their buckets: %+v, %v", buckets, err)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	in := func(region string) *s3.Client {
		return s.client(mine, func(o *s3.Options) { o.Region = region })
	}
	ctx, name := t.Context(), aws.String("ireland")
	constraint := &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintEuWest1}
	if _, err := in("eu-west-1").CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}); code(err) != "IllegalLocationConstraintException" {
		t.Errorf("without a constraint: %v", err)
	}
	if _, err := in("eu-central-1").CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name, CreateBucketConfiguration: constraint}); code(err) != "IllegalLocationConstraintException" {
		t.Errorf("from another region: %v", err)
	}
	if _, err := in("eu-west-1").CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name, CreateBucketConfiguration: constraint}); err != nil {
		t.Fatal(err)
	}
	if _, err := in("eu-west-1").CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name, CreateBucketConfiguration: constraint}); code(err) != "BucketAlreadyOwnedByYou" {
		t.Errorf("again: %v", err)
	}
	put(t, in("eu-west-1"), *name, "k", []byte("x"))
	_, err := in("us-east-1").GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("k")})
	if code(err) != "AuthorizationHeaderMalformed" || !strings.Contains(err.Error(), "expecting 'eu-west-1'") {
		t.Errorf("signed for another region: %v", err)
	}
	resp, _ := s.send(t, mine, call{"HEAD", "/ireland", nil, ""})
	if got := resp.Header.Get("x-amz-bucket-region"); got != "eu-west-1" || resp.StatusCode != 400 {
		t.Errorf("HeadBucket signed for another region: %d, %q", resp.StatusCode, got)
	}
	where, err := in("us-east-1").GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: name})
	if err != nil || where.LocationConstraint != "eu-west-1" {
		t.Errorf("GetBucketLocation: %v, %v", where, err)
	}
	create(t, in("us-east-1"), "virginia")
	create(t, in("us-east-1"), "virginia") // is no error there
	if where, err := in("us-east-1").GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("virginia")}); err != nil || where.LocationConstraint != "" {
		t.Errorf("GetBucketLocation: %v, %v", where, err)
	}
	china := &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintCnNorth1}
	if _, err := in("cn-north-1").CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name, CreateBucketConfiguration: china}); err != nil {
		t.Errorf("the same name in another partition: %v", err)
	}
	if all, err := in("us-east-1").ListBuckets(ctx, &s3.ListBucketsInput{}); err != nil || len(all.Buckets) != 2 {
		t.Errorf("buckets of the partition: %+v, %v", all, err)
	}
}

func TestSealing(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "sealed")
	kmsKey := s.key(t, mine)
	id := kmsKey[strings.LastIndex(kmsKey, "/")+1:]
	if err := s.kms.CreateAlias(t.Context(), root(mine), "alias/images", kmsKey); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key, context string
		want         string
	}{
		"by ARN":       {kmsKey, "", kmsKey},
		"by id":        {id, "", kmsKey},
		"by alias":     {"alias/images", "", kmsKey},
		"with context": {kmsKey, base64.StdEncoding.EncodeToString([]byte(`{"team":"vision"}`)), kmsKey},
		"managed":      {"", "", ""},
		"by its alias": {"alias/aws/s3", "", ""},
	} {
		put := &s3.PutObjectInput{Bucket: aws.String("sealed"), Key: &name, Body: strings.NewReader("TOP-SECRET-PLAINTEXT"), ServerSideEncryption: types.ServerSideEncryptionAwsKms}
		if test.key != "" {
			put.SSEKMSKeyId = &test.key
		}
		if test.context != "" {
			put.SSEKMSEncryptionContext = &test.context
		}
		if _, err := c.PutObject(t.Context(), put); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, out := get(t, c, in("sealed", name))
		if got != "TOP-SECRET-PLAINTEXT" || test.want != "" && *out.SSEKMSKeyId != test.want || !strings.HasPrefix(*out.SSEKMSKeyId, "arn:aws:kms:us-east-1:111122223333:key/") {
			t.Errorf("%s: %q under %s, want %s", name, got, *out.SSEKMSKeyId, test.want)
		}
	}
	put(t, c, "sealed", "by the service", bytes.Repeat([]byte("TOP-SECRET-PLAINTEXT"), 10_000)) // too large for a row
	if err := s.kms.DisableKey(t.Context(), root(mine), kmsKey); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetObject(t.Context(), in("sealed", "by id")); code(err) != "KMS.DisabledException" {
		t.Errorf("read under a disabled key: %v", err)
	}
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sealed"), Key: aws.String("new"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: &kmsKey}); code(err) != "KMS.DisabledException" {
		t.Errorf("write under a disabled key: %v", err)
	}
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("sealed"), Key: aws.String("by id")}); err != nil {
		t.Errorf("a description needs no key: %v", err)
	}
	if err := s.kms.EnableKey(t.Context(), root(mine), kmsKey); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, c, in("sealed", "by id")); got != "TOP-SECRET-PLAINTEXT" {
		t.Errorf("after the key is enabled: %q", got)
	}
	signs, err := s.kms.CreateKey(t.Context(), root(mine), kms.NewKey{Spec: kms.ECCNISTP256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sealed"), Key: aws.String("new"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: &signs.ARN.ID}); code(err) != "KMS.InvalidKeyUsageException" {
		t.Errorf("write under an asymmetric key: %v", err)
	}
	foreign := s.key(t, theirs)
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sealed"), Key: aws.String("new"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: &foreign}); code(err) != "AccessDenied" {
		t.Errorf("write under another account's key: %v", err)
	}
	nothingPlain(t, s)
}

// nothingPlain looks into every blob, and into the database.
func nothingPlain(t *testing.T, s *server) {
	t.Helper()
	blobs := 0
	for info, err := range s.blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.blobs.Open(t.Context(), info.Digest)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		if err != nil || bytes.Contains(raw, []byte("SECRET")) {
			t.Errorf("blob %s holds plain bytes, or %v", info.Digest, err)
		}
		_ = b.Close()
		blobs++
	}
	if blobs != 1 {
		t.Errorf("%d blobs, want that of the large object", blobs)
	}
	for _, name := range []string{"mimeo.db", "mimeo.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil || len(raw) == 0 || bytes.Contains(raw, []byte("SECRET")) {
			t.Errorf("%s holds plain bytes, or is empty, or %v", name, err)
		}
	}
}
