package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
	"mimeo/internal/pixel"
	"mimeo/internal/registry"
)

// batch is how many images one recorded step looks at.
const batch = 256

// A checked is the recorded result of looking at one batch of images.
type checked struct {
	Invalid   map[int]manifest.Code // of lines, by number
	Forbidden int                   // of them, those that the caller may not read
	// Turned are the orientations of images that are not stored upright, by
	// line number.
	Turned map[int]pixel.Orientation
}

// checkImages reads and decodes every image of a set once and drops the
// samples whose images cannot be used.
func (t *training) checkImages(ctx context.Context, kind customlabels.DatasetType, s *manifest.Set) error {
	bad, forbidden, had := map[int]customlabels.EntryError{}, 0, len(s.Samples())
	for from := 0; from < had; from += batch {
		part := s.Samples()[from:min(from+batch, had)]
		result, err := job.Step(ctx, t.run, fmt.Sprintf("check %s %d", kind, from), func(ctx context.Context) (checked, error) {
			if err := t.pause(ctx); err != nil {
				return checked{}, err
			}
			err := t.note(ctx, func(p *Progress) { p.enter(CheckingImages, "those of the "+string(kind)+" dataset", from, had) })
			if err != nil {
				return checked{}, err
			}
			return t.checkBatch(ctx, s, part)
		})
		if err != nil {
			return err
		}
		for number, code := range result.Invalid {
			bad[number] = code.LineError()
		}
		forbidden += result.Forbidden
		if kind == customlabels.Train {
			maps.Copy(t.plan.turned, result.Turned)
		}
	}
	switch {
	case had > 0 && forbidden == had:
		s.Fail(manifest.ErrImagesForbidden)
	case had > 0 && len(bad) == had:
		s.Fail(manifest.ErrNoImages)
	}
	s.Drop(bad)
	return nil
}

func (t *training) checkBatch(ctx context.Context, s *manifest.Set, part []manifest.Sample) (checked, error) {
	result := checked{Invalid: map[int]manifest.Code{}, Turned: map[int]pixel.Orientation{}}
	var mu sync.Mutex
	err := t.each(ctx, len(part), func(ctx context.Context, i int) error {
		image := imageOf(s, part[i])
		m, err := t.decode(ctx, image)
		if err != nil && !unusable(err) {
			return fmt.Errorf("read image %s: %w", url(image), err)
		}
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			if o := m.Header().Orientation; o != pixel.Upright {
				result.Turned[part[i].Number] = o
			}
			return nil
		}
		result.Invalid[part[i].Number] = registry.ImageCode(err, t.plan.task == family.Boxes)
		if errors.Is(err, objects.AccessDenied) {
			result.Forbidden++
		}
		return nil
	})
	return result, err
}

// each calls do for 0 to n-1, on as many processors as the training may use.
func (t *training) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			defer t.share.Turn()()
			return do(groupCtx, i)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (t *training) open(ctx context.Context, image objects.Ref) (io.ReadCloser, error) {
	body, _, err := t.Objects.Get(ctx, t.args.Caller, image)
	return body, err
}

func (t *training) decode(ctx context.Context, image objects.Ref) (_ *pixel.Image, err error) {
	body, err := t.open(ctx, image)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return pixel.Decode(body, pixel.Limits{})
}

// unusable reports whether an image is at fault, or its place: another try
// would not read it either.
func unusable(err error) bool {
	var refused *fault.Error
	return errors.As(err, &refused) || registry.IsBadImage(err)
}
