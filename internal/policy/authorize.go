package policy

import "mimeo/internal/arn"

// Keys are the values of condition keys by their names in lower case, such as
// "aws:sourceip". A key that is absent is null; one with several values is
// multivalued.
//
// Who fills which:
//   - this package, from the principal and the owner of the resource:
//     aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType,
//     aws:PrincipalIsAWSService, aws:PrincipalServiceName, aws:username of a
//     user, aws:ResourceAccount, s3:ResourceAccount, kms:CallerAccount;
//   - package identity, in [Subject].Keys: aws:userid, aws:PrincipalTag/*,
//     aws:SourceIp, aws:SecureTransport, aws:UserAgent, aws:Referer,
//     aws:RequestedRegion, aws:CurrentTime, aws:EpochTime, aws:ViaAWSService,
//     and aws:PrincipalArn of a role's session: the role with its path;
//   - the service that asks, in [Request].Keys: aws:RequestTag/*, aws:TagKeys,
//     aws:ResourceTag/* and its own, such as kms:ViaService or s3:prefix; the
//     tags of another account's resource in [Request].OwnerKeys.
type Keys map[string][]string

// A Subject is who asks, with all of theirs that decides.
type Subject struct {
	Principal arn.Principal
	// ID is the unique id of the user, or of the role that a session has
	// assumed; empty for others.
	ID string
	// Identity are the policies of the user, or of the role that a session
	// has assumed.
	Identity []Policy
	// Boundary is the permissions boundary of the user or role; nil: none.
	Boundary *Policy
	// Session are the policies that the session was made with: together they
	// bound it as a boundary does. Empty: none.
	Session []Policy
	// Keys are the condition keys of the principal and of its request.
	Keys Keys
	// Mandate, where there is one, is the whole of what the subject may do:
	// no policy is asked.
	Mandate *arn.Mandate
}

// A Request is one question: may a subject do the action to the resource?
// Resource is an ARN, or "*" for an action that has none.
type Request struct {
	Action, Resource string
	// Keys are the condition keys of this question, such as
	// aws:RequestTag/KEY. They win over the subject's.
	Keys Keys
	// OwnerKeys are seen by the resource's policies alone, and win over all
	// others: what the caller's policies must not tell a stranger, such as the
	// tags of another account's resource.
	OwnerKeys Keys
}

// Authorize decides about a resource that the account owner owns, and that has
// the policies resource.
//
// An explicit denial anywhere wins. Within the account one permission of
// either kind is enough; across accounts, both must allow it. A permissions
// boundary and the policies of a session must allow it too. They do not bound
// what a resource policy within the account gives to a user, to a session or
// to everyone; what it gives to a role they bound. A resource policy that
// names an account leaves it to that account which of its principals have the
// permission: to all but its root it adds nothing of its own. A service of
// ours needs the resource's policy alone. Partitions are worlds apart: nothing
// is allowed across.
func Authorize(who Subject, req Request, owner string, resource []Policy) Decision {
	if who.Mandate != nil {
		return underMandate(*who.Mandate, req, owner)
	}
	q := ask(&who, &req, owner)
	return q.weighAll(resource, asResource).decide(q)
}

// ByIdentity is what the policies of who alone say about something of owner's.
// Across accounts it is half of a permission; [Authorize] asks for both.
func ByIdentity(who Subject, req Request, owner string) Decision {
	if who.Mandate != nil {
		return underMandate(*who.Mandate, req, owner)
	}
	q := ask(&who, &req, owner)
	s := q.weighAll(nil, asResource)
	if s.denial() != nil {
		return *s.denial()
	}
	return s.bounded(q.who, s.identity.direct)
}

// AuthorizeByResource decides about a resource whose own policy is the root of
// every permission, as a key policy is: identity policies count only where
// the resource's policy names the caller, or the caller's account. Otherwise
// it is [Authorize].
func AuthorizeByResource(who Subject, req Request, owner string, resource []Policy) Decision {
	return byResource(who, req, owner, resource, asResource)
}

// AuthorizeTrust decides whether who may do req.Action, such as
// sts:AssumeRole, to the role req.Resource, which has the trust policy trust.
// It is [AuthorizeByResource] with a policy whose statements have no Resource:
// they speak about the role that they belong to.
func AuthorizeTrust(who Subject, req Request, owner string, trust Policy) Decision {
	return byResource(who, req, owner, []Policy{trust}, asTrust)
}

func byResource(who Subject, req Request, owner string, resource []Policy, as kind) Decision {
	if who.Mandate != nil {
		return underMandate(*who.Mandate, req, owner)
	}
	q := ask(&who, &req, owner)
	s := q.weighAll(resource, as)
	if s.denial() == nil && s.resource.allow() == nil {
		return Decision{Missing: MissingResource}
	}
	return s.decide(q)
}

// underMandate allows what the mandate says, and nothing else.
func underMandate(m arn.Mandate, req Request, owner string) Decision {
	for _, p := range m {
		if covers(p, req, owner) {
			return Decision{Verdict: Allow, Policy: "the permission recorded with the job", Statement: p.Action + " on " + p.Resource}
		}
	}
	return Decision{Missing: MissingMandate}
}

// scales hold what each kind of policy says to one request.
type scales struct {
	identity, boundary, session, resource weighed
}

func (q *question) weighAll(resource []Policy, as kind) *scales {
	s := &scales{
		identity: q.weigh(q.who.Identity, asIdentity),
		session:  q.weigh(q.who.Session, asIdentity),
		resource: q.ofOwner().weigh(resource, as),
	}
	if q.who.Boundary != nil {
		s.boundary = q.weigh([]Policy{*q.who.Boundary}, asIdentity)
	}
	return s
}

func (s *scales) decide(q *question) Decision {
	who := q.who.Principal
	switch {
	case s.denial() != nil:
		return *s.denial()
	case q.elsewhere():
		return Decision{Missing: MissingResource}
	case who.IsService():
		return Decision{Missing: MissingResource}.or(s.resource.direct)
	case who.Account == "" || q.owner == "":
		return Decision{Missing: MissingIdentity}
	case who.Account != q.owner && s.resource.allow() == nil:
		return Decision{Missing: MissingResource}
	case who.Account != q.owner:
		return s.bounded(q.who, s.identity.direct).and(*s.resource.allow())
	case s.identity.direct == nil && s.resource.direct == nil:
		return s.bounded(q.who, s.resource.role)
	default:
		return s.bounded(q.who, s.identity.direct).or(s.resource.direct)
	}
}

// bounded is the permission allow, where the caller's bounds allow it too.
func (s *scales) bounded(who *Subject, allow *Decision) Decision {
	switch {
	case allow == nil:
		return Decision{Missing: MissingIdentity}
	case who.Boundary != nil && s.boundary.direct == nil:
		return Decision{Missing: MissingBoundary}
	case len(who.Session) > 0 && s.session.direct == nil:
		return Decision{Missing: MissingSession}
	default:
		return *allow
	}
}

// denial returns the first explicit denial, or nil.
func (s *scales) denial() *Decision {
	for _, w := range []*weighed{&s.identity, &s.boundary, &s.session, &s.resource} {
		if w.deny != nil {
			return w.deny
		}
	}
	return nil
}
