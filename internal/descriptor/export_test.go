package descriptor

// BoxSum, for its test against the plain sum.
func BoxSum(v []int32, w, h, size int) { newBox(w, h, size).sum(v) }

// Round is one round of expectation maximisation.
func (g *GMM) Round(s *Set) *GMM { return g.maximise(g.collect(s, false), s.Len(), floors(s)) }

// Start is where the rounds start.
func Start(s *Set, k int, seed uint64) *GMM { return start(s, k, floors(s), seed) }
