package policy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// statements draws the texts of statements that often concern the same
// request, so that they meet.
func statements(t *rapid.T, label string, asResource bool) []string {
	return rapid.SliceOfN(oneStatement(asResource), 0, 4).Draw(t, label)
}

func oneStatement(asResource bool) *rapid.Generator[string] {
	element := func(t *rapid.T, name string, values ...string) string {
		return `,"` + name + `":` + rapid.SampledFrom(values).Draw(t, name)
	}
	return rapid.Custom(func(t *rapid.T) string {
		effect := rapid.SampledFrom([]string{"Allow", "Deny", "Allow"}).Draw(t, "effect")
		s := `{"Effect":"` + effect + `"`
		s += element(t, rapid.SampledFrom([]string{"Action", "Action", "NotAction"}).Draw(t, "A"), `"*"`, `"rekognition:*"`, `"rekognition:CopyProjectVersion"`, `"s3:GetObject"`)
		if name := rapid.SampledFrom([]string{"Resource", "Resource", "NotResource", ""}).Draw(t, "R"); name != "" {
			s += element(t, name, `"*"`, `"`+version+`"`, `"arn:aws:rekognition:*:*:project/p/*"`, `"arn:aws:rekognition:*:*:project/q/*"`, `"arn:aws:rekognition:*:*:project/${aws:x}/*"`)
		}
		if asResource {
			name := "Principal"
			if effect == "Deny" {
				name = rapid.SampledFrom([]string{"Principal", "NotPrincipal"}).Draw(t, "P")
			}
			s += element(t, name, `"*"`, aws(owner), aws(other), aws("arn:aws:iam::555555555555:user/bob"), aws("arn:aws:iam::111122223333:user/ann"), aws("arn:aws:iam::111122223333:role/R"), aws("arn:aws:sts::111122223333:assumed-role/R/s"))
		}
		s += element(t, "Condition", `{}`, `{}`, `{"StringEquals":{"aws:x":"p"}}`, `{"StringNotEquals":{"aws:x":"p"}}`, `{"Null":{"aws:x":"true"}}`, `{"ForAllValues:StringLike":{"aws:x":"${aws:username}*"}}`, `{"ArnLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}`)
		return s + "}"
	})
}

func policies(t *rapid.T, list []string) []policy.Policy {
	var all []policy.Policy
	for _, s := range list {
		all = append(all, whole(t, []string{s}))
	}
	return all
}

// whole is one policy of all statements.
func whole(t *rapid.T, list []string) policy.Policy {
	if len(list) == 0 {
		return policy.Policy{}
	}
	d, err := policy.Parse(document(list...))
	if err != nil {
		t.Fatal(err)
	}
	return policy.Policy{Name: "drawn", Document: d}
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// decisions are all ways to decide, by the statements of the resource.
var decisions = map[string]func(*rapid.T, policy.Subject, []string) policy.Decision{
	"Authorize": func(t *rapid.T, who policy.Subject, resource []string) policy.Decision {
		return policy.Authorize(who, copyVersion, owner, policies(t, resource))
	},
	"AuthorizeByResource": func(t *rapid.T, who policy.Subject, resource []string) policy.Decision {
		return policy.AuthorizeByResource(who, copyVersion, owner, policies(t, resource))
	},
	"AuthorizeTrust": func(t *rapid.T, who policy.Subject, resource []string) policy.Decision {
		return policy.AuthorizeTrust(who, copyVersion, owner, whole(t, resource))
	},
	"ByIdentity": func(_ *rapid.T, who policy.Subject, _ []string) policy.Decision {
		return policy.ByIdentity(who, copyVersion, owner)
	},
}

// lists are the statements of a caller's and a resource's policies, by the
// kind of policy.
type lists map[string][]string

func drawLists(t *rapid.T) lists {
	return lists{"identity": statements(t, "identity", false), "session": statements(t, "session", false), "boundary": statements(t, "boundary", false), "resource": statements(t, "resource", true)}
}

func drawCaller(t *rapid.T) policy.Subject {
	who := policy.Subject{Principal: rapid.SampledFrom([]arn.Principal{user(owner, "root"), user(owner, "user/ann"), user(owner, "assumed-role/R/s"), user(other, "root"), user(other, "user/bob"), user("999999999999", "root")}).Draw(t, "who")}
	who.Keys = rapid.SampledFrom([]policy.Keys{nil, {"aws:x": {"p"}}, {"aws:x": {"p", "q"}}, {"aws:x": {""}}}).Draw(t, "keys")
	return who
}

// verdict is what one way to decide, by its name, comes to.
func (l lists) verdict(t *rapid.T, decide string, who policy.Subject) policy.Verdict {
	who.Identity, who.Session = policies(t, l["identity"]), policies(t, l["session"])
	if b := l["boundary"]; len(b) > 0 {
		boundary := whole(t, b)
		who.Boundary = &boundary
	}
	return decisions[decide](t, who, l["resource"]).Verdict
}

// with is l with one more statement in a list.
func (l lists) with(list, statement string) lists {
	wider := maps.Clone(l)
	wider[list] = slices.Concat(l[list], []string{statement})
	return wider
}

func TestAuthorizeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		who, l := drawCaller(t), drawLists(t)
		for name := range decisions {
			before := l.verdict(t, name, who)
			for list := range l {
				for _, s := range statements(t, "more", list == "resource") {
					holdTo(t, name+": "+list+" and "+s, s, before, l.with(list, s).verdict(t, name, who), len(l[list]) == 0 && list != "identity" && list != "resource")
				}
			}
			shuffled := lists{}
			for list := range l {
				shuffled[list] = rapid.Permutation(l[list]).Draw(t, "order")
			}
			if after := shuffled.verdict(t, name, who); after != before {
				t.Fatalf("%s: the order of statements turns %v into %v", name, before, after)
			}
		}
	})
}

