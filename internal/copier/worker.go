package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/results"
	"mimeo/internal/vault"
)

// Args are the arguments of a copy's job: what the decision granted.
type Args struct {
	Version arn.ProjectVersion
	// Caller is in whose name the results are written; its mandate says what
	// the job may do in it.
	Caller arn.Caller
	// Grounds are the policies that allowed the copy, as far as the caller may
	// know them.
	Grounds []Finding
	// Key is the right to use the destination's key for this version.
	Key vault.KeyUse
	// Mode is how the model gets to the destination; RateLimit bounds the bytes
	// that are resealed in a second, 0: nothing does.
	Mode      Mode
	RateLimit int64
}

// Worker works on copies that share.
type Worker struct{ *Service }

// Kind returns the kind of its jobs.
func (Worker) Kind() job.Kind { return Kind }

// Resealer works on copies that reseal.
type Resealer struct{ Worker }

// Kind returns the kind of its jobs.
func (Resealer) Kind() job.Kind { return ResealKind }

// Workers do all that the service has begun.
func (s *Service) Workers() []job.Worker {
	return []job.Worker{Worker{s}, Resealer{Worker{s}}}
}

// retryPlace is after how long a reseal asks again that found no place.
const retryPlace = time.Second

// Work copies one version. A step that has finished returns its recorded
// result, so a restarted run resumes where the last one stopped.
func (w Worker) Work(ctx context.Context, run *job.Run) error {
	var args Args
	if err := run.Decode(&args); err != nil {
		return err
	}
	// Before the status is read: a copy that is cancelled after that stops.
	working, end := w.live.Begin(ctx, args.Version)
	defer end()
	v, err := w.version(ctx, args)
	switch {
	case err != nil:
		return err
	case IsCancelled(v):
		return w.vanish(ctx, run, args, v)
	case v.Status != customlabels.CopyingInProgress:
		return w.settle(ctx, v.Status, args.Key) // cut after its last write
	}
	leave, ok := w.place(args)
	if !ok {
		return job.Wait(retryPlace)
	}
	defer leave()
	stored, err := w.Store.Progress(ctx, v.ARN)
	if err != nil {
		return fmt.Errorf("read the progress of %s: %w", v.ARN, err)
	}
	w.resume(v.ARN, stored)
	defer w.watch(working, v.ARN)()
	switch err := w.attempt(working, run, v, args); {
	case errors.Is(err, ErrCancelled) || errors.Is(context.Cause(working), ErrCancelled):
		return w.vanish(ctx, run, args, v)
	case isPermanent(err):
		if err := w.markDamaged(ctx, err); err != nil {
			return err
		}
		return job.Explain(ctx, run, err, failureMessage(err))
	case err != nil:
		return job.ExplainRetry(ctx, run, err, failureMessage(err))
	}
	return w.settle(ctx, customlabels.CopyingCompleted, args.Key)
}

// place takes a place for a reseal, which may work for long: an account whose
// reseals are slow keeps none of another waiting.
func (w Worker) place(args Args) (leave func(), ok bool) {
	if args.Mode != Reseal || w.Places == nil {
		return func() {}, true
	}
	return w.Places.Take(args.Version.Account)
}

// attempt makes the copy. Of one that fails it stores how far it came.
func (w Worker) attempt(ctx context.Context, run *job.Run, v customlabels.ProjectVersion, args Args) error {
	err := w.complete(ctx, run, v, args)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if kept := w.Store.SaveProgress(ctx, run.Attempt, v.ARN, w.progress(v.ARN)); kept != nil {
		return errors.Join(err, fmt.Errorf("store the progress of %s: %w", v.ARN, kept))
	}
	return err
}

// version returns the version that the job is about. One that ended and was
// deleted before the job could end has no status.
func (w Worker) version(ctx context.Context, args Args) (customlabels.ProjectVersion, error) {
	v, err := w.Store.Version(ctx, args.Version)
	if err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return v, fmt.Errorf("read copy %s: %w", args.Version, err)
	}
	return v, nil
}

