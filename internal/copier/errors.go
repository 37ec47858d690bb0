package copier

import (
	"errors"
	"fmt"
	"syscall"

	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
	"mimeo/internal/vault"
)

// A Side is one end of a copy.
type Side string

// The two ends.
const (
	Source      Side = "source"
	Destination Side = "destination"
)

// An Error says at which end, and in doing what, a copy failed.
type Error struct {
	Side  Side
	Doing string
	Err   error
	blob  digest.Digest // that is damaged
}

func sourceError(doing string, err error) error {
	return &Error{Side: Source, Doing: doing, Err: err}
}

func destinationError(doing string, err error) error {
	return &Error{Side: Destination, Doing: doing, Err: err}
}

// artifactError is about an artifact that could not be read. Its stored bytes
// are the source's, also where the copy shares them; ofCopy is for a resealed one.
func artifactError(doing string, a customlabels.Artifact, err error) error {
	failed := &Error{Side: Source, Doing: doing + string(a.Role), Err: err}
	if vault.IsDamage(err) {
		failed.blob = a.Digest
	}
	return failed
}

// ofCopy says whose an artifact of the copy is that could not be read: a copy
// that shares has the source's bytes, one that was resealed its own.
func ofCopy(mode Mode, err error) error {
	var at *Error
	if mode == Reseal && errors.As(err, &at) {
		return destinationError(at.Doing, at.Err)
	}
	return err
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Side, e.Doing, e.Err) }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// isPermanent reports whether no retry can mend err: a refusal by a key or a
// bucket, a damaged or missing artifact or key, a version that is gone.
func isPermanent(err error) bool {
	var refused *fault.Error
	var code fault.Code
	return errors.As(err, &refused) || errors.As(err, &code) || vault.IsDamage(err) || vault.IsKeyDamage(err)
}

// internalFailure is the StatusMessage of a copy that failed for no reason
// that its owner could mend.
const internalFailure = "The model copy failed: the service had an internal error. Delete this version and copy again."

// remedy mends what is stored damaged at one end.
func (s Side) remedy() string {
	if s == Destination {
		return "Delete this version and copy again."
	}
	return "Train the source again, or restore it from a backup."
}

// failureMessage is the StatusMessage of a failed copy: the step, the cause
// and the remedy. It shows nothing of an internal error but the step.
func failureMessage(cause error) string {
	var at *Error
	if !errors.As(cause, &at) {
		return internalFailure
	}
	var refused *fault.Error
	var key *vault.KeyError
	switch {
	case errors.As(cause, &key):
		return fmt.Sprintf("The model copy failed at the %s, %s: the stored %s is damaged. %s", at.Side, at.Doing, key.Key(), at.Side.remedy())
	case vault.IsDamage(cause):
		return fmt.Sprintf("The model copy failed at the %s, %s: the stored artifact is damaged. %s", at.Side, at.Doing, at.Side.remedy())
	case errors.As(cause, &refused):
		return fmt.Sprintf("The model copy failed at the %s, %s: %s Mend this, delete this version and copy again.", at.Side, at.Doing, refused.Sentence())
	case errors.Is(cause, syscall.ENOSPC):
		return fmt.Sprintf("The model copy failed at the %s, %s: the disk of the server is full. Have its operator make room, delete this version and copy again.", at.Side, at.Doing)
	case errors.Is(cause, customlabels.ResourceNotFound):
		return fmt.Sprintf("The model copy failed at the %s, %s: it does not exist any more.", at.Side, at.Doing)
	default:
		return fmt.Sprintf("The model copy failed at the %s, %s: the service had an internal error. Delete this version and copy again.", at.Side, at.Doing)
	}
}
