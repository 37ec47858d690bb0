package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/vault"
)

// errNoFamily is returned for a version of a family that is not built in.
var errNoFamily = errors.New("no such model family")

// A loaded model, with the assumed threshold of each of its labels as a
// confidence.
type loaded struct {
	family.Model
	thresholds []float32
	unlockedAt time.Time // when the version's key was last opened
}

// keyTrust is how long a model answers on without its key: a key that is
// disabled, or whose grant is revoked, takes its running models with it within
// this time.
const keyTrust = time.Minute

// renew returns the model of a version: l, or a new one where l is nil. One
// whose key was not opened for a while is kept only if it can be.
func (s *Service) renew(ctx context.Context, v customlabels.ProjectVersion, l *loaded) (*loaded, error) {
	now := s.now()
	if l != nil && now.Sub(l.unlockedAt).Abs() < keyTrust {
		return l, nil
	}
	if l == nil {
		l, err := s.load(ctx, v)
		if err != nil {
			return nil, err
		}
		l.unlockedAt = now
		return l, nil
	}
	if _, err := s.vault.Unlock(ctx, v.ARN, v.Bundle); err != nil {
		if reason(err, v) != "" {
			l = nil
		}
		return l, err
	}
	l.unlockedAt = now
	return l, nil
}

// load opens the artifacts of a version with its own key.
func (s *Service) load(ctx context.Context, v customlabels.ProjectVersion) (*loaded, error) {
	f, ok := s.families[v.BaseModel]
	if !ok {
		return nil, fmt.Errorf("load %s: %w: %q", v.ARN, errNoFamily, v.BaseModel)
	}
	key, err := s.vault.Unlock(ctx, v.ARN, v.Bundle)
	if err != nil {
		return nil, err
	}
	l := &loaded{}
	if err := s.read(ctx, key, v, customlabels.Weights, func(r io.Reader) (err error) {
		l.Model, err = f.Load(ctx, r)
		return err
	}); err != nil {
		return nil, err
	}
	return l, s.read(ctx, key, v, customlabels.EvaluationSummary, func(r io.Reader) (err error) {
		l.thresholds, err = readThresholds(r, l.Labels())
		return err
	})
}

// An artifactError says which artifact could not be loaded.
type artifactError struct {
	customlabels.Artifact
	err error
}

func (e *artifactError) Error() string { return fmt.Sprintf("artifact %s: %v", e.Role, e.err) }

func (e *artifactError) Unwrap() error { return e.err }

// read opens one artifact and reads it to its end, where its digest has been
// checked. An artifact whose stored bytes are damaged is marked.
func (s *Service) read(ctx context.Context, key vault.VersionKey, v customlabels.ProjectVersion, role customlabels.Role, use func(io.Reader) error) error {
	a, ok := v.Bundle.Artifact(role)
	if !ok {
		return fmt.Errorf("%w: %s has no artifact %s", family.ErrWeights, v.ARN, role)
	}
	err := s.readArtifact(ctx, key, v, a, use)
	if err == nil {
		return nil
	}
	if vault.IsDamage(err) {
		err = errors.Join(err, s.store.MarkDamaged(ctx, a.Digest, s.now()))
	}
	return &artifactError{a, err}
}

func (s *Service) readArtifact(ctx context.Context, key vault.VersionKey, v customlabels.ProjectVersion, a customlabels.Artifact, use func(io.Reader) error) (err error) {
	role := a.Role
	r, err := s.vault.Open(ctx, key, a)
	if err != nil {
		return fmt.Errorf("open %s of %s: %w", role, v.ARN, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := use(r); err != nil {
		return fmt.Errorf("load %s of %s: %w", role, v.ARN, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("verify %s of %s: %w", role, v.ARN, err)
	}
	return nil
}

// maxSummary bounds an evaluation summary: a confusion matrix of 250 labels
// has 62,500 cells.
const maxSummary = 128 << 20

// readThresholds reads the assumed thresholds from an evaluation summary, in
// the order of labels.
func readThresholds(r io.Reader, labels []string) ([]float32, error) {
	var summary struct {
		LabelEvaluationResults []struct {
			Label   string
			Metrics struct{ Threshold float64 }
		}
	}
	if err := json.UnmarshalRead(io.LimitReader(r, maxSummary), &summary); err != nil {
		return nil, fmt.Errorf("%w: decode evaluation summary: %w", family.ErrWeights, err)
	}
	byLabel := map[string]float64{}
	for _, l := range summary.LabelEvaluationResults {
		byLabel[l.Label] = l.Metrics.Threshold
	}
	thresholds := make([]float32, len(labels))
	for i, l := range labels {
		threshold, ok := byLabel[l]
		if !ok {
			return nil, fmt.Errorf("%w: the evaluation summary has no label %q", family.ErrWeights, l)
		}
		thresholds[i] = customlabels.Confidence(threshold)
	}
	return thresholds, nil
}
