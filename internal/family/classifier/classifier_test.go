package classifier_test

import (
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
	"mimeo/internal/family/familytest"
)

func TestClassifier(t *testing.T) {
	t.Parallel()
	familytest.Run(t, func(workers int) family.Family { return &classifier.Classifier{Workers: workers} })
}
