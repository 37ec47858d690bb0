package kms

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// A reference is what a KeyId names: a key or an alias, in a namespace.
type reference struct {
	in    arn.Namespace
	id    string // of a key
	alias string // "alias/NAME"
}

// refer reads a KeyId: an id or alias name of the caller's own, or an ARN.
func refer(caller arn.Caller, keyID string) (reference, error) {
	if !strings.HasPrefix(keyID, "arn:") {
		if strings.HasPrefix(keyID, "alias/") {
			return reference{in: namespace(caller), alias: keyID}, nil
		}
		return reference{in: namespace(caller), id: keyID}, nil
	}
	a, err := arn.Parse(keyID)
	if err != nil || a.Service != "kms" || !arn.IsAccount(a.Account) {
		return reference{}, fault.New(InvalidArn, "Invalid arn %.200s", keyID)
	}
	r := reference{in: arn.Namespace{Partition: a.Partition, Region: a.Region, Account: a.Account}}
	if id, ok := strings.CutPrefix(a.Resource, "key/"); ok && id != "" {
		r.id = id
		return r, nil
	}
	if strings.HasPrefix(a.Resource, "alias/") {
		r.alias = a.Resource
		return r, nil
	}
	return reference{}, fault.New(InvalidArn, "Invalid arn %.200s", keyID)
}

// find returns the key that a request names, if the caller may do op with it.
func (s *Service) find(ctx context.Context, caller arn.Caller, op Operation, u Use) (Key, error) {
	k, _, err := s.findWithGrant(ctx, caller, op, u)
	return k, err
}

// findOwn is find for operations that AWS does not do across accounts.
func (s *Service) findOwn(ctx context.Context, caller arn.Caller, op Operation, u Use) (Key, error) {
	r, err := refer(caller, u.KeyID)
	switch {
	case err != nil:
		return Key{}, err
	case r.alias != "":
		return Key{}, fault.New(InvalidArn, "%s takes a key id or a key ARN, not an alias.", op)
	case !caller.Owns(r.in):
		return Key{}, deniedAbroad(caller, op.action())
	}
	return s.find(ctx, caller, op, u)
}

// findWithGrant is find that also returns the grant, if one decided.
func (s *Service) findWithGrant(ctx context.Context, caller arn.Caller, op Operation, u Use) (k Key, via *Grant, err error) {
	k, err = s.lookUp(ctx, caller, op, u, func(k Key) (err error) {
		_, via, err = s.authorize(ctx, caller, k, op, u)
		return err
	})
	return k, via, err
}

// Can returns the key that u names where the caller may do all of ops with it
// and its spec and its state let it be used. It changes nothing. It is refused
// as the first of ops that the caller may not do would be. The decision names
// the statement that allowed all of them, where it is one and the key is of
// the caller's account.
func (s *Service) Can(ctx context.Context, caller arn.Caller, u Use, ops ...Operation) (Key, policy.Decision, error) {
	asked := make([]ask, len(ops))
	for i, op := range ops {
		asked[i] = ask{op, u}
	}
	return s.findForAll(ctx, caller, asked)
}

// An ask is one thing to do with a key.
type ask struct {
	op  Operation
	use Use
}

// findForAll returns the key that all uses name where the caller may do all
// that is asked with it and its spec and its state let it be used.
func (s *Service) findForAll(ctx context.Context, caller arn.Caller, asked []ask) (Key, policy.Decision, error) {
	for _, a := range asked {
		if err := a.use.check(); err != nil {
			return Key{}, policy.Decision{}, err
		}
	}
	decided := make([]policy.Decision, len(asked))
	k, err := s.lookUp(ctx, caller, asked[0].op, asked[0].use, func(k Key) error {
		q, err := s.question(ctx, caller, k)
		for i := 0; err == nil && i < len(asked); i++ {
			decided[i], _, err = s.answer(ctx, q, asked[i].op, asked[i].use)
		}
		return err
	})
	if err != nil {
		return Key{}, policy.Decision{}, err
	}
	ops := make([]Operation, len(asked))
	for i, a := range asked {
		ops[i] = a.op
	}
	if !caller.Owns(k.ARN.Namespace) {
		return k, policy.Decision{Verdict: policy.Allow}, k.usable(ops...)
	}
	return k, policy.Together(decided...), k.usable(ops...)
}

// lookUp returns the key that u names where allow returns nil for it. Another
// account's key that is not there is answered as one with which op is denied.
func (s *Service) lookUp(ctx context.Context, caller arn.Caller, op Operation, u Use, allow func(Key) error) (Key, error) {
	if err := u.check(); err != nil {
		return Key{}, err
	}
	r, err := refer(caller, u.KeyID)
	if err != nil {
		return Key{}, err
	}
	k, err := s.resolve(ctx, caller, r)
	if !caller.Owns(r.in) && errors.Is(err, NotFound) {
		if err := s.asIfThere(ctx, r, allow); err != nil {
			return Key{}, err
		}
		return Key{}, deniedAbroad(caller, op.action()).Because(err)
	}
	if err != nil {
		return Key{}, err
	}
	return k, allow(k)
}

// asIfThere does for a key that is not there the work that one would take: the
// time of an answer tells no more than its text. It returns what went wrong.
func (s *Service) asIfThere(ctx context.Context, r reference, allow func(Key) error) error {
	if r.alias != "" {
		if _, err := s.key(ctx, r.id); err != nil && !errors.Is(err, NotFound) {
			return err
		}
	}
	err := allow(Key{ARN: arn.Key{Namespace: r.in, ID: r.id}, Spec: SymmetricDefault, Policy: defaultPolicy(r.in)})
	if errors.As(err, new(*fault.Error)) {
		return nil
	}
	return err
}

