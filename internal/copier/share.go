package copier

import (
	"context"
	"time"

	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/vault"
)

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
// yet is verified first. Nothing of it is recorded before the copy is finished:
// a run that was cut does it again, which is faster than a write.
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
	v.Bundle, v.Provenance = result.bundle(use), result.Provenance
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
