package training_test

import (
	"context"
	"errors"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

func TestCreateProjectVersionRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	w.train(w.request("taken"))
	other := w.newProject("other")
	onlyTrain := w.newProject("only-train")
	w.dataset(onlyTrain, customlabels.Train, w.manifest("t", 2, "red", "green"))
	m := w.put("some.manifest", []byte("{}"))
	disabled, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	w.must(w.kms.DisableKey(t.Context(), w.root, disabled.ARN.ID))
	signs, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{Spec: kms.ECCNISTP256})
	w.must(err)
	tags := customlabels.Tags{}
	for i := range 51 {
		tags[string(rune('A'+i))] = "x"
	}
	manifests := func(train, test []objects.Ref, auto bool) func(*training.Request) {
		return func(r *training.Request) {
			r.Project = other
			r.Training = &training.Data{Manifests: train}
			r.Testing = &training.TestData{Manifests: test, AutoCreate: auto}
		}
	}
	one := []objects.Ref{m}
	for name, c := range map[string]struct {
		change func(*training.Request)
		want   fault.Code
	}{
		"name taken":         {func(r *training.Request) { r.VersionName = "taken" }, customlabels.ResourceInUse},
		"no such project":    {func(r *training.Request) { r.Project.Stamp = "1" }, customlabels.ResourceNotFound},
		"foreign project":    {func(r *training.Request) { r.Project.Account = "555555555555" }, customlabels.AccessDenied},
		"another region":     {func(r *training.Request) { r.Project.Region = "eu-west-1" }, customlabels.InvalidParameter},
		"no bucket":          {func(r *training.Request) { r.Output.Bucket = "" }, customlabels.InvalidParameter},
		"bucket is missing":  {func(r *training.Request) { r.Output.Bucket = "nowhere" }, customlabels.InvalidParameter},
		"an adapter":         {func(r *training.Request) { r.ContentModeration = true }, customlabels.InvalidParameter},
		"too many tags":      {func(r *training.Request) { r.Tags = tags }, customlabels.ServiceQuotaExceeded},
		"no such key":        {func(r *training.Request) { r.KMSKeyID = "alias/none" }, customlabels.InvalidParameter},
		"disabled key":       {func(r *training.Request) { r.KMSKeyID = disabled.ARN.ID }, customlabels.InvalidParameter},
		"asymmetric key":     {func(r *training.Request) { r.KMSKeyID = signs.ARN.ID }, customlabels.InvalidParameter},
		"no datasets":        {func(r *training.Request) { r.Project = other }, customlabels.InvalidParameter},
		"no test dataset":    {func(r *training.Request) { r.Project = onlyTrain }, customlabels.InvalidParameter},
		"datasets, and data": {func(r *training.Request) { manifests(one, one, false)(r); r.Project = w.project }, customlabels.InvalidParameter},
		"training data only": {func(r *training.Request) { manifests(one, one, false)(r); r.Testing = nil }, customlabels.InvalidParameter},
		"testing data only":  {func(r *training.Request) { manifests(one, one, false)(r); r.Training = nil }, customlabels.InvalidParameter},
		"no asset":           {manifests(nil, one, false), customlabels.InvalidParameter},
		"two assets":         {manifests([]objects.Ref{m, m}, one, false), customlabels.InvalidParameter},
		"no test asset":      {manifests(one, nil, false), customlabels.InvalidParameter},
		"asset and split":    {manifests(one, one, true), customlabels.InvalidParameter},
		"asset without name": {manifests([]objects.Ref{{Bucket: "images"}}, one, false), customlabels.InvalidParameter},
		"manifest missing":   {manifests([]objects.Ref{{Bucket: "images", Key: "none"}}, one, false), customlabels.InvalidParameter},
	} {
		req := w.request("v2")
		c.change(&req)
		a, err := w.training.CreateProjectVersion(t.Context(), w.root, req)
		var refused *fault.Error
		if !errors.As(err, &refused) || refused.Code != c.want || refused.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if has, err := w.db.Versions().HasVersion(t.Context(), req.Project, "v2"); has || err != nil {
			t.Errorf("%s: a version %v was left behind (%v)", name, a, err)
		}
	}
	user := arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: "user/nobody"}, Region: region}
	if _, err := w.training.CreateProjectVersion(t.Context(), user, w.request("v2")); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("a user without permission: %v", err)
	}
	for _, prefix := range []string{vault.JobGrantPrefix, vault.VersionGrantPrefix} {
		if live, err := w.kms.LiveGrants(t.Context(), prefix); len(live) != 0 || err != nil {
			t.Errorf("grants %s of refused requests live on: %v, %v", prefix, live, err)
		}
	}
}

func TestTwoTrainingsRunAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	for _, name := range []string{"v1", "v2"} {
		if _, err := w.training.CreateProjectVersion(t.Context(), w.root, w.request(name)); err != nil {
			t.Fatal(err)
		}
	}
	req := w.request("v3")
	req.KMSKeyID = key.ARN.ID
	if _, err := w.training.CreateProjectVersion(t.Context(), w.root, req); !errors.Is(err, customlabels.LimitExceeded) {
		t.Errorf("a third training: %v", err)
	}
	if live, err := w.kms.LiveGrants(t.Context(), vault.JobGrantPrefix); len(live) != 0 || err != nil {
		t.Errorf("the grant of the refused training lives on: %v, %v", live, err)
	}
	w.drain(training.Worker{Service: w.training})
	if v := w.train(req); v.Status != customlabels.TrainingCompleted {
		t.Errorf("the third training, later: %s %s", v.Status, v.StatusMessage)
	}
}

// TestATrainingThatWasInsertedAndNotAnsweredIsMade: nobody takes its key away.
func TestATrainingThatWasInsertedAndNotAnsweredIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	req := w.request("v1")
	req.KMSKeyID = key.ARN.ID
	w.training.Store = unanswering{w.training.Store}
	if _, err := w.training.CreateProjectVersion(t.Context(), w.root, req); !errors.Is(err, errCut) {
		t.Fatalf("a request whose answer is lost: %v", err)
	}
	w.drain(training.Worker{Service: w.training})
	made, err := w.db.Versions().VersionsBefore(t.Context(), w.project, nil, customlabels.ProjectVersion{}, 100)
	w.must(err)
	if len(made) != 1 || made[0].Status != customlabels.TrainingCompleted {
		t.Errorf("the request made %+v", made)
	}
}

// unanswering inserts trainings and fails.
type unanswering struct{ training.Store }

func (s unanswering) InsertTraining(ctx context.Context, v customlabels.NewVersion, datasets []customlabels.Dataset, p training.Progress, spec job.Spec) error {
	return errors.Join(s.Store.InsertTraining(ctx, v, datasets, p, spec), errCut)
}

func TestABusyDatasetIsInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	datasets, err := w.registry.Datasets(t.Context(), w.project)
	w.must(err)
	w.must(w.registry.UpdateDatasetEntries(t.Context(), w.root, datasets[0].ARN, joined(w.manifest("more", 1, "red"))))
	if _, err := w.training.CreateProjectVersion(t.Context(), w.root, w.request("v1")); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("with a dataset under way: %v", err)
	}
}
