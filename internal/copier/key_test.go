package copier_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/vault"
)

// elsewhere is an account that neither copies nor is copied from, but has keys.
var elsewhere = arn.Caller{Principal: arn.Root("aws", "999999999999"), Region: "us-east-1"}

// sharedWith is a key policy that also lets other accounts do some actions.
func sharedWith(owner arn.Caller, with []arn.Caller, actions ...string) string {
	var roots []string
	for _, c := range with {
		roots = append(roots, `"`+c.Principal.String()+`"`)
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":[%s]},"Action":["%s"],"Resource":"*"}]}`,
		owner.Principal, strings.Join(roots, ","), strings.Join(actions, `","`))
}

// signing is an asymmetric key with a key policy; an empty one is the default.
func signing(document string) kms.NewKey { return kms.NewKey{Spec: kms.ECCNISTP256, Policy: document} }

// fourActions are what a key must allow whoever names it for a version.
var fourActions = []string{"kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKey", "kms:Decrypt"}

// A keyCase is one way to name, or not to name, a destination key.
type keyCase struct {
	keyID string
	// Either the copy completes under want, the zero key being the
	// service-owned one, or it is refused.
	want    arn.Key
	code    fault.Code
	message []string
}

// keyCases are all ways to name a destination key, with keys of their own.
func (w *world) keyCases(t *testing.T) map[string]keyCase {
	t.Helper()
	must(t, w.kms.CreateAlias(t.Context(), trusted, "alias/models", w.key.ID))
	shared := w.newKeyWith(t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusted}, fourActions...))
	must(t, w.kms.CreateAlias(t.Context(), elsewhere, "alias/shared", shared.ID))
	private, partly := w.newKey(t, elsewhere), w.newKeyWith(t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusted}, "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt"))
	disabled, foreignDisabled, leaving := w.newKey(t, trusted), w.newKeyWith(t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusted}, fourActions...)), w.newKey(t, trusted)
	must(t, w.kms.DisableKey(t.Context(), trusted, disabled.ID))
	must(t, w.kms.DisableKey(t.Context(), elsewhere, foreignDisabled.ID))
	_, err := w.kms.ScheduleKeyDeletion(t.Context(), trusted, leaving.ID, 7)
	must(t, err)
	managed, err := w.kms.ManagedKey(t.Context(), trusted, "s3")
	must(t, err)
	ours, err := w.kms.ServiceKey(t.Context(), "aws", "us-east-1")
	must(t, err)
	signs, foreignSigns, privateSigns := w.newKeyAs(t, trusted, signing("")), w.newKeyAs(t, elsewhere, signing(sharedWith(elsewhere, []arn.Caller{trusted}, fourActions...))), w.newKeyAs(t, elsewhere, signing(""))
	europe, absent, foreignAbsent := w.key, w.key, private
	europe.Region, absent.ID, foreignAbsent.ID = "eu-west-1", "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000"
	alias := func(of arn.Key, name string) string { return strings.Replace(of.String(), "key/"+of.ID, name, 1) }
	const invalid, denied = customlabels.InvalidParameter, customlabels.AccessDenied
	const asymmetric = "asymmetric key; a symmetric encryption key is needed"
	nameOne, allow := "Name an enabled symmetric key of this Region", "kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey and kms:Decrypt"
	return map[string]keyCase{
		"none":                              {},
		"an id":                             {keyID: w.key.ID, want: w.key},
		"an ARN":                            {keyID: w.key.String(), want: w.key},
		"an alias":                          {keyID: "alias/models", want: w.key},
		"the ARN of an alias":               {keyID: alias(w.key, "alias/models"), want: w.key},
		"another's, shared":                 {keyID: shared.String(), want: shared},
		"another's, shared, by alias":       {keyID: alias(shared, "alias/shared"), want: shared},
		"another's, not shared":             {keyID: private.String(), code: denied, message: []string{allow, "kms:DescribeKey on this resource"}},
		"another's, shared but for grants":  {keyID: partly.String(), code: denied, message: []string{allow, "kms:CreateGrant on this resource"}},
		"another's that is not there":       {keyID: foreignAbsent.String(), code: denied, message: []string{allow, "kms:DescribeKey on this resource"}},
		"another's alias that is not there": {keyID: alias(private, "alias/none"), code: denied, message: []string{allow}},
		"another's, shared, disabled":       {keyID: foreignDisabled.String(), code: invalid, message: []string{"is disabled", "Enable the key"}},
		"the source account's":              {keyID: w.sourceKey.String(), code: denied, message: []string{allow}},
		"disabled":                          {keyID: disabled.ID, code: invalid, message: []string{disabled.String(), "is disabled", "Enable the key"}},
		"pending deletion":                  {keyID: leaving.ID, code: invalid, message: []string{leaving.String(), "pending deletion", "Cancel its deletion"}},
		"asymmetric":                        {keyID: signs.ID, code: invalid, message: []string{signs.String(), "SIGN_VERIFY", asymmetric}},
		"another's, shared, asymmetric":     {keyID: foreignSigns.String(), code: invalid, message: []string{foreignSigns.String(), asymmetric}},
		"another's, not shared, asymmetric": {keyID: privateSigns.String(), code: denied, message: []string{allow, "kms:DescribeKey on this resource"}},
		"of another Region":                 {keyID: europe.String(), code: invalid, message: []string{"eu-west-1", nameOne}},
		"an id that is not there":           {keyID: absent.ID, code: invalid, message: []string{"does not exist", nameOne}},
		"an ARN that is not there":          {keyID: absent.String(), code: invalid, message: []string{"does not exist", nameOne}},
		"an alias that is not there":        {keyID: "alias/none", code: invalid, message: []string{"is not found", nameOne}},
		"the ARN of an alias not there":     {keyID: alias(w.key, "alias/none"), code: invalid, message: []string{"is not found", nameOne}},
		"managed by S3":                     {keyID: managed.String(), code: denied, message: []string{allow, "kms:CreateGrant"}},
		"of the service":                    {keyID: ours.String(), code: denied, message: []string{allow}},
		"no key's ARN":                      {keyID: "arn:aws:s3:::bucket", code: invalid, message: []string{"Invalid arn", nameOne}},
		"an ARN of nothing":                 {keyID: "arn:aws:kms:us-east-1:555555555555:nothing", code: invalid, message: []string{"Invalid arn", nameOne}},
		"no id":                             {keyID: "a key of mine", code: invalid, message: []string{"does not exist", nameOne}},
	}
}

