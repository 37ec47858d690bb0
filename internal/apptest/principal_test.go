package apptest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/apptest"
)

// TestAPrincipalIsNotItsName: the policies of a project, a key, a bucket and a
// role let in the user or role that they name, and show its ARN. Another one
// that is made under the name of the first is let in by none of them.
func TestAPrincipalIsNotItsName(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	b := newSide(t, s, trusted, "trusted-results", "production")
	home := household{t, b.Client}
	admin := managed("AdministratorAccess")
	zoe := home.user("zoe", admin)
	key, host := a.newKey(), household{t, a.Client}
	for _, c := range []struct {
		who, id string
		create  func() *apptest.Client
		remove  func()
	}{
		{"user/ann", "AIDA", func() *apptest.Client { return home.user("ann", admin) }, func() { home.removeUser("ann", admin) }},
		{"role/worker", "AROA", func() *apptest.Client {
			role := home.role("worker", trusts(trusted, ""), admin)
			return assume(t, zoe, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1")})
		}, func() { home.removeRole("worker", admin) }},
	} {
		principal := "arn:aws:iam::" + trusted + ":" + c.who
		first := c.create()
		guests := host.role("guest", trusts(principal, ""))
		a.letIn(principal, key)
		version := strings.ReplaceAll(c.who, "/", "-")
		enter := func(as *apptest.Client, name string) map[string]error {
			began := *b
			began.Client = as
			_, err := began.copyInto(name, name, a, source, "")
			said := a.knock(as, key, guests)
			said["project"] = err
			return said
		}
		for door, err := range enter(first, version) {
			if err != nil {
				t.Errorf("the %s keeps out %s: %v", door, c.who, err)
			}
		}
		for door, text := range a.doors(key) {
			if !strings.Contains(text, `"`+principal+`"`) || strings.Contains(text, `"`+c.id) {
				t.Errorf("the policy of the %s is shown as %s", door, text)
			}
		}
		c.remove()
		second := c.create()
		for door, err := range enter(second, "again") {
			if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
				t.Errorf("the %s, to another %s: %v, want AccessDenied", door, c.who, err)
			}
		}
		for door, text := range a.doors(key) {
			if strings.Contains(text, principal) || !strings.Contains(text, `"`+c.id) {
				t.Errorf("when its principal is gone, the policy of the %s is shown as %s", door, text)
			}
		}
		a.letIn(principal, key)
		host.trust("guest", principal)
		for door, err := range enter(second, version+"-2") {
			if err != nil {
				t.Errorf("the %s keeps out the new %s, whom it now means: %v", door, c.who, err)
			}
		}
		host.removeRole("guest")
	}
}

