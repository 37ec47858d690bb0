package policy

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"mimeo/internal/arn"
)

func sid(v jsontext.Value, at string) (string, error) {
	s, err := text1(v, at)
	if err != nil {
		return "", err
	}
	return s, nil
}

func effect(v jsontext.Value, at string, fold bool) (deny bool, err error) {
	s, serr := text1(v, at)
	switch {
	case serr != nil:
		return false, serr
	case s == "Allow" || fold && strings.EqualFold(s, "Allow"):
		return false, nil
	case s == "Deny" || fold && strings.EqualFold(s, "Deny"):
		return true, nil
	default:
		return false, malformed("In %s, %.40q is neither Allow nor Deny.", at, s)
	}
}

// principals reads "*", or an object of AWS, Service and Federated.
func principals(v jsontext.Value, at string) ([]principal, error) {
	if v.Kind() == '"' {
		s, err := text1(v, at)
		if err == nil && s != "*" {
			err = malformed("In %s, %.100q is not a principal: write \"*\" or an object such as {\"AWS\": \"111122223333\"}.", at, s)
		}
		if err != nil {
			return nil, err
		}
		return []principal{{anyone: true}}, nil
	}
	kinds, err := object(v, "In "+at+", the value")
	if err != nil {
		return nil, err
	}
	if len(kinds) == 0 {
		return nil, malformed("In %s, no principal is named.", at)
	}
	var all []principal
	for _, kind := range []string{"AWS", "Federated", "Service"} {
		v, ok := kinds[kind]
		if !ok {
			continue
		}
		delete(kinds, kind)
		names, err := texts(v, at+"."+kind)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			p, err := parsePrincipal(kind, name, at)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	for kind := range kinds {
		return nil, malformed("In %s, %.40q is no kind of principal: AWS, Service and Federated are.", at, kind)
	}
	return all, nil
}

func parsePrincipal(kind, name, at string) (principal, error) {
	p := principal{kind: kind}
	switch {
	case kind == "AWS" && name == "*":
		p.anyone = true
	case kind == "AWS" && arn.IsAccount(name):
		p.account = name
	case kind == "AWS" && arn.IsUniqueID(name):
		p.id = name
	case kind == "AWS":
		who, err := arn.ParsePrincipal(name)
		if err != nil || !isIdentity(who) {
			return p, malformed("In %s, %.100q is not a principal: an account, user, role or session is expected.", at, name)
		}
		p.account, p.who = who.Account, who
	case kind == "Service":
		who, err := arn.ParsePrincipal(name)
		if err != nil || !who.IsService() {
			return p, malformed("In %s, %.100q is not the host name of a service.", at, name)
		}
		p.who = who
	case name == "" || strings.ContainsAny(name, "*?"): // Federated
		return p, malformed("In %s, %.100q is not an identity provider.", at, name)
	default:
		// No caller here is federated, so the entry matches nobody.
	}
	return p, nil
}

// isIdentity reports whether who is something that can sign a request, named
// in full: a principal cannot be a pattern.
func isIdentity(who arn.Principal) bool {
	if who.Account == "" || strings.ContainsAny(who.Name, "*?") {
		return false
	}
	kind, rest, _ := strings.Cut(who.Name, "/")
	switch kind {
	case "root":
		return rest == "" && who.Name == "root"
	case "user", "role", "federated-user":
		return rest != "" && !strings.HasSuffix(rest, "/")
	case "assumed-role":
		role, session, ok := strings.Cut(rest, "/")
		return ok && role != "" && session != "" && !strings.Contains(session, "/")
	default:
		return false
	}
}

func actions(v jsontext.Value, at string, d *dialect) ([]string, error) {
	all, err := texts(v, at)
	if err != nil {
		return nil, err
	}
	if d.oneAction && len(all) > 1 {
		return nil, malformed("In %s, exactly one action is expected.", at)
	}
	for i, action := range all {
		if !isAction(action) {
			return nil, malformed("In %s, %.100q is not an action: \"service:Operation\" or \"*\" is expected.", at, action)
		}
		if d.action != nil {
			if err := d.action(at, action); err != nil {
				return nil, err
			}
		}
		all[i] = wildcards.Replace(strings.ToLower(action))
	}
	return all, nil
}

// isAction accepts "*", and "service:Operation" in which the operation may
// have wildcards.
func isAction(s string) bool {
	if s == "*" {
		return true
	}
	service, operation, ok := strings.Cut(s, ":")
	return ok && service != "" && operation != "" && !strings.ContainsFunc(service, notIn("-")) && !strings.ContainsFunc(operation, notIn("*?"))
}

// notIn returns a predicate for runes that are neither ASCII letters nor
// digits nor among extra.
func notIn(extra string) func(rune) bool {
	return func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(extra, r)
	}
}

func resources(v jsontext.Value, at string, x syntax, d *dialect) ([]resource, error) {
	names, err := texts(v, at)
	if err != nil {
		return nil, err
	}
	var all []resource
	for _, name := range names {
		r, wrong := parseResource(name, x)
		if wrong != "" {
			return nil, malformed("In %s, %.100q %s.", at, name, wrong)
		}
		if d.resource != nil {
			if err := d.resource(at, name); err != nil {
				return nil, err
			}
		}
		all = append(all, r)
	}
	return all, nil
}
