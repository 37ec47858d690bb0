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
	path string // below the set's directory, with slashes: also its key in the bucket
	truth
	entry entry
}

// A truth is what an image shows.
type truth struct {
	labels []string // sorted, each once
	boxes  []box    // all objects; nil where the labels are of the whole image
}

// collect draws the images, or finds the user's.
func (s *story) collect(ctx context.Context) (err error) {
	switch {
	case !s.Images.isZero() && s.Detect:
		s.images, err = s.Images.read(s.Seed, entry.objects)
	case !s.Images.isZero():
		s.images, err = s.Images.read(s.Seed, entry.imageLabels)
	default:
		err = s.draw(ctx)
	}
	if err != nil {
		return err
	}
	s.say("%d to train on, %d held back; labels: %v", len(s.images.train), len(s.images.test), s.images.labels())
	if len(s.images.train) == 0 || len(s.images.test) == 0 {
		return fmt.Errorf("there are %d images to train on and %d to test with: both are needed", len(s.images.train), len(s.images.test))
	}
	return nil
}

// draw makes the built-in set and puts it where the user can look at it.
func (s *story) draw(ctx context.Context) (err error) {
	s.images = imageSet{dir: filepath.Join(s.Dir, "images")}
	if err := os.MkdirAll(s.images.dir, 0o700); err != nil {
		return err
	}
	what, draw, train, test := "photographs", s.drawParts, drawnToTrain, drawnToTest
	if s.Detect {
		what, draw, train, test = "scenes", s.drawScenes, scenesToTrain, scenesToTest
	}
	if s.images.train, err = draw(ctx, 0, train); err != nil {
		return err
	}
	if s.images.test, err = draw(ctx, train, test); err != nil {
		return err
	}
	s.say("drew %d %s of %v with seed %d in %s", len(s.images.train)+len(s.images.test), what, parts.Kinds(), s.Seed, s.images.dir)
	return nil
}

// drawParts draws each photographs of every kind, numbered from first.
func (s *story) drawParts(ctx context.Context, first, each int) ([]labelled, error) {
	drawn, err := parts.Set(ctx, s.Seed, first, each)
	if err != nil {
		return nil, err
	}
	var all []labelled
	for _, d := range drawn {
		image := labelled{path: d.Name, truth: truth{labels: []string{string(d.Kind)}}, entry: newLabelEntry(string(d.Kind), s.now())}
		if err := os.WriteFile(s.images.file(image), d.JPEG, 0o600); err != nil {
			return nil, err
		}
		all = append(all, image)
	}
	return all, nil
}

// drawScenes draws count scenes, numbered from first.
func (s *story) drawScenes(ctx context.Context, first, count int) ([]labelled, error) {
	drawn, err := parts.Scenes(ctx, s.Seed, first, count)
	if err != nil {
		return nil, err
	}
	var all []labelled
	for _, d := range drawn {
		shows := sceneTruth(d)
		image := labelled{path: d.Name, truth: shows, entry: newBoxEntry(shows.boxes, s.now())}
		if err := os.WriteFile(s.images.file(image), d.JPEG, 0o600); err != nil {
			return nil, err
		}
		all = append(all, image)
	}
	return all, nil
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
