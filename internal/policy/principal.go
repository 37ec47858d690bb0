package policy

import (
	"slices"
	"strings"

	"mimeo/internal/arn"
)

// principal is one entry of a Principal element.
type principal struct {
	anyone  bool
	kind    string // "AWS", "Service" or "Federated"
	account string // for AWS: the account; for one that names the account itself, who is empty
	who     arn.Principal
	id      string // for AWS: the unique id of a user or role, in place of account and who
}

// reach is how a statement's principals cover a caller.
type reach int

const (
	none      reach = iota
	delegated       // the caller's account is named: its own policies decide
	role            // the role is named that the caller has assumed
	direct          // the caller is named, or everyone
)

// reaches says how p covers the subject.
func (p *principal) reaches(s *Subject) reach {
	who := s.Principal
	switch {
	case p.anyone:
		return direct
	case p.id != "" && isSession(who):
		return reachIf(p.id == s.ID, role)
	case p.id != "":
		return reachIf(p.id == s.ID, direct)
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
	case isSessionOf(p.who, s):
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

// isSessionOf reports whether the subject is a session of the role. A session's ARN
// has the role's name without its path, so that its key aws:PrincipalArn
// decides, which is the role's own ARN. Where that is absent the name must do.
func isSessionOf(role arn.Principal, s *Subject) bool {
	session, assumed := strings.CutPrefix(s.Principal.Name, "assumed-role/")
	path, ok := strings.CutPrefix(role.Name, "role/")
	if !assumed || !ok {
		return false
	}
	if of, ok := s.Keys["aws:principalarn"]; ok {
		return slices.Equal(of, []string{role.String()})
	}
	name, _, _ := strings.Cut(session, "/")
	return role.Account == s.Principal.Account && path[strings.LastIndex(path, "/")+1:] == name
}

func isSession(who arn.Principal) bool { return strings.HasPrefix(who.Name, "assumed-role/") }

// reachOf says how the furthest of all covers the subject.
func reachOf(all []principal, s *Subject) reach {
	best := none
	for i := range all {
		best = max(best, all[i].reaches(s))
	}
	return best
}

// exempts reports whether a NotPrincipal of all leaves the subject out. As AWS
// has it, that takes the names of all that a caller is: its account, for a
// session also the role, and the caller itself.
func exempts(all []principal, s *Subject) bool {
	who := s.Principal
	account, byRole, itself := false, !isSession(who), false
	for i := range all {
		p := &all[i]
		switch at := p.reaches(s); {
		case p.anyone:
			return true
		case at == delegated:
			account = true
		case at == role:
			byRole = true
		case at == direct:
			itself = true
		}
	}
	return itself && (who.IsService() || who.IsRoot() || account && byRole)
}
