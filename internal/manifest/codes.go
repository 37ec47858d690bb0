package manifest

import (
	"fmt"

	"mimeo/internal/customlabels"
)

// A Reason says why a line cannot become an entry of a dataset. Such a line
// is left out; a dataset's status message counts them by reason.
type Reason string

// The reasons. The first three are AWS's codes; AWS has none for the others.
const (
	InvalidJSON       Reason = "ERROR_INVALID_JSON_LINE"
	MissingSourceRef  Reason = "ERROR_MISSING_SOURCE_REF"
	InvalidSourceRef  Reason = "ERROR_INVALID_SOURCE_REF_FORMAT"
	LineTooLong       Reason = "LINE_TOO_LONG"
	BlankLine         Reason = "BLANK_LINE"
	RepeatedSourceRef Reason = "REPEATED_SOURCE_REF"
)

func (r Reason) Error() string { return string(r) }

// Describe returns a few words that say to a user what r means.
func (r Reason) Describe() string {
	switch r {
	case InvalidJSON:
		return "not a valid JSON object in UTF-8"
	case MissingSourceRef:
		return "no source-ref"
	case InvalidSourceRef:
		return "source-ref is not s3://BUCKET/KEY"
	case LineTooLong:
		return fmt.Sprintf("longer than %d characters", MaxLineLength)
	case BlankLine:
		return "blank"
	case RepeatedSourceRef:
		return "source-ref repeated"
	default:
		return string(r)
	}
}

// LineError returns the error with which a training's validation file shows a
// line that r keeps from being an entry. Where AWS has no code it is the
// closest that AWS has.
func (r Reason) LineError() customlabels.EntryError {
	switch r {
	case MissingSourceRef:
		return customlabels.EntryError{Code: string(r), Message: "The source-ref key is missing."}
	case InvalidSourceRef:
		return customlabels.EntryError{Code: string(r), Message: "The format of the source-ref value is invalid."}
	case RepeatedSourceRef:
		return customlabels.EntryError{Code: string(InvalidSourceRef), Message: "The source-ref value is that of an earlier JSON Line."}
	default:
		return customlabels.EntryError{Code: string(InvalidJSON), Message: "The JSON Line has an invalid format."}
	}
}

// A Code is the name of an error within a line.
type Code string

// The errors that a line keeps.
const (
	NoLabelAttributes      Code = "ERROR_NO_LABEL_ATTRIBUTES"
	InvalidAttributeFormat Code = "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"
	InvalidMetadataFormat  Code = "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
	NoValidLabelAttributes Code = "ERROR_NO_VALID_LABEL_ATTRIBUTES"
	MissingBoxConfidence   Code = "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"
	MissingClassMapID      Code = "ERROR_MISSING_CLASS_MAP_ID"
	TooManyBoxes           Code = "ERROR_TOO_MANY_BOUNDING_BOXES"
	InvalidBox             Code = "ERROR_INVALID_BOUNDING_BOX"
	BoxTooSmall            Code = "ERROR_BOUNDING_BOX_TOO_SMALL"
	NoValidAnnotations     Code = "ERROR_NO_VALID_ANNOTATIONS"
	InvalidImage           Code = "ERROR_INVALID_IMAGE"
	InvalidImageDimension  Code = "ERROR_INVALID_IMAGE_DIMENSION"
	UnsupportedUseCase     Code = "ERROR_UNSUPPORTED_USE_CASE_TYPE"
	InvalidLabelNameLength Code = "ERROR_INVALID_LABEL_NAME_LENGTH"
	// TooManyImageLabels has the code of a manifest with too many labels: AWS
	// documents the limit of an image, and no error for it.
	TooManyImageLabels Code = "ERROR_MANIFEST_TOO_MANY_LABELS"
)

// The warnings of a line that is valid and has nothing to learn from.
const (
	UnannotatedRecord      Code = "WARNING_UNANNOTATED_RECORD"
	NoAnnotations          Code = "WARNING_NO_ANNOTATIONS"
	NoAttributeAnnotations Code = "WARNING_NO_ATTRIBUTE_ANNOTATIONS"
)

// LineError returns the error at the line itself.
func (c Code) LineError() customlabels.EntryError {
	return customlabels.EntryError{Code: string(c), Message: c.message("")}
}

// message returns AWS's text of an error, spelling included; attribute is the
// label attribute that two of the texts name.
func (c Code) message(attribute string) string {
	switch c {
	case InvalidAttributeFormat:
		return fmt.Sprintf("The format of the label attribute %s is invalid.", attribute)
	case UnsupportedUseCase:
		return fmt.Sprintf("The use case type of the %s-metadata label attribute metadata is unsupported. Check the type field.", attribute)
	default:
		return messages[c]
	}
}

var messages = map[Code]string{
	NoLabelAttributes:      "No label attributes found.",
	InvalidMetadataFormat:  "The format of the label attribute metadata is invalid.",
	NoValidLabelAttributes: "No valid label attributes found.",
	MissingBoxConfidence:   "One or more bounding boxes has a missing confidence value.",
	MissingClassMapID:      "One of more class ids is missing from the class map.",
	TooManyBoxes:           "There are more bounding boxes than the allowed maximum.",
	InvalidBox:             "The bounding box has off frame values.",
	BoxTooSmall:            "The height and width of the bounding box is too small.",
	NoValidAnnotations:     "No valid annotations found.",
	InvalidImage:           "The image is invalid. Check S3 path and/or image properties.",
	InvalidImageDimension:  "The image dimension(s) do not conform to allowed dimensions.",
	InvalidLabelNameLength: "The length of the label name is invalid.",
	TooManyImageLabels:     "The image has more labels than the allowed maximum.",
	UnannotatedRecord:      "Record is unannotated.",
	NoAnnotations:          "No annotations were found.",
	NoAttributeAnnotations: "No attribute annotations were found.",
}

// A FileError is an error that refuses a whole manifest. Its message is
// AWS's, and is what a dataset's status message or a failed training shows.
type FileError string

// The errors of whole manifests.
const (
	Unsupported       FileError = "The manifest file extension or contents are invalid."
	Empty             FileError = "The manifest file is empty."
	TooLarge          FileError = "The manifest file size exceeds the maximum supported size."
	TooManyRows       FileError = "The manifest file has too many rows."
	TooManyErrors     FileError = "The manifest file has too many terminal errors."
	TooManyLabels     FileError = "The manifest file has too many labels."
	SeveralBuckets    FileError = "The manifest file contains images from multiple S3 buckets."
	BucketPermissions FileError = "The S3 bucket permissions are incorrect."
	TooFewPerLabel    FileError = "The manifest file doesn't have enough labeled images to distribute the dataset."
)

func (e FileError) Error() string { return string(e) }
