package copier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/objects"
	"mimeo/internal/quota"
	"mimeo/internal/vault"
)

func (w *world) cancel(t testing.TB, v arn.ProjectVersion) error {
	t.Helper()
	_, err := w.CancelCopy(t.Context(), trusted, v)
	return err
}

// checkCancelled checks that nothing of a copy is left and its name is free.
func (w *world) checkCancelled(t testing.TB, v arn.ProjectVersion) {
	t.Helper()
	if _, err := w.db.Versions().Version(t.Context(), v); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("the cancelled copy is still there (%v)", err)
	}
	w.checkGrants(t, 0, 1) // the source's
	w.checkStaged(t, 0)
	w.checkBlobs(t)
	if err := w.cancel(t, v); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("cancelling what is gone: %v", err)
	}
	again := w.start(t, w.request(v.Name))
	w.drain(t)
	w.checkCompleted(t, again) // deletes the source too: it has no pin
}

func TestACopyIsCancelledBeforeItsJobRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	for range 2 {
		if status, err := w.CancelCopy(t.Context(), trusted, v); err != nil || status != customlabels.Deleting {
			t.Errorf("CancelCopy = %s, %v", status, err)
		}
	}
	w.drain(t)
	w.checkCancelled(t, v)
}

// cancelling calls when before a version key is opened.
type cancelling struct {
	copier.Vault
	when func()
}

func (v cancelling) Unlock(ctx context.Context, a arn.ProjectVersion, b customlabels.Bundle) (vault.VersionKey, error) {
	v.when()
	return v.Vault.Unlock(ctx, a, b)
}

// TestACopyIsCancelledWhileItsJobRuns: at each time that a key is opened; the
// last is that of the results.
func TestACopyIsCancelledWhileItsJobRuns(t *testing.T) {
	t.Parallel()
	for _, mode := range []copier.Mode{copier.Share, copier.Reseal} {
		for at := range map[copier.Mode]int{copier.Share: 2, copier.Reseal: 3}[mode] {
			t.Run(fmt.Sprint(mode, " at ", at), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				req := w.request("c1")
				req.Mode = mode
				v := w.start(t, req)
				calls := 0
				whole := w.Vault
				w.Vault = cancelling{whole, func() {
					if calls++; calls == at+1 {
						must(t, w.cancel(t, v))
					}
				}}
				w.drain(t)
				w.Vault = whole
				w.checkCancelled(t, v)
			})
		}
	}
}

func TestNoFaultHurtsACancelledCopy(t *testing.T) {
	t.Parallel()
	eachFault(t, func(t *testing.T, w *world) {
		v := w.start(t, w.request("c1"))
		must(t, w.cancel(t, v))
		w.drain(t)
		if _, err := w.db.Versions().Version(t.Context(), v); !errors.Is(err, customlabels.ResourceNotFound) {
			t.Errorf("the cancelled copy is still there (%v)", err)
		}
		w.checkGrants(t, 0, 1)
	})
}

// TestACancelledCopyDoesNotWaitForItsNextAttempt that is minutes away.
func TestACancelledCopyDoesNotWaitForItsNextAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failed := make(chan struct{}, 100)
	whole := w.Vault
	w.Vault = cancelling{broken{whole}, func() { failed <- struct{}{} }}
	v := w.start(t, w.request("c1"))
	w.engine.Start(t, job.Options{Backoff: func(int) time.Duration { return time.Hour }}, w.Workers()...)
	<-failed
	time.Sleep(50 * time.Millisecond) // the attempt ends
	must(t, w.cancel(t, v))
	w.awaitGone(t, v)
}

