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

// Put writes the file of a role, once per job. It is sealed with the
// version's KMS key, where it has one. open returns the content, which Put
// closes; it is not called where the file has been written.
func (w Writer) Put(ctx context.Context, role customlabels.Role, open func(context.Context) (io.ReadCloser, error)) (customlabels.S3Location, error) {
	return job.Step(ctx, w.Run, "put "+string(role), func(ctx context.Context) (customlabels.S3Location, error) {
		at := w.location(role)
		return at, w.put(ctx, at, open)
	})
}

func (w Writer) put(ctx context.Context, at customlabels.S3Location, open func(context.Context) (io.ReadCloser, error)) (err error) {
	body, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	options := objects.PutOptions{ContentType: "application/json", Mark: w.mark()}
	if w.Version.KMSKey != (arn.Key{}) {
		options.KMSKey = w.Version.KMSKey.String()
	}
	_, err = w.Objects.Put(ctx, w.Caller, ref(at), body, options)
	var refused *fault.Error
	if errors.As(err, &refused) {
		return &RefusedError{at, refused}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", at, err)
	}
	return nil
}

// location is where the file of a role is written.
func (w Writer) location(role customlabels.Role) customlabels.S3Location {
	output := w.Version.OutputConfig
	return customlabels.S3Location{Bucket: output.Bucket, Key: output.Key(customlabels.ResultFile(role, w.Version.ARN))}
}

// mark names the one version that a file was written for.
func (w Writer) mark() string { return w.Version.ARN.String() }

func ref(at customlabels.S3Location) objects.Ref { return objects.Ref{Bucket: at.Bucket, Key: at.Key} }

// A RefusedError is a result file that the bucket, or the key that was to
// seal it, does not take.
type RefusedError struct {
	Location customlabels.S3Location
	Fault    *fault.Error
}

func (e *RefusedError) Error() string { return fmt.Sprintf("writing %s: %v", e.Location, e.Fault) }

// Unwrap returns the refusal.
func (e *RefusedError) Unwrap() error { return e.Fault }

// Remove removes the files that were written for this version, and only
// these, also where the job was cut between a file and its record. A file
// that somebody replaced does not bear the version's mark and stays, and so
// does one that the caller may not remove any more.
func (w Writer) Remove(ctx context.Context) error {
	for _, role := range customlabels.ResultRoles {
		at := w.location(role)
		err := w.Objects.DeleteIfMarked(ctx, w.Caller, ref(at), w.mark())
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("remove %s: %w", at, err)
		}
	}
	return nil
}
