package parts

import (
	"image"
	"math/rand/v2"
)

// Uncompressed draws a scene, before it becomes a JPEG, with one of its objects
// painted a flat green, or none where object is negative.
func Uncompressed(seed uint64, n, object int) image.Image {
	rng := rand.New(rand.NewPCG(seed, stream("scene", n)))
	f := newFilm(SceneWidth, SceneHeight)
	s, _ := arrange(&f, rng)
	if object >= 0 {
		s.bodies[object].material = material{colour: vec{0, 1.5, 0}, gloss: 90}
	}
	return f.take(&s, rng)
}
