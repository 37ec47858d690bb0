package copier

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// ErrCancelled is what the work on a copy ends with that was cancelled.
var ErrCancelled = errors.New("the copy was cancelled")

// CancelCopy ends a copy in progress: its name is free, and nothing of it is
// left, as soon as its job has heard of it. It may be repeated.
func (s *Service) CancelCopy(ctx context.Context, caller arn.Caller, v arn.ProjectVersion) (customlabels.Status, error) {
	now, err := s.Registry.Deletable(ctx, caller, v)
	if err != nil {
		return "", err
	}
	if !now.IsCopy() {
		return "", noCopy(v)
	}
	err = s.Store.CancelCopy(ctx, v)
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return "", customlabels.NotFound(v)
	case errors.Is(err, customlabels.ResourceInUse):
		return "", customlabels.InUse("The copy %s is not in progress any more, so it cannot be cancelled. DeleteProjectVersion deletes it.", v)
	case err != nil:
		return "", fmt.Errorf("cancel copy %s: %w", v, err)
	}
	s.live.Stop(v, ErrCancelled)
	return customlabels.Deleting, nil
}

// IsCancelled reports whether a copy is to vanish that never had a model: it
// was cancelled, or had failed and is being deleted. Nothing of it may stay.
func IsCancelled(v customlabels.ProjectVersion) bool {
	return v.Status == customlabels.Deleting && v.IsCopy() && len(v.Bundle.VersionKey) == 0
}

// vanish removes all that a cancelled copy has made, and the copy last.
func (w Worker) vanish(ctx context.Context, run *job.Run, args Args, v customlabels.ProjectVersion) error {
	if err := w.removeOutput(ctx, run, args, v); err != nil {
		return err
	}
	if err := w.Vault.Abandon(ctx, args.Key); err != nil {
		return err
	}
	if err := w.Store.Delete(ctx, v.ARN, w.Now()); err != nil {
		return fmt.Errorf("remove the cancelled copy %s: %w", v.ARN, err)
	}
	w.live.Changed(v.ARN)
	return nil
}
