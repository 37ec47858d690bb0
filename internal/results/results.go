// Package results keeps the result files of a version in its OutputConfig:
// whether the caller may write them, writing them, and removing what a failed
// job has written. Training makes the files, a copy takes them over.
package results

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/objects"
)

// File is where the result file of a role of version v belongs.
func File(r customlabels.Role, v arn.ProjectVersion, output customlabels.OutputConfig) customlabels.S3Location {
	return customlabels.S3Location{Bucket: output.Bucket, Key: output.Key(customlabels.ResultFile(r, v))}
}

// written are the roles of all that is written to an OutputConfig: the result
// files, and a copy's record.
var written = append([]customlabels.Role{customlabels.CopyRecord}, customlabels.ResultRoles...)

// Files are the places of all that is written to the OutputConfig of v.
func Files(v arn.ProjectVersion, output customlabels.OutputConfig) []objects.Ref {
	files := make([]objects.Ref, len(written))
	for i, r := range written {
		files[i] = ref(File(r, v, output))
	}
	return files
}

// Check returns nil where the caller may write every result of version v to a
// bucket of its own account, else Rekognition's refusal of the OutputConfig.
func Check(ctx context.Context, store objects.Store, caller arn.Caller, v arn.ProjectVersion, output customlabels.OutputConfig) error {
	if output.Bucket == "" {
		return customlabels.Invalid("OutputConfig needs an S3Bucket.")
	}
	err := store.CanPut(ctx, caller, "", Files(v, output)...)
	var refused *fault.Error
	switch {
	case err == nil:
		return checkOwner(ctx, store, caller, output.Bucket)
	case errors.Is(err, objects.AccessDenied):
		return fault.New(customlabels.AccessDenied, "The OutputConfig bucket %s cannot be written by the caller: s3:PutObject is denied.", output.Bucket).Because(err)
	case errors.As(err, &refused):
		return customlabels.Invalid("The OutputConfig bucket %s cannot be used: %s", output.Bucket, refused.Message).Because(err)
	default:
		return fmt.Errorf("check bucket %s: %w", output.Bucket, err)
	}
}

// checkOwner refuses a bucket of another account, also where its policy would
// let the caller write: the results belong to the account of the version.
func checkOwner(ctx context.Context, store objects.Store, caller arn.Caller, bucket string) error {
	owner, err := store.Owner(ctx, caller, bucket)
	if err != nil {
		return fmt.Errorf("look up the owner of bucket %s: %w", bucket, err)
	}
	if owner != caller.Principal.Account {
		return customlabels.Invalid("The OutputConfig bucket %s cannot be used: it belongs to another account. Name a bucket of this account.", bucket)
	}
	return nil
}

// CheckKey returns nil where the caller may seal results with key, in a bucket
// for which Check returned nil. One file stands for all.
func CheckKey(ctx context.Context, store objects.Store, caller arn.Caller, v arn.ProjectVersion, output customlabels.OutputConfig, key arn.Key) error {
	err := store.CanPut(ctx, caller, key.String(), Files(v, output)[0])
	var refused *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, objects.AccessDenied):
		return fault.New(customlabels.AccessDenied, "The results cannot be sealed by the caller with the KMS key %s: kms:GenerateDataKey is denied for the bucket %s.", key, output.Bucket).Because(err)
	case errors.As(err, &refused):
		return customlabels.Invalid("The results cannot be sealed with the KMS key %s: %s", key, refused.Message).Because(err)
	default:
		return fmt.Errorf("check key %s: %w", key, err)
	}
}

// A Writer writes the result files of one version. A file is not recorded: it
// bears the version's mark, and a job that was cut writes it again.
type Writer struct {
	Objects objects.Store
	Caller  arn.Caller // whose permissions are used
	Version customlabels.ProjectVersion
}

// Put writes the file of a role, sealed with the version's KMS key where it
// has one. open returns the content, which Put closes.
func (w Writer) Put(ctx context.Context, role customlabels.Role, open func(context.Context) (io.ReadCloser, error)) (at customlabels.S3Location, err error) {
	at = File(role, w.Version.ARN, w.Version.OutputConfig)
	body, err := open(ctx)
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	options := objects.PutOptions{ContentType: "application/json", Mark: w.mark()}
	if w.Version.KMSKey != (arn.Key{}) {
		options.KMSKey = w.Version.KMSKey.String()
	}
	_, err = w.Objects.Put(ctx, w.Caller, ref(at), body, options)
	var refused *fault.Error
	if errors.As(err, &refused) {
		return at, &RefusedError{at, refused}
	}
	if err != nil {
		return at, fmt.Errorf("write %s: %w", at, err)
	}
	return at, nil
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
	for _, role := range written {
		at := File(role, w.Version.ARN, w.Version.OutputConfig)
		err := w.Objects.DeleteIfMarked(ctx, w.Caller, ref(at), w.mark())
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("remove %s: %w", at, err)
		}
	}
	return nil
}
