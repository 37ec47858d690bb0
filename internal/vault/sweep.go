package vault

import (
	"context"
	"errors"
	"fmt"

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

// SweepGrants retires the grants that a killed process left behind: job
// grants of versions that no job works on, version grants of versions that
// do not exist or hold no model. It returns how many these were.
//
// It must not run beside requests: a grant is made before the version that
// it is for.
func SweepGrants(ctx context.Context, grants Grants, versions Versions) (int, error) {
	swept := 0
	for _, prefix := range []string{JobGrantPrefix, VersionGrantPrefix} {
		live, err := grants.LiveGrants(ctx, prefix)
		if err != nil {
			return swept, fmt.Errorf("list grants: %w", err)
		}
		for _, g := range live {
			needed, err := isNeeded(ctx, g, prefix, versions)
			if err != nil {
				return swept, err
			}
			if needed {
				continue
			}
			if err := grants.RetireGrant(ctx, serviceIn(g.Key.Region), g.Key, g.ID); err != nil {
				return swept, fmt.Errorf("retire grant %s of %s: %w", g.ID, g.Key, err)
			}
			swept++
		}
	}
	return swept, nil
}

func isNeeded(ctx context.Context, g kms.Grant, prefix string, versions Versions) (bool, error) {
	if g.Grantee != customlabels.Principal {
		return true, nil // somebody else's, whatever its name
	}
	a, err := versionOf(g.Name, prefix)
	if err != nil {
		return true, nil //nolint:nilerr // not one that the vault has named
	}
	v, err := versions.Version(ctx, a)
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read version %s: %w", a, err)
	case v.Status == customlabels.TrainingInProgress || v.Status == customlabels.CopyingInProgress:
		return true, nil
	case prefix == JobGrantPrefix:
		return false, nil
	default:
		return v.Status.HasModel() || v.Status == customlabels.Deleting, nil
	}
}
