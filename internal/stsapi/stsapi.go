// Package stsapi serves the operations of STS that stand: one typed function
// each, and one table that lists them.
package stsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/identity"
)

// API translates between the wire and the identity service.
type API struct{ identity *identity.Service }

// New returns the service for awsquery.NewServer. Its signing name is "sts".
func New(s *identity.Service) awsquery.Service {
	api := &API{s}
	return awsquery.Service{
		SigningName: "sts",
		Version:     "2011-06-15",
		Namespace:   "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: map[string]awsquery.Operation{
			"GetCallerIdentity": awsquery.Bind(api.getCallerIdentity),
		},
	}
}

func (a *API) getCallerIdentity(ctx context.Context, caller arn.Caller, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	id, err := a.identity.GetCallerIdentity(ctx, caller)
	if err != nil {
		return nil, err
	}
	who := id.ARN.String()
	return &sts.GetCallerIdentityOutput{Account: &id.Account, Arn: &who, UserId: &id.UserID}, nil
}
