package training

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/objects"
	"mimeo/internal/vault"
)

// sealResults makes the six result files, as artifacts of the version.
func (t *training) sealResults(ctx context.Context, key vault.VersionKey, e evaluation) ([]customlabels.Artifact, error) {
	if err := t.progress(ctx, "Writing the results of the evaluation."); err != nil {
		return nil, err
	}
	var artifacts []customlabels.Artifact
	for _, role := range customlabels.ResultRoles {
		a, err := job.Step(ctx, t.run, "seal "+string(role), func(ctx context.Context) (customlabels.Artifact, error) {
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
		return writeJSON(w, t.manifestSummary())
	case customlabels.TrainingSnapshot:
		return t.writeSnapshot(w, t.plan.train, nil, e)
	case customlabels.TestingSnapshot:
		return t.writeSnapshot(w, t.plan.test, e.predictions, e)
	case customlabels.TrainingValidation:
		return t.writeValidation(ctx, w, t.plan.train)
	case customlabels.TestingValidation:
		return t.writeValidation(ctx, w, t.plan.test)
	default:
		return fmt.Errorf("no result file has the role %s", role)
	}
}

// A written is the recorded result of putting one result file.
type written struct {
	Location customlabels.S3Location
	ETag     string
}

func putStep(r customlabels.Role) string { return "put " + string(r) }

// putResults writes the result artifacts to the OutputConfig.
func (t *training) putResults(ctx context.Context, key vault.VersionKey, artifacts []customlabels.Artifact) (customlabels.ResultFiles, error) {
	files := make(customlabels.ResultFiles)
	for _, a := range artifacts {
		if !a.Role.IsResult() {
			continue
		}
		location, err := t.put(ctx, a.Role, func(w io.Writer) (err error) {
			r, err := t.Vault.Open(ctx, key, a)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, r.Close()) }()
			_, err = io.Copy(w, r)
			return err
		})
		if err != nil {
			return nil, err
		}
		files[a.Role] = location
	}
	return files, nil
}

// put writes what write writes to the file of a role, once.
func (t *training) put(ctx context.Context, role customlabels.Role, write func(io.Writer) error) (customlabels.S3Location, error) {
	file, err := job.Step(ctx, t.run, putStep(role), func(ctx context.Context) (written, error) {
		to := customlabels.S3Location{Bucket: t.v.OutputConfig.Bucket, Key: t.v.OutputConfig.Key(customlabels.ResultFile(role, t.v.ARN))}
		options := objects.PutOptions{ContentType: "application/json"}
		if t.v.KMSKey != (arn.Key{}) {
			options.KMSKey = t.v.KMSKey.String()
		}
		r, w := io.Pipe()
		var group errgroup.Group
		group.Go(func() error { return w.CloseWithError(write(w)) })
		info, err := t.Objects.Put(ctx, t.args.Caller, objects.Ref{Bucket: to.Bucket, Key: to.Key}, r, options)
		if refused := (*fault.Error)(nil); errors.As(err, &refused) {
			err = outputError{fmt.Errorf("put %s: %w", to, err)}
		}
		err = errors.Join(err, r.CloseWithError(io.ErrClosedPipe), group.Wait())
		return written{Location: to, ETag: info.ETag}, err
	})
	return file.Location, err
}

// removeResults removes the result files that this job has written, and only
// these: a file that somebody replaced has another ETag and stays.
func (t *training) removeResults(ctx context.Context) error {
	for _, role := range customlabels.ResultRoles {
		file, ok, err := job.Recorded[written](ctx, t.run, putStep(role))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		ref := objects.Ref{Bucket: file.Location.Bucket, Key: file.Location.Key}
		err = t.Objects.DeleteIfMatch(ctx, t.args.Caller, ref, file.ETag)
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("remove %s: %w", file.Location, err)
		}
	}
	return nil
}

// A refusal is the recorded result of a training whose manifests it cannot
// use.
type refusal struct {
	Message string
	Files   customlabels.ResultFiles
}

const refusalStep = "refuse"

// refuse writes the files that say what is wrong with the manifests' content,
// and fails with the first problem.
func (t *training) refuse(ctx context.Context) error {
	first := t.plan.problems()[0]
	_, err := job.Step(ctx, t.run, refusalStep, func(ctx context.Context) (refusal, error) {
		files := make(customlabels.ResultFiles)
		for _, role := range []customlabels.Role{customlabels.ManifestSummary, customlabels.TrainingValidation, customlabels.TestingValidation} {
			location, err := t.put(ctx, role, func(w io.Writer) error { return t.writeResult(ctx, w, role, evaluation{}) })
			if err != nil {
				return refusal{}, err
			}
			files[role] = location
		}
		return refusal{Message: first.Message, Files: files}, nil
	})
	return errors.Join(err, first)
}
