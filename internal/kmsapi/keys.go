package kmsapi

import (
	"cmp"
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

func (a *API) createKey(ctx context.Context, caller arn.Caller, in *sdk.CreateKeyInput) (*sdk.CreateKeyOutput, error) {
	spec, err := specOf(in)
	switch {
	case err != nil:
		return nil, err
	case in.Origin != "" && in.Origin != types.OriginTypeAwsKms:
		return nil, kms.NotSupported("Origin " + string(in.Origin))
	case value(in.MultiRegion):
		return nil, kms.NotSupported("MultiRegion")
	case in.CustomKeyStoreId != nil:
		return nil, kms.NotSupported("CustomKeyStoreId")
	case in.XksKeyId != nil:
		return nil, kms.NotSupported("XksKeyId")
	}
	tags := map[string]string{}
	for _, t := range in.Tags {
		if _, twice := tags[value(t.TagKey)]; twice {
			return nil, fault.New(kms.Tag, "The tag key %s is given more than once.", value(t.TagKey))
		}
		tags[value(t.TagKey)] = value(t.TagValue)
	}
	k, err := a.kms.CreateKey(ctx, caller, kms.NewKey{
		Spec: spec, Description: value(in.Description), Policy: value(in.Policy), Tags: tags, SkipLockoutCheck: in.BypassPolicyLockoutSafetyCheck,
	})
	if err != nil {
		return nil, err
	}
	return &sdk.CreateKeyOutput{KeyMetadata: metadata(k)}, nil
}

// specOf reads the spec of a new key, under its name of today or the old one.
func specOf(in *sdk.CreateKeyInput) (kms.Spec, error) {
	if in.KeySpec != "" && in.CustomerMasterKeySpec != "" {
		return "", fault.New(kms.Validation, "KeySpec and CustomerMasterKeySpec are one: please specify only KeySpec.")
	}
	spec := kms.Spec(cmp.Or(string(in.KeySpec), string(in.CustomerMasterKeySpec), string(kms.SymmetricDefault)))
	usage := cmp.Or(in.KeyUsage, types.KeyUsageTypeEncryptDecrypt)
	if kms.Usage(usage) != spec.Usage() {
		return "", kms.NotSupported(fmt.Sprintf("A key with KeySpec %s and KeyUsage %s", spec, usage))
	}
	return spec, nil
}

// metadata is a key as the API shows it.
func metadata(k kms.Key) *types.KeyMetadata {
	text, no := k.ARN.String(), false
	m := &types.KeyMetadata{
		KeyId: &k.ARN.ID, Arn: &text, AWSAccountId: &k.ARN.Account, CreationDate: &k.Created, DeletionDate: orNil(k.DeleteAt),
		Description: &k.Description, Enabled: k.State == kms.Enabled, KeyState: types.KeyState(k.State), KeyManager: types.KeyManagerType(k.Manager),
		KeyUsage: types.KeyUsageType(k.Spec.Usage()), KeySpec: types.KeySpec(k.Spec), Origin: types.OriginTypeAwsKms,
		CustomerMasterKeySpec: types.CustomerMasterKeySpec(k.Spec), MultiRegion: &no,
	}
	if k.Spec == kms.SymmetricDefault {
		m.EncryptionAlgorithms = []types.EncryptionAlgorithmSpec{symmetric}
	} else {
		m.SigningAlgorithms = []types.SigningAlgorithmSpec{ecdsa}
	}
	return m
}

func (a *API) describeKey(ctx context.Context, caller arn.Caller, in *sdk.DescribeKeyInput) (*sdk.DescribeKeyOutput, error) {
	k, err := a.kms.Describe(ctx, caller, kms.Use{KeyID: value(in.KeyId), GrantTokens: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	return &sdk.DescribeKeyOutput{KeyMetadata: metadata(k)}, nil
}

func (a *API) listKeys(ctx context.Context, caller arn.Caller, in *sdk.ListKeysInput) (*sdk.ListKeysOutput, error) {
	keys, next, err := a.kms.ListKeys(ctx, caller, value(in.Marker), limitOf(in.Limit, 100, 1000))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListKeysOutput{Keys: []types.KeyListEntry{}, NextMarker: orNil(next), Truncated: next != ""}
	for _, k := range keys {
		text := k.String()
		out.Keys = append(out.Keys, types.KeyListEntry{KeyArn: &text, KeyId: &k.ID})
	}
	return out, nil
}

func (a *API) enableKey(ctx context.Context, caller arn.Caller, in *sdk.EnableKeyInput) (*sdk.EnableKeyOutput, error) {
	return nil, a.kms.EnableKey(ctx, caller, value(in.KeyId))
}

func (a *API) disableKey(ctx context.Context, caller arn.Caller, in *sdk.DisableKeyInput) (*sdk.DisableKeyOutput, error) {
	return nil, a.kms.DisableKey(ctx, caller, value(in.KeyId))
}

// usualWindow is how many days a key is pending deletion unless the request
// says otherwise.
const usualWindow int32 = 30

func (a *API) scheduleKeyDeletion(ctx context.Context, caller arn.Caller, in *sdk.ScheduleKeyDeletionInput) (*sdk.ScheduleKeyDeletionOutput, error) {
	days := usualWindow
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	k, err := a.kms.ScheduleKeyDeletion(ctx, caller, value(in.KeyId), int(days))
	if err != nil {
		return nil, err
	}
	text := k.ARN.String()
	return &sdk.ScheduleKeyDeletionOutput{KeyId: &text, DeletionDate: &k.DeleteAt, KeyState: types.KeyState(k.State), PendingWindowInDays: &days}, nil
}

func (a *API) cancelKeyDeletion(ctx context.Context, caller arn.Caller, in *sdk.CancelKeyDeletionInput) (*sdk.CancelKeyDeletionOutput, error) {
	k, err := a.kms.CancelKeyDeletion(ctx, caller, value(in.KeyId))
	if err != nil {
		return nil, err
	}
	text := k.ARN.String()
	return &sdk.CancelKeyDeletionOutput{KeyId: &text}, nil
}

// onlyPolicy is the one name that the policy of a key has.
const onlyPolicy = "default"

func checkPolicyName(name *string) error {
	if name != nil && *name != onlyPolicy {
		return fault.New(kms.NotFound, "No such policy exists: the only policy of a key is %q.", onlyPolicy)
	}
	return nil
}

func (a *API) getKeyPolicy(ctx context.Context, caller arn.Caller, in *sdk.GetKeyPolicyInput) (*sdk.GetKeyPolicyOutput, error) {
	text, err := a.kms.GetKeyPolicy(ctx, caller, value(in.KeyId))
	if err == nil {
		err = checkPolicyName(in.PolicyName)
	}
	if err != nil {
		return nil, err
	}
	name := onlyPolicy
	return &sdk.GetKeyPolicyOutput{Policy: &text, PolicyName: &name}, nil
}

func (a *API) putKeyPolicy(ctx context.Context, caller arn.Caller, in *sdk.PutKeyPolicyInput) (*sdk.PutKeyPolicyOutput, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	return nil, a.kms.PutKeyPolicy(ctx, caller, kms.NewPolicy{
		KeyID: value(in.KeyId), Policy: value(in.Policy), SkipLockoutCheck: in.BypassPolicyLockoutSafetyCheck,
	})
}

func (a *API) createAlias(ctx context.Context, caller arn.Caller, in *sdk.CreateAliasInput) (*sdk.CreateAliasOutput, error) {
	return nil, a.kms.CreateAlias(ctx, caller, value(in.AliasName), value(in.TargetKeyId))
}

func (a *API) listAliases(ctx context.Context, caller arn.Caller, in *sdk.ListAliasesInput) (*sdk.ListAliasesOutput, error) {
	list, next, err := a.kms.ListAliases(ctx, caller, value(in.KeyId), value(in.Marker), limitOf(in.Limit, 50, 100))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListAliasesOutput{Aliases: []types.AliasListEntry{}, NextMarker: orNil(next), Truncated: next != ""}
	for _, alias := range list {
		text := alias.ARN().String()
		out.Aliases = append(out.Aliases, types.AliasListEntry{
			AliasArn: &text, AliasName: &alias.Name, TargetKeyId: &alias.KeyID, CreationDate: &alias.Created, LastUpdatedDate: &alias.Created,
		})
	}
	return out, nil
}
