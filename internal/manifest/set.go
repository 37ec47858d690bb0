package manifest

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"

	"mimeo/internal/customlabels"
)

// maxInvalid is the share of a manifest's lines that may be invalid, for
// whatever reasons.
const maxInvalid = 0.2

// A Sample is a line whose image can be learned from. It is small: a manifest
// may have hundreds of thousands.
type Sample struct {
	Number int      // of the line, from 1
	Key    string   // of the image in the set's bucket
	Labels []string // of the whole image, each once, in order

	Boxes         []Box
	Width, Height int16 // of the image that the boxes are in, as the line says it
}

// A Set is what the lines of one manifest come to. Lines are added one by
// one; then the set is settled for a use case, images that cannot be used
// are dropped, and [CheckLabels] compares it with its counterpart.
type Set struct {
	within  Limits
	useCase UseCase // that the set was settled for
	total   int
	ignored int
	refused map[Reason]int  // lines that are none of a manifest, whatever is in them
	uses    map[UseCase]int // lines that have something for it
	samples []Sample
	invalid map[int]customlabels.EntryError // why lines cannot be used, by their numbers
	noted   map[int]note                    // lines that the validation manifest says something of
	seen    map[string]struct{}             // source-refs
	names   map[string]string               // the labels, so that each is in memory once
	bucket  string
	several bool // images lie in more than one bucket
	errors  []ContentError
}

// NewSet returns a set without lines.
func NewSet(within Limits) *Set {
	return &Set{
		within: within, refused: map[Reason]int{}, uses: map[UseCase]int{}, invalid: map[int]customlabels.EntryError{}, noted: map[int]note{},
		seen: map[string]struct{}{}, names: map[string]string{},
	}
}

// A note is what a validation manifest has at a line.
type note int

const (
	warned note = iota
	faulty      // errors, perhaps warnings too
)

