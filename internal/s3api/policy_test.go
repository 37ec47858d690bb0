package s3api_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func putPolicy(t *testing.T, c *s3.Client, name, statements string) {
	t.Helper()
	text := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	if _, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &name, Policy: &text}); err != nil {
		t.Fatalf("put the policy %s: %v", text, err)
	}
}

func TestTheLifeOfABucketPolicy(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c, other, ctx := s.client(mine), s.client(theirs), t.Context()
	create(t, c, "bkt")
	name := aws.String("bkt")
	get := func() (string, error) {
		out, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: name})
		if err != nil {
			return "", err
		}
		return *out.Policy, nil
	}
	if _, err := get(); code(err) != "NoSuchBucketPolicy" {
		t.Errorf("before there is one: %v", err)
	}
	text := "{ \"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::bkt\",\"arn:aws:s3:::bkt/*\"]}]}\n"
	for range 2 {
		if _, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: &text, ConfirmRemoveSelfBucketAccess: aws.Bool(true)}); err != nil {
			t.Fatal(err)
		}
		if got, err := get(); got != text || err != nil {
			t.Errorf("%q, %v; want %q as it was put", got, err, text)
		}
	}
	if _, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name}); code(err) != "AccessDenied" || !strings.Contains(err.Error(), "the bucket policy denies it explicitly in statement 1") {
		t.Errorf("the policy denies: %v", err)
	}
	for range 2 {
		if _, err := c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: name}); err != nil {
			t.Fatalf("root mends it: %v", err)
		}
	}
	if _, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name}); err != nil {
		t.Errorf("the policy is gone: %v", err)
	}
	if _, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("none")}); code(err) != "NoSuchBucket" {
		t.Errorf("no bucket: %v", err)
	}
	for who, c := range map[string]struct{ allowed, want string }{"not allowed": {"s3:GetObject", "AccessDenied"}, "allowed": {"s3:*", "MethodNotAllowed"}} {
		putPolicy(t, s.client(mine), "bkt", `{"Effect":"Allow","Principal":{"AWS":"`+theirs+`"},"Action":"`+c.allowed+`","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]}`)
		_, getErr := other.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: name})
		_, putErr := other.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: &text})
		_, deleteErr := other.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: name})
		for op, err := range map[string]error{"get": getErr, "put": putErr, "delete": deleteErr} {
			if code(err) != c.want {
				t.Errorf("another account, %s, %s: %v, want %s", who, op, err, c.want)
			}
		}
	}
	for _, target := range []call{{"POST", "/bkt?policy", nil, ""}, {"HEAD", "/bkt?policy", nil, ""}, {"GET", "/bkt/k?policy", nil, ""}, {"PUT", "/bkt/k?policy", nil, ""}} {
		if resp, body := s.send(t, mine, target); resp.StatusCode != 501 {
			t.Errorf("%s %s: %d %s, want 501", target.method, target.target, resp.StatusCode, body)
		}
	}
}

func TestMalformedBucketPolicies(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "bkt")
	one := func(elements string) string { return `{"Statement":{` + elements + `}}` }
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":              {"hello", "Policies must be valid JSON and the first byte must be '{'"},
		"unknown at the top":   {`{"Statement":[],"X":1}`, "Policies must be valid JSON"},
		"no principal":         {one(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bkt"`), "Missing required field Principal"},
		"no resource":          {one(`"Effect":"Allow","Principal":"*","Action":"s3:*"`), "Missing required field Resource"},
		"principal":            {one(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/*"},"Action":"s3:*","Resource":"arn:aws:s3:::bkt"`), "Invalid principal in policy"},
		"NotPrincipal, Allow":  {one(`"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt"`), "NotPrincipal"},
		"another service":      {one(`"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"arn:aws:s3:::bkt"`), "Policy has invalid action"},
		"another bucket":       {one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt2"`), "Policy has invalid resource"},
		"a bucket like this":   {one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bk*/x"`), "Policy has invalid resource"},
		"not another bucket":   {one(`"Effect":"Allow","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::bkt2"`), "Policy has invalid resource"},
		"operator":             {one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt","Condition":{"Like":{"aws:x":"y"}}`), "Policy has an invalid condition"},
		"unknown in statement": {one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt","Note":"x"`), `unknown element "Note"`},
		"too long":             {one(`"Sid":"` + strings.Repeat("x", 20<<10) + `","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt"`), "exceeds the maximum allowed size of 20480 bytes"},
	} {
		_, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("bkt"), Policy: &test.text})
		if code(err) != "MalformedPolicy" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want MalformedPolicy with %q", name, err, test.want)
		}
	}
	if _, err := c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String("bkt")}); code(err) != "NoSuchBucketPolicy" {
		t.Errorf("a refused policy is there: %v", err)
	}
}

