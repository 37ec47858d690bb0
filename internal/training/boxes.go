package training

import (
	"cmp"
	"math"
	"slices"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// An area is a labelled box in whole pixels of an image as it is stored: what
// manifests and snapshots hold.
type area struct{ Label, Left, Top, Width, Height int }

// box is where an area is in a stored image of w×h pixels.
func (a area) box(w, h int) family.Box {
	x, y := float64(w), float64(h)
	return family.Box{Label: a.Label, Left: float64(a.Left) / x, Top: float64(a.Top) / y, Width: float64(a.Width) / x, Height: float64(a.Height) / y}
}

// areaOf is the inverse, in whole pixels: what a snapshot can show of a box. No
// area is empty.
func areaOf(b family.Box, w, h int) area {
	left, right := pixels(b.Left, w), pixels(b.Left+b.Width, w)
	top, bottom := pixels(b.Top, h), pixels(b.Top+b.Height, h)
	return area{b.Label, left, top, max(right-left, 1), max(bottom-top, 1)}
}

func pixels(ratio float64, of int) int { return int(math.Round(ratio * float64(of))) }

// iou is the overlap of two areas: the intersection over the union.
func (a area) iou(b area) float64 {
	w := min(a.Left+a.Width, b.Left+b.Width) - max(a.Left, b.Left)
	h := min(a.Top+a.Height, b.Top+b.Height) - max(a.Top, b.Top)
	if w <= 0 || h <= 0 {
		return 0
	}
	return float64(w*h) / float64(a.Width*a.Height+b.Width*b.Height-w*h)
}

// A found is an area in which a model sees an object.
type found struct {
	area
	Confidence float32 // percent
}

// foundIn is what a model said of an image, which o turns upright and which is
// stored in w×h pixels.
func foundIn(p family.Prediction, o pixel.Orientation, w, h int) []found {
	all := make([]found, len(p.Objects))
	for i, object := range p.Objects {
		all[i] = found{areaOf(object.Stored(o), w, h), customlabels.Confidence(object.Confidence)}
	}
	return all
}

// A sighting is what a detector found in one test image, and what is there.
type sighting struct {
	truth []area // those of labels that the model knows
	found []found
	// right has, for each found, whether it is an object of the truth, at
	// whatever confidence. evaluateBoxes fills it.
	right []bool
}

// matchIoU is the overlap from which a found box has found an object.
const matchIoU = 0.5

// evaluateBoxes computes the figures of AWS's evaluation of a detector. The
// unit of counting is a box. A found box is right where it overlaps an object
// of its label by an IoU of at least 0.5, and no more confident one has the
// object; of several objects it has the one that it overlaps most. That is the
// matching of COCO and, but for its last rule, of PASCAL VOC.
//
// A label's average precision is the area under its precision, made falling,
// over its recall, at all its points (VOC from 2010 on); its maximal recall is
// that of all found boxes together. Their means over the labels are mAP and
// mAR. Precision, recall, F1 and their means are those of evaluate.
//
// Everingham and others: The PASCAL Visual Object Classes Challenge: A
// Retrospective, IJCV 2015, section 2.2; https://cocodataset.org/#detection-eval
func evaluateBoxes(labels int, sightings []sighting) evaluation {
	for i := range sightings {
		sightings[i].right = make([]bool, len(sightings[i].found))
	}
	results := make([]labelResult, labels)
	var all []scored
	for label := range results {
		r := labelResult{Label: label, Threshold: untested}
		boxes := 0
		for _, s := range sightings {
			if n := s.shown(label); n > 0 {
				r.Images++
				boxes += n
			}
		}
		said := match(label, sightings)
		if boxes > 0 {
			r.metrics, r.Threshold = bestThreshold(said, boxes)
			r.AveragePrecision, r.MaxRecall = averagePrecision(said, boxes)
		}
		results[label] = r
		all = append(all, said...)
	}
	e := summarise(results)
	e.sightings, e.ReliabilityError = sightings, reliabilityError(all)
	return e
}

// shown is how many objects of a label an image shows.
func (s sighting) shown(label int) (n int) {
	for _, a := range s.truth {
		if a.Label == label {
			n++
		}
	}
	return n
}

// match gives the objects of a label to the found boxes, the most confident
// first, and returns these in that order.
func match(label int, sightings []sighting) []scored {
	type place struct{ image, found int }
	var places []place
	for i, s := range sightings {
		for k, f := range s.found {
			if f.Label == label {
				places = append(places, place{i, k})
			}
		}
	}
	confidence := func(p place) float32 { return sightings[p.image].found[p.found].Confidence }
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(confidence(b), confidence(a)) })
	taken := map[place]bool{} // places of objects
	said := make([]scored, len(places))
	for n, p := range places {
		s := sightings[p.image]
		best, overlap := -1, matchIoU
		for k, object := range s.truth {
			if object.Label != label || taken[place{p.image, k}] {
				continue
			}
			if o := s.found[p.found].iou(object); o > overlap || o == overlap && best < 0 {
				best, overlap = k, o
			}
		}
		if best >= 0 {
			taken[place{p.image, best}] = true
			s.right[p.found] = true
		}
		said[n] = scored{confidence(p), best >= 0}
	}
	return said
}

// averagePrecision integrates the precision over the recall, and returns the
// recall that is reached in the end. Equal confidences are one point.
func averagePrecision(said []scored, boxes int) (average, recall float64) {
	type point struct{ precision, recall float64 }
	var curve []point
	truePositives := 0
	for i, s := range said {
		if s.positive {
			truePositives++
		}
		if i+1 == len(said) || said[i+1].confidence != s.confidence {
			recall = float64(truePositives) / float64(boxes)
			curve = append(curve, point{float64(truePositives) / float64(i+1), recall})
		}
	}
	best := 0.0 // precision at this recall or a higher one
	for i, p := range slices.Backward(curve) {
		best = max(best, p.precision)
		before := 0.0
		if i > 0 {
			before = curve[i-1].recall
		}
		average += best * (p.recall - before)
	}
	return average, recall
}
