package training

import "mimeo/internal/family"

// A Quality is what the test set says of a model and AWS's result files have no
// place for. It is never changed.
type Quality struct {
	// ReliabilityError is how far confidences are from the truth, 0 to 1.
	ReliabilityError float64
	// AveragePrecision is that of each label of a detector that a test image
	// shows; the mean is in the evaluation summary.
	AveragePrecision map[string]float64
}

// quality tells what an evaluation has found.
func (p *plan) quality(e evaluation) *Quality {
	q := &Quality{ReliabilityError: e.ReliabilityError}
	if p.task == family.Boxes {
		q.AveragePrecision = map[string]float64{}
		for _, r := range e.Labels {
			if r.Images > 0 {
				q.AveragePrecision[p.labels[r.Label]] = r.AveragePrecision
			}
		}
	}
	return q
}

// bins is into how many bins of equal width confidences are sorted.
const bins = 15

// reliabilityError is the expected calibration error: how far, on average, the
// share of what is so is from the confidence that it was said with. 0 is
// perfect, 1 the worst.
//
// Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML
// 2017, section 2, equation 3, with its 15 bins: https://arxiv.org/abs/1706.04599
func reliabilityError(said []scored) float64 {
	var confidence, positive [bins]float64
	for _, s := range said {
		p := percentOf(s.confidence)
		bin := min(int(p*bins), bins-1)
		confidence[bin] += p
		if s.positive {
			positive[bin]++
		}
	}
	sum := 0.0
	for bin := range bins {
		sum += max(confidence[bin]-positive[bin], positive[bin]-confidence[bin])
	}
	return sum / float64(max(1, len(said)))
}

// mostConfidents are the answers of a single-label model: the likeliest label
// of each image.
func mostConfidents(predictions []prediction) []scored {
	var said []scored
	for _, p := range predictions {
		best := mostConfident(p.confidence)
		said = append(said, scored{p.confidence[best], p.shows(best)})
	}
	return said
}

// allConfidences are the answers of a multi-label model: every label of each
// image.
func allConfidences(predictions []prediction) []scored {
	var said []scored
	for _, p := range predictions {
		for label, c := range p.confidence {
			said = append(said, scored{c, p.shows(label)})
		}
	}
	return said
}
