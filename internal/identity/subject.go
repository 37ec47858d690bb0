package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// Subject returns the caller with all of its own that decides: the policies of
// the user, or of the role that a session has assumed, their boundary, the
// session's policies, and the condition keys of both. An account's root is
// allowed everything, within its session's bounds. A caller of whom nothing
// is known, or no longer, has no policies: nothing allows it anything.
func (s *Service) Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error) {
	who := policy.Subject{Principal: caller.Principal, Mandate: caller.Mandate, Keys: s.requestKeys(caller)}
	if caller.Mandate != nil || caller.Principal.IsService() {
		return who, nil
	}
	entity, session, err := s.standing(ctx, caller)
	switch {
	case errors.Is(err, NoSuchEntity):
		return who, nil
	case err != nil:
		return policy.Subject{}, fmt.Errorf("look up the policies of %s: %w", caller.Principal, err)
	}
	who.ID = entity.ID
	maps.Copy(who.Keys, principalKeys(entity, session, caller.Principal))
	if err := s.addPolicies(ctx, &who, entity, session); err != nil {
		return policy.Subject{}, fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	return who, nil
}

// standing finds the user or role that a caller acts as, and its session
// where it has one; both are zero for a root. It is NoSuchEntity where the
// caller is not, or no longer, who it says.
func (s *Service) standing(ctx context.Context, caller arn.Caller) (Entity, Session, error) {
	if caller.Session != "" {
		session, err := s.store.Session(ctx, caller.Session)
		who := session.Principal()
		if who.Partition == "" {
			who.Partition = caller.Principal.Partition // a root's, from the region
		}
		if err == nil && (who != caller.Principal || !s.now().Before(session.Expires)) {
			err = NoSuchEntity
		}
		return session.Entity, session, err
	}
	if caller.Principal.IsRoot() {
		return Entity{}, Session{}, nil
	}
	ref, ok := RefOf(caller.Principal)
	if !ok || ref.Kind != User {
		return Entity{}, Session{}, NoSuchEntity
	}
	entity, err := s.store.Entity(ctx, ref)
	if err == nil && entity.Principal() != caller.Principal {
		err = NoSuchEntity
	}
	return entity, Session{}, err
}

func (s *Service) requestKeys(caller arn.Caller) policy.Keys {
	now := s.now().UTC()
	keys := policy.Keys{
		"aws:currenttime":     {now.Format(time.RFC3339)},
		"aws:epochtime":       {strconv.FormatInt(now.Unix(), 10)},
		"aws:securetransport": {strconv.FormatBool(caller.TLS != "")},
		"aws:viaawsservice":   {strconv.FormatBool(caller.Via != "")},
	}
	for key, value := range map[string]string{
		"aws:requestedregion": caller.Region, "aws:sourceip": caller.SourceIP,
		"aws:useragent": caller.UserAgent, "aws:referer": caller.Referer,
	} {
		if value != "" {
			keys[key] = []string{value}
		}
	}
	return keys
}

// principalKeys are the keys that say who a caller is.
func principalKeys(e Entity, session Session, who arn.Principal) policy.Keys {
	keys := policy.Keys{"aws:userid": {userID(e, session, who)}, "aws:principaltype": {"Account"}}
	switch e.Kind {
	case User:
		keys["aws:principaltype"], keys["aws:username"] = []string{"User"}, []string{e.Name}
	case Role:
		keys["aws:principaltype"], keys["aws:principalarn"] = []string{"AssumedRole"}, []string{e.Principal().String()}
	}
	if !session.Issued.IsZero() {
		keys["aws:tokenissuetime"] = []string{session.Issued.UTC().Format(time.RFC3339)}
	}
	if session.SourceID != "" {
		keys["aws:sourceidentity"] = []string{session.SourceID}
	}
	for _, tags := range []Tags{e.Tags, session.Tags} {
		for key, value := range tags {
			keys["aws:principaltag/"+strings.ToLower(key)] = []string{value}
		}
	}
	return keys
}

// userID is the unique id of who acts, as IAM's policies know it.
func userID(e Entity, session Session, who arn.Principal) string {
	switch {
	case e.ID == "":
		return who.Account
	case e.Kind == Role:
		return e.ID + ":" + session.Name
	default:
		return e.ID
	}
}

// addPolicies adds what the entity and the session have.
func (s *Service) addPolicies(ctx context.Context, who *policy.Subject, e Entity, session Session) error {
	wanted := slices.Concat(e.Attached, session.PolicyARNs)
	if e.Boundary != "" {
		wanted = append(wanted, e.Boundary)
	}
	managed, err := s.managed(ctx, wanted)
	if err != nil {
		return err
	}
	if e.ID == "" {
		who.Identity = []policy.Policy{policy.FullAccess(who.Principal.Account)}
	}
	if session.isToken() {
		who.Identity = append(who.Identity, s.token)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Inline)) {
		document, err := s.documents.Parse(e.Inline[name])
		if err != nil {
			return fmt.Errorf("inline policy %q: %w", name, err)
		}
		who.Identity = append(who.Identity, policy.Policy{Name: fmt.Sprintf("the inline policy %q of %s %s", name, e.Kind, e.Name), Document: document})
	}
	for _, arn := range e.Attached {
		who.Identity = append(who.Identity, managed[arn])
	}
	if e.Boundary != "" {
		boundary := managed[e.Boundary]
		who.Boundary = &boundary
	}
	for _, arn := range session.PolicyARNs {
		who.Session = append(who.Session, managed[arn])
	}
	if session.Policy != "" {
		document, err := s.documents.Parse(session.Policy)
		if err != nil {
			return fmt.Errorf("session policy: %w", err)
		}
		who.Session = append(who.Session, policy.Policy{Name: "the session policy", Document: document})
	}
	return nil
}

// managed returns managed policies by ARN. One that is gone has no document:
// as a permission it allows nothing, and as a bound it lets nothing pass.
func (s *Service) managed(ctx context.Context, arns []string) (map[string]policy.Policy, error) {
	all := map[string]policy.Policy{}
	var stored []string
	for _, name := range arns {
		all[name] = policy.Policy{Name: "the managed policy " + name}
		if !IsAWSManaged(name) {
			stored = append(stored, name)
		}
	}
	texts := map[string]string{}
	if len(stored) > 0 {
		var err error
		if texts, err = s.store.Documents(ctx, stored); err != nil {
			return nil, err
		}
	}
	for name, p := range all {
		text, ok := texts[name]
		if theirs, known := AWSManaged(name); known {
			text, ok = theirs.Document, true
		}
		if !ok {
			continue
		}
		document, err := s.documents.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("managed policy %s: %w", name, err)
		}
		p.Document = document
		all[name] = p
	}
	return all, nil
}
