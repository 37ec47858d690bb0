package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

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

// Worker works on copies.
type Worker struct{ *Service }

// Kind returns the kind of a copy's job.
func (Worker) Kind() job.Kind { return Kind }

// Work copies one version. A step that has finished returns its recorded
// result, so a restarted run resumes where the last one stopped.
func (w Worker) Work(ctx context.Context, run *job.Run) error {
	var args Args
	if err := run.Decode(&args); err != nil {
		return err
	}
	// Before the status is read: a copy that is cancelled after that stops.
	working, end := w.live.begin(ctx, args.Version)
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
	stored, err := w.Store.Progress(ctx, v.ARN)
	if err != nil {
		return fmt.Errorf("read the progress of %s: %w", v.ARN, err)
	}
	w.live.resume(v.ARN, stored)
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
		return err
	}
	return w.settle(ctx, customlabels.CopyingCompleted, args.Key)
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
		return err
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
	return job.Step(ctx, run, "share", func(ctx context.Context) (moved, error) { return w.share(ctx, v, args) })
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
	defer w.live.changed(v.ARN)
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
	// Record is the signed record of the copy. It is made here, so that a job
	// that runs again publishes the one that it has written to the bucket.
	Record []byte
}

func (m moved) bundle(use vault.KeyUse) customlabels.Bundle {
	return customlabels.Bundle{VersionKey: m.VersionKey, Key: use.Key, Grant: use.VersionGrant, Artifacts: m.Artifacts}
}

// openSource reads the source of a copy and opens its key.
func (w Worker) openSource(ctx context.Context, v customlabels.ProjectVersion) (source customlabels.ProjectVersion, key vault.VersionKey, err error) {
	if source, err = w.Store.Version(ctx, v.Source); err != nil {
		return source, key, sourceError("reading the version "+v.Source.String(), err)
	}
	if key, err = w.Vault.Unlock(ctx, source.ARN, source.Bundle); err != nil {
		return source, key, sourceError("opening the version key with "+source.Bundle.Key.String(), err)
	}
	return source, key, nil
}

// share makes the copy's version key and wraps the source's artifact keys
// with it. The blobs stay where they are; one that no full read has verified
// yet is verified first.
func (w Worker) share(ctx context.Context, v customlabels.ProjectVersion, args Args) (moved, error) {
	use := args.Key
	source, from, err := w.openSource(ctx, v)
	if err != nil {
		return moved{}, err
	}
	to, err := w.Vault.NewVersionKey(ctx, v.ARN, use)
	if err != nil {
		return moved{}, destinationError("making a version key with "+use.Key.String(), err)
	}
	result := moved{VersionKey: to.Wrapped, Provenance: source.Provenance}
	for _, a := range source.Bundle.Artifacts {
		shared, err := vault.Rewrap(from, to, a)
		if err != nil {
			return moved{}, sourceError("opening the key of the artifact "+string(a.Role), err)
		}
		if !a.IsSound() {
			verified := w.step(v.ARN, verifyStep(a.Role))
			if shared, err = w.verify(ctx, to, shared); err != nil {
				return moved{}, err
			}
			verified()
		}
		result.Artifacts = append(result.Artifacts, shared)
	}
	v.Bundle = result.bundle(use)
	result.Record, err = w.record(ctx, Share, source, v, args)
	return result, err
}

// verify reads an artifact in full and returns it as verified. The stamp is
// for all versions that share the blob.
func (w Worker) verify(ctx context.Context, key vault.VersionKey, a customlabels.Artifact) (customlabels.Artifact, error) {
	const doing = "verifying the artifact "
	plain, err := w.Vault.PlainDigest(ctx, key, a)
	if err != nil {
		return a, artifactError(doing, a, err)
	}
	if a.Plain != (digest.Digest{}) && a.Plain != plain {
		return a, artifactError(doing, a, digest.ErrMismatch)
	}
	a.Plain, a.VerifiedAt = plain, w.Now()
	err = w.Store.MarkVerified(ctx, a)
	a.DamagedAt = time.Time{}
	return a, err
}

// markDamaged marks the blob that a copy failed for.
func (w Worker) markDamaged(ctx context.Context, cause error) error {
	var at *Error
	if !errors.As(cause, &at) || at.blob == (digest.Digest{}) || !vault.IsDamage(cause) {
		return nil
	}
	if err := w.Store.MarkDamaged(ctx, at.blob, w.Now()); err != nil {
		return fmt.Errorf("mark blob %s as damaged: %w", at.blob, err)
	}
	return nil
}

// putResults writes the result files and the record to the OutputConfig, all
// at once. The files are read with the copy's own key, which proves that it
// opens. Where one fails the others are still finished: Fail must find all
// that was written.
func (w Worker) putResults(ctx context.Context, v customlabels.ProjectVersion, caller arn.Caller, signed []byte) (customlabels.ResultFiles, error) {
	key, err := w.Vault.Unlock(ctx, v.ARN, v.Bundle)
	if err != nil {
		return nil, destinationError("opening the version key with "+v.Bundle.Key.String(), err)
	}
	writer := results.Writer{Objects: w.Objects, Caller: caller, Version: v}
	locations := make([]customlabels.S3Location, len(v.Bundle.Artifacts))
	var group errgroup.Group
	var recordAt customlabels.S3Location
	group.Go(func() (err error) {
		recordAt, err = writer.Put(ctx, customlabels.CopyRecord, func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(signed)), nil
		})
		return err
	})
	for i, a := range v.Bundle.Artifacts {
		if !a.Role.IsResult() {
			continue
		}
		group.Go(func() (err error) {
			locations[i], err = writer.Put(ctx, a.Role, func(ctx context.Context) (io.ReadCloser, error) { return w.open(ctx, key, a) })
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, atDestination(err)
	}
	files := customlabels.ResultFiles{customlabels.CopyRecord: recordAt}
	for i, a := range v.Bundle.Artifacts {
		if a.Role.IsResult() {
			files[a.Role] = locations[i]
		}
	}
	return files, nil
}

// open opens an artifact, whose blob the copy shares with its source.
func (w Worker) open(ctx context.Context, key vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error) {
	body, err := w.Vault.Open(ctx, key, a)
	if err != nil {
		return nil, artifactError("opening the artifact ", a, err)
	}
	return opened{body, a}, nil
}

// opened is the body of an artifact, whose errors say of which.
type opened struct {
	io.ReadCloser
	of customlabels.Artifact
}

func (o opened) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = artifactError("reading the artifact ", o.of, err)
	}
	return n, err
}

// atDestination says that a refused file is the destination's.
func atDestination(err error) error {
	var refused *results.RefusedError
	if errors.As(err, &refused) {
		return destinationError("writing "+refused.Location.String(), refused.Fault)
	}
	return err
}
