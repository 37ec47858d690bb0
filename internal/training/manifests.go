package training

import (
	"context"
	"errors"
	"io"
	"iter"

	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
)

// readManifests copies the lines of the manifests that the request named, so
// that all slices see the same.
func (t *training) readManifests(ctx context.Context) error {
	for _, set := range []customlabels.DatasetType{customlabels.Train, customlabels.Test} {
		at, ok := t.v.Input.Manifest(set)
		if !ok {
			continue
		}
		_, err := job.Step(ctx, t.run, "read "+string(set), func(ctx context.Context) (bool, error) {
			return true, t.readManifest(ctx, set, objects.Ref{Bucket: at.Bucket, Key: at.Key})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *training) readManifest(ctx context.Context, set customlabels.DatasetType, ref objects.Ref) error {
	body, _, err := t.Objects.Get(ctx, t.args.Caller, ref)
	if err != nil {
		return manifestRefusal(err, ref)
	}
	limits, err := t.limits(ctx)
	if err == nil {
		err = t.Store.PutLines(ctx, t.run.Attempt, t.v.ARN, set, manifestLines(body, limits))
	}
	return errors.Join(err, body.Close())
}

// limits are those of the account's quotas when the training first asks: all
// slices see the same.
func (t *training) limits(ctx context.Context) (manifest.Limits, error) {
	return job.Step(ctx, t.run, "manifest limits", func(ctx context.Context) (manifest.Limits, error) {
		return t.Quotas.ManifestLimits(ctx, t.v.ARN.Account)
	})
}

// manifestLines yields the lines of a manifest, good and bad. It ends with a
// manifest.FileError where the file as a whole is none.
func manifestLines(r io.Reader, within manifest.Limits) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		lines := manifest.NewReader(r, within)
		for n := 0; ; n++ {
			raw, err := lines.Next()
			switch {
			case errors.Is(err, io.EOF) && n == 0:
				yield(Line{}, manifest.Empty)
				return
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Line{}, err)
				return
			}
			line := Line{Text: string(raw.Text)}
			if raw.Refused != "" {
				line = Line{Refused: raw.Refused} // its text may be cut, or no text
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// makePlan reads the sets, looks at their images and decides what is trained
// on and tested with.
func (t *training) makePlan(ctx context.Context) error {
	var err error
	if t.plan.within, err = t.limits(ctx); err != nil {
		return err
	}
	if t.plan.train, err = t.readSet(ctx, customlabels.Train); err != nil {
		return err
	}
	if t.plan.test, err = t.readSet(ctx, customlabels.Test); err != nil {
		return err
	}
	t.plan.train.checkLines()
	t.plan.test.checkLines()
	if len(t.plan.problems()) == 0 {
		if err := t.checkImages(ctx, t.plan.train); err != nil {
			return err
		}
		if err := t.checkImages(ctx, t.plan.test); err != nil {
			return err
		}
	}
	t.plan.settle(t.v.Input.AutoCreate)
	return nil
}

func (t *training) readSet(ctx context.Context, kind customlabels.DatasetType) (*set, error) {
	s, err := readSet(kind, t.Store.Lines(ctx, t.v.ARN, kind), t.plan.within)
	if err != nil {
		return nil, err
	}
	if s.total == 0 && !(kind == customlabels.Test && t.v.Input.AutoCreate) {
		return nil, manifest.Empty
	}
	return s, nil
}
