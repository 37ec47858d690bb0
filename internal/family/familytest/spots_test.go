package familytest_test

import (
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/familytest"
)

// TestSpots: the suite can be passed by a family for boxes.
func TestSpots(t *testing.T) {
	t.Parallel()
	familytest.Run(t, func(int) family.Family { return familytest.Spots{} })
}
