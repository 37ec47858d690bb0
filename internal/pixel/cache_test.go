package pixel_test

import (
	"bytes"
	"errors"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"mimeo/internal/pixel"
)

var small = pixel.CacheConfig{Key: [32]byte{1}, Images: 6, Side: 32, Bytes: 1 << 20}

func openCache(tb testing.TB, dir string, config pixel.CacheConfig) *pixel.Cache {
	tb.Helper()
	c, err := pixel.OpenCache(dir, config)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// pictures are six images of different shapes and orientations.
func pictures(tb testing.TB) []*pixel.Image {
	tb.Helper()
	return []*pixel.Image{
		pixel.FromImage(texture(20, 30)), // small enough to be kept as it is
		pixel.FromImage(texture(64, 64)),
		pixel.FromImage(texture(900, 64)),
		pixel.FromImage(texture(3, 3000)),
		decode(tb, asPNG(tb, texture(200, 100))),
		decode(tb, withOrientation(asJPEG(tb, texture(200, 100)), byteOrder, 6)),
	}
}

func put(tb testing.TB, c *pixel.Cache, images []*pixel.Image) {
	tb.Helper()
	var r pixel.Renderer
	for i, m := range images {
		if err := c.Put(i, &r, m); err != nil {
			tb.Fatal(err)
		}
	}
}

// missing returns the images that a cache lacks; those that it has must be the
// right ones.
func missing(tb testing.TB, c *pixel.Cache, images []*pixel.Image) (lacks []int) {
	tb.Helper()
	for i, original := range images {
		m, header, ok := c.Image(i)
		if !ok {
			lacks = append(lacks, i)
			continue
		}
		w, h := m.Size()
		if got, want := m.Scale(w, h), original.Scale(w, h); !bytes.Equal(got.Pix, want.Pix) {
			tb.Errorf("image %d is another one", i)
		}
		if header != original.Header() {
			tb.Errorf("image %d: header %+v, want %+v", i, header, original.Header())
		}
		ow, oh := original.Size()
		if w*h > small.Side*small.Side || w*h < min(ow*oh, small.Side*small.Side)*3/4 {
			tb.Errorf("image %d of %d×%d is kept in %d×%d", i, ow, oh, w, h)
		}
	}
	return lacks
}

// TestCacheSurvives writes some images, opens the cache again, writes the rest.
func TestCacheSurvives(t *testing.T) {
	t.Parallel()
	for _, mapped := range []bool{true, false} {
		dir, images := t.TempDir(), pictures(t)
		c := openCache(t, dir, small)
		if !mapped {
			if err := c.Unmap(); err != nil {
				t.Fatal(err)
			}
		}
		if lacks := missing(t, c, images); len(lacks) != 6 {
			t.Errorf("a new cache lacks only %v", lacks)
		}
		put(t, c, images[:3])
		put(t, c, images[:3]) // once more: nothing happens
		if lacks := missing(t, c, images); len(lacks) != 3 {
			t.Errorf("after three of six: lacks %v", lacks)
		}
		if _, err := pixel.OpenCache(dir, small); !errors.Is(err, pixel.ErrCacheInUse) {
			t.Errorf("opened twice: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = openCache(t, dir, small)
		if lacks := missing(t, c, images); len(lacks) != 3 {
			t.Errorf("opened again: lacks %v", lacks)
		}
		put(t, c, images)
		if lacks := missing(t, c, images); lacks != nil {
			t.Errorf("after all six: lacks %v", lacks)
		}
		if err := c.Remove(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("after Remove there are %v, %v", left, err)
		}
	}
}

// TestCacheIsMadeAnew damages the file, or asks for another cache.
func TestCacheIsMadeAnew(t *testing.T) {
	t.Parallel()
	other := func(change func(*pixel.CacheConfig)) pixel.CacheConfig {
		c := small
		change(&c)
		return c
	}
	rewrite := func(change func(file []byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			file, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(file), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(at int) func(*testing.T, string) {
		return rewrite(func(file []byte) []byte { file[at] ^= 1; return file })
	}
	const head, record = 72, 26
	for _, c := range []struct {
		name   string
		damage func(*testing.T, string)
		config pixel.CacheConfig
		lacks  int
	}{
		{"untouched", nil, small, 0},
		{"another key", nil, other(func(c *pixel.CacheConfig) { c.Key[31] = 9 }), 6},
		{"another size", nil, other(func(c *pixel.CacheConfig) { c.Side = 31 }), 6},
		{"more images", nil, other(func(c *pixel.CacheConfig) { c.Images = 7 }), 6},
		{"less room", nil, other(func(c *pixel.CacheConfig) { c.Bytes = 16_000 }), 6},
		{"its first byte", flip(0), small, 6},
		{"its key", flip(30), small, 6},
		{"the record of an image", flip(head + record + 5), small, 1},
		{"a sample", flip(head + 6*record + 100), small, 1},
		{"cut", rewrite(func(file []byte) []byte { return file[:len(file)/2] }), small, 6},
		{"emptied", rewrite(func([]byte) []byte { return nil }), small, 6},
		{"zeros", rewrite(func(file []byte) []byte { return make([]byte, len(file)) }), small, 6},
		{"another file", rewrite(func([]byte) []byte { return []byte("hello") }), small, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, images := t.TempDir(), pictures(t)
			cache := openCache(t, dir, small)
			put(t, cache, images)
			if err := cache.Close(); err != nil {
				t.Fatal(err)
			}
			if c.damage != nil {
				c.damage(t, filepath.Join(dir, "images"))
			}
			cache = openCache(t, dir, c.config)
			t.Cleanup(func() { _ = cache.Close() })
			if lacks := missing(t, cache, images); len(lacks) != c.lacks {
				t.Errorf("lacks %v, want %d of them", lacks, c.lacks)
			}
			if c.config == small {
				put(t, cache, images)
				if lacks := missing(t, cache, images); lacks != nil {
					t.Errorf("written again it lacks %v", lacks)
				}
			}
		})
	}
}

// TestCacheIsBounded keeps what fits into its bytes, and says no more.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	config := small
	config.Bytes = 8 << 10
	dir, images := t.TempDir(), pictures(t)
	c := openCache(t, dir, config)
	put(t, c, images)
	if lacks := missing(t, c, images); len(lacks) == 0 || len(lacks) == len(images) {
		t.Errorf("lacks %v, want some", lacks)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "images")); err != nil || info.Size() > config.Bytes {
		t.Errorf("%v, %v: more than %d bytes", info.Size(), err, config.Bytes)
	}
	for _, bad := range []pixel.CacheConfig{{Images: 1, Bytes: 1}, {Side: 1, Bytes: 1}, {Images: 1, Side: 1 << 16, Bytes: 1}} {
		if _, err := pixel.OpenCache(dir, bad); err == nil {
			t.Errorf("%+v is opened", bad)
		}
	}
}

// TestCacheTogether has several goroutines write and read all images in an order
// of their own.
func TestCacheTogether(t *testing.T) {
	t.Parallel()
	images := pictures(t)
	c := openCache(t, t.TempDir(), small)
	t.Cleanup(func() { _ = c.Close() })
	var wait sync.WaitGroup
	for worker := range uint64(4) {
		wait.Go(func() {
			var r pixel.Renderer
			for _, i := range rand.New(rand.NewPCG(worker, 0)).Perm(len(images)) {
				if err := c.Put(i, &r, images[i]); err != nil {
					t.Error(err)
				}
				missing(t, c, images)
			}
		})
	}
	wait.Wait()
	if lacks := missing(t, c, images); lacks != nil {
		t.Errorf("lacks %v", lacks)
	}
}

// TestCacheIsReadInPlace allocates nothing for an image that was read before.
func TestCacheIsReadInPlace(t *testing.T) {
	c := openCache(t, t.TempDir(), small)
	t.Cleanup(func() { _ = c.Close() })
	put(t, c, pictures(t))
	if n := testing.AllocsPerRun(10, func() {
		if _, _, ok := c.Image(1); !ok {
			t.Error("image 1 is gone")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCacheFile opens anything as a cache: it is refused or made anew, and what
// it then holds are images.
func FuzzCacheFile(f *testing.F) {
	config := pixel.CacheConfig{Images: 2, Side: 4, Bytes: 4096}
	dir := f.TempDir()
	c := openCache(f, dir, config)
	put(f, c, []*pixel.Image{pixel.FromImage(image.NewGray(image.Rect(0, 0, 4, 3))), pixel.FromImage(texture(9, 9))})
	if err := c.Close(); err != nil {
		f.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "images"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:100])
	f.Fuzz(func(t *testing.T, file []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "images"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		c := openCache(t, dir, config)
		for i := range config.Images {
			if m, _, ok := c.Image(i); ok {
				m.Scale(2, 2)
			}
		}
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
}
