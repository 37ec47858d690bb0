package classifier

import "mimeo/internal/family"

// decoded is what one worker needs to decode and describe an image of the
// largest size.
const decoded = 96 << 20

// memory is how many bytes a training takes at most: the sampled descriptors
// or, later, the features of all images with the kernel of the head, its
// factors and its solutions, or with a network.
func (c *Classifier) memory(req family.TrainRequest) int64 {
	n, labels := int64(len(req.Examples)), int64(len(req.Labels))
	m := min(n, int64(c.mostLandmarks()))
	samples := 2 * 4 * int64(sampled) * int64(sampleWidth())
	features := 4 * int64(featureDim()) * (n + 2*labels)
	head := 8 * (n*m + 4*m*m + 6*n*labels)
	return int64(c.workers())*decoded + max(samples, features+max(head, c.networks(req)))
}

// networks is what the training of one of the committee takes.
func (c *Classifier) networks(req family.TrainRequest) int64 {
	r := c.recipe()
	if !r.enough(len(req.Examples), len(req.Labels)) {
		return 0
	}
	g, _ := r.graph(len(req.Labels))
	return g.TrainingMemory(c.options(r))
}
