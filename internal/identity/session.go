package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
)

const sessionPrefix = "ASIA"

// A Session is a temporary right to act: as a role, or as the user or root
// that asked for it. It ends with its time, and with its entity.
type Session struct {
	ID      string // "ASIA" and 16 characters: the id of its access key
	Account string
	// Entity is the role, or the user; its id is empty for a root.
	Entity  Entity
	Sealed  []byte // the secret
	Expires time.Time
	SessionContent
}

// A SessionContent is what STS keeps of a session.
type SessionContent struct {
	Name       string `json:",omitempty"` // of a role's session
	Token      []byte // the digest of its token
	Issued     time.Time
	Policy     string   `json:",omitempty"` // a document
	PolicyARNs []string `json:",omitempty"`
	Tags       Tags     `json:",omitempty"`
	Transitive []string `json:",omitempty"` // keys of the tags that sessions assumed from this one have too
	SourceID   string   `json:",omitempty"` // the source identity
}

// Sessions remembers sessions.
type Sessions interface {
	// InsertSession inserts a session, and forgets those that ended before
	// the given time. It returns NoSuchEntity if the account or the entity
	// is gone.
	InsertSession(ctx context.Context, s Session, forget time.Time) error
	// Session returns a session with its entity as it is now, or
	// NoSuchEntity.
	Session(ctx context.Context, id string) (Session, error)
}

// Principal is who acts in the session.
func (s Session) Principal() arn.Principal {
	switch {
	case s.Entity.ID == "":
		return arn.Root("", s.Account)
	case s.Entity.Kind == Role:
		return arn.Principal{Partition: s.Entity.Partition, Account: s.Account, Name: "assumed-role/" + s.Entity.Name + "/" + s.Name}
	default:
		return s.Entity.Principal()
	}
}

// isToken reports whether s is a session of GetSessionToken: of a user's or a
// root's own.
func (s Session) isToken() bool { return s.ID != "" && s.Entity.Kind != Role }

// tokenBounds is what a session of GetSessionToken may not do, whoever began
// it. AWS lets one that was begun with MFA, which there is not here, use IAM.
// GetCallerIdentity needs no permission:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
const tokenBounds = `{"Version": "2012-10-17", "Statement": [
	{"Sid": "NoIAMWithoutMFA", "Effect": "Deny", "Action": "iam:*", "Resource": "*"},
	{"Sid": "OfSTSOnlyAssumeRole", "Effect": "Deny", "Action": ["sts:AssumeRoot", "sts:Decode*", "sts:Get*"], "Resource": "*"}]}`

// Credentials are what a session signs with.
type Credentials struct {
	AccessKey
	Token   SecretKey
	Expires time.Time
}

// remember is how long after its end a session is told that it has expired.
const remember = 7 * 24 * time.Hour

// begin makes a session.
func (s *Service) begin(ctx context.Context, entity Entity, account string, length time.Duration, c SessionContent) (Credentials, error) {
	var random [120]byte
	_, _ = rand.Read(random[:]) // documented never to fail
	now := s.now()
	made := Credentials{
		AccessKey: AccessKey{ID: NewID(sessionPrefix), Secret: newSecret()},
		Token:     SecretKey{base64.StdEncoding.EncodeToString(random[:])},
		Expires:   now.Add(length).Truncate(time.Second),
	}
	digest := sha256.Sum256([]byte(made.Token.secret))
	c.Token, c.Issued = digest[:], now
	sealed, err := envelope.WrapBytes(s.master, []byte(made.Secret.secret), sealContext(made.ID, account))
	if err != nil {
		return Credentials{}, fmt.Errorf("seal the secret of a session: %w", err)
	}
	session := Session{ID: made.ID, Account: account, Entity: entity, Sealed: sealed, Expires: made.Expires, SessionContent: c}
	if err := s.store.InsertSession(ctx, session, now.Add(-remember)); err != nil {
		return Credentials{}, fmt.Errorf("insert session: %w", err)
	}
	return made, nil
}
