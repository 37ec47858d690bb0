package iam

import (
	"context"
	"maps"
	"slices"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
)

// PutBoundary sets the permissions boundary of a user or role.
func (s *Service) PutBoundary(ctx context.Context, caller arn.Caller, on Target, name string) error {
	if err := checkPolicyARN(name); err != nil {
		return err
	}
	return s.change(ctx, caller, on, on.action("Put%sPermissionsBoundary"), func(e *identity.Entity) error {
		e.Boundary = name
		return nil
	}, boundaryKey(name))
}

// DeleteBoundary removes the permissions boundary of a user or role.
func (s *Service) DeleteBoundary(ctx context.Context, caller arn.Caller, on Target) error {
	return s.change(ctx, caller, on, on.action("Delete%sPermissionsBoundary"), func(e *identity.Entity) error {
		e.Boundary = ""
		return nil
	})
}

// PutPolicy writes an inline policy into a user or role.
func (s *Service) PutPolicy(ctx context.Context, caller arn.Caller, on Target, name, document string) error {
	if err := checkName("policyName", name, policyName); err != nil {
		return err
	}
	most := inlineSize[on.Kind]
	if err := checkDocument(document, policy.ParseIdentity, maxDocument); err != nil {
		return err
	}
	return s.change(ctx, caller, on, on.action("Put%sPolicy"), func(e *identity.Entity) error {
		if e.Inline == nil {
			e.Inline = map[string]string{}
		}
		e.Inline[name] = document
		all := 0
		for _, text := range e.Inline {
			all += size(text)
		}
		if all > most {
			return fault.New(LimitExceeded, "Maximum policy size of %d bytes exceeded for %s %s", most, on.Kind, on.Name)
		}
		return nil
	})
}

func noInline(on Target, name string) error {
	return fault.New(identity.NoSuchEntity, "The %s policy with name %s cannot be found.", on.Kind, name)
}

// GetPolicy returns the document of an inline policy.
func (s *Service) GetPolicy(ctx context.Context, caller arn.Caller, on Target, name string) (string, error) {
	e, err := s.named(ctx, caller, on, on.action("Get%sPolicy"))
	if err != nil {
		return "", err
	}
	document, ok := e.Inline[name]
	if !ok {
		return "", noInline(on, name)
	}
	return document, nil
}

// DeletePolicy removes an inline policy.
func (s *Service) DeletePolicy(ctx context.Context, caller arn.Caller, on Target, name string) error {
	return s.change(ctx, caller, on, on.action("Delete%sPolicy"), func(e *identity.Entity) error {
		if _, ok := e.Inline[name]; !ok {
			return noInline(on, name)
		}
		delete(e.Inline, name)
		return nil
	})
}

// ListPolicies returns a page of the names of inline policies.
func (s *Service) ListPolicies(ctx context.Context, caller arn.Caller, on Target, l List) (Page[string], error) {
	e, err := s.named(ctx, caller, on, on.action("List%sPolicies"))
	if err != nil {
		return Page[string]{}, err
	}
	return pageOf(slices.Sorted(maps.Keys(e.Inline)), l, itself)
}

// Tag adds tags to a user or role.
func (s *Service) Tag(ctx context.Context, caller arn.Caller, on Target, tags []Tag) error {
	return s.change(ctx, caller, on, on.action("Tag%s"), func(e *identity.Entity) (err error) {
		e.Tags, err = setTags(e.Tags, tags)
		return err
	}, requestTags(tags))
}

// Untag removes tags from a user or role.
func (s *Service) Untag(ctx context.Context, caller arn.Caller, on Target, keys []string) error {
	return s.change(ctx, caller, on, on.action("Untag%s"), func(e *identity.Entity) error {
		for _, key := range keys {
			e.Tags = e.Tags.Without(key)
		}
		return nil
	}, policy.TagKeys(keys))
}

// ListTags returns a page of the tags of a user or role.
func (s *Service) ListTags(ctx context.Context, caller arn.Caller, on Target, l List) (Page[Tag], error) {
	e, err := s.named(ctx, caller, on, on.action("List%sTags"))
	if err != nil {
		return Page[Tag]{}, err
	}
	return listTags(e.Tags, l)
}

// Has asks whether a caller may list what a user or role has of a kind that
// does not exist here, such as groups: it then has none.
func (s *Service) Has(ctx context.Context, caller arn.Caller, on Target, action string) error {
	_, err := s.named(ctx, caller, on, "iam:"+action)
	return err
}

// HasNone asks whether a caller may list what the account has of a kind that
// does not exist here.
func (s *Service) HasNone(ctx context.Context, caller arn.Caller, action string) error {
	return s.authorize(ctx, caller, "iam:"+action, "*")
}
