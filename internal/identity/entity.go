package identity

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"mimeo/internal/arn"
)

// A Kind is what an entity is.
type Kind string

// The kinds of entities, as their ARNs have them.
const (
	User Kind = "user"
	Role Kind = "role"
)

// A Ref names a user or a role. No two names differ in case alone.
type Ref struct {
	Partition, Account string
	Kind               Kind
	Name               string
}

// An Entity is what can have policies: a user, or a role.
type Entity struct {
	Ref
	ID      string // "AIDA…" of a user, "AROA…" of a role
	Path    string // begins and ends with "/"
	Created time.Time
	Content
}

// A Content is what IAM keeps of an entity beside its name.
type Content struct {
	Inline   map[string]string `json:",omitempty"` // documents by name
	Attached []string          `json:",omitempty"` // ARNs of managed policies
	Boundary string            `json:",omitempty"` // ARN of a managed policy
	Tags     Tags              `json:",omitempty"`
	// The rest is a role's.
	Description string        `json:",omitempty"`
	Trust       string        `json:",omitempty"` // who may assume it: a document
	MaxSession  time.Duration `json:",omitempty"`
}

// Entities finds users and roles, and what their policies say.
type Entities interface {
	// Entity returns a user or a role, or NoSuchEntity.
	Entity(ctx context.Context, r Ref) (Entity, error)
	// EntityByID returns a user or a role by its unique id, or NoSuchEntity.
	EntityByID(ctx context.Context, id string) (Entity, error)
	// Documents returns the default documents of managed policies, by ARN;
	// those that are not there are missing.
	Documents(ctx context.Context, arns []string) (map[string]string, error)
}

// Principal is who a user is. Of a role it is whom policies name; who acts is
// a session of it.
func (e Entity) Principal() arn.Principal {
	return arn.Principal{Partition: e.Partition, Account: e.Account, Name: string(e.Kind) + e.Path + e.Name}
}

// RefOf returns which user, or which role of a session, a principal is.
func RefOf(p arn.Principal) (Ref, bool) {
	kind, rest, _ := strings.Cut(p.Name, "/")
	r := Ref{Partition: p.Partition, Account: p.Account}
	switch kind {
	case string(User), string(Role):
		r.Kind, r.Name = Kind(kind), rest[strings.LastIndex(rest, "/")+1:]
	case "assumed-role":
		r.Kind = Role
		r.Name, _, _ = strings.Cut(rest, "/")
	}
	return r, r.Name != ""
}

// Tags are values by key. No two keys differ in case alone.
type Tags map[string]string

// With returns t with a tag added, or given another value.
func (t Tags) With(key, value string) Tags {
	tags := t.Without(key)
	tags[key] = value
	return tags
}

// Without returns t without a tag.
func (t Tags) Without(key string) Tags {
	tags := maps.Clone(t)
	if tags == nil {
		tags = Tags{}
	}
	maps.DeleteFunc(tags, func(k, _ string) bool { return strings.EqualFold(k, key) })
	return tags
}

// Keys returns the keys in order.
func (t Tags) Keys() []string { return slices.Sorted(maps.Keys(t)) }
