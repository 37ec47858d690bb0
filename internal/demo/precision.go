package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxSummary bounds an evaluation summary, in bytes.
const maxSummary = 16 << 20

// judgeBoxes reads what the evaluation results of both versions say of a
// detector.
func (s *story) judgeBoxes(ctx context.Context) (err error) {
	for _, p := range s.outcome {
		for _, label := range slices.Concat(p.source, p.found) {
			if boxOf(label) == nil {
				return fmt.Errorf("the answer about %s has a label without a box", p.image.path)
			}
		}
	}
	r := &s.report
	if r.AveragePrecisionSource, err = s.trusting.averagePrecision(ctx, s.source); err != nil {
		return err
	}
	r.AveragePrecisionCopy, err = s.trusted.averagePrecision(ctx, s.copied)
	return err
}

// averagePrecision is the mAP at an IoU of 0.5 that a detector's evaluation
// summary tells.
func (a account) averagePrecision(ctx context.Context, v version) (*float64, error) {
	d, err := a.describe(ctx, v)
	if err != nil {
		return nil, err
	}
	if d.EvaluationResult == nil || d.EvaluationResult.Summary == nil || d.EvaluationResult.Summary.S3Object == nil {
		return nil, fmt.Errorf("version %s has no evaluation summary", v.arn)
	}
	place := d.EvaluationResult.Summary.S3Object
	out, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: place.Bucket, Key: place.Name})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	var summary struct {
		AggregatedEvaluationResults struct{ AveragePrecision *float64 }
	}
	if err := json.NewDecoder(io.LimitReader(out.Body, maxSummary)).Decode(&summary); err != nil {
		return nil, fmt.Errorf("read the evaluation summary of %s: %w", v.arn, err)
	}
	if summary.AggregatedEvaluationResults.AveragePrecision == nil {
		return nil, errors.New("the evaluation summary tells no average precision: the model is no detector")
	}
	return summary.AggregatedEvaluationResults.AveragePrecision, nil
}

// boxOf is where the object of a label is; nil of an image-level label.
func boxOf(label types.CustomLabel) *types.BoundingBox {
	if label.Geometry == nil {
		return nil
	}
	return label.Geometry.BoundingBox
}

// sameBox compares two boxes bit by bit.
func sameBox(a, b *types.BoundingBox) bool {
	if a == nil || b == nil {
		return a == b
	}
	same := func(a, b *float32) bool {
		return a != nil && b != nil && math.Float32bits(*a) == math.Float32bits(*b)
	}
	return same(a.Left, b.Left) && same(a.Top, b.Top) && same(a.Width, b.Width) && same(a.Height, b.Height)
}

// boxTable shows what was found on some images, evenly spaced over the
// held-back ones.
func (s *story) boxTable() {
	const layout = "%-24s %-40s %-40s %s"
	s.say(layout, "image", "shows", "source and copy find", "of all answers")
	count := min(rows, len(s.outcome))
	for i := range count {
		p := s.outcome[i*len(s.outcome)/count]
		var shown, found []string
		for _, b := range p.image.boxes {
			shown = append(shown, b.label)
		}
		for _, label := range p.found {
			found = append(found, aws.ToString(label.Name))
		}
		same := "all"
		if !identical(p.source, p.copy) {
			same = "NOT ALL"
		}
		s.say(layout, clip(filepath.Base(p.image.path), 24), clip(tally(shown), 40), clip(tally(found), 40), fmt.Sprintf("%s %d are equal", same, len(p.copy)))
	}
}

// tally counts names: "2 bolt, 1 nut".
func tally(names []string) string {
	counts := make(map[string]int)
	for _, name := range names {
		counts[name]++
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}
