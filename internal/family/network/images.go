package network

import (
	"context"
	"errors"
	"sync"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// Images are the examples of a training, decoded and down-scaled. With a
// scratch directory each is decoded once. Its methods may be called concurrently.
type Images struct {
	examples []family.Example
	limits   pixel.Limits
	config   pixel.CacheConfig
	cache    *pixel.Cache // nil without scratch
	decoders sync.Pool    // of *pixel.Renderer
}

// maxCache is the most that decoded images take on the disk: images for which
// there is no place are decoded again whenever they are needed.
const maxCache = 8 << 30

// OpenImages opens the images of a training whose fingerprint is key, in at most side×side
// pixels each; a side of zero keeps none. Close must be called.
func OpenImages(req family.TrainRequest, key [32]byte, side int, limits pixel.Limits) (*Images, error) {
	m := &Images{
		examples: req.Examples, limits: limits,
		config: pixel.CacheConfig{Key: key, Images: len(req.Examples), Side: side, Bytes: maxCache},
	}
	if req.Scratch == "" || side == 0 {
		return m, nil
	}
	var err error
	m.cache, err = pixel.OpenCache(req.Scratch, m.config)
	return m, err
}

// Close closes the cache; its file stays for the next slice.
func (m *Images) Close() error {
	if m.cache == nil {
		return nil
	}
	return m.cache.Close()
}

// Image returns an example's image, upright and down-scaled.
func (m *Images) Image(i int) (*pixel.Image, error) {
	if m.cache == nil {
		decoded, err := m.decode(i)
		if err != nil {
			return nil, err
		}
		return m.config.Shrink(decoded), nil
	}
	if kept, _, ok := m.cache.Image(i); ok {
		return kept, nil
	}
	decoded, err := m.Original(i)
	if err != nil {
		return nil, err
	}
	if kept, _, ok := m.cache.Image(i); ok {
		return kept, nil
	}
	return m.config.Shrink(decoded), nil
}

// Original decodes an example's image, upright and as large as its file has it, and
// keeps it for Image. An error of the file is a *family.ExampleError.
func (m *Images) Original(i int) (*pixel.Image, error) {
	decoded, err := m.decode(i)
	if err != nil || m.cache == nil {
		return decoded, err
	}
	renderer, ok := m.decoders.Get().(*pixel.Renderer)
	if !ok {
		renderer = new(pixel.Renderer)
	}
	defer m.decoders.Put(renderer)
	return decoded, m.cache.Put(i, renderer, decoded)
}

// decode reads an example's file; an error is a *family.ExampleError.
func (m *Images) decode(i int) (*pixel.Image, error) {
	decoded, err := decode(m.examples[i], m.limits)
	if err != nil {
		return nil, &family.ExampleError{Index: i, Err: err}
	}
	return decoded, nil
}

func decode(e family.Example, l pixel.Limits) (*pixel.Image, error) {
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	m, err := pixel.Decode(r, l)
	return m, errors.Join(err, r.Close())
}

// Prepare decodes all images that are not in the cache yet. It returns
// family.ErrUnfinished when the slice is over. Without a scratch directory there is
// nothing to prepare.
func (m *Images) Prepare(ctx context.Context, s *Slice, workers int) error {
	const phase = "reading images"
	if m.cache == nil {
		s.Skip(len(m.examples), family.Progress{Phase: phase})
		return nil
	}
	var missing []int
	for i := range m.examples {
		if _, _, ok := m.cache.Image(i); !ok {
			missing = append(missing, i)
		}
	}
	s.Skip(len(m.examples)-len(missing), family.Progress{Phase: phase})
	return s.Each(ctx, missing, workers, func(i int) error {
		if _, err := m.Image(i); err != nil {
			return err
		}
		s.Advance(1, family.Progress{Phase: phase})
		return nil
	})
}
