package policy_test

import (
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// A point is a condition under one set of keys.
type point struct {
	name, operators string
	keys            policy.Keys
	want            bool
}

func key(name string, values ...string) policy.Keys { return policy.Keys{name: values} }

// The documented meaning of every operator:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operatorPoints = []point{
	{"StringEquals", `"StringEquals":{"aws:PrincipalTag/job-category":"iamuser-admin"}`, key("aws:principaltag/job-category", "iamuser-admin"), true},
	{"StringEquals, another", `"StringEquals":{"aws:PrincipalTag/job-category":"iamuser-admin"}`, key("aws:principaltag/job-category", "admin"), false},
	{"StringEquals, case", `"StringEquals":{"aws:x":"A"}`, key("aws:x", "a"), false},
	{"StringEquals, no wildcard", `"StringEquals":{"aws:x":"a*"}`, key("aws:x", "ab"), false},
	{"StringEquals, star itself", `"StringEquals":{"aws:x":"a*"}`, key("aws:x", "a*"), true},
	{"StringEquals, one of two", `"StringEquals":{"aws:x":["a","b"]}`, key("aws:x", "b"), true},
	{"StringEquals, missing", `"StringEquals":{"aws:x":"a"}`, nil, false},
	{"StringEquals, empty value", `"StringEquals":{"aws:x":""}`, key("aws:x", ""), true},
	{"StringEqualsIfExists, missing", `"StringEqualsIfExists":{"aws:x":"a"}`, nil, true},
	{"StringEqualsIfExists, another", `"StringEqualsIfExists":{"aws:x":"a"}`, key("aws:x", "b"), false},
	{"StringNotEquals", `"StringNotEquals":{"aws:x":"a"}`, key("aws:x", "b"), true},
	{"StringNotEquals, equal", `"StringNotEquals":{"aws:x":"a"}`, key("aws:x", "a"), false},
	{"StringNotEquals, one of two", `"StringNotEquals":{"aws:x":["a","b"]}`, key("aws:x", "b"), false},
	{"StringNotEquals, missing", `"StringNotEquals":{"aws:x":"a"}`, nil, true},
	{"StringEqualsIgnoreCase", `"StringEqualsIgnoreCase":{"aws:x":"AbC"}`, key("aws:x", "aBc"), true},
	{"StringNotEqualsIgnoreCase", `"StringNotEqualsIgnoreCase":{"aws:x":"AbC"}`, key("aws:x", "aBc"), false},
	{"StringLike", `"StringLike":{"s3:prefix":["","home/","home/${aws:username}/"]}`, policy.Keys{"s3:prefix": {"home/ann/"}}, true},
	{"StringLike, star", `"StringLike":{"aws:x":"a*c"}`, key("aws:x", "a/b:c"), true},
	{"StringLike, question mark", `"StringLike":{"aws:x":"a?c"}`, key("aws:x", "aüc"), true},
	{"StringLike, case", `"StringLike":{"aws:x":"A*"}`, key("aws:x", "ab"), false},
	{"StringNotLike", `"StringNotLike":{"aws:x":"a*"}`, key("aws:x", "ba"), true},
	{"StringNotLike, like", `"StringNotLike":{"aws:x":"a*"}`, key("aws:x", "ab"), false},
	{"NumericEquals", `"NumericEquals":{"s3:max-keys":"10"}`, key("s3:max-keys", "10.0"), true},
	{"NumericEquals, a JSON number", `"NumericEquals":{"s3:max-keys":10}`, key("s3:max-keys", "10"), true},
	{"NumericNotEquals", `"NumericNotEquals":{"aws:x":"10"}`, key("aws:x", "11"), true},
	{"NumericLessThanEquals", `"NumericLessThanEquals":{"s3:max-keys":"10"}`, key("s3:max-keys", "10"), true},
	{"NumericLessThanEquals, more", `"NumericLessThanEquals":{"s3:max-keys":"10"}`, key("s3:max-keys", "11"), false},
	{"NumericLessThan", `"NumericLessThan":{"aws:x":"10"}`, key("aws:x", "9"), true},
	{"NumericLessThan, equal", `"NumericLessThan":{"aws:x":"10"}`, key("aws:x", "10"), false},
	{"NumericGreaterThan", `"NumericGreaterThan":{"aws:x":"-10"}`, key("aws:x", "9"), true},
	{"NumericGreaterThanEquals", `"NumericGreaterThanEquals":{"aws:x":"10"}`, key("aws:x", "9"), false},
	{"Numeric, missing", `"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`, nil, false},
	{"Numeric, IfExists", `"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`, nil, true},
	{"Numeric, no number", `"NumericLessThan":{"aws:x":"3600"}`, key("aws:x", "many"), false},
	{"DateGreaterThan", `"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}`, key("aws:tokenissuetime", "2020-01-01T00:00:02Z"), true},
	{"DateGreaterThan, equal", `"DateGreaterThan":{"aws:x":"2020-01-01T00:00:01Z"}`, key("aws:x", "2020-01-01T01:00:01+01:00"), false},
	{"DateGreaterThanEquals", `"DateGreaterThanEquals":{"aws:x":"2020-01-01T00:00:01Z"}`, key("aws:x", "2020-01-01T01:00:01+01:00"), true},
	{"DateLessThan", `"DateLessThan":{"aws:CurrentTime":"2020-06-30"}`, key("aws:currenttime", "2020-06-29T23:59:59.999Z"), true},
	{"DateLessThanEquals", `"DateLessThanEquals":{"aws:CurrentTime":"2020-06"}`, key("aws:currenttime", "2020-06-01T00:00:00Z"), true},
	{"DateEquals, epoch", `"DateEquals":{"aws:EpochTime":"2020-01-01T00:00Z"}`, key("aws:epochtime", "1577836800"), true},
	{"DateNotEquals", `"DateNotEquals":{"aws:x":"2020"}`, key("aws:x", "2020-01-01"), false},
	{"Numeric on the epoch", `"NumericLessThan":{"aws:EpochTime":"1577836801"}`, key("aws:epochtime", "1577836800"), true},
	{"Bool", `"Bool":{"aws:SecureTransport":"false"}`, key("aws:securetransport", "false"), true},
	{"Bool, a JSON boolean", `"Bool":{"aws:SecureTransport":true}`, key("aws:securetransport", "TRUE"), true},
	{"Bool, another", `"Bool":{"aws:SecureTransport":"true"}`, key("aws:securetransport", "false"), false},
	{"Bool, missing", `"Bool":{"aws:MultiFactorAuthPresent":"false"}`, nil, false},
	{"BoolIfExists", `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`, nil, true},
	{"BinaryEquals", `"BinaryEquals":{"aws:x":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`, key("aws:x", "QmluYXJ5VmFsdWVJbkJhc2U2NA=="), true},
	{"BinaryEquals, another", `"BinaryEquals":{"aws:x":"QmluYXJ5"}`, key("aws:x", "QmluYXJ6"), false},
	{"IpAddress", `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, key("aws:sourceip", "203.0.113.77"), true},
	{"IpAddress, outside", `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, key("aws:sourceip", "203.0.114.77"), false},
	{"IpAddress, one", `"IpAddress":{"aws:SourceIp":"203.0.113.5"}`, key("aws:sourceip", "203.0.113.5"), true},
	{"IpAddress, version 6", `"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}`, key("aws:sourceip", "2001:db8:1234:5678::1"), true},
	{"IpAddress, mapped", `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, key("aws:sourceip", "::ffff:203.0.113.7"), true},
	{"IpAddress, missing", `"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`, nil, false},
	{"NotIpAddress", `"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]}`, key("aws:sourceip", "203.0.113.7"), false},
	{"NotIpAddress, outside", `"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]}`, key("aws:sourceip", "198.51.100.7"), true},
	{"NotIpAddress, missing", `"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, nil, true},
	{"ArnEquals", `"ArnEquals":{"aws:SourceArn":"arn:aws:sns:REGION:123456789012:TOPIC-ID"}`, key("aws:sourcearn", "arn:aws:sns:REGION:123456789012:TOPIC-ID"), true},
	{"ArnEquals, wildcards too", `"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:123456789012:T*"}`, key("aws:sourcearn", "arn:aws:sns:REGION:123456789012:TOPIC-ID"), true},
	{"ArnLike, per segment", `"ArnLike":{"aws:SourceArn":"arn:aws:*12:*:*:TOPIC-ID"}`, key("aws:sourcearn", "arn:aws:sns:REGION:123456789012:TOPIC-ID"), false},
	{"ArnLike, no ARN", `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}`, key("aws:sourcearn", "topic"), false},
	{"ArnLike, no ARN but like one", `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}`, key("aws:sourcearn", "urn:aws:sns:::topic"), false},
	{"ArnEquals, no ARN", `"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:*:*"}`, key("aws:sourcearn", ""), false},
	{"ArnLikeIfExists, no ARN", `"ArnLikeIfExists":{"aws:SourceArn":"arn:aws:sns:*:*:*"}`, key("aws:sourcearn", "topic"), false},
	{"ArnNotLike, anything", `"ArnNotLike":{"aws:SourceArn":"*"}`, key("aws:sourcearn", "topic"), false},
	{"ArnLike, anything", `"ArnLike":{"aws:SourceArn":"*"}`, key("aws:sourcearn", "topic"), true},
	{"ArnNotLike", `"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/b*"}`, nil, true},
	{"ArnNotEquals", `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/ann"}`, nil, false},
	{"Null, true and missing", `"Null":{"aws:TokenIssueTime":"true"}`, nil, true},
	{"Null, true and there", `"Null":{"aws:TokenIssueTime":"true"}`, key("aws:tokenissuetime", "x"), false},
	{"Null, false and there", `"Null":{"aws:TokenIssueTime":"false"}`, key("aws:tokenissuetime", "x"), true},
	{"Null, false and missing", `"Null":{"aws:TokenIssueTime":"false"}`, nil, false},
	{"Null, no values", `"Null":{"aws:TagKeys":true}`, key("aws:tagkeys"), true},
	{"two operators", `"StringEquals":{"aws:x":"a"},"Bool":{"aws:y":"true"}`, policy.Keys{"aws:x": {"a"}, "aws:y": {"true"}}, true},
	{"two operators, one false", `"StringEquals":{"aws:x":"a"},"Bool":{"aws:y":"true"}`, policy.Keys{"aws:x": {"a"}, "aws:y": {"false"}}, false},
	{"two keys, one false", `"StringEquals":{"aws:x":"a","aws:y":"b"}`, policy.Keys{"aws:x": {"a"}, "aws:y": {"c"}}, false},
	{"a key's name in another case", `"StringEquals":{"AWS:X":"a"}`, key("aws:x", "a"), true},
}

