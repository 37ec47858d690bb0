package copier

import (
	"context"
	"errors"
	"math"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// MaxWait is how long DescribeCopy waits at most for a change.
const MaxWait = time.Minute

// A Description is how far a copy has come.
type Description struct {
	Status                customlabels.Status
	StatusMessage         string
	Steps                 []Step // of the attempt at work, or of the last one
	BytesDone, BytesTotal int64  // sealed; none for a copy that shares
	Rate                  float64
	Estimated             time.Duration // until all bytes are moved; zero where nobody can tell
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
	p, changed := s.live.look(c) // before the row: a change that comes between is not missed
	now, err := s.describable(ctx, caller, v)
	if err != nil {
		return Description{}, err
	}
	if wait > 0 && !now.Status.IsTerminal() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-s.Closing:
		case <-timer.C:
		case <-changed:
		}
		p, _ = s.live.look(c)
		if now, err = s.Registry.Version(context.WithoutCancel(ctx), v); err != nil {
			return Description{}, err
		}
	}
	return describe(now, p), nil
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

func describe(v customlabels.ProjectVersion, p progress) Description {
	d := Description{Status: v.Status, StatusMessage: v.StatusMessage, Steps: p.steps, BytesDone: p.done, BytesTotal: p.all, Rate: p.rate}
	if left := float64(p.all - p.done); left > 0 && p.rate > 0 && left/p.rate < math.MaxInt32 {
		d.Estimated = time.Duration(left / p.rate * float64(time.Second))
	}
	return d
}
