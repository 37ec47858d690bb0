package parts

import (
	"bytes"
	"math/rand/v2"
)

// PaintedScene draws a scene with one of its objects painted a flat green.
func PaintedScene(seed uint64, n, object int) ([]byte, error) {
	rng := rand.New(rand.NewPCG(seed, stream("scene", n)))
	f := newFilm(SceneWidth, SceneHeight)
	s, _ := arrange(&f, rng)
	s.bodies[object].material = material{colour: vec{0, 1.5, 0}, gloss: 90}
	var file bytes.Buffer
	err := f.photograph(&s, rng, &file)
	return file.Bytes(), err
}
