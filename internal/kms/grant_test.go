package kms_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

var (
	version = kms.EncryptionContext{"mimeo:account": account, "mimeo:project-version": "v1"}
	wider   = kms.EncryptionContext{"mimeo:account": account, "mimeo:project-version": "v1", "more": "x"}
	another = kms.EncryptionContext{"mimeo:account": account, "mimeo:project-version": "v2"}
)

func (w *world) grant(r kms.GrantRequest) kms.Grant {
	w.t.Helper()
	g, err := w.CreateGrant(w.t.Context(), root(account), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// A service of ours uses a customer's key by a grant, in its operations and
// its constraint, and only while the grant stands.
func TestServiceNeedsAGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k := w.key()
	id := k.ARN.String()
	_, err := w.GenerateDataKey(ctx, service, id, version)
	want(t, "no grant", err, kms.AccessDenied)
	g := w.grant(kms.GrantRequest{
		KeyID: id, Grantee: service.Principal, Retiring: service.Principal, Name: "mimeo-job:v1",
		Operations: []kms.Operation{kms.GenerateDataKeyOperation, kms.DecryptOperation}, EncryptionContextEquals: version,
	})
	if g.Key != k.ARN || len(g.ID) != 64 || g.Token() == "" {
		t.Errorf("grant %+v", g)
	}
	d, err := w.GenerateDataKey(ctx, service, id, version)
	want(t, "with the grant", err, "")
	opened, err := w.OpenDataKey(ctx, service, d.Ciphertext, version)
	if want(t, "open", err, ""); opened != d.Plain {
		t.Error("opened another key")
	}
	for name, ec := range map[string]kms.EncryptionContext{"another": another, "more": wider, "none": nil} {
		_, err = w.GenerateDataKey(ctx, service, id, ec)
		want(t, name+" context", err, kms.AccessDenied)
	}
	_, err = w.Encrypt(ctx, service, kms.EncryptRequest{Use: kms.Use{KeyID: id, Context: version}, Plaintext: []byte("x")})
	want(t, "another operation", err, kms.AccessDenied)
	_, err = w.DescribeKey(ctx, service, id)
	want(t, "another operation", err, kms.AccessDenied)
	_, err = w.GenerateDataKey(ctx, arn.Caller{Principal: arn.Service("s3.amazonaws.com"), Region: region}, id, version)
	want(t, "another service", err, kms.AccessDenied)
	west := service
	west.Region = "us-west-2"
	_, err = w.OpenDataKey(ctx, west, d.Ciphertext, version)
	want(t, "another region", err, kms.AccessDenied)

	live, err := w.LiveGrants(ctx, "mimeo-job:")
	if err != nil || len(live) != 1 || live[0].ID != g.ID {
		t.Errorf("live grants %v, %v", live, err)
	}
	want(t, "retired by a stranger", w.RetireGrant(ctx, root(other), k.ARN, g.ID), kms.AccessDenied)
	for range 2 { // a job repeats its last call
		want(t, "retire", w.RetireGrant(ctx, service, k.ARN, g.ID), "")
	}
	_, err = w.OpenDataKey(ctx, service, d.Ciphertext, version)
	want(t, "after retiring", err, kms.AccessDenied)
	if live, err := w.LiveGrants(ctx, "mimeo-job:"); err != nil || len(live) != 0 {
		t.Errorf("live grants after retiring: %v, %v", live, err)
	}
	want(t, "retire, without the key", w.RetireGrant(ctx, service, arn.Key{Namespace: k.ARN.Namespace, ID: "none"}, g.ID), "")
	want(t, "retire, by the owner", w.RetireGrant(ctx, root(account), k.ARN, g.ID), kms.InvalidGrantID)
}

// An explicit denial in the key's policy outweighs a grant.
func TestDenialOutweighsGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keyWith(kms.NewKey{Policy: `{"Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":{"Service":"rekognition.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"}]}`})
	w.grant(kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{kms.GenerateDataKeyOperation, kms.DecryptOperation}})
	d, err := w.GenerateDataKey(t.Context(), service, k.ARN.String(), nil)
	want(t, "generate", err, "")
	_, err = w.OpenDataKey(t.Context(), service, d.Ciphertext, nil)
	want(t, "decrypt", err, kms.AccessDenied)
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := user(account, "ann")
	for name, c := range map[string]struct {
		equals, subset, ec kms.EncryptionContext
		allowed            bool
	}{
		"none":               {nil, nil, version, true},
		"equal":              {version, nil, version, true},
		"equal, but more":    {version, nil, wider, false},
		"equal, but less":    {wider, nil, version, false},
		"equal, another":     {version, nil, another, false},
		"empty":              {kms.EncryptionContext{}, nil, nil, true},
		"empty, but some":    {kms.EncryptionContext{}, nil, version, false},
		"subset":             {nil, version, version, true},
		"subset, more":       {nil, version, wider, true},
		"subset, less":       {nil, wider, version, false},
		"subset, another":    {nil, version, another, false},
		"both":               {wider, version, wider, true},
		"both, equal fails":  {wider, version, version, false},
		"both, subset fails": {version, wider, version, false},
	} {
		k := w.key()
		g := w.grant(kms.GrantRequest{KeyID: k.ARN.ID, Grantee: ann.Principal, Operations: []kms.Operation{kms.EncryptOperation}, EncryptionContextEquals: c.equals, EncryptionContextSubset: c.subset})
		code := map[bool]fault.Code{true: "", false: kms.AccessDenied}[c.allowed]
		for _, tokens := range [][]string{nil, {g.Token()}} {
			_, err := w.Encrypt(t.Context(), ann, kms.EncryptRequest{Use: kms.Use{KeyID: k.ARN.ID, Context: c.ec, GrantTokens: tokens}, Plaintext: []byte("x")})
			want(t, name, err, code)
		}
	}
}

