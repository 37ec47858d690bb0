package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
	"mimeo/internal/quota"
	"mimeo/internal/registry"
	"mimeo/internal/results"
)

// A Request is the input of CreateProjectVersion.
type Request struct {
	Project     arn.Project
	VersionName string
	Description string
	Output      customlabels.OutputConfig
	Tags        customlabels.Tags
	KMSKeyID    string // id, ARN or alias; empty: the service-owned key
	// Training and Testing name manifests; nil: the project's datasets.
	Training *Data
	Testing  *TestData
	// ContentModeration says that the FeatureConfig configures an adapter.
	ContentModeration bool
}

// Data names the manifests to train on: exactly one.
type Data struct{ Manifests []objects.Ref }

// TestData names the manifest to test on, or asks for a split.
type TestData struct {
	Manifests []objects.Ref
	// AutoCreate holds out a fifth of the training images instead.
	AutoCreate bool
}

// The IAM actions that a training needs.
const (
	createAction = "rekognition:CreateProjectVersion"
	tagAction    = "rekognition:TagResource"
)

const inProgress = "The model is being trained."

// CreateProjectVersion decides whether the caller may train a version and, if
// so, inserts it as TRAINING_IN_PROGRESS together with its job and a copy of
// what it is trained on. The answer is the ARN of the version.
func (s *Service) CreateProjectVersion(ctx context.Context, caller arn.Caller, req Request) (arn.ProjectVersion, error) {
	now := s.Now()
	v := customlabels.ProjectVersion{
		ARN:           req.Project.Version(req.VersionName, strconv.FormatInt(now.UnixMilli(), 10)),
		Project:       req.Project,
		Status:        customlabels.TrainingInProgress,
		StatusMessage: inProgress,
		Description:   req.Description,
		CreatedAt:     now,
		OutputConfig:  req.Output,
	}
	if err := s.authorize(ctx, caller, req, v.ARN); err != nil {
		return arn.ProjectVersion{}, err
	}
	if err := checkRequest(caller, req); err != nil {
		return arn.ProjectVersion{}, err
	}
	if err := s.checkProject(ctx, req); err != nil {
		return arn.ProjectVersion{}, err
	}
	datasets, err := s.checkData(ctx, caller, req)
	if err != nil {
		return arn.ProjectVersion{}, err
	}
	target := results.Target{Version: v.ARN, Output: req.Output, KMSKey: req.KMSKeyID}
	if _, err := target.Check(ctx, s.Objects, caller); err != nil {
		return arn.ProjectVersion{}, err
	}
	if err := req.Tags.Check(); err != nil {
		return arn.ProjectVersion{}, err
	}
	return v.ARN, s.insert(ctx, caller, req, v, datasets)
}

func (s *Service) authorize(ctx context.Context, caller arn.Caller, req Request, v arn.ProjectVersion) error {
	q := registry.Question{Action: createAction, Resource: req.Project, Owner: req.Project.Namespace, Keys: policy.RequestTags(req.Tags)}
	if err := s.Registry.Ask(ctx, caller, q); err != nil || len(req.Tags) == 0 {
		return err
	}
	q.Action, q.Resource = tagAction, v
	return s.Registry.Ask(ctx, caller, q)
}

// checkRequest makes the checks that need nothing but the request.
func checkRequest(caller arn.Caller, req Request) error {
	switch {
	case !req.Project.SameRegion(caller.Namespace()):
		return customlabels.Invalid("The project %s is not in the Region %s that the request was sent to.", req.Project, caller.Region)
	case req.ContentModeration:
		return customlabels.Invalid("FeatureConfig does not match the project: ContentModeration is for adapters, not for Custom Labels.")
	case (req.Training == nil) != (req.Testing == nil):
		return customlabels.Invalid("TrainingData and TestingData must be given together, or neither.")
	case req.Training == nil:
		return nil
	case req.Testing.AutoCreate && len(req.Testing.Manifests) > 0:
		return customlabels.Invalid("TestingData has both Assets and AutoCreate: give one of them.")
	}
	if err := checkAssets("TrainingData", req.Training.Manifests); err != nil || req.Testing.AutoCreate {
		return err
	}
	return checkAssets("TestingData", req.Testing.Manifests)
}

func checkAssets(member string, manifests []objects.Ref) error {
	if len(manifests) != 1 {
		return customlabels.Invalid("%s needs exactly one asset, it has %d.", member, len(manifests))
	}
	if m := manifests[0]; m.Bucket == "" || m.Key == "" {
		return customlabels.Invalid("The asset of %s needs a GroundTruthManifest with an S3Object that has Bucket and Name.", member)
	}
	return nil
}

// checkProject checks that the project can take the version.
func (s *Service) checkProject(ctx context.Context, req Request) error {
	project, err := s.Registry.Project(ctx, req.Project)
	if err != nil {
		return err
	}
	if project.Feature != customlabels.CustomLabels {
		return customlabels.Invalid("The project %s is a %s project: only Custom Labels models can be trained.", project.ARN, project.Feature)
	}
	taken, err := s.Store.HasVersion(ctx, project.ARN, req.VersionName)
	switch {
	case err != nil:
		return fmt.Errorf("look for version %q of %s: %w", req.VersionName, project.ARN, err)
	case taken:
		return nameTaken(req)
	case project.Status != customlabels.ProjectCreated:
		return customlabels.InUse("The project %s is %s.", project.ARN, project.Status)
	}
	return nil
}

