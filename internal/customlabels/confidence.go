package customlabels

// Confidence is a probability, 0 to 1, as the wire has it: percent in a
// float32. Evaluation and detection both compare confidences, never
// probabilities, so that a version detects what its evaluation counted.
func Confidence(probability float64) float32 {
	return float32(100 * min(max(probability, 0), 1))
}