// TestAResealWithoutAPlaceKeepsNobodyWaiting: no other copy, and not its own
// cancellation.
func TestAResealWithoutAPlaceKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Places = quota.NewPlaces(1)
	leave, ok := w.Places.Take("000000000000")
	if !ok {
		t.Fatal("a free place cannot be taken")
	}
	cancelled, later, shared := w.start(t, w.resealed("c1")), w.start(t, w.resealed("c2")), w.start(t, w.request("c3"))
	w.engine.Start(t, impatient, w.Workers()...)
	w.awaitEnd(t, shared)
	must(t, w.cancel(t, cancelled))
	w.awaitGone(t, cancelled)
	if now := w.version(t, later).Status; now != customlabels.CopyingInProgress {
		t.Errorf("the reseal without a place is %s", now)
	}
	leave()
	w.awaitEnd(t, later)
	w.checkSame(t, later)
}

// awaitEnd waits for a copy to end.
func (w *world) awaitEnd(t *testing.T, v arn.ProjectVersion) {
	t.Helper()
	for {
		d, err := w.DescribeCopy(t.Context(), trusted, v, 10*time.Second)
		must(t, err)
		if d.Status.IsTerminal() {
			return
		}
	}
}

// awaitGone waits for a cancelled copy to vanish, not for its next attempt that
// is an hour away.
func (w *world) awaitGone(t *testing.T, v arn.ProjectVersion) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		_, err := w.db.Versions().Version(t.Context(), v)
		if errors.Is(err, customlabels.ResourceNotFound) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the cancelled copy waits for its next attempt")
		}
	}
}

// reading calls after when a version was read.
type reading struct {
	copier.Store
	after func(arn.ProjectVersion)
}

func (s reading) Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	v, err := s.Store.Version(ctx, a)
	s.after(a)
	return v, err
}

// TestACancellationIsHeardOnceTheStatusIsRead: no key is opened after it.
func TestACancellationIsHeardOnceTheStatusIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.resealed("c1"))
	opened := 0
	store, whole := w.Store, w.Vault
	w.Vault = cancelling{whole, func() { opened++ }}
	w.Store = reading{store, func(a arn.ProjectVersion) {
		if a == v {
			must(t, w.cancel(t, v))
		}
	}}
	w.engine.Drain(t, impatient, w.Workers()...)
	w.Store, w.Vault = store, whole
	if opened > 0 {
		t.Errorf("after the cancellation %d keys were opened, want none", opened)
	}
	w.checkCancelled(t, v)
}

// removing calls when before a file is removed.
type removing struct {
	objects.Store
	when func()
}

func (o removing) DeleteIfMarked(ctx context.Context, caller arn.Caller, ref objects.Ref, mark string) error {
	o.when()
	return o.Store.DeleteIfMarked(ctx, caller, ref, mark)
}

// TestACopyIsCancelledWhileItFails: it vanishes in the same attempt.
func TestACopyIsCancelledWhileItFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.loseBlob(t, customlabels.EvaluationSummary)
	v := w.start(t, w.request("c1"))
	w.Objects = removing{w.Objects, sync.OnceFunc(func() { must(t, w.cancel(t, v)) })}
	w.engine.Start(t, job.Options{Backoff: func(int) time.Duration { return time.Hour }}, w.Workers()...)
	w.awaitGone(t, v)
	w.checkGrants(t, 0, 1) // the source's
}

type broken struct{ copier.Vault }

func (broken) Unlock(context.Context, arn.ProjectVersion, customlabels.Bundle) (vault.VersionKey, error) {
	return vault.VersionKey{}, errFault
}

func TestWhatHasEndedIsNotCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	if err := w.cancel(t, v); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("cancelling a finished copy: %v", err)
	}
	if _, err := w.CancelCopy(t.Context(), trusting, w.source.ARN); !errors.Is(err, customlabels.InvalidParameter) {
		t.Errorf("cancelling what was trained: %v", err)
	}
	if _, err := w.CancelCopy(t.Context(), trusting, v); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("cancelling another account's copy: %v", err)
	}
	w.checkCompleted(t, v)
}

