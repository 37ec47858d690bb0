package kms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mimeo/internal/policy"
)

// The condition keys of KMS:
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-conditions.html

// lockoutKeys are those of a request that brings a key policy.
func lockoutKeys(skipCheck bool) policy.Keys {
	return policy.Keys{"kms:bypasspolicylockoutsafetycheck": {strconv.FormatBool(skipCheck)}}
}

// windowKeys are those of ScheduleKeyDeletion.
func windowKeys(days int) policy.Keys {
	return policy.Keys{"kms:schedulekeydeletionpendingwindowindays": {strconv.Itoa(days)}}
}

// request is what the policies are asked about one operation. Condition keys
// are made only where a policy mentions some of them.
func (s *Service) request(ctx context.Context, q question, op Operation, u Use) (policy.Request, error) {
	r := policy.Request{Action: op.action(), Resource: q.key.ARN.String()}
	if !policy.Mentions(policy.ResourceTag, q.who, q.policy) && !policy.Mentions("kms:", q.who, q.policy) {
		return r, nil
	}
	r.Keys = q.keys(op, u)
	given, err := s.givenKeys(ctx, q)
	if q.caller.Owns(q.key.ARN.Namespace) {
		maps.Copy(r.Keys, given)
	} else {
		r.OwnerKeys = given
	}
	return r, err
}

// keys are the condition keys of what is asked for.
func (q question) keys(op Operation, u Use) policy.Keys {
	keys := q.key.Spec.keys()
	maps.Copy(keys, u.said)
	if u.other != "" {
		keys["kms:reencryptonsamekey"] = []string{strconv.FormatBool(u.other == q.key.ARN.ID)}
	}
	if q.caller.Via != "" {
		keys["kms:viaservice"] = []string{q.caller.Via}
	}
	if alias := u.alias(); alias != "" {
		keys["kms:requestalias"] = []string{alias}
	}
	if op.isConstrained() {
		keys["kms:encryptionalgorithm"] = []string{string(SymmetricDefault)}
		u.Context.addKeys(keys)
	}
	if op == CreateGrantOperation || op == listGrants || op == revokeGrant {
		keys["kms:grantisforawsresource"] = []string{strconv.FormatBool(q.caller.Via != "")}
		addGrantKeys(keys, u.Grants)
	}
	return keys
}

// givenKeys are the condition keys of what a key was given by its owner, which
// a stranger's own policies do not see: its tags and aliases.
func (s *Service) givenKeys(ctx context.Context, q question) (policy.Keys, error) {
	keys := policy.Keys{}
	keys.AddResourceTags(q.key.Tags)
	if !policy.Mentions("kms:resourcealiases", q.who, q.policy) {
		return keys, nil
	}
	aliases, err := s.store.Aliases(ctx, q.key.ARN.Namespace, q.key.ARN.ID, "", maxAliases)
	if err != nil {
		return nil, fmt.Errorf("read the aliases of %s: %w", q.key.ARN, err)
	}
	for _, a := range aliases {
		keys["kms:resourcealiases"] = append(keys["kms:resourcealiases"], a.Name)
	}
	return keys, nil
}

// alias returns the alias that u names a key by, or nothing.
func (u Use) alias() string {
	name := u.KeyID
	if at := strings.LastIndexByte(name, ':'); at >= 0 {
		name = name[at+1:]
	}
	if !strings.HasPrefix(name, "alias/") {
		return ""
	}
	return name
}

func (ec EncryptionContext) addKeys(keys policy.Keys) {
	for name, value := range ec {
		key := "kms:encryptioncontext:" + strings.ToLower(name)
		keys[key] = append(keys[key], value)
		keys["kms:encryptioncontextkeys"] = append(keys["kms:encryptioncontextkeys"], name)
	}
}

// addGrantKeys adds what requests for grants ask for, all together.
func addGrantKeys(keys policy.Keys, requests []GrantRequest) {
	add := func(key, value string) {
		if !slices.Contains(keys[key], value) {
			keys[key] = append(keys[key], value)
		}
	}
	for _, r := range requests {
		for _, o := range r.Operations {
			add("kms:grantoperations", string(o))
		}
		if r.EncryptionContextEquals != nil {
			add("kms:grantconstrainttype", "EncryptionContextEquals")
		}
		if r.EncryptionContextSubset != nil {
			add("kms:grantconstrainttype", "EncryptionContextSubset")
		}
		add("kms:granteeprincipal", r.Grantee.String())
		if retiring := r.Retiring.String(); retiring != "" {
			add("kms:retiringprincipal", retiring)
		}
	}
}
