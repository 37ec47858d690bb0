package parts

import (
	"math"
	"math/rand/v2"
)

// noise is smooth value noise in [0, 1) on an integer lattice.
func noise(x, y, z float64) float64 {
	fx, fy, fz := math.Floor(x), math.Floor(y), math.Floor(z)
	ix, iy, iz := int64(fx), int64(fy), int64(fz)
	x, y, z = fade(x-fx), fade(y-fy), fade(z-fz)
	var layer [2]float64
	for k := range int64(2) {
		a := lattice(ix, iy, iz+k)
		b := lattice(ix+1, iy, iz+k)
		c := lattice(ix, iy+1, iz+k)
		d := lattice(ix+1, iy+1, iz+k)
		layer[k] = a + (b-a)*x + (c-a)*y + (a-b-c+d)*x*y
	}
	return layer[0] + (layer[1]-layer[0])*z
}

func fade(t float64) float64 { return t * t * (3 - 2*t) }

// lattice hashes a lattice point to [0, 1) (the finalizer of SplitMix64).
func lattice(x, y, z int64) float64 {
	h := uint64(x)*0x9E3779B97F4A7C15 ^ uint64(y)*0xC2B2AE3D27D4EB4F ^ uint64(z)*0x165667B19E3779F9
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	return float64((h^h>>31)>>11) / (1 << 53)
}

// clouds adds octaves of noise; its mean is a half.
func clouds(x, y, seed float64, octaves int) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for range octaves {
		sum += weight * noise(x, y, seed)
		total += weight
		x, y, weight, seed = 2.03*x+5.1, 2.03*y+1.7, 0.5*weight, seed+7
	}
	return sum / total
}

// A surface gives the colour of the bench at a point.
type surface func(x, y float64) vec

// benchTop picks one of six surfaces, turned and coloured at random.
func benchTop(rng *rand.Rand) surface {
	seed := between(rng, 0, 1000)
	sin, cos := math.Sincos(between(rng, 0, 2*math.Pi))
	zoom := between(rng, 0.8, 1.6)
	kinds := []func(*rand.Rand, float64) surface{wood, concrete, steelPlate, canvas, cuttingMat, cardboard}
	top := kinds[rng.IntN(len(kinds))](rng, seed)
	mean, wear := average(top), between(rng, 0.2, 0.55)
	return func(x, y float64) vec {
		return top((cos*x-sin*y)*zoom, (sin*x+cos*y)*zoom).mix(mean, wear)
	}
}

// average is about the mean colour of a surface.
func average(s surface) vec {
	const side = 8
	var sum vec
	for i := range side * side {
		sum = sum.add(s(0.37*float64(i%side), 0.41*float64(i/side)))
	}
	return sum.scale(1.0 / (side * side))
}

func wood(rng *rand.Rand, seed float64) surface {
	dark := vec{0.12, 0.055, 0.025}.scale(between(rng, 0.6, 2.2))
	light := vec{0.5, 0.3, 0.16}.scale(between(rng, 0.6, 1.2))
	plank := between(rng, 1.2, 4)
	return func(x, y float64) vec {
		board := math.Floor(y / plank)
		wave := clouds(x*0.4, y*2+board*9, seed, 3)
		rings := 0.5 + 0.5*math.Sin(26*wave+3*y)
		fibre := noise(x*3, y*70, seed)
		c := dark.mix(light, clamp(0.25+0.45*rings+0.4*(fibre-0.5)+0.3*(lattice(int64(board), 3, int64(seed))-0.5), 0, 1))
		return c.scale(1 - 0.7*smoothstep(0.03, 0.01, math.Abs(y-plank*board)))
	}
}

func concrete(rng *rand.Rand, seed float64) surface {
	base := vec{0.36, 0.35, 0.33}.mul(tint(rng, 0.12)).scale(between(rng, 0.4, 1.5))
	return func(x, y float64) vec {
		c := base.scale(0.55 + 0.9*clouds(x*1.3, y*1.3, seed, 5))
		pit := smoothstep(0.78, 0.86, noise(x*9, y*9, seed+3))
		return c.scale(1 - 0.5*pit + 0.25*(noise(x*40, y*40, seed)-0.5))
	}
}

func steelPlate(rng *rand.Rand, seed float64) surface {
	base := vec{0.42, 0.43, 0.45}.mul(tint(rng, 0.1)).scale(between(rng, 0.35, 1.3))
	return func(x, y float64) vec {
		brushed := 0.6*noise(x*1.2, y*45, seed) + 0.4*noise(x*3, y*110, seed)
		scratch := smoothstep(0.012, 0, math.Abs(clouds(x*0.7+y*0.2, y*0.9, seed+9, 2)-0.5))
		return base.scale(0.6 + 0.6*brushed + 0.5*scratch + 0.3*(clouds(x*0.6, y*0.6, seed, 3)-0.5))
	}
}

