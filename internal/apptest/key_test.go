package apptest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mimeo/internal/apptest"
)

// TestKeysAsAClientNamesThem: what a copy under each kind of KmsKeyId becomes,
// with keys that clients have made. Every kind is copied to in the tests of
// the copier.
func TestKeysAsAClientNamesThem(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	third := &side{Client: s.Client(t, "999999999999"), t: t}
	own, leaving, private, shared := b.newKey(), b.newKey(), third.newKey(), third.newKey()
	europe := &side{Client: s.ClientIn(t, trusted, "eu-west-1"), t: t}
	abroad := europe.newKey()
	if _, err := b.KMS.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/models"), TargetKeyId: &own}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.KMS.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &leaving}); err != nil {
		t.Fatal(err)
	}
	if _, err := third.KMS.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: &shared, Policy: aws.String(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":["kms:DescribeKey","kms:CreateGrant","kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}]}`, trusted))}); err != nil {
		t.Fatal(err)
	}
	_, asymmetric := b.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecRsa2048, KeyUsage: kmstypes.KeyUsageTypeEncryptDecrypt})
	wantCode(t, "an asymmetric key, which nobody can therefore name", asymmetric, "UnsupportedOperationException")
	i := 0
	for name, c := range map[string]struct{ keyID, want, code, message string }{
		"an alias":                    {keyID: "alias/models", want: own},
		"the ARN of an alias":         {keyID: "arn:aws:kms:us-east-1:" + trusted + ":alias/models", want: own},
		"another account's, shared":   {keyID: shared, want: shared},
		"another account's, private":  {keyID: private, code: "AccessDeniedException", message: "kms:DescribeKey"},
		"another account's, no key":   {keyID: private[:len(private)-12] + "000000000000", code: "AccessDeniedException", message: "kms:DescribeKey"},
		"pending deletion":            {keyID: leaving, code: "InvalidParameterException", message: "Cancel its deletion"},
		"of another Region":           {keyID: abroad, code: "InvalidParameterException", message: "of this Region"},
		"no key":                      {keyID: own[:len(own)-12] + "000000000000", code: "InvalidParameterException", message: "does not exist"},
		"what no KmsKeyId looks like": {keyID: "my key", code: "ValidationException", message: "kmsKeyId"},
	} {
		version := fmt.Sprintf("c%d", i)
		i++
		_, err := b.copyInto(version, version, a, source, c.keyID)
		if c.code != "" {
			var refusal smithy.APIError
			if !errors.As(err, &refusal) || refusal.ErrorCode() != c.code || !strings.Contains(refusal.ErrorMessage(), c.message) {
				t.Errorf("%s: %v, want %s with %q", name, err, c.code, c.message)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := b.reach(version, types.ProjectVersionStatusCopyingCompleted)
		file := v.EvaluationResult.Summary.S3Object
		head, err := b.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: file.Bucket, Key: file.Name})
		if err != nil || aws.ToString(v.KmsKeyId) != c.want || aws.ToString(head.SSEKMSKeyId) != c.want {
			t.Errorf("%s: the copy is under %s, its files under %+v, %v; want %s", name, aws.ToString(v.KmsKeyId), head, err, c.want)
		}
	}
}
