package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
)

// A signingKey signs for one secret, date, region and service.
type signingKey []byte

// String keeps the key out of logs.
func (signingKey) String() string { return "redacted" }

// GoString keeps the key out of logs.
func (signingKey) GoString() string { return "redacted" }

// newSigningKey derives the key of a scope: AWS General Reference, "Create a
// signed AWS API request", step 3.
func newSigningKey(secret string, s Scope) signingKey {
	k := []byte("AWS4" + secret)
	for _, part := range []string{s.Date, s.Region, s.Service, terminator} {
		k = signingKey(k).mac(part)
	}
	return k
}

func (k signingKey) mac(text string) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// matches reports in constant time whether signature is the lower-case
// hexadecimal signature of text.
func (k signingKey) matches(text, signature string) bool {
	return hmac.Equal([]byte(hex.EncodeToString(k.mac(text))), []byte(signature))
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
