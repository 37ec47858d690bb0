package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// An entry is one line of a Ground Truth manifest, member by member.
type entry map[string]json.RawMessage

// The members that the story reads and writes.
const (
	sourceRef      = "source-ref"
	metadataSuffix = "-metadata"
)

// maxLine bounds a line of the user's manifest, in bytes.
const maxLine = 1 << 20

// newEntry labels an image as a person would in Ground Truth: by an attribute
// of a type, whose metadata says more.
func newEntry(name string, value any, kind string, at time.Time, more map[string]any) entry {
	metadata := map[string]any{
		"type": kind, "job-name": "labeling-job/hardware", "human-annotated": "yes",
		"creation-date": at.UTC().Format("2006-01-02T15:04:05.000000"),
	}
	maps.Copy(metadata, more)
	e := make(entry)
	for member, content := range map[string]any{name: value, name + metadataSuffix: metadata} {
		raw, err := json.Marshal(content)
		if err != nil {
			panic(err) // cannot happen: strings and numbers
		}
		e[member] = raw
	}
	return e
}

// newLabelEntry gives an image one label.
func newLabelEntry(label string, at time.Time) entry {
	return newEntry("kind", 0, "groundtruth/image-classification", at, map[string]any{"class-name": label, "confidence": 1})
}

// attributes are the label attributes of a line and their metadata, in the
// order of their names.
func (e entry) attributes() iter.Seq2[json.RawMessage, json.RawMessage] {
	return func(yield func(value, metadata json.RawMessage) bool) {
		for _, name := range slices.Sorted(maps.Keys(e)) {
			if metadata, paired := e[name+metadataSuffix]; paired && !yield(e[name], metadata) {
				return
			}
		}
	}
}

// imageLabels reads the image-level labels of a line.
func (e entry) imageLabels() (truth, error) {
	var labels []string
	for _, raw := range e.attributes() {
		var metadata struct {
			ClassName string `json:"class-name"`
		}
		if json.Unmarshal(raw, &metadata) == nil && metadata.ClassName != "" {
			labels = append(labels, metadata.ClassName)
		}
	}
	if len(labels) == 0 {
		return truth{}, errors.New("there is no image-level label")
	}
	slices.Sort(labels)
	return truth{labels: slices.Compact(labels)}, nil
}

// at returns the line as JSON, pointing to the image's place in a bucket.
func (e entry) at(uri string) ([]byte, error) {
	moved := make(entry, len(e)+1)
	for name, raw := range e {
		moved[name] = raw
	}
	ref, err := json.Marshal(uri)
	if err != nil {
		return nil, err
	}
	moved[sourceRef] = ref
	return json.Marshal(moved)
}

// manifest writes the lines of images that lie below a prefix of a bucket.
func manifest(images []labelled, bucket, prefix string) ([]byte, error) {
	var lines bytes.Buffer
	for _, image := range images {
		line, err := image.entry.at("s3://" + bucket + "/" + prefix + image.path)
		if err != nil {
			return nil, fmt.Errorf("write the manifest line of %s: %w", image.path, err)
		}
		lines.Write(append(line, '\n'))
	}
	return lines.Bytes(), nil
}

// A reading takes from a line what its image shows.
type reading func(entry) (truth, error)

// read finds the files that the user's manifests name.
func (u UserImages) read(seed uint64, truthOf reading) (imageSet, error) {
	root, err := os.OpenRoot(u.Dir)
	if err != nil {
		return imageSet{}, err
	}
	defer root.Close()
	set := imageSet{dir: u.Dir}
	if set.train, err = readManifest(root, u.Manifest, truthOf); err != nil {
		return imageSet{}, err
	}
	if u.TestManifest == "" {
		set.train, set.test = holdBack(set.train, seed)
		return set, nil
	}
	set.test, err = readManifest(root, u.TestManifest, truthOf)
	return set, err
}

// readManifest reads a manifest. Every error names its line.
func readManifest(root *os.Root, file string, truthOf reading) ([]labelled, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var images []labelled
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	number := 0
	for lines.Scan() {
		number++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		image, err := readLine(root, lines.Bytes(), truthOf)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: %w", file, number, err)
		}
		images = append(images, image)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s line %d: %w", file, number+1, err)
	}
	return images, nil
}

func readLine(root *os.Root, line []byte, truthOf reading) (labelled, error) {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return labelled{}, err
	}
	var uri string
	if err := json.Unmarshal(e[sourceRef], &uri); err != nil {
		return labelled{}, errors.New("there is no source-ref")
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	found, err := longestSuffix(root, key)
	if err != nil {
		return labelled{}, fmt.Errorf("source-ref %q: %w", uri, err)
	}
	shows, err := truthOf(e)
	return labelled{path: found, truth: shows, entry: e}, err
}

// longestSuffix returns the longest end of a key, cut at slashes, that is a
// file below root.
func longestSuffix(root *os.Root, key string) (string, error) {
	for rest, more := path.Clean("/" + key)[1:], true; more; _, rest, more = strings.Cut(rest, "/") {
		info, err := root.Stat(rest)
		if err == nil && info.Mode().IsRegular() {
			return rest, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			return "", err
		}
	}
	return "", fmt.Errorf("no file below %s ends in %q", root.Name(), path.Base(key))
}

// holdBack takes a fifth of the images of every label, or of all that have
// boxes, chosen by the seed: at least one, but never the last that is left to
// train on.
func holdBack(all []labelled, seed uint64) (train, test []labelled) {
	rng := rand.New(rand.NewPCG(seed, 0))
	groups := make(map[string][]int)
	for i, image := range all {
		var name string
		if image.boxes == nil {
			name = strings.Join(image.labels, "\x00")
		}
		groups[name] = append(groups[name], i)
	}
	held := make(map[int]bool)
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		group := groups[name]
		rng.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		for _, i := range group[:min(max(len(group)/5, 1), len(group)-1)] {
			held[i] = true
		}
	}
	for i, image := range all {
		if held[i] {
			test = append(test, image)
		} else {
			train = append(train, image)
		}
	}
	return train, test
}
