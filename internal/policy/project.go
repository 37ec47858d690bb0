package policy

import (
	"strings"
	"unicode/utf8"
)

// copyAction is the only action that a project policy can allow or deny.
const copyAction = "rekognition:CopyProjectVersion"

// maxProjectPolicy is the longest project policy, in characters.
const maxProjectPolicy = 2000

// projectPolicy is the narrower dialect of project policies:
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/md-create-project-policy.html
var projectPolicy = dialect{
	required: []string{"Effect", "Principal", "Action", "Resource"},
	forbidden: map[string]string{
		"NotAction":    "is not allowed in a project policy",
		"NotResource":  "is not allowed in a project policy",
		"NotPrincipal": "is not allowed in a project policy",
	},
	key: func(at, key string) *SyntaxError {
		if !strings.HasPrefix(strings.ToLower(key), "aws:") {
			return malformed("In %s, %.100q is not a condition key of a project policy: Rekognition has none of its own, only the global keys aws:….", at, key)
		}
		return nil
	},
	effectFold: true,
	oneAction:  true,
	action: func(at, action string) *SyntaxError {
		if !strings.EqualFold(action, copyAction) {
			return malformed("In %s, %.100q is not allowed in a project policy: the only action is %s.", at, action, copyAction)
		}
		return nil
	},
	resource: func(at, name string) *SyntaxError {
		if name == "*" {
			return nil
		}
		if segments := strings.SplitN(name, ":", 6); segments[2] != "rekognition" {
			return malformed("In %s, %.100q does not name versions of a project.", at, name)
		}
		return nil
	},
}

// ParseProjectPolicy reads the policy of a project, which says who may copy
// its versions. Its error is a *SyntaxError whose text belongs in a
// MalformedPolicyDocumentException.
//
// A version of another project may be named: it is accepted, as AWS does, and
// can never match.
func ParseProjectPolicy(text string) (*Document, error) {
	if n := utf8.RuneCountInString(text); n > maxProjectPolicy {
		return nil, malformed("The policy document has %d characters; the limit is %d.", n, maxProjectPolicy)
	}
	for _, r := range text {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r > '\u00ff' {
			return nil, malformed("The policy document contains the character %U, which is not allowed.", r)
		}
	}
	return parse(text, &projectPolicy)
}
