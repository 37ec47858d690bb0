package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
)

// A prediction is what source and copy answered about one image: every label
// with its confidence, and with its box where it has one.
type prediction struct {
	image        labelled
	source, copy []types.CustomLabel
	found        []types.CustomLabel // what a detector's copy answers without being asked for more
}

// start starts both versions and waits until they run.
func (s *story) start(ctx context.Context) error {
	for _, side := range []struct {
		account account
		version version
	}{{s.trusting, s.source}, {s.trusted, s.copied}} {
		a, v := side.account, side.version
		if _, err := a.rekognition.StartProjectVersion(ctx, &rekognition.StartProjectVersionInput{ProjectVersionArn: &v.arn, MinInferenceUnits: aws.Int32(1)}); err != nil {
			return err
		}
		s.same(a, "rekognition start-project-version --project-version-arn %s --min-inference-units 1", v.arn)
		s.same(a, "rekognition wait project-version-running --project-arn %s --version-names %s", a.project, v.name)
		d, err := a.reach(ctx, v, types.ProjectVersionStatusRunning, 5*time.Millisecond, nil)
		if err != nil {
			return err
		}
		s.say("%s is %s", v.arn, d.Status)
	}
	return nil
}

// detect asks both versions about every held-back image and compares the
// answers bit by bit.
func (s *story) detect(ctx context.Context) error {
	for _, image := range s.images.test {
		p, err := s.ask(ctx, image)
		if err != nil {
			return err
		}
		s.outcome = append(s.outcome, p)
	}
	file := s.images.file(s.images.test[0])
	s.same(s.trusting, "rekognition detect-custom-labels --project-version-arn %s --min-confidence 0 --image-bytes fileb://%s", s.source.arn, file)
	s.same(s.trusted, "rekognition detect-custom-labels --project-version-arn %s --min-confidence 0 --image-bytes fileb://%s", s.copied.arn, file)
	if err := s.judge(ctx); err != nil {
		return err
	}
	if s.Detect {
		s.boxTable()
	} else {
		s.table()
	}
	return s.verdict()
}

// ask asks both versions about one image.
func (s *story) ask(ctx context.Context, image labelled) (p prediction, err error) {
	data, err := s.images.bytes(image)
	if err != nil {
		return p, err
	}
	p.image = image
	if p.source, err = s.trusting.ask(ctx, s.source, image, data, aws.Float32(0)); err != nil {
		return p, fmt.Errorf("detect labels on %s with the source: %w", image.path, err)
	}
	if p.copy, err = s.trusted.ask(ctx, s.copied, image, data, aws.Float32(0)); err != nil {
		return p, fmt.Errorf("detect labels on %s with the copy: %w", image.path, err)
	}
	if !s.Detect && len(p.source) == 0 {
		return p, fmt.Errorf("the answer about %s holds no label, although none was filtered out", image.path)
	}
	if s.Detect {
		if p.found, err = s.trusted.ask(ctx, s.copied, image, data, nil); err != nil {
			return p, fmt.Errorf("detect labels on %s with the copy: %w", image.path, err)
		}
	}
	return p, nil
}

// maxBytes is the largest image that DetectCustomLabels takes in a request; a
// larger one is read from a bucket.
const maxBytes = 4 << 20

// ask returns the labels of a version for an image that have a confidence;
// those above the version's assumed thresholds where confidence is nil.
func (a account) ask(ctx context.Context, v version, image labelled, data []byte, confidence *float32) ([]types.CustomLabel, error) {
	shown := &types.Image{Bytes: data}
	if len(data) > maxBytes {
		key := imagePrefix + image.path
		if err := a.put(ctx, key, data); err != nil {
			return nil, err
		}
		shown = &types.Image{S3Object: &types.S3Object{Bucket: &a.bucket, Name: &key}}
	}
	out, err := a.rekognition.DetectCustomLabels(ctx, &rekognition.DetectCustomLabelsInput{
		ProjectVersionArn: &v.arn, Image: shown, MinConfidence: confidence,
	})
	if err != nil {
		return nil, err
	}
	return out.CustomLabels, nil
}