// sourceKeys make a key of each kind that a source can be under.
var sourceKeys = map[string]func(*world) arn.Key{
	"the service-owned key": func(*world) arn.Key { return arn.Key{} },
	"a customer's key":      func(w *world) arn.Key { return w.newKey(w.t, trusting) },
	"a key of another account's": func(w *world) arn.Key {
		return w.newKeyWith(w.t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusting}, fourActions...))
	},
}

// TestEveryKeyWithEveryKey copies in either mode from sources under each kind of
// key to each kind of destination key. Afterwards all that the sources had is destroyed,
// the material of their keys too, and each copy opens with its own key alone.
func TestEveryKeyWithEveryKey(t *testing.T) {
	t.Parallel()
	for name, key := range sourceKeys {
		for _, mode := range []copier.Mode{copier.Share, copier.Reseal} {
			t.Run(fmt.Sprintf("%s, %s", name, mode), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.Mode = mode
				w.copyFrom(t, key(w))
			})
		}
	}
}

// copyFrom copies from a source under a key to each kind of destination key.
func (w *world) copyFrom(t *testing.T, of arn.Key) {
	t.Helper()
	cases := w.keyCases(t)
	w.retrain(t, of)
	copies := map[string]arn.ProjectVersion{}
	for name, c := range cases {
		v, err := w.copyUnder(t, c, fmt.Sprintf("c%d", len(copies)))
		if checkKeyCase(t, name, c, err) {
			copies[name] = v
		}
	}
	w.checkGrants(t, 0, w.versionGrants(t))
	w.destroySource(t, of)
	for name, v := range copies {
		w.checkUnder(t, name, v, cases[name].want)
	}
}

// retrain replaces the source by one under another key.
func (w *world) retrain(t *testing.T, key arn.Key) {
	t.Helper()
	must(t, w.vault.Abandon(t.Context(), vault.KeyUse{Key: w.sourceKey, VersionGrant: w.source.Bundle.Grant}))
	must(t, w.db.Versions().Delete(t.Context(), w.source.ARN, time.Now()))
	w.sourceKey = key
	w.source = w.train(t, w.source.Project, "v1")
}

