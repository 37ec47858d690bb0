package copier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/objects"
	"mimeo/internal/vault"
)

// resealed asks for a copy of the source that is resealed.
func (w *world) resealed(name string) copier.Request {
	req := w.request(name)
	req.Mode = copier.Reseal
	return req
}

func TestAResealedCopyHasBlobsOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.resealed("c1"))
	w.drain(t)
	for _, a := range w.version(t, v).Bundle.Artifacts {
		from, ok := w.source.Bundle.Artifact(a.Role)
		if !ok || from.Digest == a.Digest || from.Plain != a.Plain {
			t.Errorf("the copy's %s is %s of %s, the source's %s of %s", a.Role, a.Digest, a.Plain, from.Digest, from.Plain)
		}
	}
	w.checkStaged(t, 0)
	w.checkCompleted(t, v)
}

func TestTheModeIsTheRequestsThenTheAccountsThenTheServers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ request, account, server, want copier.Mode }{
		"nobody says it":         {"", "", "", copier.Share},
		"the server":             {"", "", copier.Reseal, copier.Reseal},
		"the account":            {"", copier.Share, copier.Reseal, copier.Share},
		"the request":            {copier.Reseal, copier.Share, copier.Share, copier.Reseal},
		"the request to share":   {copier.Share, copier.Reseal, copier.Reseal, copier.Share},
		"the account to reseal":  {"", copier.Reseal, "", copier.Reseal},
		"the request, otherwise": {copier.Reseal, "", "", copier.Reseal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Mode = test.server
			w.setAccountMode(t, test.account)
			req := w.request("c1")
			req.Mode = test.request
			e, err := w.Explain(t.Context(), trusted, req)
			if err != nil || e.Plan == nil || e.Plan.Mode != test.want {
				t.Errorf("the plan is %+v (%v), want the mode %s", e.Plan, err, test.want)
			}
			v := w.start(t, req)
			w.drain(t)
			a, _ := w.version(t, v).Bundle.Artifact(customlabels.Weights)
			from, _ := w.source.Bundle.Artifact(customlabels.Weights)
			if resealed := a.Digest != from.Digest; resealed != (test.want == copier.Reseal) {
				t.Errorf("the copy has a blob of its own: %v; want it made by %s", resealed, test.want)
			}
		})
	}
}

// TestARateLimitIsForAResealOnly: a copy that shares refuses it, wherever its
// mode comes from, and tells so to those only who may copy.
func TestARateLimitIsForAResealOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request, account, server copier.Mode
		want                     error
	}{
		"nobody says the mode": {"", "", "", customlabels.InvalidParameter},
		"the request shares":   {copier.Share, copier.Reseal, copier.Reseal, customlabels.InvalidParameter},
		"the account shares":   {"", copier.Share, copier.Reseal, customlabels.InvalidParameter},
		"the server shares":    {"", "", copier.Share, customlabels.InvalidParameter},
		"the request reseals":  {copier.Reseal, copier.Share, "", nil},
		"the account reseals":  {"", copier.Reseal, "", nil},
		"the server reseals":   {"", "", copier.Reseal, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Mode = test.server
			w.setAccountMode(t, test.account)
			req := w.request("c1")
			req.Mode, req.RateLimit = test.request, copier.MinRateLimit
			if e, err := w.Explain(t.Context(), trusted, req); err != nil || e.Allowed != (test.want == nil) {
				t.Errorf("explained: %+v, %v", e, err)
			}
			if _, err := w.Start(t.Context(), trusted, req); !errors.Is(err, test.want) {
				t.Errorf("started: %v, want %v", err, test.want)
			}
			if _, err := w.Start(t.Context(), session, req); !errors.Is(err, customlabels.AccessDenied) {
				t.Errorf("one who may not copy is told: %v", err)
			}
		})
	}
}

func (w *world) setAccountMode(t *testing.T, m copier.Mode) {
	t.Helper()
	if m == "" {
		return
	}
	people, err := identity.New(w.db.Identity(), envelope.NewKey(), time.Now)
	must(t, err)
	_, err = people.CreateAccount(t.Context(), trusted.Principal.Account)
	must(t, errors.Join(err, w.db.Copies().SetAccountMode(t.Context(), trusted.Principal.Account, m)))
}

func TestDamagedArtifactsAreNotResealed(t *testing.T) {
	t.Parallel()
	for _, role := range []customlabels.Role{customlabels.Weights, customlabels.ManifestSummary} {
		w := newWorld(t)
		w.loseBlob(t, role)
		v := w.start(t, w.resealed("c1"))
		w.drain(t)
		w.checkFailed(t, v, "failed at the source, resealing the artifact "+string(role)+": the stored artifact is damaged")
		w.checkStaged(t, 0)
		w.checkBlobs(t)
	}
}

