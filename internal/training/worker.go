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
	"mimeo/internal/cores"
	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/vault"
)

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
	// began is when this slice did, and until when it shall end.
	began, until time.Time
	// stored is how far the training had come when the slice began.
	stored Progress
	// stepped says that the slice has begun a step.
	stepped bool
	// share is what this slice has of the processors.
	share *cores.Share
	// leave gives back what the slice has taken of the memory.
	leave []func()
	// sealed are the artifacts that this slice has made.
	sealed []customlabels.Artifact
}

// Work trains one version, for a slice. A step that has finished returns its
// recorded result, so a restarted run resumes where the last one stopped.
func (w Worker) Work(ctx context.Context, run *job.Run) error {
	args, err := decode(run)
	if err != nil {
		return err
	}
	// Before anything is read: a training that is cancelled after that stops.
	working, end := w.live.Begin(ctx, args.Version)
	defer end()
	t, err := w.begin(ctx, run, args)
	if err != nil {
		return err
	}
	if t.v.Status != customlabels.TrainingInProgress {
		return t.settle(ctx) // cut after its last write
	}
	switch err := t.attempt(working); {
	case err == nil:
		return t.settle(ctx)
	case errors.Is(err, ErrCancelled), errors.Is(context.Cause(working), ErrCancelled):
		return t.giveUp(ctx)
	case isPermanent(err):
		return job.Explain(ctx, run, err, failureMessage(err))
	default:
		return err
	}
}

func decode(run *job.Run) (args Args, err error) {
	err = run.Decode(&args)
	return args, err
}

// begin reads what the job is about. A version that ended and was deleted
// before the job could end has no status.
func (w Worker) begin(ctx context.Context, run *job.Run, args Args) (*training, error) {
	t := &training{Worker: w, run: run, args: args, began: w.Now()}
	t.until = t.began.Add(w.Slice)
	var err error
	if t.v, err = w.Store.Version(ctx, args.Version); err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return nil, fmt.Errorf("read version %s: %w", args.Version, err)
	}
	t.v.ARN = args.Version
	if t.stored, err = w.Store.Progress(ctx, args.Version); err != nil {
		return nil, fmt.Errorf("read the progress of %s: %w", args.Version, err)
	}
	return t, nil
}

// attempt works for a slice, unless the training was cancelled. It stores how
// far the training came where that does not end it.
func (t *training) attempt(ctx context.Context) error {
	by, err := t.Store.CancelledBy(ctx, t.v.ARN)
	switch {
	case err != nil:
		return fmt.Errorf("read who cancelled the training of %s: %w", t.v.ARN, err)
	case by != "":
		return ErrCancelled
	}
	t.resume()
	t.share = t.Cores.Join()
	defer t.share.Leave()
	defer t.watch(ctx, t.v.ARN)()
	if err = t.workWithin(ctx); err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, t.keep(ctx))
}

// workWithin works within the limits of time and memory.
func (t *training) workWithin(ctx context.Context) error {
	defer func() {
		for _, leave := range t.leave {
			leave()
		}
	}()
	working, end, err := t.limit(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = t.work(working)
	if over := limitError(""); err != nil && errors.As(context.Cause(working), &over) {
		return over
	}
	return err
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
	t.v.BillableSeconds = max(1, int64(t.worked(t.Now()).Round(time.Second).Seconds()))
	t.v.BaseModel, t.v.F1Score = f.Name(), float32(e.Aggregate.F1)
	t.v.Files, t.v.Bundle = files, bundle
	return t.end(ctx, t.reached())
}

func (t *training) end(ctx context.Context, p Progress) error {
	if err := t.Store.EndTraining(ctx, t.run.Attempt, t.v, p); err != nil {
		return fmt.Errorf("end the training of %s: %w", t.v.ARN, err)
	}
	return nil
}

// Fail ends the training as TRAINING_FAILED. The files that say what is wrong
// with the manifests stay; what was made of a model that is not there goes.
func (w Worker) Fail(ctx context.Context, run *job.Run, _ error) error {
	args, err := decode(run)
	if err != nil {
		return err
	}
	t, err := w.begin(ctx, run, args)
	if err != nil {
		return err
	}
	if t.v.Status == customlabels.TrainingInProgress {
		if err := t.fail(ctx); err != nil {
			return err
		}
		defer t.live.Changed(t.v.ARN)
	}
	return t.settle(ctx)
}

// fail removes what a training has made, and then ends it.
func (t *training) fail(ctx context.Context) error {
	var err error
	if t.v.StatusMessage, err = job.Explanation(ctx, t.run, serviceIssue); err != nil {
		return err
	}
	if t.v.Files, err = t.explaining(ctx); err != nil {
		return err
	}
	if len(t.v.Files) == 0 {
		if err := t.files().Remove(ctx); err != nil {
			return err
		}
	}
	if err := t.drop(ctx); err != nil {
		return err
	}
	t.v.Status, t.v.TrainingEndedAt = customlabels.TrainingFailed, t.Now()
	return t.end(ctx, t.stored.Touched(t.Now()))
}

// explaining are the files that say what is wrong with the manifests: none
// where nothing is, or somebody cancelled the training before it could say so.
func (t *training) explaining(ctx context.Context) (customlabels.ResultFiles, error) {
	by, err := t.Store.CancelledBy(ctx, t.v.ARN)
	if err != nil || by != "" {
		return nil, err
	}
	files, _, err := job.Recorded[customlabels.ResultFiles](ctx, t.run, refusalStep)
	return files, err
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

// pause ends the slice before another step where its time is over. Every slice
// makes one, however long it took to come so far.
func (t *training) pause(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.stepped && !t.Now().Before(t.until) {
		return job.Snooze(0)
	}
	t.stepped = true
	return nil
}

// keep stores how far the training has come.
func (t *training) keep(ctx context.Context) error {
	p, message := t.reached(), t.v.StatusMessage
	if p.Phase != "" {
		message = p.message(0)
	}
	return t.save(ctx, p, message)
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
	var over limitError
	return errors.As(err, &over) || errors.Is(err, family.ErrDiverged) || errors.As(err, &found) || errors.As(err, &file) || errors.As(err, &code) || unusable(err)
}
