package apptest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

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
	signs, stranger := b.newSigningKey(), third.newSigningKey()
	i := 0
	for name, c := range map[string]struct{ keyID, want, code, message string }{
		"an alias":                    {keyID: "alias/models", want: own},
		"the ARN of an alias":         {keyID: "arn:aws:kms:us-east-1:" + trusted + ":alias/models", want: own},
		"another account's, shared":   {keyID: shared, want: shared},
		"another account's, private":  {keyID: private, code: "AccessDeniedException", message: "kms:DescribeKey"},
		"another account's, no key":   {keyID: private[:len(private)-12] + "000000000000", code: "AccessDeniedException", message: "kms:DescribeKey"},
		"pending deletion":            {keyID: leaving, code: "InvalidParameterException", message: "Cancel its deletion"},
		"asymmetric":                  {keyID: signs, code: "InvalidParameterException", message: signs + " key usage is SIGN_VERIFY which is not valid for GenerateDataKey. It is an asymmetric key; a symmetric encryption key is needed."},
		"another's, asymmetric":       {keyID: stranger, code: "AccessDeniedException", message: "kms:DescribeKey"},
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

// TestACopyOutlivesItsSourcesKey: the key that the source was trained under is
// scheduled for deletion, and is gone when its window is over. The source is
// lost with it; the copy, under a key of its own account, is as it was.
func TestACopyOutlivesItsSourcesKey(t *testing.T) {
	t.Parallel()
	clock := &apptest.Clock{}
	s := apptest.Start(t, apptest.Options{Families: light, Clock: clock})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	theirs := a.newKey()
	a.dataset(types.DatasetTypeTrain, 5, 1)
	a.dataset(types.DatasetTypeTest, 2, 50000)
	source := a.trainUnder("v1", &theirs)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	first, second := b.newKey(), b.newKey()
	c1 := b.copied("c1", "c1", a, source, first)
	a.start("v1", source)
	b.start("c1", c1)
	question := picture(t, classes[0], 9)
	answer := a.detect(source, question)
	same := func(what string, got []types.CustomLabel) {
		t.Helper()
		if diff := cmp.Diff(answer, got, ignoreSDK); diff != "" {
			t.Errorf("%s answers otherwise than the source did (-source +copy):\n%s", what, diff)
		}
	}
	same("the copy", b.detect(c1, question))
	a.stop("v1", source)
	b.stop("c1", c1)

	if _, err := a.KMS.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &theirs, PendingWindowInDays: aws.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	a.failToStart("v1", source, theirs+" is pending deletion. Cancel its deletion and enable it.")
	clock.Pass(7 * 24 * time.Hour)
	a.failToStart("v1", source, theirs+" cannot be used: It is deleted, or the grant was revoked")
	_, err := a.KMS.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: &theirs})
	wantCode(t, "cancelling a deletion that is done", err, "NotFoundException")

	b.start("c1", c1)
	same("the copy without its source's key", b.detect(c1, question))
	b.stop("c1", c1)
	c2 := b.copied("c2", "c2", b, c1, second)
	b.start("c2", c2)
	same("the copy of the copy", b.detect(c2, question))
}

// failToStart starts a version, which fails for the reason.
func (a *side) failToStart(name, version, reason string) {
	a.t.Helper()
	if _, err := a.Rekognition.StartProjectVersion(a.t.Context(), &rekognition.StartProjectVersionInput{ProjectVersionArn: &version, MinInferenceUnits: aws.Int32(1)}); err != nil {
		a.t.Fatalf("StartProjectVersion: %v", err)
	}
	var v types.ProjectVersionDescription
	a.await("a failed start of "+name, func() (bool, string) {
		v = a.version(name)
		return v.Status == types.ProjectVersionStatusFailed, string(v.Status)
	})
	if got := aws.ToString(v.StatusMessage); !strings.Contains(got, reason) {
		a.t.Errorf("%s failed to start with %q, want %q", name, got, reason)
	}
}