// big is a model that is sealed in several blocks.
func big(t *testing.T) *world {
	t.Helper()
	model := bytes.Repeat([]byte("a model of some size "), 6<<20/21)
	w := newWorldOf(t, map[customlabels.Role]string{customlabels.Weights: string(model), customlabels.ManifestSummary: "{}"})
	w.Interval = 1 // a checkpoint after every block
	return w
}

// TestACutResealGoesOnWhereItWas: every write of a block fails once, in turn.
// What is written twice is that block alone.
func TestACutResealGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w := big(t)
	weak := &weakStaging{Store: w.vault.Blobs}
	w.vault.Blobs = weak
	v := w.start(t, w.resealed("c1"))
	w.drain(t)
	w.checkSame(t, v)
	a, _ := w.source.Bundle.Artifact(customlabels.Weights)
	if got := weak.written.Load(); weak.cuts.Load() < 5 || got > a.Size+1<<20 {
		t.Errorf("after %d cuts %d bytes were written for %d", weak.cuts.Load(), got, a.Size)
	}
}

// weakStaging fails every second write before it is made.
type weakStaging struct {
	blob.Store
	calls, cuts, written atomic.Int64
}

func (s *weakStaging) Stage(ctx context.Context, name digest.Digest, keep int64) (blob.Staging, error) {
	w, err := s.Store.Stage(ctx, name, keep)
	return weakWriter{w, s}, err
}

type weakWriter struct {
	blob.Staging
	s *weakStaging
}

func (w weakWriter) Write(p []byte) (int, error) {
	if w.s.calls.Add(1)%2 == 0 {
		w.s.cuts.Add(1)
		return 0, errFault
	}
	n, err := w.Staging.Write(p)
	w.s.written.Add(int64(n))
	return n, err
}

// TestALongResealIsDoneInSlices: no attempt works for longer than its slice,
// and none counts as a failure.
func TestALongResealIsDoneInSlices(t *testing.T) {
	t.Parallel()
	w := big(t)
	w.Slice = time.Nanosecond
	counted := &countingVault{Vault: w.Vault}
	w.Vault = counted
	v := w.start(t, w.resealed("c1"))
	options := impatient
	options.Failures = 1
	w.engine.Drain(t, options, w.Workers()...)
	w.checkSame(t, v)
	if n := counted.reseals.Load(); n < 6 {
		t.Errorf("the reseal took %d slices, want one for each of the 6 blocks and the end", n)
	}
}

type countingVault struct {
	copier.Vault
	reseals atomic.Int64
}

func (v *countingVault) Reseal(ctx context.Context, r vault.Reseal) (customlabels.Artifact, error) {
	v.reseals.Add(1)
	return v.Vault.Reseal(ctx, r)
}

func TestTheRateOfAResealIsBounded(t *testing.T) {
	t.Parallel()
	w := big(t)
	req := w.resealed("c1")
	req.RateLimit = 10 << 20
	begin := time.Now()
	v := w.start(t, req)
	w.drain(t)
	if took := time.Since(begin); took < 550*time.Millisecond {
		t.Errorf("6 MiB at 10 MiB/s took %s", took)
	}
	w.checkSame(t, v)
}

// TestTheRateOfASmallModelIsBoundedToo: also of one that is a single block.
func TestTheRateOfASmallModelIsBoundedToo(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, map[customlabels.Role]string{customlabels.Weights: strings.Repeat("small", 20<<10)})
	req := w.resealed("c1")
	req.RateLimit = 200 << 10
	begin := time.Now()
	v := w.start(t, req)
	w.drain(t)
	if took := time.Since(begin); took < 450*time.Millisecond {
		t.Errorf("100 KiB at 200 KiB/s took %s", took)
	}
	w.checkSame(t, v)
}

