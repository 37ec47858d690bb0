// Package identity knows who acts: accounts, users, roles and the sessions of
// both. It tells who signed a request, and what their policies allow them.
// Package iam administers the users and roles that it reads.
//
// An account is twelve digits and owns everything; its root may do everything
// in it. The secrets of access keys and of sessions are sealed under the
// server's master key and are shown once, when they are made.
package identity

import (
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// The codes of this package, in the words of IAM and STS.
const (
	AccessDenied    fault.Code = "AccessDenied"
	AlreadyExists   fault.Code = "EntityAlreadyExists"
	NoSuchEntity    fault.Code = "NoSuchEntity"
	Validation      fault.Code = "ValidationError"
	MalformedPolicy fault.Code = "MalformedPolicyDocument"
	// ExpiredToken is the token of a session that has ended.
	ExpiredToken fault.Code = "ExpiredToken"
	// PackedTooLarge is a session whose policies and tags are too long.
	PackedTooLarge fault.Code = "PackedPolicyTooLarge"
	// InvalidMessage is an encoded message that is not ours, or not the
	// caller's account's.
	InvalidMessage fault.Code = "InvalidAuthorizationMessageException"
)

// Store remembers who there is.
type Store interface {
	Accounts
	Entities
	Sessions
}

// A Service answers who a caller is, and what it is allowed.
type Service struct {
	store     Store
	master    envelope.Key
	messages  envelope.Key // seals authorization messages
	now       func() time.Time
	decoy     SealedKey
	documents *policy.Cache
	token     policy.Policy // bounds sessions of GetSessionToken
	uses      uses
}

// New returns a service whose secrets are sealed under master.
func New(store Store, master envelope.Key, now func() time.Time) (*Service, error) {
	s := &Service{store: store, master: master, now: now, documents: policy.NewCache(policy.ParseIdentity)}
	_, decoy, err := s.NewKey(arn.ServiceAccount, "")
	if err != nil {
		return nil, fmt.Errorf("seal under the master key: %w", err)
	}
	s.decoy = decoy
	bounds, err := policy.ParseIdentity(tokenBounds)
	if err != nil {
		return nil, fmt.Errorf("parse the bounds of session tokens: %w", err)
	}
	s.token = policy.Policy{Name: "the rule for credentials of GetSessionToken", Document: bounds}
	s.messages, err = messageKey(master)
	return s, err
}
