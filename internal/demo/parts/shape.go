package parts

import (
	"math"
	"math/rand/v2"
)

// A shape is a signed distance function (Hart 1996, "Sphere tracing"): it
// never returns more than the distance from p to the surface, and less than
// zero inside. A shape stands along the z axis, centred, within a cylinder of
// the given radius and half height.
type shape struct {
	distance     func(p vec) float64
	radius, half float64
}

// bound returns the radius of a sphere around the shape.
func (s shape) bound() float64 { return hypot(s.radius, s.half) }

// shapeOf makes a part with proportions of its own.
func shapeOf(rng *rand.Rand, kind Kind) shape {
	switch kind {
	case Washer:
		return washer(rng)
	case Nut:
		return nut(rng)
	case Bolt:
		return bolt(rng)
	case Gear:
		return gear(rng)
	default:
		return spring(rng)
	}
}

// extrude gives a flat outline with distance d a thickness and round edges.
func extrude(d, z, half, round float64) float64 {
	x, y := d+round, math.Abs(z)-half+round
	return min(max(x, y), 0) + hypot(max(x, 0), max(y, 0)) - round
}

// hexagon is the distance from a regular hexagon with inner radius r.
func hexagon(x, y, r float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	return max(y, 0.8660254*x+0.5*y) - r
}

// washer is a flat ring; one in four is a spring washer with a slit.
func washer(rng *rand.Rand) shape {
	hole := between(rng, 0.54, 0.72)
	half := between(rng, 0.03, 0.08)
	slit := 0.0
	if rng.IntN(4) == 0 {
		slit, half, hole = between(rng, 0.03, 0.07), between(rng, 0.07, 0.11), between(rng, 0.6, 0.7)
	}
	middle, width := (1+hole)/2, (1-hole)/2
	return shape{radius: 1, half: half + 0.2*slit, distance: func(p vec) float64 {
		flat := math.Abs(hypot(p.x, p.y)-middle) - width
		if slit == 0 {
			return extrude(flat, p.z, half, 0.02)
		}
		// The ends of a spring washer stand apart.
		flat = max(flat, slit-max(math.Abs(p.y), -p.x))
		return 0.9 * extrude(flat, p.z-slit*math.Atan2(p.y, -p.x)*0.3, half, 0.02)
	}}
}

// nut is a hexagonal prism with chamfered corners and a threaded bore.
func nut(rng *rand.Rand) shape {
	const across = 0.866 // half the width across flats
	half := between(rng, 0.34, 0.5)
	bore := between(rng, 0.4, 0.5)
	threads := between(rng, 6, 9)
	return shape{radius: 1, half: half, distance: func(p vec) float64 {
		r := hypot(p.x, p.y)
		body := extrude(hexagon(p.x, p.y, across), p.z, half, 0.02)
		body = max(body, 0.8*(r+0.75*math.Abs(p.z)-across*1.15-0.75*half+0.08))
		if r > bore+0.15 {
			return body
		}
		thread := 0.035 * math.Sin(2*math.Pi*threads*p.z+math.Atan2(p.y, p.x))
		opening := bore - r + thread - 0.1*smoothstep(half-0.1, half, math.Abs(p.z))
		return max(body, 0.6*opening)
	}}
}

// bolt is a head and a threaded shank along z: a hexagonal head, or a round
// one with a hexagonal socket.
func bolt(rng *rand.Rand) shape {
	length := between(rng, 1, 1.35) // half of the whole
	shank := between(rng, 0.2, 0.28)
	head := between(rng, 0.38, 0.48)
	thick := between(rng, 0.14, 0.22) // half of the head's
	plain := between(rng, 0.3, 0.8)   // length without thread
	pitch := between(rng, 0.1, 0.13)
	socket := rng.IntN(4) == 0
	if socket {
		head, thick = between(rng, 0.36, 0.44), between(rng, 0.2, 0.28)
	}
	from := length - 2*thick // where the head begins
	return shape{radius: head * 1.15, half: length, distance: func(p vec) float64 {
		r := hypot(p.x, p.y)
		depth := 0.0
		if p.z < from-plain {
			turn := p.z/pitch - math.Atan2(p.y, p.x)/(2*math.Pi)
			depth = 0.045 * 2 * math.Abs(turn-math.Round(turn))
		}
		tip := 0.08 * smoothstep(length-0.12, length, -p.z)
		rod := max(r-shank+depth+tip, math.Abs(p.z)-length)
		z := p.z - from - thick
		var top float64
		if socket {
			top = extrude(r-head, z, thick, 0.03)
			top = max(top, -max(hexagon(p.x, p.y, head*0.5), 0.1-z))
		} else {
			top = extrude(hexagon(p.x, p.y, head), z, thick, 0.015)
			top = max(top, 0.8*(r+0.6*z-head*1.08-0.6*thick+0.05))
		}
		return min(0.75*rod, top)
	}}
}

// gear is a spur gear with a bore, and sometimes a hub, a keyway and
// lightening holes.
func gear(rng *rand.Rand) shape {
	teeth := float64(9 + rng.IntN(12))
	half := between(rng, 0.1, 0.26)
	root := 1 - between(rng, 2.0, 2.6)/teeth
	tooth := 0.95 / teeth * math.Pi / 2 // half the width of a tooth at its root
	bore := between(rng, 0.14, 0.3)
	hub := rng.IntN(2) == 0
	keyway := rng.IntN(2) == 0
	holes := float64(rng.IntN(3) * 2) // none, two … times two
	if holes > 0 {
		holes += 2
	}
	sector := 2 * math.Pi / teeth
	ring := (root + bore + 0.1) / 2
	return shape{radius: 1, half: half * 1.4, distance: func(p vec) float64 {
		r, angle := hypot(p.x, p.y), math.Atan2(p.y, p.x)
		sin, cos := math.Sincos(angle - sector*math.Round(angle/sector))
		x, y := r*cos, math.Abs(r*sin)
		outline := min(r-root, max(x-1, 0.93*(y-tooth*1.25+0.4*(x-root))))
		if holes > 0 {
			span := 2 * math.Pi / holes
			sin, cos := math.Sincos(angle - span*math.Round(angle/span))
			outline = max(outline, (root-bore-0.1)*0.3-hypot(r*cos-ring, r*sin))
		}
		body := extrude(outline, p.z, half, 0.015)
		if hub {
			body = min(body, extrude(r-bore-0.14, p.z, half*1.4, 0.02))
		}
		body = max(body, bore-r)
		if keyway {
			body = max(body, -max(math.Abs(p.y)-0.06, math.Abs(p.x-bore)-0.08))
		}
		return 0.9 * body
	}}
}

// spring is a coil of round wire along z.
func spring(rng *rand.Rand) shape {
	turns := math.Round(between(rng, 4, 8))
	radius := between(rng, 0.4, 0.56)
	wire := between(rng, 0.05, 0.085)
	half := between(rng, 0.8, 1.3)
	pitch := max(2*half/turns, 3.2*wire)
	half = pitch * turns / 2
	return shape{radius: radius + wire, half: half + wire, distance: func(p vec) float64 {
		angle := math.Atan2(p.y, p.x) / (2 * math.Pi)
		turn := clamp(math.Round(p.z/pitch-angle), -turns/2, turns/2)
		return 0.85*hypot(hypot(p.x, p.y)-radius, p.z-pitch*(turn+angle)) - 0.85*wire
	}}
}
