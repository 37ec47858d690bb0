package arn

import (
	"fmt"
	"strings"
	"time"
)

// A Principal is any identity: an account's root, a user, a role session, or
// a service of ours.
type Principal struct {
	Partition string
	Account   string // twelve digits; empty for a service
	// Name is "root", "user/PATH/NAME" or "assumed-role/ROLE/SESSION", or
	// the host name of a service.
	Name string
}

// Root returns the root principal of an account.
func Root(partition, account string) Principal {
	return Principal{Partition: partition, Account: account, Name: "root"}
}

// Service returns the principal of one of our own services, such as
// "rekognition.amazonaws.com". Services are never callers: they act under
// grants.
func Service(host string) Principal { return Principal{Name: host} }

// ParsePrincipal parses an IAM or STS ARN, or the host name of a service.
func ParsePrincipal(s string) (Principal, error) {
	if strings.HasSuffix(s, ".amazonaws.com") && !strings.ContainsAny(s, ":/") {
		return Service(s), nil
	}
	a, err := Parse(s)
	if err != nil || a.Service != "iam" && a.Service != "sts" || a.Region != "" || !IsAccount(a.Account) {
		return Principal{}, fmt.Errorf("%w: %.100q is not a principal", ErrMalformed, s)
	}
	return Principal{Partition: a.Partition, Account: a.Account, Name: a.Resource}, nil
}

// IsUniqueID reports whether s is the unique id of a user or role, as policies
// are stored with it: "AIDA…" or "AROA…".
func IsUniqueID(s string) bool {
	return len(s) >= 16 && (strings.HasPrefix(s, "AIDA") || strings.HasPrefix(s, "AROA")) &&
		!strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
}

// IsRoot reports whether p is an account's root.
func (p Principal) IsRoot() bool { return p.Account != "" && p.Name == "root" }

// IsService reports whether p is one of our own services.
func (p Principal) IsService() bool { return p.Account == "" && p.Name != "" }

func (p Principal) String() string {
	if p.Account == "" {
		return p.Name
	}
	service := "iam"
	if strings.HasPrefix(p.Name, "assumed-role/") || strings.HasPrefix(p.Name, "federated-user/") {
		service = "sts"
	}
	return ARN{Partition: p.Partition, Service: service, Account: p.Account, Resource: p.Name}.String()
}

// MarshalText returns the principal's ARN or host name.
func (p Principal) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText parses what MarshalText returns.
func (p *Principal) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePrincipal(string(b))
	return err
}

// A Caller is who signed a request, and the region it was signed for: the
// region is the namespace in which the request's names are looked up.
type Caller struct {
	Principal Principal
	Region    string
	// Session is the access key id of the role session, or of the session
	// token, that signed; empty where a long-lived key did.
	Session string `json:",omitzero"`
	// SourceIP is the address that the request came from, as text.
	SourceIP string `json:",omitzero"`
	// TLS is the version of TLS that the request came over, such as "1.3";
	// empty where it came over none.
	TLS string `json:",omitzero"`
	// UserAgent and Referer are those headers of the request: what it says of
	// the program and the page that sent it, which nothing proves.
	UserAgent string `json:",omitzero"`
	Referer   string `json:",omitzero"`
	// Presigned is when the URL was signed that the request came by; zero
	// where the signature was in a header.
	Presigned time.Time `json:",omitzero"`
	// ContentSHA256 is the header that says how the body is signed: its hash,
	// or a word such as UNSIGNED-PAYLOAD. Empty where there was none.
	ContentSHA256 string `json:",omitzero"`
	// Via is the service of ours that asks another one in the caller's name,
	// as kms:ViaService has it; empty where the caller asks itself.
	Via string `json:",omitzero"`
	// Mandate is set where a job acts for the caller whose request began it.
	// It is then the whole of what the caller may do: no policy is asked.
	Mandate *Mandate `json:",omitzero"`
}

// A Mandate is what a decision recorded for the job that it began: the job
// may do this in the caller's name, and nothing else, whatever becomes of the
// caller's session and policies.
type Mandate []Permission

// A Permission is an action on one resource, for as long as it belongs to the
// account Owner: "s3:PutObject" on "arn:aws:s3:::bucket/key". Nothing in
// Resource is a wildcard, for users choose the names of buckets and objects; and
// a bucket that is deleted may come back as somebody else's.
type Permission struct{ Action, Resource, Owner string }

// Under returns the caller as a job acts for it under a mandate: nothing is left
// of the request that began the job.
func (c Caller) Under(m Mandate) Caller {
	return Caller{Principal: c.Principal, Region: c.Region, Mandate: &m}
}

// Through returns the caller as a service of ours asks in its name.
func (c Caller) Through(service string) Caller {
	c.Via = ServiceHost(service, c.Region)
	return c
}

// Namespace returns where the caller's own resources live.
func (c Caller) Namespace() Namespace {
	return Namespace{Partition: c.Principal.Partition, Region: c.Region, Account: c.Principal.Account}
}

// Owns reports whether a resource in n belongs to the caller's account.
func (c Caller) Owns(n Namespace) bool {
	return c.Principal.Account == n.Account && c.Principal.Partition == n.Partition
}