// Sets of values:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
var setPoints = []point{
	{"all, subset", `"ForAllValues:StringEquals":{"aws:TagKeys":["environment","cost-center"]}`, key("aws:tagkeys", "environment"), true},
	{"all, one outside", `"ForAllValues:StringEquals":{"aws:TagKeys":["environment","cost-center"]}`, key("aws:tagkeys", "environment", "dept"), false},
	{"all, missing", `"ForAllValues:StringEquals":{"aws:TagKeys":["environment"]}`, nil, true},
	{"all, none in a negated set", `"ForAllValues:StringNotEquals":{"aws:TagKeys":["environment"]}`, key("aws:tagkeys", "a", "b"), true},
	{"all, one in a negated set", `"ForAllValues:StringNotEquals":{"aws:TagKeys":["environment"]}`, key("aws:tagkeys", "a", "environment"), false},
	{"any, one", `"ForAnyValue:StringEquals":{"aws:TagKeys":["environment","cost-center"]}`, key("aws:tagkeys", "dept", "environment"), true},
	{"any, none", `"ForAnyValue:StringEquals":{"aws:TagKeys":["environment"]}`, key("aws:tagkeys", "dept"), false},
	{"any, missing", `"ForAnyValue:StringEquals":{"aws:TagKeys":["environment"]}`, nil, false},
	{"any, missing, negated", `"ForAnyValue:StringNotEquals":{"aws:TagKeys":["environment"]}`, nil, false},
	{"any, one outside of a negated set", `"ForAnyValue:StringNotEquals":{"aws:TagKeys":["environment"]}`, key("aws:tagkeys", "a", "environment"), true},
	{"any, all in a negated set", `"ForAnyValue:StringNotEquals":{"aws:TagKeys":["environment"]}`, key("aws:tagkeys", "environment"), false},
	{"any, IfExists", `"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":["environment"]}`, nil, true},
	{"any, like", `"ForAnyValue:StringLike":{"aws:TagKeys":"env*"}`, key("aws:tagkeys", "a", "environment"), true},
	{"all, like", `"ForAllValues:StringLike":{"aws:TagKeys":"env*"}`, key("aws:tagkeys", "a", "environment"), false},
	{"any, addresses", `"ForAnyValue:IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}`, key("aws:vpcsourceip", "192.0.2.1", "10.1.1.1"), true},
}

