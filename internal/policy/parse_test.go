package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"mimeo/internal/policy"
)

const good = `{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"One","Effect":"Allow",
 "Principal":{"AWS":["arn:aws:iam::555555555555:root","555555555555","arn:aws:iam::555555555555:user/a/b","arn:aws:iam::555555555555:role/r","arn:aws:sts::555555555555:assumed-role/r/s","*"],
 "Service":"rekognition.amazonaws.com","Federated":"cognito-identity.amazonaws.com"},
 "Action":"rekognition:CopyProjectVersion","Resource":["arn:aws:rekognition:us-east-1:111122223333:project/p/version/*","*"]}]}`

func statement(elements string) string {
	return `{"Version":"2012-10-17","Statement":{` + elements + `}}`
}

// condition is a statement with a Condition of these operators.
func condition(operators string) string {
	return statement(rest + `,"Condition":{` + operators + `}`)
}

const rest = `"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"`

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	both := map[string]string{
		"everything":          good,
		"one statement":       statement(rest),
		"old version":         `{"Version":"2008-10-17","Statement":{` + rest + `}}`,
		"no version":          `{"Statement":{` + rest + `}}`,
		"space around":        "\n\t " + statement(rest) + "\r\n",
		"one action in array": statement(`"Effect":"Deny","Principal":{"AWS":"*"},"Action":["REKOGNITION:copyprojectversion"],"Resource":"*"`),
		"conditions":          condition(`"Bool":{"aws:SecureTransport":true},"ForAnyValue:StringNotLikeIfExists":{"aws:TagKeys":["a*","b"]},"ArnEquals":{"aws:PrincipalArn":"*"}`),
		"no condition":        condition(``),
		"no key":              condition(`"StringEquals":{}`),
		"variables":           condition(`"StringLike":{"aws:PrincipalArn":"${aws:username, 'a}b'}${*}${$}${?}"}`),
		"variable":            statement(strings.Replace(rest, `"Resource":"*"`, `"Resource":"arn:aws:rekognition:us-east-1:111122223333:project/${aws:username}/version/*"`, 1)),
		"old variable":        `{"Statement":{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:us-east-1:111122223333:project/${x}/version/*"}}`,
	}
	for name, text := range both {
		if _, err := policy.Parse(text); err != nil {
			t.Errorf("%s: Parse: %v", name, err)
		}
		if _, err := policy.ParseProjectPolicy(text); err != nil {
			t.Errorf("%s: ParseProjectPolicy: %v", name, err)
		}
	}
	general := map[string]string{
		"no principal": statement(`"Effect":"Allow","Action":["s3:Get*","*"],"Resource":"arn:aws:s3:::b/*"`),
		"no resource":  statement(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`),
		"NotAction":    statement(`"Effect":"Allow","NotAction":"iam:*","Resource":"*"`),
		"NotResource":  statement(`"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"`),
		"NotPrincipal": statement(`"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"`),
		"service key":  condition(`"StringEquals":{"s3:prefix":"x"}`),
	}
	for name, text := range general {
		if _, err := policy.Parse(text); err != nil {
			t.Errorf("%s: Parse: %v", name, err)
		}
		if _, err := policy.ParseProjectPolicy(text); err == nil {
			t.Errorf("%s: ParseProjectPolicy accepts %s", name, text)
		}
	}
	if _, err := policy.ParseProjectPolicy(statement(strings.Replace(rest, "Allow", "DENY", 1))); err != nil {
		t.Errorf("upper-case effect: %v", err)
	}
}

// refused are documents that neither parser accepts, with a part of the
// message that both give.
var refused = map[string]struct{ text, want string }{
	"empty":               {"", "not one JSON object"},
	"no JSON":             {"hello", "not valid JSON"},
	"truncated":           {good[:100], "not valid JSON"},
	"trailing":            {statement(rest) + "{}", "not one JSON object"},
	"array":               {"[" + statement(rest) + "]", "not a JSON object"},
	"string":              {`"x"`, "not a JSON object"},
	"null":                {`null`, "not a JSON object"},
	"BOM":                 {"\ufeff" + statement(rest), ""},
	"bad UTF-8":           {"{\"Id\":\"\xff\"}", ""},
	"too long":            {statement(rest) + strings.Repeat(" ", 40000), "limit"},
	"too deep":            {strings.Repeat("[", 12) + strings.Repeat("]", 12), "deeper"},
	"duplicate element":   {statement(rest + `,"Effect":"Deny"`), "duplicate"},
	"duplicate, escaped":  {statement(rest + `,"\u0045ffect":"Deny"`), "duplicate"},
	"duplicate Statement": {`{"Statement":{` + rest + `},"Statement":[]}`, "duplicate"},
	"unknown element":     {statement(rest + `,"Efect":"Deny"`), `statement 1, there is an unknown element "Efect"`},
	"case of an element":  {statement(rest + `,"effect":"Deny"`), `unknown element "effect"`},
	"unknown at the top":  {`{"Statement":{` + rest + `},"X":1}`, `unknown element "X"`},
	"version":             {`{"Version":"2012-10-18","Statement":{` + rest + `}}`, "Version"},
	"version a number":    {`{"Version":1,"Statement":{` + rest + `}}`, "Version"},
	"no statement":        {`{"Version":"2012-10-17"}`, "no Statement"},
	"statement empty":     {`{"Statement":[]}`, "Statement is empty"},
	"statement null":      {`{"Statement":null}`, "not a JSON object"},
	"statement a string":  {`{"Statement":["x"]}`, "statement 1 is not a JSON object"},
	"second statement":    {`{"Statement":[{` + rest + `},{}]}`, "statement 2"},
	"same Sid":            {`{"Statement":[{"Sid":"a",` + rest + `},{"Sid":"a",` + rest + `}]}`, `Sid "a"`},
	"Sid a number":        {statement(rest + `,"Sid":1`), "Sid"},
	"Condition a list":    {statement(rest + `,"Condition":[]`), "Condition"},
	"operator":            {condition(`"StringIs":{"aws:username":"x"}`), `"StringIs" is not a condition operator`},
	"operator's case":     {condition(`"stringEquals":{"aws:username":"x"}`), "stringEquals"},
	"quantifier":          {condition(`"ForSomeValues:StringEquals":{"aws:username":"x"}`), "ForSomeValues"},
	"IfExists twice":      {condition(`"StringEqualsIfExistsIfExists":{"aws:username":"x"}`), "IfExistsIfExists"},
	"NullIfExists":        {condition(`"NullIfExists":{"aws:username":"true"}`), "NullIfExists"},
	"ForAnyValue:Null":    {condition(`"ForAnyValue:Null":{"aws:username":"true"}`), "ForAnyValue:Null"},
	"operator no object":  {condition(`"StringEquals":"x"`), "Condition.StringEquals"},
	"key":                 {condition(`"StringEquals":{"username":"x"}`), `"username" is not a condition key`},
	"key with wildcard":   {condition(`"StringEquals":{"aws:*":"x"}`), "aws:*"},
	"value list empty":    {condition(`"StringEquals":{"aws:username":[]}`), "list is empty"},
	"value an object":     {condition(`"StringEquals":{"aws:username":{}}`), "a string is expected"},
	"value null":          {condition(`"StringEquals":{"aws:username":null}`), "a string is expected"},
	"number":              {condition(`"NumericEquals":{"aws:x":"ten"}`), "not a number"},
	"number too long":     {condition(`"NumericEquals":{"aws:x":"1234567890123456"}`), "not a number"},
	"number, hexadecimal": {condition(`"NumericEquals":{"aws:x":"0x10"}`), "not a number"},
	"date":                {condition(`"DateEquals":{"aws:CurrentTime":"yesterday"}`), "neither a date"},
	"boolean":             {condition(`"Bool":{"aws:SecureTransport":"yes"}`), "neither"},
	"binary":              {condition(`"BinaryEquals":{"aws:x":"!"}`), "not base64"},
	"address":             {condition(`"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}`), "CIDR"},
	"mapped range":        {condition(`"IpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}`), "CIDR"},
	"ARN":                 {condition(`"ArnLike":{"aws:PrincipalArn":"role/R"}`), "neither an ARN"},
	"variable in number":  {condition(`"NumericEquals":{"aws:x":"${aws:y}"}`), "not a number"},
	"variable open":       {condition(`"StringEquals":{"aws:x":"${aws:username"}`), "closing brace"},
	"variable no key":     {condition(`"StringEquals":{"aws:x":"${username}"}`), "${username}"},
	"variable's default":  {condition(`"StringEquals":{"aws:x":"${aws:username, x}"}`), "${aws:username, x}"},
	"variable, resource":  {statement(strings.Replace(rest, `"Resource":"*"`, `"Resource":"arn:aws:rekognition:us-east-1:111122223333:project/${x}/version/*"`, 1)), "variable"},
	"Action twice":        {statement(rest + `,"NotAction":"s3:*"`), "NotAction"},
	"Resource twice":      {statement(rest + `,"NotResource":"*"`), "NotResource"},
	"Principal twice":     {statement(rest + `,"NotPrincipal":"*"`), "NotPrincipal"},
	"NotPrincipal, Allow": {statement(`"Effect":"Allow","NotPrincipal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"`), "NotPrincipal"},
	"no Effect":           {statement(`"Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"`), "Effect is missing"},
	"effect":              {statement(strings.Replace(rest, `"Allow"`, `"Permit"`, 1)), "Permit"},
	"effect a list":       {statement(strings.Replace(rest, `"Allow"`, `["Allow"]`, 1)), "Effect"},
	"no Action":           {statement(`"Effect":"Allow","Principal":"*","Resource":"*"`), "Action is missing"},
	"empty Action":        {statement(`"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"`), "list is empty"},
	"Action an object":    {statement(`"Effect":"Allow","Principal":"*","Action":{},"Resource":"*"`), "Action"},
	"Action no action":    {statement(`"Effect":"Allow","Principal":"*","Action":"CopyProjectVersion","Resource":"*"`), "CopyProjectVersion"},
	"resource no ARN":     {statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"project/p"`), "project/p"},
	"resource short":      {statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:*"`), "Resource"},
	"principal a name":    {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":"111122223333"`, 1)), "Principal"},
	"principal empty":     {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":{}`, 1)), "no principal"},
	"principal kind":      {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":{"AWS":"*","CanonicalUser":"x"}`, 1)), "CanonicalUser"},
	"principal pattern":   {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}`, 1)), "user/*"},
	"principal a bucket":  {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":{"AWS":"arn:aws:s3:::b"}`, 1)), "s3"},
	"principal digits":    {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":{"AWS":"11112222333"}`, 1)), "11112222333"},
	"service":             {statement(strings.Replace(rest, `"Principal":"*"`, `"Principal":{"Service":"example.com"}`, 1)), "example.com"},
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	parsers := map[string]func(string) (*policy.Document, error){"Parse": policy.Parse, "ParseProjectPolicy": policy.ParseProjectPolicy}
	for name, c := range refused {
		for parser, parse := range parsers {
			_, err := parse(c.text)
			var syntax *policy.SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%s: %s answers %v, want a SyntaxError; text %.200s", name, parser, err, c.text)
				continue
			}
			if name == "too long" && parser == "ParseProjectPolicy" {
				continue // another limit
			}
			if !strings.Contains(syntax.Message, c.want) {
				t.Errorf("%s: %s says %q, want %q in it", name, parser, syntax.Message, c.want)
			}
		}
	}
}

