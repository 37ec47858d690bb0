package registry_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
	"mimeo/internal/registry"
	"mimeo/internal/sqlstore"
)

const (
	account = "111122223333"
	foreign = "555555555555"
	region  = "us-east-1"
)

func root(account string) arn.Caller {
	return arn.Caller{Principal: arn.Root("aws", account), Region: region}
}

// user is a caller of account whose identity policies a world's allow sets.
func user(name string) arn.Caller {
	return arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: "user/" + name}, Region: region}
}

// A world is a registry on a database of its own.
type world struct {
	*registry.Service
	t    *testing.T
	db   *sqlstore.DB
	mine arn.Caller

	mu       sync.Mutex
	clock    time.Time
	policies map[arn.Principal][]policy.Policy
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	w := &world{t: t, db: db, mine: root(account), clock: time.UnixMilli(1_700_000_000_000), policies: map[arn.Principal][]policy.Policy{}}
	w.Service = registry.New(registry.Config{
		Projects: db.Projects(), Datasets: db.Datasets(), Policies: db.ProjectPolicies(), Tags: db.Tags(), Versions: db.Versions(),
		Permissions: w, Tokens: registry.TokenKey{1}, Log: slog.New(slog.DiscardHandler), Now: w.now,
	})
	return w
}

// now is a clock that every look at moves on by a second.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(time.Second)
	return w.clock
}

// IdentityPolicies implements registry.Permissions: root may do all, a user
// what allow gave it.
func (w *world) IdentityPolicies(_ context.Context, caller arn.Caller) ([]policy.Policy, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if caller.Principal.IsRoot() {
		return []policy.Policy{policy.FullAccess(caller.Principal.Account)}, nil
	}
	return w.policies[caller.Principal], nil
}

// allow gives a user an identity policy.
func (w *world) allow(who arn.Caller, document string) {
	w.t.Helper()
	d, err := policy.Parse(document)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.policies[who.Principal] = append(w.policies[who.Principal], policy.Policy{Name: "the identity policy of " + who.Principal.Name, Document: d})
}

func (w *world) project(name string) arn.Project {
	w.t.Helper()
	p, err := w.CreateProject(w.t.Context(), w.mine, registry.CreateProjectRequest{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}
