package apptest_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mimeo/internal/record"
)

// described are the result files of a finished version by role, where its
// description says that they are.
func described(v types.ProjectVersionDescription) map[string]*types.S3Object {
	at := map[string]*types.S3Object{}
	add := func(role string, manifest *types.GroundTruthManifest) {
		if manifest != nil && manifest.S3Object != nil {
			at[role] = manifest.S3Object
		}
	}
	addAssets := func(role string, assets []types.Asset) {
		for _, a := range assets {
			add(role, a.GroundTruthManifest)
		}
	}
	if e := v.EvaluationResult; e != nil && e.Summary != nil && e.Summary.S3Object != nil {
		at["EvaluationResultSummary"] = e.Summary.S3Object
	}
	add("ManifestSummary", v.ManifestSummary)
	if r := v.TrainingDataResult; r != nil && r.Output != nil && r.Validation != nil {
		addAssets("TrainingGroundTruth", r.Output.Assets)
		addAssets("TrainingManifestWithValidation", r.Validation.Assets)
	}
	if r := v.TestingDataResult; r != nil && r.Output != nil && r.Validation != nil {
		addAssets("TestingGroundTruth", r.Output.Assets)
		addAssets("TestingManifestWithValidation", r.Validation.Assets)
	}
	return at
}

// readResults reads the six result files of a finished version, which are
// sealed.
func readResults(t *testing.T, a *side, v types.ProjectVersionDescription) map[string]string {
	t.Helper()
	at, read := described(v), map[string]string{}
	for _, role := range roles {
		if at[role] == nil {
			t.Errorf("%s has no %s", aws.ToString(v.ProjectVersionArn), role)
			continue
		}
		read[role] = readObject(t, a, at[role])
	}
	return read
}

func readObject(t *testing.T, a *side, at *types.S3Object) string {
	t.Helper()
	out, err := a.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: at.Bucket, Key: at.Name})
	if err != nil {
		t.Errorf("read %s: %v", aws.ToString(at.Name), err)
		return ""
	}
	text, err := io.ReadAll(out.Body)
	if err := errors.Join(err, out.Body.Close()); err != nil {
		t.Errorf("read %s: %v", aws.ToString(at.Name), err)
	}
	return string(text)
}

// checkCopied reads all that a copy wrote to its bucket: the six result files
// are its source's, byte for byte, and the record is of this copy.
func checkCopied(t *testing.T, b *side, v types.ProjectVersionDescription, source map[string]string) {
	t.Helper()
	copied := aws.ToString(v.ProjectVersionArn)
	got := readResults(t, b, v)
	for _, role := range roles {
		if got[role] != source[role] {
			t.Errorf("the %s of %s has %d bytes, and not its source's %d", role, copied, len(got[role]), len(source[role]))
		}
	}
	summary := described(v)["EvaluationResultSummary"]
	if summary == nil {
		return // readResults has said so
	}
	at := strings.Replace(aws.ToString(summary.Name), "EvaluationResultSummary", "CopyRecord", 1)
	kept, err := record.Parse([]byte(readObject(t, b, &types.S3Object{Bucket: summary.Bucket, Name: &at})))
	switch {
	case err != nil:
		t.Errorf("the record of %s: %v", copied, err)
	case kept.Destination.Version.String() != copied || kept.Source.Version.String() != aws.ToString(v.SourceProjectVersionArn):
		t.Errorf("the record of %s is of a copy of %s to %s", copied, kept.Source.Version, kept.Destination.Version)
	}
}
