package manifest

// A ContentError is an error of what the lines of a manifest say together. It
// fails a training; the manifest summary has it with its code, the version's
// status message its text.
//
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-debugging-aggregate-errors.html
type ContentError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e ContentError) Error() string { return e.Message }

// The errors of AWS's catalogue.
var (
	ErrTooManyInvalidRows = ContentError{"ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", "The manifest file contains too many invalid rows."}
	ErrTooManyErrors      = ContentError{"ERROR_TOO_MANY_RECORDS_IN_ERROR", string(TooManyErrors)}
	ErrTooManyRows        = ContentError{"ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM", string(TooManyRows)}
	ErrSeveralBuckets     = ContentError{"ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS", string(SeveralBuckets)}
	ErrImagesForbidden    = ContentError{"ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET", "The permissions for the images S3 bucket are invalid."}
	ErrImagesOwner        = ContentError{"ERROR_INVALID_IMAGES_S3_BUCKET_OWNER", "Invalid owner id for images S3 bucket."}
	ErrNoImages           = ContentError{"ERROR_FAILED_IMAGES_S3_COPY", "Failed to copy images from S3 bucket."}
	ErrTooFewToSplit      = ContentError{"ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT", "The manifest file contains insufficient labeled images per label to perform auto-split."}
	ErrTooFewLabels       = ContentError{"ERROR_MANIFEST_TOO_FEW_LABELS", "The manifest file has too few labels."}
	ErrTooManyLabels      = ContentError{"ERROR_MANIFEST_TOO_MANY_LABELS", string(TooManyLabels)}
	ErrTooFewUsable       = ContentError{"ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", "The manifest file has too few usable labels."}
	ErrLabelOverlap       = ContentError{"ERROR_INSUFFICIENT_LABEL_OVERLAP", "Less than 50% label overlap between the training and testing manifest files."}
	ErrUsableOverlap      = ContentError{"ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP", "Less than 50% usable label overlap between the training and testing manifest files."}
)

// The labels that a set must have for each use case, and the share of a
// model's labels that those of its test must name. AWS's page of quotas says 2
// for image-level labels and 1 for boxes; its page of errors has it the other
// way round.
//
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/limits.html
const (
	minImageLabels = 2
	minBoxLabels   = 1
	minOverlap     = 0.5
)

func (u UseCase) minLabels() int {
	if u == Detection {
		return minBoxLabels
	}
	return minImageLabels
}

// CheckLabels records what is wrong with the labels of each set, and returns
// what is wrong between the two. Both are settled for one use case, and
// images that cannot be used have been dropped.
func CheckLabels(train, test *Set) (across []ContentError) {
	for _, s := range []*Set{train, test} {
		s.checkLabels()
	}
	named, usable := overlap(train.Labels(), test.Labels()), overlap(train.Usable(), test.Usable())
	switch {
	case named < minOverlap:
		return []ContentError{ErrLabelOverlap}
	case usable < minOverlap:
		return []ContentError{ErrUsableOverlap}
	}
	return nil
}

func (s *Set) checkLabels() {
	switch named := s.Labels(); {
	case len(named) < s.useCase.minLabels():
		s.Fail(ErrTooFewLabels)
	case len(named) > s.within.Labels:
		s.Fail(ErrTooManyLabels)
	case len(s.Usable()) < s.useCase.minLabels():
		s.Fail(ErrTooFewUsable)
	}
}

// overlap is the share of labels that are among others; both are sorted. Of
// no labels it is all.
func overlap(labels, others []string) float64 {
	if len(labels) == 0 {
		return 1
	}
	common := 0
	for _, l := range labels {
		for len(others) > 0 && others[0] < l {
			others = others[1:]
		}
		if len(others) > 0 && others[0] == l {
			common++
		}
	}
	return float64(common) / float64(len(labels))
}
