package kms_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
)

// calls has every operation that names a key, as one caller makes it.
func (w *world) calls(caller arn.Caller, keyID string, ciphertext []byte) map[string]func() error {
	ctx, use := w.t.Context(), kms.Use{KeyID: keyID}
	ignore := func(_ any, err error) error { return err }
	return map[string]func() error{
		"DescribeKey": func() error { return ignore(w.DescribeKey(ctx, caller, keyID)) },
		"Can": func() error {
			_, _, err := w.Can(ctx, caller, use, kms.DescribeKeyOperation, kms.DecryptOperation)
			return err
		},
		"Encrypt": func() error {
			return ignore(w.Encrypt(ctx, caller, kms.EncryptRequest{Use: use, Plaintext: []byte("x")}))
		},
		"Decrypt": func() error {
			return ignore(w.Decrypt(ctx, caller, kms.DecryptRequest{Use: use, Ciphertext: ciphertext}))
		},
		"Decrypt by ciphertext": func() error { return ignore(w.Decrypt(ctx, caller, kms.DecryptRequest{Ciphertext: ciphertext})) },
		"ReEncrypt": func() error {
			return ignore(w.ReEncrypt(ctx, caller, kms.ReEncryptRequest{Source: use, Destination: use, Ciphertext: ciphertext}))
		},
		"GenerateDataKey": func() error { return ignore(w.GenerateDataKey(ctx, caller, keyID, nil)) },
		"GenerateDataKeyWithoutPlaintext": func() error {
			return ignore(w.GenerateDataKeyWithoutPlaintext(ctx, caller, kms.DataKeyRequest{Use: use, Bytes: 32}))
		},
		"CreateGrant": func() error {
			return ignore(w.CreateGrant(ctx, caller, kms.GrantRequest{KeyID: keyID, Grantee: caller.Principal, Operations: []kms.Operation{kms.DecryptOperation}}))
		},
		"Sign":              func() error { return ignore(w.sign(caller, keyID, raw("x"))) },
		"Verify":            func() error { return w.verify(caller, keyID, raw("x"), []byte("x")) },
		"GetPublicKey":      func() error { return ignore(w.GetPublicKey(ctx, caller, use)) },
		"ListGrants":        func() error { _, _, err := w.ListGrants(ctx, caller, keyID, "", kms.GrantQuery{Limit: 1}); return err },
		"RevokeGrant":       func() error { return w.RevokeGrant(ctx, caller, use, strings.Repeat("0", 64)) },
		"CreateAlias":       func() error { return w.CreateAlias(ctx, caller, "alias/new", keyID) },
		"ListAliases":       func() error { _, _, err := w.ListAliases(ctx, caller, keyID, "", 1); return err },
		"EnableKey":         func() error { return w.EnableKey(ctx, caller, keyID) },
		"GetKeyPolicy":      func() error { return ignore(w.GetKeyPolicy(ctx, caller, keyID)) },
		"PutKeyPolicy":      func() error { return w.PutKeyPolicy(ctx, caller, kms.NewPolicy{KeyID: keyID, Policy: "x"}) },
		"CancelKeyDeletion": func() error { return ignore(w.CancelKeyDeletion(ctx, caller, keyID)) },
		"DisableKey":        func() error { return w.DisableKey(ctx, caller, keyID) },
		"ScheduleKeyDeletion": func() error {
			return ignore(w.ScheduleKeyDeletion(ctx, caller, keyID, 7))
		},
	}
}

// shown is all that a caller sees of an error.
func shown(t *testing.T, err error) string {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Errorf("%v is not an error for the caller", err)
		return ""
	}
	return string(f.Code) + ": " + f.Message
}

