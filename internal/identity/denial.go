package identity

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// The bounds of an encoded message. A request of its own has bounds too; these
// keep an answer from being many times its length.
const (
	maxMessage    = 16 << 10 // as AWS takes it, encoded
	maxConditions = 40
	maxValue      = 128
)

// messageKey derives the key of authorization messages: they outlive a
// restart.
func messageKey(master envelope.Key) (envelope.Key, error) {
	derived, err := hkdf.Key(sha256.New, master.Reveal(), nil, "mimeo authorization messages", envelope.KeySize)
	if err != nil {
		return envelope.Key{}, fmt.Errorf("derive the key of authorization messages: %w", err)
	}
	return envelope.KeyFrom(derived)
}

// Hint ends the message of a refusal: it holds, for who may open it with
// DecodeAuthorizationMessage, what was decided. It is empty for a cause that
// the caller must learn nothing of.
func (s *Service) Hint(cause error) string {
	var denied *policy.DeniedError
	if !errors.As(cause, &denied) || denied.Foreign || denied.Principal.Account == "" {
		return ""
	}
	text, err := json.Marshal(newMessage(denied))
	if err != nil {
		panic("cannot happen: a message of texts is not encoded: " + err.Error())
	}
	sealed, err := envelope.WrapBytes(s.messages, text, messageContext(denied.Principal.Account))
	if encoded := base64.RawURLEncoding.EncodeToString(sealed); err == nil && len(encoded) <= maxMessage {
		return " Encoded authorization failure message: " + encoded
	}
	return "" // longer than could be sent back
}

// DecodeAuthorizationMessage opens what a refusal in the caller's account
// carried.
func (s *Service) DecodeAuthorizationMessage(ctx context.Context, caller arn.Caller, encoded string) (string, error) {
	if err := s.authorize(ctx, caller, "sts:DecodeAuthorizationMessage"); err != nil {
		return "", err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	var text []byte
	if err == nil && len(encoded) <= maxMessage {
		text, err = envelope.UnwrapBytes(s.messages, sealed, messageContext(caller.Principal.Account))
	}
	if err != nil || len(text) == 0 {
		return "", fault.New(InvalidMessage, "The message is not an encoded authorization message of this account.").Because(err)
	}
	return string(text), nil
}

// messageContext binds a message to the account that may read it.
func messageContext(account string) map[string]string {
	return map[string]string{"purpose": "authorization message", "account": account}
}

// authorize asks whether a caller may use an operation of STS that is for no
// resource.
func (s *Service) authorize(ctx context.Context, caller arn.Caller, action string) error {
	who, err := s.Subject(ctx, caller)
	if err != nil {
		return err
	}
	req := policy.Request{Action: action, Resource: "*"}
	d := policy.Authorize(who, req, caller.Principal.Account, nil)
	if d.Allowed() {
		return nil
	}
	return Denied(&policy.DeniedError{Principal: caller.Principal, Request: req, Decision: d})
}

// Denied is the refusal of IAM and STS. It says why only within the account.
func Denied(d *policy.DeniedError) error {
	reason := " because " + d.Decision.Reason()
	if d.Foreign {
		reason = ""
	}
	return fault.New(AccessDenied, "User: %s is not authorized to perform: %s on resource: %s%s",
		d.Principal, d.Request.Action, d.Request.Resource, reason).Because(d)
}

// A message is a decision in the words of DecodeAuthorizationMessage.
type message struct {
	Allowed           bool            `json:"allowed"`
	ExplicitDeny      bool            `json:"explicitDeny"`
	MatchedStatements list[statement] `json:"matchedStatements"`
	Failures          list[failure]   `json:"failures"`
	Context           requested       `json:"context"`
}

type list[T any] struct {
	Items []T `json:"items"`
}

type statement struct {
	ID     string `json:"statementId"`
	Effect string `json:"effect"`
	Policy string `json:"policy"` // our own: where the statement is
}

// A failure is what would have had to allow it; AWS leaves the list empty.
type failure struct {
	Reason string `json:"reason"`
}

type requested struct {
	Principal  named           `json:"principal"`
	Action     string          `json:"action"`
	Resource   string          `json:"resource"`
	Conditions list[condition] `json:"conditions"`
}

type named struct {
	ARN string `json:"arn"`
}

type condition struct {
	Key    string      `json:"key"`
	Values list[value] `json:"values"`
}

type value struct {
	Value string `json:"value"`
}

func newMessage(d *policy.DeniedError) message {
	m := message{
		ExplicitDeny:      d.Decision.Verdict == policy.Deny,
		MatchedStatements: list[statement]{[]statement{}},
		Failures:          list[failure]{[]failure{}},
		Context: requested{
			Principal: named{d.Principal.String()}, Action: d.Request.Action, Resource: d.Request.Resource,
			Conditions: list[condition]{[]condition{}},
		},
	}
	if m.ExplicitDeny {
		m.MatchedStatements.Items = append(m.MatchedStatements.Items, statement{d.Decision.Statement, "DENY", d.Decision.Policy})
	} else {
		m.Failures.Items = append(m.Failures.Items, failure{d.Decision.Reason()})
	}
	for _, key := range slices.Sorted(maps.Keys(d.Request.Keys)) {
		if len(m.Context.Conditions.Items) == maxConditions {
			break
		}
		c := condition{Key: short(key)}
		for _, v := range d.Request.Keys[key][:min(len(d.Request.Keys[key]), maxConditions)] {
			c.Values.Items = append(c.Values.Items, value{short(v)})
		}
		m.Context.Conditions.Items = append(m.Context.Conditions.Items, c)
	}
	return m
}

func short(s string) string {
	if len(s) > maxValue {
		return s[:maxValue] + "…"
	}
	return s
}
