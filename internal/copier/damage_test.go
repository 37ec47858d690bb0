package copier_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"path/filepath"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/vault"
)

// TestADamagedKeyIsNotItsBlobsDamage: two versions share their blobs, and a
// bit of a key in the row of one is flipped. That one is not copied, and says
// why; the other one is.
func TestADamagedKeyIsNotItsBlobsDamage(t *testing.T) {
	t.Parallel()
	for _, mode := range []copier.Mode{copier.Share, copier.Reseal} {
		doing := map[copier.Mode]string{copier.Share: "opening the key of the artifact weights", copier.Reseal: "resealing the artifact weights"}[mode]
		for name, test := range map[string]struct {
			table, column, where string
			failure, key         string
			keeps                func(customlabels.Role) bool // from being opened
		}{
			"artifact key": {
				"artifacts", "wrapped_key", "role = 'weights' AND version",
				doing + ": the stored wrapped key of weights is damaged.", "wrapped key of weights",
				func(r customlabels.Role) bool { return r == customlabels.Weights },
			},
			"version key": {
				"versions", "version_key", "arn",
				"opening the version key with ", "version key",
				func(customlabels.Role) bool { return true },
			},
		} {
			t.Run(string(mode)+" with a damaged "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				twin := w.start(t, w.underServiceKey("c1"))
				w.drain(t)
				w.flipLast(t, test.table, test.column, test.where+" = '"+w.source.ARN.String()+"'")

				req := w.underServiceKey("c2")
				req.Mode = mode
				failed := w.start(t, req)
				w.drain(t)
				w.checkFailed(t, failed, "failed at the source, "+test.failure)
				w.checkFailed(t, failed, "the stored "+test.key+" is damaged. Train the source again, or restore it from a backup.")
				w.checkUndamaged(t, w.source.ARN)
				w.wantNamed(t, w.source.ARN, "the "+name, test.key, 0)
				w.wantScrubbed(t, trusting, w.source.ARN, test.key, test.keeps)
				w.wantScrubbed(t, trusted, twin, "", func(customlabels.Role) bool { return false })
				w.wantSound(t, twin)

				req = w.underServiceKey("c3")
				req.SourceProject, req.Source, req.Mode = w.into, twin, mode
				copied := w.start(t, req)
				w.drain(t)
				w.checkSame(t, copied)
			})
		}
	}
}

// underServiceKey asks for a copy that needs no grant.
func (w *world) underServiceKey(name string) copier.Request {
	req := w.request(name)
	req.KMSKeyID = ""
	return req
}

// flipLast flips a bit of the last byte of a stored value.
func (w *world) flipLast(t *testing.T, table, column, where string) {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "mimeo.db")+"?_pragma=busy_timeout(10000)")
	must(t, err)
	defer func() { must(t, raw.Close()) }()
	var value []byte
	must(t, raw.QueryRowContext(t.Context(), "SELECT "+column+" FROM "+table+" WHERE "+where).Scan(&value))
	_, err = raw.ExecContext(t.Context(), "UPDATE "+table+" SET "+column+" = $1 WHERE "+where, flippedEnd(value))
	must(t, err)
}

func flippedEnd(value []byte) []byte {
	value = bytes.Clone(value)
	value[len(value)-1] ^= 1
	return value
}

// wantScrubbed scrubs a version whose blobs are whole, and checks that the key
// is named of those artifacts alone that it keeps from being opened.
func (w *world) wantScrubbed(t *testing.T, owner arn.Caller, v arn.ProjectVersion, key string, keeps func(customlabels.Role) bool) {
	t.Helper()
	scrubbed, err := w.proof.ScrubVersion(t.Context(), owner, v)
	must(t, err)
	for _, s := range scrubbed {
		want := ""
		if keeps(s.Role) {
			want = key
		}
		if s.DamagedKey != want || s.Verified != (want == "") {
			t.Errorf("the scrub says of %s that %q is damaged, and verified: %v; want %q", s.Role, s.DamagedKey, s.Verified, want)
		}
	}
	w.checkUndamaged(t, v)
}

// checkUndamaged checks that no blob of a version is marked as damaged.
func (w *world) checkUndamaged(t *testing.T, v arn.ProjectVersion) {
	t.Helper()
	for _, a := range w.version(t, v).Bundle.Artifacts {
		if !a.DamagedAt.IsZero() {
			t.Errorf("the blob of %s is marked as damaged at %v", a.Role, a.DamagedAt)
		}
	}
}

// TestWhatIsTheCopysOwnIsDamagedAtTheDestination: its keys, and its blobs where
// it was resealed. Nothing that the source has is marked.
func TestWhatIsTheCopysOwnIsDamagedAtTheDestination(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode   copier.Mode
		damage func(*world) copier.Vault
		want   string
	}{
		"the key that a share has wrapped": {
			copier.Share, func(w *world) copier.Vault { return ownKeys{w.vault} },
			"opening the artifact ManifestSummary: the stored wrapped key of ManifestSummary is damaged.",
		},
		"the key that a reseal seals with": {
			copier.Reseal, func(w *world) copier.Vault { return ownKeys{w.vault} },
			"resealing the artifact ManifestSummary: the stored wrapped key of ManifestSummary is damaged.",
		},
		"the blob when it is read back": {
			copier.Reseal, func(w *world) copier.Vault { return readBackDamaged{w.vault} },
			"reading back the artifact ManifestSummary: the stored artifact is damaged.",
		},
		"the blob when its file is written": {
			copier.Reseal, func(w *world) copier.Vault { return openedDamaged{w.vault} },
			"opening the artifact ManifestSummary: the stored artifact is damaged.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, map[customlabels.Role]string{customlabels.ManifestSummary: "{}"})
			w.Vault = test.damage(w)
			req := w.request("c1")
			req.Mode = test.mode
			v := w.start(t, req)
			w.drain(t)
			w.checkFailed(t, v, "failed at the destination, "+test.want+" Delete this version and copy again.")
			w.checkUndamaged(t, w.source.ARN)
			w.checkBlobs(t)
			w.checkStaged(t, 0)
			w.Vault = w.vault
			again := w.start(t, w.request("c2"))
			w.drain(t)
			w.checkSame(t, again)
		})
	}
}

// ownKeys flips a bit of the keys that a copy has wrapped.
type ownKeys struct{ *vault.Vault }

func (v ownKeys) Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error) {
	a.WrappedKey = flippedEnd(a.WrappedKey)
	return v.Vault.Open(ctx, k, a)
}

func (v ownKeys) Reseal(ctx context.Context, r vault.Reseal) (customlabels.Artifact, error) {
	r.Sealing.WrappedKey = flippedEnd(r.Sealing.WrappedKey)
	return v.Vault.Reseal(ctx, r)
}

// readBackDamaged reads other bytes back than it has stored.
type readBackDamaged struct{ *vault.Vault }

func (v readBackDamaged) ReadBack(ctx context.Context, a customlabels.Artifact, bytesPerSecond int64) error {
	v.Vault = &vault.Vault{Keys: v.Keys, Blobs: damaged{v.Blobs, a.Digest}}
	return v.Vault.ReadBack(ctx, a, bytesPerSecond)
}

// openedDamaged opens other bytes than it has read back.
type openedDamaged struct{ *vault.Vault }

func (v openedDamaged) Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error) {
	v.Vault = &vault.Vault{Keys: v.Keys, Blobs: damaged{v.Blobs, a.Digest}}
	return v.Vault.Open(ctx, k, a)
}
