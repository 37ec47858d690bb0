package copier_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/proof"
)

// raw is the database without the store.
func (w *world) raw(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "mimeo.db")+"?_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)")
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// set changes a column of one row, calls look, and puts the value back.
func set(t *testing.T, db *sql.DB, table, column, where, to string, look func()) {
	t.Helper()
	exec := func(query string, args ...any) {
		result, err := db.ExecContext(t.Context(), query, args...)
		must(t, err)
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			t.Fatalf("%s: %d rows, %v", query, n, err)
		}
	}
	var before any
	must(t, db.QueryRowContext(t.Context(), "SELECT "+column+" FROM "+table+" WHERE "+where).Scan(&before))
	exec("UPDATE " + table + " SET " + column + " = " + to + " WHERE " + where)
	look()
	exec("UPDATE "+table+" SET "+column+" = $1 WHERE "+where, before)
}

// TestAChangedRowIsFoundAndNamed changes each column of a copy's row that
// nothing changes in its life.
func TestAChangedRowIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	db := w.raw(t)
	for _, c := range []struct{ column, to, named string }{
		{"f1", "f1 + 0.125", "F1 score"},
		{"base_model", "'another'", "base model"},
		{"training_ended", "training_ended + 1", "end of training"},
		{"output_bucket", "'trusted-elsewhere'", "output bucket"},
		{"output_prefix", "'elsewhere'", "output prefix"},
		{"files", "replace(files, 'EvaluationResultSummary-copies', 'EvaluationResultSummary-others')", "place of the file EvaluationResultSummary"},
		{"files", "replace(files, 'CopyRecord-copies', 'CopyRecord-others')", "place of the file CopyRecord"},
		{"files", `replace(files, '{"', '{"More":{"bucket":"b"},"')`, "number of files"},
		{"version_grant", "'another'", "stored version grant"},
		{"version_grant", "'another'", "version grant"},
		{"version_grant", "''", "version grant"},
		{"created", "created + 1", "creation time"},
		{"kms_key", "''", "KMS key"},
		{"sealing_key", "replace(sealing_key, '555555555555', '000000000000')", "destination key"},
		{"project", "'" + w.source.Project.String() + "'", "destination project"},
		{"source", "replace(source, 'v1', 'v2')", "source version"},
		{"description", "'better'", "what a training alone has"},
		{"billable_seconds", "1", "what a training alone has"},
		{"input", `'{"autoCreate":true}'`, "what a training alone has"},
	} {
		set(t, db, "versions", c.column, "arn = '"+v.String()+"'", c.to, func() { w.wantWrong(t, v, c.column+" = "+c.to, c.named) })
	}
	w.wantSound(t, v)
}

// wantWrong wants a problem whose name is, or begins with, named.
func (w *world) wantWrong(t *testing.T, v arn.ProjectVersion, what, named string) {
	t.Helper()
	report, err := w.proof.Verify(t.Context(), v, nil)
	must(t, err)
	for _, f := range report.Findings {
		if f.Problem != "" && strings.HasPrefix(f.What, named) {
			return
		}
	}
	t.Errorf("%s: no finding names the %s: %+v", what, named, problems(report))
}

func problems(r *proof.Report) (all []proof.Finding) {
	for _, f := range r.Findings {
		if f.Problem != "" {
			all = append(all, f)
		}
	}
	return all
}

// TestARevokedVersionGrantIsNamed: without it the copy cannot be started.
func TestARevokedVersionGrantIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	service := arn.Caller{Principal: customlabels.Principal, Region: "us-east-1"}
	must(t, w.kms.RetireGrant(t.Context(), service, w.key, w.version(t, v).Bundle.Grant))
	report, err := w.proof.Verify(t.Context(), v, nil)
	must(t, err)
	if f := finding(report, "version grant"); !report.Sound() || !strings.Contains(f.Changed, "was revoked since") {
		t.Errorf("a revoked grant is found %+v of a version that is sound: %v", f, report.Sound())
	}
}

// TestAChangedTombstoneIsFoundAndNamed changes what remains of the versions
// that a copy comes from, when all of them are deleted.
func TestAChangedTombstoneIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.copyOfCopy(t)
	must(t, w.db.Versions().Delete(t.Context(), first, time.Now()))
	w.deleteSource(t)
	db := w.raw(t)
	weights, _ := w.source.Bundle.Artifact(customlabels.Weights)
	other := strings.Repeat("0", 64)
	for _, of := range []arn.ProjectVersion{first, w.source.ARN} {
		for _, c := range []struct{ column, to, named string }{
			{"digests", "replace(digests, '" + weights.Plain.String() + "', '" + other + "')", "digest of the plain bytes of weights"},
			{"digests", "replace(digests, '" + weights.Digest.String() + "', '" + other + "')", "digest of weights"},
			{"digests", "'{}'", "number of artifacts"},
			{"project", "replace(project, '/1', '/2')", "project"},
			{"source", "'" + second.String() + "'", "source"},
			{"created", "created + 1", "creation time"},
			{"kms_key", "replace(kms_key, 'key/', 'key/0')", map[bool]string{true: "KMS key", false: "digest of the KMS key"}[of == first]},
		} {
			set(t, db, "tombstones", c.column, "arn = '"+of.String()+"'", c.to, func() {
				w.wantWrong(t, second, "the tombstone's "+c.column+" = "+c.to, c.named+" of the source "+of.String())
			})
		}
	}
	w.wantSound(t, second)
	_, err := db.ExecContext(t.Context(), "DELETE FROM tombstones WHERE arn = $1", first.String())
	must(t, err)
	w.wantWrong(t, second, "a lost tombstone", "tombstone of the source "+first.String())
}
