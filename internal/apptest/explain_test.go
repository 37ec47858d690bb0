package apptest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mimeo/internal/apptest"
)

// explanation is the output of ExplainCopyProjectVersion.
type explanation struct {
	Allowed bool
	Checks  []struct{ Check, Resource, Verdict, Policy, Statement, Reason, Remedy string }
	Plan    *struct {
		Mode  string
		Bytes int64
		Keys  []string
		Files []struct{ Bucket, Name string }
	}
}

// not returns the names of the checks that do not have the verdict ALLOW.
func (e explanation) not() (checks []string) {
	for _, c := range e.Checks {
		if c.Verdict != "ALLOW" {
			checks = append(checks, c.Check+" "+c.Verdict)
		}
	}
	return checks
}

// TestACopyIsExplained before the source's owner has agreed, after, and when
// it is done.
func TestACopyIsExplained(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	b := newSide(t, s, trusted, "trusted-results", "production")
	key, err := b.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	in := &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: aws.String("copied"),
		OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket, S3KeyPrefix: aws.String("results")}, KmsKeyId: key.KeyMetadata.KeyId,
	}
	explain := func() (e explanation) {
		t.Helper()
		if err := b.Mimeo(t.Context(), "ExplainCopyProjectVersion", in, &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	unknown := []string{"SourcePermission DENY", "SourceProject UNKNOWN", "SourceVersion UNKNOWN", "SourceParent UNKNOWN", "SourceFeature UNKNOWN", "SourceModel UNKNOWN"}
	if e := explain(); e.Allowed || e.Plan != nil || !slices.Equal(e.not(), unknown) {
		t.Errorf("before the owner agreed: %+v", e)
	}
	allow(t, a, trusted)
	e := explain()
	if !e.Allowed || e.Plan == nil || len(e.not()) > 0 {
		t.Fatalf("after the owner agreed: %+v", e)
	}
	if e.Plan.Mode != "SHARE" || e.Plan.Bytes <= 0 || !slices.Equal(e.Plan.Keys, []string{aws.ToString(key.KeyMetadata.Arn)}) {
		t.Errorf("the plan is %+v", e.Plan)
	}
	var resealed explanation
	other := struct {
		*rekognition.CopyProjectVersionInput
		Mode string
	}{in, "RESEAL"}
	if err := b.Mimeo(t.Context(), "ExplainCopyProjectVersion", other, &resealed); err != nil {
		t.Fatal(err)
	}
	if resealed.Plan == nil || resealed.Plan.Mode != "RESEAL" || resealed.Plan.Bytes <= e.Plan.Bytes {
		t.Errorf("the plan of a copy that is resealed is %+v; of one that shares, %+v", resealed.Plan, e.Plan)
	}
	if all := b.versions(); len(all) != 0 {
		t.Errorf("explaining made %d versions", len(all))
	}
	b.grants(aws.ToString(key.KeyMetadata.KeyId), 0)
	if _, err := b.Rekognition.CopyProjectVersion(t.Context(), in); err != nil {
		t.Fatalf("the copy that was explained: %v", err)
	}
	b.reach("copied", types.ProjectVersionStatusCopyingCompleted)
	for _, f := range e.Plan.Files {
		if f.Bucket != b.bucket || !strings.HasPrefix(f.Name, "results/") || !b.has(f.Name) {
			t.Errorf("the planned file %s/%s is not there", f.Bucket, f.Name)
		}
	}
	if e := explain(); !slices.Contains(e.not(), "VersionName DENY") {
		t.Errorf("once it is done: %+v", e)
	}

	// Nobody else is told, and what is malformed is refused as for a copy.
	wantCode(t, "another account", a.Mimeo(t.Context(), "ExplainCopyProjectVersion", in, &e), "AccessDeniedException")
	in.VersionName = aws.String("a b")
	wantCode(t, "a bad name", b.Mimeo(t.Context(), "ExplainCopyProjectVersion", in, &e), "ValidationException")
}

// has reports whether the bucket has an object.
func (a *side) has(key string) bool {
	_, err := a.S3.HeadObject(a.t.Context(), &s3.HeadObjectInput{Bucket: &a.bucket, Key: &key})
	return err == nil
}
