package kms

import (
	"context"
	"errors"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// A GrantQuery selects grants. Its zero value selects all of every key.
type GrantQuery struct {
	KeyID      string
	ID         string
	Grantee    arn.Principal
	NamePrefix string
	Bound      []string // digests of Constraints.Equals; none: no matter
	After      string   // an id: grants whose id is greater
	Limit      int      // 0: no limit
}

const listGrants, revokeGrant Operation = "ListGrants", "RevokeGrant"

// ListGrants returns up to q.Limit grants of a key after the one that marker
// names, and the marker for more, empty at the end.
func (s *Service) ListGrants(ctx context.Context, caller arn.Caller, keyID, marker string, q GrantQuery) ([]Grant, string, error) {
	k, err := s.find(ctx, caller, listGrants, Use{KeyID: keyID})
	if err != nil {
		return nil, "", err
	}
	if q.ID != "" {
		if _, err := s.grant(ctx, k.ARN, q.ID); err != nil {
			return nil, "", err
		}
	}
	if q.After, err = parseMarker(marker); err != nil {
		return nil, "", err
	}
	limit := q.Limit
	q.KeyID, q.Limit = k.ARN.ID, limit+1
	list, err := s.store.Grants(ctx, q)
	if err != nil {
		return nil, "", err
	}
	return page(list, limit, func(g Grant) string { return g.ID })
}

// LiveGrants returns the grants of all keys whose name begins with prefix. It
// is for the server itself, to find what a job left behind.
func (s *Service) LiveGrants(ctx context.Context, prefix string) ([]Grant, error) {
	return s.store.Grants(ctx, GrantQuery{NamePrefix: prefix})
}

// grant returns a grant of a key that the caller may know of.
func (s *Service) grant(ctx context.Context, k arn.Key, id string) (Grant, error) {
	g, err := s.store.Grant(ctx, k.ID, id)
	if errors.Is(err, NotFound) {
		return Grant{}, fault.New(InvalidGrantID, "Grant ID %.128s is not one of %s.", id, k)
	}
	return g, err
}

// RevokeGrant ends a grant, by whom the key's policy allows it.
func (s *Service) RevokeGrant(ctx context.Context, caller arn.Caller, u Use, grantID string) error {
	k, err := s.find(ctx, caller, revokeGrant, u)
	if err != nil {
		return err
	}
	if _, err := s.grant(ctx, k.ARN, grantID); err != nil {
		return err
	}
	if u.DryRun {
		return dryRun()
	}
	return s.deleteGrant(ctx, k.ARN, grantID)
}

// RetireGrant ends a grant of a key. For a service of ours it is no error if
// the grant, or its key, is gone: a job that was cut off repeats its last call.
func (s *Service) RetireGrant(ctx context.Context, caller arn.Caller, key arn.Key, grantID string) error {
	return s.Retire(ctx, caller, RetireRequest{Key: key, GrantID: grantID})
}

// RetireRequest names a grant by its key and id, or by its token.
type RetireRequest struct {
	Key     arn.Key
	GrantID string
	Token   string
	DryRun  bool
}

// Retire ends a grant. Its retiring principal can, the account that created
// it, its grantee if the grant says so, and whom a policy allows it.
func (s *Service) Retire(ctx context.Context, caller arn.Caller, r RetireRequest) error {
	if r.Token == "" {
		return s.retire(ctx, caller, r)
	}
	keyID, grantID, err := parseToken(r.Token)
	if err != nil {
		return err
	}
	k, err := s.key(ctx, keyID)
	if err == nil {
		err = s.retire(ctx, caller, RetireRequest{Key: k.ARN, GrantID: grantID, DryRun: r.DryRun})
	}
	gone := errors.Is(err, NotFound) || errors.Is(err, InvalidGrantID)
	if gone || errors.Is(err, AccessDenied) && !caller.Owns(k.ARN.Namespace) {
		return fault.New(InvalidGrantToken, "The grant token is not one of a grant that the caller can retire.").Because(err)
	}
	return err
}

func (s *Service) retire(ctx context.Context, caller arn.Caller, r RetireRequest) error {
	key := r.Key
	k, err := s.resolve(ctx, caller, reference{in: key.Namespace, id: key.ID})
	if err == nil {
		err = s.canRetire(ctx, caller, k, r.GrantID)
	}
	switch {
	case caller.Principal.IsService() && (errors.Is(err, NotFound) || errors.Is(err, InvalidGrantID)):
		return nil
	case !caller.Owns(key.Namespace) && (errors.Is(err, NotFound) || errors.Is(err, InvalidGrantID) || errors.Is(err, AccessDenied)):
		return deniedAbroad(caller, RetireGrantOperation.action()).Because(err)
	case err != nil:
		return err
	case r.DryRun:
		return dryRun()
	}
	return s.deleteGrant(ctx, key, r.GrantID)
}

func (s *Service) canRetire(ctx context.Context, caller arn.Caller, k Key, grantID string) error {
	g, err := s.grant(ctx, k.ARN, grantID)
	if err != nil {
		return err
	}
	who := caller.Principal
	if who == g.Retiring || who == g.Grantee && g.allows(RetireGrantOperation, nil) || who.IsRoot() && who.Account == g.Issuer.Account {
		return nil
	}
	_, _, err = s.authorize(ctx, caller, k, RetireGrantOperation, Use{})
	return err
}

// deleteGrant removes a grant; if another request was first, that is as well.
func (s *Service) deleteGrant(ctx context.Context, k arn.Key, id string) error {
	err := s.store.DeleteGrant(ctx, k.ID, id)
	if errors.Is(err, NotFound) {
		return nil
	}
	return err
}
