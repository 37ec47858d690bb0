package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"mimeo/internal/demo/parts"
)

// UserImages names a user's own labelled images.
type UserImages struct {
	Dir          string // the images; sub-directories are searched by the keys of source-ref
	Manifest     string // Ground Truth manifest of the images to train on
	TestManifest string // of those to hold back; empty: a fifth of Manifest is held back
}

func (u UserImages) isZero() bool { return u == UserImages{} }

// Validate says which of the names is missing.
func (u UserImages) Validate() error {
	if u.isZero() || u.Dir != "" && u.Manifest != "" {
		return nil
	}
	return fmt.Errorf("own images need both a directory and a manifest (got directory %q, manifest %q)", u.Dir, u.Manifest)
}

// How many images of each kind are drawn, and what share of them the copy
// has to name rightly.
const (
	drawnToTrain  = 40
	drawnToTest   = 10
	drawnAccuracy = 0.85
)

// An imageSet is the labelled images of the story; those of test are held
// back: the model is not fitted to them.
type imageSet struct {
	dir         string
	train, test []labelled
}

// A labelled is one image and what it shows.
type labelled struct {
	path   string // below the set's directory, with slashes: also its key in the bucket
	labels []string
	entry  entry
}

// collect draws the images, or finds the user's.
func (s *story) collect(ctx context.Context) (err error) {
	if s.Images.isZero() {
		if err = s.draw(ctx); err != nil {
			return err
		}
		s.say("drew %d photographs of %v with seed %d in %s", len(s.images.train)+len(s.images.test), parts.Kinds(), s.Seed, s.images.dir)
	} else if s.images, err = s.Images.read(s.Seed); err != nil {
		return err
	}
	s.say("%d to train on, %d held back; labels: %v", len(s.images.train), len(s.images.test), s.images.labels())
	if len(s.images.train) == 0 || len(s.images.test) == 0 {
		return fmt.Errorf("there are %d images to train on and %d to test with: both are needed", len(s.images.train), len(s.images.test))
	}
	return nil
}

// draw makes the built-in set and puts it where the user can look at it.
func (s *story) draw(ctx context.Context) error {
	s.images = imageSet{dir: filepath.Join(s.Dir, "images")}
	if err := os.MkdirAll(s.images.dir, 0o700); err != nil {
		return err
	}
	for _, half := range []struct {
		into        *[]labelled
		first, each int
	}{{&s.images.train, 0, drawnToTrain}, {&s.images.test, drawnToTrain, drawnToTest}} {
		drawn, err := parts.Set(ctx, s.Seed, half.first, half.each)
		if err != nil {
			return err
		}
		for _, d := range drawn {
			if err := os.WriteFile(filepath.Join(s.images.dir, d.Name), d.JPEG, 0o600); err != nil {
				return err
			}
			*half.into = append(*half.into, labelled{path: d.Name, labels: []string{string(d.Kind)}, entry: newEntry(string(d.Kind), s.now())})
		}
	}
	return nil
}

// labels returns every label of the set, sorted.
func (s imageSet) labels() []string {
	var all []string
	for _, image := range slices.Concat(s.train, s.test) {
		all = append(all, image.labels...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// file returns where an image lies on disk.
func (s imageSet) file(image labelled) string {
	return filepath.Join(s.dir, filepath.FromSlash(image.path))
}
