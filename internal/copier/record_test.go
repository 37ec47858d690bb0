package copier_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/objects"
	"mimeo/internal/proof"
	"mimeo/internal/record"
)

// checkRecord checks that a copy's record proves it, and is beside its results.
func (w *world) checkRecord(t testing.TB, v customlabels.ProjectVersion) {
	t.Helper()
	w.wantSound(t, v.ARN)
	kept, err := w.db.Copies().Record(t.Context(), v.ARN)
	must(t, err)
	at := v.Files[customlabels.CopyRecord]
	body, _, err := w.buckets.Get(t.Context(), trusted, objects.Ref{Bucket: at.Bucket, Key: at.Key})
	if got := readAll(t, body, err); got != string(kept) || got == "" {
		t.Errorf("the record in the bucket is %q, the version has %q", got, kept)
	}
	if want := "copied/CopyRecord-copies-" + v.ARN.Name + ".json"; at.Key != want {
		t.Errorf("the record is at %s, want it at %s", at.Key, want)
	}
}

func (w *world) wantSound(t testing.TB, v arn.ProjectVersion) {
	t.Helper()
	report, err := w.proof.Verify(t.Context(), v, nil)
	must(t, err)
	if !report.Sound() || !report.Unchanged() || len(unchecked(report)) > 0 {
		t.Errorf("verifying %s finds %+v", v, report.Findings)
	}
}

func unchecked(r *proof.Report) (all []proof.Finding) {
	for _, f := range r.Findings {
		if f.Unchecked != "" {
			all = append(all, f)
		}
	}
	return all
}

func (w *world) signed(t testing.TB, v arn.ProjectVersion) *record.Record {
	t.Helper()
	raw, err := w.db.Copies().Record(t.Context(), v)
	must(t, err)
	r, err := record.Parse(raw)
	must(t, err)
	return r
}

// copyOfCopy makes a copy, and a copy of that in the same account.
func (w *world) copyOfCopy(t testing.TB) (first, second arn.ProjectVersion) {
	t.Helper()
	first = w.start(t, w.request("c1"))
	w.drain(t)
	again := w.request("c2")
	again.SourceProject, again.Source = w.into, first
	second = w.start(t, again)
	w.drain(t)
	return first, second
}

func TestARecordSaysWhatWasCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.copyOfCopy(t)
	one, two := w.signed(t, first), w.signed(t, second)
	if one.Source.Version != w.source.ARN || one.Destination.Version != first || one.Destination.Key != w.key || one.Mode != "SHARE" {
		t.Errorf("the record says %+v to %+v by %s", one.Source, one.Destination, one.Mode)
	}
	if one.Source.Key != (arn.Key{}) || one.Source.KeyDigest != digest.Of([]byte(w.sourceKey.String())) {
		t.Errorf("of another account's key the record tells %v and %v, want its digest alone", one.Source.Key, one.Source.KeyDigest)
	}
	if two.Source.Key != w.key || two.Source.Record != one.Digest || one.Source.Record != (digest.Digest{}) {
		t.Errorf("the copy's copy names the key %v and the record %v, want %v and %v", two.Source.Key, two.Source.Record, w.key, one.Digest)
	}
	if one.Caller != trusted.Principal.String() || one.CompletedAt.Before(one.RequestedAt) {
		t.Errorf("the record names %s, %v and %v", one.Caller, one.RequestedAt, one.CompletedAt)
	}
	checks := map[string]bool{}
	for _, g := range one.Decision {
		checks[g.Check] = g.Policy != "" && g.Statement != ""
	}
	if !checks[string(copier.SourcePermission)] || !checks[string(copier.CreatePermission)] {
		t.Errorf("the record grounds the decision on %+v", one.Decision)
	}
	plain := map[customlabels.Role]string{customlabels.Weights: weights}
	for role, content := range results {
		plain[role] = content
	}
	for _, a := range one.Artifacts {
		if want := digest.Of([]byte(plain[a.Role])); a.Plain != want {
			t.Errorf("the plain bytes of %s are said to be %s, want %s", a.Role, a.Plain, want)
		}
	}
	if one.EvaluationSummary != digest.Of([]byte(results[customlabels.EvaluationSummary])) {
		t.Errorf("the summary is said to be %s", one.EvaluationSummary)
	}
}

