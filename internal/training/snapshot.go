package training

import (
	"bufio"
	"context"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/manifest"
)

// The keys of an evaluation manifest snapshot, which has the ground truth and,
// for the test set, what the model said of it:
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/im-evaluation-manifest-snapshot-api.html
const (
	truthKey    = "rekognition-custom-labels-training-"
	evaluateKey = "rekognition-custom-labels-evaluation-"
	truthJob    = "rekognition-custom-labels-training-job"
	evaluateJob = "rekognition-custom-labels-evaluation-job"
)

// A classMetadata is the metadata of an image-level label.
type classMetadata struct {
	Confidence     float64            `json:"confidence"`
	JobName        string             `json:"job-name"`
	ClassName      string             `json:"class-name"`
	HumanAnnotated string             `json:"human-annotated"`
	CreationDate   string             `json:"creation-date"`
	Type           manifest.UseCase   `json:"type"`
	Details        *predictionDetails `json:"rekognition-custom-labels-evaluation-details,omitzero"`
}

// predictionDetails say whether a prediction is right. AWS's samples spell
// the last key so.
type predictionDetails struct {
	Version               int      `json:"version"`
	IsTruePositive        bool     `json:"is-true-positive"`
	IsTrueNegative        bool     `json:"is-true-negative"`
	IsFalsePositive       bool     `json:"is-false-positive"`
	IsFalseNegative       bool     `json:"is-false-negative"`
	IsPresentInGroundTrue bool     `json:"is-present-in-ground-truth"`
	Jobs                  []string `json:"ground-truth-labelling-jobs"`
}

// writeSnapshot writes one line per image that was used. Without an evaluation
// it has the ground truth only.
func (t *training) writeSnapshot(w io.Writer, s *manifest.Set, e evaluation) error {
	out := bufio.NewWriter(w)
	thresholds, now := e.thresholds(len(t.plan.labels)), t.Now().UTC().Format(timestamp)
	for i, x := range s.Samples() {
		line := jsonLine{out: out}
		line.member("source-ref", url(imageOf(s, x)))
		if t.plan.task == family.Boxes {
			t.plan.trueBoxes(&line, x, now)
		} else {
			trueClasses(&line, x, now)
		}
		switch {
		case e.sightings != nil:
			t.plan.foundBoxes(&line, x, e.sightings[i], thresholds, now)
		case e.predictions != nil:
			t.plan.foundClasses(&line, e.predictions[i], thresholds, now)
		}
		if err := line.end(); err != nil {
			return err
		}
	}
	return out.Flush()
}

// trueClasses adds the ground truth of an image.
func trueClasses(line *jsonLine, x manifest.Sample, now string) {
	for n, label := range x.Labels {
		line.class(truthKey+strconv.Itoa(n), 1, classMetadata{Confidence: 1, JobName: truthJob, ClassName: label, HumanAnnotated: "yes", CreationDate: now})
	}
}

// foundClasses adds what the model said of an image: one pair per label, each
// with its verdict at the assumed threshold.
func (p *plan) foundClasses(line *jsonLine, of prediction, thresholds []float64, now string) {
	for n, label := range p.labels {
		said := counts(of.confidence[n], thresholds[n])
		details := verdict(said, of.shows(n))
		value := 0
		if said {
			value = 1
		}
		line.class(evaluateKey+strconv.Itoa(n), value, classMetadata{
			Confidence: percentOf(of.confidence[n]), JobName: evaluateJob, ClassName: label, HumanAnnotated: "no", CreationDate: now,
			Details: &details,
		})
	}
}

// verdict says whether what counts as said is so.
func verdict(said, is bool) predictionDetails {
	return predictionDetails{
		Version: 1, IsTruePositive: said && is, IsTrueNegative: !said && !is, IsFalsePositive: said && !is, IsFalseNegative: !said && is,
		IsPresentInGroundTrue: is, Jobs: []string{truthJob},
	}
}

// writeValidation writes the lines of a set as they were given, with the
// errors and warnings that they have.
func (t *training) writeValidation(ctx context.Context, w io.Writer, kind customlabels.DatasetType, s *manifest.Set) error {
	out := bufio.NewWriter(w)
	number := 0
	for l, err := range t.Store.Lines(ctx, t.v.ARN, kind) {
		if err != nil {
			return err
		}
		number++
		if _, err := out.WriteString(s.Show(number, l.raw()) + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// A jsonLine writes one JSON object whose members keep their order, and ends
// it with a line feed. Its first error is what end returns.
type jsonLine struct {
	out   *bufio.Writer
	began bool
	err   error
}

func (l *jsonLine) class(key string, value int, metadata classMetadata) {
	metadata.Type = manifest.Classification
	l.pair(key, value, metadata)
}

func (l *jsonLine) pair(key string, value, metadata any) {
	l.member(key, value)
	l.member(key+"-metadata", metadata)
}

func (l *jsonLine) member(name string, value any) {
	key, err := json.Marshal(name)
	if err == nil {
		var encoded []byte
		if encoded, err = json.Marshal(value, json.Deterministic(true)); err == nil {
			before := byte('{')
			if l.began {
				before = ','
			}
			l.began = true
			_ = l.out.WriteByte(before) // the writer keeps its error
			_, _ = l.out.Write(append(append(key, ':'), encoded...))
		}
	}
	if l.err == nil {
		l.err = err
	}
}

func (l *jsonLine) end() error {
	if _, err := l.out.WriteString("}\n"); l.err == nil {
		l.err = err
	}
	return l.err
}
