package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// A State is what a key can do, in AWS's word.
type State string

// The states of a key. Only an enabled key encrypts, decrypts and grants.
const (
	Enabled         State = "Enabled"
	IsDisabled      State = "Disabled"
	PendingDeletion State = "PendingDeletion"
)

// A Manager is who looks after a key, in AWS's word.
type Manager string

// The managers of keys. Ours are the service-owned keys, which no account sees.
const (
	Customer Manager = "CUSTOMER"
	AWS      Manager = "AWS"
	Ours     Manager = "SERVICE"
)

// A Key is a key without its material.
type Key struct {
	ARN         arn.Key
	Spec        Spec
	Description string
	State       State
	Manager     Manager
	Created     time.Time
	DeleteAt    time.Time // while the state is PendingDeletion
	Policy      string    // the text of its key policy
	Tags        map[string]string
}

// NewKey is what CreateKey makes a key from.
type NewKey struct {
	Spec        Spec // empty: SymmetricDefault
	Description string
	Policy      string // empty: the default key policy
	Tags        map[string]string
	// SkipLockoutCheck lets a policy pass that denies its author to change it.
	SkipLockoutCheck bool
}

// keys are the condition keys of CreateKey.
func (n NewKey) keys() policy.Keys {
	keys := policy.RequestTags(n.Tags)
	maps.Copy(keys, n.Spec.keys())
	maps.Copy(keys, lockoutKeys(n.SkipLockoutCheck))
	return keys
}

// Limits of AWS: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
const (
	maxTags    = 50
	maxAliases = 50
	maxGrants  = 50_000
)

// CreateKey makes a key of the caller's account.
func (s *Service) CreateKey(ctx context.Context, caller arn.Caller, n NewKey) (Key, error) {
	n.Spec = cmp.Or(n.Spec, SymmetricDefault)
	if err := s.allowed(ctx, caller, policy.Request{Action: "kms:CreateKey", Resource: "*", Keys: n.keys()}); err != nil {
		return Key{}, err
	}
	if len(n.Tags) > maxTags {
		return Key{}, fault.New(Tag, "A key has at most %d tags, not %d.", maxTags, len(n.Tags))
	}
	k := s.draft(namespace(caller), Customer)
	k.Spec, k.Description, k.Tags = n.Spec, n.Description, n.Tags
	if n.Policy != "" {
		if err := s.setPolicy(ctx, caller, &k, NewPolicy{Policy: n.Policy, SkipLockoutCheck: n.SkipLockoutCheck}); err != nil {
			return Key{}, err
		}
	}
	return k, s.insert(ctx, k, "")
}

// draft is a new symmetric key with the default policy.
func (s *Service) draft(in arn.Namespace, by Manager) Key {
	return Key{
		ARN:     arn.Key{Namespace: in, ID: uuid.NewString()},
		Spec:    SymmetricDefault,
		State:   Enabled,
		Manager: by,
		Created: s.now(),
		Policy:  defaultPolicy(in),
	}
}

// insert gives a key its material and stores both.
func (s *Service) insert(ctx context.Context, k Key, alias string) error {
	material, err := k.Spec.newMaterial()
	if err != nil {
		return err
	}
	sealed, err := envelope.Wrap(s.master, material, materialContext(k.ARN))
	if err != nil {
		return fmt.Errorf("seal the material of %s: %w", k.ARN, err)
	}
	return s.store.InsertKey(ctx, k, sealed, alias)
}

// material returns the secret of a key.
func (s *Service) material(ctx context.Context, k arn.Key) (envelope.Key, error) {
	sealed, err := s.store.Material(ctx, k.ID)
	if errors.Is(err, NotFound) {
		return envelope.Key{}, keyNotFound(k)
	}
	if err != nil {
		return envelope.Key{}, err
	}
	material, err := envelope.Unwrap(s.master, sealed, materialContext(k))
	if err != nil {
		return envelope.Key{}, fmt.Errorf("unseal the material of %s: %w", k, err)
	}
	return material, nil
}

// materialContext binds sealed material to its key.
func materialContext(k arn.Key) map[string]string {
	return map[string]string{"purpose": "key material", "key": k.String()}
}

// DescribeKey returns a key by its id, ARN, alias or alias ARN.
func (s *Service) DescribeKey(ctx context.Context, caller arn.Caller, keyID string) (Key, error) {
	return s.Describe(ctx, caller, Use{KeyID: keyID})
}

// Describe is DescribeKey for a caller who may have tokens of grants.
func (s *Service) Describe(ctx context.Context, caller arn.Caller, u Use) (Key, error) {
	return s.find(ctx, caller, DescribeKeyOperation, u)
}

