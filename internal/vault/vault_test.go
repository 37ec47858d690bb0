package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/blob/mem"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/vault"
)

var (
	source      = arn.Caller{Principal: arn.Root("aws", "111122223333"), Region: "us-east-1"}
	destination = arn.Caller{Principal: arn.Root("aws", "555555555555"), Region: "us-east-1"}
)

// rooted gives every account's root the whole of its account.
type rooted struct{}

func (rooted) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	return policy.Subject{Principal: caller.Principal, Identity: []policy.Policy{policy.FullAccess(caller.Principal.Account)}}, nil
}

// Nobody here has a unique id: a policy is stored as it is written.
func (rooted) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (rooted) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

func version(of arn.Caller, name string) arn.ProjectVersion {
	return arn.Project{Namespace: of.Namespace(), Name: "p", Stamp: "1"}.Version(name, "2")
}

type fixture struct {
	*vault.Vault
	kms *kms.Service
}

func newFixture(t testing.TB) fixture {
	t.Helper()
	return newFixtureWith(t, rooted{})
}

func newFixtureWith(t testing.TB, permissions kms.Permissions) fixture {
	t.Helper()
	db := sqlstoretest.Open(t)
	keys := kms.New(db.KMS(), envelope.NewKey(), permissions, time.Now)
	return fixture{&vault.Vault{Keys: keys, Blobs: mem.New()}, keys}
}

