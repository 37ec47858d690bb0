package kmsapi

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

// principal reads a grantee or retiring principal, which may not be given. A
// customer cannot grant to a service of ours: services ask for what they need
// in the customer's name.
func principal(text *string) (arn.Principal, error) {
	if text == nil {
		return arn.Principal{}, nil
	}
	who, err := arn.ParsePrincipal(*text)
	if err != nil || who.IsService() {
		return arn.Principal{}, fault.New(kms.InvalidArn, "Invalid principal: %.256s is not the ARN of an account, user, role or session.", *text)
	}
	return who, nil
}

func (a *API) createGrant(ctx context.Context, caller arn.Caller, in *sdk.CreateGrantInput) (*sdk.CreateGrantOutput, error) {
	if in.GranteeServicePrincipal != nil || in.RetiringServicePrincipal != nil {
		return nil, kms.NotSupported("A grant to a service principal")
	}
	if in.GranteePrincipal == nil {
		return nil, fault.New(kms.Validation, "GranteePrincipal must be given.")
	}
	r := kms.GrantRequest{KeyID: value(in.KeyId), Name: value(in.Name), GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)}
	var err error
	if r.Grantee, err = principal(in.GranteePrincipal); err != nil {
		return nil, err
	}
	if r.Retiring, err = principal(in.RetiringPrincipal); err != nil {
		return nil, err
	}
	for _, o := range in.Operations {
		r.Operations = append(r.Operations, kms.Operation(o))
	}
	if c := in.Constraints; c != nil {
		if c.SourceArn != nil {
			return nil, kms.NotSupported("The constraint SourceArn")
		}
		r.EncryptionContextEquals, r.EncryptionContextSubset = c.EncryptionContextEquals, c.EncryptionContextSubset
	}
	g, err := a.kms.CreateGrant(ctx, caller, r)
	if err != nil {
		return nil, err
	}
	token := g.Token()
	return &sdk.CreateGrantOutput{GrantId: &g.ID, GrantToken: &token}, nil
}

func (a *API) listGrants(ctx context.Context, caller arn.Caller, in *sdk.ListGrantsInput) (*sdk.ListGrantsOutput, error) {
	q := kms.GrantQuery{ID: value(in.GrantId), Limit: limitOf(in.Limit, 50, 100)}
	for _, text := range []*string{in.GranteePrincipal, in.GranteeServicePrincipal} {
		if text == nil {
			continue
		}
		who, err := arn.ParsePrincipal(*text)
		if err != nil || q.Grantee != (arn.Principal{}) {
			return nil, fault.New(kms.InvalidArn, "Invalid principal: %.256s", *text)
		}
		q.Grantee = who
	}
	list, next, err := a.kms.ListGrants(ctx, caller, value(in.KeyId), value(in.Marker), q)
	if err != nil {
		return nil, err
	}
	out := &sdk.ListGrantsOutput{Grants: []types.GrantListEntry{}, NextMarker: orNil(next), Truncated: next != ""}
	for _, g := range list {
		out.Grants = append(out.Grants, entry(g))
	}
	return out, nil
}

// entry is a grant as the API lists it.
func entry(g kms.Grant) types.GrantListEntry {
	key, grantee, retiring, issuer := g.Key.String(), g.Grantee.String(), g.Retiring.String(), arn.Root(g.Key.Partition, g.Issuer.Account).String()
	e := types.GrantListEntry{
		GrantId: &g.ID, KeyId: &key, Name: orNil(g.Name), CreationDate: &g.Created,
		GranteePrincipal: &grantee, RetiringPrincipal: orNil(retiring), IssuingAccount: &issuer,
	}
	for _, o := range g.Operations {
		e.Operations = append(e.Operations, types.GrantOperation(o))
	}
	if c := g.Constraints; c.Equals != nil || c.Subset != nil {
		e.Constraints = &types.GrantConstraints{EncryptionContextEquals: c.Equals, EncryptionContextSubset: c.Subset}
	}
	return e
}

func (a *API) retireGrant(ctx context.Context, caller arn.Caller, in *sdk.RetireGrantInput) (*sdk.RetireGrantOutput, error) {
	r := kms.RetireRequest{GrantID: value(in.GrantId), Token: value(in.GrantToken), DryRun: value(in.DryRun)}
	if byID := in.GrantId != nil && in.KeyId != nil; byID == (in.GrantToken != nil) || !byID && (in.GrantId != nil || in.KeyId != nil) {
		return nil, fault.New(kms.Validation, "Either the grant token, or the ARN of the key and the grant id, must be given.")
	}
	if in.KeyId != nil {
		var err error
		if r.Key, err = arn.ParseKey(*in.KeyId); err != nil {
			return nil, fault.New(kms.InvalidArn, "Invalid arn %.200s", *in.KeyId)
		}
	}
	return nil, a.kms.Retire(ctx, caller, r)
}

func (a *API) revokeGrant(ctx context.Context, caller arn.Caller, in *sdk.RevokeGrantInput) (*sdk.RevokeGrantOutput, error) {
	return nil, a.kms.RevokeGrant(ctx, caller, kms.Use{KeyID: value(in.KeyId), DryRun: value(in.DryRun)}, value(in.GrantId))
}
