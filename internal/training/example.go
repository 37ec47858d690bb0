package training

import (
	"context"
	"io"

	"mimeo/internal/family"
	"mimeo/internal/manifest"
	"mimeo/internal/pixel"
)

// example is what a family sees of a training sample.
func (t *training) example(ctx context.Context, x manifest.Sample) family.Example {
	e := family.Example{Open: func() (io.ReadCloser, error) { return t.open(ctx, imageOf(t.plan.train, x)) }}
	if t.plan.task != family.Boxes {
		e.Labels = t.plan.indices(x.Labels)
		return e
	}
	orientation, turned := t.plan.turned[x.Number]
	if !turned {
		orientation = pixel.Upright
	}
	areas, _ := t.plan.areas(x.Boxes)
	for _, a := range areas {
		e.Boxes = append(e.Boxes, a.box(int(x.Width), int(x.Height)).Upright(orientation))
	}
	return e
}
