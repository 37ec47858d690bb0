package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
)

// createDatasetArgs are the arguments of the job that fills a new dataset,
// from a manifest that it reads as the caller, or from another dataset.
type createDatasetArgs struct {
	Operation string
	Dataset   arn.Dataset
	Caller    arn.Caller
	Manifest  *objects.Ref
	Source    *arn.Dataset
}

type createDatasetWorker struct{ s *Service }

func (createDatasetWorker) Kind() job.Kind { return CreateDatasetKind }

// Work fills the dataset, from the beginning where an earlier attempt did not
// come to the end of it, and then looks at its images.
func (w createDatasetWorker) Work(ctx context.Context, run *job.Run) error {
	var args createDatasetArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	if todo, err := w.s.underWay(ctx, args.Dataset, args.Operation); err != nil || !todo {
		return err
	}
	work := Work{run.Attempt, args.Operation, args.Dataset}
	outcome, err := job.Step(ctx, run, "fill", func(ctx context.Context) (Outcome, error) { return w.refill(ctx, work, args) })
	if err != nil {
		return wrap(err, "fill dataset", args.Dataset)
	}
	if outcome.Status == customlabels.DatasetCreateComplete && args.Manifest != nil {
		if err := w.s.inspectAll(ctx, run, work, args.Caller); err != nil {
			return wrap(err, "look at the images of", args.Dataset)
		}
	}
	outcome.At = w.s.now()
	return wrap(w.s.datasets.Finish(ctx, work, outcome), "finish dataset", args.Dataset)
}

// refill removes what an earlier attempt wrote and fills the dataset; what is
// refused leaves it empty.
func (w createDatasetWorker) refill(ctx context.Context, work Work, args createDatasetArgs) (Outcome, error) {
	if err := w.s.clear(ctx, work); err != nil {
		return Outcome{}, err
	}
	outcome, err := w.fill(ctx, work, args)
	if err != nil || outcome.Status == customlabels.DatasetCreateComplete {
		return outcome, err
	}
	return outcome, w.s.clear(ctx, work)
}

func (w createDatasetWorker) fill(ctx context.Context, work Work, args createDatasetArgs) (Outcome, error) {
	if args.Source != nil {
		err := w.s.entries.CopyEntries(ctx, work, *args.Source)
		if errors.Is(err, customlabels.ResourceNotFound) {
			err = manifest.FileError("The source dataset does not exist any more.")
		}
		return w.outcome(nil, err, "The dataset was successfully created from the source dataset.")
	}
	limits, err := w.s.quotas.ManifestLimits(ctx, args.Dataset.Account)
	if err != nil {
		return Outcome{}, err
	}
	im := newImporter(limits)
	err = w.importManifest(ctx, work, args, im)
	return w.outcome(im, err, "The dataset was successfully created from the manifest file.")
}

func (w createDatasetWorker) outcome(im *importer, err error, sentence string) (Outcome, error) {
	return w.s.outcome(im, err, customlabels.DatasetCreateComplete, customlabels.DatasetCreateFailed, sentence)
}

func (w createDatasetWorker) importManifest(ctx context.Context, work Work, args createDatasetArgs, im *importer) error {
	body, info, err := OpenManifest(ctx, w.s.objects, args.Caller, *args.Manifest)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // a damaged object fails its last read
	if info.Size > im.within.Size {
		return manifest.TooLarge
	}
	var position int64
	return im.read(body, func(entries []customlabels.Entry) error {
		err := w.s.entries.AppendEntries(ctx, work, position, entries)
		position += int64(len(entries))
		return err
	})
}

// Fail implements job.Worker.
func (w createDatasetWorker) Fail(ctx context.Context, run *job.Run, cause error) error {
	var args createDatasetArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	if todo, err := w.s.underWay(ctx, args.Dataset, args.Operation); err != nil || !todo {
		return err
	}
	work := Work{run.Attempt, args.Operation, args.Dataset}
	if err := w.s.clear(ctx, work); err != nil {
		return err
	}
	w.s.log.ErrorContext(ctx, "dataset not created", "dataset", args.Dataset, "cause", cause)
	return wrap(w.s.datasets.Finish(ctx, work, w.s.failed(customlabels.DatasetCreateFailed)), "fail dataset", args.Dataset)
}

// OpenManifest opens a manifest for a job, as the caller whose request began
// it. Where it is not what a manifest can be, or cannot be read, it fails with
// the manifest.FileError that AWS has for that.
func OpenManifest(ctx context.Context, store objects.Store, caller arn.Caller, ref objects.Ref) (io.ReadCloser, objects.Info, error) {
	if path.Ext(ref.Key) == "" {
		return nil, objects.Info{}, manifest.Unsupported
	}
	body, info, err := store.Get(ctx, caller, ref)
	switch {
	case errors.Is(err, objects.NoSuchBucket) || errors.Is(err, objects.NoSuchKey):
		err = manifest.Unsupported
	case isRefusal(err):
		err = manifest.BucketPermissions
	case err != nil:
		err = fmt.Errorf("open manifest s3://%s/%s: %w", ref.Bucket, ref.Key, err)
	}
	return body, info, err
}
