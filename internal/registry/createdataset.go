package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
)

// A CreateDatasetRequest is the input of CreateDataset. Without a Source the
// dataset is empty.
type CreateDatasetRequest struct {
	Project arn.Project
	Type    customlabels.DatasetType
	Source  *DatasetSource
	Tags    customlabels.Tags
}

// A DatasetSource is where the entries of a new dataset come from: a manifest
// or another dataset.
type DatasetSource struct {
	Manifest *objects.Ref
	Dataset  *arn.Dataset
}

const unreadableObject = "Unable to get object metadata from S3. Check object key, region and/or access permissions."

// CreateDataset creates a dataset and, where it has a source, begins to fill
// it.
func (s *Service) CreateDataset(ctx context.Context, caller arn.Caller, req CreateDatasetRequest) (arn.Dataset, error) {
	project := req.Project
	q := Question{"rekognition:CreateDataset", project, project.Namespace, policy.RequestTags(req.Tags)}
	if err := s.allowWith(ctx, caller, q); err != nil {
		return arn.Dataset{}, err
	}
	kind := strings.ToLower(string(req.Type))
	if len(req.Tags) > 0 {
		would := project.Dataset(kind, placeholder)
		if err := s.allowTagged(ctx, caller, "rekognition:TagResource", would, would.Namespace, req.Tags); err != nil {
			return arn.Dataset{}, err
		}
	}
	if err := s.checkSource(ctx, caller, req.Source); err != nil {
		return arn.Dataset{}, err
	}
	op := s.operation()
	created := customlabels.Dataset{
		ARN: project.Dataset(kind, stamp(op.At)), Project: project, Type: req.Type,
		CreatedAt: op.At, UpdatedAt: op.At, MessageCode: customlabels.DatasetSuccess,
		Status: customlabels.DatasetCreateComplete, StatusMessage: "The dataset was successfully created.",
	}
	if req.Source != nil {
		created.Status, created.StatusMessage = customlabels.DatasetCreateInProgress, "The dataset is being created."
		op = op.as(CreateDatasetKind, createDatasetArgs{
			Operation: op.ID, Dataset: created.ARN, Caller: caller, Manifest: req.Source.Manifest, Source: req.Source.Dataset,
		})
	}
	err := s.datasets.InsertDataset(ctx, created, req.Tags, op)
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return arn.Dataset{}, customlabels.NotFound(project)
	case errors.Is(err, customlabels.ResourceAlreadyExists):
		return arn.Dataset{}, fault.New(customlabels.ResourceAlreadyExists, "The project %s has a %s dataset already.", project, req.Type)
	case err != nil:
		return arn.Dataset{}, fmt.Errorf("insert dataset %s: %w", created.ARN, err)
	}
	return created.ARN, nil
}

// checkSource returns nil where the caller may read what a dataset is to be
// made from.
func (s *Service) checkSource(ctx context.Context, caller arn.Caller, source *DatasetSource) error {
	switch {
	case source == nil:
		return nil
	case (source.Manifest == nil) == (source.Dataset == nil):
		return customlabels.Invalid("DatasetSource needs exactly one of GroundTruthManifest and DatasetArn.")
	case source.Manifest != nil:
		return s.checkManifest(ctx, caller, *source.Manifest)
	}
	from := *source.Dataset
	if err := s.allow(ctx, caller, "rekognition:ListDatasetEntries", from, from.Namespace); err != nil {
		return err
	}
	d, err := s.Dataset(ctx, from)
	if err == nil && d.Status.IsBusy() {
		return customlabels.Invalid("The source dataset %s is %s.", from, d.Status)
	}
	return err
}

func (s *Service) checkManifest(ctx context.Context, caller arn.Caller, ref objects.Ref) error {
	if ref.Bucket == "" || ref.Key == "" {
		return fault.New(customlabels.InvalidS3Object, "Request has invalid S3 object.")
	}
	if _, err := s.objects.Head(ctx, caller, ref); err != nil {
		if isRefusal(err) {
			return fault.New(customlabels.InvalidS3Object, unreadableObject).Because(err)
		}
		return fmt.Errorf("look up manifest s3://%s/%s: %w", ref.Bucket, ref.Key, err)
	}
	owner, err := s.objects.Owner(ctx, caller, ref.Bucket)
	if err != nil {
		return fmt.Errorf("look up owner of bucket %s: %w", ref.Bucket, err)
	}
	if owner != caller.Principal.Account {
		return fault.New(customlabels.InvalidS3Object, "The manifest's bucket %s is not in your account.", ref.Bucket)
	}
	return nil
}

// isRefusal reports whether an object store said no to the caller, whom
// another attempt would not help.
func isRefusal(err error) bool {
	return errors.As(err, new(*fault.Error)) || errors.As(err, new(fault.Code))
}
