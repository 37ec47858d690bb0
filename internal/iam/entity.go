package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
)

// Entities remembers users and roles.
type Entities interface {
	// InsertEntity inserts a user or role. It returns AlreadyExists where
	// the name is taken, LimitExceeded where there are quota of its kind,
	// and ErrNoPolicy where a managed policy that it has is not there.
	InsertEntity(ctx context.Context, e identity.Entity, quota int) error
	// Entity returns a user or role, or NoSuchEntity.
	Entity(ctx context.Context, r identity.Ref) (identity.Entity, error)
	// Entities returns at most n users or roles after a name, in the order
	// of their names, whose path begins with a prefix.
	Entities(ctx context.Context, of identity.Ref, prefix, after string, n int) ([]identity.Entity, error)
	// UpdateEntity changes a user or role, all of it or nothing. Its errors
	// are change's, those of InsertEntity, and NoSuchEntity.
	UpdateEntity(ctx context.Context, r identity.Ref, change func(*identity.Entity) error) error
	// DeleteEntity removes a user or role and its sessions if check, which is told
	// how many access keys there are, lets it.
	DeleteEntity(ctx context.Context, r identity.Ref, check func(e identity.Entity, keys int) error) error
}

// ErrNoPolicy is a managed policy that is not there.
var ErrNoPolicy = errors.New("no such managed policy")

// A Target names the user or role that an operation is for.
type Target struct {
	Kind identity.Kind
	Name string
}

func (t Target) ref(caller arn.Caller) identity.Ref {
	return identity.Ref{Partition: caller.Principal.Partition, Account: caller.Principal.Account, Kind: t.Kind, Name: t.Name}
}

// noun is how actions and messages call the target: "User".
func (t Target) noun() string {
	return map[identity.Kind]string{identity.User: "User", identity.Role: "Role"}[t.Kind]
}

// action names an operation on users or roles: action("Put%sPolicy").
func (t Target) action(format string) string { return "iam:" + fmt.Sprintf(format, t.noun()) }

func (t Target) missing() error {
	return fault.New(identity.NoSuchEntity, "The %s with name %s cannot be found.", t.Kind, t.Name)
}

// explain puts what a store answers into words.
func (t Target) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNoPolicy):
		return fault.New(identity.NoSuchEntity, "A managed policy that is named does not exist or is not attachable.").Because(err)
	case errors.As(err, new(*fault.Error)):
		return err
	case errors.Is(err, identity.NoSuchEntity):
		return t.missing()
	case errors.Is(err, identity.AlreadyExists):
		return fault.New(identity.AlreadyExists, "%s with name %s already exists.", t.noun(), t.Name)
	case errors.Is(err, LimitExceeded):
		return fault.New(LimitExceeded, "Cannot exceed quota for %ssPerAccount: %d", t.noun(), t.quota())
	default:
		return fmt.Errorf("%s %s: %w", t.Kind, t.Name, err)
	}
}

func (t Target) quota() int {
	return map[identity.Kind]int{identity.User: UsersQuota, identity.Role: RolesQuota}[t.Kind]
}

// A NewEntity is what CreateUser and CreateRole are asked for; the last line
// is a role's.
type NewEntity struct {
	Name, Path, Boundary string
	Tags                 []Tag

	Description, Trust string
	MaxSession         time.Duration // an hour where zero
}

// Create makes a user or a role.
func (s *Service) Create(ctx context.Context, caller arn.Caller, kind identity.Kind, n NewEntity) (identity.Entity, error) {
	on := Target{kind, n.Name}
	e, err := n.entity(on.ref(caller))
	if err != nil {
		return e, err
	}
	e.ID, e.Created = identity.NewID(map[identity.Kind]string{identity.User: "AIDA", identity.Role: "AROA"}[kind]), s.now()
	actions := []string{on.action("Create%s")}
	if len(n.Tags) > 0 {
		actions = append(actions, on.action("Tag%s"))
	}
	for _, action := range actions {
		if err := s.authorize(ctx, caller, action, e.Principal().String(), requestTags(n.Tags), boundaryKey(n.Boundary)); err != nil {
			return e, err
		}
	}
	stored := e
	if stored.Trust, err = s.permissions.PrincipalsByID(ctx, e.Trust); err != nil {
		return e, err
	}
	return e, on.explain(s.store.InsertEntity(ctx, stored, on.quota()))
}