// TestTheChainOutlivesItsVersions: a copy is proven to the version that was
// trained also when all before it are gone.
func TestTheChainOutlivesItsVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.copyOfCopy(t)
	must(t, w.db.Versions().Delete(t.Context(), first, time.Now()))
	w.deleteSource(t)
	w.wantSound(t, second)
	if _, err := w.proof.Keyring.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantSound(t, second)
}

// TestAKeyThatIsDisabledLeavesTheBlobsToCheck: what cannot be checked is said.
func TestAKeyThatIsDisabledLeavesTheBlobsToCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start(t, w.request("c1"))
	w.drain(t)
	must(t, w.kms.DisableKey(t.Context(), trusted, w.key.String()))
	report, err := w.proof.Verify(t.Context(), first, nil)
	must(t, err)
	// The version key, the artifacts, and the files with the record beside them.
	if got, want := len(unchecked(report)), 1+len(results)+1+len(results)+1; !report.Sound() || got != want {
		t.Errorf("%d findings are open, want %d: %+v", got, want, report.Findings)
	}
}

// TestAFlippedBitIsFoundAndNamed flips a bit in each thing that is stored of a
// copy, and of the copy that it was made from.
func TestAFlippedBitIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.copyOfCopy(t)
	w.wantSound(t, second)
	raw := w.raw(t)

	type place struct{ what, table, column, where, named string }
	places := []place{
		{"the version's key", "versions", "version_key", "arn = '" + second.String() + "'", "version key"},
		{"the source's record", "copy_records", "record", "version = '" + first.String() + "'", "copy record of the source " + first.String()},
		{"the public key", "record_keys", "public", "1 = 1", "copy record"},
	}
	for _, a := range w.version(t, second).Bundle.Artifacts {
		of := "version = '" + second.String() + "' AND role = '" + string(a.Role) + "'"
		places = append(places,
			place{"the digest of " + string(a.Role), "artifacts", "digest", of, string(a.Role)},
			place{"the plain digest of " + string(a.Role), "artifacts", "plain_digest", of, string(a.Role)},
			place{"the wrapped key of " + string(a.Role), "artifacts", "wrapped_key", of, "wrapped key of " + string(a.Role)})
	}
	signed, err := w.db.Copies().Record(t.Context(), second)
	must(t, err)
	ofRecord := "version = '" + second.String() + "'"
	for _, p := range places {
		w.flipEach(t, raw, p.table, p.column, p.where, 7, func(at int) { w.wantNamed(t, second, p.what, p.named, at) })
	}
	w.flipEach(t, raw, "copy_records", "record", ofRecord, 1+len(signed)/200, func(at int) { w.wantNamed(t, second, "the record", "copy record", at) })
	w.wantSound(t, second)
}

// TestACopyCannotPassForATraining: to forget its source is no way around its
// record.
func TestACopyCannotPassForATraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, _ := w.copyOfCopy(t)
	raw := w.raw(t)
	_, err := raw.ExecContext(t.Context(), "UPDATE versions SET source = '' WHERE arn = $1", first.String())
	must(t, err)
	w.wantNamed(t, first, "the source", "copy record", 0)
}

// flipEach flips a bit of every nth byte of a stored value, calls look each
// time, and puts the value back.
func (w *world) flipEach(t *testing.T, db *sql.DB, table, column, where string, n int, look func(at int)) {
	t.Helper()
	var whole []byte
	must(t, db.QueryRowContext(t.Context(), "SELECT CAST("+column+" AS BLOB) FROM "+table+" WHERE "+where).Scan(&whole))
	put := func(value []byte) {
		var stored any = value
		if strings.HasSuffix(column, "digest") {
			stored = string(value) // the column is text
		}
		_, err := db.ExecContext(t.Context(), "UPDATE "+table+" SET "+column+" = $1 WHERE "+where, stored)
		must(t, err)
	}
	for at := 0; at < len(whole); at += n {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << (at % 7)
		put(flipped)
		look(at)
	}
	put(whole)
}

func (w *world) wantNamed(t *testing.T, v arn.ProjectVersion, what, named string, at int) {
	t.Helper()
	report, err := w.proof.Verify(t.Context(), v, nil)
	if err != nil {
		if !strings.Contains(err.Error(), named) {
			t.Errorf("byte %d of %s is changed: %v, which does not name %q", at, what, err, named)
		}
		return
	}
	for _, f := range report.Findings {
		if f.Problem != "" && strings.Contains(f.What, named) {
			return
		}
	}
	t.Errorf("byte %d of %s is changed, and no finding names %q: %+v", at, what, named, report.Findings)
}

