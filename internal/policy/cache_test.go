package policy_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"mimeo/internal/policy"
)

func TestCache(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	parsed := map[string]int{}
	c := policy.NewCache(func(text string) (*policy.Document, error) {
		mu.Lock()
		defer mu.Unlock()
		parsed[text]++
		return policy.Parse(text)
	})
	for range 3 {
		if _, err := c.Parse("no policy"); err == nil {
			t.Error("no policy is parsed")
		}
		if _, err := c.Parse(good); err != nil {
			t.Error(err)
		}
	}
	if parsed[good] != 1 || parsed["no policy"] != 3 {
		t.Errorf("parsed %d times, and %d times what fails; want 1 and 3", parsed[good], parsed["no policy"])
	}
	// What fills the cache many times over empties it, and all is still right.
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			text := good + strings.Repeat(" ", 30<<10) + fmt.Sprint(strings.Repeat("\n", i))
			if _, err := c.Parse(text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := c.Parse(good); err != nil || parsed[good] != 2 {
		t.Errorf("parsed %d times, %v; want it forgotten once", parsed[good], err)
	}
}
