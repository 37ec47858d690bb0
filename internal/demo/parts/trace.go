package parts

import "math"

// local returns a point in the body's own coordinates.
func (b *body) local(p vec) vec { return b.pose.in(p.sub(b.centre)).scale(1 / b.size) }

// span returns where a ray enters and leaves the sphere around the body.
func (b *body) span(from, d vec) (near, far float64, ok bool) {
	to := b.centre.sub(from)
	along := to.dot(d)
	inside := b.reach*b.reach - (to.dot(to) - along*along)
	if inside <= 0 {
		return 0, 0, false
	}
	half := math.Sqrt(inside)
	return max(along-half, 0), along + half, along+half > 0
}

// Limits of a march along a ray: its steps, and the distance, relative to the
// body's size, that counts as touching.
const (
	maxSteps = 90
	touching = 0.0015
)

// meet returns how far along the ray the body's surface is.
func (b *body) meet(from, d vec) (float64, bool) {
	near, far, ok := b.span(from, d)
	if !ok {
		return 0, false
	}
	p := b.local(from)
	ray := b.pose.in(d)
	t, end := near/b.size, far/b.size
	for range maxSteps {
		gap := b.distance(p.add(ray.scale(t)))
		if gap < touching {
			return t * b.size, true
		}
		if t += gap; t > end {
			break
		}
	}
	return 0, false
}

// normal returns the unit normal at a point of the surface, in world
// coordinates: the gradient over a tetrahedron.
func (b *body) normal(at vec) vec {
	const e = 0.002
	p := b.local(at)
	var n vec
	for _, k := range [4]vec{{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}} {
		n = n.add(k.scale(b.distance(p.add(k.scale(e)))))
	}
	if n.length() == 0 {
		return vec{0, 0, 1}
	}
	return b.pose.out(n.unit())
}

// lit returns the share of the main light that the body lets through to p: a
// soft shadow by the narrowest cone along the ray.
func (b *body) lit(p, sun vec, soft float64) float64 {
	near, far, ok := b.span(p, sun)
	if !ok {
		return 1
	}
	from := b.local(p)
	ray := b.pose.in(sun)
	share := 1.0
	t, end := max(near/b.size, 0.03), far/b.size
	for range maxSteps / 2 {
		gap := b.distance(from.add(ray.scale(t)))
		if gap < touching {
			return 0
		}
		share = min(share, soft*gap/t)
		if t += max(gap, 0.02); t > end {
			break
		}
	}
	return clamp(share, 0, 1)
}

// open returns how much of the sky above p the body leaves free.
func (b *body) open(p, n vec) float64 {
	if p.sub(b.centre).length() > b.reach*1.6 {
		return 1
	}
	free := 1.0
	for _, step := range [2]float64{0.12, 0.35} {
		gap := b.distance(b.local(p.add(n.scale(step*b.size)))) * b.size
		free -= 0.55 * clamp(1-gap/(step*b.size), 0, 1)
	}
	return max(free, 0.15)
}

// nothing is the index of no body.
const nothing = -1

// trace returns the light along a ray, and the body that it met.
func (s *scene) trace(from, d vec) (vec, int) {
	first, at := nothing, math.Inf(1)
	for i := range s.bodies {
		if t, ok := s.bodies[i].meet(from, d); ok && t < at {
			first, at = i, t
		}
	}
	if d.z < 0 {
		if t := -from.z / d.z; t < at {
			return s.ground(from.add(d.scale(t))), nothing
		}
	}
	if first == nothing {
		return s.sky.seen(d), nothing
	}
	p := from.add(d.scale(at))
	return s.shade(&s.bodies[first], p, d), first
}

// ground returns the light from a point of the bench.
func (s *scene) ground(p vec) vec {
	up := vec{0, 0, 1}
	sun, free := s.reaching(p, up)
	light := s.sunlit.scale(sun * s.sun.z).add(s.sky.zenith.scale(free))
	return s.bench(p.x, p.y).mul(light)
}

// shade returns the light from a point of a body, seen along d.
func (s *scene) shade(b *body, p, d vec) vec {
	n := b.normal(p)
	colour, metal := b.at(b.local(p))
	sun, free := s.reaching(p.add(n.scale(0.01)), n)
	facing := max(n.dot(s.sun), 0) * sun
	around := s.sky.bench.mix(s.sky.zenith, 0.5+0.5*n.z).scale(free)
	scattered := colour.mul(s.sunlit.scale(facing).add(around)).scale(1 - metal)
	bounce := d.mirror(n)
	mirrored := colour.mul(s.sky.seen(bounce)).scale(metal * (0.35 + 0.65*free))
	glint := math.Pow(max(bounce.dot(s.sun), 0), b.gloss) * sun * (0.3 + metal)
	return scattered.add(mirrored).add(s.sunlit.mul(colour.mix(vec{1, 1, 1}, 0.4)).scale(glint))
}

// reaching returns the shares of the main light and of the sky at a point.
func (s *scene) reaching(p, n vec) (sun, free float64) {
	sun, free = 1, 1
	for i := range s.bodies {
		b := &s.bodies[i]
		if sun > 0 {
			sun = min(sun, b.lit(p, s.sun, s.soft))
		}
		free = min(free, b.open(p, n))
	}
	return sun, free
}
