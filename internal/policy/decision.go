package policy

import "fmt"

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
	Policy, Statement string  // what decided; empty for NoMatch
	Missing           Missing // for NoMatch: what would have to allow it
}

// Missing says which kind of policy does not allow a request, in the words of
// AWS's messages.
type Missing string

// The kinds of policies.
const (
	MissingIdentity Missing = "identity-based policy"
	MissingResource Missing = "resource-based policy"
	MissingBoundary Missing = "permissions boundary"
	MissingSession  Missing = "session policy"
	// MissingMandate is missing where a job does what no decision recorded.
	MissingMandate Missing = "recorded permission"
)

// Allowed reports whether the request may go on.
func (d Decision) Allowed() bool { return d.Verdict == Allow }

// Together is the permission that several are. It names what allowed them
// where that is the same for all: of several statements none allowed it alone.
func Together(all ...Decision) Decision {
	for _, d := range all {
		if d != all[0] {
			return Decision{Verdict: Allow}
		}
	}
	if len(all) == 0 {
		return Decision{}
	}
	return all[0]
}

// Reason finishes the sentence "… is not authorized to perform … because". It
// names the policy and the statement, so it is for the log, and for callers
// of the account that owns the policy.
func (d Decision) Reason() string {
	switch {
	case d.Verdict == Deny:
		return fmt.Sprintf("%s denies it explicitly in %s", d.Policy, d.Statement)
	case d.Verdict == NoMatch:
		return fmt.Sprintf("no %s allows it", d.Missing)
	default:
		return fmt.Sprintf("%s allows it in %s", d.Policy, d.Statement)
	}
}
