package app

import (
	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
	"mimeo/internal/family/detector"
)

// families are the kinds of models that versions can be, one line each. The
// first that learns the task of a training's manifests trains it.
func families(extras Extras) []family.Family {
	return append(extras.Families,
		&classifier.Classifier{},
		&detector.Detector{},
	)
}