func TestParseProjectPolicyRefuses(t *testing.T) {
	t.Parallel()
	action := func(a string) string {
		return statement(`"Effect":"Allow","Principal":"*","Action":` + a + `,"Resource":"*"`)
	}
	for _, c := range []struct{ text, want string }{
		{action(`"*"`), "the only action"},
		{action(`"rekognition:*"`), "the only action"},
		{action(`"rekognition:DetectCustomLabels"`), "the only action"},
		{action(`["rekognition:CopyProjectVersion","rekognition:CopyProjectVersion"]`), "exactly one"},
		{statement(strings.Replace(rest, `"Resource":"*"`, `"Resource":"arn:aws:s3:::b/*"`, 1)), "versions of a project"},
		{statement(`"Effect":"Allow","Action":"rekognition:CopyProjectVersion","Resource":"*"`), "Principal is missing"},
		{statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion"`), "Resource is missing"},
		{statement(`"Effect":"Allow","Principal":"*","NotAction":"s3:*","Resource":"*"`), "NotAction is not allowed in a project policy"},
		{statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","NotResource":"*"`), "NotResource is not allowed in a project policy"},
		{statement(`"Effect":"Deny","NotPrincipal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"`), "NotPrincipal is not allowed in a project policy"},
		{condition(`"StringEquals":{"s3:prefix":"x"}`), "s3:prefix"},
		{statement(rest + `,"Sid":"` + strings.Repeat("x", 2000) + `"`), "limit is 2000"},
		{statement(rest + `,"Sid":"Ā"`), "U+0100"},
		{statement(rest) + "\x0b", "U+000B"},
	} {
		_, err := policy.ParseProjectPolicy(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseProjectPolicy says %v, want %q; text %.200s", err, c.want, c.text)
		}
	}
}

// FuzzParse holds the parser to two sentences: it fails with a SyntaxError or
// not at all, and nothing that it accepts allows what another policy denies.
func FuzzParse(f *testing.F) {
	f.Add(good)
	for _, p := range operatorPoints {
		f.Add(condition(p.operators))
	}
	for _, c := range refused {
		f.Add(c.text)
	}
	denyAll, err := policy.Parse(statement(`"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (*policy.Document, error){policy.Parse, policy.ParseProjectPolicy} {
			doc, err := parse(text)
			var syntax *policy.SyntaxError
			if err != nil && !errors.As(err, &syntax) {
				t.Fatalf("error is %T, want a SyntaxError: %v", err, err)
			}
			policies := []policy.Policy{{Name: "fuzzed", Document: doc}, {Name: "denial", Document: denyAll}}
			if d := policy.Authorize(subject(ann, policies), copyVersion, owner, policies); d.Verdict != policy.Deny {
				t.Fatalf("%q outweighs a denial: %+v", text, d)
			}
		}
	})
}

// FuzzAuthorize holds evaluation to three sentences: it ends, a policy and
// its copy say no more than the policy, and keys of a service that is not
// asked change nothing.
func FuzzAuthorize(f *testing.F) {
	f.Add(good, version, "ann")
	for _, p := range variablePoints {
		f.Add(condition(p.operators), version, "a*")
	}
	f.Fuzz(func(t *testing.T, text, resource, value string) {
		doc, err := policy.Parse(text)
		if err != nil {
			return
		}
		once := []policy.Policy{{Name: "fuzzed", Document: doc}}
		who := subject(ann, once)
		who.Keys = policy.Keys{"aws:x": {value}, "aws:tagkeys": {value, "b"}}
		req := policy.Request{Action: copyVersion.Action, Resource: resource}
		got := policy.Authorize(who, req, owner, once)
		if again := policy.Authorize(who, req, owner, append(once, once...)); again != got {
			t.Fatalf("%q twice: %+v, once: %+v", text, again, got)
		}
		if policy.Mentions("fuzz:", who, once...) {
			return
		}
		who.Keys["fuzz:x"] = []string{value}
		if again := policy.Authorize(who, req, owner, once); again != got {
			t.Fatalf("%q does not mention fuzz:x: %+v with it, %+v without", text, again, got)
		}
	})
}

func ExampleParse() {
	_, err := policy.Parse(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAdress":{"aws:SourceIp":"10.0.0.0/8"}}}}`)
	fmt.Println(err)
	// Output: In statement 1, Condition, "IpAdress" is not a condition operator, such as StringEquals or ForAnyValue:StringLikeIfExists.
}
