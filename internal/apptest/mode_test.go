package apptest_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
)

// TestTheModeOfACopyIsSet on the server by flag or environment, and for an
// account while it runs. A caller sees it by the steps of the copy.
func TestTheModeOfACopyIsSet(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]apptest.Options{
		"the flag":        {Families: light, CopyMode: "reseal"},
		"the environment": {Families: light, Environment: map[string]string{"MIMEO_COPY_MODE": "reseal"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, o)
			a := newSide(t, s, trusting, "trusting-images", "parts")
			source := trainSmall(a)
			b := newSide(t, s, trusted, "trusted-results", "production")
			allow(t, a, trusted)
			operator, err := app.OpenOperator(t.Context(), app.Config{DataDir: s.DataDir}) // finds the server
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = operator.Close() }()
			for i, test := range []struct{ set, want string }{{"", "RESEAL"}, {"share", "SHARE"}, {"reseal", "RESEAL"}} {
				if err := operator.SetCopyMode(t.Context(), trusted, test.set); err != nil {
					t.Fatal(err)
				}
				if got := modeOfCopy(t, a, b, source, fmt.Sprint("c", i)); got != test.want {
					t.Errorf("with the account's mode %q the copy is made by %s, want %s", test.set, got, test.want)
				}
			}
			if err := operator.SetCopyMode(t.Context(), trusted, "both"); err == nil {
				t.Error("an account has the mode both")
			}
			if err := operator.SetCopyMode(t.Context(), "222222222222", "share"); err == nil {
				t.Error("an account that is not there has a mode")
			}
		})
	}
}

// modeOfCopy makes a copy as AWS's clients do, and tells how by its steps.
func modeOfCopy(t *testing.T, a, b *side, source, name string) string {
	t.Helper()
	made, err := b.Rekognition.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: &name,
		OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket, S3KeyPrefix: aws.String("results")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Status   string
		Revision int64
		Steps    []struct {
			Name       string
			Start, End float64
		}
	}
	for told := int64(0); d.Status == "" || d.Status == "COPYING_IN_PROGRESS"; told = d.Revision {
		in := map[string]any{"ProjectVersionArn": made.ProjectVersionArn, "WaitSeconds": 60}
		if err := b.Mimeo(t.Context(), "DescribeCopy", in, &d); err != nil {
			t.Fatal(err)
		}
		if d.Revision <= told {
			t.Errorf("the revision is %d after %d", d.Revision, told)
		}
	}
	if d.Status != "COPYING_COMPLETED" || len(d.Steps) < 2 {
		t.Fatalf("the copy ended %s by %d steps", d.Status, len(d.Steps))
	}
	if d.Steps[0].Name == "share" {
		return "SHARE"
	}
	return "RESEAL"
}
