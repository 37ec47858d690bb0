package rekapi_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/apptest"
)

// A user works on one project through the SDK.
type user struct {
	*apptest.Client
	t       *testing.T
	project *string
}

func newUser(t *testing.T, s *server) *user {
	t.Helper()
	u := &user{Client: s.Client(t, mine), t: t}
	p, err := u.Rekognition.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: str("parts"), Tags: map[string]string{"team": "é"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: str("manifests")}); err != nil {
		t.Fatal(err)
	}
	u.project = p.ProjectArn
	return u
}

// lines is a manifest of n images of each label.
func lines(n int, labels ...string) string {
	var b strings.Builder
	for _, l := range labels {
		for i := range n {
			fmt.Fprintf(&b, `{"source-ref":"s3://images/%s/%d.jpg","l":0,"l-metadata":{"confidence":1,"class-name":%q,"type":"groundtruth/image-classification","human-annotated":"yes","creation-date":"2026-01-01T00:00:00"}}`+"\n", l, i, l)
		}
	}
	return b.String()
}

func (u *user) dataset(kind types.DatasetType, source *types.DatasetSource) *string {
	u.t.Helper()
	out, err := u.Rekognition.CreateDataset(u.t.Context(), &rekognition.CreateDatasetInput{ProjectArn: u.project, DatasetType: kind, DatasetSource: source})
	if err != nil {
		u.t.Fatal(err)
	}
	return out.DatasetArn
}

func (u *user) manifest(text string) *types.DatasetSource {
	u.t.Helper()
	if _, err := u.S3.PutObject(u.t.Context(), &s3.PutObjectInput{Bucket: str("manifests"), Key: str("a.manifest"), Body: strings.NewReader(text)}); err != nil {
		u.t.Fatal(err)
	}
	return &types.DatasetSource{GroundTruthManifest: &types.GroundTruthManifest{S3Object: &types.S3Object{Bucket: str("manifests"), Name: str("a.manifest")}}}
}

// reach waits until a dataset is in a state and returns its description.
func (u *user) reach(dataset *string, want types.DatasetStatus) *types.DatasetDescription {
	u.t.Helper()
	var d *types.DatasetDescription
	await(u.t, string(want), func() bool {
		out, err := u.Rekognition.DescribeDataset(u.t.Context(), &rekognition.DescribeDatasetInput{DatasetArn: dataset})
		if err != nil {
			u.t.Fatal(err)
		}
		d = out.DatasetDescription
		return d.Status == want
	})
	return d
}

var sdkTypes = cmpopts.IgnoreUnexported(types.DatasetStats{}, types.DatasetLabelDescription{}, types.DatasetLabelStats{})

