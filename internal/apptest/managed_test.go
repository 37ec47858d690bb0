package apptest_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/apptest"
)

// TestAccessKeys switches keys off and on, and counts them.
func TestAccessKeys(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home := household{t, s.Client(t, trusting)}
	ann := home.user("ann", managed("IAMReadOnlyAccess"))
	second := home.key("ann")
	_, err := home.root.IAM.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	wantCode(t, "a third key", err, "LimitExceeded")
	value, err := second.Config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	never, err := home.root.IAM.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &value.AccessKeyID})
	if err != nil || *never.UserName != "ann" || *never.AccessKeyLastUsed.ServiceName != "N/A" {
		t.Errorf("a key that never signed: %+v, %v", never, err)
	}
	if _, err := second.S3.ListBuckets(t.Context(), &s3.ListBucketsInput{}); err == nil {
		t.Error("buckets are listed without permission")
	}
	used, err := home.root.IAM.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &value.AccessKeyID})
	if err != nil || *used.AccessKeyLastUsed.ServiceName != "s3" || *used.AccessKeyLastUsed.Region != "us-east-1" || used.AccessKeyLastUsed.LastUsedDate == nil {
		t.Errorf("a key that signed for S3: %+v, %v", used, err)
	}
	info, err := home.root.STS.GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &value.AccessKeyID})
	if err != nil || *info.Account != trusting {
		t.Errorf("GetAccessKeyInfo: %+v, %v", info, err)
	}
	set := func(to iamtypes.StatusType) {
		t.Helper()
		if _, err := home.root.IAM.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: &value.AccessKeyID, Status: to}); err != nil {
			t.Fatal(err)
		}
	}
	set(iamtypes.StatusTypeInactive)
	_, err = second.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, "an inactive key", err, "InvalidClientTokenId")
	set(iamtypes.StatusTypeActive)
	if _, err := second.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("an active key: %v", err)
	}
	listed, err := ann.IAM.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{})
	if err != nil || len(listed.AccessKeyMetadata) != 2 {
		t.Errorf("a user's own keys: %+v, %v", listed, err)
	}
	_, err = home.root.IAM.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("ann")})
	wantCode(t, "deleting a user with keys", err, "DeleteConflict")
	if _, err := home.root.IAM.UpdateUser(t.Context(), &iam.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("anna"), NewPath: aws.String("/x/")}); err != nil {
		t.Fatal(err)
	}
	id, err := ann.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *id.Arn != "arn:aws:iam::111122223333:user/x/anna" {
		t.Errorf("a renamed user is %+v, %v", id, err)
	}
	china := ann.Config.Copy()
	china.Region = "cn-north-1"
	_, err = sts.NewFromConfig(china).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, "a key of another partition", err, "InvalidClientTokenId")
}

// TestManagedPolicies follows one from its making to its end.
func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home := household{t, s.Client(t, trusting)}
	c, ctx := home.root.IAM, t.Context()
	ann := home.user("ann")
	document := func(action string) *string {
		return aws.String(policyOf(fmt.Sprintf(`{"Effect": "Allow", "Action": %q, "Resource": "*"}`, action)))
	}
	made, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("lister"), Path: aws.String("/team/"), PolicyDocument: document("kms:ListKeys"), Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		t.Fatal(err)
	}
	name := made.Policy.Arn
	if *name != "arn:aws:iam::111122223333:policy/team/lister" || *made.Policy.DefaultVersionId != "v1" {
		t.Errorf("made %+v", made.Policy)
	}
	_, err = c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("LISTER"), PolicyDocument: document("*")})
	wantCode(t, "a second policy of the name", err, "EntityAlreadyExists")
	if _, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: name}); err != nil {
		t.Fatal(err)
	}
	checkKMS(t, "v1", ann, true, false)
	for i := 2; i <= 5; i++ {
		if _, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: name, PolicyDocument: document("kms:ListAliases"), SetAsDefault: i == 2}); err != nil {
			t.Fatal(err)
		}
	}
	checkKMS(t, "v2", ann, false, true)
	_, err = c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: name, PolicyDocument: document("*")})
	wantCode(t, "a sixth version", err, "LimitExceeded")
	version, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: name, VersionId: aws.String("v1")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := url.QueryUnescape(*version.PolicyVersion.Document); err != nil || text != *document("kms:ListKeys") || version.PolicyVersion.IsDefaultVersion {
		t.Errorf("v1 is %q, %v", text, err)
	}
	if _, err := c.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: name, VersionId: aws.String("v1")}); err != nil {
		t.Fatal(err)
	}
	checkKMS(t, "v1 again", ann, true, false)
	pages := iam.NewListPolicyVersionsPaginator(c, &iam.ListPolicyVersionsInput{PolicyArn: name, MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			_, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: name, VersionId: v.VersionId})
			if v.IsDefaultVersion {
				wantCode(t, "deleting the default version", err, "DeleteConflict")
			} else if err != nil {
				t.Error(err)
			}
		}
	}
	_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: name})
	wantCode(t, "deleting an attached policy", err, "DeleteConflict")
	who, err := c.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: name})
	if err != nil || len(who.PolicyUsers) != 1 || *who.PolicyUsers[0].UserName != "ann" {
		t.Errorf("who has it: %+v, %v", who, err)
	}
	got, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: name})
	if err != nil || *got.Policy.AttachmentCount != 1 || len(got.Policy.Tags) != 1 {
		t.Errorf("GetPolicy: %+v, %v", got, err)
	}
	if _, err := c.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: name})
	wantCode(t, "attaching what is gone", err, "NoSuchEntity")
	_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: aws.String(managed("AdministratorAccess"))})
	wantCode(t, "deleting AWS's policy", err, "AccessDenied")
	all, err := c.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeAws})
	if err != nil || len(all.Policies) < 10 {
		t.Errorf("AWS's policies: %+v, %v", all, err)
	}
	summary, err := c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil || summary.SummaryMap["Users"] != 1 || summary.SummaryMap["Policies"] != 0 {
		t.Errorf("summary: %+v, %v", summary, err)
	}
}

// TestConditionsOfTheRequest: where a request comes from, and how, decides;
