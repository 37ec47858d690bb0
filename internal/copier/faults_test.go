package copier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/job"
	"mimeo/internal/objects"
	"mimeo/internal/vault"
)

// errFault is a fault of the machine: a retry may mend it.
var errFault = errors.New("injected fault")

// faults fails the nth call of the worker that passes it, and every call of one
// name, before or after it is made.
type faults struct {
	calls, at atomic.Int64
	always    string // the name
	met       bool   // a call of that name
	after     bool
}

// around makes a call of the worker, or fails.
func (f *faults) around(name string, call func() error) error {
	nth := f.calls.Add(1) == f.at.Load()
	return f.pass(name, nth, call)
}

// pass makes a call, or fails; the calls of a request are not counted.
func (f *faults) pass(name string, hit bool, call func() error) error {
	if name == f.always {
		hit, f.met = true, true
	}
	if hit && !f.after {
		return errFault
	}
	if err := call(); err != nil {
		return err
	}
	if hit {
		return errFault
	}
	return nil
}

type faultyStore struct {
	copier.Store
	*faults
}

func (s faultyStore) FinishCopy(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, signed []byte, p copier.Progress) error {
	return s.around("FinishCopy", func() error { return s.Store.FinishCopy(ctx, a, v, signed, p) })
}

func (s faultyStore) FailCopy(ctx context.Context, a job.Attempt, v arn.ProjectVersion, m string) error {
	return s.around("FailCopy", func() error { return s.Store.FailCopy(ctx, a, v, m) })
}

func (s faultyStore) Version(ctx context.Context, a arn.ProjectVersion) (v customlabels.ProjectVersion, err error) {
	err = s.around("Version", func() error { v, err = s.Store.Version(ctx, a); return err })
	return v, err
}

func (s faultyStore) InsertCopy(ctx context.Context, v customlabels.NewVersion, call copier.Invocation, spec job.Spec) error {
	return s.pass("InsertCopy", false, func() error { return s.Store.InsertCopy(ctx, v, call, spec) })
}

func (s faultyStore) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, p copier.Progress) error {
	return s.around("SaveProgress", func() error { return s.Store.SaveProgress(ctx, a, v, p) })
}

type faultyVault struct {
	copier.Vault
	*faults
}

func (v faultyVault) Prepare(ctx context.Context, c arn.Caller, keyID string, a arn.ProjectVersion) (use vault.KeyUse, err error) {
	err = v.pass("Prepare", false, func() error { use, err = v.Vault.Prepare(ctx, c, keyID, a); return err })
	return use, err
}

func (v faultyVault) Release(ctx context.Context, use vault.KeyUse) error {
	return v.around("Release", func() error { return v.Vault.Release(ctx, use) })
}

func (v faultyVault) Abandon(ctx context.Context, use vault.KeyUse) error {
	return v.around("Abandon", func() error { return v.Vault.Abandon(ctx, use) })
}

func (v faultyVault) NewVersionKey(ctx context.Context, a arn.ProjectVersion, use vault.KeyUse) (k vault.VersionKey, err error) {
	err = v.around("NewVersionKey", func() error { k, err = v.Vault.NewVersionKey(ctx, a, use); return err })
	return k, err
}

func (v faultyVault) Unlock(ctx context.Context, a arn.ProjectVersion, b customlabels.Bundle) (k vault.VersionKey, err error) {
	err = v.around("Unlock", func() error { k, err = v.Vault.Unlock(ctx, a, b); return err })
	return k, err
}

func (v faultyVault) Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (r io.ReadCloser, err error) {
	err = v.around("Open", func() error { r, err = v.Vault.Open(ctx, k, a); return err })
	return r, err
}

type faultyObjects struct {
	objects.Store
	*faults
}

func (o faultyObjects) Put(ctx context.Context, caller arn.Caller, bucket string, files []objects.File, opts objects.PutOptions) error {
	return o.around("Put", func() error { return o.Store.Put(ctx, caller, bucket, files, opts) })
}

func (o faultyObjects) DeleteIfMarked(ctx context.Context, caller arn.Caller, ref objects.Ref, mark string) error {
	return o.around("DeleteIfMarked", func() error { return o.Store.DeleteIfMarked(ctx, caller, ref, mark) })
}

type faultyJobs struct {
	job.Store
	*faults
}

func (j faultyJobs) RecordStep(ctx context.Context, a job.Attempt, name string, result json.RawMessage) error {
	return j.around("RecordStep", func() error { return j.Store.RecordStep(ctx, a, name, result) })
}

func (v faultyVault) Reseal(ctx context.Context, r vault.Reseal) (a customlabels.Artifact, err error) {
	err = v.around("Reseal", func() error { a, err = v.Vault.Reseal(ctx, r); return err })
	return a, err
}