// ListKeys returns up to limit keys of the caller's account and region after
// the one that marker names, and the marker for more, empty at the end.
func (s *Service) ListKeys(ctx context.Context, caller arn.Caller, marker string, limit int) ([]arn.Key, string, error) {
	if err := s.allowed(ctx, caller, policy.Request{Action: "kms:ListKeys", Resource: "*"}); err != nil {
		return nil, "", err
	}
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	keys, err := s.store.Keys(ctx, namespace(caller), after, limit+1)
	if err != nil {
		return nil, "", err
	}
	return page(keys, limit, func(k arn.Key) string { return k.ID })
}

// EnableKey makes a key usable.
func (s *Service) EnableKey(ctx context.Context, caller arn.Caller, keyID string) error {
	return s.setState(ctx, caller, keyID, "EnableKey", Enabled)
}

// DisableKey stops every use of a key at once, until it is enabled again.
func (s *Service) DisableKey(ctx context.Context, caller arn.Caller, keyID string) error {
	return s.setState(ctx, caller, keyID, "DisableKey", IsDisabled)
}

func (s *Service) setState(ctx context.Context, caller arn.Caller, keyID string, op Operation, to State) error {
	_, err := s.change(ctx, caller, op, Use{KeyID: keyID}, func(k *Key) error {
		if k.State == PendingDeletion {
			return pendingDeletion(k.ARN)
		}
		k.State = to
		return nil
	})
	return err
}

// The bounds of a window of deletion, in days.
const (
	minWindow = 7
	maxWindow = 30
)

// ScheduleKeyDeletion stops every use of a key at once. After the window, of
// 7 to 30 days, its material is removed with its aliases and grants, and what
// is encrypted under it is lost.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, caller arn.Caller, keyID string, days int) (Key, error) {
	if days < minWindow || days > maxWindow {
		return Key{}, invalid("PendingWindowInDays is %d; it must be from %d to %d.", days, minWindow, maxWindow)
	}
	return s.change(ctx, caller, "ScheduleKeyDeletion", Use{KeyID: keyID, said: windowKeys(days)}, func(k *Key) error {
		if k.State == PendingDeletion {
			return pendingDeletion(k.ARN)
		}
		k.State, k.DeleteAt = PendingDeletion, s.now().Add(time.Duration(days)*24*time.Hour)
		return nil
	})
}

// CancelKeyDeletion keeps a key that was to be deleted. It is disabled then.
func (s *Service) CancelKeyDeletion(ctx context.Context, caller arn.Caller, keyID string) (Key, error) {
	return s.change(ctx, caller, "CancelKeyDeletion", Use{KeyID: keyID}, func(k *Key) error {
		if k.State != PendingDeletion {
			return fault.New(InvalidState, "%s is not pending deletion.", k.ARN)
		}
		k.State, k.DeleteAt = IsDisabled, time.Time{}
		return nil
	})
}

// DeleteExpired removes the keys whose window of deletion is over, and says
// how many they were. A key whose window is over is not there for anyone, also
// before this is called.
func (s *Service) DeleteExpired(ctx context.Context) (int, error) {
	return s.store.DeleteKeys(ctx, s.now())
}

// change finds a key of the caller's own account and changes it.
func (s *Service) change(ctx context.Context, caller arn.Caller, op Operation, u Use, change func(*Key) error) (Key, error) {
	k, err := s.findOwn(ctx, caller, op, u)
	if err != nil {
		return Key{}, err
	}
	err = s.store.UpdateKey(ctx, k.ARN.ID, func(stored *Key) error {
		if s.expired(*stored) {
			return NotFound
		}
		err := change(stored)
		k = *stored
		return err
	})
	if errors.Is(err, NotFound) {
		return Key{}, keyNotFound(k.ARN)
	}
	return k, err
}

func (s *Service) expired(k Key) bool {
	return k.State == PendingDeletion && !s.now().Before(k.DeleteAt)
}

func pendingDeletion(k arn.Key) *fault.Error {
	return fault.New(InvalidState, "%s is pending deletion.", k)
}

// usable returns nil where a key can do all of ops. What it can never do is
// told before what its state forbids.
func (k Key) usable(ops ...Operation) error {
	for _, op := range ops {
		if !k.Spec.does(op) {
			return wrongUsage(k, op)
		}
	}
	switch k.State {
	case Enabled:
		return nil
	case IsDisabled:
		return fault.New(Disabled, "%s is disabled.", k.ARN)
	default:
		return pendingDeletion(k.ARN)
	}
}
