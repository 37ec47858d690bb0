package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/vault"
)

// train fits the model, over as many slices as it takes, and seals its
// weights.
func (t *training) train(ctx context.Context, key vault.VersionKey) (customlabels.Artifact, error) {
	return job.Step(ctx, t.run, sealStep(customlabels.Weights), func(ctx context.Context) (customlabels.Artifact, error) {
		f, err := t.family(t.plan.task)
		if err != nil {
			return customlabels.Artifact{}, err
		}
		if err := os.MkdirAll(t.scratch(), 0o700); err != nil {
			return customlabels.Artifact{}, fmt.Errorf("make room for checkpoints: %w", err)
		}
		reporter := &reporter{training: t, ctx: ctx}
		req := t.trainRequest(ctx)
		req.Progress = reporter.report
		weights, err := t.seal(ctx, key, customlabels.Weights, func(w io.Writer) error { return f.Train(ctx, req, w) })
		switch {
		case errors.Is(err, family.ErrUnfinished):
			return weights, job.Snooze(0)
		case errors.Is(err, errNoRoom):
			return weights, job.Wait(0)
		case reporter.err != nil:
			return weights, errors.Join(reporter.err, err)
		case err != nil:
			return weights, fmt.Errorf("train %s: %w", t.v.ARN, err)
		}
		return weights, nil
	})
}

func (t *training) trainRequest(ctx context.Context) family.TrainRequest {
	req := family.TrainRequest{
		Labels: t.plan.labels, Task: t.plan.task, Seed: t.seed(), Scratch: t.scratch(), Deadline: t.until, Turn: t.share.Turn,
		Memory: func(bytes int64) error { return t.takeMemory(ctx, bytes) },
	}
	for _, x := range t.plan.train.Samples() {
		req.Examples = append(req.Examples, t.example(ctx, x))
	}
	return req
}

// seal stores what write writes as an artifact, without a copy in between.
func (t *training) seal(ctx context.Context, key vault.VersionKey, role customlabels.Role, write func(io.Writer) error) (_ customlabels.Artifact, err error) {
	plain := produce(write)
	defer func() { err = errors.Join(err, plain.Close()) }()
	a, err := t.Vault.Seal(ctx, key, role, plain)
	if err == nil {
		t.sealed = append(t.sealed, a)
	}
	return a, err
}

// sealStep is the step that records the artifact of a role.
func sealStep(role customlabels.Role) string {
	if role == customlabels.Weights {
		return "weights"
	}
	return "seal " + string(role)
}

// A production reads what a function writes at the same time, and fails where
// the function fails.
type production struct {
	*io.PipeReader
	group errgroup.Group
}

func produce(write func(io.Writer) error) *production {
	r, w := io.Pipe()
	p := &production{PipeReader: r}
	p.group.Go(func() error { return w.CloseWithError(write(w)) })
	return p
}

// Close ends the function, also where it has not written all, and waits for
// it.
func (p *production) Close() error {
	return errors.Join(p.CloseWithError(io.ErrClosedPipe), p.group.Wait())
}
