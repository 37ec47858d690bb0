// Package events tells receivers of an account's choice what becomes of its
// versions: CloudEvents 1.0, sent as signed webhooks.
//
// The store writes an event in the transaction that changes a version's
// status, for each target of the version's account and region; a job then
// delivers it. Delivery is at least once, and in order for each version and
// target: the next event waits until the one before it was delivered or given
// up. docs/events.md is for who receives them.
package events

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/quota"
)

// maxTargets bounds the targets of an account and region.
const maxTargets = 10

// A Target is where events go. Secret is sealed in a store, bound to the
// target's id.
type Target struct {
	ID        string // never seen by callers
	Namespace arn.Namespace
	Name, URL string
	Sealed    []byte
	Types     []Type // those that are wanted; none: all
	Created   time.Time
	Waiting   int // events that are still to be delivered
	Dead      int // events that were given up
}

// Wants reports whether events of a type go to the target.
func (t Target) Wants(kind Type) bool { return len(t.Types) == 0 || slices.Contains(t.Types, kind) }

// targetARN is the resource of the actions on targets.
func targetARN(in arn.Namespace, name string) arn.ARN {
	return arn.ARN{Partition: in.Partition, Service: "mimeo", Region: in.Region, Account: in.Account, Resource: "event-target/" + name}
}

// Targets stores targets. Refusals are bare codes of customlabels.
type Targets interface {
	// Target returns a target, or ResourceNotFound.
	Target(ctx context.Context, in arn.Namespace, name string) (Target, error)
	// PutTarget stores a target, or changes the one of its id. It fails with
	// LimitExceeded where the namespace has most targets already, and with
	// ResourceInUse where the name is another target's.
	PutTarget(ctx context.Context, t Target, most int) error
	// Targets returns the targets of a namespace in the order of their names.
	Targets(ctx context.Context, in arn.Namespace) ([]Target, error)
	// DeleteTarget drops a target and its events, or ResourceNotFound.
	DeleteTarget(ctx context.Context, in arn.Namespace, name string) error
	// DeadEvents returns up to limit events of a target that were given up,
	// in the order in which they happened, that come after a position.
	DeadEvents(ctx context.Context, target string, after int64, limit int) ([]DeadEvent, error)
	// Revive makes the events of a target that were given up wait again,
	// behind those that do, and returns how many.
	Revive(ctx context.Context, target string) (int, error)
}

// A DeadEvent is one that was given up.
type DeadEvent struct {
	Event
	Position int64
	Attempts int
	Problem  string // of the last attempt
	Died     time.Time
}

// A Sender makes the requests.
type Sender interface {
	// Check refuses, with an error for the caller's eyes, a URL to which no
	// events are sent.
	Check(ctx context.Context, url string) error
	// Send delivers an event once. An error of type *Undelivered is the
	// receiver's fault.
	Send(ctx context.Context, m Message) error
}

