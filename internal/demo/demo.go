// Package demo tells the story that mimeo exists for, against a running
// server and as a user would: every call goes over HTTP through the AWS SDK.
// An image model is trained in one account, promoted with CopyProjectVersion
// into another one that has its own KMS key, and shown to give the same
// answers there.
package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// The accounts of the story: the trusting account owns the model, the trusted
// account copies it. Each is signed for by the profile of its name.
const (
	Trusting = "111122223333"
	Trusted  = "555555555555"

	TrustingProfile = "trusting"
	TrustedProfile  = "trusted"
)

// A Config says what the story is told about, and to whom.
type Config struct {
	// Server is where the requests go.
	Server Server
	// Dir is a directory for images and manifests, made where it is not
	// there. The story leaves its files in it.
	Dir string
	// Images, where it is not zero, are used instead of drawn ones.
	Images UserImages
	// Detect trains a detector of bounding boxes instead of a model of
	// image-level labels, and draws what it finds into Pictures, a directory
	// that is made where it is not there.
	Detect   bool
	Pictures string
	// Seed decides what is drawn, and which of the user's images are held
	// back where there is no test manifest.
	Seed uint64
	// Out takes the story as it is told.
	Out io.Writer
}

// A Server is a running mimeo with the accounts [Trusting] and [Trusted].
type Server struct {
	Endpoint string // such as http://127.0.0.1:4577
	// ConfigFile and CredentialsFile are AWS's shared files with the
	// profiles TrustingProfile and TrustedProfile.
	ConfigFile, CredentialsFile string
}

// A Report is what was found. Its JSON form is the output of mimeo demo
// --json.
type Report struct {
	ProjectVersionARN Sides `json:"project_version_arn"`
	// The share of rightly named images, from 0 to 1; nil of a detector.
	AccuracySource *float64 `json:"accuracy_source,omitempty"`
	AccuracyCopy   *float64 `json:"accuracy_copy,omitempty"`
	// The mean average precision at an IoU of 0.5 that the evaluation results
	// tell, from 0 to 1; nil of anything but a detector.
	AveragePrecisionSource *float64 `json:"average_precision_source,omitempty"`
	AveragePrecisionCopy   *float64 `json:"average_precision_copy,omitempty"`
	Pictures               string   `json:"pictures,omitempty"` // the directory of a detector's

	TestImages           int      `json:"test_images"`
	IdenticalPredictions bool     `json:"identical_predictions"`
	TrainSeconds         float64  `json:"train_seconds"`
	CopyMilliseconds     float64  `json:"copy_ms"` // from the request to COPYING_COMPLETED
	DeniedWithoutPolicy  Denial   `json:"denied_without_policy"`
	CopiedResults        []string `json:"copied_results"` // S3 URIs
}

// Sides names the source and the copy.
type Sides struct {
	Source string `json:"source"`
	Copy   string `json:"copy"`
}

// A Denial is the refusal of a copy that no project policy allows.
type Denial struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Run tells the whole story. It returns an error where anything that the
// story promises is not so; the report then holds what was found until then.
func Run(ctx context.Context, cfg Config) (Report, error) {
	s := &story{Config: cfg, now: time.Now}
	if s.Out == nil {
		s.Out = io.Discard
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return s.report, fmt.Errorf("make the directory of the demo: %w", err)
	}
	if err := s.connect(ctx); err != nil {
		return s.report, err
	}
	for i, step := range s.steps() {
		if err := s.take(ctx, i+1, step); err != nil {
			return s.report, fmt.Errorf("%s: %w", step.title, err)
		}
	}
	fmt.Fprintf(s.Out, "\n%s\n", s.proved())
	return s.report, nil
}

// A story is one telling: what its steps have made so far.
type story struct {
	Config
	now func() time.Time

	trusting, trusted account
	images            imageSet
	source, copied    version
	key               string // ARN of the trusted account's KMS key
	outcome           []prediction
	report            Report

	said     []string // what the current step has to tell
	commands []string // the AWS CLI commands that do the same
}

// A step is one thing that a user does.
type step struct {
	title string
	do    func(context.Context) error
}

// steps is the story, in order.
func (s *story) steps() []step {
	steps := []step{
		{"Collect labelled images", s.collect},
		{"Upload them to a bucket of " + Trusting, s.upload},
		{"Create a project and its datasets", s.createProject},
		{"Train a model", s.train},
		{"Prepare account " + Trusted + ": bucket, project, KMS key", s.prepare},
		{"Copy the model to " + Trusted + " without a project policy", s.copyWithoutPolicy},
		{"Attach a project policy that trusts " + Trusted, s.allow},
		{"Copy the model to " + Trusted, s.copy},
		{"Start the source and the copy", s.start},
		{"Detect labels on every held-back image with both", s.detect},
		{"Look at the copied evaluation results", s.inspect},
	}
	if s.Detect {
		steps = append(steps, step{"Draw what the copy found on every held-back image", s.paint})
	}
	return steps
}

// take does a step and tells what it did, how long it took, and which
// commands do the same.
func (s *story) take(ctx context.Context, number int, step step) error {
	fmt.Fprintf(s.Out, "\n%2d. %s\n", number, step.title)
	s.said, s.commands = nil, nil
	began := s.now()
	if err := step.do(ctx); err != nil {
		return err
	}
	took := s.now().Sub(began)
	for _, line := range s.said {
		fmt.Fprintf(s.Out, "    %s\n", line)
	}
	for _, command := range s.commands {
		fmt.Fprintf(s.Out, "    $ %s\n", command)
	}
	fmt.Fprintf(s.Out, "    done in %s\n", round(took))
	return nil
}

// say adds a line to what the current step tells.
func (s *story) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// same adds the AWS CLI command that does what the step just did.
func (s *story) same(a account, format string, args ...any) {
	s.commands = append(s.commands, fmt.Sprintf("aws --endpoint-url %s --profile %s ", s.Server.Endpoint, a.profile)+fmt.Sprintf(format, args...))
}

// proved is the last line.
func (s *story) proved() string {
	r := s.report
	return fmt.Sprintf("Proved: %s is the model of %s, copied across accounts in %.0f ms under the key of %s: %d of %d answers are bit-identical (%s), and without a project policy it was refused.",
		r.ProjectVersionARN.Copy, r.ProjectVersionARN.Source, r.CopyMilliseconds, Trusted, r.TestImages, r.TestImages, quality(r.AccuracyCopy, r.AveragePrecisionCopy))
}

// round cuts a duration to three digits or so.
func round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	default:
		return d.Round(10 * time.Microsecond)
	}
}
