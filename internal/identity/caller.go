package identity

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// A CallerIdentity is what a caller is told about itself.
type CallerIdentity struct {
	Account, UserID string
	ARN             arn.Principal
}

// GetCallerIdentity tells a caller who it is. It needs no permission.
func (s *Service) GetCallerIdentity(ctx context.Context, caller arn.Caller) (CallerIdentity, error) {
	entity, session, err := s.standing(ctx, caller)
	if errors.Is(err, NoSuchEntity) {
		return CallerIdentity{}, fault.New(AccessDenied, "The identity of the caller no longer exists.")
	}
	if err != nil {
		return CallerIdentity{}, fmt.Errorf("identify %s: %w", caller.Principal, err)
	}
	who := caller.Principal
	return CallerIdentity{Account: who.Account, UserID: userID(entity, session, who), ARN: who}, nil
}

// Caller is the user that a caller is; its id is empty for a root. Sessions
// of roles are no users.
func (s *Service) Caller(ctx context.Context, caller arn.Caller) (Entity, error) {
	entity, _, err := s.standing(ctx, caller)
	if errors.Is(err, NoSuchEntity) || err == nil && entity.Kind == Role {
		return Entity{}, fault.New(Validation, "Must specify userName when calling with non-User credentials")
	}
	return entity, err
}

// GetAccessKeyInfo tells the account that an access key belongs to, whoever
// asks and may.
func (s *Service) GetAccessKeyInfo(ctx context.Context, caller arn.Caller, id string) (account string, err error) {
	if err := s.authorize(ctx, caller, "sts:GetAccessKeyInfo"); err != nil {
		return "", err
	}
	key, _, err := s.lookUp(ctx, id)
	if errors.Is(err, NoSuchEntity) {
		return "", fault.New(Validation, "There is no access key %.40q.", id)
	}
	return key.Account, err
}
