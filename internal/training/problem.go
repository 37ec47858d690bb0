package training

import (
	"errors"

	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/manifest"
	"mimeo/internal/results"
)

// A problem is an error of a manifest's content that fails the training. It
// stands in the manifest summary and in the version's status message.
//
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-debugging-aggregate-errors.html
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p problem) Error() string { return p.Message }

// The problems of AWS's catalogue that this training can find.
var (
	tooManyInvalidRows = problem{"ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", "The manifest file contains too many invalid rows."}
	severalBuckets     = problem{"ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS", "The manifest file contains images from multiple S3 buckets."}
	imagesForbidden    = problem{"ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET", "The permissions for the images S3 bucket are invalid."}
	noImages           = problem{"ERROR_FAILED_IMAGES_S3_COPY", "Failed to copy images from S3 bucket."}
	tooFewToSplit      = problem{"ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT", "The manifest file contains insufficient labeled images per label to perform auto-split."}
	tooFewLabels       = problem{"ERROR_MANIFEST_TOO_FEW_LABELS", "The manifest file has too few labels."}
	tooManyLabels      = problem{"ERROR_MANIFEST_TOO_MANY_LABELS", "The manifest file has too many labels."}
	tooLittleOverlap   = problem{"ERROR_INSUFFICIENT_LABEL_OVERLAP", "Less than 50% label overlap between the training and testing manifest files."}
	tooFewUsableLabels = problem{"ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", "The manifest file has too few usable labels."}
	// tooManyTestImages has the words of a manifest with too many rows: AWS
	// documents the limit of a label's test images, and no error for it.
	tooManyTestImages = problem{"ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM", string(manifest.TooManyRows)}
	// onlyBoxes is ours: AWS trains a detector.
	onlyBoxes = problem{"ERROR_UNSUPPORTED_USE_CASE", "The manifest file has bounding boxes only: this server trains models of image-level labels."}
)

// invalidImage is the error of a line whose image cannot be used.
var invalidImage = customlabels.EntryError{Code: "ERROR_INVALID_IMAGE", Message: "The image is invalid. Check S3 path and/or image properties."}

// Messages of failures that are no content of a manifest's lines.
const (
	cannotWriteOutput = "Unable to write to output S3 bucket."
	serviceIssue      = "Amazon Rekognition experienced a service issue."
)

// failureMessage is the status message of a failed training. It shows nothing
// of an internal error.
func failureMessage(cause error) string {
	var found problem
	var file manifest.FileError
	var output *results.RefusedError
	var refused *fault.Error
	switch {
	case errors.As(cause, &found):
		return found.Message
	case errors.As(cause, &file):
		return file.Error()
	case errors.As(cause, &output):
		return cannotWriteOutput
	case isBadImage(cause):
		return "The training failed: an image was replaced while the model was trained."
	case errors.As(cause, &refused):
		return "The training failed: " + refused.Message
	default:
		return serviceIssue
	}
}
