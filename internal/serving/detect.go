package serving

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/objects"
	"mimeo/internal/pixel"
)

// A DetectRequest is the input of DetectCustomLabels.
type DetectRequest struct {
	Version arn.ProjectVersion
	// Exactly one of Bytes and Object is given.
	Bytes  []byte
	Object *objects.Ref
	// MaxResults is how many labels are returned at most; nil: all.
	MaxResults *int
	// MinConfidence, in percent, replaces the assumed thresholds of all
	// labels.
	MinConfidence *float32
}

// A CustomLabel is one label that was detected in an image: of the whole image
// or of one object in it.
type CustomLabel struct {
	Name       string
	Confidence float32      // percent
	Box        *BoundingBox // of an object
}

// A BoundingBox is where an object is, in ratios of the width and height of the
// image as it is stored, whatever EXIF says of its orientation. It may reach
// beyond the image's edges.
type BoundingBox struct{ Left, Top, Width, Height float32 }

// The limits of an image, in bytes, by how it is given.
const (
	maxBytes  = 4 << 20
	maxObject = 15 << 20
)

// DetectCustomLabels returns the labels that a running version sees in an
// image, the most confident first and ties by name.
func (s *Service) DetectCustomLabels(ctx context.Context, caller arn.Caller, req DetectRequest) ([]CustomLabel, error) {
	if err := s.allow(ctx, caller, "rekognition:DetectCustomLabels", req.Version); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	slot := s.models.enter(req.Version) // before its status is read
	defer s.models.leave(req.Version, slot)
	v, err := s.registry.Version(ctx, req.Version)
	if err != nil {
		return nil, err
	}
	if v.Status != customlabels.Running {
		return nil, fault.New(customlabels.ResourceNotReady, "The project version %s is %s: only a RUNNING version detects labels.", v.ARN, v.Status)
	}
	done, err := s.models.gateOf(slot, v).pass(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	defer s.cores.Urgent()()
	image, err := s.image(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	model, err := slot.model(ctx, func(ctx context.Context, l *loaded) (*loaded, error) { return s.renew(ctx, v, l) })
	if err != nil {
		return nil, loadRefusal(err, v)
	}
	return model.detect(ctx, image, req)
}

// loadRefusal tells why a running version cannot answer, where its owner can
// mend it.
func loadRefusal(err error, v customlabels.ProjectVersion) error {
	if why := reason(err, v); why != "" {
		return fault.New(customlabels.ResourceNotReady, "The model of %s cannot be loaded: %s", v.ARN, why).Because(err)
	}
	return fmt.Errorf("load the model of %s: %w", v.ARN, err)
}

func (r DetectRequest) check() error {
	switch {
	case (r.Bytes == nil) == (r.Object == nil):
		return customlabels.Invalid("Image needs exactly one of Bytes and S3Object.")
	case r.Object != nil && (r.Object.Bucket == "" || r.Object.Key == ""):
		return customlabels.Invalid("The S3Object of Image needs Bucket and Name.")
	case len(r.Bytes) > maxBytes:
		return imageTooLarge()
	case r.MinConfidence != nil && !(*r.MinConfidence >= 0 && *r.MinConfidence <= 100):
		return customlabels.Invalid("MinConfidence must be between 0 and 100.")
	case r.MaxResults != nil && *r.MaxResults < 0:
		return customlabels.Invalid("MaxResults must not be negative.")
	}
	return nil
}

func imageTooLarge() *fault.Error {
	return fault.New(customlabels.ImageTooLarge, "Image size is too large.")
}

// image reads the image of a request, with the caller's own permissions.
func (s *Service) image(ctx context.Context, caller arn.Caller, req DetectRequest) (_ *pixel.Image, err error) {
	if req.Object == nil {
		return decode(bytes.NewReader(req.Bytes), maxBytes)
	}
	body, info, err := s.objects.Get(ctx, caller, *req.Object)
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		return nil, fault.New(customlabels.InvalidS3Object,
			"Unable to get object metadata from S3. Check object key, region and/or access permissions.").Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read image s3://%s/%s: %w", req.Object.Bucket, req.Object.Key, err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if info.Size > maxObject {
		return nil, imageTooLarge()
	}
	return decode(body, maxObject)
}

func decode(r io.Reader, limit int64) (*pixel.Image, error) {
	image, err := pixel.Decode(r, pixel.Limits{Bytes: limit})
	switch {
	case err == nil:
		return image, nil
	case errors.Is(err, pixel.ErrTooManyBytes), errors.Is(err, pixel.ErrTooLarge):
		return nil, imageTooLarge().Because(err)
	case errors.Is(err, pixel.ErrTooSmall), errors.Is(err, pixel.ErrTooLong):
		return nil, customlabels.Invalid("The image has a side of less than 64 pixels, or is more than 20 times as long as it is wide.").Because(err)
	case errors.Is(err, pixel.ErrFormat), errors.Is(err, pixel.ErrCorrupt):
		return nil, fault.New(customlabels.InvalidImageFormat, "Request has invalid image format.").Because(err)
	default:
		return nil, fmt.Errorf("decode the image: %w", err)
	}
}

// detect predicts, and keeps what reaches the thresholds.
func (l *loaded) detect(ctx context.Context, image *pixel.Image, req DetectRequest) ([]CustomLabel, error) {
	said, err := l.Predict(ctx, image)
	if err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	labels := l.Labels()
	found := []CustomLabel{}
	keep := func(label int, probability float64, box *BoundingBox) {
		least := l.thresholds[label]
		if req.MinConfidence != nil {
			least = *req.MinConfidence
		}
		if c := customlabels.Confidence(probability); c >= least {
			found = append(found, CustomLabel{Name: labels[label], Confidence: c, Box: box})
		}
	}
	for label, p := range said.Probabilities {
		keep(label, p, nil)
	}
	for _, o := range said.Objects {
		b := o.Stored(image.Header().Orientation)
		keep(o.Label, o.Confidence, &BoundingBox{float32(b.Left), float32(b.Top), float32(b.Width), float32(b.Height)})
	}
	slices.SortStableFunc(found, func(a, b CustomLabel) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), strings.Compare(a.Name, b.Name))
	})
	if req.MaxResults != nil {
		found = found[:min(len(found), *req.MaxResults)]
	}
	return found, nil
}