func (f fixture) key(t *testing.T, of arn.Caller) arn.Key {
	t.Helper()
	k, err := f.kms.CreateKey(t.Context(), of, kms.NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	return k.ARN
}

func (f fixture) prepare(t testing.TB, caller arn.Caller, keyID string, v arn.ProjectVersion) vault.KeyUse {
	t.Helper()
	use, err := f.Prepare(t.Context(), caller, keyID, v)
	if err != nil {
		t.Fatalf("prepare %q for %s: %v", keyID, v, err)
	}
	return use
}

func (f fixture) newKey(t testing.TB, v arn.ProjectVersion, use vault.KeyUse) vault.VersionKey {
	t.Helper()
	k, err := f.NewVersionKey(t.Context(), v, use)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (f fixture) seal(t *testing.T, k vault.VersionKey, role customlabels.Role, plain string) customlabels.Artifact {
	t.Helper()
	a, err := f.Seal(t.Context(), k, role, strings.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (f fixture) read(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (string, error) {
	r, err := f.Open(ctx, k, a)
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(r)
	return string(plain), errors.Join(err, r.Close())
}

func (f fixture) liveGrants(t *testing.T) (jobs, versions int) {
	t.Helper()
	for prefix, n := range map[string]*int{vault.JobGrantPrefix: &jobs, vault.VersionGrantPrefix: &versions} {
		live, err := f.kms.LiveGrants(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		*n = len(live)
	}
	return jobs, versions
}

// TestACopyOpensWithItsOwnKeyAlone is the heart of a copy: after the rewrap
// the source's key may be gone.
func TestACopyOpensWithItsOwnKeyAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v, c := version(source, "v"), version(destination, "c")
	sourceKey := f.key(t, source)
	use := f.prepare(t, source, sourceKey.String(), v)
	from := f.newKey(t, v, use)
	a := f.seal(t, from, customlabels.Weights, "weights")

	copyUse := f.prepare(t, destination, f.key(t, destination).String(), c)
	to := f.newKey(t, c, copyUse)
	moved, err := vault.Rewrap(from, to, a)
	if err != nil {
		t.Fatal(err)
	}
	if moved.Digest != a.Digest || bytes.Equal(moved.WrappedKey, a.WrappedKey) {
		t.Errorf("rewrapping gives %+v of %+v: the blob must stay and its key must not", moved, a)
	}
	if err := f.Release(t.Context(), copyUse); err != nil {
		t.Fatal(err)
	}
	if err := f.kms.DisableKey(t.Context(), source, sourceKey.String()); err != nil {
		t.Fatal(err)
	}
	bundle := customlabels.Bundle{VersionKey: to.Wrapped, Key: copyUse.Key, Grant: copyUse.VersionGrant}
	opened, err := f.Unlock(t.Context(), c, bundle)
	if err != nil {
		t.Fatalf("unlock the copy: %v", err)
	}
	if got, err := f.read(t.Context(), opened, moved); err != nil || got != "weights" {
		t.Errorf("the copy holds %q, %v; want the weights", got, err)
	}
	if _, err := f.Unlock(t.Context(), v, customlabels.Bundle{VersionKey: from.Wrapped, Key: use.Key}); !errors.Is(err, kms.Disabled) {
		t.Errorf("unlocking the source with its key disabled: %v, want %s", err, kms.Disabled)
	}
}

func TestArtifactsAreBoundToVersionAndRole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v, w := version(source, "v"), version(source, "w")
	one, two := f.newKey(t, v, f.prepare(t, source, "", v)), f.newKey(t, w, f.prepare(t, source, "", w))
	a := f.seal(t, one, customlabels.Weights, "weights")
	otherRole := a
	otherRole.Role = customlabels.ManifestSummary
	for name, attempt := range map[string]func() (string, error){
		"another version's key": func() (string, error) { return f.read(t.Context(), two, a) },
		"another role":          func() (string, error) { return f.read(t.Context(), one, otherRole) },
	} {
		got, err := attempt()
		if !errors.Is(err, envelope.ErrNotAuthentic) || !vault.IsKeyDamage(err) || vault.IsDamage(err) {
			t.Errorf("opening with %s: %q, %v; want ErrNotAuthentic, of the key and not of the blob", name, got, err)
		}
	}
	// A wrapped version key is of use for its own version only.
	if _, err := f.Unlock(t.Context(), w, customlabels.Bundle{VersionKey: one.Wrapped, Key: f.prepare(t, source, "", v).Key}); !errors.Is(err, kms.InvalidCiphertext) || !vault.IsKeyDamage(err) {
		t.Errorf("unlocking another version's key: %v, want %s, and the key damaged", err, kms.InvalidCiphertext)
	}
}

// The statements that AWS recommends for the users of a service: the key is
// theirs through the service alone, and grants are for the service's own use.
func TestAKeyForOneServiceIsEnough(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	k, err := f.kms.CreateKey(t.Context(), destination, kms.NewKey{SkipLockoutCheck: true, Policy: `{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Principal":{"AWS":"555555555555"},"Action":["kms:DescribeKey","kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*",
	  "Condition":{"StringEquals":{"kms:ViaService":"rekognition.us-east-1.amazonaws.com"}}},
	 {"Effect":"Allow","Principal":{"AWS":"555555555555"},"Action":"kms:CreateGrant","Resource":"*",
	  "Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"},"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","GenerateDataKey"]},"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}}}]}`})
	if err != nil {
		t.Fatal(err)
	}
	v := version(destination, "v")
	use := f.prepare(t, destination, k.ARN.String(), v)
	f.newKey(t, v, use)
	if _, err := f.kms.GenerateDataKey(t.Context(), destination, k.ARN.String(), nil); !errors.Is(err, kms.AccessDenied) {
		t.Errorf("used directly: %v, want AccessDenied", err)
	}
}

func TestGrantsEndWithWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v := version(source, "v")
	use := f.prepare(t, source, f.key(t, source).String(), v)
	check := func(when string, wantJobs, wantVersions int) {
		t.Helper()
		if jobs, versions := f.liveGrants(t); jobs != wantJobs || versions != wantVersions {
			t.Errorf("%s there are %d job and %d version grants, want %d and %d", when, jobs, versions, wantJobs, wantVersions)
		}
	}
	check("after Prepare", 1, 1)
	if err := errors.Join(f.Release(t.Context(), use), f.Release(t.Context(), use)); err != nil {
		t.Fatal(err)
	}
	check("after Release", 0, 1)
	if _, err := f.NewVersionKey(t.Context(), v, use); !errors.Is(err, kms.AccessDenied) {
		t.Errorf("making a version key without the job grant: %v, want %s", err, kms.AccessDenied)
	}
	if err := errors.Join(f.Abandon(t.Context(), use), f.Abandon(t.Context(), use)); err != nil {
		t.Fatal(err)
	}
	check("after Abandon", 0, 0)
}

// TestARefusedRequestAbandonsItsOwnGrants has two requests for one version,
// as two that come in the same millisecond are, of which one is refused.
func TestARefusedRequestAbandonsItsOwnGrants(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v, key := version(source, "v"), f.key(t, source).String()
	accepted, refused := f.prepare(t, source, key, v), f.prepare(t, source, key, v)
	if err := f.Abandon(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	k := f.newKey(t, v, accepted)
	if err := f.Release(t.Context(), accepted); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Unlock(t.Context(), v, customlabels.Bundle{VersionKey: k.Wrapped, Key: accepted.Key}); err != nil {
		t.Errorf("unlocking under the version grant: %v", err)
	}
}

// one is the only version that there is, where its status is not empty.
type one customlabels.ProjectVersion

func (o one) Version(_ context.Context, v arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	if v != o.ARN || o.Status == "" {
		return customlabels.ProjectVersion{}, customlabels.ResourceNotFound
	}
	return customlabels.ProjectVersion(o), nil
}

// TestSweepRetiresWhatNoVersionNeeds: two requests took the right to a key for
// one version, of which the first made it, and a cut left all that it could.
func TestSweepRetiresWhatNoVersionNeeds(t *testing.T) {
	t.Parallel()
	for status, test := range map[customlabels.Status]struct{ jobs, lastings int }{ // that stay
		"":                              {0, 0},
		customlabels.TrainingInProgress: {2, 2}, // which of the two is the job's is not known yet
		customlabels.CopyingInProgress:  {2, 2},
		customlabels.Running:            {0, 1},
		customlabels.Deleting:           {0, 1},
		customlabels.CopyingFailed:      {0, 0},
	} {
		t.Run("status "+string(status), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			v, key := version(source, "v"), f.key(t, source).String()
			accepted := f.prepare(t, source, key, v)
			f.prepare(t, source, key, v)
			stands := one{ARN: v, Status: status}
			if status.HasModel() || status == customlabels.Deleting {
				stands.Bundle.Grant = accepted.VersionGrant
			}
			foreign := kms.GrantRequest{KeyID: key, Grantee: destination.Principal, Operations: []kms.Operation{kms.DecryptOperation}, Name: vault.JobGrantPrefix + v.String()}
			if _, err := f.kms.CreateGrant(t.Context(), source, foreign); err != nil {
				t.Fatal(err)
			}
			swept, err := vault.SweepGrants(t.Context(), f.kms, stands, time.Now())
			if want := 4 - test.jobs - test.lastings; swept != want || err != nil {
				t.Errorf("%d grants were swept, %v; want %d", swept, err, want)
			}
			if jobs, lastings := f.liveGrants(t); jobs != test.jobs+1 || lastings != test.lastings {
				t.Errorf("%d job and %d version grants stay, want %d, of which one is foreign, and %d", jobs, lastings, test.jobs+1, test.lastings)
			}
		})
	}
}

func TestKeysThatCannotSealAreRefusedInRekognitionsWords(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	disabled, foreign := f.key(t, source), f.key(t, destination)
	if err := f.kms.DisableKey(t.Context(), source, disabled.String()); err != nil {
		t.Fatal(err)
	}
	elsewhere := disabled
	elsewhere.Region = "eu-west-1"
	signs, err := f.kms.CreateKey(t.Context(), source, kms.NewKey{Spec: kms.ECCNISTP256})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		keyID string
		want  error
	}{
		"unknown":        {"11111111-2222-3333-4444-555555555555", customlabels.InvalidParameter},
		"no key":         {"alias/nobody", customlabels.InvalidParameter},
		"disabled":       {disabled.String(), customlabels.InvalidParameter},
		"another region": {elsewhere.String(), customlabels.InvalidParameter},
		"asymmetric":     {signs.ARN.String(), customlabels.InvalidParameter},
		"another's":      {foreign.String(), customlabels.AccessDenied},
	} {
		if use, err := f.Prepare(t.Context(), source, test.keyID, version(source, "v")); !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, %v; want %v", name, use, err, test.want)
		}
	}
	if jobs, versions := f.liveGrants(t); jobs+versions != 0 {
		t.Errorf("refusals leave %d job and %d version grants", jobs, versions)
	}
}

func TestDamageIsNotCopied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v := version(source, "v")
	k := f.newKey(t, v, f.prepare(t, source, "", v))
	a := f.seal(t, k, customlabels.Weights, strings.Repeat("weights", 1<<14))
	if err := f.Verify(t.Context(), a); err != nil {
		t.Fatalf("verify: %v", err)
	}
	whole := f.Blobs
	f.Blobs = damaged{whole}
	if err := f.Verify(t.Context(), a); !errors.Is(err, digest.ErrMismatch) {
		t.Errorf("verifying a damaged blob: %v, want ErrMismatch", err)
	}
	if _, err := f.read(t.Context(), k, a); err == nil {
		t.Error("a damaged artifact is read to its end")
	}
	if err := whole.Delete(t.Context(), a.Digest); err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(t.Context(), a); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("verifying a missing blob: %v, want ErrNotFound", err)
	}
}

