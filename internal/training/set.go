package training

import (
	"iter"
	"maps"
	"slices"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
)

// unannotated is the warning of a line that has nothing to learn from.
var unannotated = customlabels.EntryError{Code: "WARNING_UNANNOTATED_RECORD", Message: "Record is unannotated."}

// An understood line is one line of a manifest, and what training makes of it.
type understood struct {
	line     manifest.Line
	text     string // as it is shown in the validation file, without errors
	errors   []customlabels.EntryError
	warnings []customlabels.EntryError
	labels   []string // of the whole image, each once; none: the line is not used
	boxes    bool     // the line has bounding boxes
}

// understand reads one line. It is a pure function of the line and the limits,
// so that every slice and every pass over a set sees the same.
func understand(l Line, within manifest.Limits) understood {
	if l.Refused != "" {
		return understood{text: "{}", errors: []customlabels.EntryError{l.Refused.LineError()}}
	}
	line, err := manifest.Parse([]byte(l.Text), within)
	if err != nil {
		return understood{text: shown(l.Text, err), errors: []customlabels.EntryError{reason(err).LineError()}}
	}
	u := understood{line: line, text: line.Entry.Line, errors: line.Entry.Errors}
	named := map[string]bool{}
	for _, a := range line.Attributes {
		if a.UseCase == manifest.Classification {
			named[a.Label] = true
		}
		u.boxes = u.boxes || len(a.Boxes) > 0
	}
	u.labels = slices.Sorted(maps.Keys(named))
	if len(u.labels) == 0 && !u.boxes && len(u.errors) == 0 {
		u.warnings = []customlabels.EntryError{unannotated}
	}
	return u
}

// shown is the text of a line that cannot be parsed: an object that holds
// only the error where it is no JSON, else itself.
func shown(text string, err error) string {
	if reason(err) == manifest.InvalidJSON {
		return "{}"
	}
	return text
}

func reason(err error) manifest.Reason {
	if r, ok := err.(manifest.Reason); ok { //nolint:errorlint // Parse returns it bare
		return r
	}
	return manifest.InvalidJSON
}

// A sample is a line whose image is trained on or tested with.
type sample struct {
	number int // of the line, from 1
	image  objects.Ref
	labels []string
}

// A set is what a manifest holds, as far as its lines tell.
type set struct {
	kind    customlabels.DatasetType
	total   int
	samples []sample
	invalid map[int]customlabels.EntryError // lines that cannot be used, by number
	ignored int
	boxes   bool // some line has bounding boxes
	bucket  string
	several bool // images lie in more than one bucket
	// problems are what fails the training; found in the order of the checks.
	problems []problem
}

// readSet reads a set from its lines. A source-ref that comes again makes an
// invalid line of its second appearance.
func readSet(kind customlabels.DatasetType, lines iter.Seq2[Line, error], within manifest.Limits) (*set, error) {
	s := &set{kind: kind, invalid: map[int]customlabels.EntryError{}}
	seen := map[string]bool{}
	for l, err := range lines {
		if err != nil {
			return nil, err
		}
		s.total++
		u := understand(l, within)
		if ref := u.line.Entry.SourceRef; ref != "" && seen[ref] {
			s.invalid[s.total] = manifest.RepeatedSourceRef.LineError()
			continue
		}
		seen[u.line.Entry.SourceRef] = true
		s.add(u)
	}
	return s, nil
}

func (s *set) add(u understood) {
	if bucket := u.line.Image.Bucket; bucket != "" {
		s.several = s.several || s.bucket != "" && s.bucket != bucket
		s.bucket = bucket
	}
	s.boxes = s.boxes || u.boxes
	switch {
	case len(u.labels) > 0:
		s.samples = append(s.samples, sample{s.total, objects.Ref{Bucket: u.line.Image.Bucket, Key: u.line.Image.Key}, u.labels})
	case len(u.errors) > 0:
		s.invalid[s.total] = u.errors[0]
	default:
		s.ignored++
	}
}

// maxInvalid is the share of a set's lines that may be invalid.
const maxInvalid = 0.2

// drop removes the samples whose images cannot be used.
func (s *set) drop(bad map[int]customlabels.EntryError) {
	maps.Copy(s.invalid, bad)
	s.samples = slices.DeleteFunc(s.samples, func(x sample) bool { _, is := bad[x.number]; return is })
}

