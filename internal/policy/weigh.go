package policy

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

func (q *question) weigh(policies []Policy, as kind) weighed {
	var w weighed
	for _, p := range policies {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.statements {
			s := &p.Document.statements[i]
			if slot := w.slot(s, s.reaches(q, as)); slot != nil && *slot == nil && s.holds(q) {
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

// reaches says how s covers the request, by all elements but Effect and
// Condition. Where an element that s does not have would decide, a denial
// applies and a permission does not.
func (s *statement) reaches(q *question, as kind) reach {
	switch {
	case !s.hasAction(q) || !s.hasResource(q, as):
		return none
	case len(s.principals) == 0:
		return reachIf(s.deny || as == asIdentity, direct)
	case as == asIdentity: // a policy of an identity has no principals
		return reachIf(s.deny, direct)
	case s.notPrincipal:
		return reachIf(s.deny && !exempts(s.principals, q.who), direct)
	default:
		return reachOf(s.principals, q.who)
	}
}

func (s *statement) hasAction(q *question) bool {
	for _, pattern := range s.actions {
		if glob(pattern, q.action) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) hasResource(q *question, as kind) bool {
	if len(s.resources) == 0 {
		return s.deny || as == asTrust
	}
	unsure := false
	for i := range s.resources {
		switch r := &s.resources[i]; {
		case r.any:
			return !s.notResource
		case !q.isARN:
		default:
			switch r.match(&q.segments, q) {
			case yes:
				return !s.notResource
			case unknown:
				unsure = true
			case no:
			}
		}
	}
	if unsure && s.notResource {
		return s.deny
	}
	return s.notResource
}

// holds reports whether all conditions of s are true.
func (s *statement) holds(q *question) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(q, s.deny) {
			return false
		}
	}
	return true
}
