package copier_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/bucket"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/registry"
)

// TestRefusals provokes every refusal that the request itself can meet. None
// may leave a version, a grant or a job.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken := w.start(t, w.request("taken"))
	w.drain(t)
	running := w.start(t, w.request("running")) // stays in progress
	foreignBucket := customlabels.OutputConfig{Bucket: "source-custom-labels"}
	third := arn.Caller{Principal: arn.Root("aws", "999999999999"), Region: "us-east-1"}
	elsewhere := trusted
	elsewhere.Region = "eu-west-1"
	if _, err := w.buckets.CreateBucket(t.Context(), elsewhere, bucket.NewBucket{Name: "europe-custom-labels", Location: "eu-west-1"}); err != nil {
		t.Fatal(err)
	}
	untrained := w.insert(t, w.into, "untrained", customlabels.TrainingFailed)
	leaving := w.insert(t, w.into, "leaving", customlabels.Deleting)
	going := w.newProject(t, trusted, "going")
	if err := w.db.Projects().BeginDeleteProject(t.Context(), going, registry.Operation{ID: "1", Job: job.Spec{Kind: "delete", Key: "going"}}); err != nil {
		t.Fatal(err)
	}
	disabled := w.newKey(t, trusted)
	if err := w.kms.DisableKey(t.Context(), trusted, disabled.String()); err != nil {
		t.Fatal(err)
	}
	tags := customlabels.Tags{}
	for i := range customlabels.MaxTags + 1 {
		tags[strconv.Itoa(i)] = "x"
	}

	for name, test := range map[string]struct {
		caller  arn.Caller
		change  func(*copier.Request)
		want    fault.Code
		message string
	}{
		"a third account": {
			third, func(*copier.Request) {},
			customlabels.AccessDenied, "User: arn:aws:iam::999999999999:root is not authorized to perform: rekognition:CopyProjectVersion on resource: " + w.source.ARN.String(),
		},
		"another version, which the policy does not name": {
			trusted, func(r *copier.Request) { r.Source.Name = "v2" },
			customlabels.AccessDenied, "no project policy",
		},
		"a version of a project that is not there": {
			trusted, func(r *copier.Request) { r.Source.ProjectName, r.SourceProject.Name = "nothing", "nothing" },
			customlabels.AccessDenied, "no project policy",
		},
		"a foreign version in the name of an own project": {
			trusted, func(r *copier.Request) { r.SourceProject = w.into },
			customlabels.AccessDenied, "no project policy",
		},
		"a push into another account": {
			trusting, func(*copier.Request) {},
			customlabels.AccessDenied, "rekognition:CopyProjectVersion on resource: " + w.into.String(),
		},
		"a request to another region": {
			elsewhere, func(*copier.Request) {},
			customlabels.InvalidParameter, "one Region",
		},
		"an own version of another project": {
			trusted, func(r *copier.Request) {
				r.SourceProject, r.Source = w.into, arn.Project{Namespace: w.into.Namespace, Name: "x"}.Version("v", "1")
			},
			customlabels.InvalidParameter, "is not a version of",
		},
		"an own version that is not there": {
			trusted, func(r *copier.Request) { r.SourceProject, r.Source = w.into, w.into.Version("nothing", "1") },
			customlabels.ResourceNotFound, "nothing",
		},
		"an own version that is being copied": {
			trusted, func(r *copier.Request) { r.SourceProject, r.Source = w.into, running },
			customlabels.ResourceInUse, "COPYING_IN_PROGRESS",
		},
		"an own version that was never trained": {
			trusted, func(r *copier.Request) { r.SourceProject, r.Source = w.into, untrained },
			customlabels.InvalidParameter, "no model to copy",
		},
		"an own version that is being deleted": {
			trusted, func(r *copier.Request) { r.SourceProject, r.Source = w.into, leaving },
			customlabels.ResourceInUse, "DELETING",
		},
		"an own version of a former project of the name": {
			trusted, func(r *copier.Request) { r.SourceProject = w.into; r.SourceProject.Stamp, r.Source = "0", taken },
			customlabels.ResourceNotFound, "project/copies/0",
		},
		"no destination, and no model either": { // what exists comes before what it is
			trusted, func(r *copier.Request) {
				r.SourceProject, r.Source, r.DestinationProject.Name = w.into, untrained, "nothing"
			},
			customlabels.ResourceNotFound, "nothing",
		},
		"a destination that is being deleted": {
			trusted, func(r *copier.Request) { r.DestinationProject = going },
			customlabels.ResourceInUse, "DELETING",
		},
		"a destination that is not there": {
			trusted, func(r *copier.Request) { r.DestinationProject.Name = "nothing" },
			customlabels.ResourceNotFound, "nothing",
		},
		"a name that is taken": {
			trusted, func(r *copier.Request) { r.VersionName = taken.Name },
			customlabels.ResourceInUse, `already has a version named "taken"`,
		},
		"no bucket": {
			trusted, func(r *copier.Request) { r.Output.Bucket = "" },
			customlabels.InvalidParameter, "S3Bucket",
		},
		"a bucket that is not there": {
			trusted, func(r *copier.Request) { r.Output.Bucket = "nobody-custom-labels" },
			customlabels.InvalidParameter, "nobody-custom-labels",
		},
		"a bucket of another account": {
			trusted, func(r *copier.Request) { r.Output = foreignBucket },
			customlabels.AccessDenied, "s3:PutObject",
		},
		"a bucket in another region": {
			trusted, func(r *copier.Request) { r.Output.Bucket = "europe-custom-labels" },
			customlabels.InvalidParameter, "eu-west-1",
		},
		"a disabled key": {
			trusted, func(r *copier.Request) { r.KMSKeyID = disabled.String() },
			customlabels.InvalidParameter, "is disabled",
		},
		"a key in another region": {
			trusted, func(r *copier.Request) {
				r.KMSKeyID = strings.Replace(w.key.String(), "us-east-1", "eu-west-1", 1)
			},
			customlabels.InvalidParameter, "cannot be used",
		},
		"too many tags": {
			trusted, func(r *copier.Request) { r.Tags = tags },
			customlabels.ServiceQuotaExceeded, "50 tags",
		},
		"a key that is not there": {
			trusted, func(r *copier.Request) { r.KMSKeyID = "alias/nobody" },
			customlabels.InvalidParameter, "alias/nobody",
		},
		"a key of another account": {
			trusted, func(r *copier.Request) { r.KMSKeyID = w.sourceKey.String() },
			customlabels.AccessDenied, "kms:CreateGrant",
		},
	} {
		req := w.request("refused")
		test.change(&req)
		v, err := w.Start(t.Context(), test.caller, req)
		var refused *fault.Error
		if !errors.As(err, &refused) || refused.Code != test.want || !strings.Contains(refused.Message, test.message) {
			t.Errorf("%s: %s, %v; want %s with %q", name, v, err, test.want, test.message)
		}
	}
	all, err := w.db.Versions().VersionsBefore(t.Context(), w.into, nil, customlabels.ProjectVersion{}, 100)
	if err != nil || len(all) != 4 {
		t.Errorf("the destination has %d versions, %v; want the two that were allowed and the two that were there", len(all), err)
	}
	w.checkGrants(t, 1, 3) // those of the source and the two copies
}

