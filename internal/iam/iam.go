// Package iam administers users, roles, managed policies and access keys: the
// operations of IAM. What they allow is package identity's to say.
//
// IAM has no regions: its names are unique in an account of a partition.
package iam

import (
	"context"
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
)

// The codes of this package, beside those of package identity.
const (
	DeleteConflict fault.Code = "DeleteConflict"
	InvalidInput   fault.Code = "InvalidInput"
	LimitExceeded  fault.Code = "LimitExceeded"
)

// AWS's default quotas:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	UsersQuota    = 5000
	RolesQuota    = 1000
	PoliciesQuota = 1500
	VersionsQuota = 5
	KeysQuota     = 2 // of a user
	attachQuota   = 10
	tagsQuota     = 50
	policySize    = 6144 // of a managed policy, without white space
	trustSize     = 2048
)

// inlineSize is how long the inline policies of an entity may be, together.
var inlineSize = map[identity.Kind]int{identity.User: 2048, identity.Role: 10240}

// Permissions says what a caller is allowed, and which user it is.
type Permissions interface {
	Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error)
	Caller(ctx context.Context, caller arn.Caller) (identity.Entity, error)
	// PrincipalsByID returns a policy as it is stored, PrincipalsByName one
	// as it is shown: identity.Service says why they differ.
	PrincipalsByID(ctx context.Context, document string) (string, error)
	PrincipalsByName(ctx context.Context, document string) (string, error)
	NewKey(account, user string) (identity.AccessKey, identity.SealedKey, error)
}

// Store remembers what IAM administers.
type Store interface {
	Entities
	Policies
	Keys
}

// A Service serves the operations of IAM.
type Service struct {
	store       Store
	permissions Permissions
	now         func() time.Time
}

// New returns a service on a store.
func New(store Store, p Permissions, now func() time.Time) *Service {
	return &Service{store: store, permissions: p, now: now}
}

// authorize asks whether the caller may do an action on one of its account's
// resources.
func (s *Service) authorize(ctx context.Context, caller arn.Caller, action, resource string, keys ...policy.Keys) error {
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return err
	}
	req := policy.Request{Action: action, Resource: resource, Keys: policy.Keys{}}
	for _, k := range keys {
		maps.Copy(req.Keys, k)
	}
	d := policy.Authorize(who, req, caller.Principal.Account, nil)
	if d.Allowed() {
		return nil
	}
	return identity.Denied(&policy.DeniedError{Principal: caller.Principal, Request: req, Decision: d})
}

// A List asks for one page of a list.
type List struct {
	Prefix string // of the path
	Marker string // where the last page ended
	Max    int    // at most so many; 100 where zero
}

// A Page is one of a list; Next is the marker of the next one, empty for the
// last.
type Page[T any] struct {
	Items []T
	Next  string
}

const usualPage, largestPage = 100, 1000

// check returns the name after which the page begins, and its length.
func (l List) check() (after string, n int, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(l.Marker)
	switch {
	case err != nil || !utf8.Valid(raw):
		return "", 0, fault.New(identity.Validation, "Invalid Marker.")
	case l.Max < 0 || l.Max > largestPage:
		return "", 0, fault.New(identity.Validation, "MaxItems must be from 1 to %d.", largestPage)
	case l.Prefix != "" && !pathPrefix.MatchString(l.Prefix):
		return "", 0, fault.New(identity.Validation, "The PathPrefix must begin with a slash.")
	case l.Max == 0:
		return string(raw), usualPage, nil
	}
	return string(raw), l.Max, nil
}

// page cuts a page of n items from what a store returned: one more than n
// where there are more.
func page[T any](found []T, n int, name func(T) string) Page[T] {
	if len(found) <= n {
		return Page[T]{Items: found}
	}
	return Page[T]{Items: found[:n], Next: base64.RawURLEncoding.EncodeToString([]byte(name(found[n-1])))}
}