// A grant is one grant however often it is asked for under its name.
func TestGrantNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key()
	r := kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation, kms.EncryptOperation}, EncryptionContextEquals: version, Name: "n"}
	first := w.grant(r)
	r.Operations = []kms.Operation{kms.EncryptOperation, kms.DecryptOperation, kms.EncryptOperation}
	if again := w.grant(r); !cmp.Equal(again, first) {
		t.Errorf("again %+v, first %+v", again, first)
	}
	ids := map[string]bool{first.ID: true}
	for name, change := range map[string]func(r *kms.GrantRequest){
		"name":       func(r *kms.GrantRequest) { r.Name = "m" },
		"no name":    func(r *kms.GrantRequest) { r.Name = "" },
		"no name 2":  func(r *kms.GrantRequest) { r.Name = "" },
		"grantee":    func(r *kms.GrantRequest) { r.Grantee = root(other).Principal },
		"retiring":   func(r *kms.GrantRequest) { r.Retiring = service.Principal },
		"operations": func(r *kms.GrantRequest) { r.Operations = r.Operations[:1] },
		"equals":     func(r *kms.GrantRequest) { r.EncryptionContextEquals = another },
		"subset":     func(r *kms.GrantRequest) { r.EncryptionContextSubset = version },
	} {
		changed := r
		change(&changed)
		g := w.grant(changed)
		if ids[g.ID] {
			t.Errorf("another %s gives the same grant", name)
		}
		ids[g.ID] = true
	}
	all, err := w.LiveGrants(t.Context(), "")
	if err != nil || len(all) != len(ids) {
		t.Errorf("%d grants stand, %v; want %d", len(all), err, len(ids))
	}
	// At once, too.
	r.Name = "at once"
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := w.CreateGrant(t.Context(), root(account), r); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if live, err := w.LiveGrants(t.Context(), "at once"); err != nil || len(live) != 1 {
		t.Errorf("%d grants of one name, %v", len(live), err)
	}
}

