// Package sigv4 verifies AWS Signature Version 4 on the server's side:
// header-signed, presigned and aws-chunked requests of any service. Only the
// request as it came off the wire is trusted, never its parsed form.
//
// Source of the algorithm: AWS General Reference, "Signature Version 4 for
// API requests", and Amazon S3 API Reference, "Authenticating Requests".
package sigv4

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

const serviceS3 = "s3"

// Credentials knows who owns an access key.
type Credentials interface {
	// Credential returns the secret of an access key and who signs with it:
	// the principal, and the session where there is one. The session token is
	// empty for long-lived keys. ok is false when the key is unknown, or the
	// token is not the one that belongs to it. An error of the code
	// ExpiredToken is shown to the caller; every other error is internal. A
	// principal without a partition is of the region's; another one is
	// refused outside its partition.
	Credential(ctx context.Context, accessKeyID, sessionToken string) (secret string, who arn.Caller, ok bool, err error)
	// Used is told that a request was signed with the key.
	Used(ctx context.Context, accessKeyID, service, region string)
}

// A Verifier verifies the requests of one service. It is safe for
// concurrent use.
type Verifier struct {
	service     string
	credentials Credentials
	now         func() time.Time
	window      time.Duration
	maxBody     int64
}

// New returns the verifier of a service, named as in credential scopes
// ("s3", "rekognition", "kms", "sts"). S3 gets S3's rules: 15 minutes of
// clock skew instead of 5, bodies of up to 5 GiB streamed instead of up to
// 8 MiB held in memory, unsigned and aws-chunked payloads.
func New(service string, credentials Credentials, now func() time.Time) *Verifier {
	v := &Verifier{service: service, credentials: credentials, now: now, window: 5 * time.Minute, maxBody: 8 << 20}
	if service == serviceS3 {
		v.window, v.maxBody = 15*time.Minute, 5<<30
	}
	return v
}

// An Identity is who signed a request, and how.
type Identity struct {
	Caller arn.Caller
	// Trailer holds the trailers of an aws-chunked body, such as
	// X-Amz-Checksum-Crc32, once the body has been read to its end.
	Trailer http.Header
}

// Authenticate verifies the signature of r and says who made it. Every
// refusal is a *fault.Error with a code of this package; another error is
// internal.
//
// It replaces r.Body and sets r.ContentLength: they are the content as the
// client meant it, without aws-chunked framing, bounded, and verified: who
// reads it to io.EOF has read what was signed. A read may therefore fail with
// a refusal too. For services other than S3 the body has been read and
// verified already.
func (v *Verifier) Authenticate(r *http.Request) (Identity, error) {
	c, err := parseClaim(r)
	if err != nil {
		return Identity{}, err
	}
	if err := v.checkScope(&c); err != nil {
		return Identity{}, err
	}
	if err := v.checkTime(&c); err != nil {
		return Identity{}, err
	}
	if err := checkSigned(r, &c); err != nil {
		return Identity{}, err
	}
	secret, who, ok, err := v.credentials.Credential(r.Context(), c.accessKeyID, c.token)
	if err != nil {
		return Identity{}, fmt.Errorf("look up access key %.40q: %w", c.accessKeyID, err)
	}
	partition := arn.PartitionOf(c.scope.Region)
	if !ok || who.Principal.Partition != "" && who.Principal.Partition != partition {
		return Identity{}, fault.New(UnknownKey, "The security token included in the request is invalid.")
	}
	p, err := v.readPayload(r, &c)
	if err != nil {
		return Identity{}, err
	}
	key := newSigningKey(secret, c.scope)
	if !slices.ContainsFunc(canonicalRequests(r, &c, p.claimed), func(canonical string) bool {
		return key.matches(stringToSign(&c, canonical), c.signature)
	}) {
		return Identity{}, mismatch()
	}
	v.credentials.Used(r.Context(), c.accessKeyID, v.service, c.scope.Region)
	who.Principal.Partition, who.Region = partition, c.scope.Region
	describe(&who, r, &c)
	id := Identity{Caller: who, Trailer: http.Header{}}
	return id, v.replaceBody(r, &c, p, key, id.Trailer)
}

// describe notes of a verified request what policies can ask for.
func describe(who *arn.Caller, r *http.Request, c *claim) {
	who.SourceIP, _, _ = net.SplitHostPort(r.RemoteAddr) // what proxies say is not asked: anyone can say it
	who.UserAgent, who.Referer = r.UserAgent(), r.Referer()
	who.ContentSHA256 = strings.TrimSpace(r.Header.Get("X-Amz-Content-Sha256"))
	if r.TLS != nil {
		who.TLS = strings.TrimPrefix(tls.VersionName(r.TLS.Version), "TLS ")
	}
	if c.presigned {
		who.Presigned = c.when
	}
}

func stringToSign(c *claim, canonical string) string {
	return strings.Join([]string{algorithm, c.when.Format(timeFormat), c.scope.String(), hexSHA256([]byte(canonical))}, "\n")
}

var regionForm = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$`)

func (v *Verifier) checkScope(c *claim) error {
	switch date := c.when.Format(dateFormat); {
	case c.scope.Service != v.service:
		return fault.New(WrongScope, "Credential should be scoped to correct service: '%s'.", v.service)
	case !regionForm.MatchString(c.scope.Region):
		return fault.New(WrongScope, "Credential should be scoped to a valid region.")
	case c.scope.Date != date:
		return fault.New(WrongScope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%.20s' != '%s', from '%s'.",
			c.scope.Date, date, c.when.Format(timeFormat))
	default:
		return nil
	}
}

func (v *Verifier) checkTime(c *claim) error {
	now := v.now().UTC().Truncate(time.Second)
	if !c.presigned || c.expires == 0 {
		if c.presigned && v.service == serviceS3 {
			return fault.New(IncompleteQuery, "Query-string authentication requires the X-Amz-Expires parameter.")
		}
		if c.when.Before(now.Add(-v.window)) || c.when.After(now.Add(v.window)) {
			return skewed(c.when, now, v.window)
		}
		return nil
	}
	if c.when.After(now.Add(v.window)) {
		return fault.New(Expired, "Request is not yet valid: it was signed for %s and it is %s.", c.when.Format(timeFormat), now.Format(timeFormat))
	}
	if end := c.when.Add(c.expires); now.After(end) {
		return fault.New(Expired, "Request has expired: it was valid until %s and it is %s.", end.Format(timeFormat), now.Format(timeFormat))
	}
	return nil
}

// checkSigned refuses headers that steer a request and are not signed. The
// content hash is exempt because the signature has it in a place of its own;
// x-amz-user-agent steers nothing, and the SDK for .NET leaves it unsigned.
func checkSigned(r *http.Request, c *claim) error {
	if !c.signs("host") {
		return fault.New(Unsigned, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && lower != "x-amz-content-sha256" && lower != "x-amz-user-agent" && !c.signs(lower) {
			return unsigned(lower)
		}
	}
	return nil
}