// pageOf cuts a page from a whole list that is in the order of its names.
func pageOf[T any](all []T, l List, name func(T) string) (Page[T], error) {
	after, n, err := l.check()
	if err != nil {
		return Page[T]{}, err
	}
	if l.Marker != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(v T) bool { return name(v) <= after })
	}
	return page(all, n, name), nil
}

func itself(name string) string { return name }

var (
	entityName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	policyName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	pathForm   = regexp.MustCompile(`^/([!-.0-~]+/)*$`)
	pathPrefix = regexp.MustCompile(`^/[!-~]{0,511}$`)
	tagText    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

func checkName(member, name string, form *regexp.Regexp) error {
	if !form.MatchString(name) {
		return fault.New(identity.Validation, "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- "+
			"and be at most %d long", member, map[*regexp.Regexp]int{entityName: 64, policyName: 128}[form])
	}
	return nil
}

// checkPath returns the path to use: "/" where none is given.
func checkPath(path string) (string, error) {
	switch {
	case path == "":
		return "/", nil
	case len(path) > 512 || !pathForm.MatchString(path):
		return "", fault.New(identity.Validation, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	default:
		return path, nil
	}
}

// A Tag is one pair of a request's list.
type Tag struct{ Key, Value string }

// setTags returns tags with more of them.
func setTags(tags identity.Tags, more []Tag) (identity.Tags, error) {
	seen := identity.Tags{}
	for _, t := range more {
		lower := strings.ToLower(t.Key)
		switch _, twice := seen[lower]; {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128 || utf8.RuneCountInString(t.Value) > 256 ||
			!tagText.MatchString(t.Key) || !tagText.MatchString(t.Value):
			return nil, fault.New(identity.Validation, "The tag %.128q is invalid: a key has 1 to 128 characters, a value 256 at most, of letters, digits, white space and _.:/=+-@.", t.Key)
		case strings.HasPrefix(lower, "aws:"):
			return nil, fault.New(identity.Validation, "The tag key %.128q begins with aws:, which is reserved.", t.Key)
		case twice:
			return nil, fault.New(InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[lower] = ""
		tags = tags.With(t.Key, t.Value)
	}
	if len(tags) > tagsQuota {
		return nil, fault.New(LimitExceeded, "The number of tags has reached the maximum limit: %d.", tagsQuota)
	}
	return tags, nil
}

// requestTags are the condition keys of a request's tags.
func requestTags(more []Tag) policy.Keys {
	tags := identity.Tags{}
	for _, t := range more {
		tags[t.Key] = t.Value
	}
	return policy.RequestTags(tags)
}

// listTags is one page of tags, by key.
func listTags(tags identity.Tags, l List) (Page[Tag], error) {
	keys, err := pageOf(tags.Keys(), l, itself)
	p := Page[Tag]{Items: []Tag{}, Next: keys.Next}
	for _, key := range keys.Items {
		p.Items = append(p.Items, Tag{key, tags[key]})
	}
	return p, err
}

// maxDocument bounds a document before it is read; its size, which the quotas
// are for, is counted without white space.
const maxDocument = 131072

func size(document string) int {
	n := 0
	for _, r := range document {
		if !strings.ContainsRune(" \t\r\n", r) {
			n++
		}
	}
	return n
}

// checkDocument parses a document of at most so many characters.
func checkDocument(document string, parse func(string) (*policy.Document, error), most int) error {
	if len(document) > maxDocument {
		return fault.New(identity.Validation, "The policy document must have at most %d characters.", maxDocument)
	}
	if _, err := parse(document); err != nil {
		return fault.New(identity.MalformedPolicy, "%s", err)
	}
	if size(document) > most {
		return fault.New(LimitExceeded, "Cannot exceed quota for PolicySize: %d", most)
	}
	return nil
}

// in returns the ARN of something in the caller's account.
func in(caller arn.Caller, resource string) arn.ARN {
	return arn.ARN{Partition: caller.Principal.Partition, Service: "iam", Account: caller.Principal.Account, Resource: resource}
}
