package training

import (
	"cmp"
	"slices"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
)

// A prediction is what the model said of one test image, and what is true.
type prediction struct {
	truth      []int // labels of the image, as far as the model knows them
	confidence []float32
}

func (p prediction) shows(label int) bool { return slices.Contains(p.truth, label) }

// metrics are the figures of one label, or of all of them.
type metrics struct {
	Precision, Recall, F1 float64
}

// A labelResult is the evaluation of one label.
type labelResult struct {
	metrics
	Label int
	// Threshold is the assumed threshold, 0 to 1: the one with the best F1.
	Threshold float64
	Images    int // test images that show the label
	// AveragePrecision and MaxRecall are of a detector only: see evaluateBoxes.
	AveragePrecision, MaxRecall float64
}

// An evaluation is what the test set says about a model.
type evaluation struct {
	Labels    []labelResult // by F1, the best first, then by label
	Aggregate metrics
	// AveragePrecision (mAP) and AverageRecall (mAR) are of a detector only.
	AveragePrecision, AverageRecall float64
	// Confusion has the share of the test images of a label (row) for which
	// another (column) was the most confident; nil where an image can show
	// several.
	Confusion [][]float64

	// ReliabilityError is the expected calibration error of the confidences.
	ReliabilityError float64

	// What was said of the test samples, in their order: of images, or of
	// objects in them.
	predictions []prediction
	sightings   []sighting
}

// untested is the assumed threshold of a label that no test image shows.
const untested = 0.5

// evaluate computes the figures of AWS's evaluation. The unit of counting is
// an image and a label. The aggregates are the unweighted means over the
// labels that a test image shows; the F1 is the mean of the labels' F1.
//
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/im-metrics-use.html
func evaluate(labels int, task family.Task, predictions []prediction) evaluation {
	results := make([]labelResult, labels)
	for label := range results {
		results[label] = evaluateLabel(label, predictions)
	}
	e := summarise(results)
	e.predictions = predictions
	if task == family.SingleLabel {
		e.Confusion = confusion(labels, predictions)
		e.ReliabilityError = reliabilityError(mostConfidents(predictions))
	} else {
		e.ReliabilityError = reliabilityError(allConfidences(predictions))
	}
	return e
}

// summarise computes the aggregates of results, which come in the order of the
// labels.
func summarise(results []labelResult) evaluation {
	e := evaluation{Labels: results}
	tested := 0.0
	for _, r := range results {
		if r.Images == 0 {
			continue
		}
		tested++
		e.Aggregate.Precision += r.Precision
		e.Aggregate.Recall += r.Recall
		e.Aggregate.F1 += r.F1
		e.AveragePrecision += r.AveragePrecision
		e.AverageRecall += r.MaxRecall
	}
	if tested > 0 {
		for _, sum := range []*float64{&e.Aggregate.Precision, &e.Aggregate.Recall, &e.Aggregate.F1, &e.AveragePrecision, &e.AverageRecall} {
			*sum /= tested
		}
	}
	slices.SortStableFunc(e.Labels, func(a, b labelResult) int { return cmp.Compare(b.F1, a.F1) })
	return e
}

// A scored is something that a model said, and whether it is so.
type scored struct {
	confidence float32
	positive   bool
}

// evaluateLabel finds the assumed threshold of a label and its figures there.
func evaluateLabel(label int, predictions []prediction) labelResult {
	var all []scored
	r := labelResult{Label: label, Threshold: untested}
	for _, p := range predictions {
		s := scored{p.confidence[label], p.shows(label)}
		if s.positive {
			r.Images++
		}
		all = append(all, s)
	}
	if r.Images == 0 {
		return r
	}
	slices.SortFunc(all, byConfidence)
	r.metrics, r.Threshold = bestThreshold(all, r.Images)
	return r
}

// byConfidence orders the most confident first.
func byConfidence(a, b scored) int { return cmp.Compare(b.confidence, a.confidence) }

// bestThreshold finds the threshold with the best F1 and the figures there.
// What was said comes by confidence; positives are how many are to be found,
// also where nothing was said of them. The candidates lie half-way between
// neighbouring confidences; of equally good ones the middle of the widest gap
// is taken.
func bestThreshold(all []scored, positives int) (best metrics, threshold float64) {
	threshold = untested
	truePositives, widest := 0, float32(-1)
	for i, s := range all {
		if s.positive {
			truePositives++
		}
		below := float32(0)
		if i+1 < len(all) {
			below = all[i+1].confidence
			if below == s.confidence {
				continue // no threshold lies between the two
			}
		}
		m, gap := figures(truePositives, i+1, positives), s.confidence-below
		if m.F1 > best.F1 || m.F1 == best.F1 && gap > widest {
			best, widest = m, gap
			threshold = between(below, s.confidence)
		}
	}
	return best, threshold
}

// between returns the threshold, 0 to 1, that counts high and not low.
func between(low, high float32) float64 {
	if middle := low + (high-low)/2; middle > low {
		return float64(middle) / 100
	}
	return float64(high) / 100
}

// counts reports whether a detection of a confidence is counted under an
// assumed threshold.
func counts(confidence float32, threshold float64) bool {
	return confidence >= customlabels.Confidence(threshold)
}

func figures(truePositives, predicted, positives int) metrics {
	if truePositives == 0 {
		return metrics{}
	}
	p, r := float64(truePositives)/float64(predicted), float64(truePositives)/float64(positives)
	return metrics{Precision: p, Recall: r, F1: 2 * p * r / (p + r)}
}

// confusion computes the matrix of a single-label model, each row divided by
// the test images of its label.
func confusion(labels int, predictions []prediction) [][]float64 {
	matrix := make([][]float64, labels)
	for i := range matrix {
		matrix[i] = make([]float64, labels)
	}
	images := make([]int, labels)
	for _, p := range predictions {
		if len(p.truth) != 1 {
			continue // of a label that the model does not know
		}
		images[p.truth[0]]++
		matrix[p.truth[0]][mostConfident(p.confidence)]++
	}
	for i, row := range matrix {
		for j := range row {
			if images[i] > 0 {
				row[j] /= float64(images[i])
			}
		}
	}
	return matrix
}

func mostConfident(confidence []float32) int {
	best := 0
	for i, c := range confidence {
		if c > confidence[best] {
			best = i
		}
	}
	return best
}