// Permissions tells whether a caller may do what it asks for.
type Permissions interface {
	Authorize(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error
}

// A Service serves the operations on targets, and works on deliveries.
type Service struct {
	Targets     Targets
	Deliveries  Deliveries
	Sender      Sender
	Permissions Permissions
	Master      envelope.Key // seals the secrets
	Now         func() time.Time
	// Places are those of the deliveries that are under way at once.
	Places *quota.Places
	// Backoff is how long to wait after each failed attempt; after one more
	// the event is given up. DefaultBackoff where nil.
	Backoff []time.Duration

	turns turns
}

// A PutRequest is the input of PutEventTarget.
type PutRequest struct {
	Name, URL  string
	Secret     string // as Standard Webhooks writes it
	EventTypes []Type // none: all
}

var targetName = regexp.MustCompile(`^[a-zA-Z0-9_.\-]{1,128}$`)

// PutEventTarget makes a target, or changes the one of that name; what waits
// for it then goes to the new URL, signed with the new secret.
func (s *Service) PutEventTarget(ctx context.Context, caller arn.Caller, req PutRequest) error {
	in := caller.Namespace()
	if err := s.allow(ctx, caller, "mimeo:PutEventTarget", req.Name); err != nil {
		return err
	}
	secret, err := parseSecret(req.Secret)
	if err != nil {
		return err
	}
	for _, kind := range req.EventTypes {
		if !slices.Contains(Types, kind) {
			return customlabels.Invalid("%.100q is no event type: %s to %s are.", kind, Types[0], Types[len(Types)-1])
		}
	}
	if err := s.Sender.Check(ctx, req.URL); err != nil {
		return customlabels.Invalid("No events can be sent to Url: %v.", err)
	}
	t, err := s.Targets.Target(ctx, in, req.Name)
	if errors.Is(err, customlabels.ResourceNotFound) {
		t, err = Target{ID: newID(), Namespace: in, Name: req.Name, Created: s.Now()}, nil
	}
	if err != nil {
		return fmt.Errorf("look for event target %s: %w", req.Name, err)
	}
	t.URL, t.Types = req.URL, req.EventTypes
	if t.Sealed, err = envelope.WrapBytes(s.Master, secret, sealContext(t.ID)); err != nil {
		return fmt.Errorf("seal the secret of event target %s: %w", req.Name, err)
	}
	switch err := s.Targets.PutTarget(ctx, t, maxTargets); {
	case errors.Is(err, customlabels.LimitExceeded):
		return fault.New(customlabels.LimitExceeded, "An account can have %d event targets in a Region. Delete one first.", maxTargets)
	case errors.Is(err, customlabels.ResourceInUse):
		return customlabels.InUse("The event target %s is being changed by another request.", req.Name)
	case err != nil:
		return fmt.Errorf("put event target %s: %w", req.Name, err)
	}
	return nil
}

// allow authorises an action on a target of the caller's own. The name is
// checked first: it becomes part of an ARN.
func (s *Service) allow(ctx context.Context, caller arn.Caller, action, name string) error {
	in := caller.Namespace()
	if !targetName.MatchString(name) {
		return customlabels.Invalid("Name must be 1 to 128 letters, digits, dots, hyphens and underscores.")
	}
	return s.Permissions.Authorize(ctx, caller, action, targetARN(in, name), in)
}

// parseSecret reads a secret of Standard Webhooks.
func parseSecret(text string) ([]byte, error) {
	const least, most = 24, 64
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil || len(secret) < least || len(secret) > most {
		return nil, customlabels.Invalid(`Secret must be "whsec_" and the base64 of %d to %d random bytes.`, least, most)
	}
	return secret, nil
}

// sealContext binds a sealed secret to its target.
func sealContext(id string) map[string]string {
	return map[string]string{"purpose": "event target", "id": id}
}

// ListEventTargets returns the caller's targets; nobody is shown a secret.
func (s *Service) ListEventTargets(ctx context.Context, caller arn.Caller) ([]Target, error) {
	in := caller.Namespace()
	if err := s.Permissions.Authorize(ctx, caller, "mimeo:ListEventTarget", targetARN(in, "*"), in); err != nil {
		return nil, err
	}
	return s.Targets.Targets(ctx, in)
}

// DeleteEventTarget deletes a target with the events that wait for it.
func (s *Service) DeleteEventTarget(ctx context.Context, caller arn.Caller, name string) error {
	if err := s.allow(ctx, caller, "mimeo:DeleteEventTarget", name); err != nil {
		return err
	}
	return missing(s.Targets.DeleteTarget(ctx, caller.Namespace(), name), name)
}

const maxDeadPage = 100

// ListDeadEvents returns events of a target that were given up, the oldest
// first, a page at a time: after is the position of the last one seen.
func (s *Service) ListDeadEvents(ctx context.Context, caller arn.Caller, name string, after int64) (page []DeadEvent, more bool, err error) {
	if err := s.allow(ctx, caller, "mimeo:ListEventTarget", name); err != nil {
		return nil, false, err
	}
	t, err := s.Targets.Target(ctx, caller.Namespace(), name)
	if err != nil {
		return nil, false, missing(err, name)
	}
	page, err = s.Targets.DeadEvents(ctx, t.ID, after, maxDeadPage+1)
	if len(page) > maxDeadPage {
		return page[:maxDeadPage], true, err
	}
	return page, false, err
}

// RedeliverDeadEvents sends all events of a target that were given up once
// more, and returns how many they are.
func (s *Service) RedeliverDeadEvents(ctx context.Context, caller arn.Caller, name string) (int, error) {
	if err := s.allow(ctx, caller, "mimeo:RedeliverEventTarget", name); err != nil {
		return 0, err
	}
	t, err := s.Targets.Target(ctx, caller.Namespace(), name)
	if err != nil {
		return 0, missing(err, name)
	}
	return s.Targets.Revive(ctx, t.ID)
}

func missing(err error, name string) error {
	if errors.Is(err, customlabels.ResourceNotFound) {
		return fault.New(customlabels.ResourceNotFound, "There is no event target named %s.", name)
	}
	return err
}
