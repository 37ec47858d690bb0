package apptest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
)

// TestACopyOutlivesItsRole: the role loses its policy and is deleted while the
// copy that its session began is held up; the copy is completed all the same,
// and the session can do nothing more.
func TestACopyOutlivesItsRole(t *testing.T) {
	t.Parallel()
	held := &dam{}
	s := apptest.Start(t, apptest.Options{Families: light, Faults: app.Faults{Before: held.before}})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := a.trainWide("v1")
	b := newSide(t, s, trusted, "trusted-results", "production")
	allow(t, a, trusted)
	key := b.newKey()
	home, name := household{t, b.Client}, "promoter"
	role := home.role(name, trusts(trusted, ""), managed("AdministratorAccess"))
	session := assume(t, home.user("ann", managed("AdministratorAccess")), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("nightly")})
	request := func(name string) *rekognition.CopyProjectVersionInput {
		return &rekognition.CopyProjectVersionInput{
			SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: &name,
			OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket, S3KeyPrefix: aws.String("results")}, KmsKeyId: &key,
		}
	}

	held.close()
	defer held.open()
	if _, err := session.Rekognition.CopyProjectVersion(t.Context(), request("held")); err != nil {
		t.Fatalf("CopyProjectVersion: %v", err)
	}
	if _, err := b.IAM.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(managed("AdministratorAccess"))}); err != nil {
		t.Fatalf("DetachRolePolicy: %v", err)
	}
	_, err := session.Rekognition.CopyProjectVersion(t.Context(), request("refused"))
	wantCode(t, "a copy without the policy", err, "AccessDeniedException")
	if _, err := b.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &name}); err != nil {
		t.Fatalf("DeleteRole: %v", err)
	}
	if v := b.version("held"); v.Status != types.ProjectVersionStatusCopyingInProgress {
		t.Fatalf("the copy that is held up is %s: %s", v.Status, aws.ToString(v.StatusMessage))
	}
	held.open()
	b.reach("held", types.ProjectVersionStatusCopyingCompleted)
	if files := b.keys("results/"); len(files) != len(written) {
		t.Errorf("the copy wrote %q", files)
	}
}