func (w *world) copyUnder(t *testing.T, c keyCase, name string) (arn.ProjectVersion, error) {
	t.Helper()
	req := w.request(name)
	req.KMSKeyID = c.keyID
	v, err := w.Start(t.Context(), trusted, req)
	if err == nil {
		w.drain(t)
	}
	return v, err
}

// checkKeyCase checks an answer, and reports whether it should be a copy.
func checkKeyCase(t *testing.T, name string, c keyCase, err error) bool {
	t.Helper()
	var refused *fault.Error
	switch {
	case c.code == "" && err != nil:
		t.Errorf("%s: %v, want a copy", name, err)
		return false
	case c.code == "":
		return true
	case !errors.As(err, &refused) || refused.Code != c.code:
		t.Errorf("%s: %v, want %s", name, err, c.code)
		return false
	}
	for _, part := range c.message {
		if !strings.Contains(refused.Message, part) {
			t.Errorf("%s: the refusal does not say %q: %s", name, part, refused.Message)
		}
	}
	return false
}

// versionGrants counts the versions that need a version grant.
func (w *world) versionGrants(t *testing.T) (n int) {
	t.Helper()
	for _, p := range []arn.Project{w.into, w.source.Project} {
		all, err := w.db.Versions().VersionsBefore(t.Context(), p, nil, customlabels.ProjectVersion{}, 100)
		must(t, err)
		for _, v := range all {
			if v.Status.HasModel() && v.KMSKey != (arn.Key{}) {
				n++
			}
		}
	}
	return n
}

// destroySource deletes the source, its files, and its key with the material.
func (w *world) destroySource(t *testing.T, key arn.Key) {
	t.Helper()
	must(t, w.db.Versions().Delete(t.Context(), w.source.ARN, time.Now()))
	if key == (arn.Key{}) {
		return
	}
	owner := trusting
	owner.Principal = arn.Root("aws", key.Account)
	_, err := w.kms.ScheduleKeyDeletion(t.Context(), owner, key.ID, 7)
	must(t, err)
	w.ahead = 8 * 24 * time.Hour
	if n, err := w.kms.DeleteExpired(t.Context()); err != nil || n == 0 {
		t.Fatalf("%d keys were deleted, %v; want the source's", n, err)
	}
}

// checkUnder checks that a copy says which key it is under, and that its
// artifacts and its files open with it.
func (w *world) checkUnder(t *testing.T, name string, a arn.ProjectVersion, want arn.Key) {
	t.Helper()
	v := w.version(t, a)
	if v.Status != customlabels.CopyingCompleted || v.KMSKey != want {
		t.Fatalf("%s: the copy is %s (%s) under %s, want it completed under %s", name, v.Status, v.StatusMessage, v.KMSKey, want)
	}
	if want == (arn.Key{}) {
		want, _ = w.kms.ServiceKey(t.Context(), "aws", "us-east-1")
	}
	if v.Bundle.Key != want {
		t.Errorf("%s: the bundle is sealed under %s, want %s", name, v.Bundle.Key, want)
	}
	key, err := w.vault.Unlock(t.Context(), v.ARN, v.Bundle)
	if err != nil {
		t.Fatalf("%s: unlock the copy: %v", name, err)
	}
	for _, artifact := range v.Bundle.Artifacts {
		body, err := w.vault.Open(t.Context(), key, artifact)
		plain := weights
		if artifact.Role.IsResult() {
			plain = results[artifact.Role]
		}
		if got := readAll(t, body, err); got != plain {
			t.Errorf("%s: the copy's %s is %q, want %q", name, artifact.Role, got, plain)
		}
	}
	record, err := w.db.Copies().Record(t.Context(), a)
	must(t, err)
	for role, at := range v.Files {
		body, _, err := w.buckets.Get(t.Context(), trusted, objects.Ref{Bucket: at.Bucket, Key: at.Key})
		want := results[role]
		if role == customlabels.CopyRecord {
			want = string(record)
		}
		if got := readAll(t, body, err); got != want {
			t.Errorf("%s: the file of %s holds %q, want %q", name, role, got, want)
		}
	}
}
