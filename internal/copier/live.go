package copier

import (
	"context"
	"maps"
	"slices"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// A Step is a part of a copy, with the times at which it was begun and done.
type Step struct {
	Name       string
	Start, End time.Time // zero End: not done yet
}

// A Progress is how far a copy has come. It is stored with the copy whenever
// something else is written of it, and outlives the attempt and the process.
type Progress struct {
	Steps                 []Step
	BytesDone, BytesTotal int64 // sealed
	Rate                  float64
	// Revision grows with every change. It is never behind the clock, so that
	// it grows also where a process ended whose last changes nobody stored.
	Revision int64
	// Sealed is, of each artifact, how many sealed bytes are durable.
	Sealed map[customlabels.Role]int64
}

func (p Progress) clone() Progress {
	p.Steps, p.Sealed = slices.Clone(p.Steps), maps.Clone(p.Sealed)
	return p
}

// touch notes that p has changed.
func (p *Progress) touch(now time.Time) { p.Revision = max(p.Revision+1, now.UnixMilli()) }

// Touched is p with a greater revision.
func (p Progress) Touched(now time.Time) Progress {
	p.touch(now)
	return p
}

// A sample is how many bytes there were at a time.
type sample struct {
	at   time.Time
	done int64
}

// attempt is how far a copy has come that this process works on.
type attempt struct {
	Progress
	from sample    // of the rate
	told time.Time // when those who wait were woken for bytes alone
}

// Clone is for those who wait.
func (a attempt) Clone() attempt {
	a.Progress = a.Progress.clone()
	return a
}

// resume lets an attempt go on from what was stored of the copy.
func (s *Service) resume(v arn.ProjectVersion, stored Progress) {
	s.live.Change(v, func(a *attempt) bool {
		a.Progress = stored
		return false
	})
}

// progress returns how far a copy has come that this process works on.
func (s *Service) progress(v arn.ProjectVersion) (p Progress) {
	s.live.Change(v, func(a *attempt) bool {
		a.touch(s.Now())
		p = a.Progress.clone()
		return false
	})
	return p
}

// step begins a step of a copy, and returns how to end it. A step that was
// begun before goes on, and keeps the times that it has.
func (s *Service) step(v arn.ProjectVersion, name string) (end func()) {
	set := func(apply func(*Progress, int)) {
		s.live.Change(v, func(a *attempt) bool {
			p := &a.Progress
			apply(p, slices.IndexFunc(p.Steps, func(s Step) bool { return s.Name == name }))
			p.touch(s.Now())
			return true
		})
	}
	set(func(p *Progress, at int) {
		if at < 0 {
			p.Steps = append(p.Steps, Step{Name: name, Start: s.Now()})
		}
	})
	return func() {
		set(func(p *Progress, at int) {
			if at >= 0 && p.Steps[at].End.IsZero() {
				p.Steps[at].End = s.Now()
			}
		})
	}
}

// newsEvery is how often those who wait are woken for bytes alone.
const newsEvery = 200 * time.Millisecond

// moved notes how many of a copy's bytes there are. The rate is that of this
// attempt.
func (s *Service) moved(v arn.ProjectVersion, done, all int64) {
	now := s.Now()
	s.live.Change(v, func(a *attempt) bool {
		p := &a.Progress
		if a.from.at.IsZero() {
			a.from = sample{now, done}
		}
		p.BytesDone, p.BytesTotal = done, all
		if took := now.Sub(a.from.at).Seconds(); took > 0 && done > a.from.done {
			p.Rate = float64(done-a.from.done) / took
		}
		p.touch(now)
		if now.Sub(a.told) < newsEvery {
			return false
		}
		a.told = now
		return true
	})
}

// sealed notes how many of an artifact's sealed bytes are durable.
func (s *Service) sealed(v arn.ProjectVersion, role customlabels.Role, n int64) {
	s.live.Change(v, func(a *attempt) bool {
		if a.Sealed == nil {
			a.Sealed = map[customlabels.Role]int64{}
		}
		a.Sealed[role] = n
		return false
	})
}

// watch ends the work on a copy that another process cancels.
func (s *Service) watch(ctx context.Context, v arn.ProjectVersion) (stop func()) {
	return s.live.StopWhen(ctx, v, ErrCancelled, func(ctx context.Context) bool {
		now, err := s.Store.Version(ctx, v)
		return err == nil && IsCancelled(now)
	})
}
