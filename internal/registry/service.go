// Package registry keeps projects, datasets, project policies and tags, and
// describes and deletes versions. Every operation is authorised before it
// looks anything up, so that a caller without permission learns nothing.
package registry

import (
	"context"
	"log/slog"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
	"mimeo/internal/quota"
)

// Permissions tells what a caller's own account allows the caller.
type Permissions interface {
	Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error)
	// PrincipalsByID returns a policy as it is stored, PrincipalsByName one
	// as it is shown: identity.Service says why they differ.
	PrincipalsByID(ctx context.Context, document string) (string, error)
	PrincipalsByName(ctx context.Context, document string) (string, error)
}

// Grants retires the KMS grants of versions that are deleted.
type Grants interface {
	// RetireGrant ends a grant. Retiring one that is gone is no error.
	RetireGrant(ctx context.Context, caller arn.Caller, key arn.Key, grantID string) error
}

// Config is what a Service works with. All fields but
// Quotas are required.
type Config struct {
	Projects    Projects
	Datasets    Datasets
	Entries     Entries
	Policies    Policies
	Tags        Tags
	Versions    Versions
	Objects     objects.Store
	Permissions Permissions
	Grants      Grants
	Quotas      *quota.Service // nil: the defaults
	Tokens      TokenKey
	Log         *slog.Logger
	Now         func() time.Time
}

// A Service serves the operations on projects, datasets, project policies,
// tags and, where no model is touched, versions. An operation's method has
// the operation's name.
type Service struct {
	projects    Projects
	datasets    Datasets
	entries     Entries
	policies    Policies
	tags        Tags
	versions    Versions
	objects     objects.Store
	permissions Permissions
	grants      Grants
	quotas      *quota.Service
	tokens      TokenKey
	log         *slog.Logger
	now         func() time.Time
}

// New returns a Service.
func New(c Config) *Service {
	return &Service{
		projects: c.Projects, datasets: c.Datasets, entries: c.Entries, policies: c.Policies, tags: c.Tags, versions: c.Versions,
		objects: c.Objects, permissions: c.Permissions, grants: c.Grants, quotas: c.Quotas, tokens: c.Tokens, log: c.Log, now: c.Now,
	}
}
