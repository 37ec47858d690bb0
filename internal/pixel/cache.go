package pixel

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

// ErrCacheInUse is wrapped by OpenCache's error if the directory's cache is open
// already, in this process or another one.
var ErrCacheInUse = errors.New("the image cache is in use")

// A CacheConfig says what a cache is for.
type CacheConfig struct {
	Key    [32]byte // what the images are: a cache with another key is made anew
	Images int      // how many there are; they are numbered from 0
	Side   int      // an image is kept in at most Side×Side pixels, with its proportions
	Bytes  int64    // the most that the file takes: images for which there is no place in it are not kept
}

// A Cache keeps decoded and down-scaled images in a file of a directory. They
// are read where they lie in the file, mapped into memory, and survive the
// process. A checksum of each is compared when it is first read; one that is
// damaged counts as missing. Its methods may be called concurrently, Close and
// Remove excepted.
type Cache struct {
	config CacheConfig
	dir    string
	lock   *flock.Flock
	file   *os.File
	mapped []uint8 // the whole file; nil where files cannot be mapped

	mu      sync.Mutex
	entries []entry
	images  []*Image // those that were read and found whole
}

const (
	cacheFile = "images"
	cacheLock = "images.lock"
)

// OpenCache opens the cache of a directory and makes it if it is missing,
// damaged or another one. The directory must exist.
func OpenCache(dir string, config CacheConfig) (_ *Cache, err error) {
	if config.Images < 1 || config.Side < 1 || config.Images > math.MaxInt32 || config.Side > math.MaxUint16 {
		return nil, fmt.Errorf("image cache for %d images of %d pixels a side", config.Images, config.Side)
	}
	c := &Cache{config: config, dir: dir, lock: flock.New(filepath.Join(dir, cacheLock), flock.SetPermissions(0o600))}
	locked, err := c.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock image cache: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("%w: %s", ErrCacheInUse, dir)
	}
	if err := c.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open image cache: %w", err), c.Close())
	}
	return c, nil
}

func (c *Cache) open() (err error) {
	c.file, err = os.OpenFile(filepath.Join(c.dir, cacheFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if c.entries, err = readIndex(c.file, c.config); err != nil {
		return err
	}
	if c.entries == nil {
		c.entries = make([]entry, c.config.Images)
		if err := writeHead(c.file, c.config); err != nil {
			return err
		}
	}
	c.images = make([]*Image, c.config.Images)
	if mapped, err := mapFile(c.file, c.config.size()); err == nil {
		c.mapped = mapped
	}
	return nil
}

// Image returns an image and the header of the file that it was made of; it is
// upright already. It lies in the cache's file and must not be used after Close.
func (c *Cache) Image(i int) (m *Image, original Header, ok bool) {
	c.mu.Lock()
	e, m := c.entries[i], c.images[i]
	c.mu.Unlock()
	if e.state != written {
		return nil, Header{}, false
	}
	if m == nil {
		if m = c.read(c.config.placeOf(i), e); m == nil {
			c.forget(i, e)
			return nil, Header{}, false
		}
		c.mu.Lock()
		c.images[i] = m
		c.mu.Unlock()
	}
	return m, e.original, true
}

// read returns the image at a place if its bytes are whole.
func (c *Cache) read(at int64, e entry) *Image {
	var pix []uint8
	if end := at + e.bytes(); c.mapped != nil {
		pix = c.mapped[at:end:end]
	} else {
		pix = make([]uint8, e.bytes())
		if _, err := c.file.ReadAt(pix, at); err != nil {
			return nil
		}
	}
	if crc32.Checksum(pix, castagnoli) != e.checksum {
		return nil
	}
	return FromRGB(&RGB{Width: e.width, Height: e.height, Pix: pix})
}

func (c *Cache) forget(i int, damaged entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[i] == damaged {
		c.entries[i] = entry{}
	}
}

// Put keeps an image, down-scaled by r. One that is there already, or that
// another goroutine is writing, is not written again. One for which there is no
// place is not kept, which is no error.
func (c *Cache) Put(i int, r *Renderer, m *Image) error {
	if !c.reserve(i) {
		return nil
	}
	w, h := c.config.fit(m)
	r.Scale(&r.kept, m, w, h)
	e := entry{state: written, width: w, height: h, original: m.header, checksum: crc32.Checksum(r.kept.Pix, castagnoli)}
	_, err := c.file.WriteAt(r.kept.Pix, c.config.placeOf(i))
	if err == nil {
		_, err = c.file.WriteAt(e.encode(), c.config.indexOf(i))
	}
	if err != nil {
		e, err = entry{}, fmt.Errorf("write image cache: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[i] = e
	return err
}

// reserve reports whether an image is to be written, by the caller.
func (c *Cache) reserve(i int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[i].state != missing || !c.config.keeps(i) {
		return false
	}
	c.entries[i].state = reserved
	return true
}

// Close gives the mapped memory and the lock back. The file stays.
func (c *Cache) Close() error {
	var err error
	if c.mapped != nil {
		err = unmapFile(c.mapped)
		c.mapped = nil
	}
	if c.file != nil {
		err = errors.Join(err, c.file.Close())
	}
	return errors.Join(err, c.lock.Unlock())
}

// Remove closes the cache and removes its files.
func (c *Cache) Remove() error {
	gone := os.Remove(filepath.Join(c.dir, cacheFile)) // while it is locked: whoever comes next makes a new one
	if errors.Is(gone, os.ErrNotExist) {
		gone = nil
	}
	err := errors.Join(gone, c.Close())
	if lock := os.Remove(filepath.Join(c.dir, cacheLock)); !errors.Is(lock, os.ErrNotExist) {
		err = errors.Join(err, lock)
	}
	return err
}