// TestDatasets takes datasets through their life, with the SDK's paginators.
func TestDatasets(t *testing.T) {
	t.Parallel()
	u := newUser(t, serve(t))
	train := u.dataset(types.DatasetTypeTrain, u.manifest(lines(20, "bolt", "nut")))
	d := u.reach(train, types.DatasetStatusCreateComplete)
	stats := &types.DatasetStats{TotalEntries: aws.Int32(40), LabeledEntries: aws.Int32(40), TotalLabels: aws.Int32(2), ErrorEntries: aws.Int32(0)}
	if diff := cmp.Diff(stats, d.DatasetStats, sdkTypes); diff != "" || d.StatusMessageCode != types.DatasetStatusMessageCodeSuccess ||
		*d.StatusMessage != "The dataset was successfully created from the manifest file." || d.LastUpdatedTimestamp.Before(*d.CreationTimestamp) {
		t.Errorf("created: %+v, stats (-want +got):\n%s", d, diff)
	}
	pages := rekognition.NewListDatasetEntriesPaginator(u.Rekognition, &rekognition.ListDatasetEntriesInput{
		DatasetArn: train, ContainsLabels: []string{"nut"}, Labeled: aws.Bool(true), HasErrors: aws.Bool(false), SourceRefContains: str("images/nut"), MaxResults: aws.Int32(7)})
	n := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range page.DatasetEntries {
			n++
			if !strings.Contains(line, `"class-name":"nut"`) || !strings.Contains(line, `"cl-metadata":{"is_labeled":true}`) {
				t.Errorf("entry %s", line)
			}
		}
	}
	if n != 20 {
		t.Errorf("%d entries with the label nut, want 20", n)
	}
	labels, err := u.Rekognition.ListDatasetLabels(t.Context(), &rekognition.ListDatasetLabelsInput{DatasetArn: train})
	want := []types.DatasetLabelDescription{
		{LabelName: str("bolt"), LabelStats: &types.DatasetLabelStats{EntryCount: aws.Int32(20)}},
		{LabelName: str("nut"), LabelStats: &types.DatasetLabelStats{EntryCount: aws.Int32(20)}},
	}
	if err != nil || cmp.Diff(want, labels.DatasetLabelDescriptions, sdkTypes) != "" {
		t.Errorf("labels: %v, %+v", err, labels)
	}

	test := u.dataset(types.DatasetTypeTest, nil)
	u.reach(test, types.DatasetStatusCreateComplete)
	if _, err := u.Rekognition.DistributeDatasetEntries(t.Context(), &rekognition.DistributeDatasetEntriesInput{Datasets: []types.DistributeDataset{{Arn: train}, {Arn: test}}}); err != nil {
		t.Fatal(err)
	}
	if d := u.reach(test, types.DatasetStatusUpdateComplete); *d.DatasetStats.TotalEntries != 8 {
		t.Errorf("distributed: %+v", d.DatasetStats)
	}
	more := "not JSON\n" + lines(6, "gear")
	if _, err := u.Rekognition.UpdateDatasetEntries(t.Context(), &rekognition.UpdateDatasetEntriesInput{DatasetArn: test, Changes: &types.DatasetChanges{GroundTruth: []byte(more)}}); err != nil {
		t.Fatal(err)
	}
	updated := ""
	await(t, "update", func() bool {
		d, err := u.Rekognition.DescribeDataset(t.Context(), &rekognition.DescribeDatasetInput{DatasetArn: test})
		if err != nil {
			t.Fatal(err)
		}
		updated = *d.DatasetDescription.StatusMessage
		return d.DatasetDescription.Status == types.DatasetStatusUpdateComplete && *d.DatasetDescription.DatasetStats.TotalEntries == 14
	})
	if updated != "The dataset was successfully updated. 1 of 7 lines were left out: 1 ERROR_INVALID_JSON_LINE (not a valid JSON object in UTF-8)." {
		t.Errorf("updated: %s", updated)
	}
	projects, err := u.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{})
	if err != nil || len(projects.ProjectDescriptions) != 1 || len(projects.ProjectDescriptions[0].Datasets) != 2 || *projects.ProjectDescriptions[0].Datasets[0].DatasetArn != *train {
		t.Errorf("project: %+v, %v", projects, err)
	}
	if _, err := u.Rekognition.DeleteDataset(t.Context(), &rekognition.DeleteDatasetInput{DatasetArn: test}); err != nil {
		t.Fatal(err)
	}
	await(t, "deletion", func() bool {
		_, err := u.Rekognition.DescribeDataset(t.Context(), &rekognition.DescribeDatasetInput{DatasetArn: test})
		return errors.As(err, new(*types.ResourceNotFoundException))
	})
	copied := u.dataset(types.DatasetTypeTest, &types.DatasetSource{DatasetArn: train})
	if d := u.reach(copied, types.DatasetStatusCreateComplete); *d.DatasetStats.TotalEntries != 32 {
		t.Errorf("copied: %+v", d.DatasetStats)
	}
	_, err = u.Rekognition.CreateDataset(t.Context(), &rekognition.CreateDatasetInput{ProjectArn: u.project, DatasetType: types.DatasetTypeTrain})
	if !errors.As(err, new(*types.ResourceAlreadyExistsException)) {
		t.Errorf("a second training dataset: %v", err)
	}
}