// checkData returns the datasets to train on and test with, or none where the
// request names manifests.
func (s *Service) checkData(ctx context.Context, caller arn.Caller, req Request) ([]customlabels.Dataset, error) {
	datasets, err := s.Registry.Datasets(ctx, req.Project)
	if err != nil {
		return nil, fmt.Errorf("read the datasets of %s: %w", req.Project, err)
	}
	if req.Training == nil {
		return datasets, checkDatasets(req.Project, datasets)
	}
	if len(datasets) > 0 {
		return nil, customlabels.Invalid("The project %s has datasets: it is trained with them, not with the manifests of TrainingData and TestingData.", req.Project)
	}
	for _, m := range slices.Concat(req.Training.Manifests, req.Testing.Manifests) {
		if _, err := s.Objects.Head(ctx, caller, m); err != nil {
			return nil, manifestRefusal(err, m)
		}
	}
	return nil, nil
}

func checkDatasets(project arn.Project, datasets []customlabels.Dataset) error {
	found := map[customlabels.DatasetType]bool{}
	for _, d := range datasets {
		found[d.Type] = true
		switch {
		case d.Status.IsBusy():
			return customlabels.InUse("The dataset %s is %s.", d.ARN, d.Status)
		case d.Status != customlabels.DatasetCreateComplete && d.Status != customlabels.DatasetUpdateComplete:
			return customlabels.Invalid("The dataset %s is %s: a model is trained with complete datasets.", d.ARN, d.Status)
		}
	}
	for _, t := range []customlabels.DatasetType{customlabels.Train, customlabels.Test} {
		if !found[t] {
			return customlabels.Invalid("The project %s has no %s dataset. Create it, or give TrainingData and TestingData.", project, t)
		}
	}
	return nil
}

// insert takes the right to use the key and commits the training; it gives
// the right back where the commit is refused. Where it fails the training may
// be there all the same: what its job does not need is the sweep's.
func (s *Service) insert(ctx context.Context, caller arn.Caller, req Request, v customlabels.ProjectVersion, datasets []customlabels.Dataset) error {
	use, err := s.Vault.Prepare(ctx, caller, req.KMSKeyID, v.ARN)
	if err != nil {
		return err
	}
	if req.KMSKeyID != "" {
		v.KMSKey = use.Key
	}
	v.Input = req.input()
	args := Args{Version: v.ARN, Caller: caller, Key: use}
	err = s.commit(ctx, req, v, datasets, args)
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		return errors.Join(err, s.Vault.Abandon(context.WithoutCancel(ctx), use))
	}
	return err
}

// commit inserts the training, within the quotas.
func (s *Service) commit(ctx context.Context, req Request, v customlabels.ProjectVersion, datasets []customlabels.Dataset, args Args) error {
	limits, err := s.Quotas.VersionLimits(ctx, v.ARN.Account, quota.TrainingsInProgress)
	if err != nil {
		return err
	}
	n := customlabels.NewVersion{ProjectVersion: v, Tags: req.Tags, Limits: limits}
	spec := job.Spec{Kind: Kind, Key: v.ARN.String(), Args: args}
	if err := s.Store.InsertTraining(ctx, n, datasets, Progress{Seed: seedOf(v.ARN)}.Touched(s.Now()), spec); err != nil {
		return insertRefusal(err, req, limits)
	}
	return nil
}

// input is what a request that was checked names to train and test with.
func (r Request) input() customlabels.TrainingInput {
	if r.Training == nil {
		return customlabels.TrainingInput{}
	}
	in := customlabels.TrainingInput{Training: location(r.Training.Manifests[0]), AutoCreate: r.Testing.AutoCreate}
	if !in.AutoCreate {
		in.Testing = location(r.Testing.Manifests[0])
	}
	return in
}

func location(m objects.Ref) customlabels.S3Location { return customlabels.S3Location(m) }

func nameTaken(req Request) *fault.Error {
	return customlabels.InUse("The project %s already has a version named %q.", req.Project, req.VersionName)
}

// insertRefusal gives the bare code of the store its message.
func insertRefusal(err error, req Request, limits customlabels.VersionLimits) error {
	switch {
	case errors.Is(err, customlabels.ServiceQuotaExceeded):
		return fault.New(customlabels.ServiceQuotaExceeded, "The project %s holds its maximum of %d models. Delete one first.", req.Project, limits.InProject)
	case errors.Is(err, customlabels.LimitExceeded):
		return fault.New(customlabels.LimitExceeded, "This account trains its maximum of %d models at a time. Try again when a training has ended.", limits.InProgress)
	case errors.Is(err, customlabels.ResourceInUse):
		return customlabels.InUse("The project %s is being changed, or has a version named %q.", req.Project, req.VersionName)
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(req.Project)
	default:
		return fmt.Errorf("insert the training: %w", err)
	}
}

func manifestRefusal(err error, m objects.Ref) error {
	var refused *fault.Error
	switch {
	case errors.Is(err, objects.AccessDenied):
		action := "s3:GetObject"
		if m.Version != "" {
			action += "Version"
		}
		return fault.New(customlabels.AccessDenied, "The manifest s3://%s/%s cannot be read by the caller: %s is denied.", m.Bucket, m.Key, action).Because(err)
	case errors.As(err, &refused):
		return customlabels.Invalid("The manifest s3://%s/%s cannot be read: %s", m.Bucket, m.Key, refused.Message).Because(err)
	default:
		return fmt.Errorf("look for manifest s3://%s/%s: %w", m.Bucket, m.Key, err)
	}
}