// What a bucket policy gives to another account, and under which conditions.
func TestABucketPolicyCrossesAccounts(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	owner, other, ctx := s.client(mine), s.client(theirs), t.Context()
	create(t, owner, "shared")
	create(t, other, "mine")
	put(t, owner, "shared", "in/k", []byte("x"))
	put(t, owner, "shared", "secret/k", []byte("x"))
	put(t, other, "mine", "k", []byte("y"))
	const them = `"Principal":{"AWS":"arn:aws:iam::` + theirs + `:root"}`
	putPolicy(t, owner, "shared", `
	 {"Effect":"Allow",`+them+`,"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/in/*"},
	 {"Effect":"Allow",`+them+`,"Action":"s3:ListBucket","Resource":"arn:aws:s3:::shared","Condition":{"StringLike":{"s3:prefix":"in/*"},"NumericLessThanEquals":{"s3:max-keys":"10"},"StringEqualsIfExists":{"s3:delimiter":"/"}}},
	 {"Effect":"Allow",`+them+`,"Action":["s3:PutObject","s3:AbortMultipartUpload"],"Resource":"arn:aws:s3:::shared/out/*"},
	 {"Effect":"Deny",`+them+`,"Action":"s3:PutObject","Resource":"arn:aws:s3:::shared/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}}},
	 {"Effect":"Deny",`+them+`,"Action":"s3:PutObject","Resource":"arn:aws:s3:::shared/*","Condition":{"Null":{"s3:x-amz-copy-source":"false"},"StringNotLike":{"s3:x-amz-copy-source":"mine/*"}}},
	 {"Effect":"Deny",`+them+`,"Action":"*","Resource":"*","Condition":{"StringNotEquals":{"s3:ResourceAccount":"`+mine+`"}}}`)
	shared := aws.String("shared")
	write := func(key string, sse types.ServerSideEncryption) error {
		_, err := other.PutObject(ctx, &s3.PutObjectInput{Bucket: shared, Key: &key, Body: strings.NewReader("z"), ServerSideEncryption: sse})
		return err
	}
	list := func(prefix string, limit int32, delimiter *string) error {
		_, err := other.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: shared, Prefix: &prefix, MaxKeys: &limit, Delimiter: delimiter})
		return err
	}
	read := func(key string) error { _, err := other.HeadObject(ctx, headOf("shared", key)); return err }
	copyOf := func(source string) error {
		_, err := other.CopyObject(ctx, &s3.CopyObjectInput{Bucket: shared, Key: aws.String("out/c"), CopySource: &source, ServerSideEncryption: "AES256"})
		return err
	}
	for name, test := range map[string]struct {
		err     error
		allowed bool
	}{
		"read":                   {read("in/k"), true},
		"read elsewhere":         {read("secret/k"), false},
		"list":                   {list("in/", 10, nil), true},
		"list with delimiter":    {list("in/", 1, aws.String("/")), true},
		"list, other delimiter":  {list("in/", 1, aws.String("k")), false},
		"list too much":          {list("in/", 11, nil), false},
		"list elsewhere":         {list("", 1, nil), false},
		"write":                  {write("out/k", "AES256"), true},
		"write without header":   {write("out/k", ""), false},
		"write elsewhere":        {write("in/k", "AES256"), false},
		"copy of theirs":         {copyOf("mine/k"), true},
		"copy of what is shared": {copyOf("shared/in/k"), false},
		"delete": {func() error {
			_, err := other.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: shared, Key: aws.String("out/k")})
			return err
		}(), false},
		"upload in parts":        {inParts(t, other, "out/parts"), true},
		"the owner reads all":    {func() error { _, err := owner.HeadObject(ctx, headOf("shared", "secret/k")); return err }(), true},
		"the owner reads theirs": {func() error { _, err := owner.HeadObject(ctx, headOf("shared", "out/k")); return err }(), true},
		"the owner needs no SSE": {func() error {
			_, err := owner.PutObject(ctx, &s3.PutObjectInput{Bucket: shared, Key: aws.String("x")})
			return err
		}(), true},
		"a bucket without policy": {func() error {
			_, err := owner.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("mine")})
			return err
		}(), false},
	} {
		if (test.err == nil) != test.allowed || test.err != nil && !strings.Contains(test.err.Error(), "403") {
			t.Errorf("%s: %v, want allowed %v", name, test.err, test.allowed)
		}
		if test.err != nil && strings.Contains(test.err.Error(), "statement") {
			t.Errorf("%s: the refusal tells another account of the policy: %v", name, test.err)
		}
	}
}

func headOf(name, key string) *s3.HeadObjectInput {
	return &s3.HeadObjectInput{Bucket: &name, Key: &key}
}

// inParts uploads an object of one part to the bucket "shared". Only the
// beginning of an upload names the encryption; its parts are sealed alike.
func inParts(t *testing.T, c *s3.Client, key string) error {
	t.Helper()
	return uploadOne(t, c, &s3.CreateMultipartUploadInput{Bucket: aws.String("shared"), Key: &key, ServerSideEncryption: "AES256"}, nil)
}
