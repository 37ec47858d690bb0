package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/vault"
)

// standardSlice is how long an attempt at a reseal works before it makes room
// for others, and for its own next attempt.
const standardSlice = 10 * time.Minute

// A resealing is the recorded plan of a reseal: the copy's version key, and of
// each artifact the key and nonce that every run seals it with. All keys in it
// are wrapped.
type resealing struct {
	VersionKey []byte
	Provenance customlabels.Provenance
	Sealings   map[customlabels.Role]vault.Sealing
}

const planStep = "plan"

func verifyStep(r customlabels.Role) string { return "verify " + string(r) }
func resealStep(r customlabels.Role) string { return "reseal " + string(r) }

// reseal seals the source's artifacts again, under keys of the copy's own. A
// run that was cut goes on from the last checkpoint.
func (w Worker) reseal(ctx context.Context, run *job.Run, v customlabels.ProjectVersion, args Args) (moved, error) {
	source, from, err := w.openSource(ctx, v)
	if err != nil {
		return moved{}, err
	}
	plan, err := job.Step(ctx, run, planStep, func(ctx context.Context) (resealing, error) { return w.plan(ctx, source, v, args.Key) })
	if err != nil {
		return moved{}, err
	}
	to, err := w.Vault.Unlock(ctx, v.ARN, customlabels.Bundle{VersionKey: plan.VersionKey, Key: args.Key.Key})
	if err != nil {
		return moved{}, destinationError("opening the version key with "+args.Key.Key.String(), err)
	}
	result := moved{VersionKey: plan.VersionKey, Provenance: plan.Provenance}
	end := w.Now().Add(cmp.Or(w.Slice, standardSlice))
	var before, all int64
	for _, a := range source.Bundle.Artifacts {
		all += a.Size
	}
	for _, a := range source.Bundle.Artifacts {
		done := w.step(v.ARN, resealStep(a.Role))
		base := before
		note := func(sealed int64) { w.moved(v.ARN, base+sealed, all) }
		before += a.Size
		r := vault.Reseal{From: from, To: to, Source: a, Sealing: plan.Sealings[a.Role], Interval: w.Interval, Rate: args.RateLimit, Moved: note}
		resealed, err := job.Step(ctx, run, resealStep(a.Role), func(ctx context.Context) (customlabels.Artifact, error) {
			return w.resealArtifact(ctx, run, v.ARN, r, end)
		})
		if err != nil {
			return moved{}, err
		}
		if err := w.Vault.Publish(ctx, r.Sealing, resealed); err != nil {
			return moved{}, err
		}
		note(a.Size)
		done()
		if resealed, err = w.readBack(ctx, run, v.ARN, resealed, args.RateLimit); err != nil {
			return moved{}, err
		}
		result.Artifacts = append(result.Artifacts, resealed)
	}
	v.Bundle, v.Provenance = result.bundle(args.Key), result.Provenance
	result.Record, err = job.Step(ctx, run, "record", func(ctx context.Context) ([]byte, error) {
		return w.record(ctx, Reseal, source, v, args)
	})
	return result, err
}

func (w Worker) plan(ctx context.Context, source, v customlabels.ProjectVersion, use vault.KeyUse) (resealing, error) {
	key, err := w.Vault.NewVersionKey(ctx, v.ARN, use)
	if err != nil {
		return resealing{}, destinationError("making a version key with "+use.Key.String(), err)
	}
	plan := resealing{VersionKey: key.Wrapped, Provenance: source.Provenance, Sealings: map[customlabels.Role]vault.Sealing{}}
	for _, a := range source.Bundle.Artifacts {
		if plan.Sealings[a.Role], err = w.Vault.NewSealing(key, a.Role); err != nil {
			return resealing{}, err
		}
	}
	return plan, nil
}

// resealArtifact reseals one artifact from its last checkpoint on, until it is
// done or the slice has ended.
func (w Worker) resealArtifact(ctx context.Context, run *job.Run, v arn.ProjectVersion, r vault.Reseal, end time.Time) (customlabels.Artifact, error) {
	r.Done = w.progress(v).Sealed[r.Source.Role]
	r.Durable = func(ctx context.Context, sealed int64) error {
		w.sealed(v, r.Source.Role, sealed)
		if err := w.Store.SaveProgress(ctx, run.Attempt, v, w.progress(v)); err != nil {
			return fmt.Errorf("record a checkpoint of %s: %w", v, err)
		}
		if w.Now().After(end) {
			return job.Snooze(0)
		}
		return nil
	}
	const doing = "resealing the artifact "
	a, err := w.Vault.Reseal(ctx, r)
	var key *vault.KeyError
	switch {
	case errors.As(err, &key) && key.Version == v, errors.Is(err, syscall.ENOSPC):
		return a, destinationError(doing+string(r.Source.Role), err)
	case err != nil:
		return a, artifactError(doing, r.Source, err)
	}
	return a, nil
}

// readBack reads what a reseal has stored: a copy that is COPYING_COMPLETED
// has digests that were verified. What was written wrong is the destination's,
// whatever the source is.
func (w Worker) readBack(ctx context.Context, run *job.Run, v arn.ProjectVersion, a customlabels.Artifact, bytesPerSecond int64) (customlabels.Artifact, error) {
	name := verifyStep(a.Role)
	if bytesPerSecond > 0 { // no state of the digest can be stored: one attempt must come to the end
		bytesPerSecond = max(bytesPerSecond, a.Size/int64((standardSlice/2).Seconds()))
	}
	done := w.step(v, name)
	at, err := job.Step(ctx, run, name, func(ctx context.Context) (time.Time, error) {
		return w.Now(), w.Vault.ReadBack(ctx, a, bytesPerSecond)
	})
	if err != nil {
		return a, destinationError("reading back the artifact "+string(a.Role), err)
	}
	done()
	a.VerifiedAt = at
	return a, nil
}

// discard removes what a reseal that comes to nothing has made. Its blobs are
// no other version's: their keys were the copy's own.
func (w Worker) discard(ctx context.Context, run *job.Run) error {
	plan, _, err := job.Recorded[resealing](ctx, run, planStep)
	if err != nil {
		return err
	}
	var errs []error
	for role, s := range plan.Sealings {
		made, _, err := job.Recorded[customlabels.Artifact](ctx, run, resealStep(role))
		if err == nil {
			err = w.Vault.Discard(ctx, s, made.Digest)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove what was resealed: %w", err)
	}
	return nil
}
