package detector_test

import (
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/detector"
	"mimeo/internal/family/familytest"
)

func TestDetector(t *testing.T) {
	t.Parallel()
	familytest.Run(t, func(workers int) family.Family { return detector.Small(4, 48, workers) })
}
