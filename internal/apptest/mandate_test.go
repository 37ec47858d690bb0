package apptest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
)

// TestACopyOutlivesItsSession: what a session began while it might is
// completed, whatever ends its power meanwhile; it can begin nothing more.
func TestACopyOutlivesItsSession(t *testing.T) {
	t.Parallel()
	held, clock := &dam{}, &apptest.Clock{}
	s := apptest.Start(t, apptest.Options{Families: light, Faults: app.Faults{Before: held.before}, Clock: clock})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := a.trainWide("v1")
	b := newSide(t, s, trusted, "trusted-results", "production")
	allow(t, a, trusted)
	key, home := b.newKey(), household{t, b.Client}
	ann := home.user("ann", managed("AdministratorAccess"))
	defer held.open()
	for name, c := range map[string]struct {
		end  func(role string) error
		code string // of what the session then asks
	}{
		"lost-its-policy": {func(role string) error {
			_, err := b.IAM.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: aws.String(managed("AdministratorAccess"))})
			return err
		}, "AccessDeniedException"},
		"lost-its-role": {func(role string) error {
			_, err := b.IAM.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: aws.String(managed("AdministratorAccess"))})
			if err == nil {
				_, err = b.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &role})
			}
			return err
		}, "UnrecognizedClientException"},
		"expired": {func(string) error {
			clock.Pass(time.Hour)
			return nil
		}, "ExpiredTokenException"},
	} {
		role := home.role(name, trusts(trusted, ""), managed("AdministratorAccess"))
		began := *b // and asks as the session
		began.Client = assume(t, ann, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("nightly")})
		held.close()
		if _, err := began.copyInto(name, name, a, source, key); err != nil {
			t.Fatalf("%s: CopyProjectVersion: %v", name, err)
		}
		if err := c.end(name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := began.copyInto("refused", name, a, source, key)
		wantCode(t, "a copy by a session that "+name, err, c.code)
		if v := b.version(name); v.Status != types.ProjectVersionStatusCopyingInProgress {
			t.Fatalf("%s: the copy that is held up is %s: %s", name, v.Status, aws.ToString(v.StatusMessage))
		}
		held.open()
		b.reach(name, types.ProjectVersionStatusCopyingCompleted)
		if files := b.keys(name + "/"); len(files) != len(written) {
			t.Errorf("%s: the copy wrote %q", name, files)
		}
	}
}
