package apptest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
)

// A dam holds up every write of a blob while it is closed.
type dam struct {
	mu     sync.RWMutex
	closed bool
}

func (d *dam) close() {
	d.mu.Lock()
	d.closed = true
}

func (d *dam) open() {
	if d.closed {
		d.closed = false
		d.mu.Unlock()
	}
}

func (d *dam) before(string) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return nil
}

// TestWhatADescriptionPointsTo in every state of a copy, while it is held up,
// when it is done, and when it has failed; and what can be done with the
// source meanwhile.
func TestWhatADescriptionPointsTo(t *testing.T) {
	t.Parallel()
	d := &dam{}
	s := apptest.Start(t, apptest.Options{Families: light, Faults: app.Faults{Before: d.before}})
	t.Cleanup(d.open) // before the server stops, which waits for its jobs
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := a.trainWide("v1")
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	key := b.newKey()
	d.close()
	done, err := b.copyInto("done", "copies/", a, source, key)
	if err != nil {
		t.Fatal(err)
	}
	checkDescription(t, b.version("done"), source, key, types.ProjectVersionDescription{
		ProjectVersionArn: &done, Status: types.ProjectVersionStatusCopyingInProgress, StatusMessage: aws.String("The model copy is in progress."),
	})
	_, err = a.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &source})
	wantCode(t, "deleting the source of a running copy", err, "ResourceInUseException")
	_, err = b.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &done})
	wantCode(t, "deleting a running copy", err, "ResourceInUseException")
	a.start("v1", source)
	a.stop("v1", source)
	d.open()

	got, original := b.reach("done", types.ProjectVersionStatusCopyingCompleted), a.version("v1")
	at := func(role string) *types.GroundTruthManifest {
		return &types.GroundTruthManifest{S3Object: &types.S3Object{Bucket: &b.bucket, Name: aws.String("copies/" + role + "-production-done.json")}}
	}
	assets := func(role string) []types.Asset { return []types.Asset{{GroundTruthManifest: at(role)}} }
	checkDescription(t, got, source, key, types.ProjectVersionDescription{
		ProjectVersionArn: &done, Status: types.ProjectVersionStatusCopyingCompleted, StatusMessage: aws.String("The model is ready to run."),
		TrainingEndTimestamp: original.TrainingEndTimestamp, BaseModelVersion: original.BaseModelVersion, ManifestSummary: at("ManifestSummary"),
		EvaluationResult:   &types.EvaluationResult{F1Score: original.EvaluationResult.F1Score, Summary: &types.Summary{S3Object: at("EvaluationResultSummary").S3Object}},
		TrainingDataResult: &types.TrainingDataResult{Input: &types.TrainingData{}, Output: &types.TrainingData{Assets: assets("TrainingGroundTruth")}, Validation: &types.ValidationData{Assets: assets("TrainingManifestWithValidation")}},
		TestingDataResult:  &types.TestingDataResult{Input: &types.TestingData{}, Output: &types.TestingData{Assets: assets("TestingGroundTruth")}, Validation: &types.ValidationData{Assets: assets("TestingManifestWithValidation")}},
	})
	for _, role := range roles {
		if from, to := "results/"+role+"-parts-v1.json", *at(role).S3Object.Name; !a.has(from) || !b.has(to) || a.get(from) != b.get(to) {
			t.Errorf("the copy's %s is not the source's", role)
		}
	}

	doomed := &side{Client: b.Client, t: t, bucket: "trusted-doomed", project: b.project}
	if _, err := b.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &doomed.bucket}); err != nil {
		t.Fatal(err)
	}
	d.close()
	failed, err := doomed.copyInto("failed", "never", a, source, key)
	if err != nil {
		t.Fatal(err)
	}
	b.await("deletion of the bucket", func() (bool, string) { // small files may land in it meanwhile
		for _, key := range doomed.keys("") {
			if _, err := b.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &doomed.bucket, Key: &key}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.S3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &doomed.bucket})
		return err == nil, fmt.Sprint(err)
	})
	d.open()
	var fate types.ProjectVersionDescription
	b.await("the end of the copy", func() (bool, string) {
		fate = b.version("failed")
		return fate.Status != types.ProjectVersionStatusCopyingInProgress, "in progress"
	})
	if message := aws.ToString(fate.StatusMessage); !strings.Contains(message, "s3://trusted-doomed/never/") {
		t.Errorf("the copy failed with %q, want it to name the file", message)
	}
	checkDescription(t, fate, source, key, types.ProjectVersionDescription{ProjectVersionArn: &failed, Status: types.ProjectVersionStatusCopyingFailed, StatusMessage: fate.StatusMessage})
}