// TestProjects takes a project, its policies and its tags through their life.
func TestProjects(t *testing.T) {
	t.Parallel()
	u := newUser(t, serve(t))
	_, err := u.Rekognition.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: str("parts")})
	if !errors.As(err, new(*types.ResourceInUseException)) {
		t.Errorf("the name again: %v", err)
	}
	if _, err := u.Rekognition.TagResource(t.Context(), &rekognition.TagResourceInput{ResourceArn: u.project, Tags: map[string]string{"a": "b"}}); err != nil {
		t.Error(err)
	}
	if _, err := u.Rekognition.UntagResource(t.Context(), &rekognition.UntagResourceInput{ResourceArn: u.project, TagKeys: []string{"team"}}); err != nil {
		t.Error(err)
	}
	tags, err := u.Rekognition.ListTagsForResource(t.Context(), &rekognition.ListTagsForResourceInput{ResourceArn: u.project})
	if err != nil || !cmp.Equal(tags.Tags, map[string]string{"a": "b"}) {
		t.Errorf("tags: %+v, %v", tags, err)
	}
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"ALLOW","Principal":{"AWS":"555555555555"},"Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`
	first, err := u.Rekognition.PutProjectPolicy(t.Context(), &rekognition.PutProjectPolicyInput{ProjectArn: u.project, PolicyName: str("p"), PolicyDocument: str(document)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.Rekognition.PutProjectPolicy(t.Context(), &rekognition.PutProjectPolicyInput{ProjectArn: u.project, PolicyName: str("p"), PolicyDocument: str("{}")})
	if !errors.As(err, new(*types.MalformedPolicyDocumentException)) {
		t.Errorf("an empty document: %v", err)
	}
	second, err := u.Rekognition.PutProjectPolicy(t.Context(), &rekognition.PutProjectPolicyInput{ProjectArn: u.project, PolicyName: str("p"), PolicyDocument: str(document), PolicyRevisionId: first.PolicyRevisionId})
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.Rekognition.DeleteProjectPolicy(t.Context(), &rekognition.DeleteProjectPolicyInput{ProjectArn: u.project, PolicyName: str("p"), PolicyRevisionId: first.PolicyRevisionId})
	if !errors.As(err, new(*types.InvalidPolicyRevisionIdException)) {
		t.Errorf("an old revision: %v", err)
	}
	policies, err := u.Rekognition.ListProjectPolicies(t.Context(), &rekognition.ListProjectPoliciesInput{ProjectArn: u.project})
	if err != nil || len(policies.ProjectPolicies) != 1 || *policies.ProjectPolicies[0].PolicyDocument != document || *policies.ProjectPolicies[0].PolicyRevisionId != *second.PolicyRevisionId {
		t.Errorf("policies: %+v, %v", policies, err)
	}
	if _, err := u.Rekognition.DeleteProjectPolicy(t.Context(), &rekognition.DeleteProjectPolicyInput{ProjectArn: u.project, PolicyName: str("p"), PolicyRevisionId: second.PolicyRevisionId}); err != nil {
		t.Error(err)
	}
	versions, err := u.Rekognition.DescribeProjectVersions(t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: u.project, VersionNames: []string{"none"}})
	if err != nil || versions.ProjectVersionDescriptions == nil || len(versions.ProjectVersionDescriptions) != 0 {
		t.Errorf("versions: %+v, %v, want an empty list", versions, err)
	}
	_, err = u.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{NextToken: str("tampered")})
	if !errors.As(err, new(*types.InvalidPaginationTokenException)) {
		t.Errorf("an invented token: %v", err)
	}
	deleted, err := u.Rekognition.DeleteProject(t.Context(), &rekognition.DeleteProjectInput{ProjectArn: u.project})
	if err != nil || deleted.Status != types.ProjectStatusDeleting {
		t.Fatalf("deleted: %+v, %v", deleted, err)
	}
	await(t, "deletion", func() bool {
		out, err := u.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.ProjectDescriptions) == 0
	})
}
