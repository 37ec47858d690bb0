package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// Bounds of sessions.
const (
	shortest     = 15 * time.Minute
	longest      = 12 * time.Hour // of a role's
	longestToken = 36 * time.Hour // of a user's own
	usual        = time.Hour      // also the longest of a chain of roles, and of a root
	usualToken   = 12 * time.Hour
	// maxSessionPolicy is the length of a session's policy and of the ARNs
	// of its managed policies, together.
	maxSessionPolicy = 2048
	maxSessionARNs   = 10
	maxExternalID    = 1224
	maxTags          = 50
)

var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

// An AssumeRequest asks for a session of a role.
type AssumeRequest struct {
	Role        string // its ARN
	SessionName string
	Duration    time.Duration // an hour where zero
	ExternalID  string
	SourceID    string
	Policy      string
	PolicyARNs  []string
	Tags        Tags
	Transitive  []string // keys of the tags that outlive a change of roles
}

// An AssumedRole is a session that was begun.
type AssumedRole struct {
	Credentials
	Principal        arn.Principal
	UserID, SourceID string
}

// AssumeRole begins a session of a role, for whom its trust policy and, across
// accounts, the caller's own policies allow it. Whether a role exists is
// learnt by nobody else.
func (s *Service) AssumeRole(ctx context.Context, caller arn.Caller, req AssumeRequest) (AssumedRole, error) {
	ref, err := req.check()
	if err != nil {
		return AssumedRole{}, err
	}
	if caller.Principal.IsRoot() {
		return AssumedRole{}, fault.New(AccessDenied, "Roles may not be assumed by root accounts.")
	}
	_, from, err := s.standing(ctx, caller)
	if err != nil && !errors.Is(err, NoSuchEntity) {
		return AssumedRole{}, fmt.Errorf("look up the caller's session: %w", err)
	}
	content, err := req.content(from)
	if err != nil {
		return AssumedRole{}, err
	}
	role, err := s.trusting(ctx, caller, req, ref, content)
	if err != nil {
		return AssumedRole{}, err
	}
	length, err := req.length(role, from)
	if err != nil {
		return AssumedRole{}, err
	}
	made, err := s.begin(ctx, role, role.Account, length, content)
	if err != nil {
		return AssumedRole{}, fmt.Errorf("assume %s: %w", role.Principal(), err)
	}
	session := Session{Account: role.Account, Entity: role, SessionContent: content}
	return AssumedRole{Credentials: made, Principal: session.Principal(), UserID: userID(role, session, session.Principal()), SourceID: content.SourceID}, nil
}

// trusting returns the role if it, and the caller's policies, let the caller
// assume it.
func (s *Service) trusting(ctx context.Context, caller arn.Caller, req AssumeRequest, ref Ref, content SessionContent) (Entity, error) {
	role, err := s.store.Entity(ctx, ref)
	found := err == nil && role.Principal().String() == req.Role
	if err != nil && !errors.Is(err, NoSuchEntity) {
		return Entity{}, fmt.Errorf("look up role %s: %w", req.Role, err)
	}
	trust := policy.Policy{Name: "the trust policy of role " + ref.Name} // of a role that is not there it trusts nobody
	if found {
		if trust.Document, err = policy.ParseTrust(role.Trust); err != nil {
			return Entity{}, fmt.Errorf("trust policy of %s: %w", req.Role, err)
		}
	}
	who, err := s.Subject(ctx, caller)
	if err != nil {
		return Entity{}, err
	}
	foreign := caller.Principal.Account != ref.Account
	for _, action := range req.actions(content) {
		question := policy.Request{Action: action, Resource: req.Role, Keys: req.keys(content)}
		if foreign { // whose own policies are not to tell what the role's tags are
			question.OwnerKeys = ResourceTags(role.Tags)
		} else {
			maps.Copy(question.Keys, ResourceTags(role.Tags))
		}
		d := policy.AuthorizeTrust(who, question, ref.Account, trust)
		if !found || !d.Allowed() {
			return Entity{}, Denied(&policy.DeniedError{Principal: caller.Principal, Request: question, Decision: d, Foreign: foreign || !found})
		}
	}
	return role, nil
}

// check validates the request and returns the role that it names.
func (r AssumeRequest) check() (Ref, error) {
	name, err := arn.ParsePrincipal(r.Role)
	ref, ok := RefOf(name)
	switch {
	case err != nil || !ok || ref.Kind != Role || !strings.HasPrefix(name.Name, "role/"):
		return Ref{}, fault.New(Validation, "%.200q is not the ARN of a role.", r.Role)
	case !sessionName.MatchString(r.SessionName):
		return Ref{}, fault.New(Validation, "The RoleSessionName must have 2 to 64 characters of letters, digits and _+=,.@-.")
	case r.ExternalID != "" && (len(r.ExternalID) > maxExternalID || !externalID.MatchString(r.ExternalID)):
		return Ref{}, fault.New(Validation, "The ExternalId must have 2 to 1224 characters of letters, digits and _+=,.@:/-.")
	case r.SourceID != "" && !sessionName.MatchString(r.SourceID):
		return Ref{}, fault.New(Validation, "The SourceIdentity must have 2 to 64 characters of letters, digits and _+=,.@-.")
	case r.Duration != 0 && (r.Duration < shortest || r.Duration > longest):
		return Ref{}, fault.New(Validation, "DurationSeconds must be from 900 to 43200.")
	case len(r.Tags) > maxTags:
		return Ref{}, fault.New(Validation, "A session has at most %d tags.", maxTags)
	}
	for key, value := range r.Tags {
		if key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return Ref{}, fault.New(Validation, "The tag %.128q is invalid: a key has 1 to 128 characters and does not begin with aws:, a value has 256 at most.", key)
		}
	}
	return ref, r.checkPolicies(ref)
}

