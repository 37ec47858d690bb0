package apptest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
	"mimeo/internal/quota"
)

// setQuotas sets quotas of an account as an operator does, through the socket
// of the running server.
func setQuotas(t testing.TB, s *apptest.Server, account string, values quota.Values) {
	t.Helper()
	operator, err := app.OpenOperator(t.Context(), app.Config{DataDir: s.DataDir})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(operator.Set(t.Context(), account, values), operator.Close()); err != nil {
		t.Fatalf("set quotas of %s: %v", account, err)
	}
}

// once makes a client try only once, where its own retryer would try again.
func once(o *rekognition.Options) { o.RetryMaxAttempts = 1 }

// TestQuotasOverHTTP: what exceeds a quota is refused with the exception of
// the model that the SDK knows.
func TestQuotasOverHTTP(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "images", "parts")
	trainSmall(a)
	setQuotas(t, s, trusting, quota.Values{
		quota.ProjectsPerAccount: new(1), quota.ProjectPoliciesPerProject: new(0), quota.ModelsPerProject: new(1),
		quota.RunningModels: new(0), quota.InferenceUnits: new(2), quota.Rate("DescribeProjects"): new(3),
	})
	version := a.version("v1").ProjectVersionArn
	allowing := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},
		"Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`, trusted)

	_, err := a.Rekognition.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: aws.String("second")})
	wantType[*types.LimitExceededException](t, "a project too many", err)
	_, err = a.Rekognition.PutProjectPolicy(t.Context(), &rekognition.PutProjectPolicyInput{
		ProjectArn: &a.project, PolicyName: aws.String("p"), PolicyDocument: &allowing,
	})
	wantType[*types.ServiceQuotaExceededException](t, "a policy too many", err)
	_, err = a.Rekognition.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: version, DestinationProjectArn: &a.project, VersionName: aws.String("v2"),
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
	})
	wantType[*types.ServiceQuotaExceededException](t, "a model too many", err)
	start := &rekognition.StartProjectVersionInput{ProjectVersionArn: version, MinInferenceUnits: aws.Int32(3)}
	_, err = a.Rekognition.StartProjectVersion(t.Context(), start)
	wantType[*types.LimitExceededException](t, "a unit too many", err)
	start.MinInferenceUnits = aws.Int32(1)
	_, err = a.Rekognition.StartProjectVersion(t.Context(), start)
	wantType[*types.LimitExceededException](t, "a running model too many", err)

	setQuotas(t, s, trusting, quota.Values{quota.ModelsPerProject: nil, quota.TrainingsInProgress: new(0)})
	_, err = a.Rekognition.CreateProjectVersion(t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: aws.String("v2"), OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
	})
	wantType[*types.LimitExceededException](t, "a training too many", err)

	for range 20 { // three a second are too few for any machine
		if _, err = a.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{}); err != nil {
			break
		}
	}
	wantType[*types.ProvisionedThroughputExceededException](t, "a request too many", err)
	setQuotas(t, s, trusting, quota.NoRates())
	for range 20 {
		if _, err := a.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{}); err != nil {
			t.Fatalf("without a rate: %v", err)
		}
	}
}

// TestQuotasOfDatasetsOverHTTP: a manifest that exceeds a quota is accepted
// and then refused in AWS's words, for that is found by the job that reads it.
func TestQuotasOfDatasetsOverHTTP(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "images", "parts")
	var manifest []byte
	for class := range classes {
		manifest = append(manifest, groundTruth(t, a.bucket, fmt.Sprint("images/", class), class)...)
	}
	for i, test := range []struct {
		quota quota.Name
		most  int // that the manifest keeps to
		want  string
	}{
		{quota.ImagesPerDataset, len(classes), "The manifest file has too many rows."},
		{quota.LabelsPerDataset, len(classes), "The manifest file has too many labels."},
		{quota.ManifestBytes, len(manifest), "The manifest file size exceeds the maximum supported size."},
	} {
		setQuotas(t, s, trusting, quota.Values{test.quota: &test.most})
		a.newProject(fmt.Sprint("within", i))
		if d := a.imported(types.DatasetTypeTrain, manifest); d.Status != types.DatasetStatusCreateComplete {
			t.Errorf("%s of %d: %s: %s", test.quota, test.most, d.Status, aws.ToString(d.StatusMessage))
		}
		setQuotas(t, s, trusting, quota.Values{test.quota: new(test.most - 1)})
		a.newProject(fmt.Sprint("beyond", i))
		d := a.imported(types.DatasetTypeTrain, manifest)
		if d.Status != types.DatasetStatusCreateFailed || d.StatusMessageCode != types.DatasetStatusMessageCodeClientError || aws.ToString(d.StatusMessage) != test.want {
			t.Errorf("%s of %d: %s, %s: %q, want %q", test.quota, test.most-1, d.Status, d.StatusMessageCode, aws.ToString(d.StatusMessage), test.want)
		}
		setQuotas(t, s, trusting, quota.Values{test.quota: nil})
	}

	// What an image has too much of is an error of its entry.
	setQuotas(t, s, trusting, quota.Values{quota.LabelsPerImage: new(0)})
	a.newProject("entries")
	d := a.imported(types.DatasetTypeTrain, manifest)
	if d.Status != types.DatasetStatusCreateComplete || aws.ToInt32(d.DatasetStats.ErrorEntries) != int32(len(classes)) {
		t.Errorf("%s of 0: %s with %+v", quota.LabelsPerImage, d.Status, d.DatasetStats)
	}
}

// TestTestImagesPerLabelOverHTTP: a distribution keeps to the quota, and a
// training fails where the test dataset does not.
func TestTestImagesPerLabelOverHTTP(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "images", "parts")
	a.dataset(types.DatasetTypeTrain, 10, 1)
	test, err := a.Rekognition.CreateDataset(t.Context(), &rekognition.CreateDatasetInput{ProjectArn: &a.project, DatasetType: types.DatasetTypeTest})
	if err != nil {
		t.Fatal(err)
	}
	projects, err := a.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{})
	if err != nil {
		t.Fatal(err)
	}
	distribution := &rekognition.DistributeDatasetEntriesInput{}
	for _, d := range projects.ProjectDescriptions[0].Datasets {
		distribution.Datasets = append(distribution.Datasets, types.DistributeDataset{Arn: d.DatasetArn})
	}
	setQuotas(t, s, trusting, quota.Values{quota.TestImagesPerLabel: new(1)})
	if _, err := a.Rekognition.DistributeDatasetEntries(t.Context(), distribution); err != nil {
		t.Fatal(err)
	}
	d := a.settled(test.DatasetArn)
	if got := aws.ToInt32(d.DatasetStats.TotalEntries); d.Status != types.DatasetStatusUpdateComplete || got != int32(len(classes)) {
		t.Errorf("the test dataset is %s with %d entries, want one of each label", d.Status, got)
	}
	a.train("within")

	setQuotas(t, s, trusting, quota.Values{quota.TestImagesPerLabel: new(0)})
	if _, err := a.Rekognition.CreateProjectVersion(t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: aws.String("beyond"), OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
	}); err != nil {
		t.Fatal(err)
	}
	v := a.reach("beyond", types.ProjectVersionStatusTrainingFailed)
	if got := aws.ToString(v.StatusMessage); got != "The manifest file has too many rows." {
		t.Errorf("the training failed with %q", got)
	}
}

func wantType[E error](t *testing.T, what string, err error) {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Errorf("%s: got %v, want a %T", what, err, want)
	}
}
