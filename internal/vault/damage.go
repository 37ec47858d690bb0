package vault

import (
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
)

// IsDamage reports whether err says that the bytes of a blob are missing, or
// not those that were sealed. An error of the disk is none: nobody can tell.
func IsDamage(err error) bool {
	return !IsKeyDamage(err) &&
		(errors.Is(err, digest.ErrMismatch) || errors.Is(err, blob.ErrNotFound) || errors.Is(err, envelope.ErrNotAuthentic))
}

// A KeyError says that a wrapped key of a version is not the one that was
// wrapped. It lies in the version's row: nothing is said of any blob, which
// other versions may share.
type KeyError struct {
	Version arn.ProjectVersion
	Role    customlabels.Role // whose key it is; empty: it is the version key
	Err     error
}

// Key names the key.
func (e *KeyError) Key() string {
	if e.Role == "" {
		return "version key"
	}
	return "wrapped key of " + string(e.Role)
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("the %s in the row of %s is damaged: %v", e.Key(), e.Version, e.Err)
}

// Unwrap returns what opening the key failed with.
func (e *KeyError) Unwrap() error { return e.Err }

// IsKeyDamage reports whether err is a [KeyError].
func IsKeyDamage(err error) bool {
	var damaged *KeyError
	return errors.As(err, &damaged)
}
