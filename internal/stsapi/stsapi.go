// Package stsapi serves the operations of STS that stand: one typed function
// each, and one table that lists them.
package stsapi

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/fault"
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
			"AssumeRole":                 awsquery.Bind(api.assumeRole),
			"DecodeAuthorizationMessage": awsquery.Bind(api.decodeAuthorizationMessage),
			"GetAccessKeyInfo":           awsquery.Bind(api.getAccessKeyInfo),
			"GetCallerIdentity":          awsquery.Bind(api.getCallerIdentity),
			"GetSessionToken":            awsquery.Bind(api.getSessionToken),
		},
		Faults: map[fault.Code]int{
			identity.AccessDenied:    http.StatusForbidden,
			identity.Validation:      http.StatusBadRequest,
			identity.MalformedPolicy: http.StatusBadRequest,
			identity.PackedTooLarge:  http.StatusBadRequest,
			identity.InvalidMessage:  http.StatusBadRequest,
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

func (a *API) assumeRole(ctx context.Context, caller arn.Caller, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	if err := noDevice(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	if len(in.ProvidedContexts) > 0 {
		return nil, fault.New(identity.Validation, "ProvidedContexts are not served.")
	}
	req := identity.AssumeRequest{
		Role: aws.ToString(in.RoleArn), SessionName: aws.ToString(in.RoleSessionName), Duration: seconds(in.DurationSeconds),
		ExternalID: aws.ToString(in.ExternalId), SourceID: aws.ToString(in.SourceIdentity), Policy: aws.ToString(in.Policy),
		Tags: identity.Tags{}, Transitive: in.TransitiveTagKeys,
	}
	for _, p := range in.PolicyArns {
		req.PolicyARNs = append(req.PolicyARNs, aws.ToString(p.Arn))
	}
	for _, t := range in.Tags {
		req.Tags = req.Tags.With(aws.ToString(t.Key), aws.ToString(t.Value))
	}
	if len(req.Tags) != len(in.Tags) {
		return nil, fault.New(identity.Validation, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	session, err := a.identity.AssumeRole(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleOutput{
		Credentials:     credentials(session.Credentials),
		AssumedRoleUser: &types.AssumedRoleUser{Arn: aws.String(session.Principal.String()), AssumedRoleId: &session.UserID},
	}
	if session.SourceID != "" {
		out.SourceIdentity = &session.SourceID
	}
	return out, nil
}

func (a *API) getSessionToken(ctx context.Context, caller arn.Caller, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	if err := noDevice(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	c, err := a.identity.GetSessionToken(ctx, caller, seconds(in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &sts.GetSessionTokenOutput{Credentials: credentials(c)}, nil
}

func (a *API) getAccessKeyInfo(ctx context.Context, caller arn.Caller, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	account, err := a.identity.GetAccessKeyInfo(ctx, caller, aws.ToString(in.AccessKeyId))
	if err != nil {
		return nil, err
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}

func (a *API) decodeAuthorizationMessage(ctx context.Context, caller arn.Caller, in *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	text, err := a.identity.DecodeAuthorizationMessage(ctx, caller, aws.ToString(in.EncodedMessage))
	if err != nil {
		return nil, err
	}
	return &sts.DecodeAuthorizationMessageOutput{DecodedMessage: &text}, nil
}

// noDevice refuses a one-time password: there are no devices.
func noDevice(serial, code *string) error {
	if serial == nil && code == nil {
		return nil
	}
	return fault.New(identity.AccessDenied, "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is valid and associated with this user.")
}

// seconds is zero where no duration is given, and out of every bound where
// zero is.
func seconds(n *int32) time.Duration {
	if n == nil {
		return 0
	}
	if *n == 0 {
		return -1
	}
	return time.Duration(*n) * time.Second
}

func credentials(c identity.Credentials) *types.Credentials {
	return &types.Credentials{
		AccessKeyId: &c.ID, SecretAccessKey: aws.String(c.Secret.Reveal()), SessionToken: aws.String(c.Token.Reveal()), Expiration: &c.Expires,
	}
}
