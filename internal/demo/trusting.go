package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// Where things are in the trusting account's bucket.
const (
	imagePrefix   = "images/"
	trainManifest = "train.manifest"
	testManifest  = "test.manifest"
	resultPrefix  = "results"
)

// uploads is how many objects are put at the same time.
const uploads = 4

// maxImage is the largest image that the service takes, in bytes.
const maxImage = 15 << 20

// upload puts the images and their two manifests into a new bucket.
func (s *story) upload(ctx context.Context) error {
	a := s.trusting
	if _, err := a.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &a.bucket}); err != nil {
		return err
	}
	s.same(a, "s3 mb s3://%s", a.bucket)
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, half := range [][]labelled{s.images.train, s.images.test} {
		for _, image := range half {
			group.Go(func() error {
				data, err := s.images.bytes(image)
				if err != nil {
					return err
				}
				return a.put(inGroup, imagePrefix+image.path, data)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.same(a, "s3 cp --recursive %s s3://%s/%s", s.images.dir, a.bucket, imagePrefix)
	if err := s.uploadManifest(ctx, trainManifest, s.images.train); err != nil {
		return err
	}
	if err := s.uploadManifest(ctx, testManifest, s.images.test); err != nil {
		return err
	}
	s.say("%d images and two manifests are in s3://%s", len(s.images.train)+len(s.images.test), a.bucket)
	return nil
}

func (s *story) uploadManifest(ctx context.Context, name string, images []labelled) error {
	a := s.trusting
	lines, err := manifest(images, a.bucket, imagePrefix)
	if err != nil {
		return err
	}
	file := filepath.Join(s.Dir, name)
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		return err
	}
	s.same(a, "s3 cp %s s3://%s/%s", file, a.bucket, name)
	return a.put(ctx, name, lines)
}

// bytes reads an image, within the service's limit.
func (s imageSet) bytes(image labelled) ([]byte, error) {
	info, err := os.Stat(s.file(image))
	if err != nil {
		return nil, err
	}
	if info.Size() > maxImage {
		return nil, fmt.Errorf("%s has %d bytes; the service takes at most %d", s.file(image), info.Size(), maxImage)
	}
	return os.ReadFile(s.file(image))
}

func (a account) put(ctx context.Context, key string, data []byte) error {
	_, err := a.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &a.bucket, Key: &key, Body: bytes.NewReader(data)})
	return err
}

// createProject makes the project and imports both manifests.
func (s *story) createProject(ctx context.Context) error {
	if err := s.newProject(ctx, &s.trusting); err != nil {
		return err
	}
	for _, d := range []struct {
		kind   types.DatasetType
		key    string
		images []labelled
	}{{types.DatasetTypeTrain, trainManifest, s.images.train}, {types.DatasetTypeTest, testManifest, s.images.test}} {
		if err := s.createDataset(ctx, d.kind, d.key, int32(len(d.images))); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) newProject(ctx context.Context, a *account) error {
	out, err := a.rekognition.CreateProject(ctx, &rekognition.CreateProjectInput{ProjectName: &a.projectName})
	if err != nil {
		return err
	}
	a.project = aws.ToString(out.ProjectArn)
	s.say("%s", a.project)
	s.same(*a, "rekognition create-project --project-name %s", a.projectName)
	return nil
}

// createDataset imports a manifest and waits until all its lines are labelled
// entries, which shall be want.
func (s *story) createDataset(ctx context.Context, kind types.DatasetType, key string, want int32) error {
	a := s.trusting
	out, err := a.rekognition.CreateDataset(ctx, &rekognition.CreateDatasetInput{
		ProjectArn: &a.project, DatasetType: kind,
		DatasetSource: &types.DatasetSource{GroundTruthManifest: &types.GroundTruthManifest{
			S3Object: &types.S3Object{Bucket: &a.bucket, Name: &key},
		}},
	})
	if err != nil {
		return err
	}
	s.same(a, `rekognition create-dataset --project-arn %s --dataset-type %s --dataset-source '{"GroundTruthManifest":{"S3Object":{"Bucket":"%s","Name":"%s"}}}'`, a.project, kind, a.bucket, key)
	s.same(a, "rekognition describe-dataset --dataset-arn %s", aws.ToString(out.DatasetArn))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		d, err := a.rekognition.DescribeDataset(ctx, &rekognition.DescribeDatasetInput{DatasetArn: out.DatasetArn})
		if err != nil {
			return err
		}
		switch dataset := d.DatasetDescription; dataset.Status {
		case types.DatasetStatusCreateComplete:
			stats := dataset.DatasetStats
			s.say("%s dataset: %d images, %d of them labelled, %d labels", kind, aws.ToInt32(stats.TotalEntries), aws.ToInt32(stats.LabeledEntries), aws.ToInt32(stats.TotalLabels))
			if aws.ToInt32(stats.LabeledEntries) < want {
				return fmt.Errorf("%d of %d images of the %s dataset are usable: %s", aws.ToInt32(stats.LabeledEntries), want, kind, aws.ToString(dataset.StatusMessage))
			}
			return nil
		case types.DatasetStatusCreateFailed:
			return fmt.Errorf("dataset %s: %s", aws.ToString(out.DatasetArn), aws.ToString(dataset.StatusMessage))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// train trains the first version and tells the progress as the service does.
func (s *story) train(ctx context.Context) error {
	a := s.trusting
	s.source = version{name: "v1"}
	began := s.now()
	out, err := a.rekognition.CreateProjectVersion(ctx, &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: &s.source.name,
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String(resultPrefix)},
	})
	if err != nil {
		return err
	}
	s.source.arn = aws.ToString(out.ProjectVersionArn)
	s.report.ProjectVersionARN.Source = s.source.arn
	s.same(a, "rekognition create-project-version --project-arn %s --version-name %s --output-config S3Bucket=%s,S3KeyPrefix=%s", a.project, s.source.name, a.bucket, resultPrefix)
	s.same(a, "rekognition wait project-version-training-completed --project-arn %s --version-names %s", a.project, s.source.name)
	last, spoke := "", began
	trained, err := a.reach(ctx, s.source, types.ProjectVersionStatusTrainingCompleted, 200*time.Millisecond, func(message string) {
		if now := s.now(); message != last && now.Sub(spoke) >= 3*time.Second {
			fmt.Fprintf(s.Out, "    … %s\n", message)
			last, spoke = message, now
		}
	})
	if err != nil {
		return err
	}
	s.report.TrainSeconds = s.now().Sub(began).Seconds()
	s.say("%s", s.source.arn)
	if trained.EvaluationResult != nil {
		s.say("%s: F1 %.3f on the held-back images", trained.Status, aws.ToFloat32(trained.EvaluationResult.F1Score))
	}
	return nil
}
