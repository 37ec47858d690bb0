// Package rekapi is the edge of Rekognition Custom Labels: one method per
// operation, which turns the SDK's types into those of the services and back.
// It decides nothing.
//
// API reference: https://docs.aws.amazon.com/rekognition/latest/APIReference/
package rekapi

import (
	"net/http"

	"mimeo/internal/awsjson"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/registry"
	"mimeo/internal/serving"
	"mimeo/internal/training"
)

// An API answers the operations with what the services decide.
type API struct {
	Registry *registry.Service
	Training *training.Service
	Copier   *copier.Service
	Serving  *serving.Service
}

// Service is the API as AWS JSON 1.1 serves it.
func (a *API) Service() awsjson.Service {
	return awsjson.Service{
		SigningName:  "rekognition",
		TargetPrefix: "RekognitionService",
		Operations:   a.operations(),
		Constraints:  constraints,
		Faults:       Faults,
		Internal:     customlabels.InternalServerError,
		LongErrors:   true,
	}
}

// operations is the list of all that is served.
func (a *API) operations() map[string]awsjson.Operation {
	return map[string]awsjson.Operation{
		"CreateProject":    awsjson.Bind(a.createProject),
		"DescribeProjects": awsjson.Bind(a.describeProjects),
		"DeleteProject":    awsjson.Bind(a.deleteProject),

		"CreateDataset":            awsjson.Bind(a.createDataset),
		"DescribeDataset":          awsjson.Bind(a.describeDataset),
		"DeleteDataset":            awsjson.Bind(a.deleteDataset),
		"ListDatasetEntries":       awsjson.Bind(a.listDatasetEntries),
		"ListDatasetLabels":        awsjson.Bind(a.listDatasetLabels),
		"UpdateDatasetEntries":     awsjson.Bind(a.updateDatasetEntries),
		"DistributeDatasetEntries": awsjson.Bind(a.distributeDatasetEntries),

		"CreateProjectVersion":    awsjson.Bind(a.createProjectVersion),
		"DescribeProjectVersions": awsjson.Bind(a.describeProjectVersions),
		"CopyProjectVersion":      awsjson.BindCall(a.copyProjectVersion),
		"DeleteProjectVersion":    awsjson.Bind(a.deleteProjectVersion),

		"StartProjectVersion": awsjson.Bind(a.startProjectVersion),
		"StopProjectVersion":  awsjson.Bind(a.stopProjectVersion),
		"DetectCustomLabels":  awsjson.Bind(a.detectCustomLabels),

		"PutProjectPolicy":    awsjson.Bind(a.putProjectPolicy),
		"ListProjectPolicies": awsjson.Bind(a.listProjectPolicies),
		"DeleteProjectPolicy": awsjson.Bind(a.deleteProjectPolicy),

		"TagResource":         awsjson.Bind(a.tagResource),
		"UntagResource":       awsjson.Bind(a.untagResource),
		"ListTagsForResource": awsjson.Bind(a.listTagsForResource),
	}
}

// Faults are the exceptions of the service model with their HTTP status: 500
// for the two that the model calls faults of the server, else 400.
var Faults = map[fault.Code]int{
	customlabels.AccessDenied:                  http.StatusBadRequest,
	customlabels.ImageTooLarge:                 http.StatusBadRequest,
	customlabels.InternalServerError:           http.StatusInternalServerError,
	customlabels.InvalidImageFormat:            http.StatusBadRequest,
	customlabels.InvalidPaginationToken:        http.StatusBadRequest,
	customlabels.InvalidParameter:              http.StatusBadRequest,
	customlabels.InvalidPolicyRevisionID:       http.StatusBadRequest,
	customlabels.InvalidS3Object:               http.StatusBadRequest,
	customlabels.LimitExceeded:                 http.StatusBadRequest,
	customlabels.MalformedPolicyDocument:       http.StatusBadRequest,
	customlabels.ProvisionedThroughputExceeded: http.StatusBadRequest,
	customlabels.ResourceAlreadyExists:         http.StatusBadRequest,
	customlabels.ResourceInUse:                 http.StatusBadRequest,
	customlabels.ResourceNotFound:              http.StatusBadRequest,
	customlabels.ResourceNotReady:              http.StatusBadRequest,
	customlabels.ServiceQuotaExceeded:          http.StatusBadRequest,
	customlabels.Throttling:                    http.StatusInternalServerError,
}
