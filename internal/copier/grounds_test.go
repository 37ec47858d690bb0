package copier_test

import (
	"fmt"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/record"
)

// TestWhatAllowedTheFilesAndTheKeyIsTold: in the explanation and in the record
// alike, where one statement of the caller's account allowed all of them.
func TestWhatAllowedTheFilesAndTheKeyIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		own   = "the identity policy p"
		files = `{"Sid":"Files","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`
		key   = `{"Sid":"Key","Effect":"Allow","Action":"kms:*","Resource":"*"}`
		some  = `{"Sid":"Some","Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::*/copied/CopyRecord-*"}`
		look  = `{"Sid":"Look","Effect":"Allow","Action":"kms:DescribeKey","Resource":"*"}`
	)
	abroad := w.newKeyWith(t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusted}, fourActions...))
	direct := w.newKeyWith(t, trusted, sharedWith(trusted, []arn.Caller{session}, fourActions...))
	for i, c := range []struct {
		name       string
		statements string
		key        string // empty: the service-owned one
		files, by  record.Ground
	}{
		{"a statement for each", files + "," + key, w.key.String(), record.Ground{Policy: own, Statement: `statement "Files"`}, record.Ground{Policy: own, Statement: `statement "Key"`}},
		{"several statements", some + "," + files + "," + look + "," + key, w.key.String(), record.Ground{}, record.Ground{}},
		{"the key's own policy", files, direct.String(), record.Ground{Policy: own, Statement: `statement "Files"`}, record.Ground{Policy: "the key policy", Statement: "statement 2"}},
		{"another account's key", files + "," + key, abroad.String(), record.Ground{Policy: own, Statement: `statement "Files"`}, record.Ground{}},
		{"the service-owned key", files, "", record.Ground{Policy: own, Statement: `statement "Files"`}, record.Ground{}},
	} {
		w.people.policies.Store(session.Principal, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"rekognition:*","Resource":"*"},`+c.statements+`]}`)
		req := w.request(fmt.Sprint("c", i))
		req.KMSKeyID = c.key
		want := map[copier.Check]record.Ground{copier.OutputConfig: c.files, copier.KmsKey: c.by}
		e, err := w.Explain(t.Context(), session, req)
		if err != nil || !e.Allowed {
			t.Fatalf("%s: allowed %v, %v: %+v", c.name, e.Allowed, err, e.Findings)
		}
		for _, f := range e.Findings {
			if g, ok := want[f.Check]; ok && (f.Policy != g.Policy || f.Statement != g.Statement) {
				t.Errorf("%s: %s is said to be allowed by %q in %q, want %+v", c.name, f.Check, f.Policy, f.Statement, g)
			}
		}
		v, err := w.Start(t.Context(), session, req)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		w.drain(t)
		recorded := map[copier.Check]record.Ground{}
		for _, g := range w.signed(t, v).Decision {
			recorded[copier.Check(g.Check)] = record.Ground{Policy: g.Policy, Statement: g.Statement}
		}
		for check, g := range want {
			if recorded[check] != g {
				t.Errorf("%s: the record says that %s is allowed by %+v, want %+v", c.name, check, recorded[check], g)
			}
		}
	}
}

// TestABucketPolicyIsNamed where it allowed the files, to its own account.
func TestABucketPolicyIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.policies.Store(session.Principal, allowing("rekognition:*", "kms:*"))
	must(t, w.buckets.PutBucketPolicy(t.Context(), trusted, "destination-custom-labels", fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Sid":"Results","Effect":"Allow",
		"Principal":{"AWS":%q},"Action":"s3:PutObject","Resource":"arn:aws:s3:::destination-custom-labels/*"}}`, session.Principal)))
	e, err := w.Explain(t.Context(), session, w.request("explained"))
	must(t, err)
	for _, f := range e.Findings {
		if f.Check == copier.OutputConfig && (f.Verdict != copier.Allow || f.Policy != "the bucket policy" || f.Statement != `statement "Results"`) {
			t.Errorf("the files are allowed by %+v, want the bucket policy", f)
		}
	}
}