// checkPolicies refuses managed policies of another account than the role's
// before anybody looks for them: what a session may do would tell what they say.
func (r AssumeRequest) checkPolicies(role Ref) error {
	if r.Policy != "" {
		if _, err := policy.ParseIdentity(r.Policy); err != nil {
			return fault.New(MalformedPolicy, "%s", err)
		}
	}
	length := len(r.Policy)
	for _, name := range r.PolicyARNs {
		if a, err := arn.Parse(name); err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "policy/") {
			return fault.New(Validation, "%.200q is not the ARN of a managed policy.", name)
		} else if a.Partition != role.Partition || a.Account != role.Account && !IsAWSManaged(name) {
			return fault.New(Validation, "The managed policy %.200q is of another account than the role.", name)
		}
		length += len(name)
	}
	if length > maxSessionPolicy || len(r.PolicyARNs) > maxSessionARNs {
		return fault.New(PackedTooLarge, "The session's policies have %d characters and %d ARNs; the limits are %d and %d.",
			length, len(r.PolicyARNs), maxSessionPolicy, maxSessionARNs)
	}
	return nil
}

// content is what the session will be: with the tags and the source identity
// that it inherits from the session it is assumed from.
func (r AssumeRequest) content(from Session) (SessionContent, error) {
	c := SessionContent{
		Name: r.SessionName, Policy: r.Policy, PolicyARNs: r.PolicyARNs, Tags: r.Tags,
		Transitive: slices.Concat(from.Transitive, r.Transitive), SourceID: r.SourceID,
	}
	if from.SourceID != "" {
		if r.SourceID != "" && r.SourceID != from.SourceID {
			return c, fault.New(AccessDenied, "The source identity of a session cannot be changed: it is %s.", from.SourceID)
		}
		c.SourceID = from.SourceID
	}
	for _, key := range from.Transitive {
		for mine := range r.Tags {
			if strings.EqualFold(mine, key) {
				return c, fault.New(Validation, "The tag %.128q is transitive and cannot be given again.", key)
			}
		}
		if value, ok := from.Tags[key]; ok {
			c.Tags = c.Tags.With(key, value)
		}
	}
	for _, key := range r.Transitive {
		if _, ok := r.Tags[key]; !ok {
			return c, fault.New(Validation, "The transitive tag key %.128q is not among the session's tags.", key)
		}
	}
	return c, nil
}

// actions are those that the trust policy must allow.
func (r AssumeRequest) actions(c SessionContent) []string {
	all := []string{"sts:AssumeRole"}
	if len(c.Tags) > 0 {
		all = append(all, "sts:TagSession")
	}
	if c.SourceID != "" {
		all = append(all, "sts:SetSourceIdentity")
	}
	return all
}

func (r AssumeRequest) keys(c SessionContent) policy.Keys {
	keys := policy.Keys{"sts:rolesessionname": {r.SessionName}}
	for key, value := range map[string]string{"sts:externalid": r.ExternalID, "sts:sourceidentity": r.SourceID} {
		if value != "" {
			keys[key] = []string{value}
		}
	}
	if len(r.Transitive) > 0 {
		keys["sts:transitivetagkeys"] = r.Transitive
	}
	maps.Copy(keys, policy.RequestTags(c.Tags))
	return keys
}

// length is how long the session lasts.
func (r AssumeRequest) length(role Entity, from Session) (time.Duration, error) {
	length := r.Duration
	if length == 0 {
		length = usual
	}
	switch {
	case length > role.MaxSession:
		return 0, fault.New(Validation, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case from.Entity.Kind == Role && length > usual:
		return 0, fault.New(Validation, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	default:
		return length, nil
	}
}

// ResourceTags are the condition keys of the tags of a user, role or policy,
// which IAM knows under a name of its own too.
func ResourceTags(t Tags) policy.Keys {
	keys := policy.Keys{}
	keys.AddResourceTags(t)
	for name, values := range maps.Clone(keys) {
		keys["iam:"+strings.TrimPrefix(name, "aws:")] = values
	}
	return keys
}

// GetSessionToken begins a session of the caller's own: it may what the
// caller may, but for IAM and most of STS. It needs no permission, and a key
// that is no session's.
func (s *Service) GetSessionToken(ctx context.Context, caller arn.Caller, length time.Duration) (Credentials, error) {
	entity, _, err := s.standing(ctx, caller)
	switch {
	case errors.Is(err, NoSuchEntity) || err == nil && caller.Session != "":
		return Credentials{}, fault.New(AccessDenied, "Cannot call GetSessionToken with session credentials")
	case err != nil:
		return Credentials{}, fmt.Errorf("identify %s: %w", caller.Principal, err)
	case length != 0 && (length < shortest || length > longestToken):
		return Credentials{}, fault.New(Validation, "DurationSeconds must be from 900 to 129600.")
	case length == 0:
		length = usualToken
	}
	if entity.ID == "" {
		length = min(length, usual)
	}
	return s.begin(ctx, entity, caller.Principal.Account, length, SessionContent{})
}
