package customlabels

import (
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// A Feature is what a project's models are for.
type Feature string

// The features of the API; only Custom Labels projects can be made here.
const (
	CustomLabels      Feature = "CUSTOM_LABELS"
	ContentModeration Feature = "CONTENT_MODERATION"
)

// A ProjectStatus is where a project is in its life.
type ProjectStatus string

// The states of a project. Creation is immediate, so CREATING is never seen.
const (
	ProjectCreated  ProjectStatus = "CREATED"
	ProjectDeleting ProjectStatus = "DELETING"
)

// A Project groups datasets, versions and project policies under a name that
// is unique in its namespace.
type Project struct {
	ARN       arn.Project
	Feature   Feature
	Status    ProjectStatus
	CreatedAt time.Time
}

// A ProjectPolicy says who may copy the versions of a project. Document is
// stored as it was sent.
type ProjectPolicy struct {
	Project    arn.Project
	Name       string
	RevisionID string // 32 lower-case hexadecimal digits, fresh at every change
	Document   string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Tags are the tags of one resource.
type Tags map[string]string

// MaxTags is how many tags a resource may have. AWS documents no number for
// Rekognition; 50 is its rule elsewhere.
const MaxTags = 50

// Check returns nil where a new version can have the tags, else
// ServiceQuotaExceeded.
func (t Tags) Check() error {
	if len(t) > MaxTags {
		return fault.New(ServiceQuotaExceeded, "A resource can have %d tags, the request has %d.", MaxTags, len(t))
	}
	return nil
}

// An S3Location names an object, or with a Prefix the place for some.
type S3Location struct {
	Bucket, Key string
	Version     string `json:",omitempty"` // empty: the current one
}

// IsZero reports whether no object is named.
func (l S3Location) IsZero() bool { return l == S3Location{} }

func (l S3Location) String() string { return "s3://" + l.Bucket + "/" + l.Key }

// An OutputConfig is where the results of a version are written.
type OutputConfig struct {
	Bucket, Prefix string
}

// Key joins the prefix and a file name with exactly one slash; an empty
// prefix puts the file at the root of the bucket.
func (c OutputConfig) Key(file string) string {
	prefix := c.Prefix
	for len(prefix) > 0 && prefix[len(prefix)-1] == '/' {
		prefix = prefix[:len(prefix)-1]
	}
	if prefix == "" {
		return file
	}
	return prefix + "/" + file
}