func canvas(rng *rand.Rand, seed float64) surface {
	base := vec{0.35, 0.35, 0.35}.mul(tint(rng, 0.6)).scale(between(rng, 0.4, 1.4))
	count := between(rng, 9, 18)
	return func(x, y float64) vec {
		u, v := x*count, y*count
		weave := math.Abs(math.Sin(math.Pi*u)) * 0.5
		if (int(math.Floor(u))+int(math.Floor(v)))%2 != 0 {
			weave = math.Abs(math.Sin(math.Pi*v)) * 0.5
		}
		return base.scale(0.5 + weave + 0.5*(clouds(x*1.1, y*1.1, seed, 3)-0.3))
	}
}

func cuttingMat(rng *rand.Rand, seed float64) surface {
	base := vec{0.08, 0.22, 0.17}.mul(tint(rng, 0.7)).scale(between(rng, 0.6, 1.6))
	step := between(rng, 0.5, 1)
	ink := base.mix(vec{0.7, 0.7, 0.6}, between(rng, 0.25, 0.7))
	return func(x, y float64) vec {
		du, dv := math.Abs(x/step-math.Round(x/step)), math.Abs(y/step-math.Round(y/step))
		line := smoothstep(0.03, 0.012, min(du, dv))
		cut := smoothstep(0.01, 0, math.Abs(clouds(x*0.5, y*0.5, seed, 2)-0.45))
		return base.mix(ink, line).scale(0.8 + 0.4*clouds(x*6, y*6, seed, 3) + 0.25*cut)
	}
}

func cardboard(rng *rand.Rand, seed float64) surface {
	base := vec{0.45, 0.31, 0.19}.mul(tint(rng, 0.15)).scale(between(rng, 0.6, 1.4))
	return func(x, y float64) vec {
		flute := 0.06 * math.Sin(22*y)
		speck := smoothstep(0.7, 0.9, noise(x*22, y*30, seed))
		return base.scale(0.75 + flute + 0.5*clouds(x*2, y*5, seed, 4) - 0.25*speck)
	}
}

// tint returns a colour around white.
func tint(rng *rand.Rand, spread float64) vec {
	return vec{1 + between(rng, -spread, spread), 1 + between(rng, -spread, spread), 1 + between(rng, -spread, spread)}
}

// A material is how a solid thing looks: metal mirrors its surroundings in
// its own colour, anything else scatters light.
type material struct {
	colour vec
	metal  float64 // share of mirrored light
	gloss  float64 // exponent of the highlight
	stain  vec     // rust, oil or dust
	stains float64 // share of the surface that is stained
	seed   float64
}

// finish picks what a part is made of; every kind of part comes in all of
// them, so that colour says nothing about shape.
func finish(rng *rand.Rand) material {
	metals := []vec{
		{0.72, 0.72, 0.74}, // steel
		{0.62, 0.66, 0.70}, // zinc
		{0.80, 0.62, 0.30}, // brass
		{0.76, 0.45, 0.30}, // copper
		{0.75, 0.68, 0.45}, // yellow chromate
		{0.16, 0.16, 0.18}, // black oxide
	}
	m := material{
		colour: metals[rng.IntN(len(metals))].mul(tint(rng, 0.08)).scale(between(rng, 0.7, 1.1)),
		metal:  between(rng, 0.75, 0.98),
		gloss:  math.Exp(between(rng, math.Log(8), math.Log(90))),
		stain:  vec{0.26, 0.12, 0.06}.scale(between(rng, 0.4, 1.4)),
		seed:   between(rng, 0, 1000),
	}
	if rng.IntN(4) == 0 {
		m.stains = between(rng, 0.1, 0.35)
	}
	return m
}

// at returns the colour and the share of mirrored light at a point of the
// thing, in its own coordinates.
func (m material) at(p vec) (vec, float64) {
	grain := noise(p.x*14, p.y*14, p.z*14+m.seed)
	colour := m.colour.scale(0.85 + 0.3*grain)
	if m.stains == 0 {
		return colour, m.metal
	}
	cloud := 0.6*noise(p.x*3, p.y*3, p.z*3+m.seed) + 0.4*noise(p.x*8, p.y*8, p.z*8+m.seed)
	stained := smoothstep(1.05-m.stains, 1.25-m.stains, cloud+0.35)
	return colour.mix(m.stain.scale(0.6+0.8*grain), stained), m.metal * (1 - 0.85*stained)
}
