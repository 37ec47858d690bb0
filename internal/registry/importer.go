package registry

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"mimeo/internal/customlabels"
	"mimeo/internal/manifest"
)

// An importer turns the lines of a manifest into entries and counts those
// that it has to leave out.
type importer struct {
	lines   int
	refused map[manifest.Reason]int
	seen    map[string]struct{} // source-refs
	labels  map[string]struct{}
	bucket  string // of the images
	within  manifest.Limits
}

func newImporter(within manifest.Limits) *importer {
	return &importer{within: within, refused: map[manifest.Reason]int{}, seen: map[string]struct{}{}, labels: map[string]struct{}{}}
}

// read reads a whole manifest and hands its entries to keep, some at a time.
// It fails with a manifest.FileError where the manifest is refused as a
// whole; keep may then have got some.
func (im *importer) read(r io.Reader, keep func([]customlabels.Entry) error) error {
	lines := manifest.NewReader(r, im.within)
	var some []customlabels.Entry
	for {
		raw, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		entry, ok, err := im.line(raw)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if some = append(some, entry); len(some) == entriesAtOnce {
			if err := keep(some); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	if err := im.verdict(); err != nil || len(some) == 0 {
		return err
	}
	return keep(some)
}

// line returns the entry of one line, if it is one.
func (im *importer) line(raw manifest.Raw) (customlabels.Entry, bool, error) {
	im.lines++
	line, reason := manifest.Line{}, raw.Refused
	if reason == "" {
		var err error
		line, err = manifest.Parse(raw.Text, im.within)
		if err != nil && !errors.As(err, &reason) {
			return customlabels.Entry{}, false, fmt.Errorf("parse line %d: %w", raw.Number, err)
		}
	}
	if _, repeated := im.seen[line.Entry.SourceRef]; reason == "" && repeated {
		reason = manifest.RepeatedSourceRef
	}
	if reason != "" {
		im.refused[reason]++
		return customlabels.Entry{}, false, nil
	}
	im.seen[line.Entry.SourceRef] = struct{}{}
	if im.bucket == "" {
		im.bucket = line.Image.Bucket
	}
	if line.Image.Bucket != im.bucket {
		return customlabels.Entry{}, false, manifest.SeveralBuckets
	}
	for _, l := range line.Entry.Labels {
		im.labels[l.Name] = struct{}{}
	}
	for _, name := range line.Entry.Declared {
		im.labels[name] = struct{}{}
	}
	if len(im.labels) > im.within.Labels {
		return customlabels.Entry{}, false, manifest.TooManyLabels
	}
	return line.Entry, true, nil
}

// accepts refuses a dataset that an update would make too large.
func (im *importer) accepts(stats customlabels.DatasetStats) error {
	switch {
	case stats.TotalEntries > im.within.Lines:
		return manifest.TooManyRows
	case stats.TotalLabels > im.within.Labels:
		return manifest.TooManyLabels
	default:
		return nil
	}
}

// verdict refuses a manifest without lines, and one where more than a fifth
// of the lines had to be left out.
func (im *importer) verdict() error {
	refused := im.refusedLines()
	switch {
	case im.lines == 0:
		return manifest.Empty
	case im.refused[manifest.InvalidJSON] == im.lines:
		return manifest.Unsupported
	case refused*5 > im.lines:
		return manifest.TooManyErrors
	default:
		return nil
	}
}

func (im *importer) refusedLines() int {
	n := 0
	for _, count := range im.refused {
		n += count
	}
	return n
}

// message returns a sentence with what had to be left out, by reason: AWS
// drops such lines without a word.
func (im *importer) message(sentence string) string {
	refused := im.refusedLines()
	if refused == 0 {
		return sentence
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(im.refused)) {
		parts = append(parts, fmt.Sprintf("%d %s (%s)", im.refused[reason], reason, reason.Describe()))
	}
	return fmt.Sprintf("%s %d of %d lines were left out: %s.", sentence, refused, im.lines, strings.Join(parts, ", "))
}
