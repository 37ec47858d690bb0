package bucket_test

import (
	"errors"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
)

// Within the account a bucket policy is enough; another account's caller needs
// its own policies as well. A job's mandate is enough for itself.
func TestBucketAndIdentityPolicies(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	w.put(t, "k", "x")
	const names = `"Principal":{"AWS":["arn:aws:iam::111122223333:user/ann","555555555555"]}`
	text := `{"Statement":[{"Effect":"Allow",` + names + `,"Action":["s3:GetObject","s3:*BucketPolicy"],"Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]},
	 {"Effect":"Deny","Principal":"*","Action":["s3:DeleteBucketPolicy"],"Resource":"*"}]}`
	if err := w.PutBucketPolicy(t.Context(), caller, "bkt", text); err != nil {
		t.Fatal(err)
	}
	user := func(account, name string) arn.Caller {
		return arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: name}, Region: "us-east-1"}
	}
	nothing, everything := w.as(policies{}), w.as(policies{policy.FullAccess(account)})
	job := user("555555555555", "user/eve")
	job.Mandate = &arn.Mandate{{Action: "s3:GetObject", Resource: "arn:aws:s3:::bkt/k", Owner: account}}
	late := job
	late.Mandate = &arn.Mandate{{Action: "s3:GetObject", Resource: "arn:aws:s3:::bkt/k", Owner: "999999999999"}}
	key := objects.Ref{Bucket: "bkt", Key: "k"}
	for name, test := range map[string]struct {
		s    *bucket.Service
		who  arn.Caller
		want error
	}{
		"own, named, no identity policy":     {nothing, user(account, "user/ann"), nil},
		"own, not named, no identity policy": {nothing, user(account, "user/bob"), bucket.AccessDenied},
		"other, named, no identity policy":   {nothing, user("555555555555", "user/eve"), bucket.AccessDenied},
		"other, named, and identity policy":  {everything, user("555555555555", "user/eve"), nil},
		"third, identity policy":             {everything, user("999999999999", "user/eve"), bucket.AccessDenied},
		"other, under a mandate":             {nothing, job, nil},
		"under one for a former owner's":     {everything, late, bucket.AccessDenied},
	} {
		if _, err := test.s.Head(t.Context(), test.who, key); !errors.Is(err, test.want) && err != test.want { //nolint:errorlint // nil
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if got, err := nothing.GetBucketPolicy(t.Context(), user(account, "user/ann"), "bkt"); got != text || err != nil {
		t.Errorf("a user who may read the policy: %q, %v", got, err)
	}
	if err := everything.DeleteBucketPolicy(t.Context(), user(account, "user/ann"), "bkt"); !errors.Is(err, bucket.AccessDenied) {
		t.Errorf("a user whom the policy denies it: %v", err)
	}
	var why *policy.DeniedError
	_, err := nothing.Head(t.Context(), user("555555555555", "user/eve"), key)
	if !errors.As(err, &why) || !why.Foreign || why.Decision.Missing != policy.MissingIdentity {
		t.Errorf("%v has the cause %+v", err, why)
	}
	if err := w.DeleteBucketPolicy(t.Context(), caller, "bkt"); err != nil {
		t.Errorf("root: %v", err)
	}
}

// TestCanPutSaysWhatAllowedIt to callers of the bucket's account, where it is
// one statement for all objects.
func TestCanPutSaysWhatAllowedIt(t *testing.T) {
	t.Parallel()
	w := open(t, mem.New(), nil)
	text := `{"Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/a*"},
	 {"Sid":"b","Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/b*"}]}`
	if err := w.PutBucketPolicy(t.Context(), caller, "bkt", text); err != nil {
		t.Fatal(err)
	}
	user := func(account string) arn.Caller {
		return arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: "user/ann"}, Region: "us-east-1"}
	}
	for name, c := range map[string]struct {
		s                 *bucket.Service
		who               arn.Caller
		keys              []string
		policy, statement string
	}{
		"one statement":     {w.as(policies{}), user(account), []string{"a1", "a2"}, "the bucket policy", `statement "a"`},
		"two statements":    {w.as(policies{}), user(account), []string{"a1", "b1"}, "", ""},
		"another account's": {w.as(policies{policy.FullAccess("555555555555")}), user("555555555555"), []string{"a1"}, "", ""},
	} {
		var refs []objects.Ref
		for _, key := range c.keys {
			refs = append(refs, objects.Ref{Bucket: "bkt", Key: key})
		}
		got, err := c.s.CanPut(t.Context(), c.who, "", refs...)
		if want := (policy.Decision{Verdict: policy.Allow, Policy: c.policy, Statement: c.statement}); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}