// TestQuotas fills the quotas of copies, of the account and of the project. A
// refused copy leaves no grant.
func TestQuotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused := func(name string, want fault.Code, message string) {
		t.Helper()
		_, err := w.Start(t.Context(), trusted, w.request(name))
		var refusal *fault.Error
		if !errors.As(err, &refusal) || refusal.Code != want || !strings.Contains(refusal.Message, message) {
			t.Errorf("copy %s: %v, want %s with %q", name, err, want, message)
		}
	}
	for i := range 5 {
		w.start(t, w.request("c"+strconv.Itoa(i)))
	}
	refused("sixth", customlabels.LimitExceeded, "Too many copies")
	w.checkGrants(t, 5, 6)
	w.drain(t)
	w.start(t, w.request("sixth"))
	w.drain(t)
	for i := range 94 {
		w.insert(t, w.into, "more"+strconv.Itoa(i), customlabels.TrainingFailed)
	}
	refused("hundred-and-first", customlabels.ServiceQuotaExceeded, "maximum of 100 models")
	w.checkGrants(t, 0, 7)
}

// TestWithinAnAccountAPolicyOnlyDenies: no policy is needed, and a Deny wins.
func TestWithinAnAccountAPolicyOnlyDenies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.request("here")
	req.DestinationProject = w.newProject(t, trusting, "here")
	req.Output.Bucket, req.KMSKeyID = "source-custom-labels", ""
	if _, err := w.Start(t.Context(), trusting, req); err != nil {
		t.Fatalf("copying within the account: %v", err)
	}
	w.drain(t)
	err := w.db.ProjectPolicies().InsertPolicy(t.Context(), customlabels.ProjectPolicy{
		Project: w.source.Project, Name: "never", RevisionID: "2",
		Document: `{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`,
	}, 5)
	if err != nil {
		t.Fatal(err)
	}
	req.VersionName = "never"
	_, err = w.Start(t.Context(), trusting, req)
	if !errors.Is(err, customlabels.AccessDenied) || !strings.Contains(err.Error(), "the project policy never") {
		t.Errorf("copying against an explicit deny: %v; want the policy named", err)
	}
}
