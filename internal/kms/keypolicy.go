package kms

import (
	"context"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// The operations that change and show key policies.
const (
	getKeyPolicy Operation = "GetKeyPolicy"
	putKeyPolicy Operation = "PutKeyPolicy"
)

// defaultPolicy gives the account, and by it the account's identity policies,
// all permissions:
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func defaultPolicy(in arn.Namespace) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "%s"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, arn.Root(in.Partition, in.Account))
}

// managedPolicy lets the principals of an account use a key through the
// service that manages it, and nobody change it:
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
func managedPolicy(in arn.Namespace, service string) string {
	root := arn.Root(in.Partition, in.Account)
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "auto-%s-1",
  "Statement" : [ {
    "Sid" : "Allow access through the service for all principals in the account that are authorized to use it",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "%s",
        "kms:ViaService" : "%s"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "%s"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`, service, in.Account, arn.ServiceHost(service, in.Region), root)
}

// GetKeyPolicy returns the text of a key's policy.
func (s *Service) GetKeyPolicy(ctx context.Context, caller arn.Caller, keyID string) (string, error) {
	k, err := s.findOwn(ctx, caller, getKeyPolicy, Use{KeyID: keyID})
	if err != nil {
		return "", err
	}
	return s.permissions.PrincipalsByName(ctx, k.Policy)
}

// NewPolicy is what PutKeyPolicy gives to a key.
type NewPolicy struct {
	KeyID, Policy string
	// SkipLockoutCheck lets a policy pass that denies its author to change it.
	SkipLockoutCheck bool
}

// PutKeyPolicy replaces the policy of a key.
func (s *Service) PutKeyPolicy(ctx context.Context, caller arn.Caller, p NewPolicy) error {
	u := Use{KeyID: p.KeyID, said: lockoutKeys(p.SkipLockoutCheck)}
	k, err := s.findOwn(ctx, caller, putKeyPolicy, u)
	if err != nil {
		return err
	}
	if err := s.setPolicy(ctx, caller, &k, p); err != nil {
		return err
	}
	_, err = s.change(ctx, caller, putKeyPolicy, u, func(stored *Key) error {
		stored.Policy = k.Policy
		return nil
	})
	return err
}

// setPolicy gives a key a policy. It refuses one that does not parse, and one
// after which the caller could not put another.
func (s *Service) setPolicy(ctx context.Context, caller arn.Caller, k *Key, p NewPolicy) (err error) {
	if k.Policy, err = s.permissions.PrincipalsByID(ctx, p.Policy); err != nil {
		return err
	}
	document, err := policy.Parse(k.Policy)
	if err != nil {
		return fault.New(MalformedPolicyDocument, "%v", err)
	}
	if p.SkipLockoutCheck {
		return nil
	}
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	q := question{caller: caller, key: *k, who: who, policy: policy.Policy{Document: document}}
	request, err := s.request(ctx, q, putKeyPolicy, Use{said: lockoutKeys(false)})
	if err != nil {
		return err
	}
	if !policy.AuthorizeByResource(who, request, k.ARN.Account, []policy.Policy{q.policy}).Allowed() {
		return fault.New(MalformedPolicyDocument, "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}
