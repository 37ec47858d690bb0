// Package iamapi serves the operations of IAM that stand: one typed function
// each, and one table that lists them. Users and roles are managed alike, so
// most functions come in pairs.
package iamapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/fault"
	"mimeo/internal/iam"
	"mimeo/internal/identity"
)

// API translates between the wire and the IAM service.
type API struct{ iam *iam.Service }

// New returns the service for awsquery.NewServer. Its signing name is "iam".
func New(s *iam.Service) awsquery.Service {
	api := &API{s}
	operations := map[string]awsquery.Operation{}
	for _, table := range []map[string]awsquery.Operation{api.users(), api.roles(), api.policies(), api.keys(), api.absent()} {
		for name, operation := range table {
			operations[name] = operation
		}
	}
	return awsquery.Service{
		SigningName: "iam",
		Version:     "2010-05-08",
		Namespace:   "https://iam.amazonaws.com/doc/2010-05-08/",
		Operations:  operations,
		Faults: map[fault.Code]int{
			identity.AccessDenied:    http.StatusForbidden,
			identity.AlreadyExists:   http.StatusConflict,
			identity.NoSuchEntity:    http.StatusNotFound,
			identity.Validation:      http.StatusBadRequest,
			identity.MalformedPolicy: http.StatusBadRequest,
			iam.DeleteConflict:       http.StatusConflict,
			iam.InvalidInput:         http.StatusBadRequest,
			iam.LimitExceeded:        http.StatusConflict,
		},
	}
}

func user(name *string) iam.Target { return iam.Target{Kind: identity.User, Name: aws.ToString(name)} }
func role(name *string) iam.Target { return iam.Target{Kind: identity.Role, Name: aws.ToString(name)} }

// list reads the members that every listing has.
func list(prefix, marker *string, most *int32) iam.List {
	l := iam.List{Prefix: aws.ToString(prefix), Marker: aws.ToString(marker), Max: int(aws.ToInt32(most))}
	if most != nil && *most == 0 {
		l.Max = -1 // refused: zero is no page
	}
	return l
}

// next returns what says where the next page begins.
func next(marker string) (truncated bool, m *string) {
	if marker == "" {
		return false, nil
	}
	return true, &marker
}

// each translates a list; an empty one is there, and empty.
func each[T, U any](all []T, translate func(T) U) []U {
	out := make([]U, len(all))
	for i, v := range all {
		out[i] = translate(v)
	}
	return out
}

func tags(given []types.Tag) []iam.Tag {
	return each(given, func(t types.Tag) iam.Tag { return iam.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)} })
}

func wireTag(t iam.Tag) types.Tag { return types.Tag{Key: &t.Key, Value: &t.Value} }

func wireTags(t identity.Tags) []types.Tag {
	return each(t.Keys(), func(key string) types.Tag { return wireTag(iam.Tag{Key: key, Value: t[key]}) })
}

// escaped is how IAM returns documents: percent-encoded.
func escaped(document string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

// seconds is out of every bound where zero is given, which is no default.
func seconds(n *int32) *time.Duration {
	switch {
	case n == nil:
		return nil
	case *n == 0:
		return aws.Duration(-1)
	}
	return aws.Duration(time.Duration(*n) * time.Second)
}

func boundary(e identity.Entity) *types.AttachedPermissionsBoundary {
	if e.Boundary == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: &e.Boundary, PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy}
}

func attached(a arn.ARN) types.AttachedPolicy {
	name := a.Resource[strings.LastIndex(a.Resource, "/")+1:]
	return types.AttachedPolicy{PolicyArn: aws.String(a.String()), PolicyName: &name}
}

// nothing is the answer of operations that return none.
type nothing struct{}

// done makes an operation that returns nothing.
func done[I any](do func(ctx context.Context, caller arn.Caller, in *I) error) awsquery.Operation {
	return awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *I) (*nothing, error) {
		return nil, do(ctx, caller, in)
	})
}

// absent are the listings of what cannot exist here, and so is none: clients
// ask for it before they delete a user or role.
func (a *API) absent() map[string]awsquery.Operation {
	has := a.iam.Has
	return map[string]awsquery.Operation{
		"ListGroupsForUser": awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *sdk.ListGroupsForUserInput) (*sdk.ListGroupsForUserOutput, error) {
			return &sdk.ListGroupsForUserOutput{Groups: []types.Group{}}, has(ctx, caller, user(in.UserName), "ListGroupsForUser")
		}),
		"ListInstanceProfilesForRole": awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *sdk.ListInstanceProfilesForRoleInput) (*sdk.ListInstanceProfilesForRoleOutput, error) {
			return &sdk.ListInstanceProfilesForRoleOutput{InstanceProfiles: []types.InstanceProfile{}}, has(ctx, caller, role(in.RoleName), "ListInstanceProfilesForRole")
		}),
		"ListMFADevices": awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *sdk.ListMFADevicesInput) (*sdk.ListMFADevicesOutput, error) {
			return &sdk.ListMFADevicesOutput{MFADevices: []types.MFADevice{}}, has(ctx, caller, user(in.UserName), "ListMFADevices")
		}),
		"ListSSHPublicKeys": awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *sdk.ListSSHPublicKeysInput) (*sdk.ListSSHPublicKeysOutput, error) {
			return &sdk.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}}, has(ctx, caller, user(in.UserName), "ListSSHPublicKeys")
		}),
		"ListSigningCertificates": awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *sdk.ListSigningCertificatesInput) (*sdk.ListSigningCertificatesOutput, error) {
			return &sdk.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}}, has(ctx, caller, user(in.UserName), "ListSigningCertificates")
		}),
		"ListServiceSpecificCredentials": awsquery.Bind(func(ctx context.Context, caller arn.Caller, in *sdk.ListServiceSpecificCredentialsInput) (*sdk.ListServiceSpecificCredentialsOutput, error) {
			return &sdk.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []types.ServiceSpecificCredentialMetadata{}},
				has(ctx, caller, user(in.UserName), "ListServiceSpecificCredentials")
		}),
		"ListVirtualMFADevices": awsquery.Bind(func(ctx context.Context, caller arn.Caller, _ *sdk.ListVirtualMFADevicesInput) (*sdk.ListVirtualMFADevicesOutput, error) {
			return &sdk.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}}, a.iam.HasNone(ctx, caller, "ListVirtualMFADevices")
		}),
		"GetLoginProfile": done(func(ctx context.Context, caller arn.Caller, in *sdk.GetLoginProfileInput) error {
			return a.noLogin(ctx, caller, in.UserName, "GetLoginProfile")
		}),
		"DeleteLoginProfile": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteLoginProfileInput) error {
			return a.noLogin(ctx, caller, in.UserName, "DeleteLoginProfile")
		}),
	}
}

// noLogin says that a user has no password: there is no console to log in to.
func (a *API) noLogin(ctx context.Context, caller arn.Caller, name *string, action string) error {
	if err := a.iam.Has(ctx, caller, user(name), action); err != nil {
		return err
	}
	return fault.New(identity.NoSuchEntity, "Login Profile for User %s cannot be found.", aws.ToString(name))
}
