package rekapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/rekognition"

	"mimeo/internal/arn"
	"mimeo/internal/registry"
)

func (a *API) tagResource(ctx context.Context, caller arn.Caller, in *rekognition.TagResourceInput) (*rekognition.TagResourceOutput, error) {
	r, err := parsed(registry.ParseResource, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, a.Registry.TagResource(ctx, caller, r, in.Tags)
}

func (a *API) untagResource(ctx context.Context, caller arn.Caller, in *rekognition.UntagResourceInput) (*rekognition.UntagResourceOutput, error) {
	r, err := parsed(registry.ParseResource, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, a.Registry.UntagResource(ctx, caller, r, in.TagKeys)
}

func (a *API) listTagsForResource(ctx context.Context, caller arn.Caller, in *rekognition.ListTagsForResourceInput) (*rekognition.ListTagsForResourceOutput, error) {
	r, err := parsed(registry.ParseResource, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := a.Registry.ListTagsForResource(ctx, caller, r)
	if err != nil {
		return nil, err
	}
	return &rekognition.ListTagsForResourceOutput{Tags: tags}, nil
}
