package serving

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/vault"
)

const (
	running = "The model is running."
	stopped = "The model is stopped."
	// cannotStart is what the reason follows.
	cannotStart = "The model cannot be started: "
)

// A Starter works on the jobs that start versions.
type Starter struct{ *Service }

// Kind returns StartKind.
func (Starter) Kind() job.Kind { return StartKind }

// Work loads the model, which proves that key and artifacts are whole, and
// moves the version to RUNNING.
func (w Starter) Work(ctx context.Context, run *job.Run) error {
	v, err := w.version(ctx, run)
	if err != nil || v.Status != customlabels.Starting {
		return err
	}
	slot := w.models.enter(v.ARN)
	defer w.models.leave(v.ARN, slot)
	if _, err := slot.model(ctx, func(ctx context.Context, l *loaded) (*loaded, error) { return w.renew(ctx, v, l) }); err != nil {
		if why := reason(err, v); why != "" {
			return job.Explain(ctx, run, err, cannotStart+why)
		}
		return err
	}
	return w.store.EndChange(ctx, run.Attempt, v.ARN, customlabels.Starting, customlabels.Running, running)
}

// Fail moves the version to FAILED, with the reason.
func (w Starter) Fail(ctx context.Context, run *job.Run, _ error) error {
	v, err := w.version(ctx, run)
	if err != nil {
		return err
	}
	if v.Status == customlabels.Starting {
		message, err := job.Explanation(ctx, run, cannotStart+"the service had an internal error. Start it again.")
		if err != nil {
			return err
		}
		if err := w.store.EndChange(ctx, run.Attempt, v.ARN, customlabels.Starting, customlabels.Failed, message); err != nil {
			return err
		}
	}
	return w.models.drop(ctx, v.ARN)
}

// A Stopper works on the jobs that stop versions.
type Stopper struct{ *Service }

// Kind returns StopKind.
func (Stopper) Kind() job.Kind { return StopKind }

// Work waits for the requests in flight, drops the model and moves the
// version to STOPPED.
func (w Stopper) Work(ctx context.Context, run *job.Run) error {
	v, err := w.version(ctx, run)
	if err != nil || v.Status != customlabels.Stopping {
		return err
	}
	if err := w.models.drop(ctx, v.ARN); err != nil {
		return err
	}
	return w.store.EndChange(ctx, run.Attempt, v.ARN, customlabels.Stopping, customlabels.Stopped, stopped)
}

// Fail moves the version to STOPPED as well: it answers no request any more.
func (w Stopper) Fail(ctx context.Context, run *job.Run, _ error) error {
	v, err := w.version(ctx, run)
	if err != nil || v.Status != customlabels.Stopping {
		return err
	}
	return w.store.EndChange(ctx, run.Attempt, v.ARN, customlabels.Stopping, customlabels.Stopped, stopped)
}

// version returns the version of a job. One that was deleted before the job
// could end has no status.
func (s *Service) version(ctx context.Context, run *job.Run) (customlabels.ProjectVersion, error) {
	var args Args
	if err := run.Decode(&args); err != nil {
		return customlabels.ProjectVersion{}, err
	}
	v, err := s.store.Version(ctx, args.Version)
	if err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return v, fmt.Errorf("read version %s: %w", args.Version, err)
	}
	return v, nil
}

// reason says to the caller why a model cannot be loaded, where no retry can
// mend it; else it is empty.
func reason(err error, v customlabels.ProjectVersion) string {
	var refused *fault.Error
	var broken *artifactError
	var key *vault.KeyError
	switch {
	case errors.As(err, &key):
		return fmt.Sprintf("its stored %s is damaged: restore the database from a backup, or train or copy again.", key.Key())
	case errors.As(err, &refused):
		return fmt.Sprintf("its KMS key %s cannot be used: %s", v.Bundle.Key, vault.Unusable(err))
	case errors.As(err, &broken) && vault.IsDamage(err):
		return fmt.Sprintf("its stored artifact %s is damaged or missing: restore the blob %s from a backup, or train or copy again.", broken.Role, broken.Digest)
	case errors.Is(err, family.ErrWeights):
		return "its artifacts are not those of a model that this server can load."
	case errors.Is(err, errNoFamily):
		return "this server does not have its kind of model."
	default:
		return ""
	}
}
