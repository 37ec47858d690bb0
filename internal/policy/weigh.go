package policy

import "mimeo/internal/arn"

// kind is how a policy speaks: of whom, and of what.
type kind int

const (
	asIdentity kind = iota // of the identity that it is attached to
	asResource             // of its principals
	asTrust                // of its principals and the role that it is attached to
)

// weighed is what policies of one kind say: the first statement of each sort.
type weighed struct {
	deny, direct, role, delegated *Decision
}

// allow returns the permission that reaches furthest, or nil.
func (w *weighed) allow() *Decision {
	switch {
	case w.direct != nil:
		return w.direct
	case w.role != nil:
		return w.role
	default:
		return w.delegated
	}
}

// or is d where that allows, else the permission, if there is one.
func (d Decision) or(permission *Decision) Decision {
	if d.Allowed() || permission == nil {
		return d
	}
	return *permission
}

// and is the other decision where d allows, else d.
func (d Decision) and(other Decision) Decision {
	if d.Allowed() {
		return other
	}
	return d
}

func weighAll(who arn.Principal, req Request, policies []Policy, as kind) weighed {
	var w weighed
	for _, p := range policies {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.statements {
			s := &p.Document.statements[i]
			if slot := w.slot(s, s.reaches(who, req, as)); slot != nil && *slot == nil {
				*slot = &Decision{Verdict: s.verdict(), Policy: p.Name, Statement: s.name}
			}
		}
	}
	return w
}

// slot returns where a statement counts that reaches so far, or nil.
func (w *weighed) slot(s *statement, at reach) **Decision {
	switch {
	case at == none:
		return nil
	case s.deny:
		return &w.deny
	case at == direct:
		return &w.direct
	case at == role:
		return &w.role
	default:
		return &w.delegated
	}
}