func (v faultyVault) ReadBack(ctx context.Context, a customlabels.Artifact, bytesPerSecond int64) error {
	return v.around("ReadBack", func() error { return v.Vault.ReadBack(ctx, a, bytesPerSecond) })
}

func (v faultyVault) Publish(ctx context.Context, s vault.Sealing, a customlabels.Artifact) error {
	return v.around("Publish", func() error { return v.Vault.Publish(ctx, s, a) })
}

func (v faultyVault) Discard(ctx context.Context, s vault.Sealing, made digest.Digest) error {
	return v.around("Discard", func() error { return v.Vault.Discard(ctx, s, made) })
}

// inject lets all calls for a copy pass f.
func (w *world) inject(f *faults) {
	w.Store, w.Vault, w.Objects = faultyStore{w.Store, f}, faultyVault{w.Vault, f}, faultyObjects{w.Objects, f}
	w.engine.Store = faultyJobs{w.engine.Store, f}
}

// eachFault runs a test once for every call that the worker makes, in either
// mode, with that call failing, until a run makes fewer calls.
func eachFault(t *testing.T, run func(t *testing.T, w *world)) {
	for _, mode := range []copier.Mode{copier.Share, copier.Reseal} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after the call: %v", mode, after), func(t *testing.T) {
				t.Parallel() // a job that failed is mostly waited for
				for n := int64(1); ; n++ {
					made := int64(0)
					t.Run(fmt.Sprintf("call %d", n), func(t *testing.T) {
						w := newWorld(t)
						w.Mode = mode
						f := &faults{after: after}
						f.at.Store(n)
						w.inject(f)
						run(t, w)
						made = f.calls.Load()
					})
					if made < n {
						break
					}
				}
			})
		}
	}
}

func TestNoFaultHurtsACopy(t *testing.T) {
	t.Parallel()
	eachFault(t, func(t *testing.T, w *world) {
		v := w.start(t, w.request("c1"))
		w.drain(t)
		w.checkCompleted(t, v)
	})
}

func TestNoFaultHurtsTheEndOfAFailedCopy(t *testing.T) {
	t.Parallel()
	eachFault(t, func(t *testing.T, w *world) {
		v := w.start(t, w.request("c1"))
		if err := w.kms.DisableKey(t.Context(), trusted, w.key.String()); err != nil {
			t.Fatal(err)
		}
		w.drain(t)
		w.checkFailed(t, v, "destination")
	})
}

// TestACallThatNeverWorksFailsTheCopy: each call that the work on a copy makes,
// and that ending it does not need, fails as often as it is made.
func TestACallThatNeverWorksFailsTheCopy(t *testing.T) {
	t.Parallel()
	calls := map[copier.Mode][]string{
		copier.Share:  {"Unlock", "NewVersionKey", "Open", "Put", "FinishCopy"},
		copier.Reseal: {"Unlock", "NewVersionKey", "Open", "Put", "FinishCopy", "Reseal", "SaveProgress", "Publish", "ReadBack"},
	}
	for mode, names := range calls {
		for _, name := range names {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, after the call: %v", mode, name, after), func(t *testing.T) {
					t.Parallel() // it is mostly waited for
					w := newWorld(t)
					if name == "SaveProgress" {
						w = big(t) // or there is no checkpoint
					}
					w.Mode = mode
					f := &faults{always: name, after: after}
					w.inject(f)
					v := w.start(t, w.request("c1"))
					w.drain(t)
					if !f.met {
						t.Error("the call is never made")
					}
					if after && (name == "FinishCopy" || name == "SaveProgress") { // it is done, and the next attempt finds it so
						w.checkSame(t, v)
						return
					}
					w.checkFailed(t, v, "The model copy failed")
					w.deleteSource(t) // it has no pin
				})
			}
		}
	}
}

// TestNoFaultHurtsARequest: taking the grants fails, or inserting the copy,
// before it is done or after. A copy whose insertion was done is made, though
// the caller was told of an internal error; of any other nothing is left once
// the server has swept.
func TestNoFaultHurtsARequest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Prepare", "InsertCopy"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after the call: %v", name, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.inject(&faults{always: name, after: after})
				if _, err := w.Start(t.Context(), trusted, w.request("c1")); !errors.Is(err, errFault) {
					t.Fatalf("a request in a fault: %v", err)
				}
				w.drain(t)
				_, err := vault.SweepGrants(t.Context(), w.kms, w.db.Versions(), time.Now())
				must(t, err)
				made, err := w.db.Versions().VersionsBefore(t.Context(), w.into, nil, customlabels.ProjectVersion{}, 100)
				must(t, err)
				if inserted := name == "InsertCopy" && after; inserted && len(made) == 1 {
					w.checkCompleted(t, made[0].ARN)
					return
				}
				if len(made) > 0 {
					t.Errorf("a request that failed left %+v", made)
				}
				w.checkGrants(t, 0, 1) // the source's
				w.deleteSource(t)      // it has no pin
			})
		}
	}
}