// Policy variables, and keys that follow from the principal.
var variablePoints = []point{
	{"variable", `"StringEquals":{"aws:x":"${aws:username}"}`, key("aws:x", "ann"), true},
	{"variable, another value", `"StringEquals":{"aws:x":"${aws:username}"}`, key("aws:x", "bob"), false},
	{"variable, absent", `"StringEquals":{"aws:x":"${aws:PrincipalTag/team}"}`, key("aws:x", ""), false},
	{"variable, default", `"StringEquals":{"aws:x":"${aws:PrincipalTag/team, 'company-wide'}"}`, key("aws:x", "company-wide"), true},
	{"variable, default not needed", `"StringEquals":{"aws:x":"${aws:username, 'nobody'}"}`, key("aws:x", "nobody"), false},
	{"variable, several values", `"StringLike":{"aws:x":"${aws:TagKeys}*"}`, policy.Keys{"aws:x": {"a"}, "aws:tagkeys": {"a", "b"}}, false},
	{"variable's wildcards are none", `"StringLike":{"aws:x":"${aws:PrincipalTag/team}"}`, policy.Keys{"aws:x": {"ab"}, "aws:principaltag/team": {"*"}}, false},
	{"variable's star is a star", `"StringLike":{"aws:x":"${aws:PrincipalTag/team}*"}`, policy.Keys{"aws:x": {"*b"}, "aws:principaltag/team": {"*"}}, true},
	{"variable's bytes", `"StringLike":{"aws:x":"${aws:PrincipalTag/team}"}`, policy.Keys{"aws:x": {"ab"}, "aws:principaltag/team": {"\xfe"}}, false},
	{"variable in an ARN", `"ArnLike":{"aws:x":"arn:aws:iam::${aws:PrincipalAccount}:role/${aws:username}*"}`, key("aws:x", "arn:aws:iam::111122223333:role/annex"), true},
	{"variable in an ARN, a colon", `"ArnLike":{"aws:x":"arn:aws:iam::${aws:y}:role/*"}`, policy.Keys{"aws:x": {"arn:aws:iam::1:role/a"}, "aws:y": {"1:role/a"}}, false},
	{"escaped star", `"StringLike":{"aws:x":"a${*}"}`, key("aws:x", "ab"), false},
	{"escaped star is a star", `"StringLike":{"aws:x":"a${*}"}`, key("aws:x", "a*"), true},
	{"escaped question mark", `"StringLike":{"aws:x":"a${?}"}`, key("aws:x", "ab"), false},
	{"escaped dollar", `"StringEquals":{"aws:x":"${$}{aws:username}"}`, key("aws:x", "${aws:username}"), true},
	{"PrincipalArn", `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/ann"}`, nil, true},
	{"PrincipalAccount", `"StringEquals":{"aws:PrincipalAccount":"111122223333"}`, nil, true},
	{"PrincipalType", `"StringEquals":{"aws:PrincipalType":"User"}`, nil, true},
	{"ResourceAccount", `"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`, nil, true},
	{"PrincipalIsAWSService", `"Bool":{"aws:PrincipalIsAWSService":"false"}`, nil, true},
	{"PrincipalServiceName", `"Null":{"aws:PrincipalServiceName":"true"}`, nil, true},
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, points := range [][]point{operatorPoints, setPoints, variablePoints} {
		for _, p := range points {
			for _, effect := range []string{"Allow", "Deny"} {
				if got := decideOn(t, "2012-10-17", effect, p.operators, p.keys); (got != policy.NoMatch) != p.want {
					t.Errorf("%s: %s with %v: applies %v, want %v", p.name, effect, p.keys, got != policy.NoMatch, p.want)
				}
			}
		}
	}
}

