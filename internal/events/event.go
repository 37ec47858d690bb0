package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// A Type is the type of an event: typePrefix and the status that a version
// has now.
type Type string

const typePrefix = "mimeo.projectversion."

// Deleted is the type of the event that a version is gone.
const Deleted Type = typePrefix + "DELETED"

// TypeOf is the type of the event that a version has a status now.
func TypeOf(s customlabels.Status) Type { return Type(typePrefix + string(s)) }

// Types are all types, in the order of a version's life.
var Types = []Type{
	TypeOf(customlabels.TrainingInProgress), TypeOf(customlabels.TrainingCompleted), TypeOf(customlabels.TrainingFailed),
	TypeOf(customlabels.CopyingInProgress), TypeOf(customlabels.CopyingCompleted), TypeOf(customlabels.CopyingFailed),
	TypeOf(customlabels.Starting), TypeOf(customlabels.Running), TypeOf(customlabels.Failed),
	TypeOf(customlabels.Stopping), TypeOf(customlabels.Stopped), TypeOf(customlabels.Deleting), Deleted,
}

// An Event is what happened to a version, as its receivers are told. Body is
// a CloudEvent in JSON, which never changes.
type Event struct {
	ID      string
	Type    Type
	Version arn.ProjectVersion
	Created time.Time
	Body    []byte
}

// cloudEvent is the JSON format of CloudEvents 1.0.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            Type      `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	Sequence        string    `json:"sequence"` // the extension of that name
	DataContentType string    `json:"datacontenttype"`
	Data            data      `json:"data"`
}

// data is named as DescribeProjectVersions names it.
type data struct {
	ProjectVersionARN       string `json:"ProjectVersionArn"`
	ProjectARN              string `json:"ProjectArn"`
	Status                  string `json:"Status,omitempty"`
	StatusMessage           string `json:"StatusMessage,omitempty"`
	SourceProjectVersionARN string `json:"SourceProjectVersionArn,omitempty"`
}

// New returns the event that a version is now as it is, or gone where its
// type is Deleted. sequence orders the events of one target.
func New(v customlabels.ProjectVersion, kind Type, sequence int64, now time.Time) (Event, error) {
	e := Event{ID: uuid.NewString(), Type: kind, Version: v.ARN, Created: now.UTC().Truncate(time.Millisecond)}
	d := data{ProjectVersionARN: v.ARN.String(), ProjectARN: v.Project.String()}
	if kind != Deleted {
		d.Status, d.StatusMessage = string(v.Status), v.StatusMessage
	}
	if v.Source != (arn.ProjectVersion{}) {
		d.SourceProjectVersionARN = v.Source.String()
	}
	var err error
	e.Body, err = json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: e.ID, Source: v.Project.String(), Type: kind, Subject: v.ARN.String(), Time: e.Created,
		Sequence: fmt.Sprintf("%020d", sequence), DataContentType: "application/json", Data: d,
	})
	if err != nil {
		return e, fmt.Errorf("encode the event of %s: %w", v.ARN, err)
	}
	return e, nil
}
