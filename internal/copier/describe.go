package copier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// MaxWait is how long DescribeCopy waits at most for a change.
const MaxWait = time.Minute

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
	c, leave := s.live.use(v)
	defer leave()
	_, changed := s.live.look(c) // before the row: a change that comes between is not missed
	now, err := s.describable(ctx, caller, v)
	if err != nil {
		return Description{}, err
	}
	d, err := s.describe(ctx, now, c)
	if err != nil || wait == 0 || now.Status.IsTerminal() {
		return d, err
	}
	timer, look := time.NewTimer(wait), time.NewTicker(flagEvery)
	defer timer.Stop()
	defer look.Stop()
	for told := d; ; {
		over := false
		select {
		case <-ctx.Done():
			over = true
		case <-s.Closing:
			over = true
		case <-timer.C:
			over = true
		case <-changed:
		case <-look.C: // for what another process does
		}
		_, changed = s.live.look(c)
		after := context.WithoutCancel(ctx)
		if now, err = s.Registry.Version(after, v); err != nil {
			return Description{}, err
		}
		if d, err = s.describe(after, now, c); err != nil || over || d.Revision != told.Revision || d.Status != told.Status {
			return d, err
		}
	}
}

// describable returns the copy where the caller may describe the versions of
// its project. The denial does not tell whether there is such a version.
func (s *Service) describable(ctx context.Context, caller arn.Caller, v arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	const action = "rekognition:DescribeProjectVersions"
	project := arn.Project{Namespace: v.Namespace, Name: v.ProjectName, Stamp: "0"}
	var now customlabels.ProjectVersion
	var missing error = customlabels.ResourceNotFound
	if caller.Owns(v.Namespace) { // else it is denied, and nothing is looked up
		now, missing = s.Registry.Version(ctx, v)
	}
	switch {
	case missing == nil:
		project = now.Project
	case !errors.Is(missing, customlabels.ResourceNotFound):
		return now, missing
	}
	err := s.Registry.Authorize(ctx, caller, action, project, v.Namespace)
	switch {
	case errors.Is(err, customlabels.AccessDenied):
		return now, customlabels.Denied(caller.Principal, action, v.String(), "").Because(err)
	case err != nil:
		return now, err
	}
	if err := aboutCopy(caller, v, now, missing); err != nil {
		return now, err
	}
	return now, missing
}

// aboutCopy refuses a version of another Region, and one that is no copy.
func aboutCopy(caller arn.Caller, v arn.ProjectVersion, now customlabels.ProjectVersion, missing error) error {
	switch {
	case !v.SameRegion(caller.Namespace()):
		return customlabels.Invalid("The project version %s is not in the Region %s that the request was sent to.", v, caller.Region)
	case missing == nil && !now.IsCopy():
		return customlabels.Invalid("The project version %s was trained, not copied.", v)
	default:
		return nil
	}
}

// describe tells of a copy what this process knows that works on it, or else
// what was stored last.
func (s *Service) describe(ctx context.Context, v customlabels.ProjectVersion, c *liveCopy) (Description, error) {
	now, _ := s.live.look(c) // before what is stored: an attempt that ends in between has stored it
	p, err := s.Store.Progress(ctx, v.ARN)
	if err != nil {
		return Description{}, fmt.Errorf("read the progress of %s: %w", v.ARN, err)
	}
	if now.Revision > p.Revision {
		p = now
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
