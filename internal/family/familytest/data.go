package familytest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// DataDir is where real images lie, those of the set among them. Without them a
// test is skipped, except where CI=true requires them. A family's package lies
// beside this one.
func DataDir(tb testing.TB, set string) string {
	tb.Helper()
	dir := os.Getenv("MIMEO_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data") // beside the repository
	}
	if _, err := os.Stat(filepath.Join(dir, set)); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("the real images are required: set MIMEO_DATA (%v)", err)
		}
		tb.Skip("no real images: set MIMEO_DATA")
	}
	return dir
}

// LoadOrRefuse loads weights with a right checksum, so that what lies behind it is
// reached: they are refused as such, or make a model that answers, which is
// returned with its answer.
func LoadOrRefuse(t *testing.T, f family.Family, weights []byte) (family.Model, family.Prediction) {
	t.Helper()
	sum := sha256.Sum256(weights)
	m, err := f.Load(t.Context(), bytes.NewReader(append(weights, sum[:]...)))
	if err != nil {
		if !errors.Is(err, family.ErrWeights) {
			t.Errorf("got %v, want ErrWeights", err)
		}
		return nil, family.Prediction{}
	}
	p, err := m.Predict(t.Context(), pixel.FromImage(image.NewGray(image.Rect(0, 0, 8, 8))))
	if err != nil {
		t.Errorf("predict: %v", err)
	}
	return m, p
}
