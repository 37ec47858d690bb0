package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/kms"
)

// Grants lists and retires grants of any key, for the sweep.
type Grants interface {
	LiveGrants(ctx context.Context, prefix string) ([]kms.Grant, error)
	RetireGrant(ctx context.Context, caller arn.Caller, key arn.Key, grantID string) error
}

// Versions reads project versions.
type Versions interface {
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// SweepGrants retires the grants that a killed process, or a request that could
// not give them back, left behind, and returns how many these were. It looks at the job grants alone, which are few
// however many versions there are: one whose version no job works on is left
// over, and with it the version grant that was made beside it, unless that is
// the one under which the version has its model.
//
// Beside requests it may only look at grants that were made before a time at
// which every request has ended: a grant is made before the version that it is
// for.
func SweepGrants(ctx context.Context, grants Grants, versions Versions, before time.Time) (int, error) {
	live, err := grants.LiveGrants(ctx, JobGrantPrefix)
	if err != nil {
		return 0, fmt.Errorf("list grants: %w", err)
	}
	swept := 0
	for _, g := range live {
		if g.Created.After(before) {
			continue
		}
		left, err := leftWith(ctx, g, grants, versions)
		if err != nil {
			return swept, err
		}
		for _, g := range left {
			if err := grants.RetireGrant(ctx, serviceIn(g.Key.Region), g.Key, g.ID); err != nil {
				return swept, fmt.Errorf("retire grant %s of %s: %w", g.ID, g.Key, err)
			}
			swept++
		}
	}
	return swept, nil
}

// leftWith returns what is to be retired on account of a job grant, which is
// the last of it.
func leftWith(ctx context.Context, job kms.Grant, grants Grants, versions Versions) ([]kms.Grant, error) {
	if job.Grantee != customlabels.Principal {
		return nil, nil // somebody else's, whatever its name
	}
	name := strings.TrimPrefix(job.Name, JobGrantPrefix)
	a, err := versionOf(name)
	if err != nil {
		return nil, nil //nolint:nilerr // not one that the vault has named
	}
	v, err := versions.Version(ctx, a)
	if err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return nil, fmt.Errorf("read version %s: %w", a, err)
	}
	if v.Status == customlabels.TrainingInProgress || v.Status == customlabels.CopyingInProgress {
		return nil, nil
	}
	beside, err := grants.LiveGrants(ctx, VersionGrantPrefix+name)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	left := slices.DeleteFunc(beside, func(g kms.Grant) bool {
		return g.Grantee != customlabels.Principal || g.Key != job.Key || g.ID == v.Bundle.Grant
	})
	return append(left, job), nil
}
