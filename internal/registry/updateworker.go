package registry

import (
	"bytes"
	"context"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
)

// updateDatasetArgs are the arguments of the job that merges the lines of an
// UpdateDatasetEntries, which are stored beside the dataset.
type updateDatasetArgs struct {
	Operation string
	Dataset   arn.Dataset
	Caller    arn.Caller // as whom images are looked at
}

type updateDatasetWorker struct{ s *Service }

func (updateDatasetWorker) Kind() job.Kind { return UpdateDatasetKind }

// Work merges all lines in one transaction, so that a failed update changes
// nothing.
func (w updateDatasetWorker) Work(ctx context.Context, run *job.Run) error {
	var args updateDatasetArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	if todo, err := w.s.underWay(ctx, args.Dataset, args.Operation); err != nil || !todo {
		return err
	}
	work := Work{run.Attempt, args.Operation, args.Dataset}
	limits, err := w.s.quotas.ManifestLimits(ctx, args.Dataset.Account)
	if err != nil {
		return err
	}
	im := newImporter(limits)
	entries, err := w.read(ctx, work, im)
	if err == nil {
		_, err = w.s.inspect(ctx, args.Caller, entries)
	}
	outcome, fatal := w.outcome(im, err)
	if fatal != nil {
		return wrap(fatal, "read changes of", args.Dataset)
	}
	if outcome.Status == customlabels.DatasetUpdateComplete {
		err = w.s.entries.MergeEntries(ctx, work, entries, im.accepts, outcome)
		if err == nil {
			return nil
		}
		if outcome, fatal = w.outcome(im, err); fatal != nil {
			return wrap(fatal, "merge changes into", args.Dataset)
		}
	}
	return wrap(w.s.datasets.Finish(ctx, work, outcome), "finish update of", args.Dataset)
}

func (w updateDatasetWorker) outcome(im *importer, err error) (Outcome, error) {
	return w.s.outcome(im, err, customlabels.DatasetUpdateComplete, customlabels.DatasetUpdateFailed, "The dataset was successfully updated.")
}

// read parses the changes. Their images must be in the bucket of those that
// the dataset has.
func (w updateDatasetWorker) read(ctx context.Context, work Work, im *importer) ([]customlabels.Entry, error) {
	lines, err := w.s.entries.Changes(ctx, work)
	if err != nil {
		return nil, err
	}
	present, _, err := w.s.entries.EntriesAfter(ctx, work.Dataset, EntryFilter{}, 0, 1)
	if err != nil {
		return nil, err
	}
	for _, e := range present {
		line, err := manifest.Parse([]byte(e.Line), im.within)
		if err != nil {
			return nil, fmt.Errorf("parse stored entry %s: %w", e.SourceRef, err)
		}
		im.bucket = line.Image.Bucket
	}
	var entries []customlabels.Entry
	err = im.read(bytes.NewReader(lines), func(some []customlabels.Entry) error {
		entries = append(entries, some...)
		return nil
	})
	return entries, err
}

// Fail implements job.Worker.
func (w updateDatasetWorker) Fail(ctx context.Context, run *job.Run, cause error) error {
	var args updateDatasetArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	if todo, err := w.s.underWay(ctx, args.Dataset, args.Operation); err != nil || !todo {
		return err
	}
	w.s.log.ErrorContext(ctx, "dataset not updated", "dataset", args.Dataset, "cause", cause)
	work := Work{run.Attempt, args.Operation, args.Dataset}
	return wrap(w.s.datasets.Finish(ctx, work, w.s.failed(customlabels.DatasetUpdateFailed)), "fail update of", args.Dataset)
}
