package classifier

import (
	"runtime"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// A Classifier is the family. Its zero value is ready for use.
type Classifier struct {
	// Workers is how many images are worked on at once; zero means one per
	// processor. It changes no result.
	Workers int
	// Limits bound the training images; the zero value means those of Amazon
	// Rekognition Custom Labels.
	Limits pixel.Limits
	// Now is the clock that deadlines are compared with; nil means time.Now.
	Now func() time.Time

	landmarks int     // instead of maxLandmarks, for tests
	own       *recipe // instead of the standard one, for tests
}

// Name is "classifier".
func (c *Classifier) Name() string { return "classifier" }

// Learns reports whether t is a task of image-level labels.
func (c *Classifier) Learns(t family.Task) bool {
	return t == family.SingleLabel || t == family.MultiLabel
}

func (c *Classifier) workers() int {
	if c.Workers > 0 {
		return c.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (c *Classifier) mostLandmarks() int {
	if c.landmarks > 0 {
		return c.landmarks
	}
	return maxLandmarks
}

func (c *Classifier) recipe() recipe {
	if c.own != nil {
		return *c.own
	}
	return standard
}