// Another account learns nothing: the answer is the same for a key that is
// there, one that is not, one that is disabled, one that signs, and one of a service.
func TestNoExistenceOracle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	here, disabled := w.key(), w.key()
	want(t, "alias", w.CreateAlias(ctx, root(account), "alias/here", here.ARN.ID), "")
	ciphertext := w.encrypt(root(account), here.ARN.ID, "x", nil)
	disabledText := w.encrypt(root(account), disabled.ARN.ID, "x", nil)
	want(t, "disable", w.DisableKey(ctx, root(account), disabled.ARN.ID), "")
	signs := w.signingKey()
	signsText, err := kms.EncryptWith(signs.ARN.ID, envelope.NewKey(), []byte("x"), nil)
	want(t, "a ciphertext that names a key that signs", err, "")
	serviceKey, err := w.ServiceKey(ctx, "aws", region)
	want(t, "service key", err, "")
	serviceText := w.encrypt(service, serviceKey.String(), "x", nil)
	nowhere := here.ARN
	nowhere.ID = "714705f4-f713-457f-9e29-5903d46c6009"
	nowhereText := append([]byte{1}, make([]byte, 100)...)
	elsewhere := here.ARN
	elsewhere.Region = "eu-west-1"
	for who, caller := range map[string]arn.Caller{"root": root(other), "user": user(other, "ann"), "service": service} {
		secret := map[string]map[string]func() error{
			"here":     w.calls(caller, here.ARN.String(), ciphertext),
			"by alias": w.calls(caller, "arn:aws:kms:us-east-1:111122223333:alias/here", ciphertext),
			"disabled": w.calls(caller, disabled.ARN.String(), disabledText),
			"signs":    w.calls(caller, signs.ARN.String(), signsText),
			"region":   w.calls(caller, elsewhere.String(), ciphertext),
		}
		if who != "service" {
			secret["of a service"] = w.calls(caller, serviceKey.String(), serviceText)
		}
		for op, call := range w.calls(caller, nowhere.String(), nowhereText) {
			answer := shown(t, call())
			if !strings.HasPrefix(answer, "AccessDeniedException: ") {
				t.Errorf("%s, %s of a key that is not there: %s", who, op, answer)
			}
			for name, calls := range secret {
				if name == "by alias" && strings.Contains(shown(t, calls[op]()), "not an alias") {
					continue // refused by its form, before any look-up
				}
				if got := shown(t, calls[op]()); got != answer {
					t.Errorf("%s, %s of a key %s: %s; of one that is not there: %s", who, op, name, got, answer)
				}
			}
		}
	}
	if k, err := w.DescribeKey(ctx, root(account), here.ARN.ID); err != nil || k.State != kms.Enabled {
		t.Errorf("somebody changed the key: %+v, %v", k, err)
	}
}

// counted are identities that count how often they are asked.
type counted struct {
	identities
	asked int
}

func (c *counted) Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error) {
	c.asked++
	return c.identities.Subject(ctx, caller)
}

// TestNoOracleOfWork: the same is read for a key of another account that is
// there and one that is not, and neither is told by what a grant token comes to.
func TestNoOracleOfWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	who := &counted{identities: w.who}
	w.Service = kms.New(w.store, envelope.NewKey(), who, func() time.Time { return w.now })
	here := w.key()
	barred := w.keyWith(kms.NewKey{SkipLockoutCheck: true, Policy: `{"Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}}`})
	want(t, "alias", w.CreateAlias(ctx, root(account), "alias/here", here.ARN.ID), "")
	const alias = "arn:aws:kms:us-east-1:111122223333:alias/"
	for _, token := range [][]string{nil, {"garbage"}} {
		var first string
		for _, keyID := range []string{alias + "nowhere", alias + "here", barred.ARN.String()} {
			who.asked = 0
			_, err := w.Encrypt(ctx, root(other), kms.EncryptRequest{Use: kms.Use{KeyID: keyID, GrantTokens: token}, Plaintext: []byte("x")})
			got := fmt.Sprintf("%s, after %d questions", shown(t, err), who.asked)
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("%s with the tokens %q: %s; for a key that is not there: %s", keyID, token, got, first)
			}
		}
	}
}

func TestRetireTokenIsNoOracle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key()
	g, err := w.CreateGrant(t.Context(), root(account), kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation}})
	want(t, "create", err, "")
	gone := g
	gone.Key.ID = "714705f4-f713-457f-9e29-5903d46c6009"
	ended := g
	ended.ID = strings.Repeat("0", 64)
	first := shown(t, w.Retire(t.Context(), root(other), kms.RetireRequest{Token: g.Token()}))
	for name, token := range map[string]string{"no key": gone.Token(), "no grant": ended.Token()} {
		if got := shown(t, w.Retire(t.Context(), root(other), kms.RetireRequest{Token: token})); got != first {
			t.Errorf("%s: %s; for one that is there: %s", name, got, first)
		}
	}
	want(t, "the owner", w.Retire(t.Context(), root(account), kms.RetireRequest{Token: g.Token()}), "")
}

