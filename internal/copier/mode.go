package copier

import (
	"context"
	"fmt"
	"strings"

	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/record"
)

// A Mode is how the model gets to the destination.
type Mode string

const (
	// Share wraps keys anew and moves no byte of the model.
	Share Mode = record.Share
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

// mode is how a copy is to be made: as the request says, else as is set for
// the destination's account, else as is set for the server.
func (s *Service) mode(ctx context.Context, req Request) (Mode, error) {
	if req.Mode != "" {
		return req.Mode, nil
	}
	account := req.DestinationProject.Account
	of, err := s.Store.AccountMode(ctx, account)
	switch {
	case err != nil:
		return "", fmt.Errorf("read the copy mode of account %s: %w", account, err)
	case of != "":
		return of, nil
	case s.Mode != "":
		return s.Mode, nil
	default:
		return Share, nil
	}
}

// canLimitRate refuses a rate limit that would bound nothing: wherever the
// mode comes from, the caller asked for a slow copy and would get a fast one.
func (d *decision) canLimitRate() error {
	if d.how == Share {
		return customlabels.Invalid("RateLimit bounds a reseal, and this copy is made by %s, which moves no byte of the model.", d.how)
	}
	return nil
}
