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
	"mimeo/internal/registry"
)

// readManifests copies the lines of the manifests that the request named, so
// that all slices see the same. Of one with too many lines it copies as many as
// may be, and the plan knows it.
func (t *training) readManifests(ctx context.Context) error {
	for _, set := range []customlabels.DatasetType{customlabels.Train, customlabels.Test} {
		at, ok := t.v.Input.Manifest(set)
		if !ok {
			continue
		}
		all, err := job.Step(ctx, t.run, "read "+string(set), func(ctx context.Context) (bool, error) {
			return t.readManifest(ctx, set, objects.Ref(at))
		})
		if err != nil {
			return err
		}
		if !all {
			t.plan.tooLong = append(t.plan.tooLong, set)
		}
	}
	return nil
}

// readManifest reports whether all lines were copied.
func (t *training) readManifest(ctx context.Context, set customlabels.DatasetType, ref objects.Ref) (all bool, err error) {
	body, _, err := registry.OpenManifest(ctx, t.Objects, t.args.Caller, ref)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	limits, err := t.limits(ctx)
	if err != nil {
		return false, err
	}
	all = true
	err = t.Store.PutLines(ctx, t.run.Attempt, t.v.ARN, set, manifestLines(body, limits, &all))
	return all, err
}

// limits are those of the account's quotas when the training first asks: all
// slices see the same.
func (t *training) limits(ctx context.Context) (manifest.Limits, error) {
	return job.Step(ctx, t.run, "manifest limits", func(ctx context.Context) (manifest.Limits, error) {
		return t.Quotas.ManifestLimits(ctx, t.v.ARN.Account)
	})
}

// manifestLines yields the lines of a manifest, good and bad, and clears all
// where there are more than may be. It ends with a manifest.FileError where
// the file as a whole is none.
func manifestLines(r io.Reader, within manifest.Limits, all *bool) iter.Seq2[Line, error] {
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
			case errors.Is(err, manifest.TooManyRows):
				*all = false
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
