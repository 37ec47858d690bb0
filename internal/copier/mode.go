package copier

import (
	"context"
	"fmt"
	"strings"

	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// A Mode is how the model gets to the destination.
type Mode string

const (
	// Share wraps keys anew and moves no byte of the model.
	Share Mode = "SHARE"
	// Reseal opens the model and seals it again under fresh keys: the copy has
	// blobs of its own.
	Reseal Mode = "RESEAL"
)

// kind is the kind of the job that makes a copy.
func (m Mode) kind() job.Kind {
	if m == Reseal {
		return ResealKind
	}
	return Kind
}

// MinRateLimit is the least rate of a reseal: a block of a MiB is written at a
// time, and must be within the time that an attempt has.
const MinRateLimit = 1 << 10

// ParseMode reads the name of a mode, in upper or lower case; the empty one is
// no choice.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(strings.ToUpper(s)); m {
	case "", Share, Reseal:
		return m, nil
	default:
		return "", customlabels.Invalid("%.40q is no mode of a copy: SHARE and RESEAL are.", s)
	}
}

// mode is how the copy is to be made: as the request says, else as is set for
// the destination's account, else as is set for the server.
func (d *decision) mode(ctx context.Context) (Mode, error) {
	if d.req.Mode != "" {
		return d.req.Mode, nil
	}
	of, err := d.Store.AccountMode(ctx, d.copied.Account)
	switch {
	case err != nil:
		return "", fmt.Errorf("read the copy mode of account %s: %w", d.copied.Account, err)
	case of != "":
		return of, nil
	case d.Mode != "":
		return d.Mode, nil
	default:
		return Share, nil
	}
}
