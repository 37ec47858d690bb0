// Package results keeps the result files of a version in its OutputConfig:
// whether the caller may write them, writing each once, and removing what a
// failed job has written. Training makes the files, a copy takes them over.
package results

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/objects"
)

// Check returns nil where the caller may write the results of a version of
// that project and name, else Rekognition's refusal of the OutputConfig.
func Check(ctx context.Context, store objects.Store, caller arn.Caller, project arn.Project, name string, output customlabels.OutputConfig) error {
	if output.Bucket == "" {
		return customlabels.Invalid("OutputConfig needs an S3Bucket.")
	}
	probe := customlabels.ResultFile(customlabels.EvaluationSummary, project.Version(name, "0"))
	err := store.CanPut(ctx, caller, objects.Ref{Bucket: output.Bucket, Key: output.Key(probe)}, "")
	var refused *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, objects.AccessDenied):
		return fault.New(customlabels.AccessDenied, "The OutputConfig bucket %s cannot be written by the caller: s3:PutObject is denied.", output.Bucket).Because(err)
	case errors.As(err, &refused):
		return customlabels.Invalid("The OutputConfig bucket %s cannot be used: %s", output.Bucket, refused.Message).Because(err)
	default:
		return fmt.Errorf("check bucket %s: %w", output.Bucket, err)
	}
}

// A Writer writes the result files of one version, in one run of its job.
type Writer struct {
	Objects objects.Store
	Run     *job.Run
	Caller  arn.Caller // whose permissions are used
	Version customlabels.ProjectVersion
}

// A file is the recorded result of writing one.
type file struct {
	Location customlabels.S3Location
	ETag     string
}

func step(r customlabels.Role) string { return "put " + string(r) }

// Put writes the file of a role, once per job. It is sealed with the
// version's KMS key, where it has one. open returns the content, which Put
// closes; it is not called where the file has been written.
func (w Writer) Put(ctx context.Context, role customlabels.Role, open func(context.Context) (io.ReadCloser, error)) (customlabels.S3Location, error) {
	written, err := job.Step(ctx, w.Run, step(role), func(ctx context.Context) (file, error) { return w.put(ctx, role, open) })
	return written.Location, err
}

func (w Writer) put(ctx context.Context, role customlabels.Role, open func(context.Context) (io.ReadCloser, error)) (_ file, err error) {
	body, err := open(ctx)
	if err != nil {
		return file{}, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	output := w.Version.OutputConfig
	to := customlabels.S3Location{Bucket: output.Bucket, Key: output.Key(customlabels.ResultFile(role, w.Version.ARN))}
	options := objects.PutOptions{ContentType: "application/json"}
	if w.Version.KMSKey != (arn.Key{}) {
		options.KMSKey = w.Version.KMSKey.String()
	}
	info, err := w.Objects.Put(ctx, w.Caller, objects.Ref{Bucket: to.Bucket, Key: to.Key}, body, options)
	var refused *fault.Error
	if errors.As(err, &refused) {
		return file{}, &RefusedError{to, refused}
	}
	if err != nil {
		return file{}, fmt.Errorf("write %s: %w", to, err)
	}
	return file{Location: to, ETag: info.ETag}, nil
}

// A RefusedError is a result file that the bucket, or the key that was to
// seal it, does not take.
type RefusedError struct {
	Location customlabels.S3Location
	Fault    *fault.Error
}

func (e *RefusedError) Error() string { return fmt.Sprintf("writing %s: %v", e.Location, e.Fault) }

// Unwrap returns the refusal.
func (e *RefusedError) Unwrap() error { return e.Fault }

// Remove removes the files that this job has written, and only these: a file
// that somebody replaced has another ETag and stays. A file that the caller
// may not remove any more stays as well.
func (w Writer) Remove(ctx context.Context) error {
	for _, role := range customlabels.ResultRoles {
		written, ok, err := job.Recorded[file](ctx, w.Run, step(role))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		ref := objects.Ref{Bucket: written.Location.Bucket, Key: written.Location.Key}
		err = w.Objects.DeleteIfMatch(ctx, w.Caller, ref, written.ETag)
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("remove %s: %w", written.Location, err)
		}
	}
	return nil
}
