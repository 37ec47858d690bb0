// Package parts draws photographs of small hardware: washers, nuts, bolts,
// gears and springs on a workbench. Each picture is rendered from a seed with
// a pose, a material, a light, a surface, clutter and a camera of its own, so
// that a set of them is a fair, licence-free task for an image classifier:
// shape tells the parts apart, colour does not. Scenes show several parts and
// come with the true boxes of all, for a detector.
package parts

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// A Kind is a kind of part, and the label of its images.
type Kind string

// The kinds of parts.
const (
	Washer Kind = "washer"
	Nut    Kind = "nut"
	Bolt   Kind = "bolt"
	Gear   Kind = "gear"
	Spring Kind = "spring"
)

// Kinds returns all kinds, in the order in which sets hold them.
func Kinds() []Kind { return []Kind{Washer, Nut, Bolt, Gear, Spring} }

// An Image is one labelled photograph. JPEG holds a baseline JPEG of 160 to
// 224 pixels a side.
type Image struct {
	Name string // "bolt-007.jpg", unique within a set
	Kind Kind
	JPEG []byte
}

// Draw renders the n-th picture of a kind. The bytes depend on the three
// arguments alone (on one architecture: Go may fuse floating-point operations
// on others), and differ for different arguments.
func Draw(seed uint64, kind Kind, n int) (Image, error) {
	rng := rand.New(rand.NewPCG(seed, stream(kind, n)))
	s := compose(rng, kind)
	f := anyFilm(rng)
	var file bytes.Buffer
	if err := f.photograph(&s, rng, &file); err != nil {
		return Image{}, fmt.Errorf("draw %s %d: %w", kind, n, err)
	}
	return Image{Name: fmt.Sprintf("%s-%03d.jpg", kind, n), Kind: kind, JPEG: file.Bytes()}, nil
}

// Set draws each pictures of every kind, numbered from first, on all cores.
func Set(ctx context.Context, seed uint64, first, each int) ([]Image, error) {
	return drawAll(ctx, len(Kinds())*each, func(i int) (Image, error) {
		return Draw(seed, Kinds()[i/each], first+i%each)
	})
}

// drawAll draws count pictures on all cores.
func drawAll[P any](ctx context.Context, count int, draw func(i int) (P, error)) ([]P, error) {
	pictures := make([]P, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range pictures {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			pictures[i], err = draw(i)
			return err
		})
	}
	return pictures, group.Wait()
}

// stream gives every picture random numbers of its own: FNV-1a over what it
// shows and its number.
func stream[Name ~string](name Name, n int) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range fmt.Appendf(nil, "%s/%d", name, n) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}
