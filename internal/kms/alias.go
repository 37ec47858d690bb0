package kms

import (
	"context"
	"errors"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// An Alias is a name of a key in its account and region.
type Alias struct {
	arn.Namespace
	Name    string // "alias/NAME"
	KeyID   string
	Created time.Time
}

// ARN returns the alias's ARN.
func (a Alias) ARN() arn.ARN {
	return arn.ARN{Partition: a.Partition, Service: "kms", Region: a.Region, Account: a.Account, Resource: a.Name}
}

// reservedAliases begin the names that only the service gives.
const reservedAliases = "alias/aws/"

// CreateAlias names a key of the caller's account.
func (s *Service) CreateAlias(ctx context.Context, caller arn.Caller, name, keyID string) error {
	short, ok := strings.CutPrefix(name, "alias/")
	if !ok || short == "" || strings.HasPrefix(name, reservedAliases) || strings.ContainsFunc(short, notInAlias) {
		return fault.New(InvalidAliasName, "%.256q is not a name for an alias: it is \"alias/\" followed by letters, digits, /, _ and -, and does not begin with %q.", name, reservedAliases)
	}
	k, err := s.findOwn(ctx, caller, "CreateAlias", Use{KeyID: keyID})
	if err != nil {
		return err
	}
	a := Alias{Namespace: k.ARN.Namespace, Name: name, KeyID: k.ARN.ID, Created: s.now()}
	if err := s.allowed(ctx, caller, policy.Request{Action: "kms:CreateAlias", Resource: a.ARN().String()}); err != nil {
		return err
	}
	if k.State == PendingDeletion {
		return pendingDeletion(k.ARN)
	}
	err = s.store.InsertAlias(ctx, a, maxAliases)
	switch {
	case errors.Is(err, AlreadyExists):
		return fault.New(AlreadyExists, "An alias with the name %s already exists", a.ARN())
	case errors.Is(err, LimitExceeded):
		return fault.New(LimitExceeded, "%s has %d aliases, which is the limit.", k.ARN, maxAliases)
	case errors.Is(err, NotFound):
		return keyNotFound(k.ARN)
	}
	return err
}

func notInAlias(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("/_-", r)
}

// ListAliases returns up to limit aliases of the caller's account and region,
// or those of one of its keys, after the one that marker names; and the marker
// for more, empty at the end.
func (s *Service) ListAliases(ctx context.Context, caller arn.Caller, keyID, marker string, limit int) ([]Alias, string, error) {
	if err := s.allowed(ctx, caller, policy.Request{Action: "kms:ListAliases", Resource: "*"}); err != nil {
		return nil, "", err
	}
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	if keyID != "" {
		r, err := refer(caller, keyID)
		if err != nil {
			return nil, "", err
		}
		if r.alias != "" {
			return nil, "", fault.New(InvalidArn, "ListAliases takes a key id or a key ARN, not an alias.")
		}
		if !caller.Owns(r.in) {
			return nil, "", deniedAbroad(caller, "kms:ListAliases")
		}
		k, err := s.resolve(ctx, caller, r)
		if err != nil {
			return nil, "", err
		}
		keyID = k.ARN.ID
	}
	list, err := s.store.Aliases(ctx, namespace(caller), keyID, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	return page(list, limit, func(a Alias) string { return a.Name })
}
