package classifier

import (
	"slices"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

// augmenting is how images are changed that networks learn from: little, since
// they learn for a short time.
var augmenting = pixel.Augmenting{
	Crop: 0.7, Stretch: 4.0 / 3, Turn: 10,
	Colour: pixel.Colour{Brightness: 0.1, Contrast: 0.1, Saturation: 0.1},
}

// A lesson teaches image-level labels. It implements network.Lesson.
type lesson struct {
	examples []family.Example
	loss     func(logits []float32, target nn.Target, gradient []float32) float64
	labels   [][]int // by place in the batch
}

func newLesson(req family.TrainRequest, batch int) *lesson {
	l := &lesson{examples: req.Examples, loss: nn.SoftmaxCrossEntropy, labels: make([][]int, batch)}
	if req.Task == family.MultiLabel {
		l.loss = nn.SigmoidCrossEntropy
	}
	return l
}

// Draw renders an augmented example.
func (l *lesson) Draw(d *network.Draft) error {
	m, err := d.Image()
	if err != nil {
		return err
	}
	augmenting.Draw(d.Key).Render(d.Renderer, d.Tensor, m, m.Bounds(), network.Normal)
	l.labels[d.Place] = l.examples[d.Example].Labels
	return nil
}

// Loss is the cross-entropy.
func (l *lesson) Loss(place int, outputs, gradients []*nn.Tensor, at int) float64 {
	target := func(label int) float64 {
		if slices.Contains(l.labels[place], label) {
			return 1
		}
		return 0
	}
	return l.loss(outputs[0].At(at, 0, 0), target, gradients[0].At(at, 0, 0))
}
