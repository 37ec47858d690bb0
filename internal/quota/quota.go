// Package quota knows how much an account may have of what, and how many
// requests it may make in a second. An amount is AWS's where nobody has set
// another; a rate is unlimited.
//
// A service that creates something reads the limit here and hands it to its
// store, which compares it with what there is in the transaction that inserts:
// two requests at once cannot both take the last place.
package quota

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/manifest"
)

// The codes that operators are answered.
const (
	NoSuchEntity fault.Code = "NoSuchEntity"
	Validation   fault.Code = "ValidationError"
)

// Values are quotas of one account by their names. In a change, nil is the
// default.
type Values map[Name]*int

// A Store remembers what was set.
type Store interface {
	// Quotas returns what was set for an account, which need not exist.
	Quotas(ctx context.Context, account string) (map[Name]int, error)
	// SetQuotas sets quotas and forgets those that are nil, all or none. It
	// returns NoSuchEntity where there is no such account.
	SetQuotas(ctx context.Context, account string, values Values) error
}

// A Service answers what the quotas of an account are. A nil one has nothing
// but the defaults.
type Service struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	changes int // by this process: what was read before one is not kept
	known   map[string]known
	buckets map[bucketKey]*bucket
}

// known is what was read of an account. It is read again after a moment, for
// another process may have changed it.
type known struct {
	set map[Name]int
	at  time.Time
}

const freshFor = time.Second

// New returns a Service.
func New(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, known: map[string]known{}, buckets: map[bucketKey]*bucket{}}
}

// Limit returns the value of a quota of an account.
func (s *Service) Limit(ctx context.Context, account string, name Name) (int, error) {
	k, ok := kindOf(name)
	if !ok {
		return 0, fmt.Errorf("there is no quota %q", name)
	}
	if s == nil {
		return k.Default, nil
	}
	set, err := s.of(ctx, account)
	if err != nil {
		return 0, err
	}
	if value, ok := set[name]; ok {
		return value, nil
	}
	return k.Default, nil
}

// of returns what is set for an account.
func (s *Service) of(ctx context.Context, account string) (map[Name]int, error) {
	now := s.now()
	s.mu.Lock()
	have, ok := s.known[account]
	changes := s.changes
	s.mu.Unlock()
	if age := now.Sub(have.at); ok && age >= 0 && age < freshFor {
		return have.set, nil
	}
	set, err := s.store.Quotas(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("read the quotas of account %s: %w", account, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == changes {
		s.known[account] = known{set, now}
	}
	return set, nil
}

// Set changes quotas of an account: all of them or, where one is refused,
// none.
func (s *Service) Set(ctx context.Context, account string, values Values) error {
	for name, value := range values {
		k, ok := kindOf(name)
		switch {
		case !ok:
			return fault.New(Validation, "There is no quota %.80q: mimeo quota list shows them all.", name)
		case value != nil && (*value < 0 || *value > k.Most):
			return fault.New(Validation, "%d is no value for %s: 0 to %d are, or its default.", *value, name, k.Most)
		}
	}
	err := s.store.SetQuotas(ctx, account, values)
	if errors.Is(err, NoSuchEntity) {
		return fault.New(NoSuchEntity, "There is no account %.40q.", account)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	delete(s.known, account)
	if err != nil {
		return fmt.Errorf("set quotas of account %s: %w", account, err)
	}
	return nil
}

// A Quota is one of an account, as operators see it.
type Quota struct {
	Kind
	Value int  // Unlimited, of a rate
	Set   bool // by an operator
}

// Quotas returns all quotas of an account, in the order of Kinds.
func (s *Service) Quotas(ctx context.Context, account string) ([]Quota, error) {
	if !arn.IsAccount(account) {
		return nil, fault.New(Validation, "%.40q is not an account id: twelve digits are.", account)
	}
	set, err := s.of(ctx, account)
	if err != nil {
		return nil, err
	}
	all := make([]Quota, len(Kinds))
	for i, k := range Kinds {
		value, ok := set[k.Name]
		if !ok {
			value = k.Default
		}
		all[i] = Quota{Kind: k, Value: value, Set: ok}
	}
	return all, nil
}

// AWSRates is the change that gives an account AWS's rates.
func AWSRates() Values { return allRates(func(k Kind) *int { return &k.AWS }) }

// NoRates is the change that gives an account back the default: no limit on
// requests.
func NoRates() Values { return allRates(func(Kind) *int { return nil }) }

func allRates(value func(Kind) *int) Values {
	return maps.Collect(func(yield func(Name, *int) bool) {
		for _, k := range Kinds {
			if k.IsRate() && !yield(k.Name, value(k)) {
				return
			}
		}
	})
}

// VersionLimits returns what bounds a new version of an account; inProgress is
// the quota on those that are made as it is.
func (s *Service) VersionLimits(ctx context.Context, account string, inProgress Name) (l customlabels.VersionLimits, err error) {
	if l.InProject, err = s.Limit(ctx, account, ModelsPerProject); err != nil {
		return l, err
	}
	l.InProgress, err = s.Limit(ctx, account, inProgress)
	return l, err
}

// ManifestLimits returns what bounds the manifests and datasets of an account.
func (s *Service) ManifestLimits(ctx context.Context, account string) (l manifest.Limits, err error) {
	size := 0
	for name, limit := range map[Name]*int{
		ManifestBytes: &size, ImagesPerDataset: &l.Lines, LabelsPerDataset: &l.Labels,
		LabelsPerImage: &l.LabelsPerImage, BoxesPerImage: &l.BoxesPerImage,
		TestImagesPerLabel: &l.TestImagesPerLabel,
	} {
		if *limit, err = s.Limit(ctx, account, name); err != nil {
			return l, err
		}
	}
	l.Size = int64(size)
	return l, nil
}
