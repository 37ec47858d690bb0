package quota_test

import (
	"testing"

	"mimeo/internal/quota"
)

// fill takes places for an account until it gets none.
func fill(p *quota.Places, account string) (leave []func()) {
	for {
		one, ok := p.Take(account)
		if !ok {
			return leave
		}
		leave = append(leave, one)
	}
}

// TestGreedyAccountsLeavePlaces: accounts that take all they can get, one
// after the other, leave places to those that come later, and all of them in
// the end.
func TestGreedyAccountsLeavePlaces(t *testing.T) {
	t.Parallel()
	p := quota.NewPlaces(16)
	var all []func()
	for _, greedy := range []struct {
		account string
		want    int
	}{{"a", 8}, {"b", 4}, {"c", 2}, {"d", 1}, {"e", 1}, {"f", 0}} {
		leave := fill(p, greedy.account)
		if len(leave) != greedy.want {
			t.Errorf("account %s got %d places, want %d", greedy.account, len(leave), greedy.want)
		}
		all = append(all, leave...)
	}
	for _, leave := range all {
		leave()
	}
	if got := len(fill(p, "f")); got != 8 {
		t.Errorf("when all have left, an account gets %d places, want 8", got)
	}
}

// TestOnePlaceIsEnoughForOne: a single place is not kept free for ever.
func TestOnePlaceIsEnoughForOne(t *testing.T) {
	t.Parallel()
	p := quota.NewPlaces(1)
	leave := fill(p, "a")
	if len(leave) != 1 || len(fill(p, "b")) != 0 {
		t.Fatalf("account a got %d places, want 1, and b none", len(leave))
	}
	leave[0]()
	if got := len(fill(p, "b")); got != 1 {
		t.Errorf("then b got %d places, want 1", got)
	}
}
