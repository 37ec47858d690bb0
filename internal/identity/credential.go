package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
)

// Credential returns the secret of an access key and who signs with it; ok is
// false for a key that does not exist or is not active, and for a session
// token that is not the key's. A root has no partition: the caller sets it,
// from the region. An unknown key costs as much as a known one.
func (s *Service) Credential(ctx context.Context, accessKeyID, sessionToken string) (secret string, who arn.Caller, ok bool, err error) {
	key, token, err := s.lookUp(ctx, accessKeyID)
	if known := err == nil; errors.Is(err, NoSuchEntity) {
		key, err = s.decoy, nil
	} else if known {
		ok = key.Active && key.Owner != arn.Principal{}
	}
	if err != nil {
		return "", arn.Caller{}, false, fmt.Errorf("look up access key: %w", err)
	}
	raw, err := envelope.UnwrapBytes(s.master, key.Sealed, sealContext(key.ID, key.Account))
	if err != nil {
		return "", arn.Caller{}, false, fmt.Errorf("unseal access key %s: %w", key.ID, err)
	}
	if !ok || !token.matches(sessionToken) {
		return "", arn.Caller{}, false, nil
	}
	who = arn.Caller{Principal: key.Owner}
	if token.issued() {
		who.Session = key.ID
		if !s.now().Before(token.expires) {
			return "", arn.Caller{}, false, fault.New(ExpiredToken, "The security token included in the request is expired")
		}
	}
	return string(raw), who, true, nil
}

// lookUp finds a long-lived key, or that of a session.
func (s *Service) lookUp(ctx context.Context, id string) (SealedKey, token, error) {
	if !strings.HasPrefix(id, sessionPrefix) {
		key, err := s.store.AccessKey(ctx, id)
		return key, token{}, err
	}
	session, err := s.store.Session(ctx, id)
	if err != nil {
		return SealedKey{}, token{}, err
	}
	key := SealedKey{ID: id, Account: session.Account, Active: true, Sealed: session.Sealed, Owner: session.Principal()}
	return key, token{session.Token, session.Expires}, nil
}

// A token is what the requests of a session carry: its digest is stored. That
// of a long-lived key is empty.
type token struct {
	digest  []byte
	expires time.Time
}

func (t token) issued() bool { return t.digest != nil }

func (t token) matches(sent string) bool {
	if !t.issued() {
		return sent == ""
	}
	digest := sha256.Sum256([]byte(sent))
	return subtle.ConstantTimeCompare(digest[:], t.digest) == 1
}

// noteEvery is how exact the last use of a key is: noting it is a write.
const noteEvery = 15 * time.Minute

// uses remembers when the use of a key was last written down.
type uses struct {
	mu    sync.Mutex
	noted map[string]time.Time
}

// due reports whether the use of a key is to be written down now.
func (u *uses) due(id string, now time.Time) bool {
	const most = 10_000
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.noted[id]; ok && now.Sub(last) < noteEvery {
		return false
	}
	if u.noted == nil || len(u.noted) >= most {
		u.noted = map[string]time.Time{}
	}
	u.noted[id] = now
	return true
}

// Used notes that a long-lived key has signed a request, at most once in a
// quarter of an hour.
func (s *Service) Used(ctx context.Context, accessKeyID, service, region string) {
	now := s.now()
	if strings.HasPrefix(accessKeyID, sessionPrefix) || !s.uses.due(accessKeyID, now) {
		return
	}
	// A note that cannot be written is no reason to refuse the request; the
	// next one is due soon.
	_ = s.store.TouchKey(ctx, accessKeyID, Use{At: now, Service: service, Region: region})
}
