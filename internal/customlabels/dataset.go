package customlabels

import (
	"time"

	"mimeo/internal/arn"
)

// A DatasetType is TRAIN or TEST; a project has at most one of each.
type DatasetType string

// The types of datasets, as requests name them.
const (
	Train DatasetType = "TRAIN"
	Test  DatasetType = "TEST"
)

// A DatasetStatus is the outcome of the last operation on a dataset.
type DatasetStatus string

// The states of a dataset.
const (
	DatasetCreateInProgress DatasetStatus = "CREATE_IN_PROGRESS"
	DatasetCreateComplete   DatasetStatus = "CREATE_COMPLETE"
	DatasetCreateFailed     DatasetStatus = "CREATE_FAILED"
	DatasetUpdateInProgress DatasetStatus = "UPDATE_IN_PROGRESS"
	DatasetUpdateComplete   DatasetStatus = "UPDATE_COMPLETE"
	DatasetUpdateFailed     DatasetStatus = "UPDATE_FAILED"
	DatasetDeleteInProgress DatasetStatus = "DELETE_IN_PROGRESS"
)

// IsBusy reports whether a job is changing the dataset.
func (s DatasetStatus) IsBusy() bool {
	return s == DatasetCreateInProgress || s == DatasetUpdateInProgress || s == DatasetDeleteInProgress
}

// A DatasetMessageCode says whose fault a dataset's status is.
type DatasetMessageCode string

// The codes of a dataset's status message.
const (
	DatasetSuccess      DatasetMessageCode = "SUCCESS"
	DatasetServiceError DatasetMessageCode = "SERVICE_ERROR"
	DatasetClientError  DatasetMessageCode = "CLIENT_ERROR"
)

// A Dataset is the images of a project that a model is trained or tested on.
type Dataset struct {
	ARN           arn.Dataset
	Project       arn.Project
	Type          DatasetType
	Status        DatasetStatus
	StatusMessage string
	MessageCode   DatasetMessageCode
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Stats         DatasetStats // after the last finished operation
	Operation     string       // the id of the one under way; empty where none is
}

// DatasetStats counts the entries of a dataset.
type DatasetStats struct {
	TotalEntries, LabeledEntries, TotalLabels, ErrorEntries int
}

// An Entry is one line of a dataset's manifest. SourceRef is its key.
type Entry struct {
	SourceRef string
	Line      string // the JSON line as it was given, without the service's own keys
	Labels    []EntryLabel
	Declared  []string // labels that its class maps name, without a box
	Errors    []EntryError
}

// An EntryLabel is a label that an entry mentions. Boxes counts its bounding
// boxes and is zero for an image-level label.
type EntryLabel struct {
	Name  string
	Boxes int
}

// An EntryError is an error of an entry that did not drop it. At is where in
// the line it belongs, as a JSON pointer (RFC 6901): the line, a label
// attribute, its metadata, or one annotation.
type EntryError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	At      string `json:"at,omitempty"`
}
