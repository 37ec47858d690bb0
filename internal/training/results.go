package training

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/results"
	"mimeo/internal/vault"
)

// sealResults makes the six result files, as artifacts of the version.
func (t *training) sealResults(ctx context.Context, key vault.VersionKey, e evaluation) ([]customlabels.Artifact, error) {
	err := t.note(ctx, func(p *Progress) {
		p.enter(WritingResults, "writing the results of the evaluation", 0, len(customlabels.ResultRoles))
		p.Quality = t.plan.quality(e)
	})
	if err != nil {
		return nil, err
	}
	var artifacts []customlabels.Artifact
	for _, role := range customlabels.ResultRoles {
		a, err := job.Step(ctx, t.run, sealStep(role), func(ctx context.Context) (customlabels.Artifact, error) {
			return t.seal(ctx, key, role, func(w io.Writer) error { return t.writeResult(ctx, w, role, e) })
		})
		if err != nil {
			return nil, fmt.Errorf("write %s of %s: %w", role, t.v.ARN, err)
		}
		artifacts = append(artifacts, a)
	}
	return artifacts, nil
}

// writeResult writes the result file of a role.
func (t *training) writeResult(ctx context.Context, w io.Writer, role customlabels.Role, e evaluation) error {
	switch role {
	case customlabels.EvaluationSummary:
		return writeJSON(w, t.evaluationSummary(e))
	case customlabels.ManifestSummary:
		return writeJSON(w, manifest.Summarize(t.plan.train, t.plan.test, t.plan.across))
	case customlabels.TrainingSnapshot:
		return t.writeSnapshot(w, t.plan.train, evaluation{})
	case customlabels.TestingSnapshot:
		return t.writeSnapshot(w, t.plan.test, e)
	case customlabels.TrainingValidation:
		return t.writeValidation(ctx, w, customlabels.Train, t.plan.train)
	case customlabels.TestingValidation:
		return t.writeValidation(ctx, w, customlabels.Test, t.plan.test)
	default:
		return fmt.Errorf("no result file has the role %s", role)
	}
}

// putResults writes the result artifacts to the OutputConfig.
func (t *training) putResults(ctx context.Context, key vault.VersionKey, artifacts []customlabels.Artifact) (customlabels.ResultFiles, error) {
	contents := make(map[customlabels.Role]results.Opener)
	for _, a := range artifacts {
		if a.Role.IsResult() {
			contents[a.Role] = func(ctx context.Context) (io.ReadCloser, error) { return t.Vault.Open(ctx, key, a) }
		}
	}
	return t.files().Put(ctx, contents)
}

// files are the result files of the version in its OutputConfig.
func (t *training) files() results.Writer {
	return results.Writer{Objects: t.Objects, Caller: t.args.Caller, Version: t.v}
}

// refusalStep records the files of a training whose manifests it cannot use.
const refusalStep = "refuse"

// refuse writes the files that say what is wrong with the manifests' content,
// and fails with the first problem.
func (t *training) refuse(ctx context.Context) error {
	first := t.plan.problems()[0]
	_, err := job.Step(ctx, t.run, refusalStep, func(ctx context.Context) (customlabels.ResultFiles, error) {
		contents := make(map[customlabels.Role]results.Opener)
		for _, role := range []customlabels.Role{customlabels.ManifestSummary, customlabels.TrainingValidation, customlabels.TestingValidation} {
			contents[role] = func(ctx context.Context) (io.ReadCloser, error) {
				return produce(func(w io.Writer) error { return t.writeResult(ctx, w, role, evaluation{}) }), nil
			}
		}
		return t.files().Put(ctx, contents)
	})
	return errors.Join(err, first)
}
