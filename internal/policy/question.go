package policy

import (
	"strings"

	"mimeo/internal/arn"
)

// A question is a request with its subject, as statements look at it.
type question struct {
	who      *Subject
	req      *Request
	owner    string
	action   string    // in lower case
	segments [6]string // of the resource's ARN
	isARN    bool
	private  Keys // what the policies that look at it see beside the rest
}

func ask(who *Subject, req *Request, owner string) *question {
	q := &question{who: who, req: req, owner: owner, action: strings.ToLower(req.Action)}
	q.segments, q.isARN = split(req.Resource)
	return q
}

// ofOwner is the question as the resource's policies look at it.
func (q *question) ofOwner() *question {
	seen := *q
	seen.private = q.req.OwnerKeys
	return &seen
}

// elsewhere reports whether the resource is in another partition than the
// principal. Services belong to none.
func (q *question) elsewhere() bool {
	return q.isARN && q.segments[0] == "arn" && !q.who.Principal.IsService() && q.segments[1] != q.who.Principal.Partition
}

// values returns the values of a condition key. See [Keys] for who fills it.
func (q *question) values(key string) []string {
	for _, keys := range []Keys{q.private, q.req.Keys, q.who.Keys} {
		if values, ok := keys[key]; ok {
			return values
		}
	}
	if value, ok := derived(q, key); ok {
		return []string{value}
	}
	return nil
}

// derived returns the value of a key that follows from the principal or the
// owner of the resource.
func derived(q *question, key string) (string, bool) {
	who := q.who.Principal
	switch key {
	case "aws:principalarn":
		return principalARN(who).String(), !who.IsService()
	case "aws:principalaccount", "kms:calleraccount":
		return who.Account, who.Account != ""
	case "aws:principaltype":
		kind, ok := principalTypes[kindOf(who)]
		return kind, ok
	case "aws:principalisawsservice":
		if who.IsService() {
			return "true", true
		}
		return "false", true
	case "aws:principalservicename":
		return who.Name, who.IsService()
	case "aws:username":
		return who.Name[strings.LastIndex(who.Name, "/")+1:], kindOf(who) == "user"
	case "aws:resourceaccount", "s3:resourceaccount":
		return q.owner, q.owner != ""
	default:
		return "", false
	}
}

// principalTypes are the values of aws:PrincipalType.
var principalTypes = map[string]string{
	"root": "Account", "user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser",
}

func kindOf(who arn.Principal) string {
	kind, _, _ := strings.Cut(who.Name, "/")
	return kind
}

// principalARN is the principal, and for a session its role.
func principalARN(who arn.Principal) arn.Principal {
	if session, ok := strings.CutPrefix(who.Name, "assumed-role/"); ok {
		name, _, _ := strings.Cut(session, "/")
		who.Name = "role/" + name
	}
	return who
}

// Mentions reports whether a policy that would be asked about who mentions a
// condition key that begins with prefix, in lower case. Keys that cost a
// look-up, such as aws:resourcetag/, need not be filled otherwise.
func Mentions(prefix string, who Subject, resource ...Policy) bool {
	if who.Mandate != nil {
		return false
	}
	if who.Boundary != nil && who.Boundary.mentions(prefix) {
		return true
	}
	for _, policies := range [][]Policy{who.Identity, who.Session, resource} {
		for i := range policies {
			if policies[i].mentions(prefix) {
				return true
			}
		}
	}
	return false
}

func (p *Policy) mentions(prefix string) bool {
	if p.Document == nil {
		return false
	}
	for _, key := range p.Document.keys {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
