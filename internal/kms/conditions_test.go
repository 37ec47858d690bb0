package kms_test

import (
	"errors"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
)

// The condition keys of KMS, in a key policy that gives ann what it says under
// one condition.
func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, ann := t.Context(), user(account, "ann")
	encrypt := func(caller arn.Caller, ec kms.EncryptionContext) func(id string) error {
		return func(id string) error {
			_, err := w.Encrypt(ctx, caller, kms.EncryptRequest{Use: kms.Use{KeyID: id, Context: ec}, Plaintext: []byte("x")})
			return err
		}
	}
	grant := func(caller arn.Caller, equals kms.EncryptionContext, ops ...kms.Operation) func(id string) error {
		return func(id string) error {
			_, err := w.CreateGrant(ctx, caller, kms.GrantRequest{KeyID: id, Grantee: service.Principal, Operations: ops, EncryptionContextEquals: equals})
			return err
		}
	}
	putPolicy := func(skip bool) func(id string) error {
		return func(id string) error {
			return w.PutKeyPolicy(ctx, ann, kms.NewPolicy{KeyID: id, Policy: annMayAll, SkipLockoutCheck: skip})
		}
	}
	deleteIn := func(days int) func(id string) error {
		return func(id string) error { _, err := w.ScheduleKeyDeletion(ctx, ann, id, days); return err }
	}
	other := w.keyWith(kms.NewKey{SkipLockoutCheck: true, Policy: annMayAll}).ARN.ID
	reEncrypt := func(from, to string) error {
		_, err := w.ReEncrypt(ctx, ann, kms.ReEncryptRequest{Destination: kms.Use{KeyID: to}, Ciphertext: w.encrypt(root(account), from, "x", nil)})
		return err
	}
	describe := func(id string) error { _, err := w.DescribeKey(ctx, ann, id); return err }
	context := kms.EncryptionContext{"Department": "10103.0", "Note": "x"}
	for name, c := range map[string]struct {
		operators string
		call      func(id string) error
		want      bool
	}{
		"the caller's account":          {`"StringEquals":{"kms:CallerAccount":"111122223333"}`, encrypt(ann, nil), true},
		"another account":               {`"StringEquals":{"kms:CallerAccount":"555555555555"}`, encrypt(ann, nil), false},
		"through S3":                    {`"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}`, encrypt(ann.Through("s3"), nil), true},
		"through S3, directly":          {`"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}`, encrypt(ann, nil), false},
		"context":                       {`"StringEquals":{"kms:EncryptionContext:department":"10103.0"}`, encrypt(ann, context), true},
		"context, another value":        {`"StringEquals":{"kms:EncryptionContext:Department":"10103.1"}`, encrypt(ann, context), false},
		"context, none":                 {`"StringEquals":{"kms:EncryptionContext:Department":"10103.0"}`, encrypt(ann, nil), false},
		"context keys":                  {`"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["Department","Note"]}`, encrypt(ann, context), true},
		"context keys, their case":      {`"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["department"]}`, encrypt(ann, context), false},
		"a context is needed":           {`"Null":{"kms:EncryptionContextKeys":"false"}`, encrypt(ann, nil), false},
		"algorithm":                     {`"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, encrypt(ann, nil), true},
		"algorithm of no cryptography":  {`"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, describe, false},
		"algorithm of no use":           {`"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, putPolicy(false), false},
		"spec, usage, origin, Regions":  {`"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT","kms:KeyOrigin":"AWS_KMS"},"Bool":{"kms:MultiRegion":"false"}`, describe, true},
		"spec and usage, as they were":  {`"StringEquals":{"kms:CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","kms:CustomerMasterKeyUsage":"ENCRYPT_DECRYPT"}`, describe, true},
		"a policy, checked":             {`"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"false"}`, putPolicy(false), true},
		"a policy, not checked":         {`"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"false"}`, putPolicy(true), false},
		"deletion in a month":           {`"NumericGreaterThanEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}`, deleteIn(30), true},
		"deletion in a week":            {`"NumericGreaterThanEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}`, deleteIn(7), false},
		"ReEncrypt, the same key":       {`"Bool":{"kms:ReEncryptOnSameKey":"true"}`, func(id string) error { return reEncrypt(id, id) }, true},
		"ReEncrypt from it":             {`"Bool":{"kms:ReEncryptOnSameKey":"true"}`, func(id string) error { return reEncrypt(id, other) }, false},
		"ReEncrypt to it":               {`"Bool":{"kms:ReEncryptOnSameKey":"true"}`, func(id string) error { return reEncrypt(other, id) }, false},
		"ReEncrypt to another key":      {`"Bool":{"kms:ReEncryptOnSameKey":"false"}`, func(id string) error { return reEncrypt(id, other) }, true},
		"the key's tag":                 {`"StringEquals":{"aws:ResourceTag/Team":"vision"}`, describe, true},
		"the key's tag, another":        {`"StringEquals":{"aws:ResourceTag/Team":"sound"}`, describe, false},
		"an alias of the key":           {`"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/*-of-ann"}`, describe, true},
		"an alias of the key, another":  {`"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/*-of-bob"}`, describe, false},
		"the alias of the request":      {`"StringLike":{"kms:RequestAlias":"alias/*-of-ann"}`, func(id string) error { return describe("alias/" + id + "-of-ann") }, true},
		"no alias in the request":       {`"StringLike":{"kms:RequestAlias":"alias/*-of-ann"}`, describe, false},
		"grant for a service":           {`"Bool":{"kms:GrantIsForAWSResource":"true"}`, grant(ann.Through("rekognition"), nil, kms.DecryptOperation), true},
		"grant for a service, directly": {`"Bool":{"kms:GrantIsForAWSResource":"true"}`, grant(ann, nil, kms.DecryptOperation), false},
		"grant of operations":           {`"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","GenerateDataKey"]}`, grant(ann, nil, kms.DecryptOperation), true},
		"grant of one more":             {`"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt"]}`, grant(ann, nil, kms.DecryptOperation, kms.EncryptOperation), false},
		"grant with a constraint":       {`"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}`, grant(ann, context, kms.DecryptOperation), true},
		"grant without":                 {`"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}`, grant(ann, nil, kms.DecryptOperation), false},
		"grantee":                       {`"StringEquals":{"kms:GranteePrincipal":"rekognition.amazonaws.com"}`, grant(ann, nil, kms.DecryptOperation), true},
		"no retiring principal":         {`"Null":{"kms:RetiringPrincipal":"true"}`, grant(ann, nil, kms.DecryptOperation), true},
	} {
		k := w.keyWith(kms.NewKey{SkipLockoutCheck: true, Tags: map[string]string{"Team": "vision"}, Policy: `{"Version":"2012-10-17","Statement":[
		 {"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"},
		 {"Effect":"Allow","Principal":{"AWS":"` + ann.Principal.String() + `"},"Action":"kms:*","Resource":"*","Condition":{` + c.operators + `}}]}`})
		want(t, "alias", w.CreateAlias(ctx, root(account), "alias/"+k.ARN.ID+"-of-ann", k.ARN.ID), "")
		if err := c.call(k.ARN.ID); (err == nil) != c.want || err != nil && !errors.Is(err, kms.AccessDenied) {
			t.Errorf("%s: %v, want allowed %v", name, err, c.want)
		}
	}
}