const userAct = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":"kms:Encrypt","Resource":"*"}}`

func identityPolicy(t *testing.T, text string) policy.Policy {
	t.Helper()
	d, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Policy{Name: "the identity policy", Document: d}
}

// The key policy is the root of permissions; identity policies count where it
// names the account.
func TestKeyPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	delegating := w.key()
	named := w.keyWith(kms.NewKey{Policy: userAct, SkipLockoutCheck: true})
	abroad := w.keyWith(kms.NewKey{Policy: `{"Statement":[
		{"Sid":"own","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Sid":"theirs","Effect":"Allow","Principal":{"AWS":"555555555555"},"Action":["kms:Encrypt","kms:DescribeKey"],"Resource":"*"},
		{"Sid":"not bob","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::555555555555:user/bob"},"Action":"kms:*","Resource":"*"}]}`})
	w.who["user/all"] = identityPolicy(t, `{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	w.who["user/bob"] = w.who["user/all"]
	w.who["user/reader"] = identityPolicy(t, `{"Statement":{"Effect":"Allow","Action":"kms:DescribeKey","Resource":"`+delegating.ARN.String()+`"}}`)
	w.who["user/banned"] = identityPolicy(t, `{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"},{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}]}`)
	for name, c := range map[string]struct {
		caller   arn.Caller
		key      kms.Key
		encrypt  bool
		describe bool
	}{
		"root by default":             {root(account), delegating, true, true},
		"user without policy":         {user(account, "ann"), delegating, false, false},
		"user with policy":            {user(account, "all"), delegating, true, true},
		"user with half a policy":     {user(account, "reader"), delegating, false, true},
		"user with a denial":          {user(account, "banned"), delegating, false, true},
		"user whom the key names":     {user(account, "ann"), named, true, false},
		"root whom it does not":       {root(account), named, false, false},
		"user whom it does not":       {user(account, "all"), named, false, false},
		"other account":               {root(other), abroad, true, true},
		"its user with policy":        {user(other, "all"), abroad, true, true},
		"its user without":            {user(other, "ann"), abroad, false, false},
		"its user whom the key bans":  {user(other, "bob"), abroad, false, false},
		"third account":               {root("999999999999"), abroad, false, false},
		"account of another paradise": {arn.Caller{Principal: arn.Root("aws-cn", other), Region: region}, abroad, false, false},
	} {
		codes := map[bool]fault.Code{true: "", false: kms.AccessDenied}
		_, err := w.Encrypt(ctx, c.caller, kms.EncryptRequest{Use: kms.Use{KeyID: c.key.ARN.String()}, Plaintext: []byte("x")})
		want(t, name+": Encrypt", err, codes[c.encrypt])
		_, err = w.DescribeKey(ctx, c.caller, c.key.ARN.String())
		want(t, name+": DescribeKey", err, codes[c.describe])
	}
	// What AWS does not do across accounts is not done here, whatever the policy says.
	open := w.keyWith(kms.NewKey{Policy: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}`})
	for _, op := range []string{"EnableKey", "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "GetKeyPolicy", "PutKeyPolicy", "CreateAlias", "ListAliases"} {
		want(t, "abroad: "+op, w.calls(root(other), open.ARN.String(), nil)[op](), kms.AccessDenied)
	}
	_, err := w.GenerateDataKey(ctx, service, open.ARN.String(), nil)
	want(t, "a service, by a policy for anyone", err, kms.AccessDenied)
}

func TestPutKeyPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k := w.key()
	before, err := w.GetKeyPolicy(ctx, root(account), k.ARN.ID)
	want(t, "default", err, "")
	for name, text := range map[string]string{
		"empty": "", "no JSON": "{", "lockout": userAct, "condition": strings.Replace(before, `"Effect"`, `"Condition":[],"Effect"`, 1),
	} {
		want(t, name, w.PutKeyPolicy(ctx, root(account), kms.NewPolicy{KeyID: k.ARN.ID, Policy: text}), kms.MalformedPolicyDocument)
	}
	if after, _ := w.GetKeyPolicy(ctx, root(account), k.ARN.ID); after != before {
		t.Errorf("a refused policy is kept: %s", after)
	}
	want(t, "without the check", w.PutKeyPolicy(ctx, root(account), kms.NewPolicy{KeyID: k.ARN.ID, Policy: userAct, SkipLockoutCheck: true}), "")
	_, err = w.GetKeyPolicy(ctx, root(account), k.ARN.ID)
	want(t, "locked out", err, kms.AccessDenied)
	w.encrypt(user(account, "ann"), k.ARN.ID, "x", nil)
}

// Keys are named in the caller's own region and account only.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k := w.key()
	want(t, "alias", w.CreateAlias(ctx, root(account), "alias/x", k.ARN.ID), "")
	west := root(account)
	west.Region = "us-west-2"
	for _, id := range []string{k.ARN.ID, k.ARN.String(), "alias/x", "arn:aws:kms:us-east-1:111122223333:alias/x"} {
		_, err := w.DescribeKey(ctx, root(account), id)
		want(t, id, err, "")
		_, err = w.DescribeKey(ctx, west, id)
		want(t, "in the west: "+id, err, kms.NotFound)
	}
	for _, id := range []string{k.ARN.ID, "alias/x"} {
		_, err := w.DescribeKey(ctx, root(other), id)
		want(t, "by another account: "+id, err, kms.NotFound)
	}
	for _, id := range []string{"arn:aws:s3:::b", "arn:aws:kms:us-east-1:111122223333:grant/x", "arn:aws:kms:us-east-1::key/x", "arn:x"} {
		_, err := w.DescribeKey(ctx, root(account), id)
		want(t, id, err, kms.InvalidArn)
	}
	_, err := w.CreateKey(ctx, west, kms.NewKey{})
	want(t, "create", err, "")
	want(t, "the same alias", w.CreateAlias(ctx, root(account), "alias/x", k.ARN.ID), kms.AlreadyExists)
	keys, next, err := w.ListKeys(ctx, root(account), "", 10)
	if err != nil || next != "" || len(keys) != 1 || keys[0] != k.ARN {
		t.Errorf("keys %v, %q, %v", keys, next, err)
	}
	_, _, err = w.ListKeys(ctx, user(account, "ann"), "", 10)
	want(t, "list by a user without policy", err, kms.AccessDenied)
	_, err = w.CreateKey(ctx, user(account, "ann"), kms.NewKey{})
	want(t, "create by a user without policy", err, kms.AccessDenied)
}

// TestCanSaysWhatAllowedIt to callers of the key's account, where it is one
// statement or grant.
func TestCanSaysWhatAllowedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keyWith(kms.NewKey{Policy: `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","555555555555"]},"Action":"kms:*","Resource":"*"},
		{"Sid":"bob","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:Decrypt","Resource":"*"}]}`})
	w.who["user/all"] = identityPolicy(t, `{"Statement":{"Sid":"all","Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	w.who["user/bob"] = identityPolicy(t, `{"Statement":{"Sid":"look","Effect":"Allow","Action":"kms:DescribeKey","Resource":"*"}}`)
	g := w.grant(kms.GrantRequest{KeyID: k.ARN.String(), Grantee: user(account, "ann").Principal, Operations: []kms.Operation{kms.DescribeKeyOperation, kms.DecryptOperation}})
	for name, c := range map[string]struct {
		caller            arn.Caller
		policy, statement string
	}{
		"by the identity":   {user(account, "all"), "the identity policy", `statement "all"`},
		"by a grant":        {user(account, "ann"), "a grant", g.ID},
		"by two policies":   {user(account, "bob"), "", ""},
		"another account's": {user(other, "all"), "", ""},
	} {
		_, got, err := w.Can(t.Context(), c.caller, kms.Use{KeyID: k.ARN.String()}, kms.DescribeKeyOperation, kms.DecryptOperation)
		if want := (policy.Decision{Verdict: policy.Allow, Policy: c.policy, Statement: c.statement}); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}
