package copier_test

import (
	"errors"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
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
	if err != nil || len(all) != 2 {
		t.Errorf("the destination has %d versions, %v; want the two that were allowed", len(all), err)
	}
	w.checkGrants(t, 1, 3) // those of the source and the two copies
}

// TestADenialIsTheSameWhetherTheSourceExists: the whole answer, for the three
// kinds of sources that a stranger could want to tell apart.
func TestADenialIsTheSameWhetherTheSourceExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := arn.Caller{Principal: arn.Root("aws", "999999999999"), Region: "us-east-1"}
	silent := w.newProject(t, trusting, "silent")
	closed := w.newProject(t, trusting, "closed")
	w.allow(t, closed, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`)
	mine := w.newProject(t, stranger, "mine")
	var answers []string
	for _, p := range []arn.Project{w.source.Project, silent, closed, {Namespace: trusting.Namespace(), Name: "nothing", Stamp: "1"}} {
		req := w.request("refused")
		req.SourceProject, req.Source, req.DestinationProject = p, p.Version("v1", "1700000000000"), mine
		_, err := w.Start(t.Context(), stranger, req)
		var refused *fault.Error
		if !errors.As(err, &refused) {
			t.Fatalf("copying from %s: %v", p, err)
		}
		answers = append(answers, strings.ReplaceAll(string(refused.Code)+refused.Message, p.Name, "P"))
	}
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("denials differ:\n%s\n%s", answers[0], a)
		}
	}
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
