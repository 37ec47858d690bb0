package training

import (
	"errors"

	"mimeo/internal/family"
	"mimeo/internal/fault"
	"mimeo/internal/manifest"
	"mimeo/internal/registry"
	"mimeo/internal/results"
)

// logos and unsupportedTask are ours: AWS trains a detector.
var logos = manifest.ContentError{Code: "ERROR_UNSUPPORTED_USE_CASE", Message: "The training manifest file has image-level labels and the testing manifest file has bounding boxes: this server trains and tests a model with labels of one kind."}

var unsupportedTask = manifest.ContentError{Code: "ERROR_UNSUPPORTED_USE_CASE", Message: "The manifest file has bounding boxes only: this server trains models of image-level labels."}

// Messages of failures that are no content of a manifest's lines.
const (
	cannotWriteOutput = "Unable to write to output S3 bucket."
	serviceIssue      = "Amazon Rekognition experienced a service issue."
	diverged          = "The training failed: it diverges, also with lower learning rates. Check the labels, or train on other images."
)

// failureMessage is the status message of a failed training. It shows nothing
// of an internal error.
func failureMessage(cause error) string {
	var found manifest.ContentError
	var file manifest.FileError
	var output *results.RefusedError
	var refused *fault.Error
	var over limitError
	switch {
	case errors.As(cause, &over):
		return over.Error()
	case errors.Is(cause, family.ErrDiverged):
		return diverged
	case errors.As(cause, &found):
		return found.Message
	case errors.As(cause, &file):
		return file.Error()
	case errors.As(cause, &output):
		return cannotWriteOutput
	case registry.IsBadImage(cause):
		return "The training failed: an image was replaced while the model was trained."
	case errors.As(cause, &refused):
		return "The training failed: " + refused.Message
	default:
		return serviceIssue
	}
}