// heldStore holds an attempt at its checkpoints until it may go on, so that a
// test on a busy machine is not too late to see it.
type heldStore struct {
	copier.Store
	goOn <-chan struct{}
}

func (s heldStore) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, p copier.Progress) error {
	err := s.Store.SaveProgress(ctx, a, v, p)
	select {
	case <-s.goOn:
	case <-ctx.Done():
	case <-time.After(20 * time.Second): // it is never told how far it came
	}
	return err
}

// TestProgressIsToldWhileItIsMade follows a slow reseal to its end: each
// answer comes at a change, and the bytes only grow.
func TestProgressIsToldWhileItIsMade(t *testing.T) {
	t.Parallel()
	w := big(t)
	req := w.resealed("c1")
	req.RateLimit = 8 << 20
	goOn := make(chan struct{})
	told := sync.OnceFunc(func() { close(goOn) })
	w.Store = heldStore{w.Store, goOn}
	v := w.start(t, req)
	w.engine.Start(t, impatient, w.Workers()...)
	var seen []copier.Description
	for len(seen) == 0 || !seen[len(seen)-1].Status.IsTerminal() {
		d, err := w.DescribeCopy(t.Context(), trusted, v, 10*time.Second)
		must(t, err)
		seen = append(seen, d)
		if d.Estimated > 0 {
			told()
		}
	}
	all := int64(0)
	for _, a := range w.source.Bundle.Artifacts {
		all += a.Size
	}
	between, estimated, steps := 0, 0, []string{}
	for i, d := range seen {
		if i > 0 && d.BytesDone < seen[i-1].BytesDone && !d.Status.IsTerminal() {
			t.Errorf("%d bytes are done after %d were", d.BytesDone, seen[i-1].BytesDone)
		}
		if d.BytesDone > 0 && d.BytesDone < all && d.BytesTotal == all {
			between++
		}
		if d.Estimated > 0 && d.Rate > 0 {
			estimated++
		}
		for _, s := range d.Steps {
			if !slices.Contains(steps, s.Name) {
				steps = append(steps, s.Name)
			}
		}
	}
	if between == 0 || estimated == 0 || !slices.Contains(steps, "reseal weights") {
		t.Errorf("of %d answers %d were on the way, %d with an estimate; steps %q", len(seen), between, estimated, steps)
	}
	if last := seen[len(seen)-1]; last.Status != customlabels.CopyingCompleted {
		t.Errorf("the copy is %s", last.Status)
	}
}

func TestAWaitEndsWithItsTimeItsRequestAndTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1")) // nobody works on it
	closing := make(chan struct{})
	w.Closing = closing
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ask := range map[string]func() (copier.Description, error){
		"the request": func() (copier.Description, error) {
			return w.DescribeCopy(ended, trusted, v, copier.MaxWait)
		},
		"its time": func() (copier.Description, error) {
			return w.DescribeCopy(t.Context(), trusted, v, time.Millisecond)
		},
		"the server": func() (copier.Description, error) {
			close(closing)
			return w.DescribeCopy(t.Context(), trusted, v, copier.MaxWait)
		},
	} {
		begin := time.Now()
		d, err := ask()
		if name != "the request" && (err != nil || d.Status != customlabels.CopyingInProgress) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: the answer took %s", name, took)
		}
	}
	asked := &calls{}
	w.Registry = notingRegistry{w.Registry, asked}
	if _, err := w.DescribeCopy(t.Context(), trusting, v, 0); !errors.Is(err, customlabels.AccessDenied) || asked.made != nil {
		t.Errorf("another account is told of the copy: %v, after %q", err, asked.made)
	}
	gone := w.into.Version("never", "1")
	if _, err := w.DescribeCopy(t.Context(), trusting, gone, 0); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("another account is told that there is no copy: %v", err)
	}
	if _, err := w.DescribeCopy(t.Context(), trusted, gone, 0); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("a copy that is not there: %v", err)
	}
}
