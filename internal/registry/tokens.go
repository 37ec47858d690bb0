package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// A TokenKey authenticates pagination tokens. Servers that share a database
// share the key.
type TokenKey [32]byte

// String keeps the key out of logs.
func (TokenKey) String() string { return "redacted" }

// GoString keeps the key out of logs.
func (TokenKey) GoString() string { return "redacted" }

// LogValue keeps the key out of logs.
func (TokenKey) LogValue() slog.Value { return slog.StringValue("redacted") }

// tokenLife is how long a pagination token may be used.
const tokenLife = 24 * time.Hour

// The largest pages of the API, which are the default ones too.
const (
	maxPage       = 100
	maxPolicyPage = 5
)

func pageSize(asked, largest int) int {
	if asked <= 0 || asked > largest {
		return largest
	}
	return asked
}

// listing names one listing: the operation, who asks where, the resource and
// the filters. A token of one listing is refused by every other.
func listing(operation string, caller arn.Caller, resource fmt.Stringer, filters ...any) []byte {
	// The caller's account and not the principal: users of one account may
	// continue each other's listings, which they may all see.
	name, err := json.Marshal([]any{operation, caller.Namespace(), resource.String(), filters})
	if err != nil {
		panic("registry: filters are plain values: " + err.Error())
	}
	return name
}

// A token is base64url(HMAC-SHA256 || JSON): where the next page begins, and
// until when that may be asked, bound to a listing.
type tokenBody struct {
	Until int64 `json:"u"` // epoch seconds
	After []any `json:"a"`
}

// next returns the token of the page of a listing that begins after the item
// with the given sort key.
func (s *Service) next(list []byte, after ...any) string {
	body, err := json.Marshal(tokenBody{Until: s.now().Add(tokenLife).Unix(), After: after})
	if err != nil {
		panic("registry: sort keys are plain values: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(append(s.mac(list, body), body...))
}

// resume reads a token into the sort key that next was given; without a token
// it leaves the key alone.
func (s *Service) resume(list []byte, token string, after ...any) error {
	if token == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < sha256.Size {
		return invalidToken()
	}
	mac, body := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(mac, s.mac(list, body)) {
		return invalidToken()
	}
	parsed := tokenBody{After: after}
	if err := json.Unmarshal(body, &parsed); err != nil || s.now().Unix() > parsed.Until {
		return invalidToken()
	}
	return nil
}

func (s *Service) mac(list, body []byte) []byte {
	h := hmac.New(sha256.New, s.tokens[:])
	fmt.Fprintf(h, "%d:", len(list)) // no other split of the bytes has this prefix
	h.Write(list)
	h.Write(body)
	return h.Sum(nil)
}

func invalidToken() *fault.Error {
	return fault.New(customlabels.InvalidPaginationToken, "Invalid Pagination Token")
}
