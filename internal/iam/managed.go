package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
)

// A Policy is a managed policy: of the account, or of AWS.
type Policy struct {
	ARN              arn.ARN
	ID, Path, Name   string
	Description      string
	Created, Updated time.Time
	Default, Last    int
	Versions         []Version // in the order of their numbers
	Tags             identity.Tags
	Uses             Uses
}

// A Version is one text that a managed policy has had.
type Version struct {
	Number   int
	Document string
	Created  time.Time
}

// ID is the version's name.
func (v Version) ID() string { return fmt.Sprintf("v%d", v.Number) }

// Uses counts the users and roles of an account that have a policy.
type Uses struct{ Attached, Boundaries int }

// A Use is one of them.
type Use struct {
	ID, Path string
	identity.Ref
}

// Policies remembers the managed policies of accounts.
type Policies interface {
	// InsertPolicy inserts a policy, or returns AlreadyExists or, where
	// there are quota of them, LimitExceeded.
	InsertPolicy(ctx context.Context, p Policy, quota int) error
	// Policy returns a policy with all its versions, or NoSuchEntity.
	Policy(ctx context.Context, a arn.ARN) (Policy, error)
	// Policies returns the policies of an account whose path begins with a
	// prefix, without versions, in the order of their names.
	Policies(ctx context.Context, partition, account, prefix string) ([]Policy, error)
	// UpdatePolicy changes a policy, all of it or nothing. Its errors are
	// change's, and NoSuchEntity.
	UpdatePolicy(ctx context.Context, a arn.ARN, change func(*Policy) error) error
	// DeletePolicy removes a policy if check lets it, or returns
	// NoSuchEntity, or DeleteConflict where an entity has the policy.
	DeletePolicy(ctx context.Context, a arn.ARN, check func(Policy) error) error
	// Uses counts, by ARN, who in an account has which managed policies.
	Uses(ctx context.Context, partition, account string) (map[string]Uses, error)
	// UsersOf returns who in an account has a policy, attached or as a
	// boundary, in the order of their names.
	UsersOf(ctx context.Context, partition, account, policy string, boundary bool) ([]Use, error)
}

func checkPolicyARN(name string) error {
	a, err := arn.Parse(name)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "policy/") {
		return fault.New(identity.Validation, "ARN %.200s is not valid.", name)
	}
	return nil
}

func noPolicy(name string) error {
	return fault.New(identity.NoSuchEntity, "Policy %s does not exist or is not attachable.", name)
}

// A NewPolicy is what CreatePolicy is asked for.
type NewPolicy struct {
	Name, Path, Description, Document string
	Tags                              []Tag
}

// CreatePolicy makes a managed policy.
func (s *Service) CreatePolicy(ctx context.Context, caller arn.Caller, n NewPolicy) (Policy, error) {
	now := s.now()
	p := Policy{
		ID: identity.NewID("ANPA"), Name: n.Name, Description: n.Description, Created: now, Updated: now,
		Default: 1, Last: 1, Versions: []Version{{1, n.Document, now}},
	}
	err := checkName("policyName", n.Name, policyName)
	if err == nil {
		p.Path, err = checkPath(n.Path)
	}
	if err == nil && len(n.Description) > 1000 {
		err = fault.New(identity.Validation, "The Description must have at most 1000 characters.")
	}
	if err == nil {
		p.Tags, err = setTags(nil, n.Tags)
	}
	if err == nil {
		err = checkDocument(n.Document, policy.ParseIdentity, policySize)
	}
	if err != nil {
		return p, err
	}
	p.ARN = in(caller, "policy"+p.Path+p.Name)
	actions := []string{"iam:CreatePolicy"}
	if len(n.Tags) > 0 {
		actions = append(actions, "iam:TagPolicy")
	}
	for _, action := range actions {
		if err := s.authorize(ctx, caller, action, p.ARN.String(), requestTags(n.Tags)); err != nil {
			return p, err
		}
	}
	err = s.store.InsertPolicy(ctx, p, PoliciesQuota)
	switch {
	case errors.Is(err, identity.AlreadyExists):
		err = fault.New(identity.AlreadyExists, "A policy called %s already exists. Duplicate names are not allowed.", n.Name)
	case errors.Is(err, LimitExceeded):
		err = fault.New(LimitExceeded, "Cannot exceed quota for PoliciesPerAccount: %d", PoliciesQuota)
	case err != nil:
		err = fmt.Errorf("insert policy %s: %w", n.Name, err)
	}
	return p, err
}

