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
	"mimeo/internal/policy"
)

// A Target is where the results of a version belong.
type Target struct {
	Version arn.ProjectVersion
	Output  customlabels.OutputConfig
	KMSKey  string // seals them; empty: S3's own key
}

// File is where the file of a role belongs.
func (t Target) File(r customlabels.Role) customlabels.S3Location {
	return customlabels.S3Location{Bucket: t.Output.Bucket, Key: t.Output.Key(customlabels.ResultFile(r, t.Version))}
}

// written are the roles of all that is written to an OutputConfig: the result
// files, and a copy's record.
var written = append([]customlabels.Role{customlabels.CopyRecord}, customlabels.ResultRoles...)

// Files are the places of all that is written.
func (t Target) Files() []objects.Ref {
	files := make([]objects.Ref, len(written))
	for i, r := range written {
		files[i] = ref(t.File(r))
	}
	return files
}

// Check returns no error where the caller may write every file to a bucket of
// its own account, else Rekognition's refusal of the OutputConfig. The decision
// is that of [objects.Store.CanPut].
func (t Target) Check(ctx context.Context, store objects.Store, caller arn.Caller) (policy.Decision, error) {
	bucket := t.Output.Bucket
	if bucket == "" {
		return policy.Decision{}, customlabels.Invalid("OutputConfig needs an S3Bucket.")
	}
	decided, err := store.CanPut(ctx, caller, t.KMSKey, t.Files()...)
	var refused *fault.Error
	switch {
	case err == nil:
		return decided, checkOwner(ctx, store, caller, bucket)
	case errors.As(err, &refused) && refused.Code == objects.AccessDenied:
		return policy.Decision{}, fault.New(customlabels.AccessDenied, "The OutputConfig bucket %s cannot be written by the caller: s3:PutObject is denied: %s", bucket, refused.Message).Because(err)
	case refused != nil:
		return policy.Decision{}, customlabels.Invalid("The OutputConfig bucket %s cannot be used: %s", bucket, refused.Message).Because(err)
	default:
		return policy.Decision{}, fmt.Errorf("check bucket %s: %w", bucket, err)
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

// CheckKey returns nil where the caller may seal the files with their key,
// else Rekognition's refusal of it. One file stands for all.
func (t Target) CheckKey(ctx context.Context, store objects.Store, caller arn.Caller) error {
	err := store.CanSeal(ctx, caller, t.KMSKey, t.Files()[0])
	var refused *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Code == objects.AccessDenied:
		return fault.New(customlabels.AccessDenied, "The results cannot be sealed by the caller with the KMS key %s: %s", t.KMSKey, refused.Message).Because(err)
	case refused != nil:
		return customlabels.Invalid("The results cannot be sealed with the KMS key %s: %s", t.KMSKey, refused.Message).Because(err)
	default:
		return fmt.Errorf("check key %s: %w", t.KMSKey, err)
	}
}

// A Writer writes the result files of one version. A file is not recorded: it
// bears the version's mark, and a job that was cut writes it again.
type Writer struct {
	Objects objects.Store
	Caller  arn.Caller // whose permissions are used
	Version customlabels.ProjectVersion
}

// An Opener returns the content of a result file.
type Opener func(context.Context) (io.ReadCloser, error)

// Put writes a file for each role, sealed with the version's KMS key where it
// has one, and returns where they are.
func (w Writer) Put(ctx context.Context, contents map[customlabels.Role]Opener) (at customlabels.ResultFiles, err error) {
	at = make(customlabels.ResultFiles)
	var files []objects.File
	for _, role := range written { // in this order, so that of two errors always the same is told
		open, ok := contents[role]
		if !ok {
			continue
		}
		body, openErr := open(ctx)
		if openErr != nil {
			return nil, openErr
		}
		defer func() { err = errors.Join(err, body.Close()) }()
		at[role] = w.target().File(role)
		files = append(files, objects.File{Key: at[role].Key, Body: body})
	}
	return at, w.put(ctx, files)
}

func (w Writer) put(ctx context.Context, files []objects.File) error {
	options := objects.PutOptions{ContentType: "application/json", Mark: w.mark()}
	if w.Version.KMSKey != (arn.Key{}) {
		options.KMSKey = w.Version.KMSKey.String()
	}
	into := w.target().Output
	err := w.Objects.Put(ctx, w.Caller, into.Bucket, files, options)
	folder := customlabels.S3Location{Bucket: into.Bucket, Key: into.Key("")}
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		return &RefusedError{folder, refused}
	}
	if err != nil {
		return fmt.Errorf("write to %s: %w", folder, err)
	}
	return nil
}

func (w Writer) target() Target {
	return Target{Version: w.Version.ARN, Output: w.Version.OutputConfig}
}

// mark names the one version that a file was written for.
func (w Writer) mark() string { return w.Version.ARN.String() }

func ref(at customlabels.S3Location) objects.Ref { return objects.Ref{Bucket: at.Bucket, Key: at.Key} }

// A RefusedError is result files that the bucket, or the key that was to seal
// them, does not take.
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
		at := w.target().File(role)
		err := w.Objects.DeleteIfMarked(ctx, w.Caller, ref(at), w.mark())
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("remove %s: %w", at, err)
		}
	}
	return nil
}
