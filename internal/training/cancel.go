package training

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// ErrCancelled is what the work on a training ends with that was cancelled.
var ErrCancelled = errors.New("the training was cancelled")

// CancelTraining ends a training in progress: it is TRAINING_FAILED, and
// nothing of it is left but its version, as soon as its job has heard of it.
// It may be repeated until then.
func (s *Service) CancelTraining(ctx context.Context, caller arn.Caller, v arn.ProjectVersion) (customlabels.Status, error) {
	now, err := s.Registry.Deletable(ctx, caller, v)
	if err != nil {
		return "", err
	}
	if now.IsCopy() {
		return "", noTraining(v)
	}
	err = s.Store.CancelTraining(ctx, v, caller.Principal)
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return "", customlabels.NotFound(v)
	case errors.Is(err, customlabels.ResourceInUse):
		return "", customlabels.InUse("The training of %s is not in progress any more, so it cannot be cancelled. DeleteProjectVersion deletes the version.", v)
	case err != nil:
		return "", fmt.Errorf("cancel the training of %s: %w", v, err)
	}
	s.live.Stop(v, ErrCancelled)
	return customlabels.TrainingInProgress, nil
}

// giveUp ends the job of a training that was cancelled.
func (t *training) giveUp(ctx context.Context) error {
	by, err := t.Store.CancelledBy(ctx, t.v.ARN)
	if err != nil {
		return fmt.Errorf("read who cancelled the training of %s: %w", t.v.ARN, err)
	}
	for _, a := range t.sealed { // also what no step has recorded any more
		if err := t.Vault.Drop(ctx, a); err != nil {
			return err
		}
	}
	return job.Explain(ctx, t.run, ErrCancelled, "The training was cancelled by "+by+".")
}

// drop removes the artifacts that the steps of a training have recorded, which
// comes to nothing.
func (t *training) drop(ctx context.Context) error {
	for _, role := range append([]customlabels.Role{customlabels.Weights}, customlabels.ResultRoles...) {
		a, ok, err := job.Recorded[customlabels.Artifact](ctx, t.run, sealStep(role))
		if err == nil && ok {
			err = t.Vault.Drop(ctx, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
