package iamapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/iam"
	"mimeo/internal/identity"
)

func (a *API) keys() map[string]awsquery.Operation {
	return map[string]awsquery.Operation{
		"CreateAccessKey":      awsquery.Bind(a.createAccessKey),
		"ListAccessKeys":       awsquery.Bind(a.listAccessKeys),
		"GetAccessKeyLastUsed": awsquery.Bind(a.getAccessKeyLastUsed),
		"GetAccountSummary":    awsquery.Bind(a.getAccountSummary),
		"UpdateAccessKey": done(func(ctx context.Context, caller arn.Caller, in *sdk.UpdateAccessKeyInput) error {
			return a.iam.UpdateAccessKey(ctx, caller, aws.ToString(in.UserName), aws.ToString(in.AccessKeyId), string(in.Status))
		}),
		"DeleteAccessKey": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteAccessKeyInput) error {
			return a.iam.DeleteAccessKey(ctx, caller, aws.ToString(in.UserName), aws.ToString(in.AccessKeyId))
		}),
	}
}

func status(k identity.SealedKey) types.StatusType {
	if k.Active {
		return iam.Active
	}
	return iam.Inactive
}

func (a *API) createAccessKey(ctx context.Context, caller arn.Caller, in *sdk.CreateAccessKeyInput) (*sdk.CreateAccessKeyOutput, error) {
	key, sealed, owner, err := a.iam.CreateAccessKey(ctx, caller, aws.ToString(in.UserName))
	if err != nil {
		return nil, err
	}
	return &sdk.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: &key.ID, SecretAccessKey: aws.String(key.Secret.Reveal()), Status: status(sealed), UserName: &owner.Name, CreateDate: &sealed.Created,
	}}, nil
}

func (a *API) listAccessKeys(ctx context.Context, caller arn.Caller, in *sdk.ListAccessKeysInput) (*sdk.ListAccessKeysOutput, error) {
	owner, p, err := a.iam.ListAccessKeys(ctx, caller, aws.ToString(in.UserName), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListAccessKeysOutput{AccessKeyMetadata: each(p.Items, func(k identity.SealedKey) types.AccessKeyMetadata {
		return types.AccessKeyMetadata{AccessKeyId: &k.ID, CreateDate: &k.Created, Status: status(k), UserName: &owner.Name}
	})}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

// getAccessKeyLastUsed answers N/A for a key that never signed, as IAM does.
func (a *API) getAccessKeyLastUsed(ctx context.Context, caller arn.Caller, in *sdk.GetAccessKeyLastUsedInput) (*sdk.GetAccessKeyLastUsedOutput, error) {
	key, owner, err := a.iam.GetAccessKeyLastUsed(ctx, caller, aws.ToString(in.AccessKeyId))
	if err != nil {
		return nil, err
	}
	last := &types.AccessKeyLastUsed{Region: aws.String("N/A"), ServiceName: aws.String("N/A")}
	if !key.Used.At.IsZero() {
		last = &types.AccessKeyLastUsed{Region: &key.Used.Region, ServiceName: &key.Used.Service, LastUsedDate: &key.Used.At}
	}
	return &sdk.GetAccessKeyLastUsedOutput{UserName: &owner, AccessKeyLastUsed: last}, nil
}

func (a *API) getAccountSummary(ctx context.Context, caller arn.Caller, _ *sdk.GetAccountSummaryInput) (*sdk.GetAccountSummaryOutput, error) {
	s, err := a.iam.GetAccountSummary(ctx, caller)
	if err != nil {
		return nil, err
	}
	return &sdk.GetAccountSummaryOutput{SummaryMap: map[string]int32{
		"Users": int32(s.Users), "UsersQuota": iam.UsersQuota,
		"Roles": int32(s.Roles), "RolesQuota": iam.RolesQuota,
		"Policies": int32(s.Policies), "PoliciesQuota": iam.PoliciesQuota,
		"PolicyVersionsInUse": int32(s.Versions), "VersionsPerPolicyQuota": iam.VersionsQuota,
		"AccountAccessKeysPresent": int32(s.RootKeys), "AccessKeysPerUserQuota": iam.KeysQuota,
		"Groups": 0, "MFADevices": 0, "AccountMFAEnabled": 0,
	}}, nil
}
