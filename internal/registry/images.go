package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
	"mimeo/internal/pixel"
)

// IsBadImage reports whether the bytes of an image are at fault for err.
func IsBadImage(err error) bool {
	for _, bad := range []error{pixel.ErrFormat, pixel.ErrCorrupt, pixel.ErrTooManyBytes, pixel.ErrTooLarge, pixel.ErrTooSmall, pixel.ErrTooLong} {
		if errors.Is(err, bad) {
			return true
		}
	}
	return false
}

// ImageCode returns the error of a line whose image cannot be used because of
// err. The lines of boxes have one of their own for the sides of an image.
func ImageCode(err error, boxes bool) manifest.Code {
	if boxes && (errors.Is(err, pixel.ErrTooLarge) || errors.Is(err, pixel.ErrTooSmall)) {
		return manifest.InvalidImageDimension
	}
	return manifest.InvalidImage
}

// imagesAtOnce bounds how many images are read at the same time, and with
// them the memory: of an image no more is read than its header needs.
const imagesAtOnce = 8

// inspect looks at the header of every entry's image, as the caller, adds the
// error of an image that cannot be used to its entry, and returns those
// entries. An image that is not there, or that the caller may not read, is no
// error yet: AWS has none for a dataset, and it may still come.
func (s *Service) inspect(ctx context.Context, caller arn.Caller, entries []customlabels.Entry) (bad []customlabels.Entry, err error) {
	codes := make([]manifest.Code, len(entries))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(imagesAtOnce)
	for i, e := range entries {
		group.Go(func() (err error) {
			codes[i], err = s.inspectImage(groupCtx, caller, e)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, code := range codes {
		if at := code.LineError(); code != "" && !slices.Contains(entries[i].Errors, at) {
			entries[i].Errors = append(entries[i].Errors, at)
			bad = append(bad, entries[i])
		}
	}
	return bad, nil
}

func (s *Service) inspectImage(ctx context.Context, caller arn.Caller, e customlabels.Entry) (manifest.Code, error) {
	image, ok := manifest.ParseRef(e.SourceRef)
	if !ok {
		return "", fmt.Errorf("the entry %s names no object", e.SourceRef)
	}
	err := s.readHeader(ctx, caller, objects.Ref{Bucket: image.Bucket, Key: image.Key})
	switch {
	case err == nil || isRefusal(err):
		return "", nil
	case !IsBadImage(err):
		return "", fmt.Errorf("look at image %s: %w", e.SourceRef, err)
	}
	boxes := slices.ContainsFunc(e.Labels, func(l customlabels.EntryLabel) bool { return l.Boxes > 0 })
	return ImageCode(err, boxes), nil
}

// largestImage is the size of the largest file, which a header does not tell.
const largestImage = 15 << 20

// readHeader fails where an image is not what a model can be trained on, as
// far as its first bytes tell.
func (s *Service) readHeader(ctx context.Context, caller arn.Caller, ref objects.Ref) error {
	body, info, err := s.objects.Get(ctx, caller, ref)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // it was not read to its end
	if info.Size > largestImage {
		return pixel.ErrTooManyBytes
	}
	header, err := pixel.ReadHeader(body, pixel.Limits{})
	if err != nil {
		return err
	}
	return header.Check(pixel.Limits{})
}

// imagesStep records behind which entry the images are still to be looked at.
const imagesStep = "images"

// sliceOfImages is how long a job looks at images before it lets others.
const sliceOfImages = time.Minute

// inspectAll looks at the images of all entries of a dataset. What was looked
// at is recorded, so that a job that was cut goes on from there.
func (s *Service) inspectAll(ctx context.Context, run *job.Run, w Work, caller arn.Caller) error {
	until := s.now().Add(sliceOfImages)
	after, _, err := job.Recorded[int64](ctx, run, imagesStep)
	for err == nil {
		var entries, bad []customlabels.Entry
		if entries, after, err = s.entries.EntriesAfter(ctx, w.Dataset, EntryFilter{}, after, entriesAtOnce); err != nil || len(entries) == 0 {
			return err
		}
		if bad, err = s.inspect(ctx, caller, entries); err != nil {
			return err
		}
		if err = s.entries.SetEntryErrors(ctx, w, bad); err != nil {
			return err
		}
		if err = job.Record(ctx, run, imagesStep, after); err == nil && !s.now().Before(until) {
			err = job.Snooze(0)
		}
	}
	return err
}
