package parts

import (
	"math"
	"math/rand/v2"
)

// A vec is a point, a direction or a linear RGB colour.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec            { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec            { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) mul(b vec) vec            { return vec{a.x * b.x, a.y * b.y, a.z * b.z} }
func (a vec) scale(s float64) vec      { return vec{a.x * s, a.y * s, a.z * s} }
func (a vec) dot(b vec) float64        { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) length() float64          { return math.Sqrt(a.dot(a)) }
func (a vec) unit() vec                { return a.scale(1 / a.length()) }
func (a vec) mix(b vec, t float64) vec { return a.add(b.sub(a).scale(t)) }
func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// mirror reflects the direction a at a surface with unit normal n.
func (a vec) mirror(n vec) vec { return a.sub(n.scale(2 * a.dot(n))) }

// A frame is an orthonormal basis: the rows of a rotation.
type frame struct{ u, v, w vec }

// in turns a world direction into the frame's coordinates, out does the
// reverse.
func (f frame) in(d vec) vec  { return vec{f.u.dot(d), f.v.dot(d), f.w.dot(d)} }
func (f frame) out(d vec) vec { return f.u.scale(d.x).add(f.v.scale(d.y)).add(f.w.scale(d.z)) }

// frameAlong returns a frame whose w axis is along axis, turned by angle about
// it.
func frameAlong(axis vec, angle float64) frame {
	w := axis.unit()
	side := vec{1, 0, 0}
	if math.Abs(w.x) > 0.8 {
		side = vec{0, 1, 0}
	}
	u := side.cross(w).unit()
	v := w.cross(u)
	sin, cos := math.Sincos(angle)
	return frame{u: u.scale(cos).add(v.scale(sin)), v: v.scale(cos).sub(u.scale(sin)), w: w}
}

// polar returns a unit direction from azimuth and elevation in radians.
func polar(azimuth, elevation float64) vec {
	sinA, cosA := math.Sincos(azimuth)
	sinE, cosE := math.Sincos(elevation)
	return vec{cosA * cosE, sinA * cosE, sinE}
}

func clamp(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

// hypot is math.Hypot without its care for overflow, and several times faster.
func hypot(x, y float64) float64 { return math.Sqrt(x*x + y*y) }

// smoothstep rises from 0 at lo to 1 at hi.
func smoothstep(lo, hi, x float64) float64 {
	t := clamp((x-lo)/(hi-lo), 0, 1)
	return t * t * (3 - 2*t)
}

// between draws a number uniformly from [lo, hi).
func between(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

func degrees(d float64) float64 { return d * math.Pi / 180 }
