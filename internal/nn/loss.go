package nn

import "math"

// A Target is how probable each class should be; the sum is one.
type Target func(class int) float64

// OneHot is the target that one class is certain.
func OneHot(class int) Target {
	return func(c int) float64 {
		if c == class {
			return 1
		}
		return 0
	}
}

// SoftmaxCrossEntropy returns the cross-entropy of the target and the softmax
// of logits, and sets its gradient.
func SoftmaxCrossEntropy(logits []float32, target Target, gradient []float32) (loss float64) {
	most := logits[0]
	for _, v := range logits {
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - most))
	}
	log := math.Log(sum)
	for c, v := range logits {
		of, p := target(c), float64(v-most)-log
		loss -= of * p
		gradient[c] = float32(math.Exp(p) - of)
	}
	return loss
}

// SigmoidCrossEntropy returns the cross-entropy of each target, 0 to 1, and
// the sigmoid of its logit, summed up, and sets its gradient.
func SigmoidCrossEntropy(logits []float32, target Target, gradient []float32) (loss float64) {
	for c, v := range logits {
		of, x := target(c), float64(v)
		loss += max(x, 0) - x*of + math.Log1p(math.Exp(-math.Abs(x)))
		gradient[c] = float32(1/(1+math.Exp(-x)) - of)
	}
	return loss
}

// Focal returns the focal loss (Lin et al. 2017, arXiv:1708.02002) of a map of centre
// points as Zhou et al. 2019 (arXiv:1904.07850, equation 1) change it, summed
// up, and sets its gradient, scaled. A target of one is a centre; others, the nearer to one,
// the less a high value costs.
func Focal(logits []float32, target []float32, scale float64, gradient []float32) (loss float64) {
	for i, v := range logits {
		l, slope := focal(float64(v), float64(target[i]))
		loss += scale * l
		gradient[i] = float32(scale * slope)
	}
	return loss
}

// focal is the loss at one place with exponents 2 and 4, and its slope.
func focal(x, target float64) (loss, slope float64) {
	p := 1 / (1 + math.Exp(-x))
	log := -math.Log1p(math.Exp(-math.Abs(x))) // the logarithm of p where x is above zero, else of 1-p
	logP, logQ := log+min(x, 0), log-max(x, 0)
	q := 1 - p
	if target >= 1 {
		return -q * q * logP, 2*p*q*q*logP - q*q*q
	}
	far := math.Pow(1-target, 4)
	return -far * p * p * logQ, far * (p*p*p - 2*p*p*q*logQ)
}

// GIoU returns one minus the generalised intersection over union (Rezatofighi
// et al. 2019, arXiv:1902.09630) of two boxes that share a point, given by the
// distances of their sides from it: left, top, right, bottom, all positive. It sets the
// gradient by those of the first.
func GIoU(box, target [4]float64, gradient *[4]float64) (loss float64) {
	width, height := box[0]+box[2], box[1]+box[3]
	area, wanted := width*height, (target[0]+target[2])*(target[1]+target[3])
	var inner, outer [4]float64
	for i := range box {
		inner[i], outer[i] = min(box[i], target[i]), max(box[i], target[i])
	}
	both := (inner[0] + inner[2]) * (inner[1] + inner[3])
	hull := (outer[0] + outer[2]) * (outer[1] + outer[3])
	union := area + wanted - both
	for i := range box {
		across, in, out := height, inner[1]+inner[3], outer[1]+outer[3]
		if i%2 == 1 {
			across, in, out = width, inner[0]+inner[2], outer[0]+outer[2]
		}
		var dBoth, dHull float64
		if box[i] < target[i] {
			dBoth = in
		} else {
			dHull = out
		}
		dUnion := across - dBoth
		// both/union + union/hull - 1
		gradient[i] = -((dBoth*union-both*dUnion)/(union*union) + (dUnion*hull-union*dHull)/(hull*hull))
	}
	return 1 - (both/union + union/hull - 1)
}