// TestAFlippedBitOfABlobIsFoundAndNamed: and what was found is not copied.
func TestAFlippedBitOfABlobIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	for role := range roles() {
		w := newWorld(t)
		first := w.start(t, w.request("c1"))
		w.drain(t)
		w.loseBlob(t, role)
		w.wantNamed(t, first, "the blob", "blob of "+string(role), 0)
		_, err := w.Start(t.Context(), trusted, w.request("c2"))
		if want := "The artifact " + string(role) + " of the project version"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("copying what verify has found damaged: %v, want %q", err, want)
		}
	}
}

func roles() map[customlabels.Role]bool {
	all := map[customlabels.Role]bool{customlabels.Weights: true}
	for role := range results {
		all[role] = true
	}
	return all
}

// TestADamagedBlobIsNeverCopied follows a blob from its damage to its repair.
func TestADamagedBlobIsNeverCopied(t *testing.T) {
	t.Parallel()
	for role := range roles() {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			whole := w.vault.Blobs
			running := w.start(t, w.request("c1"))
			w.loseBlob(t, role)
			scrubbed, err := w.proof.ScrubVersion(t.Context(), trusting, w.source.ARN)
			must(t, err)
			for _, s := range scrubbed {
				if s.Verified != (s.Role != role) {
					t.Errorf("%s is verified: %v", s.Role, s.Verified)
				}
			}
			_, err = w.Start(t.Context(), trusted, w.request("c2"))
			if want := "The artifact " + string(role) + " of the project version"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("copying what is known to be damaged: %v, want %q", err, want)
			}
			w.drain(t)
			w.checkFailed(t, running, "failed at the source, verifying the artifact "+string(role)+": the stored artifact is damaged")

			w.vault.Blobs = whole
			patrol, err := w.proof.Patrol(t.Context(), -time.Hour, unhurried) // everything is due
			if err != nil || len(patrol.Damaged) > 0 || patrol.Blobs != int64(len(w.source.Bundle.Artifacts)) {
				t.Errorf("reading the repaired blobs shows %+v, %v", patrol, err)
			}
			copied := w.start(t, w.request("c3"))
			w.drain(t)
			w.checkCompleted(t, copied)
		})
	}
}

// unhurried lets a scrub read as fast as it can.
func unhurried(context.Context, int64) error { return nil }

// TestABlobThatCannotBeReadDoesNotStopAPatrol: an error of the disk is no
// damage, and no reason to leave the others unread.
func TestABlobThatCannotBeReadDoesNotStopAPatrol(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost, _ := w.source.Bundle.Artifact(customlabels.EvaluationSummary)
	w.vault.Blobs = unreadable{w.vault.Blobs, lost.Digest}
	patrol, err := w.proof.Patrol(t.Context(), -time.Hour, unhurried)
	if want := int64(len(w.source.Bundle.Artifacts) - 1); !errors.Is(err, errFault) || patrol.Blobs != want || len(patrol.Damaged) > 0 {
		t.Errorf("the patrol reads %+v, %v; want %d blobs and the fault", patrol, err, want)
	}
	for _, a := range w.version(t, w.source.ARN).Bundle.Artifacts {
		if !a.DamagedAt.IsZero() {
			t.Errorf("%s is marked as damaged", a.Role)
		}
		if read := a.VerifiedAt.After(w.source.CreatedAt); read != (a.Role != lost.Role) {
			t.Errorf("%s was read: %v", a.Role, read)
		}
	}
}

// unreadable fails to open one blob.
type unreadable struct {
	blob.Store
	of digest.Digest
}

func (u unreadable) Open(ctx context.Context, name digest.Digest) (blob.Blob, error) {
	if name == u.of {
		return nil, errFault
	}
	return u.Store.Open(ctx, name)
}

// forgetReads makes the source's artifacts such that nobody has read in full.
func (w *world) forgetReads(t *testing.T) {
	t.Helper()
	for _, a := range w.source.Bundle.Artifacts {
		a.VerifiedAt = time.Time{}
		must(t, w.db.Versions().MarkVerified(t.Context(), a))
	}
}
