package parts

import (
	"math"
	"math/rand/v2"
)

// A body is a shape that was put somewhere. size scales the shape.
type body struct {
	shape
	material
	centre vec
	pose   frame
	size   float64
	reach  float64 // radius of a sphere around it
}

// A scene is everything in front of the camera. The bench is the plane z = 0.
type scene struct {
	bodies []body // the parts first, then clutter
	bench  surface
	sun    vec     // unit direction towards the main light
	sunlit vec     // its colour
	soft   float64 // the larger, the sharper its shadows
	sky    sky
	eye    vec
	view   frame // u right, v up, w towards the scene
	zoom   float64
}

// compose arranges a scene around one part.
func compose(rng *rand.Rand, kind Kind) scene {
	s := scene{bench: benchTop(rng)}
	part := body{shape: shapeOf(rng, kind), material: finish(rng), size: between(rng, 0.8, 1.2)}
	part.drop(rng, kind)
	part.centre.x, part.centre.y = between(rng, -0.3, 0.3), between(rng, -0.3, 0.3)
	s.bodies = append(s.bodies, part)
	for range rng.IntN(3) {
		s.bodies = append(s.bodies, clutter(rng, part))
	}
	s.light(rng)
	s.aim(rng)
	return s
}

// drop puts a part on the bench as it would come to lie there.
func (b *body) drop(rng *rand.Rand, kind Kind) {
	if kind == Bolt || kind == Spring {
		b.lie(rng)
	} else {
		b.rest(rng)
	}
}

// rest lays a flat part on the bench, or leans it on something unseen.
func (b *body) rest(rng *rand.Rand) {
	tilt := degrees(between(rng, 0, 4))
	if rng.IntN(4) == 0 {
		tilt = degrees(between(rng, 4, 25))
	}
	up := polar(between(rng, 0, 2*math.Pi), math.Pi/2-tilt)
	b.settle(frameAlong(up, between(rng, 0, 2*math.Pi)))
}

// lie lays a long part on its side.
func (b *body) lie(rng *rand.Rand) {
	axis := polar(between(rng, 0, 2*math.Pi), degrees(between(rng, -6, 6)))
	b.settle(frameAlong(axis, between(rng, 0, 2*math.Pi)))
}

// settle lowers the body until its cylinder touches the bench.
func (b *body) settle(pose frame) {
	b.pose = pose
	rise := math.Abs(pose.w.z)
	b.centre.z = b.size * (b.half*rise + b.radius*math.Sqrt(1-rise*rise))
	b.reach = b.bound() * b.size
}

// clutter is a ball, a rod or a block near the part, in any colour.
func clutter(rng *rand.Rand, part body) body {
	b := body{size: between(rng, 0.08, 0.24)}
	switch rng.IntN(3) {
	case 0:
		b.shape = shape{radius: 1, half: 1, distance: func(p vec) float64 { return p.length() - 1 }}
	case 1:
		long := between(rng, 2, 7)
		b.shape = shape{radius: 0.4, half: long, distance: func(p vec) float64 {
			return extrude(hypot(p.x, p.y)-0.4, p.z, long, 0.05)
		}}
	default:
		wide, deep, high := between(rng, 0.5, 1.2), between(rng, 0.5, 1.2), between(rng, 0.2, 1.2)
		b.shape = shape{radius: hypot(wide, deep), half: high, distance: func(p vec) float64 {
			return extrude(max(math.Abs(p.x)-wide, math.Abs(p.y)-deep), p.z, high, 0.08)
		}}
	}
	b.material = finish(rng)
	if rng.IntN(2) == 0 { // plastic
		b.colour, b.metal, b.stains = vec{rng.Float64(), rng.Float64(), rng.Float64()}.scale(0.8), 0.12, 0
	}
	if b.half > 1.5 {
		b.lie(rng)
	} else {
		b.settle(frameAlong(vec{0, 0, 1}, between(rng, 0, 2*math.Pi)))
	}
	away := polar(between(rng, 0, 2*math.Pi), 0).scale(part.reach*between(rng, 0.85, 1.15) + b.reach)
	b.centre = b.centre.add(vec{part.centre.x + away.x, part.centre.y + away.y, 0})
	return b
}

// light hangs one main light and the surroundings that metal mirrors.
func (s *scene) light(rng *rand.Rand) {
	s.sun = polar(between(rng, 0, 2*math.Pi), degrees(between(rng, 22, 75)))
	warm := between(rng, -0.18, 0.18)
	s.sunlit = vec{1 + warm, 1, 1 - warm}.scale(between(rng, 1.1, 2.3))
	s.soft = math.Exp(between(rng, math.Log(4), math.Log(40)))
	s.sky = sky{
		zenith:  vec{0.5, 0.55, 0.62}.mul(tint(rng, 0.15)).scale(between(rng, 0.5, 1.2)),
		horizon: vec{0.55, 0.5, 0.45}.mul(tint(rng, 0.2)).scale(between(rng, 0.1, 0.8)),
		bench:   s.bench(0.3, 0.7),
	}
	for range 1 + rng.IntN(3) {
		s.sky.lamps = append(s.sky.lamps, lamp{
			towards: polar(between(rng, 0, 2*math.Pi), degrees(between(rng, 15, 80))),
			size:    between(rng, 0.7, 0.96),
			colour:  tint(rng, 0.2).scale(between(rng, 1, 4)),
		})
	}
}

// aim puts the camera above the bench and lets the part fill 62 to 95 % of
// the frame, not always in its middle.
func (s *scene) aim(rng *rand.Rand) {
	part := s.bodies[0]
	elevation := degrees(between(rng, 55, 88))
	distance := between(rng, 5, 9)
	s.eye = polar(between(rng, 0, 2*math.Pi), elevation).scale(distance)
	off := vec{between(rng, -0.18, 0.18), between(rng, -0.18, 0.18), 0}.scale(part.reach)
	s.view = frameAlong(part.centre.add(off).sub(s.eye), between(rng, 0, 2*math.Pi))
	s.zoom = between(rng, 0.62, 0.95) * distance / part.reach
}

// A sky is what a mirror sees: a gradient, some lamps, and the bench below.
type sky struct {
	zenith, horizon, bench vec
	lamps                  []lamp
}

// A lamp is a soft round light; size is the cosine of half its width.
type lamp struct {
	towards vec
	size    float64
	colour  vec
}

// seen returns the light that comes from direction d.
func (k sky) seen(d vec) vec {
	if d.z < 0 {
		return k.horizon.mix(k.bench, smoothstep(0, 0.15, -d.z))
	}
	c := k.horizon.mix(k.zenith, math.Sqrt(d.z))
	for _, l := range k.lamps {
		c = c.add(l.colour.scale(smoothstep(l.size-0.08, l.size+0.02, d.dot(l.towards))))
	}
	return c
}
