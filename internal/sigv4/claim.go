package sigv4

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimeo/internal/fault"
)

// maxPresigned is the longest life that a presigned request may claim.
const maxPresigned = 7 * 24 * time.Hour

// A Scope is what a credential was narrowed to when it signed.
type Scope struct {
	Date    string // YYYYMMDD
	Region  string
	Service string // the signing name: "s3", "rekognition", …
}

func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// A claim is what a request says about its own signature.
type claim struct {
	accessKeyID string
	scope       Scope
	signed      []string // names of the signed headers, as listed
	signature   string
	when        time.Time
	token       string // session token, may be empty
	presigned   bool
	expires     time.Duration // presigned only; 0: not said
	query       []pair
}

// ScopeOf returns the scope that a request claims, for routing; nothing is
// verified. ok is false when the request claims none.
func ScopeOf(r *http.Request) (scope Scope, ok bool) {
	c, err := parseClaim(r)
	return c.scope, err == nil || c.scope.Service != ""
}

// parseClaim reads the Authorization header or the query. On an error the
// claim holds what could be read.
func parseClaim(r *http.Request) (claim, error) {
	_, raw := Target(r)
	query, err := parseQuery(raw)
	if err != nil {
		return claim{}, fault.New(Incomplete, "The query string of the request is malformed.").Because(err)
	}
	headers := r.Header.Values("Authorization")
	inQuery := has(query, "X-Amz-Signature") || has(query, "X-Amz-Credential") || has(query, "X-Amz-Algorithm")
	switch {
	case len(headers) > 1 || len(headers) == 1 && inQuery:
		return claim{}, fault.New(Incomplete, "Only one authorization may be given: one Authorization header, or X-Amz-Signature in the query.")
	case len(headers) == 1:
		return parseHeader(r, headers[0], query)
	case inQuery:
		return parsePresigned(query)
	case has(query, "AWSAccessKeyId") && has(query, "Signature"):
		return claim{}, oldVersion()
	default:
		return claim{}, fault.New(MissingToken, "Request is missing Authentication Token")
	}
}

func parseHeader(r *http.Request, authorization string, query []pair) (claim, error) {
	c := claim{query: query}
	name, rest, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	if name == "AWS" {
		return c, oldVersion()
	}
	if name != algorithm {
		return c, fault.New(Incomplete, "Unsupported Authorization algorithm: %.40q. Use %s.", name, algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[key]; !ok || twice {
			return c, fault.New(Incomplete, "Authorization header is malformed near %.40q.", part)
		}
		fields[key] = value
	}
	for _, key := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[key] == "" {
			return c, fault.New(Incomplete, "Authorization header requires '%s' parameter. Authorization=%s", key, name)
		}
	}
	when, err := signingTime(r)
	if err != nil {
		return c, err
	}
	if c.token, err = single(r, "X-Amz-Security-Token"); err != nil {
		return c, err
	}
	return c, c.fill(Incomplete, fields["Credential"], fields["SignedHeaders"], fields["Signature"], when)
}

// signingTime is X-Amz-Date or, as old clients have it, Date.
func signingTime(r *http.Request) (string, error) {
	date, err := single(r, "X-Amz-Date")
	if err != nil || date != "" {
		return date, err
	}
	if date, err = single(r, "Date"); err != nil {
		return "", err
	}
	if date == "" {
		return "", fault.New(Incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if t, err := http.ParseTime(date); err == nil {
		return t.UTC().Format(timeFormat), nil
	}
	return date, nil
}

// single returns the one value of a header, or nothing. A second value would
// leave open which of them was meant.
func single(r *http.Request, name string) (string, error) {
	values := r.Header.Values(name)
	if len(values) > 1 {
		return "", fault.New(Incomplete, "The header '%s' must not be given more than once.", name)
	}
	return strings.TrimSpace(strings.Join(values, "")), nil
}

func parsePresigned(query []pair) (claim, error) {
	c := claim{presigned: true, query: query}
	fields := map[string]string{}
	for _, p := range query {
		if !strings.HasPrefix(p.key, "X-Amz-") {
			continue
		}
		if _, twice := fields[p.key]; twice {
			return c, fault.New(IncompleteQuery, "The query parameter '%.60s' must not be given more than once.", p.key)
		}
		fields[p.key] = p.value
	}
	if a := fields["X-Amz-Algorithm"]; a != algorithm {
		return c, fault.New(IncompleteQuery, "X-Amz-Algorithm only supports \"%s\"", algorithm)
	}
	for _, key := range []string{"X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date"} {
		if fields[key] == "" {
			return c, fault.New(IncompleteQuery, "Query-string authentication requires the X-Amz-Algorithm, X-Amz-Credential, "+
				"X-Amz-Signature, X-Amz-Date and X-Amz-SignedHeaders parameters; %s is missing.", key)
		}
	}
	if s, given := fields["X-Amz-Expires"]; given {
		n, err := strconv.Atoi(s)
		if err != nil {
			return c, fault.New(IncompleteQuery, "X-Amz-Expires should be a number")
		}
		if n < 1 || n > int(maxPresigned/time.Second) {
			return c, fault.New(IncompleteQuery, "X-Amz-Expires must be between 1 and 604800 seconds (a week)")
		}
		c.expires = time.Duration(n) * time.Second
	}
	c.token = fields["X-Amz-Security-Token"]
	return c, c.fill(IncompleteQuery, fields["X-Amz-Credential"], fields["X-Amz-SignedHeaders"], fields["X-Amz-Signature"], fields["X-Amz-Date"])
}

var hexSignature = regexp.MustCompile(`^[0-9a-f]{64}$`)

// fill takes the parts that both forms of signature share.
func (c *claim) fill(code fault.Code, credential, signedHeaders, signature, when string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts[:4], "") {
		return fault.New(code, "Credential must have the form ACCESS-KEY-ID/YYYYMMDD/REGION/SERVICE/aws4_request.")
	}
	c.accessKeyID, c.scope = parts[0], Scope{Date: parts[1], Region: parts[2], Service: parts[3]}
	if parts[4] != terminator {
		return fault.New(WrongScope, "Credential should be scoped with a valid terminator: '%s'.", terminator)
	}
	c.signed = strings.Split(signedHeaders, ";")
	for _, name := range c.signed {
		if name == "" || name != strings.ToLower(name) || strings.ContainsAny(name, " \t,:") {
			return fault.New(code, "SignedHeaders must be lower-case header names joined by ';'.")
		}
	}
	if !hexSignature.MatchString(signature) {
		return fault.New(code, "Signature must be 64 lower-case hexadecimal digits.")
	}
	c.signature = signature
	t, err := time.Parse(timeFormat, when)
	if err != nil {
		return fault.New(code, "Date must be in ISO-8601 'basic format'. Got '%.40s'. See http://en.wikipedia.org/wiki/ISO_8601", when)
	}
	c.when = t
	return nil
}

// signs reports whether the signature covers a header.
func (c *claim) signs(lowerName string) bool { return slices.Contains(c.signed, lowerName) }
