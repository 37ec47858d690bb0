package vault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
)

// users are the identity policies of users; a root has the whole of its
// account.
type users map[string]string

func (u users) Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error) {
	if caller.Principal.IsRoot() {
		return rooted{}.Subject(ctx, caller)
	}
	document, err := policy.Parse(u[caller.Principal.Name])
	return policy.Subject{Principal: caller.Principal, Identity: []policy.Policy{{Name: "what the user may do", Document: document}}}, err
}

// Nobody here has a unique id: a policy is stored as it is written.
func (users) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (users) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

func allowing(actions []string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":"*"}]}`, strings.Join(actions, `","`))
}

// TestACallerNeedsAllFourPermissionsItself: the service never lends the
// caller a permission that the caller lacks, be it its own account's key or
// another's.
func TestACallerNeedsAllFourPermissionsItself(t *testing.T) {
	t.Parallel()
	four := []string{"kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKey", "kms:Decrypt"}
	permitted := users{"user/all": allowing(four)}
	for i, missing := range four {
		permitted["user/without "+missing] = allowing(slices.Delete(slices.Clone(four), i, i+1))
	}
	f := newFixtureWith(t, permitted)
	abroad, err := f.kms.CreateKey(t.Context(), source, kms.NewKey{Policy: `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::555555555555:root"]},"Action":"kms:*","Resource":"*"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	v := version(destination, "v")
	for _, key := range []arn.Key{f.key(t, destination), abroad.ARN} {
		for name := range permitted {
			caller := destination
			caller.Principal.Name = name
			missing, lacks := strings.CutPrefix(name, "user/without ")
			checked, _, err := f.CanUse(t.Context(), caller, key.String(), v)
			if jobs, versions := f.liveGrants(t); jobs+versions > 0 {
				t.Fatalf("%s: checking makes %d job and %d version grants", name, jobs, versions)
			}
			use, prepareErr := f.Prepare(t.Context(), caller, key.String(), v)
			if shown(err) != shown(prepareErr) {
				t.Errorf("%s with %s: checking answers %q, preparing %q", name, key, shown(err), shown(prepareErr))
			}
			switch {
			case lacks && (!errors.Is(err, customlabels.AccessDenied) || !strings.Contains(shown(err), "to perform: "+missing)):
				t.Errorf("%s with %s: %v, want AccessDenied for %s", name, key, err, missing)
			case !lacks && (err != nil || checked != key || use.Key != key):
				t.Errorf("%s with %s: %s, %s, %v", name, key, checked, use.Key, err)
			}
			if err := f.Abandon(t.Context(), use); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// shown is what a caller sees of an error.
func shown(err error) string {
	var refused *fault.Error
	if !errors.As(err, &refused) {
		return ""
	}
	return string(refused.Code) + ": " + refused.Message
}