// annMayAll is a key policy that lets the account and ann do all.
const annMayAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["` + account + `","arn:aws:iam::` + account + `:user/ann"]},"Action":"kms:*","Resource":"*"}}`

// Who may put a policy only while it is checked is not locked out by saying so.
func TestTheLockoutCheckIsAConditionToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	under := func(skips string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:user/ann"},"Action":"kms:PutKeyPolicy","Resource":"*",
		 "Condition":{"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"` + skips + `"}}}}`
	}
	id := w.keyWith(kms.NewKey{SkipLockoutCheck: true, Policy: annMayAll}).ARN.ID
	put := func(text string) error {
		return w.PutKeyPolicy(t.Context(), user(account, "ann"), kms.NewPolicy{KeyID: id, Policy: text})
	}
	want(t, "only unchecked", put(under("true")), kms.MalformedPolicyDocument)
	want(t, "only checked", put(under("false")), "")
	want(t, "the next one", put(annMayAll), "")
}

func TestConditionsOfCreateKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := user(account, "ann")
	w.who["user/ann"] = identityPolicy(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*",
	 "Condition":{"StringEquals":{"aws:RequestTag/Team":"vision","kms:KeySpec":"SYMMETRIC_DEFAULT"},"ForAllValues:StringEquals":{"aws:TagKeys":"Team"},"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"false"}}}}`)
	for name, c := range map[string]struct {
		key  kms.NewKey
		want bool
	}{
		"as it says":    {kms.NewKey{Tags: map[string]string{"Team": "vision"}}, true},
		"without tag":   {kms.NewKey{}, false},
		"one tag more":  {kms.NewKey{Tags: map[string]string{"Team": "vision", "x": "y"}}, false},
		"without check": {kms.NewKey{Tags: map[string]string{"Team": "vision"}, SkipLockoutCheck: true}, false},
	} {
		_, err := w.CreateKey(t.Context(), ann, c.key)
		var why *policy.DeniedError
		if (err == nil) != c.want || err != nil && !errors.As(err, &why) {
			t.Errorf("%s: %v, want allowed %v", name, err, c.want)
		}
	}
}

// What a key's owner gave it, its tags and aliases, counts in the key's policy
// for whoever asks, and tells nothing in a stranger's own.
func TestAKeysTagsAndAliasesAreItsOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, stranger := user(account, "ann"), user("555555555555", "bob")
	everything := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`
	shared := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + account + `","` + owner.Principal.String() + `","` + stranger.Principal.String() + `"]},"Action":"kms:*","Resource":"*"}`
	given := func(text string) string {
		k := w.keyWith(kms.NewKey{SkipLockoutCheck: true, Policy: text, Tags: map[string]string{"Team": "vision"}})
		want(t, "alias", w.CreateAlias(t.Context(), root(account), "alias/vision-"+k.ARN.ID, k.ARN.ID), "")
		return k.ARN.String()
	}
	for name, condition := range map[string]string{
		"a tag":    `"Condition":{"StringEquals":{"aws:ResourceTag/Team":"vision"}}`,
		"an alias": `"Condition":{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/vision-*"}}`,
	} {
		w.who["user/bob"] = identityPolicy(t, everything)
		open, guarded := given(shared+`]}`), given(shared+`,{"Effect":"Deny","Principal":"*","Action":"kms:DescribeKey","Resource":"*",`+condition+`}]}`)
		for _, caller := range []arn.Caller{owner, stranger} {
			_, err := w.DescribeKey(t.Context(), caller, open)
			want(t, caller.Principal.String(), err, "")
			_, err = w.DescribeKey(t.Context(), caller, guarded)
			want(t, name+" that the key policy denies to "+caller.Principal.String(), err, kms.AccessDenied)
		}
		w.who["user/bob"] = identityPolicy(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*",`+condition+`}}`)
		_, err := w.DescribeKey(t.Context(), stranger, open)
		want(t, name+" that a stranger's own policy asks for", err, kms.AccessDenied)
	}
}