// TestACopyIsItsSourceWhateverTheMode: of random bundles under any key, in
// either mode and to any key, the copy opens to the same bytes, its files hold them, and
// nothing at the source has changed.
func TestACopyIsItsSourceWhateverTheMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.newProject(t, trusting, "random")
	w.allow(t, from, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"555555555555"},
		"Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`)
	keys := map[string]arn.Key{}
	for name, key := range sourceKeys {
		keys[name] = key(w)
	}
	shared := w.newKeyWith(t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusted}, fourActions...))
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w.contents = map[customlabels.Role]string{customlabels.Weights: content(rt)}
		for _, role := range rapid.SliceOfDistinct(rapid.SampledFrom(customlabels.ResultRoles), rapid.ID).Draw(rt, "roles") {
			w.contents[role] = content(rt)
		}
		w.sourceKey = keys[rapid.SampledFrom(sortedKeys(keys)).Draw(rt, "key of the source")]
		source := w.train(t, from, fmt.Sprint("random", n))
		defer w.remove(t, source.ARN)
		sourceBefore, blobsBefore := w.version(t, source.ARN), w.blobDigests(t)
		grantsBefore := w.grants(t)
		req := w.request(fmt.Sprint("copy", n))
		req.SourceProject, req.Source = from, source.ARN
		req.Mode = drawMode(rt)
		req.KMSKeyID = rapid.SampledFrom([]string{"", w.key.String(), shared.String()}).Draw(rt, "key")
		v := w.start(t, req)
		defer w.remove(t, v)
		w.drain(t)
		w.checkSame(t, v)
		if diff := cmp.Diff(sourceBefore, w.version(t, source.ARN)); diff != "" {
			rt.Errorf("the source changed:\n%s", diff)
		}
		blobs, grants := w.blobDigests(t), w.grants(t)
		for _, d := range blobsBefore {
			if !slices.Contains(blobs, d) {
				rt.Errorf("the blob %s is gone", d)
			}
		}
		for _, g := range grantsBefore {
			if !slices.Contains(grants, g) {
				rt.Errorf("the grant %s is gone", g)
			}
		}
	})
}

// content is of a size around the packages of a sealed stream.
func content(t *rapid.T) string {
	const packageSize = 64 << 10
	size := rapid.SampledFrom([]int{0, 1, 100, packageSize - 1, packageSize, 3*packageSize - 1, 3 * packageSize}).Draw(t, "size")
	return string(bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, size))
}

// checkSame checks that a copy has ended well and holds w.contents.
func (w *world) checkSame(t testing.TB, a arn.ProjectVersion) {
	t.Helper()
	v := w.version(t, a)
	if v.Status != customlabels.CopyingCompleted {
		t.Fatalf("the copy is %s: %s", v.Status, v.StatusMessage)
	}
	key, err := w.vault.Unlock(t.Context(), v.ARN, v.Bundle)
	must(t, err)
	got := map[customlabels.Role]string{}
	for _, artifact := range v.Bundle.Artifacts {
		body, err := w.vault.Open(t.Context(), key, artifact)
		got[artifact.Role] = readAll(t, body, err)
		if at, ok := v.Files[artifact.Role]; ok {
			body, _, err := w.buckets.Get(t.Context(), trusted, objects.Ref{Bucket: at.Bucket, Key: at.Key})
			if file := readAll(t, body, err); file != got[artifact.Role] {
				t.Errorf("the file of %s has %d bytes, the artifact %d others", artifact.Role, len(file), len(got[artifact.Role]))
			}
		}
	}
	if !maps.Equal(got, w.contents) {
		t.Errorf("the copy opens to %d artifacts other than the source's %d", len(got), len(w.contents))
	}
	w.checkStaged(t, 0)
}

func (w *world) remove(t testing.TB, v arn.ProjectVersion) {
	t.Helper()
	must(t, w.db.Versions().Delete(t.Context(), v, time.Now()))
}

func (w *world) checkStaged(t testing.TB, want int) {
	t.Helper()
	staged := 0
	for _, err := range w.blobs.Staged(t.Context()) {
		must(t, err)
		staged++
	}
	if staged != want {
		t.Errorf("%d blobs are staged, want %d", staged, want)
	}
}

func (w *world) blobDigests(t testing.TB) []digest.Digest {
	t.Helper()
	var all []digest.Digest
	for info, err := range w.blobs.List(t.Context()) {
		must(t, err)
		all = append(all, info.Digest)
	}
	return all
}

// checkBlobs checks that there are no blobs but the source's.
func (w *world) checkBlobs(t testing.TB) {
	t.Helper()
	if got := w.blobDigests(t); len(got) != len(w.source.Bundle.Artifacts) {
		t.Errorf("%d blobs are stored, want the source's %d", len(got), len(w.source.Bundle.Artifacts))
	}
}

func (w *world) grants(t testing.TB) []string {
	t.Helper()
	live, err := w.kms.LiveGrants(t.Context(), vault.VersionGrantPrefix)
	must(t, err)
	var ids []string
	for _, g := range live {
		ids = append(ids, g.ID)
	}
	return ids
}
