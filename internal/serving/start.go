package serving

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/quota"
)

// The kinds of serving's jobs. They have no key: a job that has done its work
// and not ended yet must not stand in for the next one. The state of the
// version says which of two has something to do.
const (
	StartKind job.Kind = "start"
	StopKind  job.Kind = "stop"
)

// A StartRequest is the input of StartProjectVersion.
type StartRequest struct {
	Version           arn.ProjectVersion
	MinInferenceUnits int32
	MaxInferenceUnits *int32 // nil: no auto-scaling
}

// Args are the arguments of both kinds of jobs.
type Args struct{ Version arn.ProjectVersion }

// StartProjectVersion begins to start a version and returns its state.
func (s *Service) StartProjectVersion(ctx context.Context, caller arn.Caller, req StartRequest) (customlabels.Status, error) {
	v := req.Version
	if err := s.allow(ctx, caller, "rekognition:StartProjectVersion", v); err != nil {
		return "", err
	}
	units := Units{Min: req.MinInferenceUnits}
	if req.MaxInferenceUnits != nil {
		units.Max = *req.MaxInferenceUnits
	}
	maxUnits, err := s.quotas.Limit(ctx, v.Account, quota.InferenceUnits)
	if err != nil {
		return "", err
	}
	switch {
	case units.Min < 1 || req.MaxInferenceUnits != nil && units.Max < units.Min:
		return "", customlabels.Invalid("MinInferenceUnits must be at least 1, and MaxInferenceUnits not less than MinInferenceUnits.")
	case int(max(units.Min, units.Max)) > maxUnits:
		return "", fault.New(customlabels.LimitExceeded, "A model can have at most %d inference units.", maxUnits)
	}
	now, err := s.registry.Version(ctx, v)
	if err != nil {
		return "", err
	}
	if err := now.CanStart(); err != nil {
		return "", err
	}
	maxRunning, err := s.quotas.Limit(ctx, v.Account, quota.RunningModels)
	if err != nil {
		return "", err
	}
	err = s.store.BeginStart(ctx, v, units, maxRunning, job.Spec{Kind: StartKind, Args: Args{v}})
	if errors.Is(err, customlabels.LimitExceeded) {
		return "", fault.New(customlabels.LimitExceeded, "%d models of this account are running, which is its maximum. Stop one of them first.", maxRunning)
	}
	if err != nil {
		return "", changeRefusal(err, v)
	}
	return customlabels.Starting, nil
}

// StopProjectVersion begins to stop a version and returns its state. Requests
// in flight finish, new ones are refused at once.
func (s *Service) StopProjectVersion(ctx context.Context, caller arn.Caller, v arn.ProjectVersion) (customlabels.Status, error) {
	if err := s.allow(ctx, caller, "rekognition:StopProjectVersion", v); err != nil {
		return "", err
	}
	now, err := s.registry.Version(ctx, v)
	if err != nil {
		return "", err
	}
	if err := now.CanStop(); err != nil {
		return "", err
	}
	err = s.store.BeginStop(ctx, v, job.Spec{Kind: StopKind, Args: Args{v}})
	if err != nil {
		return "", changeRefusal(err, v)
	}
	return customlabels.Stopping, nil
}

// changeRefusal gives the bare code of a store its message.
func changeRefusal(err error, v arn.ProjectVersion) error {
	var refused *fault.Error
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(v)
	default:
		return fmt.Errorf("change the state of %s: %w", v, err)
	}
}
