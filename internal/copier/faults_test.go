package copier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

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

// faults fails the nth call that passes it, before or after it is made.
type faults struct {
	calls, at atomic.Int64
	after     bool
}

// around makes a call, or fails.
func (f *faults) around(call func() error) error {
	hit := f.calls.Add(1) == f.at.Load()
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
	return s.around(func() error { return s.Store.FinishCopy(ctx, a, v, signed, p) })
}

func (s faultyStore) FailCopy(ctx context.Context, a job.Attempt, v arn.ProjectVersion, m string) error {
	return s.around(func() error { return s.Store.FailCopy(ctx, a, v, m) })
}

func (s faultyStore) Version(ctx context.Context, a arn.ProjectVersion) (v customlabels.ProjectVersion, err error) {
	err = s.around(func() error { v, err = s.Store.Version(ctx, a); return err })
	return v, err
}

type faultyVault struct {
	copier.Vault
	*faults
}

func (v faultyVault) Release(ctx context.Context, use vault.KeyUse) error {
	return v.around(func() error { return v.Vault.Release(ctx, use) })
}

func (v faultyVault) Abandon(ctx context.Context, use vault.KeyUse) error {
	return v.around(func() error { return v.Vault.Abandon(ctx, use) })
}

func (v faultyVault) NewVersionKey(ctx context.Context, a arn.ProjectVersion, use vault.KeyUse) (k vault.VersionKey, err error) {
	err = v.around(func() error { k, err = v.Vault.NewVersionKey(ctx, a, use); return err })
	return k, err
}

func (v faultyVault) Unlock(ctx context.Context, a arn.ProjectVersion, b customlabels.Bundle) (k vault.VersionKey, err error) {
	err = v.around(func() error { k, err = v.Vault.Unlock(ctx, a, b); return err })
	return k, err
}

func (v faultyVault) Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (r io.ReadCloser, err error) {
	err = v.around(func() error { r, err = v.Vault.Open(ctx, k, a); return err })
	return r, err
}

type faultyObjects struct {
	objects.Store
	*faults
}

func (o faultyObjects) Put(ctx context.Context, caller arn.Caller, bucket string, files []objects.File, opts objects.PutOptions) error {
	return o.around(func() error { return o.Store.Put(ctx, caller, bucket, files, opts) })
}

func (o faultyObjects) DeleteIfMarked(ctx context.Context, caller arn.Caller, ref objects.Ref, mark string) error {
	return o.around(func() error { return o.Store.DeleteIfMarked(ctx, caller, ref, mark) })
}

type faultyJobs struct {
	job.Store
	*faults
}

func (j faultyJobs) RecordStep(ctx context.Context, a job.Attempt, name string, result json.RawMessage) error {
	return j.around(func() error { return j.Store.RecordStep(ctx, a, name, result) })
}

// inject makes the nth call of the worker fail.
func (w *world) inject(n int64, after bool) *faults {
	f := &faults{after: after}
	f.at.Store(n)
	w.Store, w.Vault, w.Objects = faultyStore{w.Store, f}, faultyVault{w.Vault, f}, faultyObjects{w.Objects, f}
	return f
}

func (v faultyVault) Reseal(ctx context.Context, r vault.Reseal) (a customlabels.Artifact, err error) {
	err = v.around(func() error { a, err = v.Vault.Reseal(ctx, r); return err })
	return a, err
}

func (v faultyVault) Publish(ctx context.Context, s vault.Sealing, a customlabels.Artifact) error {
	return v.around(func() error { return v.Vault.Publish(ctx, s, a) })
}

func (v faultyVault) Discard(ctx context.Context, s vault.Sealing, made digest.Digest) error {
	return v.around(func() error { return v.Vault.Discard(ctx, s, made) })
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
						f := w.inject(n, after)
						w.engine.Store = faultyJobs{w.engine.Store, f}
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
