package registry

import (
	"context"
	"errors"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
)

// distributeArgs are the arguments of the job that moves a fifth of a
// training dataset to the test dataset.
type distributeArgs struct {
	Operation   string
	Train, Test arn.Dataset
}

type distributeWorker struct{ s *Service }

func (distributeWorker) Kind() job.Kind { return DistributeDatasetKind }

// Work moves all entries in one transaction.
func (w distributeWorker) Work(ctx context.Context, run *job.Run) error {
	var args distributeArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	if todo, err := w.s.underWay(ctx, args.Train, args.Operation); err != nil || !todo {
		return err
	}
	var entries []customlabels.Entry
	for e, err := range w.s.Entries(ctx, args.Train) {
		if err != nil {
			return err
		}
		entries = append(entries, customlabels.Entry{SourceRef: e.SourceRef, Labels: e.Labels})
	}
	limits, err := w.s.quotas.ManifestLimits(ctx, args.Train.Account)
	if err != nil {
		return err
	}
	moved, err := manifest.Split(entries, limits.TestImagesPerLabel, "")
	if errors.Is(err, manifest.TooFewPerLabel) {
		outcome, _ := w.s.outcome(nil, manifest.TooFewPerLabel, "", customlabels.DatasetUpdateFailed, "")
		return w.finish(ctx, run, args, outcome)
	}
	if err != nil {
		return wrap(err, "split", args.Train)
	}
	refs := make([]string, len(moved))
	for i, n := range moved {
		refs[i] = entries[n].SourceRef
	}
	outcome, _ := w.s.outcome(nil, nil, customlabels.DatasetUpdateComplete, "", "The dataset was successfully distributed.")
	return wrap(w.s.entries.MoveEntries(ctx, Work{run.Attempt, args.Operation, args.Train}, args.Test, refs, outcome), "move entries of", args.Train)
}

// finish ends the operation on both datasets. Train comes last: while it is
// not finished the job goes on.
func (w distributeWorker) finish(ctx context.Context, run *job.Run, args distributeArgs, o Outcome) error {
	for _, d := range []arn.Dataset{args.Test, args.Train} {
		todo, err := w.s.underWay(ctx, d, args.Operation)
		if err == nil && todo {
			err = w.s.datasets.Finish(ctx, Work{run.Attempt, args.Operation, d}, o)
		}
		if err != nil {
			return wrap(err, "finish distribution to", d)
		}
	}
	return nil
}

// Fail implements job.Worker.
func (w distributeWorker) Fail(ctx context.Context, run *job.Run, cause error) error {
	var args distributeArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	w.s.log.ErrorContext(ctx, "dataset not distributed", "dataset", args.Train, "cause", cause)
	return w.finish(ctx, run, args, w.s.failed(customlabels.DatasetUpdateFailed))
}