// check refuses what is malformed, before a key is looked for: afterwards the
// refusal would tell that there is one.
func (u Use) check() error {
	for _, token := range u.GrantTokens {
		if _, _, err := parseToken(token); err != nil {
			return err
		}
	}
	return u.Context.check()
}

// resolve returns the key that a reference names, or NotFound with a message
// that only the owner of the namespace may see.
func (s *Service) resolve(ctx context.Context, caller arn.Caller, r reference) (Key, error) {
	if !r.in.SameRegion(namespace(caller)) {
		return Key{}, fault.New(NotFound, "Invalid arn %s", r.in.Region)
	}
	if r.alias != "" {
		a, err := s.store.Alias(ctx, r.in, r.alias)
		if errors.Is(err, NotFound) {
			return Key{}, aliasNotFound(Alias{Namespace: r.in, Name: r.alias})
		}
		if err != nil {
			return Key{}, fmt.Errorf("look up %s: %w", r.alias, err)
		}
		r.id = a.KeyID
	}
	k, err := s.key(ctx, r.id)
	if errors.Is(err, NotFound) || err == nil && k.ARN.Namespace != r.in {
		return Key{}, keyNotFound(arn.Key{Namespace: r.in, ID: r.id})
	}
	return k, err
}

// key returns a key by its id, whosever it is. One whose window of deletion is
// over is removed and not found.
func (s *Service) key(ctx context.Context, id string) (Key, error) {
	k, err := s.store.Key(ctx, id)
	if err != nil || !s.expired(k) {
		return k, err
	}
	if _, err := s.DeleteExpired(ctx); err != nil {
		return Key{}, err
	}
	return Key{}, NotFound
}

// authorize decides whether the caller may do op with k. A denial by policy
// is final; where the policies say nothing, a grant may allow it, which is
// returned then beside the decision.
func (s *Service) authorize(ctx context.Context, caller arn.Caller, k Key, op Operation, u Use) (policy.Decision, *Grant, error) {
	q, err := s.question(ctx, caller, k)
	if err != nil {
		return policy.Decision{}, nil, err
	}
	return s.answer(ctx, q, op, u)
}

// A question is whether a caller may use a key, with the policies that decide.
type question struct {
	caller arn.Caller
	key    Key
	who    policy.Subject
	policy policy.Policy // of the key
}

// question reads the policies that decide what the caller may do with k. For
// the keys of our own services there are none.
func (s *Service) question(ctx context.Context, caller arn.Caller, k Key) (question, error) {
	q := question{caller: caller, key: k}
	if k.Manager == Ours {
		return q, nil
	}
	var err error
	if q.who, err = s.permissions.Subject(ctx, caller); err != nil {
		return question{}, fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	document, err := s.policies.Parse(k.Policy)
	if err != nil {
		return question{}, fmt.Errorf("parse the policy of %s: %w", k.ARN, err)
	}
	q.policy = policy.Policy{Name: "the key policy", Document: document}
	return q, nil
}

// answer decides a question for one operation.
//
// A service of ours is allowed everything with the keys of its own. With a
// customer's key it needs a grant: no key policy speaks for it.
func (s *Service) answer(ctx context.Context, q question, op Operation, u Use) (policy.Decision, *Grant, error) {
	service := q.caller.Principal.IsService()
	if q.key.Manager == Ours {
		if service {
			return policy.Decision{Verdict: policy.Allow}, nil, nil
		}
		return policy.Decision{}, nil, deniedAbroad(q.caller, op.action())
	}
	request, err := s.request(ctx, q, op, u)
	if err != nil {
		return policy.Decision{}, nil, err
	}
	d := policy.AuthorizeByResource(q.who, request, q.key.ARN.Account, []policy.Policy{q.policy})
	if d.Allowed() && !service {
		return d, nil, nil
	}
	if d.Verdict != policy.Deny {
		g, err := s.grantFor(ctx, q.caller, q.key, op, u)
		if err != nil {
			return policy.Decision{}, nil, err
		}
		if g != nil {
			return policy.Decision{Verdict: policy.Allow, Policy: "a grant", Statement: g.ID}, g, nil
		}
	}
	abroad := !q.caller.Owns(q.key.ARN.Namespace)
	why := &policy.DeniedError{Principal: q.caller.Principal, Request: request, Decision: d, Foreign: abroad}
	if abroad {
		return policy.Decision{}, nil, deniedAbroad(q.caller, op.action()).Because(why)
	}
	return policy.Decision{}, nil, denied(q.caller, op.action(), q.key.ARN, d.Reason()).Because(why)
}

// allowed decides about an action that concerns no key of anyone.
func (s *Service) allowed(ctx context.Context, caller arn.Caller, r policy.Request) error {
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	d := policy.Authorize(who, r, caller.Principal.Account, nil)
	if d.Allowed() {
		return nil
	}
	why := &policy.DeniedError{Principal: caller.Principal, Request: r, Decision: d}
	return denied(caller, r.Action, text(r.Resource), d.Reason()).Because(why)
}

type text string

func (t text) String() string { return string(t) }

// page cuts a list that was read with one more than limit, and makes the
// marker of the next page from the last of this one.
func page[T any](list []T, limit int, name func(T) string) ([]T, string, error) {
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	return list, base64.RawURLEncoding.EncodeToString([]byte(name(list[limit-1]))), nil
}

func parseMarker(marker string) (string, error) {
	after, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil || !utf8.Valid(after) {
		return "", fault.New(InvalidMarker, "The marker is not one that this operation returned.")
	}
	return string(after), nil
}