// Where AWS leaves open what is compared, a permission does not apply and a
// denial does.
func TestOpenConditionsFailClosed(t *testing.T) {
	t.Parallel()
	for _, p := range []point{
		{name: "negated, variable absent", operators: `"StringNotEquals":{"aws:x":"${aws:PrincipalTag/team}"}`, keys: key("aws:x", "a")},
		{name: "negated, no number", operators: `"NumericNotEquals":{"aws:x":"1"}`, keys: key("aws:x", "one")},
		{name: "negated, no date", operators: `"DateNotEquals":{"aws:x":"2020"}`, keys: key("aws:x", "now")},
		{name: "negated, no address", operators: `"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, keys: key("aws:sourceip", "here")},
		{name: "negated, no ARN", operators: `"ArnNotEquals":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`, keys: key("aws:sourcearn", "topic")},
		{name: "negated, no ARN but like one", operators: `"ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`, keys: key("aws:sourcearn", "urn:aws:sns:::topic")},
		{name: "several values, one equal", operators: `"StringEquals":{"aws:TagKeys":"a"}`, keys: key("aws:tagkeys", "a", "b")},
		{name: "several values, one not equal", operators: `"StringNotEquals":{"aws:TagKeys":"a"}`, keys: key("aws:tagkeys", "a", "b")},
	} {
		if got := decideOn(t, "2012-10-17", "Allow", p.operators, p.keys); got != policy.NoMatch {
			t.Errorf("%s: Allow applies", p.name)
		}
		if got := decideOn(t, "2012-10-17", "Deny", p.operators, p.keys); got != policy.Deny {
			t.Errorf("%s: Deny does not apply", p.name)
		}
	}
}

func TestTheOldVersionHasNoVariables(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]policy.Verdict{"${aws:username}": policy.Allow, "ann": policy.NoMatch} {
		if got := decideOn(t, "2008-10-17", "Allow", `"StringEquals":{"aws:x":"${aws:username}"}`, key("aws:x", value)); got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}

// decideOn says what a statement with these operators says to ann's copy.
func decideOn(t *testing.T, version, effect, operators string, keys policy.Keys) policy.Verdict {
	t.Helper()
	d, err := policy.Parse(`{"Version":"` + version + `","Statement":{"Effect":"` + effect + `","Action":"*","Resource":"*","Condition":{` + operators + `}}}`)
	if err != nil {
		t.Fatalf("%s: %v", operators, err)
	}
	who := policy.Subject{Principal: ann, Identity: []policy.Policy{{Name: "p", Document: d}}, Keys: keys}
	return policy.Authorize(who, copyVersion, owner, nil).Verdict
}

func TestKeysOfTheRequestWin(t *testing.T) {
	t.Parallel()
	d, err := policy.Parse(statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:x":"request"}}`))
	if err != nil {
		t.Fatal(err)
	}
	who := policy.Subject{Principal: ann, Identity: []policy.Policy{{Document: d}}, Keys: key("aws:x", "subject")}
	req := copyVersion
	req.Keys = key("aws:x", "request")
	if got := policy.Authorize(who, req, owner, nil); !got.Allowed() {
		t.Errorf("%v, want the request's key to count", got)
	}
}

// The keys of the owner are for the resource's policies: a caller's own, its
// bounds and what follows from them are as if there were none.
func TestKeysOfTheOwner(t *testing.T) {
	t.Parallel()
	const tagged = `"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/secret":"yes"}}`
	yes, everyone := doc(t, "Allow", "", "*", "*"), doc(t, "Allow", `"*"`, "*", "*")
	one := func(elements string) []policy.Policy {
		return []policy.Policy{{Name: "p", Document: parse(t, statement(elements+","+tagged))}}
	}
	allow, deny := one(`"Effect":"Allow"`), one(`"Effect":"Deny"`)
	for name, c := range map[string]struct {
		who      policy.Subject
		resource []policy.Policy
		want     policy.Verdict
	}{
		"the resource denies":    {policy.Subject{Identity: yes}, append(everyone, one(`"Effect":"Deny","Principal":"*"`)...), policy.Deny},
		"the resource allows":    {policy.Subject{Identity: yes}, one(`"Effect":"Allow","Principal":"*"`), policy.Allow},
		"the identity denies":    {policy.Subject{Identity: append(yes, deny...)}, everyone, policy.Allow},
		"the identity allows":    {policy.Subject{Identity: allow}, everyone, policy.NoMatch},
		"the boundary allows":    {policy.Subject{Identity: yes, Boundary: &allow[0]}, everyone, policy.NoMatch},
		"the session's policies": {policy.Subject{Identity: yes, Session: allow}, everyone, policy.NoMatch},
	} {
		c.who.Principal = user(other, "user/bob")
		req := copyVersion
		req.Keys, req.OwnerKeys = key("aws:resourcetag/secret", "no"), key("aws:resourcetag/secret", "yes")
		if got := policy.Authorize(c.who, req, owner, c.resource); got.Verdict != c.want {
			t.Errorf("%s: %v (%s), want %v", name, got.Verdict, got.Reason(), c.want)
		}
	}
}

// The principal's keys for each kind of principal.
func TestDerivedKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who                   arn.Principal
		arn, kind, isAService string
	}{
		{ann, ann.String(), "User", "false"},
		{user(owner, "root"), "arn:aws:iam::111122223333:root", "Account", "false"},
		{user(owner, "assumed-role/R/s"), "arn:aws:iam::111122223333:role/R", "AssumedRole", "false"},
		{user(owner, "federated-user/f"), "arn:aws:sts::111122223333:federated-user/f", "FederatedUser", "false"},
		{arn.Service("rekognition.amazonaws.com"), "", "", "true"},
	} {
		for name, want := range map[string]string{"aws:PrincipalArn": c.arn, "aws:PrincipalType": c.kind, "aws:PrincipalIsAWSService": c.isAService} {
			operators := `"StringEquals":{"` + name + `":"` + want + `"}`
			if want == "" {
				operators = `"Null":{"` + name + `":"true"}`
			}
			resource := []policy.Policy{{Document: parse(t, statement(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*","Condition":{`+operators+`}`))}}
			if got := policy.Authorize(subject(c.who, nil), copyVersion, owner, resource); !got.Allowed() {
				t.Errorf("%s of %s is not %q", name, c.who, want)
			}
		}
	}
}

func parse(t testing.TB, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestMentions(t *testing.T) {
	t.Parallel()
	tagged := policy.Policy{Document: parse(t, statement(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"a"}}`))}
	variable := policy.Policy{Document: parse(t, statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:ResourceTag/Team}"`))}
	inValue := policy.Policy{Document: parse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:x":"${aws:ResourceTag/Team}"}}`))}
	plain := policy.Policy{Document: parse(t, strings.Replace(good, `"Id":"x"`, `"Id":"aws:ResourceTag/x"`, 1))}
	for name, c := range map[string]struct {
		who      policy.Subject
		resource []policy.Policy
		want     bool
	}{
		"nothing":       {policy.Subject{}, nil, false},
		"without":       {policy.Subject{Identity: []policy.Policy{plain}}, []policy.Policy{plain, {}}, false},
		"identity":      {policy.Subject{Identity: []policy.Policy{plain, tagged}}, nil, true},
		"boundary":      {policy.Subject{Boundary: &tagged}, nil, true},
		"session":       {policy.Subject{Session: []policy.Policy{variable}}, nil, true},
		"resource":      {policy.Subject{}, []policy.Policy{inValue}, true},
		"under mandate": {policy.Subject{Identity: []policy.Policy{tagged}, Mandate: &arn.Mandate{}}, nil, false},
	} {
		if got := policy.Mentions("aws:resourcetag/", c.who, c.resource...); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// documented are all operators, with a value that they take.
var documented = map[string]string{
	"StringEquals": "a", "StringNotEquals": "a", "StringEqualsIgnoreCase": "a", "StringNotEqualsIgnoreCase": "a", "StringLike": "a*", "StringNotLike": "a*",
	"NumericEquals": "1", "NumericNotEquals": "1", "NumericLessThan": "1", "NumericLessThanEquals": "1", "NumericGreaterThan": "1", "NumericGreaterThanEquals": "1",
	"DateEquals": "2026-01-01", "DateNotEquals": "2026-01-01", "DateLessThan": "2026-01-01", "DateLessThanEquals": "2026-01-01", "DateGreaterThan": "2026-01-01", "DateGreaterThanEquals": "2026-01-01",
	"Bool": "true", "BinaryEquals": "QQ==", "IpAddress": "10.0.0.0/8", "NotIpAddress": "10.0.0.0/8",
	"ArnEquals": "arn:aws:s3:::b", "ArnLike": "arn:aws:s3:::*", "ArnNotEquals": "arn:aws:s3:::b", "ArnNotLike": "arn:aws:s3:::*",
}

// A condition on a key that nobody knows never holds, but where AWS says so:
// negated operators, IfExists, ForAllValues.
func TestAKeyThatNobodyKnows(t *testing.T) {
	t.Parallel()
	for operator, value := range documented {
		for _, quantifier := range []string{"", "ForAllValues:", "ForAnyValue:"} {
			for _, suffix := range []string{"", "IfExists"} {
				want := suffix != "" || quantifier == "ForAllValues:" || quantifier == "" && strings.Contains(operator, "Not")
				name := quantifier + operator + suffix
				for _, effect := range []string{"Allow", "Deny"} {
					if got := decideOn(t, "2012-10-17", effect, `"`+name+`":{"nobody:knows":"`+value+`"}`, nil); (got != policy.NoMatch) != want {
						t.Errorf("%s: %s applies %v, want %v", name, effect, got != policy.NoMatch, want)
					}
				}
			}
		}
	}
}