// Who may create grants by a grant gives no more than that grant.
func TestGrantOfGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key()
	ann := user(account, "ann")
	w.grant(kms.GrantRequest{KeyID: k.ARN.ID, Grantee: ann.Principal, Operations: []kms.Operation{kms.CreateGrantOperation, kms.DecryptOperation}, EncryptionContextSubset: version})
	decrypt := []kms.Operation{kms.DecryptOperation}
	for name, c := range map[string]struct {
		r  kms.GrantRequest
		ok bool
	}{
		"as constrained":     {kms.GrantRequest{Operations: decrypt, EncryptionContextSubset: version}, true},
		"more constrained":   {kms.GrantRequest{Operations: decrypt, EncryptionContextSubset: wider}, true},
		"by equality":        {kms.GrantRequest{Operations: decrypt, EncryptionContextEquals: wider}, true},
		"not constrained":    {kms.GrantRequest{Operations: decrypt}, false},
		"for another":        {kms.GrantRequest{Operations: decrypt, EncryptionContextEquals: another}, false},
		"more operations":    {kms.GrantRequest{Operations: append(decrypt, kms.EncryptOperation), EncryptionContextSubset: version}, false},
		"and grants of that": {kms.GrantRequest{Operations: []kms.Operation{kms.CreateGrantOperation}, EncryptionContextSubset: version}, true},
	} {
		c.r.KeyID, c.r.Grantee = k.ARN.ID, service.Principal
		_, err := w.CreateGrant(t.Context(), ann, c.r)
		want(t, name, err, map[bool]fault.Code{true: "", false: kms.AccessDenied}[c.ok])
	}
}

func TestWhoRetires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k := w.key()
	retiring, grantee := root(other), user("999999999999", "bob")
	operations := []kms.Operation{kms.DecryptOperation}
	for name, c := range map[string]struct {
		who        arn.Caller
		operations []kms.Operation
		code       fault.Code
	}{
		"retiring principal":       {retiring, operations, ""},
		"issuing account":          {root(account), operations, ""},
		"grantee":                  {grantee, operations, kms.AccessDenied},
		"grantee with RetireGrant": {grantee, append(operations, kms.RetireGrantOperation), ""},
		"somebody":                 {root("999999999999"), operations, kms.AccessDenied},
		"user of the account":      {user(account, "ann"), operations, kms.AccessDenied},
	} {
		g := w.grant(kms.GrantRequest{KeyID: k.ARN.ID, Grantee: grantee.Principal, Retiring: retiring.Principal, Operations: c.operations})
		if c.code == "" {
			want(t, name+": dry run", w.Retire(ctx, c.who, kms.RetireRequest{Key: k.ARN, GrantID: g.ID, DryRun: true}), kms.DryRun)
		}
		want(t, name, w.RetireGrant(ctx, c.who, k.ARN, g.ID), c.code)
		left, err := w.LiveGrants(ctx, "")
		if stands := len(left) == 1; err != nil || stands != (c.code != "") {
			t.Errorf("%s: the grant stands: %t, %v", name, stands, err)
		}
		if c.code != "" {
			want(t, name+": revoke", w.RevokeGrant(ctx, root(account), kms.Use{KeyID: k.ARN.ID}, g.ID), "")
		}
	}
}

func TestGrantRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key()
	long := kms.EncryptionContext{"a": strings.Repeat("x", 9000)}
	for name, c := range map[string]struct {
		r    kms.GrantRequest
		code fault.Code
	}{
		"no grantee":    {kms.GrantRequest{KeyID: k.ARN.ID, Operations: []kms.Operation{kms.DecryptOperation}}, kms.InvalidArn},
		"no operations": {kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal}, kms.Validation},
		"Sign":          {kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{"Sign"}}, kms.Validation},
		"DisableKey":    {kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{"DisableKey"}}, kms.Validation},
		"long context":  {kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation}, EncryptionContextEquals: long}, kms.Validation},
		"no key":        {kms.GrantRequest{KeyID: "none", Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation}}, kms.NotFound},
		"dry run":       {kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation}, DryRun: true}, kms.DryRun},
	} {
		_, err := w.CreateGrant(t.Context(), root(account), c.r)
		want(t, name, err, c.code)
	}
	if left, err := w.LiveGrants(t.Context(), ""); err != nil || len(left) != 0 {
		t.Errorf("a refused request leaves %v, %v", left, err)
	}
}