// managed returns the policy that an operation names: of the caller's account,
// or of AWS.
func (s *Service) managed(ctx context.Context, caller arn.Caller, name, action string, keys ...policy.Keys) (Policy, error) {
	if err := checkPolicyARN(name); err != nil {
		return Policy{}, err
	}
	p, err := s.find(ctx, caller, name)
	missing := errors.Is(err, identity.NoSuchEntity)
	if err != nil && !missing {
		return p, fmt.Errorf("look up policy %s: %w", name, err)
	}
	if err := s.authorize(ctx, caller, action, name, append(keys, identity.ResourceTags(p.Tags))...); err != nil {
		return Policy{}, err
	}
	if missing {
		return p, fault.New(identity.NoSuchEntity, "Policy %s was not found.", name)
	}
	return p, nil
}

func (s *Service) find(ctx context.Context, caller arn.Caller, name string) (Policy, error) {
	if p, ok := identity.AWSManaged(name); ok && p.ARN.Partition == caller.Principal.Partition {
		return theirs(p), nil
	}
	a, err := arn.Parse(name)
	if err != nil || a.Partition != caller.Principal.Partition || a.Account != caller.Principal.Account {
		return Policy{}, identity.NoSuchEntity
	}
	return s.store.Policy(ctx, a)
}

// theirs is a policy of AWS.
func theirs(p identity.AWSPolicy) Policy {
	return Policy{
		ARN: p.ARN, ID: p.ID, Path: "/", Name: p.Name, Description: p.Description, Created: p.Created, Updated: p.Updated,
		Default: p.Version, Last: p.Version, Versions: []Version{{p.Version, p.Document, p.Updated}},
	}
}

// GetManaged returns a managed policy and how many have it.
func (s *Service) GetManaged(ctx context.Context, caller arn.Caller, name string) (Policy, error) {
	p, err := s.managed(ctx, caller, name, "iam:GetPolicy")
	if err != nil {
		return p, err
	}
	all, err := s.store.Uses(ctx, caller.Principal.Partition, caller.Principal.Account)
	if err != nil {
		return p, fmt.Errorf("count the uses of %s: %w", name, err)
	}
	p.Uses = all[name]
	return p, nil
}

// GetVersion returns one version of a managed policy.
func (s *Service) GetVersion(ctx context.Context, caller arn.Caller, name, version string) (Policy, Version, error) {
	p, err := s.managed(ctx, caller, name, "iam:GetPolicyVersion")
	if err != nil {
		return p, Version{}, err
	}
	i, err := p.version(version)
	if err != nil {
		return p, Version{}, err
	}
	return p, p.Versions[i], nil
}

func (p *Policy) version(id string) (int, error) {
	i := slices.IndexFunc(p.Versions, func(v Version) bool { return v.ID() == id })
	if i < 0 {
		return 0, fault.New(identity.NoSuchEntity, "Policy %s version %.40s does not exist or is not attachable.", p.ARN, id)
	}
	return i, nil
}

// ListVersions returns a page of the versions of a managed policy.
func (s *Service) ListVersions(ctx context.Context, caller arn.Caller, name string, l List) (Policy, Page[Version], error) {
	p, err := s.managed(ctx, caller, name, "iam:ListPolicyVersions")
	if err != nil {
		return p, Page[Version]{}, err
	}
	versions, err := pageOf(p.Versions, l, func(v Version) string { return fmt.Sprintf("%09d", v.Number) })
	return p, versions, err
}

// own changes a managed policy of the account.
func (s *Service) own(ctx context.Context, caller arn.Caller, name, action string, change func(*Policy) error, keys ...policy.Keys) error {
	p, err := s.managed(ctx, caller, name, action, keys...)
	if err != nil {
		return err
	}
	if identity.IsAWSManaged(name) {
		return fault.New(identity.AccessDenied, "The policy %s is AWS's and cannot be changed.", name)
	}
	return s.explainPolicy(name, s.store.UpdatePolicy(ctx, p.ARN, change))
}

func (s *Service) explainPolicy(name string, err error) error {
	switch {
	case err == nil, errors.As(err, new(*fault.Error)):
		return err
	case errors.Is(err, identity.NoSuchEntity):
		return fault.New(identity.NoSuchEntity, "Policy %s was not found.", name)
	case errors.Is(err, DeleteConflict):
		return fault.New(DeleteConflict, "Cannot delete a policy attached to entities.")
	default:
		return fmt.Errorf("policy %s: %w", name, err)
	}
}