// checkDescription compares a description with want, to which belongs what is
// the same in every state.
func checkDescription(t *testing.T, got types.ProjectVersionDescription, source, key string, want types.ProjectVersionDescription) {
	t.Helper()
	want.SourceProjectVersionArn, want.KmsKeyId, want.Feature = &source, &key, types.CustomizationFeatureCustomLabels
	want.CreationTimestamp, want.OutputConfig = got.CreationTimestamp, got.OutputConfig
	stamp := fmt.Sprint(aws.ToTime(got.CreationTimestamp).UnixMilli())
	if !strings.HasSuffix(aws.ToString(got.ProjectVersionArn), "/"+stamp) || got.OutputConfig == nil {
		t.Errorf("%s was created at %s, with %+v", aws.ToString(got.ProjectVersionArn), stamp, got.OutputConfig)
	}
	unexported := cmp.FilterPath(func(p cmp.Path) bool { return strings.Contains(p.Last().String(), "noSmithyDocumentSerde") }, cmp.Ignore())
	if diff := cmp.Diff(want, got, unexported, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("description in %s (-want +got):\n%s", got.Status, diff)
	}
}

// TestWhereResultsLand: one slash joins prefix and name, and what is there is
// overwritten.
func TestWhereResultsLand(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	for i, c := range []struct{ prefix, at string }{{"", ""}, {"one", "one/"}, {"one/", "one/"}, {"one/two", "one/two/"}, {"one/two/", "one/two/"}} {
		name := fmt.Sprintf("c%d", i)
		var want []string
		for _, role := range written {
			want = append(want, c.at+role+"-production-"+name+".json")
		}
		b.put(want[1], []byte("what was there before"))
		b.copied(name, c.prefix, a, source, "")
		if diff := cmp.Diff(want, b.keys("-"+name+".json")); diff != "" {
			t.Errorf("files under the prefix %q (-want +got):\n%s", c.prefix, diff)
		}
		if got := b.get(want[1]); got != a.get("results/"+roles[0]+"-parts-v1.json") {
			t.Errorf("the object that was there holds %.40q", got)
		}
	}
	acl, err := b.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b.bucket, FetchOwner: aws.Bool(true), MaxKeys: aws.Int32(1)})
	if err != nil || len(acl.Contents) != 1 || acl.Contents[0].Owner == nil {
		t.Fatalf("the owner of a file: %+v, %v", acl, err)
	}
	b.put("mine", []byte("x"))
	mine, err := b.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b.bucket, FetchOwner: aws.Bool(true), Prefix: aws.String("mine")})
	if err != nil || aws.ToString(mine.Contents[0].Owner.ID) != aws.ToString(acl.Contents[0].Owner.ID) {
		t.Errorf("the files belong to %+v, %v; want the caller's account", acl.Contents[0].Owner, err)
	}
}

// TestResultsStayInTheAccount: not even where a bucket's policy would let the
// caller write are results written to another account's bucket.
func TestResultsStayInTheAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	if _, err := a.S3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &a.bucket, Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::555555555555:root"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::trusting-images/*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	b := newSide(t, s, trusted, "trusted-results", "production")
	b.bucket = a.bucket
	b.put("allowed", []byte("x"))
	_, err := b.copyInto("c1", "results", a, source, "")
	wantCode(t, "results in another account's bucket", err, "InvalidParameterException")
	if files := a.keys("-c1.json"); len(files) > 0 {
		t.Errorf("the bucket of the other account holds %q", files)
	}
}

