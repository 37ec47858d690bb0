package policy

import (
	"strings"
	"unicode/utf8"

	"mimeo/internal/arn"
)

// resource is one entry of a Resource element: anything, or a pattern of six
// segments. A wildcard does not reach over the colon of its segment; the
// sixth holds all that follows the fifth colon.
type resource struct {
	any      bool
	segments [6]string
}

func parseResource(s string) (resource, bool) {
	if s == "*" {
		return resource{any: true}, true
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return resource{}, false
	}
	return resource{segments: [6]string(parts)}, true
}

func (r resource) matches(name string) bool {
	if r.any {
		return true
	}
	parts := strings.SplitN(name, ":", 6)
	if len(parts) != 6 {
		return false
	}
	for i, pattern := range r.segments {
		if !glob(pattern, parts[i]) {
			return false
		}
	}
	return true
}

// reach is how a statement's principals cover a caller.
type reach int

const (
	none      reach = iota
	delegated       // the caller's account is named: its own policies decide
	role            // the role is named that the caller has assumed
	direct          // the caller is named, or everyone
)

// reaches says how p covers who.
func (p principal) reaches(who arn.Principal) reach {
	switch {
	case p.anyone:
		return direct
	case p.kind == "Service":
		return reachIf(who.IsService() && p.who == who, direct)
	case p.kind != "AWS" || who.Account != p.account || who.IsService():
		return none
	case p.who == (arn.Principal{}): // bare digits: the account, in the partition at hand
		return delegatedTo(who)
	case p.who.Partition != who.Partition:
		return none
	case p.who.IsRoot():
		return delegatedTo(who)
	case isSessionOf(p.who, who):
		return role
	default:
		return reachIf(p.who == who, direct)
	}
}

func reachIf(ok bool, r reach) reach {
	if ok {
		return r
	}
	return none
}

// delegatedTo is direct for the account's root, which is the account.
func delegatedTo(who arn.Principal) reach {
	if who.IsRoot() {
		return direct
	}
	return delegated
}

// isSessionOf reports whether who is a session of the role. A session's ARN
// has the role's name without its path; names are unique in an account.
func isSessionOf(role, who arn.Principal) bool {
	path, ok := strings.CutPrefix(role.Name, "role/")
	session, assumed := strings.CutPrefix(who.Name, "assumed-role/")
	name, _, _ := strings.Cut(session, "/")
	return ok && assumed && role.Account == who.Account && path[strings.LastIndex(path, "/")+1:] == name
}

// reaches says how s covers the request, by all elements but Effect. Where an
// element that s does not have would decide, a denial applies and a
// permission does not.
func (s *statement) reaches(who arn.Principal, req Request, as kind) reach {
	if !s.hasAction(req.Action) || !s.hasResource(req.Resource, as) {
		return none
	}
	if as == asIdentity {
		return reachIf(s.deny || len(s.principals) == 0, direct) // an identity policy has no principals
	}
	if len(s.principals) == 0 {
		return reachIf(s.deny, direct)
	}
	best := none
	for _, p := range s.principals {
		best = max(best, p.reaches(who))
	}
	return best
}

func (s *statement) hasAction(action string) bool {
	for _, pattern := range s.actions {
		if glob(strings.ToLower(pattern), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

func (s *statement) hasResource(name string, as kind) bool {
	if len(s.resources) == 0 {
		return s.deny || as == asTrust
	}
	for _, r := range s.resources {
		if r.matches(name) {
			return true
		}
	}
	return false
}

// covers reports whether a permission that was recorded covers a request.
func covers(p arn.Permission, req Request) bool {
	return strings.EqualFold(p.Action, req.Action) && glob(p.Resource, req.Resource)
}

// glob reports whether s matches a pattern in which * is any text and ? any
// one character. It takes len(pattern) × len(s) steps at most.
func glob(pattern, s string) bool {
	star, retry := -1, 0
	p, i := 0, 0
	for i < len(s) {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			i += size
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			_, skipped := utf8.DecodeRuneInString(s[retry:])
			retry += skipped
			p, i = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