// checkLines finds the problems that the lines alone show.
func (s *set) checkLines() {
	if s.several {
		s.problems = append(s.problems, severalBuckets)
	}
	if s.tooManyInvalid() {
		s.problems = append(s.problems, tooManyInvalidRows)
	}
	if len(s.problems) == 0 && len(s.samples) == 0 && s.boxes {
		s.problems = append(s.problems, onlyBoxes)
	}
}

// checkImages finds the problems that show when the images were looked at;
// had is how many samples there were before.
func (s *set) checkImages(had int, allForbidden bool) {
	switch {
	case had == 0:
	case allForbidden:
		s.problems = append(s.problems, imagesForbidden)
	case len(s.samples) == 0:
		s.problems = append(s.problems, noImages)
	}
	if s.tooManyInvalid() {
		s.problems = append(s.problems, tooManyInvalidRows)
	}
}

// checkImagesPerLabel finds out whether some label has more than most images.
func (s *set) checkImagesPerLabel(most int) {
	images := map[string]int{}
	for _, x := range s.samples {
		for _, l := range x.labels {
			if images[l]++; images[l] > most {
				s.problems = append(s.problems, tooManyTestImages)
				return
			}
		}
	}
}

func (s *set) tooManyInvalid() bool { return float64(len(s.invalid)) > maxInvalid*float64(s.total) }

// labels returns the labels of the samples in the order of their names.
func (s *set) labels() []string {
	all := map[string]bool{}
	for _, x := range s.samples {
		for _, l := range x.labels {
			all[l] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// The labels that a model must have, and share with those of its test.
const (
	minLabels  = 2
	minOverlap = 0.5
)

// checkLabels finds the problems of the labels of both sets.
func checkLabels(train, test *set, maxLabels int) (across []problem) {
	learned, tested := train.labels(), test.labels()
	switch {
	case len(learned) == 0 && train.total > 0:
		train.problems = append(train.problems, tooFewUsableLabels)
	case len(learned) < minLabels:
		train.problems = append(train.problems, tooFewLabels)
	case len(learned) > maxLabels:
		train.problems = append(train.problems, tooManyLabels)
	}
	if len(tested) > maxLabels {
		test.problems = append(test.problems, tooManyLabels)
	}
	common := 0
	for _, l := range learned {
		if _, ok := slices.BinarySearch(tested, l); ok {
			common++
		}
	}
	if float64(common) < minOverlap*float64(len(learned)) {
		across = append(across, tooLittleOverlap)
	}
	return across
}

// A plan is what a model is trained on and tested with.
type plan struct {
	within      manifest.Limits
	train, test *set
	across      []problem // between the two
	labels      []string  // of the model
	task        family.Task
}

// settle makes the plan final: it splits the training set where asked, and
// chooses the labels. The quota on test images is on those that are given: what
// is held out here is what the split thinks right.
func (p *plan) settle(auto bool) {
	switch {
	case !auto:
		p.test.checkImagesPerLabel(p.within.TestImagesPerLabel)
	case len(p.train.problems) == 0:
		p.split()
	}
	if len(p.train.problems) == 0 && len(p.test.problems) == 0 {
		p.across = checkLabels(p.train, p.test, p.within.Labels)
	}
	p.labels = p.train.labels()
	p.task = family.SingleLabel
	if slices.ContainsFunc(p.train.samples, func(x sample) bool { return len(x.labels) > 1 }) {
		p.task = family.MultiLabel
	}
}

// split moves a fifth of the training samples to the test set.
func (p *plan) split() {
	entries := make([]customlabels.Entry, len(p.train.samples))
	for i, x := range p.train.samples {
		entries[i].SourceRef = x.image.Bucket + "/" + x.image.Key
		for _, l := range x.labels {
			entries[i].Labels = append(entries[i].Labels, customlabels.EntryLabel{Name: l})
		}
	}
	held, err := manifest.Split(entries, p.within.TestImagesPerLabel)
	if err != nil {
		p.train.problems = append(p.train.problems, tooFewToSplit)
		return
	}
	var train []sample
	for i, x := range p.train.samples {
		if _, is := slices.BinarySearch(held, i); is {
			p.test.samples = append(p.test.samples, x)
		} else {
			train = append(train, x)
		}
	}
	p.train.samples = train
}

// indices returns the model's indices of labels; one that it does not know is
// left out.
func (p *plan) indices(labels []string) []int {
	var known []int
	for _, l := range labels {
		if i, ok := slices.BinarySearch(p.labels, l); ok {
			known = append(known, i)
		}
	}
	return known
}

func (p *plan) problems() []problem {
	return slices.Concat(p.train.problems, p.test.problems, p.across)
}
