package copier_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/quota"
)

// TestNoQuotaIsExceededByManyAtOnce: 64 copies are asked for at once, and
// exactly as many are begun as there is room for.
func TestNoQuotaIsExceededByManyAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values quota.Values
		room   int
		want   fault.Code
	}{
		"copies in progress, by default": {nil, 5, customlabels.LimitExceeded},
		"copies in progress":             {quota.Values{quota.CopiesInProgress: new(3)}, 3, customlabels.LimitExceeded},
		"models per project":             {quota.Values{quota.CopiesInProgress: new(64), quota.ModelsPerProject: new(7)}, 7, customlabels.ServiceQuotaExceeded},
		"no copies at all":               {quota.Values{quota.CopiesInProgress: new(0)}, 0, customlabels.LimitExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.setQuotas(t, test.values)
			errs := make([]error, 64)
			var group sync.WaitGroup
			for i := range errs {
				group.Go(func() { _, errs[i] = w.Start(t.Context(), trusted, w.request(fmt.Sprint("c", i))) })
			}
			group.Wait()
			begun := 0
			for _, err := range errs {
				if err == nil {
					begun++
				} else if !errors.Is(err, test.want) {
					t.Errorf("a copy is refused with %v, want %s", err, test.want)
				}
			}
			all, err := w.db.Versions().VersionsBefore(t.Context(), w.into, nil, customlabels.ProjectVersion{}, 100)
			if err != nil || begun != test.room || len(all) != test.room {
				t.Errorf("%d copies are begun and %d are there (%v), want %d", begun, len(all), err, test.room)
			}
			w.checkGrants(t, test.room, test.room+1) // the source has one; refused copies leave none behind
		})
	}
}

// setQuotas sets quotas of the trusted account.
func (w *world) setQuotas(t *testing.T, values quota.Values) {
	t.Helper()
	who, err := identity.New(w.db.Identity(), envelope.NewKey(), time.Now)
	must(t, err)
	_, err = who.CreateAccount(t.Context(), trusted.Principal.Account)
	must(t, err)
	w.Quotas = quota.New(w.db.Quotas(), time.Now)
	must(t, w.Quotas.Set(t.Context(), trusted.Principal.Account, values))
}
