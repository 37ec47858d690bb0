package manifest

import "slices"

// A Summary is the manifest summary of a training. It is to be written by
// go-json-experiment, which has [] for an empty list.
//
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-debugging-summary.html
type Summary struct {
	Statistics struct {
		Training Statistics `json:"training"`
		Testing  Statistics `json:"testing"`
	} `json:"statistics"`
	Errors []ContentError `json:"errors"` // between the two
}

// Statistics are those of one manifest.
type Statistics struct {
	UseCase              string         `json:"use_case"`
	TotalJSONLines       int            `json:"total_json_lines"`
	ValidJSONLines       int            `json:"valid_json_lines"`
	InvalidJSONLines     int            `json:"invalid_json_lines"`
	IgnoredJSONLines     int            `json:"ignored_json_lines"`
	ErrorJSONLineIndices []int          `json:"error_json_line_indices"` // from 1
	Errors               []ContentError `json:"errors"`
}

// Summarize returns the summary of two sets and of what is wrong between them.
func Summarize(train, test *Set, across []ContentError) Summary {
	s := Summary{Errors: across}
	s.Statistics.Training, s.Statistics.Testing = train.statistics(), test.statistics()
	return s
}

// statistics counts the lines of the manifest, also where samples of it were
// held out for testing. The indices are of all lines that have an error, also
// of those that can be used in spite of it.
func (s *Set) statistics() Statistics {
	var indices []int
	for number, n := range s.noted {
		if n == faulty {
			indices = append(indices, number)
		}
	}
	slices.Sort(indices)
	return Statistics{
		UseCase:              s.UseCase().Name(),
		TotalJSONLines:       s.total,
		ValidJSONLines:       s.total - len(s.invalid) - s.ignored,
		InvalidJSONLines:     len(s.invalid),
		IgnoredJSONLines:     s.ignored,
		ErrorJSONLineIndices: indices,
		Errors:               s.errors,
	}
}

// Show returns a line as the validation manifest shows it, by its number from
// 1: as it was read, with what was found wrong with it.
func (s *Set) Show(number int, raw Raw) string {
	if _, is := s.noted[number]; !is {
		return string(withoutOwn(raw.Text))
	}
	v := check(raw, s.within)
	return v.show(s.useCase, s.invalid[number])
}