// complete does the copy's work and publishes it.
func (w Worker) complete(ctx context.Context, run *job.Run, v customlabels.ProjectVersion, args Args) error {
	moved, err := w.move(ctx, run, v, args)
	if err != nil {
		return err
	}
	v.Bundle, v.Provenance = moved.bundle(args.Key), moved.Provenance
	written := w.step(v.ARN, "results")
	if v.Files, err = w.putResults(ctx, v, args.Caller, moved.Record); err != nil {
		return ofCopy(args.Mode, err)
	}
	written()
	v.Status, v.StatusMessage = customlabels.CopyingCompleted, customlabels.ReadyToRun
	err = w.Store.FinishCopy(ctx, run.Attempt, v, moved.Record, w.progress(v.ARN))
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		return sourceError("publishing the copy", err)
	}
	if err != nil {
		return fmt.Errorf("publish copy %s: %w", v.ARN, err)
	}
	return nil
}

// move gives the copy the source's artifacts.
func (w Worker) move(ctx context.Context, run *job.Run, v customlabels.ProjectVersion, args Args) (moved, error) {
	if args.Mode == Reseal {
		return w.reseal(ctx, run, v, args)
	}
	defer w.step(v.ARN, "share")()
	return w.share(ctx, v, args)
}

// Fail ends the copy as COPYING_FAILED: partial output and grants go. A copy
// that is cancelled meanwhile vanishes.
func (w Worker) Fail(ctx context.Context, run *job.Run, _ error) error {
	var args Args
	if err := run.Decode(&args); err != nil {
		return err
	}
	v, err := w.version(ctx, args)
	if err != nil {
		return err
	}
	if v.Status == customlabels.CopyingInProgress {
		switch err := w.fail(ctx, run, args, v); {
		case errors.Is(err, ErrCancelled):
			return w.vanish(ctx, run, args, v)
		case err != nil:
			return err
		}
		v.Status = customlabels.CopyingFailed
	}
	if IsCancelled(v) {
		return w.vanish(ctx, run, args, v)
	}
	defer w.live.Changed(v.ARN)
	return w.settle(ctx, v.Status, args.Key)
}

// fail removes what a copy in progress has made, and then ends it.
func (w Worker) fail(ctx context.Context, run *job.Run, args Args, v customlabels.ProjectVersion) error {
	message, err := job.Explanation(ctx, run, internalFailure)
	if err != nil {
		return err
	}
	if err := w.removeOutput(ctx, run, args, v); err != nil {
		return err
	}
	if err := w.Store.FailCopy(ctx, run.Attempt, v.ARN, message); err != nil {
		return fmt.Errorf("fail copy %s: %w", v.ARN, err)
	}
	return nil
}

// removeOutput removes the files and the blobs of a copy that comes to nothing.
func (w Worker) removeOutput(ctx context.Context, run *job.Run, args Args, v customlabels.ProjectVersion) error {
	written := results.Writer{Objects: w.Objects, Caller: args.Caller, Version: v}
	if err := written.Remove(ctx); err != nil {
		return err
	}
	return w.discard(ctx, run)
}

// settle retires the grants that an ended copy needs no more: the job's
// always, the version's unless there is a model that it serves.
func (w Worker) settle(ctx context.Context, status customlabels.Status, use vault.KeyUse) error {
	if status.HasModel() {
		return w.Vault.Release(ctx, use)
	}
	return w.Vault.Abandon(ctx, use)
}

// moved is the result of moving a model, in either mode: what the copy is to
// have. All keys in it are wrapped.
type moved struct {
	VersionKey []byte
	Artifacts  []customlabels.Artifact
	Provenance customlabels.Provenance
	Record     []byte // the signed record of the copy
}

func (m moved) bundle(use vault.KeyUse) customlabels.Bundle {
	return customlabels.Bundle{VersionKey: m.VersionKey, Key: use.Key, Grant: use.VersionGrant, Artifacts: m.Artifacts}
}

// markDamaged marks the blob that a copy failed for, where there is one.
func (w Worker) markDamaged(ctx context.Context, cause error) error {
	var at *Error
	if !errors.As(cause, &at) || at.blob == (digest.Digest{}) {
		return nil
	}
	if err := w.Store.MarkDamaged(ctx, at.blob, w.Now()); err != nil {
		return fmt.Errorf("mark blob %s as damaged: %w", at.blob, err)
	}
	return nil
}