func (n NewEntity) entity(ref identity.Ref) (e identity.Entity, err error) {
	e = identity.Entity{Ref: ref, Content: identity.Content{
		Boundary: n.Boundary, Description: n.Description, Trust: n.Trust, MaxSession: n.MaxSession,
	}}
	if err := checkName(string(ref.Kind)+"Name", n.Name, entityName); err != nil {
		return e, err
	}
	if e.Path, err = checkPath(n.Path); err != nil {
		return e, err
	}
	if e.Tags, err = setTags(nil, n.Tags); err != nil {
		return e, err
	}
	if err := checkPolicyARN(n.Boundary); n.Boundary != "" && err != nil {
		return e, err
	}
	if ref.Kind == identity.Role {
		return e, checkRole(&e.Content)
	}
	return e, nil
}

func checkRole(c *identity.Content) error {
	if c.MaxSession == 0 {
		c.MaxSession = time.Hour
	}
	switch {
	case c.MaxSession < time.Hour || c.MaxSession > 12*time.Hour:
		return fault.New(identity.Validation, "MaxSessionDuration must be from 3600 to 43200.")
	case len(c.Description) > 1000:
		return fault.New(identity.Validation, "The Description must have at most 1000 characters.")
	default:
		return checkDocument(c.Trust, policy.ParseTrust, trustSize)
	}
}

func boundaryKey(name string) policy.Keys {
	if name == "" {
		return nil
	}
	return policy.Keys{"iam:permissionsboundary": {name}}
}

// Get returns a user or a role to a caller who may see it.
func (s *Service) Get(ctx context.Context, caller arn.Caller, on Target) (identity.Entity, error) {
	e, err := s.named(ctx, caller, on, on.action("Get%s"))
	if err != nil {
		return e, err
	}
	e.Trust, err = s.permissions.PrincipalsByName(ctx, e.Trust)
	return e, err
}

// named returns the user or role that an operation names. A caller who may
// not do the action learns nothing of it.
func (s *Service) named(ctx context.Context, caller arn.Caller, on Target, action string, keys ...policy.Keys) (identity.Entity, error) {
	if err := checkName(string(on.Kind)+"Name", on.Name, entityName); err != nil {
		return identity.Entity{}, err
	}
	ref := on.ref(caller)
	e, err := s.store.Entity(ctx, ref)
	missing := errors.Is(err, identity.NoSuchEntity)
	if missing {
		e, err = identity.Entity{Ref: ref, Path: "/"}, nil
	}
	if err != nil {
		return e, fmt.Errorf("look up %s %s: %w", on.Kind, on.Name, err)
	}
	keys = append([]policy.Keys{identity.ResourceTags(e.Tags), boundaryKey(e.Boundary)}, keys...) // the request's win
	if err := s.authorize(ctx, caller, action, e.Principal().String(), keys...); err != nil {
		return identity.Entity{}, err
	}
	if missing {
		return identity.Entity{}, on.missing()
	}
	return e, nil
}

// change changes the user or role that an operation names.
func (s *Service) change(ctx context.Context, caller arn.Caller, on Target, action string, change func(*identity.Entity) error, keys ...policy.Keys) error {
	seen, err := s.named(ctx, caller, on, action, keys...)
	if err != nil {
		return err
	}
	return on.explain(s.store.UpdateEntity(ctx, seen.Ref, func(e *identity.Entity) error {
		if e.ID != seen.ID {
			return on.missing() // made anew since
		}
		return change(e)
	}))
}