// letIn has the policies of the side's project, key and bucket let a principal
// in.
func (a *side) letIn(principal, key string) {
	a.t.Helper()
	allow := func(action, resource string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"` + action + `","Resource":"` + resource + `"}`
	}
	own := `{"Effect":"Allow","Principal":{"AWS":"` + a.Account + `"},"Action":"kms:*","Resource":"*"}`
	project := &rekognition.PutProjectPolicyInput{ProjectArn: &a.project, PolicyName: aws.String("p"), PolicyDocument: aws.String(policyOf(allow("rekognition:CopyProjectVersion", "*")))}
	old, err := a.Rekognition.ListProjectPolicies(a.t.Context(), &rekognition.ListProjectPoliciesInput{ProjectArn: &a.project})
	if err != nil {
		a.t.Fatalf("ListProjectPolicies: %v", err)
	}
	if len(old.ProjectPolicies) > 0 {
		project.PolicyRevisionId = old.ProjectPolicies[0].PolicyRevisionId
	}
	if _, err := a.Rekognition.PutProjectPolicy(a.t.Context(), project); err != nil {
		a.t.Fatalf("PutProjectPolicy: %v", err)
	}
	if _, err := a.KMS.PutKeyPolicy(a.t.Context(), &kms.PutKeyPolicyInput{KeyId: &key, Policy: aws.String(policyOf(own, allow("kms:DescribeKey", "*")))}); err != nil {
		a.t.Fatalf("PutKeyPolicy: %v", err)
	}
	if _, err := a.S3.PutBucketPolicy(a.t.Context(), &s3.PutBucketPolicyInput{Bucket: &a.bucket, Policy: aws.String(policyOf(allow("s3:ListBucket", "arn:aws:s3:::"+a.bucket)))}); err != nil {
		a.t.Fatalf("PutBucketPolicy: %v", err)
	}
}

// knock asks of the key, the bucket and the role what they let a principal do.
func (a *side) knock(as *apptest.Client, key, role string) map[string]error {
	_, ofKey := as.KMS.DescribeKey(a.t.Context(), &kms.DescribeKeyInput{KeyId: &key})
	_, ofBucket := as.S3.ListObjectsV2(a.t.Context(), &s3.ListObjectsV2Input{Bucket: &a.bucket})
	_, ofRole := as.STS.AssumeRole(a.t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1")})
	return map[string]error{"key": ofKey, "bucket": ofBucket, "role": ofRole}
}

// doors are the policies that let a principal in, as they are shown.
func (a *side) doors(key string) map[string]string {
	a.t.Helper()
	projects, err := a.Rekognition.ListProjectPolicies(a.t.Context(), &rekognition.ListProjectPoliciesInput{ProjectArn: &a.project})
	if err != nil {
		a.t.Fatalf("ListProjectPolicies: %v", err)
	}
	ofKey, err := a.KMS.GetKeyPolicy(a.t.Context(), &kms.GetKeyPolicyInput{KeyId: &key})
	if err != nil {
		a.t.Fatalf("GetKeyPolicy: %v", err)
	}
	bucket, err := a.S3.GetBucketPolicy(a.t.Context(), &s3.GetBucketPolicyInput{Bucket: &a.bucket})
	if err != nil {
		a.t.Fatalf("GetBucketPolicy: %v", err)
	}
	role, err := a.IAM.GetRole(a.t.Context(), &iam.GetRoleInput{RoleName: aws.String("guest")})
	if err != nil {
		a.t.Fatalf("GetRole: %v", err)
	}
	roles, err := a.IAM.ListRoles(a.t.Context(), &iam.ListRolesInput{})
	if err != nil || len(roles.Roles) != 1 || *roles.Roles[0].AssumeRolePolicyDocument != *role.Role.AssumeRolePolicyDocument {
		a.t.Errorf("ListRoles shows %+v, %v; GetRole %+v", roles, err, role.Role)
	}
	trust, err := url.QueryUnescape(*role.Role.AssumeRolePolicyDocument)
	if err != nil {
		a.t.Fatal(err)
	}
	return map[string]string{"project": *projects.ProjectPolicies[0].PolicyDocument, "key": *ofKey.Policy, "bucket": *bucket.Policy, "role": trust}
}

func (h household) removeUser(name, policy string) {
	h.t.Helper()
	keys, err := h.root.IAM.ListAccessKeys(h.t.Context(), &iam.ListAccessKeysInput{UserName: &name})
	if err != nil {
		h.t.Fatalf("ListAccessKeys: %v", err)
	}
	for _, key := range keys.AccessKeyMetadata {
		if _, err := h.root.IAM.DeleteAccessKey(h.t.Context(), &iam.DeleteAccessKeyInput{UserName: &name, AccessKeyId: key.AccessKeyId}); err != nil {
			h.t.Fatalf("DeleteAccessKey: %v", err)
		}
	}
	_, err = h.root.IAM.DetachUserPolicy(h.t.Context(), &iam.DetachUserPolicyInput{UserName: &name, PolicyArn: &policy})
	if err == nil {
		_, err = h.root.IAM.DeleteUser(h.t.Context(), &iam.DeleteUserInput{UserName: &name})
	}
	if err != nil {
		h.t.Fatalf("DeleteUser: %v", err)
	}
}

func (h household) removeRole(name string, policies ...string) {
	h.t.Helper()
	for _, policy := range policies {
		if _, err := h.root.IAM.DetachRolePolicy(h.t.Context(), &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &policy}); err != nil {
			h.t.Fatalf("DetachRolePolicy: %v", err)
		}
	}
	if _, err := h.root.IAM.DeleteRole(h.t.Context(), &iam.DeleteRoleInput{RoleName: &name}); err != nil {
		h.t.Fatalf("DeleteRole: %v", err)
	}
}

// trust has a role trust a principal, and nobody else any more.
func (h household) trust(role, principal string) {
	h.t.Helper()
	document := policyOf(trusts(principal, ""))
	if _, err := h.root.IAM.UpdateAssumeRolePolicy(h.t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &role, PolicyDocument: &document}); err != nil {
		h.t.Fatalf("UpdateAssumeRolePolicy: %v", err)
	}
}
