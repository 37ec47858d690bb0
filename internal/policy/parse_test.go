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
	"Condition":           {statement(rest + `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`), "Condition"},
	"empty Condition":     {statement(rest + `,"Condition":{}`), "Condition"},
	"NotAction":           {statement(`"Effect":"Allow","Principal":"*","NotAction":"s3:*","Resource":"*"`), "NotAction"},
	"NotResource":         {statement(rest + `,"NotResource":"*"`), "NotResource"},
	"NotPrincipal":        {statement(rest + `,"NotPrincipal":"*"`), "NotPrincipal"},
	"no Effect":           {statement(`"Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"`), "Effect is missing"},
	"effect":              {statement(strings.Replace(rest, `"Allow"`, `"Permit"`, 1)), "Permit"},
	"effect a list":       {statement(strings.Replace(rest, `"Allow"`, `["Allow"]`, 1)), "Effect"},
	"no Action":           {statement(`"Effect":"Allow","Principal":"*","Resource":"*"`), "Action is missing"},
	"empty Action":        {statement(`"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"`), "list is empty"},
	"Action an object":    {statement(`"Effect":"Allow","Principal":"*","Action":{},"Resource":"*"`), "Action"},
	"Action no action":    {statement(`"Effect":"Allow","Principal":"*","Action":"CopyProjectVersion","Resource":"*"`), "CopyProjectVersion"},
	"resource no ARN":     {statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"project/p"`), "project/p"},
	"resource short":      {statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:*"`), "Resource"},
	"variable":            {statement(`"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:us-east-1:111122223333:project/${aws:username}/version/*"`), "variable"},
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
		{statement(rest + `,"NotResource":"*"`), "not allowed in a project policy"},
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

func ExampleParse() {
	_, err := policy.Parse(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{}}}`)
	fmt.Println(err)
	// Output: In statement 1, the element Condition is not supported by this version of mimeo, and a policy is never applied in part.
}
