// Package policy parses and evaluates policy documents: identity policies,
// project policies, key policies and bucket policies, in the language of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html.
//
// It is pure, and it fails closed. What it cannot evaluate it does not
// accept: a document with an element, operator or variable that has no meaning
// is refused when it is parsed, by a message that names it. Nothing is
// ignored.
package policy

import (
	"fmt"
)

// A Document is a parsed policy. It does not change after Parse.
type Document struct {
	version    string
	statements []statement
	keys       []string // the condition keys that it mentions, in lower case
}

// A Policy is a document under the name that messages use for it, such as
// "the project policy p1" or "the identity policy of root".
type Policy struct {
	Name     string
	Document *Document
}

// statement is one permission or prohibition. A statement of an identity
// policy has no principals, one of a trust policy no resources.
type statement struct {
	name       string // what messages call it: its Sid, or "statement 2"
	sid        string
	deny       bool
	principals []principal
	actions    []string // compiled, in lower case
	resources  []resource
	conditions []condition
	// Whether the element was NotPrincipal, NotAction or NotResource.
	notPrincipal, notAction, notResource bool
}

// A SyntaxError says why a text is no policy document: which element, and
// what is wrong with it. Its text may be shown to the caller.
type SyntaxError struct {
	Message string
	// Element is the element of a statement that is wrong, where it is one;
	// Missing says that it is not there.
	Element string
	Missing bool
}

func (e *SyntaxError) Error() string { return e.Message }

func malformed(format string, args ...any) *SyntaxError {
	return &SyntaxError{Message: fmt.Sprintf(format, args...)}
}

// FullAccess is the identity policy that an account's root has: everything
// is allowed. For what other accounts own, this is one half of a permission;
// the owner's policies are the other.
func FullAccess(account string) Policy {
	return Policy{
		Name: "the identity policy of the root of account " + account,
		Document: &Document{statements: []statement{{
			name:      "FullAccess",
			actions:   []string{wildcards.Replace("*")},
			resources: []resource{{any: true}},
		}}},
	}
}

func (s *statement) verdict() Verdict {
	if s.deny {
		return Deny
	}
	return Allow
}