// Add adds the next lines. It checks them on all processors.
func (s *Set) Add(lines ...Raw) {
	verdicts := make([]verdict, len(lines))
	var group sync.WaitGroup
	size := (len(lines) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for from := 0; from < len(lines); from += size {
		group.Go(func() {
			for i := from; i < min(from+size, len(lines)); i++ {
				verdicts[i] = check(lines[i], s.within)
			}
		})
	}
	group.Wait()
	for _, v := range verdicts {
		s.add(v)
	}
}

func (s *Set) add(v verdict) {
	s.total++
	switch {
	case len(v.errors) > 0:
		s.noted[s.total] = faulty
	case len(v.line.warnings) > 0:
		s.noted[s.total] = warned
	}
	ref := v.line.Entry.SourceRef
	if _, repeated := s.seen[ref]; repeated {
		s.refused[RepeatedSourceRef]++
		s.fault(s.total, RepeatedSourceRef.LineError())
		return
	}
	if v.refused != "" {
		s.refused[v.refused]++
	}
	if ref != "" {
		s.seen[ref] = struct{}{}
		s.several = s.several || s.bucket != "" && s.bucket != v.line.Image.Bucket
		s.bucket = cmp.Or(s.bucket, v.line.Image.Bucket)
	}
	switch {
	case v.isUsable():
		s.use(v)
	case v.isInvalid():
		s.fault(s.total, v.errors[0])
	default:
		s.ignored++
	}
}

// fault makes a line invalid.
func (s *Set) fault(number int, e customlabels.EntryError) {
	s.invalid[number], s.noted[number] = e, faulty
}

// use adds a line that has something to learn from.
func (s *Set) use(v verdict) {
	for _, u := range []UseCase{Classification, Detection} {
		if v.has(u) {
			s.uses[u]++
		}
	}
	x := Sample{Number: s.total, Key: v.line.Image.Key, Labels: v.line.Labels()}
	x.Boxes, x.Width, x.Height = v.line.Boxes()
	for i, l := range x.Labels {
		x.Labels[i] = s.name(l)
	}
	for i, b := range x.Boxes {
		x.Boxes[i].Label = s.name(b.Label)
	}
	s.samples = append(s.samples, x)
}

func (s *Set) name(label string) string {
	if _, ok := s.names[label]; !ok {
		s.names[label] = label
	}
	return s.names[label]
}

// CheckLines records what is wrong with the lines alone.
func (s *Set) CheckLines() {
	if s.several {
		s.Fail(ErrSeveralBuckets)
	}
	s.checkInvalid()
	refused := 0
	for _, n := range s.refused {
		refused += n
	}
	if float64(refused) > maxInvalid*float64(s.total) {
		s.Fail(ErrTooManyErrors)
	}
}

// IsUnreadable reports whether no line is JSON: the set is made of something
// that is no manifest.
func (s *Set) IsUnreadable() bool { return s.total > 0 && s.refused[InvalidJSON] == s.total }

func (s *Set) checkInvalid() {
	if s.hasTooManyInvalid() && !slices.Contains(s.errors, ErrTooManyInvalidRows) {
		s.Fail(ErrTooManyInvalidRows)
	}
}

func (s *Set) hasTooManyInvalid() bool {
	return float64(len(s.invalid)) > maxInvalid*float64(s.total)
}

// Fail records an error of the set.
func (s *Set) Fail(e ContentError) { s.errors = append(s.errors, e) }

// Errors are those that were found so far.
func (s *Set) Errors() []ContentError { return s.errors }

// UseCase returns what the set's own lines are for: what more of them have
// something for; boxes, where that is equal. It is empty where no line has
// anything, or too many lines are invalid. A set without lines is for what it
// was settled for.
func (s *Set) UseCase() UseCase {
	switch {
	case s.total == 0:
		return s.useCase
	case s.hasTooManyInvalid() || len(s.uses) == 0:
		return ""
	case s.uses[Detection] >= s.uses[Classification]:
		return Detection
	default:
		return Classification
	}
}

// Settle makes the set, to which all lines were added, one for a use case:
// samples that have nothing for it become ignored lines.
func (s *Set) Settle(u UseCase) {
	s.useCase, s.seen = u, nil
	s.samples = slices.DeleteFunc(s.samples, func(x Sample) bool {
		if len(x.distinct(u)) > 0 {
			return false
		}
		s.noted[x.Number] = max(warned, s.noted[x.Number])
		return true
	})
	s.ignored = s.total - len(s.samples) - len(s.invalid)
}

// distinct returns the labels that a sample has for a use case, each once.
func (x Sample) distinct(u UseCase) []string {
	if u != Detection {
		return x.Labels
	}
	var all []string
	for _, b := range x.Boxes {
		if !slices.Contains(all, b.Label) {
			all = append(all, b.Label)
		}
	}
	return all
}

// Len is how many lines there are.
func (s *Set) Len() int { return s.total }

// Samples returns the lines that can be used, in order.
func (s *Set) Samples() []Sample { return s.samples }

// Bucket returns where the images lie: the first of the buckets, if there are
// several.
func (s *Set) Bucket() string { return s.bucket }

// Drop makes samples whose images cannot be used invalid lines, by the numbers
// of the lines, and records where there are too many of them.
func (s *Set) Drop(bad map[int]customlabels.EntryError) {
	for number, e := range bad {
		s.fault(number, e)
	}
	s.samples = slices.DeleteFunc(s.samples, func(x Sample) bool { _, is := bad[x.Number]; return is })
	s.checkInvalid()
}

// CheckImagesPerLabel records where a label has more images than a test set
// may have of it. AWS documents the limit, and no error for it: the error is
// that of too many rows.
func (s *Set) CheckImagesPerLabel() {
	images := map[string]int{}
	for _, x := range s.samples {
		for _, l := range x.distinct(s.useCase) {
			if images[l]++; images[l] > s.within.TestImagesPerLabel {
				s.Fail(ErrTooManyRows)
				return
			}
		}
	}
}

// Labels returns the labels that the valid lines name, for every use case, in
// order.
func (s *Set) Labels() []string { return slices.Sorted(maps.Keys(s.names)) }

// Usable returns the labels of the samples for the use case, in order.
func (s *Set) Usable() []string {
	all := map[string]struct{}{}
	for _, x := range s.samples {
		for _, l := range x.distinct(s.useCase) {
			all[l] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all))
}
