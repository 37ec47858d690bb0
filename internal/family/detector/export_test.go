package detector

// Small returns a detector that trains for so many steps an example, on an
// input whose longer side has so many pixels.
func Small(perExample, side, workers int) *Detector {
	return &Detector{Workers: workers, perExample: perExample, side: side}
}
