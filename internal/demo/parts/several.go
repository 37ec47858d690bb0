package parts

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
)

// The size of every scene, in pixels.
const (
	SceneWidth  = 320
	SceneHeight = 240
)

// How many parts a scene shows.
const minParts, maxParts = 3, 6

// A Scene is one photograph of several parts that hardly hide one another.
// JPEG holds a baseline JPEG of SceneWidth × SceneHeight pixels.
type Scene struct {
	Name    string // "scene-007.jpg", unique within a set
	Objects []Object
	JPEG    []byte
}

// An Object is one part of a scene. Box is the smallest rectangle, in pixels,
// around all of it that can be seen.
type Object struct {
	Kind Kind
	Box  image.Rectangle
}

// DrawScene renders the n-th scene of a seed. It depends on the two arguments
// alone, as Draw does.
func DrawScene(seed uint64, n int) (Scene, error) {
	rng := rand.New(rand.NewPCG(seed, stream("scene", n)))
	f := newFilm(SceneWidth, SceneHeight)
	s, kinds := arrange(&f, rng)
	var file bytes.Buffer
	if err := f.photograph(&s, rng, &file); err != nil {
		return Scene{}, fmt.Errorf("draw scene %d: %w", n, err)
	}
	drawn := Scene{Name: fmt.Sprintf("scene-%03d.jpg", n), JPEG: file.Bytes()}
	for i, kind := range kinds {
		drawn.Objects = append(drawn.Objects, Object{Kind: kind, Box: f.box(i)})
	}
	return drawn, nil
}

// Scenes draws count scenes, numbered from first, on all cores.
func Scenes(ctx context.Context, seed uint64, first, count int) ([]Scene, error) {
	return drawAll(ctx, count, func(i int) (Scene, error) { return DrawScene(seed, first+i) })
}

// arrange puts several parts on a bench, in front of a film; the kinds are in
// the order of the bodies.
func arrange(f *film, rng *rand.Rand) (s scene, kinds []Kind) {
	s.bench = benchTop(rng)
	s.light(rng)
	s.overlook(rng)
	kinds = s.scatter(f, rng)
	return s, kinds
}

// perUnit is about how many pixels a scene shows of a unit of the bench.
const perUnit = 40

// overlook puts the camera high above the bench.
func (s *scene) overlook(rng *rand.Rand) {
	distance := between(rng, 10, 16)
	s.eye = polar(between(rng, 0, 2*math.Pi), degrees(between(rng, 70, 88))).scale(distance)
	s.view = frameAlong(s.eye.scale(-1), between(rng, 0, 2*math.Pi))
	s.zoom = perUnit * distance / (min(SceneWidth, SceneHeight) / 2)
}

// A place is a disc of the film that a part takes, in pixels.
type place struct{ x, y, radius float64 }

// scatter puts parts of any kind on the bench, each at a place of its own, and
// returns their kinds, in the order of the bodies. Where there is no room for as
// many as it would, they are fewer.
func (s *scene) scatter(f *film, rng *rand.Rand) []Kind {
	var kinds []Kind
	var taken []place
	for range minParts + rng.IntN(maxParts-minParts+1) {
		at, ok := room(taken, rng)
		if !ok {
			continue
		}
		kind := Kinds()[rng.IntN(len(Kinds()))]
		part := body{shape: shapeOf(rng, kind), material: finish(rng)}
		part.size = at.radius / perUnit / part.bound()
		part.drop(rng, kind)
		under := s.under(f, at)
		part.centre.x, part.centre.y = under.x, under.y
		s.bodies = append(s.bodies, part)
		kinds, taken = append(kinds, kind), append(taken, at)
	}
	return kinds
}

// room finds a place that is free and within the picture.
func room(taken []place, rng *rand.Rand) (at place, ok bool) {
	const edge, tries = 8, 200
	for range tries {
		at.radius = between(rng, 33, 46)
		at.x = between(rng, at.radius+edge, SceneWidth-at.radius-edge)
		at.y = between(rng, at.radius+edge, SceneHeight-at.radius-edge)
		if at.free(taken) {
			return at, true
		}
	}
	return place{}, false
}

func (p place) free(taken []place) bool {
	for _, other := range taken {
		if hypot(p.x-other.x, p.y-other.y) < p.radius+other.radius {
			return false
		}
	}
	return true
}

// under returns the point of the bench that a place of the film shows.
func (s *scene) under(f *film, at place) vec {
	ray := f.look(s, at.x, at.y)
	return s.eye.add(ray.scale(-s.eye.z / ray.z))
}
