// Package mimeoapi is the edge of mimeo's own operations, which AWS does not
// have: AWS JSON 1.1 under Rekognition's signing name, with targets that begin
// with "Mimeo.". One method per operation; it decides nothing.
//
// docs/compatibility.md lists the operations with their members.
package mimeoapi

import (
	"maps"

	"mimeo/internal/awsjson"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/events"
	"mimeo/internal/lineage"
	"mimeo/internal/proof"
	"mimeo/internal/rekapi"
	"mimeo/internal/training"
)

// An API answers the operations with what the services decide.
type API struct {
	Copier   *copier.Service
	Training *training.Service
	Lineage  *lineage.Service
	Events   *events.Service
	Proof    *proof.Service
}

// Service is the API as AWS JSON 1.1 serves it.
func (a *API) Service() awsjson.Service {
	return awsjson.Service{
		SigningName:  "rekognition",
		TargetPrefix: "Mimeo",
		Operations:   a.operations(),
		Constraints:  a.constraints(),
		Faults:       rekapi.Faults,
		Internal:     customlabels.InternalServerError,
		LongErrors:   true,
	}
}

// operations is the list of all that is served.
func (a *API) operations() map[string]awsjson.Operation {
	return map[string]awsjson.Operation{
		"ExplainCopyProjectVersion": awsjson.Bind(a.explainCopyProjectVersion),
		"CopyProjectVersion":        awsjson.BindCall(a.copyProjectVersion),
		"DescribeCopy":              awsjson.Bind(a.describeCopy),
		"CancelCopy":                awsjson.Bind(a.cancelCopy),
		"DescribeTraining":          awsjson.Bind(a.describeTraining),
		"CancelTraining":            awsjson.Bind(a.cancelTraining),
		"DescribeLineage":           awsjson.Bind(a.describeLineage),
		"PutEventTarget":            awsjson.Bind(a.putEventTarget),
		"ListEventTargets":          awsjson.Bind(a.listEventTargets),
		"DeleteEventTarget":         awsjson.Bind(a.deleteEventTarget),
		"ListDeadEvents":            awsjson.Bind(a.listDeadEvents),
		"RedeliverDeadEvents":       awsjson.Bind(a.redeliverDeadEvents),
		"ScrubVersion":              awsjson.Bind(a.scrubVersion),
	}
}

// constraints are those of every operation's input.
func (a *API) constraints() map[string]awsjson.Shape {
	all := maps.Clone(eventConstraints)
	for _, operation := range []string{"CopyProjectVersion", "ExplainCopyProjectVersion"} {
		all[operation] = rekapi.ConstraintsOf("CopyProjectVersion")
	}
	return all
}