// TestTheLifeAfter: a copy is a version like any other, and nothing that
// befalls its source befalls it. Its lineage remembers.
func TestTheLifeAfter(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	first, second := b.newKey(), b.newKey()
	if _, err := b.KMS.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/models"), TargetKeyId: &first}); err != nil {
		t.Fatal(err)
	}
	c1 := b.copied("c1", "c1", a, source, "alias/models")
	question := picture(t, classes[0], 9)
	a.start("v1", source)
	b.start("c1", c1)
	answer := a.detect(source, question)
	same := func(what string, got []types.CustomLabel) {
		t.Helper()
		if diff := cmp.Diff(answer, got, ignoreSDK); diff != "" {
			t.Errorf("%s answers otherwise (-want +got):\n%s", what, diff)
		}
	}
	same("the copy", b.detect(c1, question))
	c2 := b.copied("c2", "c2", b, c1, second) // of a running copy, under another key
	b.stop("c1", c1)
	a.stop("v1", source)
	if _, err := b.Rekognition.TagResource(t.Context(), &rekognition.TagResourceInput{ResourceArn: &c2, Tags: map[string]string{"stage": "test"}}); err != nil {
		t.Errorf("TagResource: %v", err)
	}
	a.delete("v1", source)
	b.delete("c1", c1)
	if files := b.keys("-c1.json"); len(files) != len(written) {
		t.Errorf("deleting a copy leaves %d of its files, want all", len(files))
	}
	b.grants(first, 0)
	if _, err := b.KMS.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &first, PendingWindowInDays: aws.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	b.start("c2", c2)
	same("the copy of the copy", b.detect(c2, question))
	b.stop("c2", c2)
	checkLineage(t, b, []string{source, c1, c2}, second)
	wantCode(t, "another's lineage", a.Mimeo(t.Context(), "DescribeLineage", map[string]string{"ProjectVersionArn": c2}, &lineage{}), "AccessDeniedException")
	wantCode(t, "no lineage", a.Mimeo(t.Context(), "DescribeLineage", map[string]string{"ProjectVersionArn": "v1"}, &lineage{}), "InvalidParameterException")
	keyComesAndGoes(t, b, c2, second)
}

// A lineage is the output of Mimeo.DescribeLineage.
type lineage struct {
	Nodes []struct {
		ProjectVersionArn, AccountId, Status, KmsKeyId, ModelDigest string //nolint:revive // the wire's names
		CreationTimestamp, DeletionTimestamp                        float64
		Artifacts                                                   []struct{ Role, SealedDigest, PlainDigest string }
	}
	Edges []struct {
		SourceProjectVersionArn, ProjectVersionArn string
		CreationTimestamp                          float64
	}
	NextToken string
}

// checkLineage asks for the lineage of the last of a chain, of which the
// first is another account's and all but the last are deleted.
func checkLineage(t *testing.T, b *side, chain []string, key string) {
	t.Helper()
	var l lineage
	if err := b.Mimeo(t.Context(), "DescribeLineage", map[string]any{"ProjectVersionArn": chain[2], "MaxResults": 100}, &l); err != nil {
		t.Fatalf("DescribeLineage: %v", err)
	}
	if len(l.Nodes) != 3 || len(l.Edges) != 2 {
		t.Fatalf("the lineage is %+v", l)
	}
	for i, n := range l.Nodes {
		if n.ProjectVersionArn != chain[i] || n.CreationTimestamp == 0 || n.ModelDigest == "" || n.ModelDigest != l.Nodes[0].ModelDigest {
			t.Errorf("node %d of the lineage is %+v", i, n)
		}
	}
	for i, e := range l.Edges {
		if e.SourceProjectVersionArn != chain[i] || e.ProjectVersionArn != chain[i+1] {
			t.Errorf("edge %d of the lineage is %+v", i, e)
		}
	}
	foreign, gone, here := l.Nodes[0], l.Nodes[1], l.Nodes[2]
	if foreign.AccountId != trusting || foreign.Status != "" || foreign.KmsKeyId != "" || foreign.Artifacts != nil || foreign.DeletionTimestamp != 0 {
		t.Errorf("of the other account's version the lineage tells %+v", foreign)
	}
	if gone.Status != "DELETED" || gone.DeletionTimestamp < gone.CreationTimestamp || len(gone.Artifacts) != len(roles)+1 {
		t.Errorf("the tombstone is %+v", gone)
	}
	if here.Status != "STOPPED" || here.KmsKeyId != key || here.DeletionTimestamp != 0 {
		t.Errorf("the version itself is %+v", here)
	}
}

// keyComesAndGoes disables the key of a version, which then does not start,
// and enables it again, and then it does.
func keyComesAndGoes(t *testing.T, b *side, version, key string) {
	t.Helper()
	if _, err := b.KMS.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	b.failToStart("c2", version, key+" is disabled. Enable the key.")
	if _, err := b.KMS.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	b.start("c2", version)
	b.stop("c2", version)
}
