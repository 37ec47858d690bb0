package descriptor

// A Set is many descriptors of one length, row by row.
type Set struct {
	Dim  int
	Data []float32 // Dim values a descriptor
}

// Len is the number of descriptors.
func (s *Set) Len() int {
	if s.Dim == 0 {
		return 0
	}
	return len(s.Data) / s.Dim
}

// Row returns the i-th descriptor; it shares memory with the set.
func (s *Set) Row(i int) []float32 { return s.Data[i*s.Dim : (i+1)*s.Dim : (i+1)*s.Dim] }

// slice returns the descriptors from to to; they share memory with s.
func (s *Set) slice(from, to int) *Set {
	return &Set{Dim: s.Dim, Data: s.Data[from*s.Dim : to*s.Dim]}
}

// A Point is where the centre of a descriptor lies in its picture: from -0.5
// at the left or upper edge to 0.5 at the other one.
type Point struct{ X, Y float32 }

// WithPlace returns s with the two coordinates of each descriptor, times weight,
// appended: a cheap stand-in for a spatial pyramid (Sánchez, Perronnin and de Campos,
// "Modeling the spatial layout of images beyond spatial pyramids", 2012).
func WithPlace(s *Set, at []Point, weight float32) *Set {
	out := &Set{Dim: s.Dim + 2, Data: make([]float32, 0, s.Len()*(s.Dim+2))}
	for i, p := range at {
		out.Data = append(out.Data, s.Row(i)...)
		out.Data = append(out.Data, float32(weight*p.X), float32(weight*p.Y))
	}
	return out
}