// List returns a page of users or roles.
func (s *Service) List(ctx context.Context, caller arn.Caller, kind identity.Kind, l List) (Page[identity.Entity], error) {
	after, n, err := l.check()
	if err != nil {
		return Page[identity.Entity]{}, err
	}
	on := Target{Kind: kind}
	path, prefix := "/", l.Prefix
	if prefix != "" {
		path = prefix
	}
	if err := s.authorize(ctx, caller, on.action("List%ss"), in(caller, string(kind)+path).String()); err != nil {
		return Page[identity.Entity]{}, err
	}
	found, err := s.store.Entities(ctx, on.ref(caller), prefix, after, n+1)
	if err != nil {
		return Page[identity.Entity]{}, fmt.Errorf("list %ss: %w", kind, err)
	}
	for i := range found {
		if found[i].Trust, err = s.permissions.PrincipalsByName(ctx, found[i].Trust); err != nil {
			return Page[identity.Entity]{}, err
		}
	}
	return page(found, n, func(e identity.Entity) string { return e.Name }), nil
}

// UpdateUser renames a user, or moves it to another path; what is empty stays.
func (s *Service) UpdateUser(ctx context.Context, caller arn.Caller, user, name, path string) error {
	on := Target{identity.User, user}
	if name != "" {
		if err := checkName("newUserName", name, entityName); err != nil {
			return err
		}
	}
	if path != "" {
		if _, err := checkPath(path); err != nil {
			return err
		}
	}
	seen, err := s.named(ctx, caller, on, "iam:UpdateUser")
	if err != nil {
		return err
	}
	moved := seen
	rename := func(e *identity.Entity) {
		if name != "" {
			e.Name = name
		}
		if path != "" {
			e.Path = path
		}
	}
	rename(&moved)
	// Whoever gives a name must have a say about the name, too.
	if err := s.authorize(ctx, caller, "iam:UpdateUser", moved.Principal().String(), identity.ResourceTags(moved.Tags)); err != nil {
		return err
	}
	err = s.store.UpdateEntity(ctx, seen.Ref, func(e *identity.Entity) error {
		if e.ID != seen.ID {
			return on.missing()
		}
		rename(e)
		return nil
	})
	if errors.Is(err, identity.AlreadyExists) {
		on.Name = name
	}
	return on.explain(err)
}

// A RoleChange says what to change of a role; what is nil stays.
type RoleChange struct {
	Description, Trust *string
	MaxSession         *time.Duration
}

// UpdateRole changes a role. The action is the operation's.
func (s *Service) UpdateRole(ctx context.Context, caller arn.Caller, role, action string, c RoleChange) error {
	if c.Trust != nil {
		trust, err := s.permissions.PrincipalsByID(ctx, *c.Trust)
		if err != nil {
			return err
		}
		c.Trust = &trust
	}
	return s.change(ctx, caller, Target{identity.Role, role}, "iam:"+action, func(e *identity.Entity) error {
		if c.Description != nil {
			e.Description = *c.Description
		}
		if c.Trust != nil {
			e.Trust = *c.Trust
		}
		if c.MaxSession != nil {
			e.MaxSession = *c.MaxSession
		}
		return checkRole(&e.Content)
	})
}

// Delete removes a user or a role that has no policies and no access keys. Its
// sessions end.
func (s *Service) Delete(ctx context.Context, caller arn.Caller, on Target) error {
	seen, err := s.named(ctx, caller, on, on.action("Delete%s"))
	if err != nil {
		return err
	}
	return on.explain(s.store.DeleteEntity(ctx, seen.Ref, func(e identity.Entity, keys int) error {
		const sentence = "Cannot delete entity, must %s first."
		switch {
		case e.ID != seen.ID:
			return on.missing()
		case keys > 0:
			return fault.New(DeleteConflict, sentence, "delete access keys")
		case len(e.Attached) > 0:
			return fault.New(DeleteConflict, sentence, "detach all policies")
		case len(e.Inline) > 0:
			return fault.New(DeleteConflict, sentence, "delete policies")
		default:
			return nil
		}
	}))
}
