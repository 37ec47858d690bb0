package quota_test

import (
	"errors"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/quota"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const account, stranger = "111122223333", "555555555555"

// A world is a service on a real store, with a clock that a test moves.
type world struct {
	*quota.Service
	t   *testing.T
	db  *sqlstore.DB
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	who, err := identity.New(db.Identity(), envelope.NewKey(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := who.CreateAccount(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, now: time.Unix(1_700_000_000, 0)}
	w.Service = quota.New(db.Quotas(), func() time.Time { return w.now })
	return w
}

func (w *world) set(values quota.Values) {
	w.t.Helper()
	if err := w.Set(w.t.Context(), account, values); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantLimit(s *quota.Service, of string, name quota.Name, want int) {
	w.t.Helper()
	if got, err := s.Limit(w.t.Context(), of, name); err != nil || got != want {
		w.t.Errorf("%s of %s: got %d, %v; want %d", name, of, got, err, want)
	}
}

func TestQuotasAreAWSsUntilSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, want := range map[quota.Name]int{
		"ProjectsPerAccount": 100, "ModelsPerProject": 100, "ProjectPoliciesPerProject": 5, "CopiesInProgress": 5, "TrainingsInProgress": 2,
		"RunningModels": 2, "InferenceUnits": 5, "ImagesPerDataset": 250_000, "LabelsPerDataset": 250, "ManifestBytes": 1 << 30,
		"LabelsPerImage": 50, "BoxesPerImage": 50, "TestImagesPerLabel": 1000,
		"CopyProjectVersionPerSecond": quota.Unlimited, "DetectCustomLabelsPerSecond": quota.Unlimited,
	} {
		w.wantLimit(w.Service, account, name, want)
		w.wantLimit(nil, account, name, want)
	}
	w.set(quota.Values{quota.ModelsPerProject: new(7)})
	w.wantLimit(w.Service, account, quota.ModelsPerProject, 7)
	w.wantLimit(w.Service, stranger, quota.ModelsPerProject, 100)
	w.set(quota.Values{quota.ModelsPerProject: nil})
	w.wantLimit(w.Service, account, quota.ModelsPerProject, 100)
}

func TestAChangeByAnotherProcessIsSeenInAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := quota.New(w.db.Quotas(), time.Now)
	w.wantLimit(w.Service, account, quota.RunningModels, 2)
	if err := other.Set(t.Context(), account, quota.Values{quota.RunningModels: new(0)}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	w.wantLimit(w.Service, account, quota.RunningModels, 0)
}

func TestChangesThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		account string
		values  quota.Values
		want    error
	}{
		"no such quota":   {account, quota.Values{quota.RunningModels: new(9), "Nonsense": new(1)}, quota.Validation},
		"negative":        {account, quota.Values{quota.RunningModels: new(-1)}, quota.Validation},
		"too high":        {account, quota.Values{quota.RunningModels: new(10_001)}, quota.Validation},
		"no such account": {stranger, quota.Values{quota.RunningModels: new(9)}, quota.NoSuchEntity},
	} {
		if err := w.Set(t.Context(), test.account, test.values); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	w.wantLimit(w.Service, account, quota.RunningModels, 2)
	w.wantLimit(w.Service, stranger, quota.RunningModels, 2)
	if _, err := w.Quotas(t.Context(), "nobody"); !errors.Is(err, quota.Validation) {
		t.Errorf("the quotas of nobody: %v", err)
	}
}

// TestRates: a second's requests are admitted at once, and then one whenever
// its share of a second is over; of each operation and account on its own.
func TestRates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(quota.AWSRates())
	caller := arn.Caller{Principal: arn.Root("aws", account), Region: "us-east-1"}
	elsewhere := arn.Caller{Principal: arn.Root("aws", account), Region: "eu-central-1"}
	admitted := func(c arn.Caller, operation string) (n int) {
		t.Helper()
		for range 100 {
			switch err := w.Admit(t.Context(), c, operation); {
			case err == nil:
				n++
			case !errors.Is(err, customlabels.ProvisionedThroughputExceeded):
				t.Fatalf("%s: %v, want ProvisionedThroughputExceeded", operation, err)
			}
		}
		return n
	}
	check := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %d of 100 requests, want %d", what, got, want)
		}
	}
	check("copies", admitted(caller, "CopyProjectVersion"), 5)
	check("copies in another region", admitted(elsewhere, "CopyProjectVersion"), 0)
	check("detections", admitted(caller, "DetectCustomLabels"), 50)
	check("tags", admitted(caller, "ListTagsForResource"), 10)
	check("an operation without a rate", admitted(caller, "ExplainCopyProjectVersion"), 100)
	check("another account's copies", admitted(arn.Caller{Principal: arn.Root("aws", stranger)}, "CopyProjectVersion"), 100)
	w.now = w.now.Add(400 * time.Millisecond)
	check("copies after 2/5 of a second", admitted(caller, "CopyProjectVersion"), 2)
	w.now = w.now.Add(time.Hour)
	check("copies after an hour", admitted(caller, "CopyProjectVersion"), 5)
	w.set(quota.Values{quota.Rate("CopyProjectVersion"): new(0)})
	check("copies where none is allowed", admitted(caller, "CopyProjectVersion"), 0)
	w.set(quota.NoRates())
	check("copies without a limit", admitted(caller, "CopyProjectVersion"), 100)
}

func TestAWSRatesAreOfEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(quota.AWSRates())
	all, err := w.Quotas(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	rates := map[int]int{}
	for _, q := range all {
		if q.IsRate() != q.Set || q.Value != q.AWS {
			t.Errorf("%+v: want AWS's value, set where it is a rate", q)
		}
		if q.IsRate() {
			rates[q.Value]++
		}
	}
	if rates[5] != 19 || rates[10] != 3 || rates[50] != 1 {
		t.Errorf("rates by value: %v, want 19 of 5, 3 of 10, 1 of 50", rates)
	}
}
