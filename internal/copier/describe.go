package copier

import (
	"context"
	"fmt"
	"math"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/live"
)

// MaxWait is how long DescribeCopy waits at most for a change.
const MaxWait = live.MaxWait

// A Description is how far a copy has come.
type Description struct {
	Status        customlabels.Status
	StatusMessage string
	Progress                    // of the attempt at work, or of the last one; no bytes for a copy that shares
	Estimated     time.Duration // until all bytes are moved; zero where nobody can tell
}

// DescribeCopy tells how far a copy has come. With a wait it answers at the
// next change, at once where the copy has ended, and at the latest when the
// time is over.
func (s *Service) DescribeCopy(ctx context.Context, caller arn.Caller, v arn.ProjectVersion, wait time.Duration) (Description, error) {
	if wait < 0 || wait > MaxWait {
		return Description{}, customlabels.Invalid("WaitSeconds is from 0 to %d.", int(MaxWait.Seconds()))
	}
	watch := s.live.Watch(v) // before the row: a change that comes between is not missed
	defer watch.Close()
	now, err := s.Registry.Describable(ctx, caller, v)
	if err != nil {
		return Description{}, err
	}
	if !now.IsCopy() {
		return Description{}, noCopy(v)
	}
	d, err := s.describe(ctx, now, watch.Progress())
	if err != nil || wait == 0 || now.Status.IsTerminal() {
		return d, err
	}
	told := d
	err = watch.Await(ctx, wait, s.Closing, func(ctx context.Context) (bool, error) {
		if now, err = s.Registry.Version(ctx, v); err != nil {
			return false, err
		}
		d, err = s.describe(ctx, now, watch.Progress())
		return d.Revision != told.Revision || d.Status != told.Status, err
	})
	return d, err
}

func noCopy(v arn.ProjectVersion) error {
	return customlabels.Invalid("The project version %s was trained, not copied.", v)
}

// describe tells of a copy what this process knew that works on it, or else
// what was stored last. What it knew was read before: an attempt that ends in
// between has stored it.
func (s *Service) describe(ctx context.Context, v customlabels.ProjectVersion, now attempt) (Description, error) {
	p, err := s.Store.Progress(ctx, v.ARN)
	if err != nil {
		return Description{}, fmt.Errorf("read the progress of %s: %w", v.ARN, err)
	}
	if now.Revision > p.Revision {
		p = now.Progress
	}
	// The status is read apart from the progress: that a copy is in progress no
	// more is a revision of its own, whichever of them was read first.
	p.Revision = 2 * max(p.Revision, v.CreatedAt.UnixMilli())
	if v.Status != customlabels.CopyingInProgress {
		p.Revision++
	}
	d := Description{Status: v.Status, StatusMessage: v.StatusMessage, Progress: p}
	if left := float64(p.BytesTotal - p.BytesDone); !v.Status.IsTerminal() && left > 0 && p.Rate > 0 && left/p.Rate < math.MaxInt32 {
		d.Estimated = time.Duration(left / p.Rate * float64(time.Second))
	}
	return d, nil
}
