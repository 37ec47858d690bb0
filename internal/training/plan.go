package training

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
	"mimeo/internal/pixel"
)

// A plan is what a model is trained on and tested with.
type plan struct {
	within      manifest.Limits
	train, test *manifest.Set
	tooLong     []customlabels.DatasetType // sets of which only the first lines were read
	across      []manifest.ContentError    // between the two
	useCase     manifest.UseCase           // of both sets
	labels      []string                   // of the model
	task        family.Task
	turned      map[int]pixel.Orientation // of training images that are not stored upright, by line number
}

// makePlan reads the sets, looks at their images and decides what is trained
// on and tested with. What is wrong with them is in the plan.
func (t *training) makePlan(ctx context.Context) error {
	var err error
	p := &t.plan
	p.turned = map[int]pixel.Orientation{}
	if p.within, err = t.limits(ctx); err != nil {
		return err
	}
	if p.train, err = t.readSet(ctx, customlabels.Train); err != nil {
		return err
	}
	if p.test, err = t.readSet(ctx, customlabels.Test); err != nil {
		return err
	}
	for kind, s := range p.sets() {
		if err := t.checkSet(ctx, kind, s); err != nil {
			return err
		}
	}
	if len(p.problems()) == 0 {
		t.choose()
	}
	if len(p.problems()) > 0 {
		return nil
	}
	for kind, s := range p.sets() {
		if err := t.checkImages(ctx, kind, s); err != nil {
			return err
		}
	}
	p.settle(t.v.Input.AutoCreate, t.v.ARN.String())
	return nil
}

// checkSet finds what is wrong with a set before its images are looked at.
func (t *training) checkSet(ctx context.Context, kind customlabels.DatasetType, s *manifest.Set) error {
	if slices.Contains(t.plan.tooLong, kind) {
		s.Fail(manifest.ErrTooManyRows)
	}
	s.CheckLines()
	same, err := job.Step(ctx, t.run, "owner "+string(kind), func(ctx context.Context) (bool, error) { return t.haveOneOwner(ctx, kind, s) })
	if err == nil && !same {
		s.Fail(manifest.ErrImagesOwner)
	}
	return err
}

// haveOneOwner reports whether the bucket of a set's images belongs to the
// account that the manifest's belongs to, which for a dataset is the project's.
// A bucket that is not there has images that cannot be read.
func (t *training) haveOneOwner(ctx context.Context, kind customlabels.DatasetType, s *manifest.Set) (bool, error) {
	images, err := t.ownerOf(ctx, s.Bucket())
	if err != nil || images == "" {
		return true, err
	}
	owner := t.v.ARN.Account
	if at, ok := t.v.Input.Manifest(kind); ok {
		owner, err = t.ownerOf(ctx, at.Bucket)
	}
	return owner == "" || owner == images, err
}

// ownerOf is empty where there is no such bucket.
func (t *training) ownerOf(ctx context.Context, bucket string) (string, error) {
	if bucket == "" {
		return "", nil
	}
	owner, err := t.Objects.Owner(ctx, t.args.Caller, bucket)
	switch {
	case errors.Is(err, objects.NoSuchBucket):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look up the owner of bucket %s: %w", bucket, err)
	default:
		return owner, nil
	}
}

// linesAtOnce is how many lines are checked at a time.
const linesAtOnce = 256

func (t *training) readSet(ctx context.Context, kind customlabels.DatasetType) (*manifest.Set, error) {
	s := manifest.NewSet(t.plan.within)
	some := make([]manifest.Raw, 0, linesAtOnce)
	for l, err := range t.Store.Lines(ctx, t.v.ARN, kind) {
		if err != nil {
			return nil, err
		}
		if some = append(some, l.raw()); len(some) == linesAtOnce {
			s.Add(some...)
			some = some[:0]
		}
	}
	s.Add(some...)
	switch {
	case s.Len() == 0 && !(kind == customlabels.Test && t.v.Input.AutoCreate):
		return nil, manifest.Empty
	case s.IsUnreadable():
		return nil, manifest.Unsupported
	default:
		return s, nil
	}
}

func (l Line) raw() manifest.Raw { return manifest.Raw{Text: []byte(l.Text), Refused: l.Refused} }

// sets yields the training set and the test set.
func (p *plan) sets() iter.Seq2[customlabels.DatasetType, *manifest.Set] {
	return func(yield func(customlabels.DatasetType, *manifest.Set) bool) {
		_ = yield(customlabels.Train, p.train) && yield(customlabels.Test, p.test)
	}
}

// choose decides what the model is for: the lines of the training set say it.
// AWS can learn from logos of whole images where to find them in others; no
// family of ours can.
func (t *training) choose() {
	p := &t.plan
	p.useCase = p.train.UseCase()
	if p.useCase == manifest.Classification && p.test.UseCase() == manifest.Detection {
		p.across = append(p.across, logos)
		return
	}
	p.train.Settle(p.useCase)
	p.test.Settle(p.useCase)
	p.task = p.taskOf()
	if _, err := t.family(p.task); err != nil {
		p.train.Fail(unsupportedTask)
	}
}

// taskOf returns what the model is to tell of the samples that there are now.
func (p *plan) taskOf() family.Task {
	switch {
	case p.useCase == manifest.Detection:
		return family.Boxes
	case slices.ContainsFunc(p.train.Samples(), func(x manifest.Sample) bool { return len(x.Labels) > 1 }):
		return family.MultiLabel
	default:
		return family.SingleLabel
	}
}

// settle makes the plan final: it splits the training set where asked, and
// chooses the labels. The quota on test images is on those that are given: what
// is held out here is what the split thinks right.
func (p *plan) settle(auto bool, seed string) {
	switch {
	case !auto:
		p.test.CheckImagesPerLabel()
	case len(p.train.Errors()) == 0:
		p.train.HoldOut(p.test, seed)
	}
	if len(p.problems()) == 0 {
		p.across = manifest.CheckLabels(p.train, p.test)
	}
	p.labels = p.train.Usable()
	p.task = p.taskOf()
}

// indices returns the model's indices of labels; one that it does not know is
// left out.
func (p *plan) indices(labels []string) []int {
	var known []int
	for _, l := range labels {
		if i, ok := slices.BinarySearch(p.labels, l); ok {
			known = append(known, i)
		}
	}
	return known
}

// problems are all that fails the training, in the order in which it was
// found.
func (p *plan) problems() []manifest.ContentError {
	return slices.Concat(p.train.Errors(), p.test.Errors(), p.across)
}

// imageOf is where the image of a sample of a set lies.
func imageOf(s *manifest.Set, x manifest.Sample) objects.Ref {
	return objects.Ref{Bucket: s.Bucket(), Key: x.Key}
}

// url is a reference as manifests and messages name it.
func url(ref objects.Ref) string { return fmt.Sprintf("s3://%s/%s", ref.Bucket, ref.Key) }
