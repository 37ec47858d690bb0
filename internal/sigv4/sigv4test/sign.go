package sigv4test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const stamp = "20060102T150405Z"

// A Key signs requests.
type Key struct{ ID, Secret, Token string }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// scopeOf returns region and service of the request's own Authorization.
func (q *Request) scopeOf() (region, service string) {
	parts := strings.Split(between(q.Get("Authorization"), "Credential=", ","), "/")
	if len(parts) != 5 {
		panic(q.Name + ": a request is signed again as it was signed before; it has no Authorization")
	}
	return parts[2], parts[3]
}

func between(s, after, before string) string {
	_, rest, _ := strings.Cut(s, after)
	out, _, _ := strings.Cut(rest, before)
	return strings.TrimSpace(out)
}

// signature derives the key of a scope and signs text.
func (k Key) signature(at time.Time, region, service, text string) string {
	key := []byte("AWS4" + k.Secret)
	for _, part := range []string{at.UTC().Format("20060102"), region, service, "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func scope(at time.Time, region, service string) string {
	return at.UTC().Format("20060102") + "/" + region + "/" + service + "/aws4_request"
}

// Sign signs the request again, now by k at a time: with the region, service
// and signed headers of its Authorization header. A hexadecimal
// x-amz-content-sha256 is made to fit the body. The path must already be in
// the canonical form that clients send.
func (q *Request) Sign(k Key, at time.Time) {
	region, service := q.scopeOf()
	q.Set("X-Amz-Date", at.UTC().Format(stamp))
	signed := between(q.Get("Authorization"), "SignedHeaders=", ",")
	if k.Token != "" && q.Get("X-Amz-Security-Token") == "" {
		q.Set("X-Amz-Security-Token", k.Token)
		if !strings.Contains(signed, "x-amz-security-token") {
			signed = strings.Replace(signed, "x-amz-date", "x-amz-date;x-amz-security-token", 1)
		}
	}
	payload := q.Get("X-Amz-Content-Sha256")
	if payload == "" {
		payload = sum(q.Body)
	} else if len(payload) == 2*sha256.Size {
		payload = sum(q.Body)
		q.Set("X-Amz-Content-Sha256", payload)
	}
	text := "AWS4-HMAC-SHA256\n" + at.UTC().Format(stamp) + "\n" + scope(at, region, service) + "\n" + sum([]byte(q.canonical(signed, payload)))
	q.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		k.ID, scope(at, region, service), signed, k.signature(at, region, service, text)))
}

// Presign turns the request into a presigned one that signs its Host only,
// with the scope of its Authorization header, which it loses.
func (q *Request) Presign(k Key, at time.Time, expires time.Duration) {
	region, service := q.scopeOf()
	q.Del("Authorization")
	q.Del("X-Amz-Date")
	q.Del("X-Amz-Content-Sha256")
	v := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {k.ID + "/" + scope(at, region, service)},
		"X-Amz-Date": {at.UTC().Format(stamp)}, "X-Amz-Expires": {strconv.Itoa(int(expires / time.Second))}, "X-Amz-SignedHeaders": {"host"},
	}
	if k.Token != "" {
		v.Set("X-Amz-Security-Token", k.Token)
	}
	separator := "?"
	if strings.Contains(q.Target, "?") {
		separator = "&"
	}
	q.Target += separator + v.Encode()
	payload := "UNSIGNED-PAYLOAD"
	if service != "s3" {
		payload = sum(q.Body)
	}
	text := "AWS4-HMAC-SHA256\n" + at.UTC().Format(stamp) + "\n" + scope(at, region, service) + "\n" + sum([]byte(q.canonical("host", payload)))
	q.Target += "&X-Amz-Signature=" + k.signature(at, region, service, text)
}

var blanks = regexp.MustCompile(` +`)

func (q *Request) canonical(signed, payload string) string {
	path, query, _ := strings.Cut(q.Target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		panic(q.Name + ": " + err.Error())
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		var list []string
		for _, h := range q.Headers {
			if strings.EqualFold(h.Name, name) {
				list = append(list, blanks.ReplaceAllString(strings.TrimSpace(h.Value), " "))
			}
		}
		headers.WriteString(name + ":" + strings.Join(list, ",") + "\n")
	}
	return strings.Join([]string{
		q.Method, path, strings.ReplaceAll(values.Encode(), "+", "%20"), headers.String(), signed, payload,
	}, "\n")
}

// Stream gives the request an aws-chunked body with signed chunks of a size,
// and signed trailers if there are any. The request must be signed already,
// and its x-amz-content-sha256 must name the form.
func (q *Request) Stream(k Key, content []byte, size int, trailers ...Header) {
	region, service := q.scopeOf()
	at, err := time.Parse(stamp, q.Get("X-Amz-Date"))
	if err != nil {
		panic(q.Name + ": " + err.Error())
	}
	previous := between(q.Get("Authorization"), "Signature=", ",")
	sign := func(kind string, rest ...string) string {
		previous = k.signature(at, region, service, strings.Join(append([]string{
			"AWS4-HMAC-SHA256-" + kind, q.Get("X-Amz-Date"), scope(at, region, service), previous,
		}, rest...), "\n"))
		return previous
	}
	var b bytes.Buffer
	for {
		n := min(size, len(content))
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n", n, sign("PAYLOAD", sum(nil), sum(content[:n])))
		if n == 0 {
			break
		}
		fmt.Fprintf(&b, "%s\r\n", content[:n])
		content = content[n:]
	}
	var lines strings.Builder
	for _, t := range trailers {
		fmt.Fprintf(&b, "%s:%s\r\n", t.Name, t.Value)
		lines.WriteString(strings.ToLower(t.Name) + ":" + t.Value + "\n")
	}
	if len(trailers) > 0 {
		fmt.Fprintf(&b, "x-amz-trailer-signature:%s\r\n", sign("TRAILER", sum([]byte(lines.String()))))
	}
	b.WriteString("\r\n")
	q.Body = b.Bytes()
	q.Set("Content-Length", strconv.Itoa(len(q.Body)))
}
