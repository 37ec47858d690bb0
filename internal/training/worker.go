package training

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/vault"
)

// seed decides all that training and splitting draw by chance: the same
// images give the same model.
const seed = 1

// Args are the arguments of a training's job: what the decision granted.
type Args struct {
	Version arn.ProjectVersion
	// Caller is whose permissions images are read and results written with.
	Caller arn.Caller
	// Key is the right to use the version's key.
	Key vault.KeyUse
}

// Worker works on trainings.
type Worker struct{ *Service }

// Kind returns the kind of a training's job.
func (Worker) Kind() job.Kind { return Kind }

// A training is one run of a training's job.
type training struct {
	Worker
	run  *job.Run
	args Args
	v    customlabels.ProjectVersion
	plan plan
	// until is when this slice shall end.
	until time.Time
}

// Work trains one version, for a slice. A step that has finished returns its
// recorded result, so a restarted run resumes where the last one stopped.
func (w Worker) Work(ctx context.Context, run *job.Run) error {
	t, err := w.begin(ctx, run)
	if err != nil {
		return err
	}
	if t.v.Status != customlabels.TrainingInProgress {
		return t.settle(ctx) // cut after its last write
	}
	switch err := t.work(ctx); {
	case isPermanent(err):
		return job.Explain(ctx, run, err, failureMessage(err))
	case err != nil:
		return err
	}
	return t.settle(ctx)
}

// begin reads what the job is about. A version that ended and was deleted
// before the job could end has no status.
func (w Worker) begin(ctx context.Context, run *job.Run) (*training, error) {
	t := &training{Worker: w, run: run, until: w.Now().Add(w.Slice)}
	if err := run.Decode(&t.args); err != nil {
		return nil, err
	}
	var err error
	if t.v, err = w.Store.Version(ctx, t.args.Version); err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return nil, fmt.Errorf("read version %s: %w", t.args.Version, err)
	}
	return t, nil
}

func (t *training) work(ctx context.Context) error {
	if err := t.readManifests(ctx); err != nil {
		return err
	}
	if err := t.makePlan(ctx); err != nil {
		return err
	}
	if len(t.plan.problems()) > 0 {
		return t.refuse(ctx)
	}
	key, bundle, err := t.versionKey(ctx)
	if err != nil {
		return err
	}
	weights, err := t.train(ctx, key)
	if err != nil {
		return err
	}
	e, err := t.evaluate(ctx, key, weights)
	if err != nil {
		return err
	}
	if bundle.Artifacts, err = t.sealResults(ctx, key, e); err != nil {
		return err
	}
	bundle.Artifacts = append(bundle.Artifacts, weights)
	return t.publish(ctx, key, bundle, e)
}

// publish writes the result files, reads every artifact once and completes
// the version.
func (t *training) publish(ctx context.Context, key vault.VersionKey, bundle customlabels.Bundle, e evaluation) error {
	f, err := t.family(t.plan.task)
	if err != nil {
		return err
	}
	files, err := t.putResults(ctx, key, bundle.Artifacts)
	if err != nil {
		return err
	}
	verified, err := job.Step(ctx, t.run, "verify", func(ctx context.Context) (time.Time, error) {
		for _, a := range bundle.Artifacts {
			if err := t.Vault.Verify(ctx, a); err != nil {
				return time.Time{}, err
			}
		}
		return t.Now(), nil
	})
	if err != nil {
		return fmt.Errorf("verify the artifacts of %s: %w", t.v.ARN, err)
	}
	for i := range bundle.Artifacts {
		bundle.Artifacts[i].VerifiedAt = verified
	}
	t.v.Status, t.v.StatusMessage = customlabels.TrainingCompleted, customlabels.ReadyToRun
	t.v.TrainingEndedAt = t.Now()
	t.v.BillableSeconds = max(1, int64(t.v.TrainingEndedAt.Sub(t.v.CreatedAt).Round(time.Second).Seconds()))
	t.v.BaseModel, t.v.F1Score = f.Name(), float32(e.Aggregate.F1)
	t.v.Files, t.v.Bundle = files, bundle
	return t.end(ctx)
}

func (t *training) end(ctx context.Context) error {
	if err := t.Store.EndTraining(ctx, t.run.Attempt, t.v); err != nil {
		return fmt.Errorf("end the training of %s: %w", t.v.ARN, err)
	}
	return nil
}

// Fail ends the training as TRAINING_FAILED. The files that say what is wrong
// with the manifests stay; results of a model that is not there go.
func (w Worker) Fail(ctx context.Context, run *job.Run, _ error) error {
	t, err := w.begin(ctx, run)
	if err != nil {
		return err
	}
	if t.v.Status != customlabels.TrainingInProgress {
		return t.settle(ctx)
	}
	if t.v.StatusMessage, err = job.Explanation(ctx, run, serviceIssue); err != nil {
		return err
	}
	files, ok, err := job.Recorded[customlabels.ResultFiles](ctx, run, refusalStep)
	switch {
	case err != nil:
		return err
	case ok:
		t.v.Files = files
	default:
		if err := t.files().Remove(ctx); err != nil {
			return err
		}
	}
	t.v.Status, t.v.TrainingEndedAt = customlabels.TrainingFailed, t.Now()
	if err := t.end(ctx); err != nil {
		return err
	}
	return t.settle(ctx)
}

// settle retires the grants that an ended training needs no more, and removes
// its checkpoints.
func (t *training) settle(ctx context.Context) error {
	if err := os.RemoveAll(t.scratch()); err != nil {
		return fmt.Errorf("remove the checkpoints of %s: %w", t.v.ARN, err)
	}
	if t.v.Status.HasModel() {
		return t.Vault.Release(ctx, t.args.Key)
	}
	return t.Vault.Abandon(ctx, t.args.Key)
}

func (t *training) scratch() string {
	return filepath.Join(t.Scratch, "train-"+strconv.FormatInt(t.run.Job, 10))
}

// pause ends the slice where its time is over.
func (t *training) pause(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !t.Now().Before(t.until) {
		return job.Snooze(0)
	}
	return nil
}

func (t *training) progress(ctx context.Context, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if err := t.Store.SetProgress(ctx, t.run.Attempt, t.v.ARN, message); err != nil {
		return fmt.Errorf("report progress of %s: %w", t.v.ARN, err)
	}
	return nil
}

// A versionKey step's result: the version key, wrapped.
type wrappedKey struct{ VersionKey []byte }

// versionKey makes the key of the version once and opens it.
func (t *training) versionKey(ctx context.Context) (vault.VersionKey, customlabels.Bundle, error) {
	made, err := job.Step(ctx, t.run, "key", func(ctx context.Context) (wrappedKey, error) {
		key, err := t.Vault.NewVersionKey(ctx, t.v.ARN, t.args.Key)
		return wrappedKey{key.Wrapped}, err
	})
	bundle := customlabels.Bundle{VersionKey: made.VersionKey, Key: t.args.Key.Key, Grant: t.args.Key.VersionGrant}
	if err != nil {
		return vault.VersionKey{}, bundle, err
	}
	key, err := t.Vault.Unlock(ctx, t.v.ARN, bundle)
	return key, bundle, err
}

// isPermanent reports whether no retry can mend err: a problem of the
// manifests, a refusal by a bucket or a key, an image that is no longer what
// it was when it was checked.
func isPermanent(err error) bool {
	var found manifest.ContentError
	var file manifest.FileError
	var code fault.Code
	return errors.As(err, &found) || errors.As(err, &file) || errors.As(err, &code) || unusable(err)
}
