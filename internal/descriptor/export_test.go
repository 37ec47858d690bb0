package descriptor

import "slices"

// BoxSum, for its test against the plain sum.
func BoxSum(v []uint64, w, h, lanes, size int) []uint64 {
	b := takeBox(w, h, lanes)
	defer b.release()
	copy(b.values, v)
	b.sum(size)
	return slices.Clone(b.values)
}

// Round is one round of expectation maximisation.
func (g *GMM) Round(s *Set) *GMM { return g.maximise(g.collect(s, false), s.Len(), floors(s)) }

// Start is where the rounds start.
func Start(s *Set, k int, seed uint64) *GMM { return start(s, k, floors(s), seed) }
