package classifier

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

// A committee are networks of one architecture whose logits are averaged. Each
// has learned from other examples (Krogh and Vedelsby 1995, "Neural network
// ensembles, cross validation, and active learning").
type committee struct {
	architecture
	labels  int
	weights []*nn.Weights
	members []*nn.Model
	eye     network.Eye
}

func newCommittee(a architecture, labels int, weights ...*nn.Weights) *committee {
	c := &committee{architecture: a, labels: labels, weights: weights, eye: network.Eye{Width: a.side, Height: a.side}}
	for _, w := range weights {
		graph, out := c.graph(c.labels)
		c.members = append(c.members, nn.NewModel(graph, w, nil, out))
	}
	return c
}

// join takes the members of another committee in.
func (c *committee) join(other *committee) {
	c.weights, c.members = append(c.weights, other.weights...), append(c.members, other.members...)
}

// outputs returns the mean logit of each label.
func (c *committee) outputs(m *pixel.Image) []float64 {
	sum := make([]float64, c.labels)
	c.eye.Look(m, pixel.View{Window: m.Bounds()}, func(fill func(*nn.Tensor)) {
		for _, member := range c.members {
			member.Infer(fill, func(outputs []*nn.Tensor) {
				for l, v := range outputs[0].At(0, 0, 0) {
					sum[l] += float64(v)
				}
			})
		}
	})
	for l := range sum {
		sum[l] /= float64(len(c.members))
	}
	return sum
}

// A recipe is how committees are made.
type recipe struct {
	architecture
	folds   int // and members
	least   int // examples that are enough data
	perName int // the same, for each label
	batch   int
	rate    float64
	// A member sees so many images, and so many more for each example of the
	// training.
	images, perExample int
	// shares are what the networks' part of the outputs is chosen from.
	shares []float64
}

// standard was chosen by held-out predictions within training sets
// (docs/decisions/0032-networks-beside-fisher-vectors.md).
var standard = recipe{
	architecture: architecture{side: 64, width: 16, stages: 4},
	folds:        3, least: 100, perName: 10, batch: 16, rate: 3e-3, images: 4000, perExample: 10,
	shares: []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1},
}

// enough reports whether there is enough data for networks.
func (r recipe) enough(examples, labels int) bool {
	return examples >= r.least && examples >= r.perName*labels
}

// steps is how many a member makes. It is a matter of the data alone.
func (r recipe) steps(examples int) int {
	return (r.images + r.perExample*examples + r.batch - 1) / r.batch
}

const shard = 8 // images that are normalised together

// committee trains the networks, each on all examples but a fold, and asks each
// about the examples of its fold. Where the first of them has no share beside the
// outputs of the regression there are no others, and no committee.
func (t *training) committee(ctx context.Context, foldOut [][]float64) (c *committee, heldOut [][]float64, err error) {
	r := t.family.recipe()
	heldOut = make([][]float64, len(t.fold))
	c = newCommittee(r.architecture, len(t.Labels))
	for k := range r.folds {
		w, err := t.course(r, k).Run(ctx, t.slice)
		if err != nil {
			return nil, nil, err
		}
		member := newCommittee(r.architecture, len(t.Labels), w)
		if err := t.holdOut(ctx, member, k, heldOut); err != nil {
			return nil, nil, err
		}
		c.join(member)
		if k == 0 && t.isIdle(foldOut, heldOut) {
			t.slice.Skip((r.folds-1)*r.steps(len(t.fold)), family.Progress{Phase: "leaving networks out"})
			return nil, nil, nil
		}
	}
	return c, heldOut, nil
}

// isIdle reports whether networks have no share, by the outputs for the first fold.
func (t *training) isIdle(foldOut, heldOut [][]float64) bool {
	first := truth{names: len(t.Labels), multi: t.Task == family.MultiLabel}
	var regression, networks [][]float64
	examples, _ := splitFold(t.fold, 0)
	for _, i := range examples {
		first.labels = append(first.labels, t.Examples[i].Labels)
		regression, networks = append(regression, foldOut[i]), append(networks, heldOut[i])
	}
	return first.share(regression, networks, t.family.recipe().shares) == 0
}

// options are how networks are trained.
func (c *Classifier) options(r recipe) nn.TrainOptions {
	return nn.TrainOptions{Batch: r.batch, Shard: shard, Workers: c.workers(), Optimizer: nn.AdamW{Decay: 0.05}, Clip: 5}
}

// course is what the kth network is taught: all examples that are not in the kth fold.
func (t *training) course(r recipe, k int) *network.Course {
	graph, out := r.graph(len(t.Labels))
	c := &network.Course{
		Graph: graph, Outputs: []nn.Node{out},
		Options: t.family.options(r),
		Steps:   r.steps(len(t.Examples)),
		Seed:    t.Seed + uint64(k),
		Images:  t.images,
		Lesson:  newLesson(t.TrainRequest, r.batch),
		Key:     sha256.Sum256(fmt.Appendf(nil, "%x %+v %d", t.fingerprint, r, k)),
		Phase:   fmt.Sprintf("training network %d of %d", k+1, r.folds),
		Scratch: t.Scratch, File: fmt.Sprintf("network-%d", k+1),
	}
	c.Rate = func(step int) float64 { return r.rate * nn.OneCycle(step, c.Steps) }
	_, c.Chosen = splitFold(t.fold, k)
	return c
}

// folds deals the examples out, those with the same labels evenly, and returns
// the fold of each.
func (t *training) folds(folds int) []int {
	order := rand.New(rand.NewPCG(t.Seed, 0x666f6c64)).Perm(len(t.Examples))
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(t.Examples[a].Labels, t.Examples[b].Labels) })
	out := make([]int, len(order))
	for at, i := range order {
		out[i] = at % folds
	}
	return out
}

// holdOut sets the outputs for the examples of a fold, which the networks have not
// learned from.
func (t *training) holdOut(ctx context.Context, c *committee, fold int, outputs [][]float64) error {
	examples, _ := splitFold(t.fold, fold)
	return t.slice.Each(ctx, examples, t.family.workers(), func(i int) error {
		m, err := t.images.Image(i)
		if err != nil {
			return err
		}
		outputs[i] = c.outputs(m)
		return nil
	})
}
