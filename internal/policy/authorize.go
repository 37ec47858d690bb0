package policy

import (
	"fmt"

	"mimeo/internal/arn"
)

// Keys are the values of condition keys by their names in lower case, such as
// "aws:sourceip". A key that is absent is null; one with several values is
// multivalued.
type Keys map[string][]string

// A Subject is who asks, with all of theirs that decides.
type Subject struct {
	Principal arn.Principal
	// Identity are the policies of the user, or of the role that a session
	// has assumed.
	Identity []Policy
	// Keys are the condition keys of the principal and of its request.
	Keys Keys
}

// A Request is one question: may a subject do the action to the resource?
// Resource is an ARN, or "*" for an action that has none.
type Request struct {
	Action, Resource string
	// Keys are the condition keys of this question, such as
	// aws:RequestTag/KEY. They win over the subject's.
	Keys Keys
}

// A Verdict is what policies say to a request.
type Verdict int

// NoMatch is the zero Verdict: what nothing allows is denied.
const (
	NoMatch Verdict = iota
	Allow
	Deny
)

func (v Verdict) String() string {
	return [...]string{"no match", "allow", "deny"}[v]
}

// A Decision is a verdict with what it rests on.
type Decision struct {
	Verdict           Verdict
	Policy, Statement string // what decided; empty for NoMatch
	Missing           string // for NoMatch: the kind of policy that would have to allow it
}

// Allowed reports whether the request may go on.
func (d Decision) Allowed() bool { return d.Verdict == Allow }

// Reason finishes the sentence "… is not authorized to perform … because". It
// names the policy and the statement, so it is for the log, and for callers
// of the account that owns the policy.
func (d Decision) Reason() string {
	switch {
	case d.Verdict == Deny:
		return fmt.Sprintf("%s denies it explicitly in %s", d.Policy, d.Statement)
	case d.Verdict == NoMatch:
		return fmt.Sprintf("no %s policy allows it", d.Missing)
	default:
		return fmt.Sprintf("%s allows it in %s", d.Policy, d.Statement)
	}
}

// Kinds of policies, as AWS's messages call them.
const (
	identityBased = "identity-based"
	resourceBased = "resource-based"
)

// Authorize decides about a resource that the account owner owns, and that has
// the policies resource.
//
// An explicit denial anywhere wins. Within the account one permission of
// either kind is enough; across accounts, both must allow it. A resource
// policy that names an account leaves it to that account which of its
// principals have the permission: to all but its root it adds nothing of its
// own. A service of ours needs the resource's policy alone. Partitions are
// worlds apart: nothing is allowed across.
func Authorize(who Subject, req Request, owner string, resource []Policy) Decision {
	return decide(who.Principal, req, owner, weigh(who.Principal, req, who.Identity, false), weigh(who.Principal, req, resource, true))
}

// AuthorizeByResource decides about a resource whose own policy is the root of
// every permission, as a key policy is: identity policies count only where
// the resource's policy names the caller, or the caller's account. Otherwise
// it is [Authorize].
func AuthorizeByResource(who Subject, req Request, owner string, resource []Policy) Decision {
	i, r := weigh(who.Principal, req, who.Identity, false), weigh(who.Principal, req, resource, true)
	if r.allow() == nil && i.deny == nil && r.deny == nil {
		return Decision{Missing: resourceBased}
	}
	return decide(who.Principal, req, owner, i, r)
}

func decide(who arn.Principal, req Request, owner string, i, r weighed) Decision {
	switch {
	case i.deny != nil:
		return *i.deny
	case r.deny != nil:
		return *r.deny
	case otherPartition(who, req):
		return Decision{Missing: resourceBased}
	case who.IsService():
		return r.direct.or(Decision{Missing: resourceBased})
	case who.Account == "" || owner == "":
		return Decision{Missing: identityBased}
	case who.Account == owner:
		return i.direct.or(r.direct.or(Decision{Missing: identityBased}))
	case r.allow() == nil:
		return Decision{Missing: resourceBased}
	case i.direct == nil:
		return Decision{Missing: identityBased}
	default:
		return *r.allow()
	}
}

// weighed is what policies of one kind say: the first statement of each sort.
type weighed struct {
	deny, direct, delegated *Decision
}

// allow returns the permission that reaches furthest, or nil.
func (w weighed) allow() *Decision {
	if w.direct != nil {
		return w.direct
	}
	return w.delegated
}

func (d *Decision) or(other Decision) Decision {
	if d != nil {
		return *d
	}
	return other
}

func weigh(who arn.Principal, req Request, policies []Policy, asResource bool) weighed {
	var w weighed
	for _, p := range policies {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.statements {
			s := &p.Document.statements[i]
			at := s.reaches(who, req, asResource)
			d := &Decision{Verdict: Allow, Policy: p.Name, Statement: s.name}
			switch {
			case at == none:
			case s.deny && w.deny == nil:
				d.Verdict = Deny
				w.deny = d
			case s.deny:
			case at == direct && w.direct == nil:
				w.direct = d
			case at == delegated && w.delegated == nil:
				w.delegated = d
			}
		}
	}
	return w
}

// otherPartition reports whether the resource is in another partition than
// the principal. Services belong to none.
func otherPartition(who arn.Principal, req Request) bool {
	a, err := arn.Parse(req.Resource)
	return err == nil && !who.IsService() && a.Partition != who.Partition
}