// damaged flips the last bit of every blob.
type damaged struct{ blob.Store }

func (d damaged) Open(ctx context.Context, name digest.Digest) (blob.Blob, error) {
	b, err := d.Store.Open(ctx, name)
	return flipped{b}, err
}

type flipped struct{ blob.Blob }

func (f flipped) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.Blob.ReadAt(p, off)
	if n > 0 && off+int64(n) == f.Size() {
		p[n-1] ^= 1
	}
	return n, err
}

// TestASlowResealIsDurableNowAndAgain: whoever is told can stop in time, and
// loses little where it is cut.
func TestASlowResealIsDurableNowAndAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v, copied := version(source, "v1"), version(source, "v2")
	from := f.newKey(t, v, f.prepare(t, source, "", v))
	to := f.newKey(t, copied, f.prepare(t, source, "", copied))
	a := f.seal(t, from, customlabels.Weights, strings.Repeat("weights", 1<<20))
	s, err := f.NewSealing(to, a.Role)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		const longest = 2 * time.Minute
		begun := time.Now()
		last := begun
		told := func(context.Context, int64) error {
			if took := time.Since(last); took > longest {
				t.Errorf("for %s nothing was made durable, want %s at most", took, longest)
			}
			last = time.Now()
			return nil
		}
		_, err := f.Reseal(t.Context(), vault.Reseal{From: from, To: to, Source: a, Sealing: s, Rate: 16 << 10, Moved: func(int64) {}, Durable: told})
		if err := errors.Join(err, told(t.Context(), a.Size)); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took < 2*longest {
			t.Errorf("the reseal took %s: too little for this test", took)
		}
	})
}