// judge counts what the report says about the answers.
func (s *story) judge(ctx context.Context) error {
	r := &s.report
	r.TestImages = len(s.outcome)
	r.IdenticalPredictions = true
	for _, p := range s.outcome {
		r.IdenticalPredictions = r.IdenticalPredictions && identical(p.source, p.copy)
	}
	if s.Detect {
		return s.judgeBoxes(ctx)
	}
	var source, copied int
	for _, p := range s.outcome {
		if right(p.image.labels, p.source) {
			source++
		}
		if right(p.image.labels, p.copy) {
			copied++
		}
	}
	r.AccuracySource = new(float64(source) / float64(r.TestImages))
	r.AccuracyCopy = new(float64(copied) / float64(r.TestImages))
	return nil
}

// verdict fails where the answers are not what the story promises.
func (s *story) verdict() error {
	r := s.report
	if !r.IdenticalPredictions {
		return errors.New("the copy does not answer as the source does")
	}
	s.say("%d of %d answers are identical in every label and every bit of every %s", r.TestImages, r.TestImages, s.compared())
	s.say("source: %s, copy: %s", quality(r.AccuracySource, r.AveragePrecisionSource), quality(r.AccuracyCopy, r.AveragePrecisionCopy))
	switch {
	case !s.Images.isZero():
		return nil
	case s.Detect && *r.AveragePrecisionCopy < drawnPrecision:
		return fmt.Errorf("the copy finds the drawn parts with an mAP of %.3f, want at least %.2f", *r.AveragePrecisionCopy, drawnPrecision)
	case !s.Detect && *r.AccuracyCopy < drawnAccuracy:
		return fmt.Errorf("the copy names %.1f %% of the drawn parts rightly, want at least %.0f %%", 100**r.AccuracyCopy, 100*drawnAccuracy)
	}
	return nil
}

// compared is what all bits are compared of.
func (s *story) compared() string {
	if s.Detect {
		return "confidence and box"
	}
	return "confidence"
}

// quality is how good a model is, in words.
func quality(accuracy, precision *float64) string {
	if precision != nil {
		return fmt.Sprintf("mAP@0.5 %.3f", *precision)
	}
	return fmt.Sprintf("accuracy %.1f %%", 100**accuracy)
}

// identical compares every label and every bit of every confidence and box.
func identical(a, b []types.CustomLabel) bool {
	return slices.EqualFunc(a, b, func(a, b types.CustomLabel) bool {
		return a.Name != nil && b.Name != nil && *a.Name == *b.Name &&
			a.Confidence != nil && b.Confidence != nil && math.Float32bits(*a.Confidence) == math.Float32bits(*b.Confidence) &&
			sameBox(boxOf(a), boxOf(b))
	})
}

// right reports whether an answer tells what an image shows: of one label,
// that it is the most likely; of several, that they and no others have a
// confidence of 50 or more.
func right(want []string, got []types.CustomLabel) bool {
	if len(want) == 1 {
		return aws.ToString(likeliest(got).Name) == want[0]
	}
	var sure []string
	for _, label := range got {
		if aws.ToFloat32(label.Confidence) >= 50 {
			sure = append(sure, aws.ToString(label.Name))
		}
	}
	slices.Sort(sure)
	return slices.Equal(sure, want)
}

// likeliest is the label with the highest confidence; the zero label of none.
func likeliest(labels []types.CustomLabel) types.CustomLabel {
	var best types.CustomLabel
	for i, label := range labels {
		if i == 0 || aws.ToFloat32(label.Confidence) > aws.ToFloat32(best.Confidence) {
			best = label
		}
	}
	return best
}

// rows is how many predictions the table shows.
const rows = 10

// table shows some predictions, evenly spaced over the held-back images.
func (s *story) table() {
	const layout = "%-24s %-14s %-26s %-26s %s"
	s.say(layout, "image", "shows", "source answers", "copy answers", "")
	count := min(rows, len(s.outcome))
	for i := range count {
		p := s.outcome[i*len(s.outcome)/count]
		same := "equal"
		if !identical(p.source, p.copy) {
			same = "DIFFERENT"
		}
		s.say(layout, clip(filepath.Base(p.image.path), 24), clip(strings.Join(p.image.labels, " "), 14), answer(p.source), answer(p.copy), same)
	}
}

// answer is the most likely label with all digits of its confidence.
func answer(labels []types.CustomLabel) string {
	best := likeliest(labels)
	return fmt.Sprintf("%s %v", clip(aws.ToString(best.Name), 14), aws.ToFloat32(best.Confidence))
}

// clip shortens a text to n characters.
func clip(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
