package training

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/live"
)

// MaxWait is how long DescribeTraining waits at most for a change.
const MaxWait = live.MaxWait

// A Description is how far a training has come.
type Description struct {
	Status        customlabels.Status
	StatusMessage string
	Progress                    // of the attempt at work, or as it was stored last
	Estimated     time.Duration // until the phase is over; zero where nobody can tell
}

// A DescribeRequest is the input of DescribeTraining.
type DescribeRequest struct {
	Version arn.ProjectVersion
	Wait    time.Duration
	// Revision is that of what the caller knows; zero: what is there now.
	Revision int64
}

// DescribeTraining tells how far a training has come. With a wait it answers at
// the next change after the revision that the caller knows, at once where the
// training has ended, and at the latest when the time is over.
func (s *Service) DescribeTraining(ctx context.Context, caller arn.Caller, req DescribeRequest) (Description, error) {
	v := req.Version
	if req.Wait < 0 || req.Wait > MaxWait {
		return Description{}, customlabels.Invalid("WaitSeconds is from 0 to %d.", int(MaxWait.Seconds()))
	}
	watch := s.live.Watch(v) // before the row: a change that comes between is not missed
	defer watch.Close()
	now, err := s.Registry.Describable(ctx, caller, v)
	if err != nil {
		return Description{}, err
	}
	if now.IsCopy() {
		return Description{}, noTraining(v)
	}
	d, err := s.describe(ctx, now, watch.Progress())
	known := cmp.Or(req.Revision, d.Revision)
	if err != nil || req.Wait == 0 || d.Revision != known || now.Status != customlabels.TrainingInProgress {
		return d, err
	}
	err = watch.Await(ctx, req.Wait, s.Closing, func(ctx context.Context) (bool, error) {
		if now, err = s.Registry.Version(ctx, v); err != nil {
			return false, err
		}
		d, err = s.describe(ctx, now, watch.Progress())
		return d.Revision != known, err
	})
	return d, err
}

func noTraining(v arn.ProjectVersion) error {
	return customlabels.Invalid("The project version %s was copied, not trained.", v)
}

// describe tells of a training what this process knew that works on it, or else
// what was stored last. What it knew was read before: an attempt that ends in
// between has stored it.
func (s *Service) describe(ctx context.Context, v customlabels.ProjectVersion, now attempt) (Description, error) {
	p, err := s.Store.Progress(ctx, v.ARN)
	if err != nil {
		return Description{}, fmt.Errorf("read the progress of %s: %w", v.ARN, err)
	}
	d := Description{Status: v.Status, StatusMessage: v.StatusMessage, Progress: p}
	if now.Revision > p.Revision {
		d.Progress, d.Estimated = now.Progress, now.left(s.Now())
	}
	// The status is read apart from the progress: that a training is in progress
	// no more is a revision of its own, whichever of them was read first.
	d.Revision = 2 * max(d.Revision, v.CreatedAt.UnixMilli())
	if v.Status != customlabels.TrainingInProgress {
		d.Revision++
	}
	return d, nil
}