// CreateVersion adds a version to a managed policy, and reports whether it is
// the default.
func (s *Service) CreateVersion(ctx context.Context, caller arn.Caller, name string, v Version, set Default) (Version, error) {
	if err := checkDocument(v.Document, policy.ParseIdentity, policySize); err != nil {
		return v, err
	}
	v.Created = s.now()
	err := s.own(ctx, caller, name, "iam:CreatePolicyVersion", func(p *Policy) error {
		if len(p.Versions) >= VersionsQuota {
			return fault.New(LimitExceeded, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", VersionsQuota)
		}
		p.Last++
		v.Number = p.Last
		p.Versions, p.Updated = append(p.Versions, v), v.Created
		if set == AsDefault {
			p.Default = v.Number
		}
		return nil
	})
	return v, err
}

// A Default says whether a new version takes effect.
type Default int

// Whether a new version takes effect.
const (
	NotDefault Default = iota
	AsDefault
)

// SetDefaultVersion makes a version of a managed policy take effect.
func (s *Service) SetDefaultVersion(ctx context.Context, caller arn.Caller, name, version string) error {
	return s.own(ctx, caller, name, "iam:SetDefaultPolicyVersion", func(p *Policy) error {
		i, err := p.version(version)
		if err == nil {
			p.Default, p.Updated = p.Versions[i].Number, s.now()
		}
		return err
	})
}

// DeleteVersion removes a version that is not the default.
func (s *Service) DeleteVersion(ctx context.Context, caller arn.Caller, name, version string) error {
	return s.own(ctx, caller, name, "iam:DeletePolicyVersion", func(p *Policy) error {
		i, err := p.version(version)
		if err != nil {
			return err
		}
		if p.Versions[i].Number == p.Default {
			return fault.New(DeleteConflict, "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		return nil
	})
}

// DeleteManaged removes a managed policy that nobody has.
func (s *Service) DeleteManaged(ctx context.Context, caller arn.Caller, name string) error {
	p, err := s.managed(ctx, caller, name, "iam:DeletePolicy")
	if err != nil {
		return err
	}
	if identity.IsAWSManaged(name) {
		return fault.New(identity.AccessDenied, "The policy %s is AWS's and cannot be changed.", name)
	}
	return s.explainPolicy(name, s.store.DeletePolicy(ctx, p.ARN, func(p Policy) error {
		if len(p.Versions) > 1 {
			return fault.New(DeleteConflict, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "+
				"The default version is deleted with the policy.")
		}
		return nil
	}))
}

// TagPolicy adds tags to a managed policy.
func (s *Service) TagPolicy(ctx context.Context, caller arn.Caller, name string, tags []Tag) error {
	return s.own(ctx, caller, name, "iam:TagPolicy", func(p *Policy) (err error) {
		p.Tags, err = setTags(p.Tags, tags)
		return err
	}, requestTags(tags))
}

// UntagPolicy removes tags from a managed policy.
func (s *Service) UntagPolicy(ctx context.Context, caller arn.Caller, name string, keys []string) error {
	return s.own(ctx, caller, name, "iam:UntagPolicy", func(p *Policy) error {
		for _, key := range keys {
			p.Tags = p.Tags.Without(key)
		}
		return nil
	}, policy.TagKeys(keys))
}

// ListPolicyTags returns a page of the tags of a managed policy.
func (s *Service) ListPolicyTags(ctx context.Context, caller arn.Caller, name string, l List) (Page[Tag], error) {
	p, err := s.managed(ctx, caller, name, "iam:ListPolicyTags")
	if err != nil {
		return Page[Tag]{}, err
	}
	return listTags(p.Tags, l)
}

// A PolicyFilter says which managed policies to list.
type PolicyFilter struct {
	Local, AWS   bool // whose
	OnlyUsed     bool
	OnlyBoundary bool // only those that are boundaries
}

// ListManaged returns a page of managed policies: the account's, then AWS's.
func (s *Service) ListManaged(ctx context.Context, caller arn.Caller, f PolicyFilter, l List) (Page[Policy], error) {
	if _, _, err := l.check(); err != nil {
		return Page[Policy]{}, err
	}
	if err := s.authorize(ctx, caller, "iam:ListPolicies", in(caller, "policy/").String()); err != nil {
		return Page[Policy]{}, err
	}
	partition, account := caller.Principal.Partition, caller.Principal.Account
	var all []Policy
	var err error
	if f.Local {
		if all, err = s.store.Policies(ctx, partition, account, l.Prefix); err != nil {
			return Page[Policy]{}, fmt.Errorf("list policies: %w", err)
		}
	}
	if f.AWS && strings.HasPrefix("/", l.Prefix) {
		for _, p := range identity.AWSManagedPolicies(partition) {
			all = append(all, theirs(p))
		}
	}
	counts, err := s.store.Uses(ctx, partition, account)
	if err != nil {
		return Page[Policy]{}, fmt.Errorf("count the uses of policies: %w", err)
	}
	for i := range all {
		all[i].Uses = counts[all[i].ARN.String()]
	}
	all = slices.DeleteFunc(all, func(p Policy) bool {
		return f.OnlyUsed && p.Uses.Attached == 0 || f.OnlyBoundary && p.Uses.Boundaries == 0
	})
	key := func(p Policy) string {
		if p.ARN.Account == account {
			return "0" + strings.ToLower(p.Name)
		}
		return "1" + p.Name
	}
	return pageOf(all, l, key)
}
