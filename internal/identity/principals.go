package identity

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// PrincipalsByID returns a policy of a resource as it is to be stored: the
// users and roles that it names are named by their unique ids. Whoever is made
// under the name of one that was deleted is somebody else, whom the policy
// does not mean:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
//
// A principal that is not there stays as it is, and is matched by its name.
func (s *Service) PrincipalsByID(ctx context.Context, document string) (string, error) {
	return policy.RenamePrincipals(document, func(name string) (string, error) {
		who, err := arn.ParsePrincipal(name)
		ref, ok := RefOf(who)
		if err != nil || !ok {
			return name, nil
		}
		e, err := s.store.Entity(ctx, ref)
		switch {
		case errors.Is(err, NoSuchEntity) || err == nil && e.Principal() != who: // also a session, which is no role
			return name, nil
		case err != nil:
			return "", fmt.Errorf("look up the principal %s: %w", name, err)
		default:
			return e.ID, nil
		}
	})
}

// PrincipalsByName returns a stored policy as it is shown: with the ARNs of
// its users and roles. The id of one that is gone stays.
func (s *Service) PrincipalsByName(ctx context.Context, document string) (string, error) {
	return policy.RenamePrincipals(document, func(name string) (string, error) {
		if !arn.IsUniqueID(name) {
			return name, nil
		}
		e, err := s.store.EntityByID(ctx, name)
		switch {
		case errors.Is(err, NoSuchEntity):
			return name, nil
		case err != nil:
			return "", fmt.Errorf("look up the principal %s: %w", name, err)
		default:
			return e.Principal().String(), nil
		}
	})
}
