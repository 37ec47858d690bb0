package training

import (
	"context"
	"fmt"
	"math"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/family"
)

const (
	// newsEvery is how often those who wait are woken for parts alone.
	newsEvery = 200 * time.Millisecond
	// storeEvery is how often the progress of a phase is stored.
	storeEvery = time.Second
)

// attempt is how far a training has come that this process works on.
type attempt struct {
	Progress
	// from is where this attempt found the phase, which its speed is told from.
	from struct {
		Progress
		at time.Time
	}
	told, stored time.Time // when those who wait were woken, and the database was told
}

// Clone is for those who wait.
func (a attempt) Clone() attempt {
	a.Progress = a.Progress.clone()
	return a
}

// left is how long the phase will take; zero where nobody can tell.
func (a attempt) left(now time.Time) time.Duration {
	done, took := a.Done-a.from.Done, now.Sub(a.from.at)
	left := float64(a.Total-a.Done) * float64(took) / float64(done)
	if done <= 0 || took <= 0 || left <= 0 || left > math.MaxInt64/2 {
		return 0
	}
	return time.Duration(left)
}

// note makes a change of how far the training has come. It wakes those who wait
// for a new phase or pass, and now and again; it stores what has changed when a
// phase begins, and once a second.
func (t *training) note(ctx context.Context, change func(*Progress)) error {
	var due bool
	var p Progress
	var message string
	now := t.Now()
	t.live.Change(t.v.ARN, func(a *attempt) bool {
		before := a.Progress
		change(&a.Progress)
		a.Worked = t.worked(now)
		a.touch(now)
		if a.Phase != before.Phase || a.Total != before.Total || a.from.at.IsZero() {
			a.from.Progress, a.from.at = a.Progress, now
		}
		isNew := a.Phase != before.Phase || a.Activity != before.Activity
		if due = isNew || now.Sub(a.stored) >= storeEvery; due {
			a.stored = now
			p, message = a.Progress.clone(), a.message(a.left(now))
		}
		if !isNew && a.Epoch == before.Epoch && now.Sub(a.told) < newsEvery {
			return false
		}
		a.told = now
		return true
	})
	if !due {
		return nil
	}
	return t.save(ctx, p, message)
}

func (t *training) save(ctx context.Context, p Progress, message string) error {
	if err := t.Store.SaveProgress(ctx, t.run.Attempt, t.v.ARN, message, p); err != nil {
		return fmt.Errorf("store the progress of %s: %w", t.v.ARN, err)
	}
	return nil
}

// reached returns how far the training has come.
func (t *training) reached() (p Progress) {
	t.live.Change(t.v.ARN, func(a *attempt) bool {
		a.Worked = t.worked(t.Now())
		a.touch(t.Now())
		p = a.Progress.clone()
		return false
	})
	return p
}

// worked is how long attempts have worked on the training, this one included.
func (t *training) worked(now time.Time) time.Duration {
	return t.stored.Worked + max(0, now.Sub(t.began))
}

// resume lets an attempt go on from what was stored.
func (t *training) resume() {
	t.live.Change(t.v.ARN, func(a *attempt) bool {
		a.Progress = t.stored.clone()
		return false
	})
}

// watch ends the work on a training that another process cancels.
func (s *Service) watch(ctx context.Context, v arn.ProjectVersion) (stop func()) {
	return s.live.StopWhen(ctx, v, ErrCancelled, func(ctx context.Context) bool {
		by, err := s.Store.CancelledBy(ctx, v)
		return err == nil && by != ""
	})
}

// A reporter notes what a family tells of a training.
type reporter struct {
	*training
	ctx context.Context // of the call that reports
	err error           // the first
}

func (r *reporter) report(told family.Progress) {
	if r.err == nil {
		r.err = r.note(r.ctx, func(p *Progress) { p.fit(told) })
	}
}