// TestWhatIsUnknownNeverAllows puts what nobody knows into a statement. An
// element or an operator is refused when it is parsed. A condition on a key
// may be refused, and allows nothing that was not allowed without it; it is
// not put into denials, which do not hold then, as AWS has it.
func TestWhatIsUnknownNeverAllows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		who, l := drawCaller(t), drawLists(t)
		list := rapid.SampledFrom([]string{"identity", "session", "boundary", "resource"}).Draw(t, "list")
		s := oneStatement(list == "resource").Draw(t, "statement")
		for what, unknown := range map[string]string{"an element": withElement(t, s), "an operator": withOperator(t, s)} {
			if _, err := policy.Parse(document(unknown)); err == nil {
				t.Fatalf("%s that nobody knows is accepted: %s", what, unknown)
			}
		}
		unknown := withKey(t, s)
		if _, err := policy.Parse(document(unknown)); err != nil || strings.Contains(s, `"Deny"`) {
			return
		}
		for name := range decisions {
			before, after := l.with(list, s).verdict(t, name, who), l.with(list, unknown).verdict(t, name, who)
			if after == policy.Allow && before != policy.Allow {
				t.Fatalf("%s: in %s, %s widens %v to %v", name, list, unknown, before, after)
			}
		}
	})
}

// withElement puts an element into s that no statement has, such as one in
// another case.
func withElement(t *rapid.T, s string) string {
	known := []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	name := misspelt(t, known, "element")
	value := rapid.SampledFrom([]string{`"*"`, `"Allow"`, `["*"]`, `{"AWS":"*"}`, `{}`, `[]`, `null`}).Draw(t, "value")
	return strings.TrimSuffix(s, "}") + `,"` + name + `":` + value + `}`
}

// withOperator puts a condition under an operator into s that there is not.
func withOperator(t *rapid.T, s string) string {
	known := append(slices.Sorted(maps.Keys(documented)), "Null")
	name := rapid.SampledFrom([]string{"", "ForAllValues:", "ForAnyValue:"}).Draw(t, "quantifier") + misspelt(t, known, "operator")
	return withCondition(s, name, "aws:x", "p")
}

// withKey puts a condition on a key into s that nobody knows.
func withKey(t *rapid.T, s string) string {
	operator := rapid.SampledFrom(slices.Sorted(maps.Keys(documented))).Draw(t, "operator")
	name := rapid.SampledFrom([]string{"", "ForAllValues:", "ForAnyValue:"}).Draw(t, "quantifier") + operator + rapid.SampledFrom([]string{"", "IfExists"}).Draw(t, "suffix")
	return withCondition(s, name, rapid.StringMatching(`[a-z]{1,4}:[A-Za-z/ .*$-]{1,8}`).Draw(t, "key"), documented[operator])
}

func withCondition(s, operator, key, value string) string {
	s = strings.Replace(s, `"Condition":{`, `"Condition":{"`+operator+`":{"`+key+`":"`+value+`"},`, 1)
	return strings.Replace(s, `},}`, `}}`, 1)
}

// misspelt draws a name that is none of known, and mostly like one.
func misspelt(t *rapid.T, known []string, label string) string {
	return rapid.OneOf(
		rapid.StringMatching(`[A-Za-z]{1,12}`),
		rapid.Custom(func(t *rapid.T) string {
			name := rapid.SampledFrom(known).Draw(t, "known")
			i := rapid.IntRange(0, len(name)-1).Draw(t, "at")
			return name[:i] + rapid.SampledFrom([]string{"", strings.ToLower(name[i : i+1]), strings.ToUpper(name[i : i+1]), name[i:i+1] + "s"}).Draw(t, "by") + name[i+1:]
		}),
	).Filter(func(name string) bool { return !slices.Contains(known, name) }).Draw(t, label)
}

// holdTo fails where one more statement changes a verdict the wrong way. The
// first statement of a bound is a bound where there was none: it narrows.
func holdTo(t *rapid.T, what, statement string, before, after policy.Verdict, first bool) {
	t.Helper()
	deny := strings.Contains(statement, `"Deny"`)
	switch {
	case (deny || first) && after == policy.Allow && before != policy.Allow:
		t.Fatalf("%s: widens %v to %v", what, before, after)
	case !deny && !first && before == policy.Allow && after != policy.Allow:
		t.Fatalf("%s: narrows %v to %v", what, before, after)
	case before == policy.Deny && after != policy.Deny:
		t.Fatalf("%s: lifts a denial", what)
	}
}
