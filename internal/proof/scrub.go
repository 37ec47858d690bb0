package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
	"mimeo/internal/vault"
)

// A Scrubbed is what a read of an artifact's blob has shown.
type Scrubbed struct {
	Role   customlabels.Role
	Digest digest.Digest
	// Verified says that the blob is whole, and that no key to it is damaged.
	Verified bool
	// VerifiedAt is when a read of the blob last matched; zero if none did.
	VerifiedAt time.Time
	// DamagedKey is the key of the version that keeps the artifact from being
	// opened; empty: none, or nobody can tell because its KMS key opens nothing.
	DamagedKey string
}

// ScrubVersion reads all blobs of a version and marks each as verified or as
// damaged. A blob that is whole again is not damaged any more. A key in the
// version's row that is damaged is named, and no blob is marked for it: other
// versions may have whole keys to it. It refuses as StartProjectVersion
// refuses.
func (s *Service) ScrubVersion(ctx context.Context, caller arn.Caller, a arn.ProjectVersion) ([]Scrubbed, error) {
	if err := s.Registry.Authorize(ctx, caller, "rekognition:StartProjectVersion", a, a.Namespace); err != nil {
		return nil, err
	}
	if !a.SameRegion(caller.Namespace()) {
		return nil, customlabels.Invalid("The resource %s is not in the region %s of this endpoint.", a, caller.Region)
	}
	v, err := s.Registry.Version(ctx, a)
	if err != nil {
		return nil, err
	}
	if !v.Status.HasModel() {
		return nil, customlabels.Invalid("The project version %s is %s: it holds no model to verify.", a, v.Status)
	}
	keys, err := s.damagedKeys(ctx, v)
	if err != nil {
		return nil, err
	}
	all := make([]Scrubbed, len(v.Bundle.Artifacts))
	for i, stored := range v.Bundle.Artifacts {
		now, err := s.scrub(ctx, stored)
		if err != nil {
			return nil, err
		}
		key := keys[now.Role]
		all[i] = Scrubbed{Role: now.Role, Digest: now.Digest, Verified: now.DamagedAt.IsZero() && key == "", VerifiedAt: now.VerifiedAt, DamagedKey: key}
	}
	return all, nil
}

// damagedKeys names, for each artifact of a version that cannot be opened, the
// key in the version's row that is damaged.
func (s *Service) damagedKeys(ctx context.Context, v customlabels.ProjectVersion) (map[customlabels.Role]string, error) {
	key, err := s.Vault.Unlock(ctx, v.ARN, v.Bundle)
	var refused *fault.Error
	switch {
	case err == nil || vault.IsKeyDamage(err):
	case errors.As(err, &refused):
		return nil, nil // nobody can tell: the KMS key opens nothing now
	default:
		return nil, err
	}
	damaged := map[customlabels.Role]string{}
	for _, a := range v.Bundle.Artifacts {
		opens := err
		if opens == nil {
			opens = vault.CheckKey(key, a)
		}
		if broken := (*vault.KeyError)(nil); errors.As(opens, &broken) {
			damaged[a.Role] = broken.Key()
		}
	}
	return damaged, nil
}

// scrub reads the blob of an artifact, marks it, and returns the artifact as
// it is marked. Errors of the disk are no damage: nobody can tell.
func (s *Service) scrub(ctx context.Context, a customlabels.Artifact) (customlabels.Artifact, error) {
	switch err := s.Vault.Verify(ctx, a); {
	case vault.IsDamage(err):
		return s.markDamaged(ctx, a)
	case err != nil:
		return a, err
	default:
		a.VerifiedAt = s.Now()
		if err := s.Store.MarkVerified(ctx, a); err != nil {
			return a, fmt.Errorf("mark blob %s as verified: %w", a.Digest, err)
		}
		a.DamagedAt = time.Time{}
	}
	return a, nil
}

// markDamaged marks the blob of an artifact: it is not copied until a read has
// found it whole.
func (s *Service) markDamaged(ctx context.Context, a customlabels.Artifact) (customlabels.Artifact, error) {
	a.DamagedAt = s.Now()
	if err := s.Store.MarkDamaged(ctx, a.Digest, a.DamagedAt); err != nil {
		return a, fmt.Errorf("mark blob %s as damaged: %w", a.Digest, err)
	}
	return a, nil
}

// A Patrol is what one run of a background scrub has seen.
type Patrol struct {
	Blobs, Bytes int64
	Damaged      []customlabels.Artifact
}

// batch is how many blobs are asked for at once.
const batch = 100

// Patrol reads every blob that was not read for an interval, the one that
// waits longest first, and marks each. pace is called before a blob of so many
// bytes is read, to wait for its turn. A blob that the disk does not give is
// passed over, and its error returned at the end.
func (s *Service) Patrol(ctx context.Context, interval time.Duration, pace func(context.Context, int64) error) (p Patrol, err error) {
	before := s.Now().Add(-interval)
	failed := map[digest.Digest]bool{} // they stay due
	var errs []error
	for {
		due, err := s.Store.LongestUnread(ctx, before, batch)
		if err != nil {
			return p, fmt.Errorf("look for blobs to read: %w", err)
		}
		read, passed := maps.Clone(failed), len(failed)
		for _, a := range due {
			if read[a.Digest] {
				continue
			}
			read[a.Digest] = true
			if err := pace(ctx, a.Size); err != nil {
				return p, err
			}
			now, err := s.scrub(ctx, a)
			if err != nil {
				failed[a.Digest] = true
				errs = append(errs, err)
				continue
			}
			p.Blobs, p.Bytes = p.Blobs+1, p.Bytes+a.Size
			if !now.DamagedAt.IsZero() {
				p.Damaged = append(p.Damaged, now)
			}
		}
		if len(due) < batch || len(read) == passed {
			return p, errors.Join(errs...)
		}
	}
}
